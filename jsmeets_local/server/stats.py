"""`GET /jsmeetspy/stats`: the numbers of `JsMeetsPy.stats()` as JSON, for those who know the token."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from ..bridge.bridge import Bridge
from .access import Access

__all__ = ["StatsEndpoint"]


class StatsEndpoint:
    """Answers requests that carry `Authorization: Bearer <token>` (RFC 6750, section 2.1).

    Args:
        bridge: Whose numbers.
        gate: Who knows the token.
    """

    def __init__(self, bridge: Bridge, access: Access) -> None:
        self._bridge = bridge
        self._access = access

    async def get(self, request: Request) -> Response:
        """The numbers; 401 without the token, and where there is none."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not self._access.knows(token):
            text = "this needs the header Authorization: Bearer TOKEN, the token of launch() or JsMeetsPy(token=...)\n"
            return PlainTextResponse(text, 401, {"www-authenticate": "Bearer"})
        if not self._bridge.ensure_started():
            return PlainTextResponse("this process serves another application\n", 503)
        return JSONResponse(self._bridge.stats(), headers={"cache-control": "no-store"})
