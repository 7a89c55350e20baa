"""Pieces of large messages that are read from the socket right into their place, and nowhere before."""

from __future__ import annotations

import asyncio
from typing import Protocol

from ..protocol.chunks import ReceivedChunk

try:
    from websockets.speedups import apply_mask
except ImportError:  # on this platform it has no C
    from websockets.utils import apply_mask

__all__ = ["PartialChunk", "ZeroCopyReceiver", "apply_mask"]

_BETWEEN_BYTES = 2**16  # read at once of what is no such piece


class PartialChunk:
    """What is on its way to its place.

    Args:
        landed: What to say when it is there.
        room: Its place.
        mask: What a browser has masked it with (RFC 6455, section 5.3), from its first byte on.
    """

    def __init__(self, landed: ReceivedChunk, room: memoryview, mask: bytes) -> None:
        self.landed = landed
        self._room = room
        self._mask = mask
        self._come = 0

    def put(self, come: memoryview) -> None:
        """What has come of it elsewhere."""
        self._room[: len(come)] = come
        self._come = len(come)

    def rest(self) -> memoryview:
        """Where to read to."""
        return self._room[self._come :]

    def grow(self, count: int) -> bool:
        """So much was read; whether that is all of it."""
        self._come += count
        if self._come < len(self._room):
            return False
        self._room[:] = apply_mask(self._room, self._mask)
        return True


class Owner(Protocol):
    """The protocol in whose place a `ZeroCopyReceiver` reads."""

    def wanted(self) -> int:
        """How much to read so that nothing of the next piece is among it."""

    def data_received(self, data: bytes) -> None:
        """What is read between the pieces."""

    def chunk_received(self, landed: ReceivedChunk) -> None:
        """A piece is where it belongs."""

    def pause_writing(self) -> None: ...
    def resume_writing(self) -> None: ...
    def eof_received(self) -> None: ...
    def connection_lost(self, exc: Exception | None) -> None: ...


class ZeroCopyReceiver(asyncio.BufferedProtocol):
    """What the transport has for a protocol while pieces come."""

    def __init__(self, owner: Owner) -> None:
        self.piece: PartialChunk | None = None
        self._owner = owner
        self._between = memoryview(bytearray(_BETWEEN_BYTES))

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where to read to."""
        return self._between[: self._owner.wanted()] if self.piece is None else self.piece.rest()

    def buffer_updated(self, nbytes: int) -> None:
        """So much was read."""
        piece = self.piece
        if piece is None:
            self._owner.data_received(bytes(self._between[:nbytes]))
        elif piece.grow(nbytes):
            self.piece = None
            self._owner.chunk_received(piece.landed)

    # The rest is the owner's --------------------------------------------------------------------------

    def pause_writing(self) -> None:
        self._owner.pause_writing()

    def resume_writing(self) -> None:
        self._owner.resume_writing()

    def eof_received(self) -> None:
        self._owner.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._owner.connection_lost(exc)
