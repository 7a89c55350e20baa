"""The outbox: no packet is lost, duplicated or out of order, whatever the connection does."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jsmeets_local.errors import ProtocolError
from jsmeets_local.protocol.chunks import CHUNK_BYTES, WINDOW, Assembler
from jsmeets_local.protocol.codec import decode, message_packet
from jsmeets_local.protocol.outbox import Outbox
from tests.protocol.packets import packet


class Reader:
    """The receiving side: takes frames and credits chunks."""

    def __init__(self, outbox: Outbox) -> None:
        self.outbox = outbox
        self.assembler = Assembler(2**28)
        self.seen: list[tuple[str, int]] = []
        self.frames = 0

    def read(self, frame: str | bytes, credit: bool = True) -> None:
        self.frames += 1
        whole: Any = frame
        if isinstance(frame, bytes) and frame[0] == 2:
            stream, whole = self.assembler.feed(frame)
            if credit:
                self.outbox.credit(stream, 1)
        for message in decode(whole) if whole is not None else ():
            self.seen.append((message.key, message.id))  # type: ignore[union-attr]

    def read_all(self) -> None:
        while (frame := self.outbox.take()) is not None:
            assert len(frame) <= CHUNK_BYTES + 16
            self.read(frame)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["call", "push"]),
            st.sampled_from(["a", "b"]),
            st.sampled_from([0, 10, 100_000, 300_000, 700_000]),
        ),
        max_size=12,
    )
)
def test_the_outbox_loses_nothing_and_keeps_the_promised_order(
    sends: list[tuple[str, str, int]],
) -> None:
    outbox = Outbox()
    for number, (kind, name, size) in enumerate(sends, 1):
        outbox.put(packet(kind, name, size, number))
    reader = Reader(outbox)
    reader.read_all()
    assert sorted(n for _, n in reader.seen) == list(range(1, len(sends) + 1))
    for name in "ab":
        pushes = [n for n, (kind, key, _) in enumerate(sends, 1) if kind == "push" and key == name]
        assert [n for _, n in reader.seen if n in pushes] == pushes
    small_calls = [n for n, (kind, _, size) in enumerate(sends, 1) if kind == "call" and size <= 100_000]
    assert [n for _, n in reader.seen if n in small_calls] == small_calls


def test_small_messages_travel_together() -> None:
    outbox = Outbox()
    for number in range(1, 1001):
        outbox.put(packet("call", "f", 0, number))
    reader = Reader(outbox)
    reader.read_all()
    assert len(reader.seen) == 1000
    assert reader.frames == 1


def test_a_small_call_passes_a_large_one() -> None:
    outbox = Outbox()
    outbox.put(packet("call", "big", 50 * CHUNK_BYTES, 1))
    reader = Reader(outbox)
    reader.read(outbox.take() or "")
    outbox.put(packet("call", "small", 4, 2))
    reader.read(outbox.take() or "")
    reader.read(outbox.take() or "")
    assert reader.seen == [("small", 2)]
    reader.read_all()
    assert reader.seen == [("small", 2), ("big", 1)]


def test_chunks_wait_for_credit() -> None:
    outbox = Outbox()
    outbox.put(packet("call", "big", 50 * CHUNK_BYTES, 1))
    reader = Reader(outbox)
    for _ in range(WINDOW):
        reader.read(outbox.take() or "", credit=False)
    assert outbox.take() is None
    outbox.put(packet("call", "small", 4, 2))
    reader.read(outbox.take() or "")
    assert reader.seen == [("small", 2)]
    assert outbox.take() is None
    outbox.credit(0, 1)
    outbox.credit(99, 1)  # a stream that is done
    reader.read(outbox.take() or "", credit=False)
    assert outbox.take() is None
    outbox.credit(0, WINDOW)
    reader.read_all()
    assert reader.seen[-1] == ("big", 1)


def test_no_more_than_64_streams_are_open() -> None:
    outbox = Outbox()
    for number in range(1, 101):
        outbox.put(packet("call", "f", CHUNK_BYTES, number))
    reader = Reader(outbox)  # its assembler refuses a 65th
    reader.read_all()
    assert sorted(n for _, n in reader.seen) == list(range(1, 101))


# A connection that breaks -----------------------------------------------------------------------------------

SENDS = st.tuples(
    st.sampled_from(["call", "push"]), st.sampled_from(["a", "b"]), st.sampled_from([0, 10, 100_000, 300_000, 700_000])
)
STEPS = st.one_of(SENDS, st.integers(0, 5), st.sampled_from(["cut", "acknowledge"]))


class Page:
    """Reads what arrives before the connection breaks; counts and acknowledges."""

    def __init__(self, outbox: Outbox) -> None:
        self.outbox = outbox
        self.reader = Reader(outbox)

    def read(self, frames: int) -> None:
        for _ in range(frames):
            frame = self.outbox.take()
            if frame is not None:
                self.reader.read(frame)

    def cut(self) -> None:
        self.outbox.take()  # written, and never read
        self.outbox.rewind(len(self.reader.seen))
        self.reader.assembler = Assembler(2**28)

    def acknowledge(self) -> None:
        self.outbox.acknowledge(len(self.reader.seen))


@given(st.lists(STEPS, max_size=40))
def test_nothing_is_lost_or_duplicated_when_the_connection_breaks(steps: list[Any]) -> None:
    outbox = Outbox()
    page = Page(outbox)
    sends: list[tuple[str, str, int]] = []
    for step in steps:
        if isinstance(step, int):
            page.read(step)
        elif isinstance(step, str):
            getattr(page, step)()
        else:
            sends.append(step)
            kind, name, size = step
            outbox.put(packet(kind, name, size, len(sends)))
    page.reader.read_all()
    seen = [number for _, number in page.reader.seen]
    assert sorted(seen) == list(range(1, len(sends) + 1))
    for name in "ab":
        pushes = [n for n, (kind, key, _) in enumerate(sends, 1) if kind == "push" and key == name]
        assert [n for n in seen if n in pushes] == pushes
    small_calls = [n for n, (kind, _, size) in enumerate(sends, 1) if kind == "call" and size <= 100_000]
    assert [n for n in seen if n in small_calls] == small_calls
    assert outbox.sent == len(sends)
    page.acknowledge()
    assert (outbox.size, len(outbox)) == (0, 0)


def test_small_items_stay_before_a_large_one_of_their_queue() -> None:
    outbox = Outbox()
    for number in range(1, 101):
        outbox.put(packet("push", "a", 100_000, number))
    outbox.put(packet("push", "a", 300_000, 101))
    outbox.put(packet("push", "a", 0, 102))
    reader = Reader(outbox)
    reader.read_all()
    assert [number for _, number in reader.seen] == list(range(1, 103))


def test_control_messages_go_first_and_once() -> None:
    outbox = Outbox()
    outbox.put(packet("call", "f", 0, 1))
    outbox.put_control(message_packet(["ack", 5]))
    assert [type(message).__name__ for message in decode(outbox.take() or "")] == ["Ack", "Call"]
    outbox.put_control(message_packet(["ack", 6]))
    outbox.rewind(0)
    assert [type(message).__name__ for message in decode(outbox.take() or "")] == ["Call"]
    assert outbox.take() is None


def test_impossible_counts_are_refused() -> None:
    outbox = Outbox()
    for number in (1, 2):
        outbox.put(packet("call", "f", 0, number))
    outbox.take()
    outbox.acknowledge(1)
    outbox.acknowledge(1)
    with pytest.raises(ProtocolError, match="3 messages acknowledged, 2 sent"):
        outbox.acknowledge(3)
    with pytest.raises(ProtocolError, match="0 messages received, after 1"):
        outbox.rewind(0)
