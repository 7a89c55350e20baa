"""`GET /jsmeetspy/stats`: the result of `JsMeetsPy.stats()` as JSON, for clients that have the token."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from ..bridge.bridge import Bridge
from .access import Access

__all__ = ["StatsEndpoint"]


class StatsEndpoint:
    """Route that requires `Authorization: Bearer <token>` (RFC 6750, section 2.1).

    Args:
        bridge: The bridge to report on.
        access: The access rules that hold the token.
    """

    def __init__(self, bridge: Bridge, access: Access) -> None:
        self._bridge = bridge
        self._access = access

    async def get(self, request: Request) -> Response:
        """Return the statistics; status 401 for a missing or wrong token, or if the application has none."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not self._access.knows(token):
            text = "send the header Authorization: Bearer TOKEN with the token of launch() or JsMeetsPy(token=...)\n"
            return PlainTextResponse(text, 401, {"www-authenticate": "Bearer"})
        if not self._bridge.ensure_started():
            return PlainTextResponse("the bridge runs on another event loop or in another process; see the log\n", 503)
        return JSONResponse(self._bridge.stats(), headers={"cache-control": "no-store"})
