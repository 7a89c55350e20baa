"""One open WebSocket of a page, on the bridge's side of it."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from .core.chunks import Assembler
from .core.codec import Frame
from .core.outbox import Outbox

__all__ = ["Connection", "Transport"]


DRAIN_SECONDS = 2.0  # what a page that is sent away gets to read the rest


class Transport(Protocol):
    """What a connection writes to: an ASGI `send`, in effect."""

    async def write(self, frame: Frame) -> None:
        """Writes one frame; returns when there is room for more."""

    async def close(self, code: int, reason: str) -> None:
        """Ends the WebSocket (RFC 6455, section 7)."""


class Connection:
    """One open WebSocket of a page, and the task that writes to it.

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
        self._wake: asyncio.Future[None] | None = None

    def wake(self) -> None:
        """There may be something to write. What is put before the writer's next turn travels with it."""
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def close(self, code: int, reason: str) -> None:
        """Ends it when what is in the outbox has been written, or the page does not take that in time."""
        self.closing = (code, reason)
        if self.limit is not None:
            self.limit.reschedule(asyncio.get_running_loop().time() + DRAIN_SECONDS)
        self.wake()

    def retire(self, code: int, reason: str) -> None:
        """Another connection goes on in its place: nothing is written here any more but the end."""
        self.outbox = None
        self.close(code, reason)

    async def pump(self) -> None:
        """Writes frames until the connection is closed from this side."""
        loop = asyncio.get_running_loop()
        while True:
            frame = self.outbox.take() if self.outbox is not None else None
            if frame is not None:
                await self.transport.write(frame)
            elif self.closing is not None:
                await self.transport.close(*self.closing)
                return
            else:
                self._wake = loop.create_future()
                await self._wake
