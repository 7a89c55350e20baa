"""One open WebSocket of a page, on the bridge's side of it."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from ..errors import ProtocolError
from ..protocol.chunks import Assembler, ReceivedChunk
from ..protocol.codec import Frame
from ..protocol.messages import Message
from ..protocol.outbox import Outbox
from .tasks import spawn

__all__ = ["FAST_PATH", "Connection", "FastPath", "ReceiveBuffers", "Transport"]

logger = logging.getLogger("jsmeets_local")

DRAIN_SECONDS = 2.0  # what a page that is sent away gets to read the rest


FAST_PATH = "jsmeets_local.server.fastpath"  # the ASGI extension by which a server offers the following


class ReceiveBuffers(Protocol):
    """Where the pieces of large messages land."""

    def room(self, header: bytes, size: int) -> memoryview | None:
        """Where the piece of a chunk belongs; `None`: it is a frame like any other, or wrong."""

    def is_empty(self) -> bool:
        """Whether none is on its way."""


class FastPath(Protocol):
    """A server's short way for frames, past the queues and coroutines of ASGI; used on the loop only."""

    async def receive(self) -> Any:
        """ASGI's own: an application that got another one stands behind a middleware, which wants to see the frames."""

    def hand_over(self, sink: Callable[[list[Frame | ReceivedChunk]], None], strip: ReceiveBuffers) -> None:
        """From now on `sink` gets the frames, those that came in one piece together; ASGI is told of the end only.

        The pieces of large messages may be written to the `strip`, and `sink` gets to know.
        """

    def pause(self) -> None:
        """Reads nothing more until `go_on`."""

    def go_on(self) -> None:
        """Reads again."""

    def is_free(self) -> bool:
        """Whether `write` may be called: it is open, and there is room."""

    def write(self, frame: Frame) -> None:
        """Writes one frame."""


class Transport(Protocol):
    """What a connection writes to: an ASGI `send`, in effect."""

    def is_free(self) -> bool:
        """Whether `write_now` may be called."""

    def write_now(self, frame: Frame) -> None:
        """Writes one frame."""

    async def write(self, frame: Frame) -> None:
        """Writes one frame; returns when there is room for more."""

    async def close(self, code: int, reason: str) -> None:
        """Ends the WebSocket (RFC 6455, section 7)."""


class Connection:
    """One open WebSocket of a page, and who writes to it: whoever flushes, as long as there is room.

    Args:
        transport: Where frames go.
        max_bytes: The largest message it accepts.
        websocket: What handlers of `add_protocol` get as their first argument.
    """

    def __init__(self, transport: Transport, max_bytes: int, websocket: Any = None) -> None:
        self.transport = transport
        self.websocket = websocket
        self.outbox: Outbox | None = None  # the page's, while this is its connection
        self.assembler = Assembler(max_bytes)
        self.closing: tuple[int, str] | None = None
        self.ended = 1006  # how the WebSocket ended: abnormally, unless it says otherwise (RFC 6455, section 7.1.5)
        self.limit: asyncio.Timeout | None = None  # of its reader, which need not wait for ever once it is closing
        self.woken = False  # something was put for it, and a flush is due
        self.rest: deque[Message] = deque()  # of a burst: what came and is not handled yet
        self.rest_bytes = 0  # of the frames in which it came
        self._writer: asyncio.Task[None] | None = None
        self._over = False

    def flush(self) -> None:
        """Writes what is there, at once; what does not fit waits in a task until the page has taken some."""
        self.woken = False
        if self._writer is None and not self._over and not self._write_now():
            writer = spawn(self._write())
            if not writer.done():
                self._writer = writer

    def close(self, code: int, reason: str) -> None:
        """Ends it when what is in the outbox has been written, or the page does not take that in time."""
        self.closing = (code, reason)
        if self.limit is not None:
            self.limit.reschedule(asyncio.get_running_loop().time() + DRAIN_SECONDS)

    def retire(self, code: int, reason: str) -> None:
        """Another connection goes on in its place: nothing is written here any more but the end."""
        self.outbox = None
        self.close(code, reason)
        self.flush()

    def room(self, header: bytes, size: int) -> memoryview | None:
        """As `ReceiveBuffers`: what is wrong is said when the frame has come."""
        try:
            return self.assembler.room(header, size)
        except ProtocolError:
            return None

    def is_empty(self) -> bool:
        """As `ReceiveBuffers`."""
        return self.assembler.is_empty()

    async def end(self) -> None:
        """It is gone: nothing is written any more."""
        self._over = True
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.gather(self._writer, return_exceptions=True)

    def _write_now(self) -> bool:
        """Writes what is there without a task; whether that was all there is to do."""
        while self.transport.is_free():
            frame = self.outbox.take() if self.outbox is not None else None
            if frame is None:
                return self.closing is None
            self.transport.write_now(frame)
        return False

    async def _write(self) -> None:
        try:
            while (frame := self.outbox.take() if self.outbox is not None else None) is not None:
                await self.transport.write(frame)
            if self.closing is not None:
                self._over = True
                await self.transport.close(*self.closing)
        except (OSError, RuntimeError) as error:  # it broke, or a handler that has the WebSocket closed it
            self._over = True
            logger.debug("a page went away while it was written to: %r", error)
        self._writer = None
