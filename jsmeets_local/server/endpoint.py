"""ASGI endpoint of the WebSocket that connects clients to the bridge."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from starlette.websockets import WebSocket

from ..bridge.bridge import Bridge
from ..bridge.connection import FAST_PATH, Connection, FastPath
from ..errors import ProtocolError
from ..protocol.chunks import ReceivedChunk
from ..protocol.codec import Frame, decode, encode
from ..protocol.failures import close_packet
from ..protocol.messages import Hello
from ..protocol.state import CLOSE_KICKED, CLOSE_PROTOCOL, CLOSE_TOO_SLOW, REFUSED_BY_LIMIT
from ..protocol.text import on_one_line
from .access import Access

__all__ = ["Guarded", "TextEndpoint", "refuse"]

SUBPROTOCOL = "jsmeets.v1"
HELLO_SECONDS = 10.0
NO_CODE = 1005  # closed without a code (RFC 6455, section 7.1.5)
MAX_REASON = 123  # bytes of a close reason (RFC 6455, section 5.5)

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

logger = logging.getLogger("jsmeets_local")


class _AsgiTransport:
    """Transport that writes frames through ASGI."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def write(self, frame: Frame) -> None:
        kind = "text" if isinstance(frame, str) else "bytes"
        await self._send({"type": "websocket.send", kind: frame})

    async def close(self, code: int, reason: str) -> None:
        short = reason.encode()[:MAX_REASON].decode(errors="ignore")
        await self._send({"type": "websocket.close", "code": code, "reason": short})


class Guarded:
    """ASGI application that serves a WebSocket to clients with access."""

    def __init__(self, app: Any, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one WebSocket, or refuse it with HTTP 403."""
        if self._access.admits(scope):
            await self._app(scope, receive, send)
        else:
            await refuse(receive, send)


async def refuse(receive: Receive, send: Send) -> None:
    """Refuse a WebSocket, with HTTP 403."""
    await receive()
    await send({"type": "websocket.close", "code": CLOSE_KICKED})


def _fast_path(scope: MutableMapping[str, Any], receive: Receive) -> FastPath | None:
    """Return the fast path of the server, unless a middleware receives the frames."""
    fast_path: FastPath | None = scope.get("extensions", {}).get(FAST_PATH)
    return fast_path if fast_path is not None and receive == fast_path.receive else None


class TextEndpoint:
    """ASGI application that serves the WebSocket of one bridge.

    Args:
        bridge: The bridge.
        access: Access control.
    """

    def __init__(self, bridge: Bridge, access: Access) -> None:
        self._bridge = bridge
        self._access = access

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one WebSocket, from its handshake to its end."""
        await receive()  # websocket.connect
        if not self._access.admits(scope) or not self._bridge.ensure_started():
            await send({"type": "websocket.close", "code": CLOSE_KICKED})  # before accept: HTTP 403
            return
        fast_path = _fast_path(scope, receive)
        transport = _AsgiTransport(send)
        if not await self._agree(scope["subprotocols"], send, transport):
            return
        websocket = WebSocket(scope, receive, send)
        connection = Connection(transport, self._bridge.protocol.limits.message_bytes, websocket, fast_path)
        try:
            await self._serve(connection, receive, fast_path)
        except OSError as error:
            logger.debug("a page disconnected while Python wrote to it: %r", error)

    async def _agree(self, offered: list[str], send: Send, transport: _AsgiTransport) -> bool:
        """Accept the WebSocket. Close it with a reason if the client uses another version of the protocol."""
        if SUBPROTOCOL in offered:
            await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL})
            return True
        version = next((name for name in offered if name.startswith("jsmeets.v")), None)
        await send({"type": "websocket.accept", "subprotocol": version})
        theirs = version or "no version (the files of 2020?)"
        reason = f"this Python speaks {SUBPROTOCOL}, the page's JavaScript {theirs}: reload it, or copy the files again"
        logger.error("closed a page: %s", on_one_line(reason))
        await transport.close(CLOSE_PROTOCOL, reason)
        return False

    async def _serve(self, connection: Connection, receive: Receive, fast_path: FastPath | None) -> None:
        hello = await self._hello(connection, receive)
        if hello is None:
            return
        try:
            socket = self._bridge.connect(hello, connection)
        except ProtocolError as error:
            await self._refuse(connection, f"protocol error: {error}")
            return
        if socket is None:
            await connection.transport.write(encode([close_packet(REFUSED_BY_LIMIT, False)]))
            await connection.transport.close(CLOSE_KICKED, REFUSED_BY_LIMIT)
            return
        try:
            async with asyncio.timeout(None) as connection.reader_timeout:
                if fast_path is not None:
                    fast_path.hand_over(functools.partial(self._take, socket, connection, fast_path), connection)
                await self._read(socket, connection, receive)
        except TimeoutError:
            logger.debug("socket %d did not close in time", socket)
        finally:
            self._bridge.disconnect(socket, connection, connection.close_code)
            await connection.end()

    async def _hello(self, connection: Connection, receive: Receive) -> Hello | None:
        try:
            async with asyncio.timeout(HELLO_SECONDS):
                frame = await _receive_frame(connection, receive)
            if frame is None:
                return None
            messages = decode(frame)
            if len(messages) != 1 or not isinstance(messages[0], Hello):
                raise ProtocolError("the first frame must be one hello")
        except TimeoutError:  # a page whose JavaScript is busy connects again
            await self._refuse(connection, f"no hello within {HELLO_SECONDS:.0f} s", CLOSE_TOO_SLOW)
            return None
        except ProtocolError as caught:
            error = caught
        else:
            return messages[0]
        await self._refuse(connection, f"protocol error: {error}")
        return None

    async def _refuse(self, connection: Connection, reason: str, code: int = CLOSE_PROTOCOL) -> None:
        logger.error("closed a connection: %s", on_one_line(reason))
        await connection.transport.close(code, reason)

    async def _read(self, socket: int, connection: Connection, receive: Receive) -> None:
        """Handle frames until the WebSocket ends."""
        while (frame := await _receive_frame(connection, receive)) is not None:
            await self._handle(socket, connection, [frame])
        await self._handle(socket, connection, [])  # the rest of the fast path

    async def _handle(self, socket: int, connection: Connection, frames: Sequence[Frame]) -> None:
        pending = self._bridge.receive(socket, connection, frames)
        while pending:
            await asyncio.sleep(0)  # serves other clients in between
            pending = self._bridge.receive(socket, connection, [])

    def _take(
        self, socket: int, connection: Connection, fast_path: FastPath, frames: Sequence[Frame | ReceivedChunk]
    ) -> None:
        """Handle frames of the fast path, and pause reading while messages are pending."""
        if self._bridge.receive(socket, connection, frames):
            fast_path.pause()
            asyncio.get_running_loop().call_soon(self._take, socket, connection, fast_path, [])
        elif not frames:
            fast_path.resume()


async def _receive_frame(connection: Connection, receive: Receive) -> Frame | None:
    """Return the next frame, or `None` at the end."""
    event = await receive()
    if event["type"] != "websocket.receive":
        connection.close_code = event.get("code") or NO_CODE
        return None
    text: str | None = event.get("text")
    return text if text is not None else bytes(event["bytes"])
