"""Addresses that open a page once: what stands on the command line of a browser, where everybody can read it.

The list of processes is open to all accounts of a machine, and the launch token must not be in it. So a browser is
started with `/jsmeetspy/open/NONCE`, which leads on to the page: a redirect may carry a fragment, and browsers keep it.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable
from time import monotonic
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import Scope

from .peers import is_another_account

__all__ = ["Entrance", "Openings"]

PATH = "jsmeetspy/open/"
OPEN_SECONDS = 60.0  # in which a browser has to start
MAX_OPEN = 1000  # addresses that are good at a time; the oldest go first

_LITERAL = ":/%#?=@[]!$&'()*+,;"  # what addresses may have besides letters

logger = logging.getLogger("jsmeets_local")


class _Opening:
    __slots__ = ("deadline", "is_local", "place")

    def __init__(self, place: str, deadline: float, is_local: bool) -> None:
        self.place = place
        self.deadline = deadline
        self.is_local = is_local  # no proxy between the browser and us: its account can be looked up


class Openings:
    """The addresses of one application that are still good. They are made on any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, _Opening] = {}

    def make(self, place: str, is_local: bool = True) -> str:
        """An address that leads to a place, once and soon; both are relative to the root of the application."""
        nonce = secrets.token_urlsafe(32)
        with self._lock:
            now = monotonic()
            good = [(key, one) for key, one in self._open.items() if one.deadline > now]
            self._open = dict(good[1 - MAX_OPEN :])
            self._open[nonce] = _Opening(place, now + OPEN_SECONDS, is_local)
        return PATH + nonce

    def clear(self) -> None:
        """None of them is good any more."""
        with self._lock:
            self._open.clear()

    def route(self) -> Route:
        """Where they lead to."""
        route = Route(f"/{PATH}{{nonce}}", self._answer, methods=["GET"], include_in_schema=False)
        route.methods = {"GET"}  # whoever asks by HEAD only looks, and uses nothing up
        return route

    async def _answer(self, request: Request) -> Response:
        place = self._take(request.path_params["nonce"], request.scope)
        if place is None:
            return HTMLResponse(_USED, 403, {"cache-control": "no-store"})
        # Relative: a proxy may have taken off a path that we do not know.
        target = "../" * PATH.count("/") + quote(place, safe=_LITERAL)
        headers = {"location": target, "cache-control": "no-store", "referrer-policy": "no-referrer"}
        return Response(status_code=303, headers=headers)

    def _take(self, nonce: str, scope: Scope) -> str | None:
        with self._lock:
            opening = self._open.get(nonce)
        if opening is None or opening.deadline < monotonic():
            return None
        if opening.is_local and is_another_account(scope):
            logger.warning("another account of this machine tried to open a page that launch() has opened; refused")
            return None
        with self._lock:
            taken = self._open.pop(nonce, None)
        return None if taken is None else taken.place


_USED = """\
<!DOCTYPE html>
<title>Not this way</title>
<body style="font: 16px/1.5 sans-serif; max-width: 36em; margin: 3em auto; padding: 0 1em">
<h1>This address is used up</h1>
<p>It opens its page once, within a minute, in the browser that Python has started.</p>
<p>To see the page, open <code>page.url</code> here, or run <code>launch()</code> again.</p>
"""


class Entrance:
    """The ways into one page. It has no `repr` of its own, as nothing that holds the token has.

    Args:
        openings: Of the application.
        root: The application for pages of its own host, with a slash at the end (`launchers.proxy.Site`).
        public: The same for anybody.
        place: The page below it, with the token in its fragment.
        is_proxied: Whether browsers come by a proxy.

    Attributes:
        url: What a person opens by hand.
        address: The same for messages and logs: without the token.
        root: As given.
    """

    def __init__(self, openings: Openings, root: str, public: str, place: str, is_proxied: bool) -> None:
        self.root = root
        self.url = public + place
        self.framed = root + place
        self.address = public + place.partition("#")[0]
        self.fresh: Callable[[], str] = lambda: public + openings.make(place, not is_proxied)
