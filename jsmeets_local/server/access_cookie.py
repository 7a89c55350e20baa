"""Access cookie of `launch(private=True)`: HTTP requests without it are refused.

A browser receives the cookie when it opens a one-time URL. Browsers send the cookies of a host to all of its ports, so
the name of this one includes the port, and it does not open WebSockets: these require the launch token.
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
    """Secret cookie of one launch."""

    def __init__(self) -> None:
        self._value = secrets.token_urlsafe(32)

    def admits(self, scope: Scope) -> bool:
        """Return whether a request carries the cookie."""
        given = cookie_parser(Headers(raw=scope["headers"]).get("cookie", "")).get(_name(scope), "")
        return hmac.compare_digest(given.encode(), self._value.encode())

    def cookie(self, scope: Scope, in_foreign_frame: bool = False) -> str:
        """Return the value of `Set-Cookie` that admits a browser until it is closed.

        Args:
            scope: The request.
            in_foreign_frame: The request is for an iframe in a document of another site: the cookie is for that site's
                documents only.
        """
        root = str(scope.get("root_path", ""))
        path = root if root and ";" not in root else "/"
        secure = "; Secure" if scope.get("scheme") == "https" else ""
        site = "SameSite=None; Secure; Partitioned" if in_foreign_frame else f"SameSite=Strict{secure}"
        return f"{_name(scope)}={self._value}; Path={path}; HttpOnly; {site}"

    async def refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that has no cookie."""
        await HTMLResponse(_PRIVATE, 403, {"cache-control": "no-store"})(scope, receive, send)


def _name(scope: Scope) -> str:
    return f"jsmeets-{(scope.get('server') or ('', 0))[1]}"  # a later launch at the same port replaces it


_PRIVATE = """\
<!DOCTYPE html>
<title>Private</title>
<body style="font: 16px/1.5 sans-serif; max-width: 36em; margin: 3em auto; padding: 0 1em">
<h1>This page is private</h1>
<p>Only the browser that Python opened can see it.</p>
<p>To open it here, get a new address from Python: <code>app.open(mode="none").url</code> admits one browser.</p>
<p>If you followed a link on another site, enter the address of this page by hand.</p>
"""
