"""The ASGI endpoint of the pages' WebSocket: lets in, shakes hands, pumps frames."""

from __future__ import annotations

import asyncio
import contextlib
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
from ..protocol.sessions import CLOSE_KICKED, CLOSE_PROTOCOL, REFUSED_BY_LIMIT
from ..protocol.text import on_one_line
from .access import Access

__all__ = ["SUBPROTOCOL", "Guarded", "TextEndpoint"]

SUBPROTOCOL = "jsmeets.v1"
HELLO_SECONDS = 10.0
NO_CODE = 1005  # the other side gave none (RFC 6455, section 7.1.5)
MAX_REASON = 123  # bytes of a close reason (RFC 6455, section 5.5)

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

logger = logging.getLogger("jsmeets_local")


class _AsgiTransport:
    """Writes frames to an ASGI `send`, and by the short way where there is one."""

    def __init__(self, send: Send, fast_path: FastPath | None) -> None:
        self._send = send
        self._direct = fast_path

    def is_free(self) -> bool:
        return self._direct is not None and self._direct.is_free()

    def write_now(self, frame: Frame) -> None:
        assert self._direct is not None
        self._direct.write(frame)

    async def write(self, frame: Frame) -> None:
        kind = "text" if isinstance(frame, str) else "bytes"
        await self._send({"type": "websocket.send", kind: frame})

    async def close(self, code: int, reason: str) -> None:
        await self._send({"type": "websocket.close", "code": code, "reason": _short(reason)})


class Guarded:
    """An ASGI WebSocket application behind access control."""

    def __init__(self, app: Any, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """One WebSocket; refused ones get HTTP 403."""
        if self._access.admits(dict(scope)):
            await self._app(scope, receive, send)
        else:
            await receive()
            await send({"type": "websocket.close", "code": CLOSE_KICKED})


def _fast_path(scope: MutableMapping[str, Any], receive: Receive) -> FastPath | None:
    """The server's short way, unless a middleware wants to see what comes."""
    fast_path: FastPath | None = scope.get("extensions", {}).get(FAST_PATH)
    return fast_path if fast_path is not None and receive == fast_path.receive else None


def _short(reason: str) -> str:
    return reason.encode()[:MAX_REASON].decode(errors="ignore")


class TextEndpoint:
    """Serves the pages of one bridge.

    Args:
        bridge: Where their messages go.
        gate: Who may connect.
    """

    def __init__(self, bridge: Bridge, access: Access) -> None:
        self._bridge = bridge
        self._access = access

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """One WebSocket, from its handshake to its end."""
        await receive()  # websocket.connect
        if not self._access.admits(dict(scope)) or not self._bridge.ensure_started():
            await send({"type": "websocket.close", "code": CLOSE_KICKED})  # before accept: HTTP 403
            return
        fast_path = _fast_path(scope, receive)
        transport = _AsgiTransport(send, fast_path)
        if not await self._agree(scope["subprotocols"], send, transport):
            return
        websocket = WebSocket(scope, receive, send)
        connection = Connection(transport, self._bridge.protocol.limits.message_bytes, websocket)
        try:
            await self._serve(connection, receive, fast_path)
        except OSError as error:
            logger.debug("a page went away while it was written to: %r", error)

    async def _agree(self, offered: list[str], send: Send, transport: _AsgiTransport) -> bool:
        """Accepts the version of the wire; a page of another one hears why it is closed."""
        if SUBPROTOCOL in offered:
            await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL})
            return True
        version = next((name for name in offered if name.startswith("jsmeets.v")), None)
        await send({"type": "websocket.accept", "subprotocol": version})
        theirs = version or "no version (the files of 2020?)"
        reason = f"this Python speaks {SUBPROTOCOL}, the page's JavaScript {theirs}: reload it, or copy the files anew"
        logger.error("a page was closed: %s", on_one_line(reason))
        await transport.close(CLOSE_PROTOCOL, reason)
        return False

    async def _serve(self, connection: Connection, receive: Receive, fast_path: FastPath | None) -> None:
        hello = await self._hello(connection, receive)
        if hello is None:
            return
        try:
            socket = self._bridge.connect(hello, connection)
        except ProtocolError as error:
            await self._refuse(connection, error)
            return
        if socket is None:
            await connection.transport.write(encode([close_packet(REFUSED_BY_LIMIT, False)]))
            await connection.transport.close(CLOSE_KICKED, REFUSED_BY_LIMIT)
            return
        try:
            async with asyncio.timeout(None) as connection.limit:
                if fast_path is not None:
                    fast_path.hand_over(functools.partial(self._take, socket, connection, fast_path), connection)
                await self._read(socket, connection, receive)
        except TimeoutError:
            logger.debug("socket %d did not take its goodbye in time", socket)
        finally:
            self._bridge.disconnect(socket, connection, connection.ended)
            await connection.end()

    async def _hello(self, connection: Connection, receive: Receive) -> Hello | None:
        try:
            async with asyncio.timeout(HELLO_SECONDS):
                frame = await _frame(connection, receive)
            if frame is None:
                return None
            messages = decode(frame)
            if len(messages) != 1 or not isinstance(messages[0], Hello):
                raise ProtocolError("the first frame of a page is one hello")
        except TimeoutError:
            error = ProtocolError(f"the page said nothing for {HELLO_SECONDS:.0f} s")
        except ProtocolError as caught:
            error = caught
        else:
            return messages[0]
        await self._refuse(connection, error)
        return None

    async def _refuse(self, connection: Connection, error: ProtocolError) -> None:
        logger.error("a connection was closed: %s", on_one_line(str(error)))
        await connection.transport.close(CLOSE_PROTOCOL, f"protocol error: {error}")

    async def _read(self, socket: int, connection: Connection, receive: Receive) -> None:
        """Takes frames until the page goes; what comes after it was sent away is not heard."""
        while (frame := await _frame(connection, receive)) is not None:
            self._handle(socket, connection, [frame])
            await self._finish(socket, connection)
        await self._finish(socket, connection)

    async def _finish(self, socket: int, connection: Connection) -> None:
        """Handles the rest of a burst."""
        while connection.rest:
            await asyncio.sleep(0)  # everybody else has a turn in between
            self._handle(socket, connection, [])

    def _take(
        self, socket: int, connection: Connection, fast_path: FastPath, frames: Sequence[Frame | ReceivedChunk]
    ) -> None:
        """What comes by the short way; nothing more is read while there is a rest to handle."""
        self._handle(socket, connection, frames)
        if connection.rest:
            fast_path.pause()
            asyncio.get_running_loop().call_soon(self._take, socket, connection, fast_path, [])
        else:
            fast_path.go_on()

    def _handle(self, socket: int, connection: Connection, frames: Sequence[Frame | ReceivedChunk]) -> None:
        try:
            for frame in frames:
                self._bridge.receive(socket, connection, frame)
            self._bridge.go_on(socket, connection)
        except ProtocolError as error:
            self._give_up(socket, connection, error)

    def _give_up(self, socket: int, connection: Connection, error: ProtocolError) -> None:
        """What came before the fault is heard, and then it is over."""
        with contextlib.suppress(ProtocolError):  # one is enough
            while connection.rest:
                self._bridge.go_on(socket, connection)
        connection.rest.clear()
        self._bridge.protocol_error(socket, error)


async def _frame(connection: Connection, receive: Receive) -> Frame | None:
    """The next frame, `None` at the end."""
    event = await receive()
    if event["type"] != "websocket.receive":
        connection.ended = event.get("code") or NO_CODE
        return None
    text: str | None = event.get("text")
    return text if text is not None else bytes(event["bytes"])
