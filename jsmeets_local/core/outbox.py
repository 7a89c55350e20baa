"""What waits to be written to one page, in which order it goes out, and what has to go out again."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from ..errors import ProtocolError
from .chunks import CHUNK_BYTES, MAX_STREAMS, WINDOW, cut
from .codec import Frame, Packet, encode, frame_parts

__all__ = ["Outbox"]


class _Stream:
    """A packet that travels in chunks."""

    __slots__ = ("chunks", "left", "packet", "under_way")

    def __init__(self, packet: Packet, stream_id: int) -> None:
        parts, is_text = frame_parts([packet])
        self.packet = packet
        self.left = -(-sum(len(part) for part in parts) // CHUNK_BYTES)
        self.chunks: Iterator[bytes] = cut(parts, is_text, stream_id)
        self.under_way = 0


class Outbox:
    """Batches small packets, cuts large ones, and lets the small ones pass between the chunks.

    A packet with an `order` waits behind an unfinished large one of the same `order`; no other waits.

    Both sides count the packets, in the order in which they are complete on the wire. What the page has not
    acknowledged is kept: after a new connection `rewind` puts what it has not received in front again.

    Attributes:
        size: Bytes of all packets that wait or may have to go out again.
    """

    def __init__(self) -> None:
        self.size = 0
        self._waiting: deque[Packet] = deque()
        self._control: list[Packet] = []  # of this connection alone: neither counted nor kept
        self._streams: dict[int, _Stream] = {}
        self._turn: deque[int] = deque()  # streams that may write a chunk now
        self._beyond: deque[Packet] = deque()  # large ones that wait for a free stream
        self._held: dict[tuple[str, Any], deque[Packet]] = {}
        self._unacknowledged: deque[Packet] = deque()
        self._acknowledged = 0
        self._next_stream = 0
        self._chunk_next = False

    def __len__(self) -> int:
        """How many packets wait to be written."""
        held = sum(len(packets) for packets in self._held.values())
        return len(self._waiting) + len(self._streams) + len(self._beyond) + held

    @property
    def sent(self) -> int:
        """How many packets have been written in whole, since the page first came."""
        return self._acknowledged + len(self._unacknowledged)

    def put(self, packet: Packet) -> None:
        """Adds a packet."""
        self.size += packet.size
        self._waiting.append(packet)

    def put_control(self, packet: Packet) -> None:
        """Adds a packet that concerns this connection alone: it goes first, and is not sent again."""
        self._control.append(packet)

    def take(self) -> Frame | None:
        """The next frame to write, `None` when there is nothing that may be written now."""
        if self._turn and self._chunk_next and not self._control:
            self._chunk_next = False
            return self._chunk()
        batch = self._batch()
        if batch:
            self._chunk_next = True
            return encode(batch)
        return self._chunk() if self._turn else None

    def credit(self, stream_id: int, count: int) -> None:
        """The page has taken `count` chunks of a stream. Unknown streams are done already."""
        stream = self._streams.get(stream_id)
        if stream is None:
            return
        if stream.under_way >= WINDOW:
            self._turn.append(stream_id)
        stream.under_way = max(0, stream.under_way - count)

    def acknowledge(self, received: int) -> None:
        """The page has received so many packets: they need not be kept.

        Raises:
            ProtocolError: That many were not sent.
        """
        if received > self.sent:
            raise ProtocolError(f"{received} messages acknowledged, {self.sent} sent")
        while self._acknowledged < received:
            self._acknowledged += 1
            self.size -= self._unacknowledged.popleft().size

    def rewind(self, received: int) -> None:
        """A new connection: all that the page has not received goes out again, in order.

        Raises:
            ProtocolError: That many were not sent, or more were acknowledged before.
        """
        if received < self._acknowledged:
            raise ProtocolError(f"{received} messages received, after {self._acknowledged} had been acknowledged")
        self.acknowledge(received)
        under_way = [stream.packet for stream in self._streams.values()]
        held = [packet for packets in self._held.values() for packet in packets]
        self._waiting = deque([*self._unacknowledged, *under_way, *self._beyond, *held, *self._waiting])
        for emptied in (self._control, self._streams, self._turn, self._beyond, self._held, self._unacknowledged):
            emptied.clear()
        self._chunk_next = False

    def _batch(self) -> list[Packet]:
        """Small packets that fit into one frame; large ones and what waits behind them are put aside."""
        batch, self._control = self._control, []
        size = sum(packet.size for packet in batch)
        while self._waiting:
            packet = self._waiting[0]
            if self._put_aside(packet):
                self._waiting.popleft()
                continue
            if batch and size + packet.size > CHUNK_BYTES:
                break
            self._unacknowledged.append(self._waiting.popleft())
            batch.append(packet)
            size += packet.size
        return batch

    def _put_aside(self, packet: Packet) -> bool:
        if packet.order is not None and packet.order in self._held:
            self._held[packet.order].append(packet)
        elif packet.size > CHUNK_BYTES:
            if packet.order is not None:
                self._held[packet.order] = deque()
            self._beyond.append(packet)
            self._open_streams()
        else:
            return False
        return True

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
        packet = self._streams.pop(stream_id).packet
        self._unacknowledged.append(packet)
        self._open_streams()
        if packet.order is not None:
            self._waiting.extendleft(reversed(self._held.pop(packet.order)))

    def _open_streams(self) -> None:
        while self._beyond and len(self._streams) < MAX_STREAMS:
            stream_id = self._next_stream
            self._next_stream = (stream_id + 1) % 2**32
            self._streams[stream_id] = _Stream(self._beyond.popleft(), stream_id)
            self._turn.append(stream_id)
