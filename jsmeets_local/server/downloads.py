"""`GET /jsmeetspy/bulk/SECRET`: large content that a page was offered on its WebSocket. A browser fetches it faster.

The secret is good once, and as long as the connection on which it was told. What cannot be fetched, for whatever
reason, the page asks for on its WebSocket.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from ..bridge.bridge import Bridge
from ..protocol.chunks import slices
from ..protocol.offers import Offer
from .access import Access

__all__ = ["BulkEndpoint"]

PIECE_BYTES = 2**20
PART_SECONDS = 1.0  # what a browser gets to end the request of a page whose connection has ended
_NO_STORE = {"cache-control": "no-store"}


class BulkEndpoint:
    """Answers the fetches of one bridge's pages.

    Args:
        bridge: Whose pages.
        gate: Which origins are good.
    """

    def __init__(self, bridge: Bridge, access: Access) -> None:
        self._bridge = bridge
        self._access = access

    def route(self) -> Route:
        """Where they ask."""
        route = Route("/jsmeetspy/bulk/{secret}", self, include_in_schema=False)
        route.methods = {"GET"}  # whoever asks by HEAD uses nothing up
        return route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if self._access.is_foreign(scope):
            await PlainTextResponse("a page of another origin\n", 403, _NO_STORE)(scope, receive, send)
            return
        offer = self._bridge.take_offer(Request(scope).path_params["secret"])
        if offer is None:
            await PlainTextResponse("this was fetched, or is not offered any more\n", 404, _NO_STORE)(
                scope, receive, send
            )
            return
        await _serve(offer, receive, send)


async def _serve(offer: Offer, receive: Receive, send: Send) -> None:
    """Sends a content, until it is withdrawn: then the page ends the request by itself, if it is still there."""
    pouring = asyncio.ensure_future(_pour(offer, send))
    offer.withdrawn = pouring.cancel
    try:
        await asyncio.wait([pouring])
    finally:
        pouring.cancel()  # the server stops
    if pouring.cancelled():
        with suppress(TimeoutError):
            async with asyncio.timeout(PART_SECONDS):
                await _parted(receive)
    else:
        pouring.result()


async def _pour(offer: Offer, send: Send) -> None:
    headers = [
        (b"content-type", b"application/octet-stream"),
        (b"content-length", str(offer.size).encode()),
        (b"content-encoding", b"identity"),  # middleware that compresses would only take time
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    left = offer.size
    for pieces in slices(offer.parts, PIECE_BYTES):
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        left -= len(body)
        await send({"type": "http.response.body", "body": body, "more_body": left > 0})


async def _parted(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
