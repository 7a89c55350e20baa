"""Frames: round trips, and garbage that ends in one error only."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jsmeets_local.core.chunks import CHUNK_BYTES, WINDOW, Assembler, cut
from jsmeets_local.core.codec import Packet, decode, encode, message_packet
from jsmeets_local.core.message import Call, Custom, Message, Notify, Publish, Push, Return, UserObject
from jsmeets_local.core.outbox import Outbox
from jsmeets_local.core.values import pack
from jsmeets_local.errors import ProtocolError

from .test_values import json_values, with_bytes

names = st.text(min_size=1, max_size=8)
ids = st.integers(1, 2**53 - 1)


@st.composite
def messages(draw: st.DrawFn) -> tuple[Packet, Message]:
    value = draw(with_bytes)
    kind = draw(st.sampled_from(["call", "notify", "return", "push", "publish", "custom"]))
    name, number = draw(names), draw(ids)
    if kind == "call":
        return message_packet(["call", number, name], pack([value], "args")), Call(number, name, [value])
    if kind == "notify":
        return message_packet(["notify", name], pack([value], "args")), Notify(name, [value])
    if kind == "return":
        return message_packet(["return", number], pack(value, "result")), Return(number, value)
    if kind == "push":
        return message_packet(["push", number, name], pack(value, "data")), Push(number, name, value)
    if kind == "custom":
        user = {"protocol": name, "key": value, "id": 0, "data": value, "exception": None}
        return message_packet(["custom"], pack(user, "data")), Custom(UserObject(**user))
    return message_packet(["publish", 0, name], pack(value, "data"), [False]), Publish(0, name, value, False)


@given(st.lists(messages(), max_size=8))
def test_frames_round_trip(batch: list[tuple[Packet, Message]]) -> None:
    packets = [packet for packet, _ in batch]
    frame = encode(packets)
    assert decode(frame) == [message for _, message in batch]
    assert isinstance(frame, str) == (not any(packet.buffers for packet in packets))
    assert len(frame if isinstance(frame, bytes) else frame.encode()) <= 16 + sum(p.size for p in packets)


@given(st.text() | json_values.map(str))
@example("[" * 100_000)
@example('[["\\ud800"' + "[" * 100_000)
@example('[["call",1,"f",[' + "1" * 10_000 + "]]]")
@example('[["call",1,"f",["\\ud800",' + "1" * 10_000 + "]]]")
def test_garbage_text(text: str) -> None:
    try:
        decode(text)
    except ProtocolError:
        return
    assert text.strip().startswith("[")


@given(st.binary(max_size=200) | st.binary(max_size=100).map(lambda b: b"\x01\0\0\0" + b))
def test_garbage_bytes(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode(data)


@given(with_bytes, st.data())
def test_truncated_or_changed_frames(value: Any, data: st.DataObject) -> None:
    frame = bytearray(encode([message_packet(["return", 1], pack([value, b"x" * 20], "v"))]))  # type: ignore[arg-type]
    where = data.draw(st.integers(0, len(frame) - 1))
    with pytest.raises(ProtocolError):
        decode(bytes(frame[: min(where, len(frame) - 5)]))
    frame[where] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ProtocolError):  # any other exception fails the test
        decode(bytes(frame))


@given(st.lists(st.binary(min_size=1, max_size=60), max_size=6))
def test_chunk_frames_of_a_stranger(payloads: list[bytes]) -> None:
    assembler = Assembler(10_000)
    for payload in payloads:
        try:
            assembler.feed(b"\x02" + payload)
        except ProtocolError:
            return
    assert len(assembler._streams) <= len(payloads)


def test_an_announced_giant_is_refused_before_memory_is_taken() -> None:
    frame = next(cut([b"x" * 100], False, 1))[:8] + (2**60).to_bytes(8, "little") + b"x"
    with pytest.raises(ProtocolError, match="allowed"):
        Assembler(2**28).feed(frame)


# The outbox ------------------------------------------------------------------------------------------------


def packet(kind: str, name: str, size: int, number: int) -> Packet:
    payload = pack([number, b"x" * size], "v")
    if kind == "call":
        return message_packet(["call", number, name], payload)
    return message_packet(["push", number, name], payload, order=("push", name))


class Reader:
    """The other side: takes frames, credits chunks."""

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
