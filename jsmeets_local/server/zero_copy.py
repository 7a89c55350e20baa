"""Zero-copy receive of large chunks: the transport reads them into their final memory."""

from __future__ import annotations

import asyncio
from typing import Protocol

from ..protocol.chunks import ReceivedChunk

try:
    from websockets.speedups import apply_mask
except ImportError:  # no C extension on this platform
    from websockets.utils import apply_mask

__all__ = ["PartialChunk", "ZeroCopyReceiver", "apply_mask"]

_BUFFER_BYTES = 2**16  # maximum size of one read between chunks


class PartialChunk:
    """Chunk that has arrived in part.

    Args:
        received: The chunk to report when it is complete.
        room: Memory for its content.
        mask: The masking key of its content (RFC 6455, section 5.3).
    """

    def __init__(self, received: ReceivedChunk, room: memoryview, mask: bytes) -> None:
        self.received = received
        self._room = room
        self._mask = mask
        self._size = 0

    def put(self, start: memoryview) -> None:
        """Copy the content that arrived with the header."""
        self._room[: len(start)] = start
        self._size = len(start)

    def rest(self) -> memoryview:
        """Return the memory for the rest of the content."""
        return self._room[self._size :]

    def grow(self, count: int) -> bool:
        """Count bytes that were read; unmask the content and return `True` if it is complete."""
        self._size += count
        if self._size < len(self._room):
            return False
        self._room[:] = apply_mask(self._room, self._mask)
        return True


class Owner(Protocol):
    """Interface of the protocol that a `ZeroCopyReceiver` reads for."""

    def wanted(self) -> int:
        """Return how many bytes to read without reaching the content of the next chunk."""

    def data_received(self, data: bytes) -> None:
        """Handle bytes between chunks."""

    def chunk_received(self, chunk: ReceivedChunk) -> None:
        """Handle a chunk whose content is complete."""

    def pause_writing(self) -> None: ...
    def resume_writing(self) -> None: ...
    def eof_received(self) -> None: ...
    def connection_lost(self, exc: Exception | None) -> None: ...


class ZeroCopyReceiver(asyncio.BufferedProtocol):
    """Protocol of the transport while large chunks arrive."""

    def __init__(self, owner: Owner) -> None:
        self.chunk: PartialChunk | None = None
        self._owner = owner
        self._buffer = memoryview(bytearray(_BUFFER_BYTES))

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return the memory to read into."""
        return self._buffer[: self._owner.wanted()] if self.chunk is None else self.chunk.rest()

    def buffer_updated(self, nbytes: int) -> None:
        """Handle the bytes that were read."""
        chunk = self.chunk
        if chunk is None:
            self._owner.data_received(bytes(self._buffer[:nbytes]))
        elif chunk.grow(nbytes):
            self.chunk = None
            self._owner.chunk_received(chunk.received)

    # Forwarded to the owner ----------------------------------------------------------------------------

    def pause_writing(self) -> None:
        self._owner.pause_writing()

    def resume_writing(self) -> None:
        self._owner.resume_writing()

    def eof_received(self) -> None:
        self._owner.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._owner.connection_lost(exc)
