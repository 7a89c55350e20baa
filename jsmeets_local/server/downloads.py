"""`GET /jsmeetspy/bulk/SECRET`: large content offered on a WebSocket, which browsers receive faster over HTTP.

A secret is valid once, while the connection that announced it is open. If the request fails for any reason, the client
requests the content on its WebSocket.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from ..bridge.bridge import Bridge
from ..protocol.offers import Offer
from .access import Access

__all__ = ["BulkEndpoint"]

PIECE_BYTES = 2**20
SMALL_BYTES = 64 * 1024
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
    for body in _pieces(offer.parts):
        left -= len(body)
        await send({"type": "http.response.body", "body": body, "more_body": left > 0})


def _pieces(parts: list[bytes | memoryview]) -> Iterator[bytes | memoryview]:
    """Yield the content in pieces of at most `PIECE_BYTES`. Small parts are joined, and large ones are not copied."""
    small: list[bytes | memoryview] = []
    size = 0
    for part in filter(len, parts):  # an empty piece after the last byte is an error
        is_small = len(part) < SMALL_BYTES
        if small and (not is_small or size + len(part) > PIECE_BYTES):
            yield b"".join(small)
            small, size = [], 0
        if is_small:
            small.append(part)
            size += len(part)
        else:
            view = memoryview(part)
            yield from (view[at : at + PIECE_BYTES] for at in range(0, len(view), PIECE_BYTES))
    if small:
        yield b"".join(small)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
