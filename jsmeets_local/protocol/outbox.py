"""Outbox: messages for one client that wait to be written, or may have to be written again."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from typing import Any

from msgspec.structs import replace

from ..errors import ProtocolError
from .chunks import CHUNK_BYTES, MAX_STREAMS, WINDOW, cut, offered
from .codec import Frame, Packet, encode, frame_parts
from .offers import MAX_OFFERS, Offer, Offers

__all__ = ["STATE_ORDER", "Outbox"]

STATE_ORDER = ("state", "")  # of states and their patches: nothing overtakes a large one


class _Stream:
    """A packet that is sent in chunks, or offered for download."""

    __slots__ = ("chunks", "id", "is_text", "left", "offer", "packet", "parts", "size", "under_way")

    def __init__(self, packet: Packet, stream_id: int) -> None:
        self.packet = packet
        self.id = stream_id
        self.parts, self.is_text = frame_parts([packet])
        self.size = sum(len(part) for part in self.parts)
        self.cut()

    def cut(self) -> None:
        """Start sending chunks, from the first one."""
        self.offer: Offer | None = None
        self.left = -(-self.size // CHUNK_BYTES)
        self.chunks: Iterator[bytes] = cut(self.parts, self.is_text, self.id)
        self.under_way = 0

    def give(self, offer: Offer) -> None:
        """Offer the content for download. The client confirms the download with a credit."""
        self.offer = offer
        self.left = 2
        self.chunks = offered(bytes.fromhex(offer.secret), self.size, self.is_text, self.id)

    def next(self) -> bytes:
        """Return the next frame."""
        self.left -= 1
        self.under_way += 1 if self.offer is None else WINDOW
        return next(self.chunks)


class Outbox:
    """Send queue that batches small packets, cuts large ones into chunks, and sends small ones between the chunks.

    A packet with an `order` waits for an unfinished large packet of the same `order`, and for no other large packet.
    All packets wait for one of `STATE_ORDER`.

    Both sides count packets in the order of their completion on the wire. Unacknowledged packets are kept: after a
    reconnection, `rewind` puts those that the client has not received back at the front.

    Packets that wait or may have to be sent again are limited. `put` enforces the limits only if `limited`. Large
    packets have a separate limit, so that small ones do not wait for them. Waiting publications can be dropped.

    The largest packets are offered for download to clients that support it: a first frame contains the offer and, once
    the client has fetched the content, a second frame stands for all chunks. A client that declines receives chunks.

    Args:
        max_bytes: Limit for the small packets and, separately, for the large ones.
        max_count: Limit for the number of packets of both kinds.
        offers: Table of the content that clients may download.
        dropped_packet: Called with each publication that is dropped.
        received_packet: Called with each acknowledged packet that has an `order`.

    Attributes:
        fetches: True if the client can download, on its current connection.
        sizes: Bytes of the small and of the large packets that wait or may have to be sent again.
        count: Number of these packets.
        dropped: Number of dropped packets.
        sent_bytes: Bytes written or downloaded in total, including repetitions.
    """

    def __init__(
        self,
        max_bytes: int = 2**62,
        max_count: int = 2**62,
        offers: Offers | None = None,
        dropped_packet: Callable[[Packet], object] | None = None,
        received_packet: Callable[[Packet], object] | None = None,
    ) -> None:
        self.fetches = False
        self.sizes = [0, 0]
        self.count = 0
        self.dropped = 0
        self.sent_bytes = 0
        self._max_bytes = max_bytes
        self._max_count = max_count
        self._offers = offers or Offers()
        self._dropped_packet = dropped_packet
        self._received_packet = received_packet
        self._waiting: deque[Packet] = deque()
        self._control: list[Packet] = []  # for this connection only: neither counted nor kept
        self._streams: dict[int, _Stream] = {}
        self._ready: deque[int] = deque()  # streams that may write a chunk now
        self._beyond: deque[Packet] = deque()  # large packets that wait for a free stream
        self._held: dict[tuple[str, Any], deque[Packet]] = {}
        self._unacknowledged: deque[Packet] = deque()
        self._acknowledged = 0
        self._next_stream = 0
        self._chunk_next = False
        # Small and large publications whose sending has not begun, by `id`, and the ids of dropped ones, which are
        # skipped when they are reached.
        self._droppable: tuple[OrderedDict[int, Packet], OrderedDict[int, Packet]] = (OrderedDict(), OrderedDict())
        self._dropped: set[int] = set()
        self._newest: dict[tuple[str, Any], Packet] = {}

    def __len__(self) -> int:
        """Return the number of packets that wait to be written."""
        return self.count - len(self._unacknowledged)

    @property
    def size(self) -> int:
        """Bytes of all packets that wait or may have to be sent again."""
        return sum(self.sizes)

    @property
    def sent(self) -> int:
        """Number of packets that have been written completely, since the first connection."""
        return self._acknowledged + len(self._unacknowledged)

    def has_room(self, packet: Packet) -> bool:
        """Return whether a packet may be added. The limits may be exceeded by the size of this packet at most."""
        return self.sizes[packet.size > CHUNK_BYTES] < self._max_bytes and self.count < self._max_count

    def is_free(self) -> bool:
        """Return whether there is room for packets of both kinds."""
        return max(self.sizes) < self._max_bytes and self.count < self._max_count

    def put(self, packet: Packet, limited: bool = False) -> bool:
        """Add a packet.

        Args:
            packet: The packet.
            limited: Add it only if `has_room` returns true.

        Returns:
            True if it was added.
        """
        is_large = packet.size > CHUNK_BYTES
        if limited and (self.sizes[is_large] >= self._max_bytes or self.count >= self._max_count):
            return False
        self.sizes[is_large] += packet.size
        self.count += 1
        self._waiting.append(packet)
        return True

    def put_droppable(self, packet: Packet) -> bool:
        """Add a publication, dropping the oldest waiting ones until there is room. The new one is always kept.

        Returns:
            True if none was dropped.
        """
        before = self.dropped
        while not self.has_room(packet) and self._drop_oldest(_is_large(packet)):
            pass
        self.put(packet)
        self._droppable[_is_large(packet)][id(packet)] = packet
        return self.dropped == before

    def put_latest(self, packet: Packet) -> bool:
        """Add a publication, dropping an earlier one of the same topic that still waits.

        Returns:
            True if no other publication was dropped.
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
        self._remove(packet)
        self.dropped += 1
        if self._dropped_packet is not None:
            self._dropped_packet(packet)

    def _remove(self, packet: Packet) -> None:
        self.sizes[_is_large(packet)] -= packet.size
        self.count -= 1

    def _was_dropped(self, packet: Packet) -> bool:
        """Return whether the next packet was dropped and is skipped. If not, it can no longer be dropped."""
        if id(packet) in self._dropped:
            self._dropped.discard(id(packet))
            return True
        self._droppable[_is_large(packet)].pop(id(packet), None)
        if packet.order is not None and self._newest.get(packet.order) is packet:
            del self._newest[packet.order]
        return False

    def put_control(self, packet: Packet) -> None:
        """Add a packet for this connection only: it is sent first and never repeated."""
        self._control.append(packet)

    def take(self) -> Frame | None:
        """Return the next frame to write, or `None` if nothing may be written now."""
        if self._ready and self._chunk_next and not self._control:
            self._chunk_next = False
            return self._chunk()
        # Small packets that fit into one frame; large ones, and those behind them, are put aside.
        batch, self._control = self._control, []
        size = sum([packet.size for packet in batch])
        while self._waiting:
            packet = self._waiting[0]
            # Most answers and calls:
            plain = packet.order is None and packet.size <= CHUNK_BYTES and not self._held
            if not plain and self._put_aside(packet):
                self._waiting.popleft()
                continue
            if batch and size + packet.size > CHUNK_BYTES:
                break
            if not plain and self._was_dropped(packet):
                self._waiting.popleft()
                continue
            self._waiting.popleft()
            self._unacknowledged.append(_without_handles(packet) if packet.handles else packet)
            batch.append(packet)
            size += packet.size
        if batch:
            self._chunk_next = True
            frame = encode(batch)
            self.sent_bytes += len(frame)
            return frame
        return self._chunk() if self._ready else None

    def credit(self, stream_id: int, count: int) -> None:
        """Allow `count` more chunks of a stream. Ignore unknown streams, which are complete."""
        stream = self._streams.get(stream_id)
        if stream is None:
            return
        if stream.under_way >= WINDOW:
            self._ready.append(stream_id)
        stream.under_way = max(0, stream.under_way - count)

    def decline(self, stream_id: int) -> None:
        """Send chunks from now on, for this stream too, as the client could not download."""
        self.fetches = False
        stream = self._streams.get(stream_id)
        if stream is None or stream.offer is None:
            return
        self._offers.withdraw(stream.offer)
        if stream.under_way >= WINDOW:
            self._ready.append(stream_id)
        stream.cut()

    def withdraw(self) -> None:
        """Withdraw the offers of a connection that has ended."""
        self.fetches = False
        for stream in self._streams.values():
            if stream.offer is not None:
                self._offers.withdraw(stream.offer)

    def acknowledge(self, received: int) -> None:
        """Remove the first `received` packets, which the client has received.

        Raises:
            ProtocolError: Fewer packets were sent.
        """
        if received > self.sent:
            raise ProtocolError(f"{received} messages acknowledged, {self.sent} sent")
        while self._acknowledged < received:
            self._acknowledged += 1
            packet = self._unacknowledged.popleft()
            self._remove(packet)
            if packet.order is not None and self._received_packet is not None:
                self._received_packet(packet)

    def rewind(self, received: int) -> None:
        """Queue all packets that the client has not received again, in order, for a new connection.

        Raises:
            ProtocolError: Fewer packets were sent, or more were acknowledged before.
        """
        if received < self._acknowledged:
            raise ProtocolError(f"{received} messages received, after {self._acknowledged} had been acknowledged")
        self.acknowledge(received)
        self.withdraw()
        under_way = [stream.packet for stream in self._streams.values()]
        held = [packet for packets in self._held.values() for packet in packets]
        self._waiting = deque([*self._unacknowledged, *under_way, *self._beyond, *held, *self._waiting])
        for emptied in (self._control, self._streams, self._ready, self._beyond, self._held, self._unacknowledged):
            emptied.clear()
        self._chunk_next = False

    def clear(self) -> None:
        """Drop all packets, including unacknowledged ones, before the connection is closed."""
        self.rewind(self._acknowledged)
        for packet in self._waiting:
            if not self._was_dropped(packet):
                self._remove(packet)
                self.dropped += 1
        self._waiting.clear()

    def _put_aside(self, packet: Packet) -> bool:
        if STATE_ORDER in self._held:
            self._held[STATE_ORDER].append(packet)
        elif packet.order is not None and packet.order in self._held:
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
        stream_id = self._ready.popleft()
        stream = self._streams[stream_id]
        frame = stream.next()
        self.sent_bytes += len(frame)
        if not stream.left:
            self._finish(stream_id)
        elif stream.under_way < WINDOW:
            self._ready.append(stream_id)
        return frame

    def _finish(self, stream_id: int) -> None:
        stream = self._streams.pop(stream_id)
        packet = stream.packet
        if stream.offer is not None:
            self.sent_bytes += stream.size
            self._offers.withdraw(stream.offer)
        self._unacknowledged.append(_without_handles(packet) if packet.handles else packet)
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
            self._ready.append(stream_id)

    def _may_offer(self, size: int) -> bool:
        if not self.fetches or size <= self._offers.least:
            return False
        return sum(stream.offer is not None for stream in self._streams.values()) < MAX_OFFERS

    def _release(self, packet: Packet) -> None:
        """Put the packets that waited for a large one at the front of the queue."""
        if packet.order is not None:
            self._waiting.extendleft(reversed(self._held.pop(packet.order)))


def _is_large(packet: Packet) -> bool:
    return packet.size > CHUNK_BYTES


def _without_handles(packet: Packet) -> Packet:
    """Return a packet that is written, and which a release of the objects it carries can no longer overtake."""
    return replace(packet, handles=())
