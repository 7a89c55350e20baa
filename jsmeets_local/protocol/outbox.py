"""What waits to be written to one page, in which order it goes out, and what has to go out again."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from typing import Any

from ..errors import ProtocolError
from .chunks import CHUNK_BYTES, MAX_STREAMS, WINDOW, cut, offered
from .codec import Frame, Packet, encode, frame_parts
from .offers import MAX_OFFERS, Offer, Offers

__all__ = ["Outbox"]


class _Stream:
    """A packet that travels in chunks, or is fetched."""

    __slots__ = ("chunks", "id", "is_text", "left", "offer", "packet", "parts", "size", "under_way")

    def __init__(self, packet: Packet, stream_id: int) -> None:
        self.packet = packet
        self.id = stream_id
        self.parts, self.is_text = frame_parts([packet])
        self.size = sum(len(part) for part in self.parts)
        self.cut()

    def cut(self) -> None:
        """It begins with its first chunk."""
        self.offer: Offer | None = None
        self.left = -(-self.size // CHUNK_BYTES)
        self.chunks: Iterator[bytes] = cut(self.parts, self.is_text, self.id)
        self.under_way = 0

    def give(self, offer: Offer) -> None:
        """The page fetches it, and says so by a credit."""
        self.offer = offer
        self.left = 2
        self.chunks = offered(bytes.fromhex(offer.secret), self.size, self.is_text, self.id)

    def next(self) -> bytes:
        """The next frame."""
        self.left -= 1
        self.under_way += 1 if self.offer is None else WINDOW
        return next(self.chunks)


class Outbox:
    """Batches small packets, cuts large ones, and lets the small ones pass between the chunks.

    A packet with an `order` waits behind an unfinished large one of the same `order`; no other waits.

    Both sides count the packets, in the order in which they are complete on the wire. What the page has not
    acknowledged is kept: after a new connection `rewind` puts what it has not received in front again.

    What waits or may have to go out again has bounds, which only those who ask `has_room` keep. Large packets have
    room of their own, so that small ones do not wait for them. Publications that wait can be dropped.

    The largest packets are offered to pages that can fetch: the first frame says what to fetch. When the page has it, a
    second one stands for all of its chunks. A page that declines gets them.

    Args:
        max_bytes: Room for the small packets, and once more for the large ones.
        max_count: Room for packets of both kinds together.
        offers: What pages may fetch.

    Attributes:
        fetches: Whether this page can, by the connection that it has now.
        sizes: Bytes of the small packets that wait or may have to go out again, and of the large ones.
        count: How many packets these are.
        dropped: How many were dropped.
        sent_bytes: Bytes of all that was written, what went out again too.
    """

    def __init__(self, max_bytes: int = 2**62, max_count: int = 2**62, offers: Offers | None = None) -> None:
        self.fetches = False
        self.sizes = [0, 0]
        self.count = 0
        self.dropped = 0
        self.sent_bytes = 0
        self._max_bytes = max_bytes
        self._max_count = max_count
        self._offers = offers or Offers()
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
        # Publications, small and large ones, that have not begun to go out, by `id`; and those dropped since, which
        # are passed over when their turn comes.
        self._droppable: tuple[OrderedDict[int, Packet], OrderedDict[int, Packet]] = (OrderedDict(), OrderedDict())
        self._dropped: set[int] = set()
        self._newest: dict[tuple[str, Any], Packet] = {}

    def __len__(self) -> int:
        """How many packets wait to be written."""
        return self.count - len(self._unacknowledged)

    @property
    def size(self) -> int:
        """Bytes of all packets that wait or may have to go out again."""
        return sum(self.sizes)

    @property
    def sent(self) -> int:
        """How many packets have been written in whole, since the page first came."""
        return self._acknowledged + len(self._unacknowledged)

    def has_room(self, packet: Packet) -> bool:
        """Whether a packet may be added without going further beyond the bounds than by itself."""
        return self.sizes[_is_large(packet)] < self._max_bytes and self.count < self._max_count

    def is_free(self) -> bool:
        """Whether there is room for packets of both kinds."""
        return max(self.sizes) < self._max_bytes and self.count < self._max_count

    def put(self, packet: Packet) -> None:
        """Adds a packet."""
        self._add(packet, 1)
        self._waiting.append(packet)

    def put_droppable(self, packet: Packet) -> bool:
        """Adds a publication; the oldest ones that wait make room for it. The newest is always kept.

        Returns:
            Whether there was room for it without dropping any.
        """
        before = self.dropped
        while not self.has_room(packet) and self._drop_oldest(_is_large(packet)):
            pass
        self.put(packet)
        self._droppable[_is_large(packet)][id(packet)] = packet
        return self.dropped == before

    def put_latest(self, packet: Packet) -> bool:
        """Adds a publication; an earlier one of the same topic that still waits is dropped.

        Returns:
            Whether there was room for it without dropping any of another topic.
        """
        assert packet.order is not None
        earlier = self._newest.get(packet.order)
        if earlier is not None and id(earlier) in self._droppable[_is_large(earlier)]:
            self._drop(earlier)
        self._newest[packet.order] = packet
        return self.put_droppable(packet)

    def _drop_oldest(self, large: bool) -> bool:
        for droppable in (self._droppable[large], self._droppable[not large]):
            if droppable and (droppable is self._droppable[large] or self.count >= self._max_count):
                self._drop(next(iter(droppable.values())))
                return True
        return False

    def _drop(self, packet: Packet) -> None:
        del self._droppable[_is_large(packet)][id(packet)]
        self._dropped.add(id(packet))
        self._add(packet, -1)
        self.dropped += 1

    def _add(self, packet: Packet, sign: int) -> None:
        self.sizes[_is_large(packet)] += sign * packet.size
        self.count += sign

    def _was_dropped(self, packet: Packet) -> bool:
        """Whether a packet whose turn has come is passed over; from now on it cannot be dropped any more."""
        if id(packet) in self._dropped:
            self._dropped.discard(id(packet))
            return True
        self._droppable[_is_large(packet)].pop(id(packet), None)
        if packet.order is not None and self._newest.get(packet.order) is packet:
            del self._newest[packet.order]
        return False

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
            return self._counted(encode(batch))
        return self._chunk() if self._turn else None

    def _counted(self, frame: Frame) -> Frame:
        self.sent_bytes += len(frame)
        return frame

    def credit(self, stream_id: int, count: int) -> None:
        """The page has taken `count` chunks of a stream. Unknown streams are done already."""
        stream = self._streams.get(stream_id)
        if stream is None:
            return
        if stream.under_way >= WINDOW:
            self._turn.append(stream_id)
        stream.under_way = max(0, stream.under_way - count)

    def decline(self, stream_id: int) -> None:
        """The page could not fetch: it gets chunks from now on, of this stream too."""
        self.fetches = False
        stream = self._streams.get(stream_id)
        if stream is None or stream.offer is None:
            return
        self._offers.withdraw(stream.offer)
        if stream.under_way >= WINDOW:
            self._turn.append(stream_id)
        stream.cut()

    def withdraw(self) -> None:
        """The connection has ended: what was offered on it cannot be fetched any more."""
        self.fetches = False
        for stream in self._streams.values():
            if stream.offer is not None:
                self._offers.withdraw(stream.offer)

    def acknowledge(self, received: int) -> None:
        """The page has received so many packets: they need not be kept.

        Raises:
            ProtocolError: That many were not sent.
        """
        if received > self.sent:
            raise ProtocolError(f"{received} messages acknowledged, {self.sent} sent")
        while self._acknowledged < received:
            self._acknowledged += 1
            self._add(self._unacknowledged.popleft(), -1)

    def rewind(self, received: int) -> None:
        """A new connection: all that the page has not received goes out again, in order.

        Raises:
            ProtocolError: That many were not sent, or more were acknowledged before.
        """
        if received < self._acknowledged:
            raise ProtocolError(f"{received} messages received, after {self._acknowledged} had been acknowledged")
        self.acknowledge(received)
        self.withdraw()
        under_way = [stream.packet for stream in self._streams.values()]
        held = [packet for packets in self._held.values() for packet in packets]
        self._waiting = deque([*self._unacknowledged, *under_way, *self._beyond, *held, *self._waiting])
        for emptied in (self._control, self._streams, self._turn, self._beyond, self._held, self._unacknowledged):
            emptied.clear()
        self._chunk_next = False

    def clear(self) -> None:
        """Drops all that has not been written: the page is sent away."""
        self.rewind(self._acknowledged)
        for packet in self._waiting:
            if not self._was_dropped(packet):
                self._add(packet, -1)
                self.dropped += 1
        self._waiting.clear()

    def _batch(self) -> list[Packet]:
        """Small packets that fit into one frame; large ones and what waits behind them are put aside."""
        batch, self._control = self._control, []
        size = sum(packet.size for packet in batch)
        while self._waiting:
            packet = self._waiting[0]
            plain = packet.order is None and packet.size <= CHUNK_BYTES  # an answer or a call, mostly
            if not plain and self._put_aside(packet):
                self._waiting.popleft()
                continue
            if batch and size + packet.size > CHUNK_BYTES:
                break
            if not plain and self._was_dropped(packet):
                self._waiting.popleft()
                continue
            self._unacknowledged.append(self._waiting.popleft())
            batch.append(packet)
            size += packet.size
        return batch

    def _put_aside(self, packet: Packet) -> bool:
        if packet.order is not None and packet.order in self._held:
            self._held[packet.order].append(packet)
        elif _is_large(packet):
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
        frame = stream.next()
        self.sent_bytes += len(frame)
        if not stream.left:
            self._finish(stream_id)
        elif stream.under_way < WINDOW:
            self._turn.append(stream_id)
        return frame

    def _finish(self, stream_id: int) -> None:
        stream = self._streams.pop(stream_id)
        packet = stream.packet
        if stream.offer is not None:
            self.sent_bytes += stream.size
            self._offers.withdraw(stream.offer)
        self._unacknowledged.append(packet)
        self._open_streams()
        self._release(packet)

    def _open_streams(self) -> None:
        while self._beyond and len(self._streams) < MAX_STREAMS:
            packet = self._beyond.popleft()
            if self._was_dropped(packet):
                self._release(packet)
                continue
            stream_id = self._next_stream
            self._next_stream = (stream_id + 1) % 2**32
            stream = _Stream(packet, stream_id)
            if self._may_offer(stream.size):
                stream.give(self._offers.make(stream.parts, stream.size))
            self._streams[stream_id] = stream
            self._turn.append(stream_id)

    def _may_offer(self, size: int) -> bool:
        if not self.fetches or size <= self._offers.least:
            return False
        return sum(stream.offer is not None for stream in self._streams.values()) < MAX_OFFERS

    def _release(self, packet: Packet) -> None:
        """A large packet is done: what waited behind it comes next."""
        if packet.order is not None:
            self._waiting.extendleft(reversed(self._held.pop(packet.order)))


def _is_large(packet: Packet) -> bool:
    return packet.size > CHUNK_BYTES
