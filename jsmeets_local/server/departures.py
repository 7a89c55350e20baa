"""`POST /jsmeetspy/left/DOCUMENT`: a document reports that it has left, beside its WebSocket.

A browser that leaves a document drops the data that waits in its WebSocket, and with it the `goodbye` behind that data.
It sends a beacon (`navigator.sendBeacon`) in any case.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ..bridge.bridge import Bridge
from .access import Access

__all__ = ["DepartureEndpoint"]


class DepartureEndpoint:
    """Route to which clients of one bridge report that their document has left.

    The name of the document, 128 random bits that only it and Python know, is the secret of the request.

    Args:
        bridge: The bridge.
        access: The access rules that decide on the `Origin`.
    """

    def __init__(self, bridge: Bridge, access: Access) -> None:
        self._bridge = bridge
        self._access = access

    def route(self) -> Route:
        """Return the route, for `POST` only."""
        return Route("/jsmeetspy/left/{document}", self._post, methods=["POST"], include_in_schema=False)

    async def _post(self, request: Request) -> Response:
        """Answer one request, in the same way for known and unknown documents."""
        if self._access.is_foreign(request.scope):
            text = "this origin is not allowed; to allow it, pass JsMeetsPy(allowed_origins=[...])\n"
            return PlainTextResponse(text, 403)
        self._bridge.leave(request.path_params["document"])
        return Response(status_code=204)
