"""`launch(private=True)`: HTTP answers only the browsers that have come by an opening address.

Such a browser gets a cookie. Cookies of a host are sent to all of its ports, so this one has a name of its own; and it
opens no WebSocket, which takes the launch token.
"""

from __future__ import annotations

import hmac
import secrets

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import HTMLResponse
from starlette.types import Receive, Scope, Send

__all__ = ["AccessCookie"]


class AccessCookie:
    """Knows the browsers that may come in. One for each launch."""

    def __init__(self) -> None:
        self._value = secrets.token_urlsafe(32)

    def admits(self, scope: Scope) -> bool:
        """Whether a request has the cookie."""
        given = cookie_parser(Headers(raw=scope["headers"]).get("cookie", "")).get(_name(scope), "")
        return hmac.compare_digest(given.encode(), self._value.encode())

    def cookie(self, scope: Scope) -> str:
        """What lets a browser in from now on, until it is closed: the header `Set-Cookie`."""
        root = str(scope.get("root_path", ""))
        path = root if root and ";" not in root else "/"
        secure = "; Secure" if scope.get("scheme") == "https" else ""
        return f"{_name(scope)}={self._value}; Path={path}; HttpOnly; SameSite=Strict{secure}"

    async def refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a browser that has no cookie."""
        await HTMLResponse(_PRIVATE, 403, {"cache-control": "no-store"})(scope, receive, send)


def _name(scope: Scope) -> str:
    return f"jsmeets-{(scope.get('server') or ('', 0))[1]}"  # one for each port: a later launch replaces it


_PRIVATE = """\
<!DOCTYPE html>
<title>Private</title>
<body style="font: 16px/1.5 sans-serif; max-width: 36em; margin: 3em auto; padding: 0 1em">
<h1>This page is private</h1>
<p>It is there for the browser that was led to it by Python.</p>
<p>To see it here, open a page anew: <code>app.open(mode="none").url</code> is good for one browser.</p>
<p>Where a link on a page of another site has led you here, open its address once more, by hand.</p>
"""
