"""Connection: the bridge's side of one WebSocket."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from ..errors import ProtocolError
from ..protocol.chunks import Assembler, ReceivedChunk
from ..protocol.codec import Frame
from ..protocol.messages import Message
from ..protocol.outbox import Outbox

__all__ = ["FAST_PATH", "Connection", "FastPath", "ReceiveBuffers", "Transport", "spawn"]

logger = logging.getLogger("jsmeets_local")

FAST_PATH = "jsmeets_local.server.fastpath"  # ASGI extension through which a server offers a `FastPath`
DRAIN_SECONDS = 2.0  # time for a client to read the rest before its connection is closed

_EAGER: dict[str, Any] = {"eager_start": True} if sys.version_info >= (3, 12) else {}


def spawn(coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Run a coroutine as a task of the running loop. On Python 3.12 and later it starts at once, and may complete."""
    return asyncio.Task(coroutine, loop=asyncio.get_running_loop(), **_EAGER)


class ReceiveBuffers(Protocol):
    """Memory for the chunks of large messages."""

    def room(self, header: bytes, size: int) -> memoryview | None:
        """Return the memory for the content of a chunk, or `None` to receive it like any other frame."""

    def is_empty(self) -> bool:
        """Return whether no large message is being received."""


class FastPath(Protocol):
    """Interface of a server that passes WebSocket frames without the queues and coroutines of ASGI, on the loop."""

    async def receive(self) -> Any:
        """Receive an ASGI event. If an application has another `receive`, a middleware needs the frames."""

    def hand_over(self, sink: Callable[[list[Frame | ReceivedChunk]], None], buffers: ReceiveBuffers) -> None:
        """Pass frames to `sink` from now on, those received together in one call. ASGI only reports the end.

        The content of large chunks may be received into `buffers`; `sink` then gets a `ReceivedChunk`.
        """

    def pause(self) -> None:
        """Stop reading until `resume`."""

    def resume(self) -> None:
        """Continue reading."""

    def write(self, take: Callable[[], Frame | None]) -> bool:
        """Write the frames that `take` returns, while the connection is open and its write buffer has room.

        Returns:
            True once `take` has returned `None`; `False` if it may have more frames.
        """


class Transport(Protocol):
    """Interface for writing frames through ASGI."""

    async def write(self, frame: Frame) -> None:
        """Write one frame, and return when there is room for more."""

    async def close(self, code: int, reason: str) -> None:
        """Close the WebSocket (RFC 6455, section 7)."""


class Connection:
    """Open WebSocket of a client.

    Args:
        transport: The transport that writes frames.
        max_bytes: The size of the largest message to accept.
        websocket: The first argument of handlers set with `add_protocol`.
        fast_path: The fast path, which writes frames at once while there is room.

    Attributes:
        outbox: The outbox of the session, while this is its connection.
        pending: Messages received and not handled yet, from frames of `pending_bytes` bytes.
        needs_flush: True if the outbox has new messages and a flush is scheduled.
        reader_timeout: Timeout of the reader, set when the connection is closed.
        close_code: The close code; 1006 unless the WebSocket ends with another one (RFC 6455, section 7.1.5).
    """

    def __init__(
        self, transport: Transport, max_bytes: int, websocket: Any = None, fast_path: FastPath | None = None
    ) -> None:
        self.transport = transport
        self.websocket = websocket
        self.outbox: Outbox | None = None
        self.assembler = Assembler(max_bytes)
        self.pending: deque[Message] = deque()
        self.pending_bytes = 0
        self.needs_flush = False
        self.reader_timeout: asyncio.Timeout | None = None
        self.close_code = 1006
        self._fast_path = fast_path
        self._closing: tuple[int, str] | None = None
        self._writer: asyncio.Task[None] | None = None
        self._closed = False

    def flush(self) -> None:
        """Write the outbox while there is room; a task writes the rest as the client reads."""
        self.needs_flush = False
        if self._writer is not None or self._closed:
            return
        fast_path, outbox = self._fast_path, self.outbox
        if fast_path is not None and outbox is not None and fast_path.write(outbox.take) and self._closing is None:
            return
        writer = spawn(self._write())
        if not writer.done():
            self._writer = writer

    def close(self, code: int, reason: str) -> None:
        """Close the connection once its outbox has been written, or after `DRAIN_SECONDS`."""
        self._closing = (code, reason)
        if self.reader_timeout is not None:
            self.reader_timeout.reschedule(asyncio.get_running_loop().time() + DRAIN_SECONDS)

    def retire(self, code: int, reason: str) -> None:
        """Close the connection without writing the outbox, which another connection of the session writes."""
        self.outbox = None
        self.close(code, reason)
        self.flush()

    def room(self, header: bytes, size: int) -> memoryview | None:
        """Implement `ReceiveBuffers`. An invalid chunk is reported when its frame is complete."""
        try:
            return self.assembler.room(header, size)
        except ProtocolError:
            return None

    def is_empty(self) -> bool:
        """Implement `ReceiveBuffers`."""
        return self.assembler.is_empty()

    async def end(self) -> None:
        """Stop writing, after the WebSocket has ended."""
        self._closed = True
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.gather(self._writer, return_exceptions=True)

    async def _write(self) -> None:
        try:
            while (frame := self.outbox.take() if self.outbox is not None else None) is not None:
                await self.transport.write(frame)
            if self._closing is not None:
                self._closed = True
                await self.transport.close(*self._closing)
        except (OSError, RuntimeError) as error:  # the client has gone, or a handler has closed the WebSocket
            self._closed = True
            logger.debug("a page disconnected while Python wrote to it: %r", error)
        self._writer = None
