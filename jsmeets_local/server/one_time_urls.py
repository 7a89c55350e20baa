"""Addresses that open a page once: what stands on the command line of a browser, where everybody can read it.

The list of processes is open to all accounts of a machine, and the launch token must not be in it. So a browser is
started with `/jsmeetspy/open/NONCE`, which leads on to the page: a redirect may carry a fragment, and browsers keep it.
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
from starlette.routing import Route
from starlette.types import Scope

from .access_cookie import AccessCookie
from .peer_credentials import is_another_account

__all__ = ["OneTimeUrls", "PageUrls"]

PATH = "jsmeetspy/open/"
OPEN_SECONDS = 60.0  # in which a browser has to start
MAX_OPEN = 1000  # addresses that are good at a time; the oldest go first

_LITERAL = ":/%#?=@[]!$&'()*+,;"  # what addresses may have besides letters

logger = logging.getLogger("jsmeets_local")


class _OneTimeUrl:
    __slots__ = ("deadline", "is_local", "place")

    def __init__(self, place: str, deadline: float, is_local: bool) -> None:
        self.place = place
        self.deadline = deadline  # when it stops being good for a browser that comes anew
        self.is_local = is_local  # no proxy between the browser and us: its account can be looked up


class OneTimeUrls:
    """The addresses of one application that are still good. They are made on any thread.

    Attributes:
        keeper: In private, who lets browsers in.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all: dict[str, _OneTimeUrl] = {}
        self.access_cookie: AccessCookie | None = None

    def begin(self, access_cookie: AccessCookie | None) -> None:
        """The application is served anew: none of the old ones is good any more."""
        with self._lock:
            self._all.clear()
            self.access_cookie = access_cookie

    def make(self, place: str, is_local: bool = True, seconds: float = OPEN_SECONDS) -> str:
        """An address that leads to a place, once and soon; both are relative to the root of the application.

        In private it is good for longer where the browser has been let in already.
        """
        nonce = secrets.token_urlsafe(32)
        with self._lock:
            now = monotonic()
            good = [
                (key, one) for key, one in self._all.items() if one.deadline > now or self.access_cookie is not None
            ]
            self._all = dict(good[1 - MAX_OPEN :])
            self._all[nonce] = _OneTimeUrl(place, now + seconds, is_local)
        return PATH + nonce

    def route(self) -> Route:
        """Where they lead to."""
        route = Route(f"/{PATH}{{nonce}}", self._answer, methods=["GET"], include_in_schema=False)
        route.methods = {"GET"}  # whoever asks by HEAD only looks, and uses nothing up
        return route

    def answers(self, scope: Scope) -> bool:
        """Whether a request is one for this route."""
        before, _, nonce = scope["path"].removeprefix(scope.get("root_path", "")).partition(f"/{PATH}")
        return scope["method"] == "GET" and not before and nonce != "" and "/" not in nonce

    async def _answer(self, request: Request) -> Response:
        place = self._take(request.path_params["nonce"], request.scope)
        if place is None:
            return HTMLResponse(_USED, 403, {"cache-control": "no-store"})
        # Relative: a proxy may have taken off a path that we do not know.
        target = "../" * PATH.count("/") + quote(place, safe=_LITERAL)
        headers = {"location": target, "cache-control": "no-store", "referrer-policy": "no-referrer"}
        if self.access_cookie is not None:
            headers["set-cookie"] = self.access_cookie.cookie(request.scope)
        return Response(status_code=303, headers=headers)

    def _take(self, nonce: str, scope: Scope) -> str | None:
        opening = self._all.get(nonce)
        if opening is None:
            return None
        if opening.is_local and is_another_account(scope):
            logger.warning("another account of this machine tried to open a page that launch() has opened; refused")
            return None
        is_known = self.access_cookie is not None and self.access_cookie.admits(scope)
        return opening.place if self._use_up(nonce, opening) or is_known else None

    def _use_up(self, nonce: str, opening: _OneTimeUrl) -> bool:
        """Whether it was still good."""
        with self._lock:
            is_good = nonce in self._all and opening.deadline > monotonic()
            opening.deadline = 0.0
            if self.access_cookie is None:
                self._all.pop(nonce, None)
            return is_good


_USED = """\
<!DOCTYPE html>
<title>Not this way</title>
<body style="font: 16px/1.5 sans-serif; max-width: 36em; margin: 3em auto; padding: 0 1em">
<h1>This address is used up</h1>
<p>It opens its page once, within a minute, in the browser that Python has started.</p>
<p>To see the page, open <code>page.url</code> here, or run <code>launch()</code> again.</p>
"""


class PageUrls:
    """The ways into one page. It has no `repr` of its own, as nothing that holds the token has.

    Args:
        openings: Of the application.
        root: The application for pages of its own host, with a slash at the end (`launchers.proxy.Site`).
        public: The same for anybody.
        place: The page below it, with the token in its fragment.
        is_proxied: Whether browsers come by a proxy.

    Attributes:
        url: What a person opens by hand. In private it is good for one browser.
        address: The same for messages and logs: without anything secret.
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

    def _lasting(self, place: str) -> str:
        return self._one_time_urls.make(place, self._is_local, math.inf) if self._is_private else place

    def fresh(self) -> str:
        """What a browser is started with: good once, and soon."""
        return self._public + self._one_time_urls.make(self._place, self._is_local)

    def told(self) -> str:
        """What a program is told that nobody listens to."""
        return self.fresh() if self._is_private else self.url

    def framed(self) -> tuple[str, str]:
        """For a frame in a page of the same host: the page, and an image that is there as long as it is."""
        return self._root + self._lasting(self._place), self._root + self._lasting("jsmeetspy/favicon.svg")

    def title(self) -> str:
        """What a frame is called: its address without anything secret."""
        return self._root + self._place.partition("#")[0]
