"""What waits to be written to one page, and in which order it goes out."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from .chunks import CHUNK_BYTES, MAX_STREAMS, WINDOW, cut
from .codec import Frame, Packet, encode, frame_parts

__all__ = ["Outbox"]


class _Stream:
    """A packet that travels in chunks."""

    __slots__ = ("chunks", "left", "order", "under_way")

    def __init__(self, packet: Packet, stream_id: int) -> None:
        parts, is_text = frame_parts([packet])
        self.left = -(-sum(len(part) for part in parts) // CHUNK_BYTES)
        self.chunks: Iterator[bytes] = cut(parts, is_text, stream_id)
        self.order = packet.order
        self.under_way = 0


class Outbox:
    """Batches small packets, cuts large ones, and lets the small ones pass between the chunks.

    A packet with an `order` waits behind an unfinished large one of the same `order`; no other waits.
    """

    def __init__(self) -> None:
        self._small: deque[Packet] = deque()
        self._streams: dict[int, _Stream] = {}
        self._turn: deque[int] = deque()  # streams that may write a chunk now
        self._beyond: deque[Packet] = deque()  # large ones that wait for a free stream
        self._held: dict[tuple[str, Any], deque[Packet]] = {}
        self._next_stream = 0
        self._chunk_next = False

    def put(self, packet: Packet) -> None:
        """Adds a packet."""
        if packet.order is not None and packet.order in self._held:
            self._held[packet.order].append(packet)
        elif packet.size <= CHUNK_BYTES:
            self._small.append(packet)
        else:
            if packet.order is not None:
                self._held[packet.order] = deque()
            self._beyond.append(packet)
            self._open_streams()

    def take(self) -> Frame | None:
        """The next frame to write, `None` when there is nothing that may be written now."""
        if self._turn and (self._chunk_next or not self._small):
            self._chunk_next = False
            return self._chunk()
        if not self._small:
            return None
        self._chunk_next = True
        return encode(self._batch())

    def credit(self, stream_id: int, count: int) -> None:
        """The other side has taken `count` chunks of a stream. Unknown streams are done already."""
        stream = self._streams.get(stream_id)
        if stream is None:
            return
        if stream.under_way >= WINDOW:
            self._turn.append(stream_id)
        stream.under_way = max(0, stream.under_way - count)

    def _batch(self) -> list[Packet]:
        batch = [self._small.popleft()]
        size = batch[0].size
        while self._small and size + self._small[0].size <= CHUNK_BYTES:
            size += self._small[0].size
            batch.append(self._small.popleft())
        return batch

    def _chunk(self) -> bytes:
        stream_id = self._turn.popleft()
        stream = self._streams[stream_id]
        frame = next(stream.chunks)
        stream.left -= 1
        stream.under_way += 1
        if not stream.left:
            self._finish(stream_id)
        elif stream.under_way < WINDOW:
            self._turn.append(stream_id)
        return frame

    def _finish(self, stream_id: int) -> None:
        order = self._streams.pop(stream_id).order
        self._open_streams()
        if order is None:
            return
        for packet in self._held.pop(order):
            self.put(packet)

    def _open_streams(self) -> None:
        while self._beyond and len(self._streams) < MAX_STREAMS:
            stream_id = self._next_stream
            self._next_stream = (stream_id + 1) % 2**32
            self._streams[stream_id] = _Stream(self._beyond.popleft(), stream_id)
            self._turn.append(stream_id)
