"""`GET /jsmeetspy/bulk/SECRET`: large content offered on a WebSocket, which browsers receive faster over HTTP.

A secret is valid once, while the connection that announced it is open. If the request fails for any reason, the client
requests the content on its WebSocket.
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
DISCONNECT_SECONDS = 1.0  # for the browser to cancel the request after its connection has closed
_NO_STORE = {"cache-control": "no-store"}


class BulkEndpoint:
    """Route from which clients of one bridge download offered content.

    Args:
        bridge: The bridge that offers the content.
        access: The access rules that decide on the `Origin`.
    """

    def __init__(self, bridge: Bridge, access: Access) -> None:
        self._bridge = bridge
        self._access = access

    def route(self) -> Route:
        """Return the route, for `GET` only."""
        route = Route("/jsmeetspy/bulk/{secret}", self, include_in_schema=False)
        route.methods = {"GET"}  # Starlette adds HEAD, which would use up the secret
        return route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if self._access.is_foreign(scope):
            text = "this origin is not allowed; to allow it, pass JsMeetsPy(allowed_origins=[...])\n"
            await PlainTextResponse(text, 403, _NO_STORE)(scope, receive, send)
            return
        offer = self._bridge.take_offer(Request(scope).path_params["secret"])
        if offer is None:
            text = "this content was downloaded already, or is no longer offered\n"
            await PlainTextResponse(text, 404, _NO_STORE)(scope, receive, send)
            return
        await _serve(offer, receive, send)


async def _serve(offer: Offer, receive: Receive, send: Send) -> None:
    """Send the content. If it is withdrawn meanwhile, wait for the client to cancel the request."""
    sending = asyncio.ensure_future(_send_content(offer, send))
    offer.withdrawn = sending.cancel
    try:
        await asyncio.wait([sending])
    finally:
        sending.cancel()  # in case this request was cancelled, because the server stops
    if sending.cancelled():
        with suppress(TimeoutError):
            async with asyncio.timeout(DISCONNECT_SECONDS):
                await _disconnected(receive)
    else:
        sending.result()


async def _send_content(offer: Offer, send: Send) -> None:
    headers = [
        (b"content-type", b"application/octet-stream"),
        (b"content-length", str(offer.size).encode()),
        (b"content-encoding", b"identity"),  # keeps middleware from compressing it
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    left = offer.size
    for pieces in slices(offer.parts, PIECE_BYTES):
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        left -= len(body)
        await send({"type": "http.response.body", "body": body, "more_body": left > 0})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
