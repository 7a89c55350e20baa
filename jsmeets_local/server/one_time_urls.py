"""URLs that work once, which keep the launch token off the command line of the browser.

All accounts of a machine can read the process list. A browser is therefore started with `/jsmeetspy/open/NONCE`, which
redirects once to the page; browsers keep the fragment of a redirect, which carries the token.
"""

from __future__ import annotations

import logging
import math
import secrets
import threading
from time import monotonic
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Match, Route
from starlette.types import Scope

from .access_cookie import AccessCookie
from .peer_credentials import is_another_account

__all__ = ["OneTimeUrls", "PageUrls"]

PATH = "jsmeetspy/open/"
OPEN_SECONDS = 60.0  # for a browser to start
MAX_OPEN = 1000  # valid URLs at a time; further ones replace the oldest

_LITERAL = ":/%#?=@[]!$&'()*+,;"  # characters that stay unescaped

logger = logging.getLogger("jsmeets_local")


class _OneTimeUrl:
    __slots__ = ("deadline", "is_local", "is_reusable", "place")

    def __init__(self, place: str, deadline: float, is_local: bool, is_reusable: bool) -> None:
        self.place = place
        self.deadline = deadline  # when it expires for browsers without the access cookie
        self.is_local = is_local  # without a proxy, the browser's account can be determined
        self.is_reusable = is_reusable  # by the browser that has opened it first, which has the cookie


class OneTimeUrls:
    """Valid one-time URLs of one application. Thread-safe.

    Attributes:
        access_cookie: The cookie that `launch(private=True)` requires; `None` otherwise.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all: dict[str, _OneTimeUrl] = {}
        self._route = Route(f"/{PATH}{{nonce}}", self._answer, include_in_schema=False)
        self._route.methods = {"GET"}  # Starlette adds HEAD, which would use up a URL
        self.access_cookie: AccessCookie | None = None
        self._frame_cookie = AccessCookie()  # of the browsers that show iframes, where HTTP requires no cookie

    def begin(self, access_cookie: AccessCookie | None) -> None:
        """Invalidate all URLs of the previous launch."""
        with self._lock:
            self._all.clear()
            self.access_cookie = access_cookie
            self._frame_cookie = AccessCookie()

    def make(self, place: str, is_local: bool = True, seconds: float = OPEN_SECONDS, is_reusable: bool = False) -> str:
        """Return a URL that redirects once to `place`; both are relative to the root of the application.

        If it is reusable, or HTTP requires the access cookie, it sets a cookie: the browser may use the URL again.
        """
        nonce = secrets.token_urlsafe(32)
        with self._lock:
            now = monotonic()
            valid = [(key, url) for key, url in self._all.items() if url.deadline > now or url.is_reusable]
            self._all = dict(valid[1 - MAX_OPEN :])
            is_reusable = is_reusable or self.access_cookie is not None
            self._all[nonce] = _OneTimeUrl(place, now + seconds, is_local, is_reusable)
        return PATH + nonce

    def route(self) -> Route:
        """Return the route of the URLs, for `GET` only."""
        return self._route

    def answers(self, scope: Scope) -> bool:
        """Return whether a request is for this route."""
        return self._route.matches(scope)[0] is Match.FULL

    async def _answer(self, request: Request) -> Response:
        url = self._take(request.path_params["nonce"], request.scope)
        if url is None:
            return HTMLResponse(_USED, 403, {"cache-control": "no-store"})
        # Relative, because a proxy may have removed a prefix that is unknown here.
        target = "../" * PATH.count("/") + quote(url.place, safe=_LITERAL)
        headers = {"location": target, "cache-control": "no-store", "referrer-policy": "no-referrer"}
        if self.access_cookie is not None:
            headers["set-cookie"] = self.access_cookie.cookie(request.scope)
        elif url.is_reusable:
            is_foreign = request.headers.get("sec-fetch-site") == "cross-site"
            headers["set-cookie"] = self._frame_cookie.cookie(request.scope, in_foreign_frame=is_foreign)
        return Response(status_code=303, headers=headers)

    def _take(self, nonce: str, scope: Scope) -> _OneTimeUrl | None:
        url = self._all.get(nonce)
        if url is None:
            return None
        if url.is_local and is_another_account(scope):
            logger.warning("refused to open a page for another account than the one that called launch()")
            return None
        is_known = url.is_reusable and (self.access_cookie or self._frame_cookie).admits(scope)
        return url if self._use_up(nonce, url) or is_known else None

    def _use_up(self, nonce: str, url: _OneTimeUrl) -> bool:
        """Invalidate a URL for browsers without the cookie. Return whether it was valid."""
        with self._lock:
            is_valid = nonce in self._all and url.deadline > monotonic()
            url.deadline = 0.0
            if not url.is_reusable:
                self._all.pop(nonce, None)
            return is_valid


_USED = """\
<!DOCTYPE html>
<title>Address no longer valid</title>
<body style="font: 16px/1.5 sans-serif; max-width: 36em; margin: 3em auto; padding: 0 1em">
<h1>This address is no longer valid</h1>
<p>It opens its page once, within a minute, in the browser that Python started.</p>
<p>To see the page here, open <code>page.url</code>, or call <code>launch()</code> again. In a notebook, run the cell
again.</p>
"""


class PageUrls:
    """URLs of one page. They carry the token, so `repr` must not show them.

    Args:
        one_time_urls: The one-time URLs of the application.
        root: The root of the application for pages of the same host, with a trailing slash.
        public: The root of the application as an absolute URL.
        place: The page relative to the root, with the token in the fragment.
        is_proxied: Whether browsers connect through a proxy.

    Attributes:
        url: The URL to open by hand. In a private launch it admits one browser.
        address: The URL for messages and logs, without secrets.
        title: The title of an iframe: its URL, without secrets.
    """

    def __init__(self, one_time_urls: OneTimeUrls, root: str, public: str, place: str, is_proxied: bool) -> None:
        self._one_time_urls = one_time_urls
        self._root = root
        self._public = public
        self._place = place
        self._is_local = not is_proxied
        self._is_private = one_time_urls.access_cookie is not None
        self.url = public + self._lasting(place)
        self.address = public + place.partition("#")[0]
        self.title = root + place.partition("#")[0]

    def _lasting(self, place: str) -> str:
        return self._one_time_urls.make(place, self._is_local, math.inf) if self._is_private else place

    def fresh(self) -> str:
        """Return a one-time URL to start a browser with."""
        return self._public + self._one_time_urls.make(self._place, self._is_local)

    def told(self) -> str:
        """Return the URL for a program that receives it on a private channel, such as a pipe."""
        return self.fresh() if self._is_private else self.url

    def carried(self) -> str:
        """Return the path of the page for a front end that carries its requests, with the token in the fragment."""
        return "/" + self._lasting(self._place)

    def framed(self) -> tuple[str, str]:
        """Return URLs for an iframe in a document of the same host: the page, and an image to probe the server.

        The document may be saved: the URL of the page admits only the browser that shows the iframe first.
        """
        page = self._one_time_urls.make(self._place, self._is_local, math.inf, is_reusable=True)
        return self._root + page, self._root + self._lasting("jsmeetspy/favicon.svg")
