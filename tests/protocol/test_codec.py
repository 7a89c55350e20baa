"""Frames: round trips, and garbage that raises one error only."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jsmeets_local.errors import ProtocolError
from jsmeets_local.protocol.chunks import Assembler, cut
from jsmeets_local.protocol.codec import Packet, decode, encode, frame_parts, message_packet
from jsmeets_local.protocol.messages import Call, Custom, Message, Notify, Publish, Push, Return, UserObject
from jsmeets_local.protocol.values import pack
from tests.protocol.packets import revived
from tests.strategies import json_values, with_bytes

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
        value = None if pack(value, "data").references else value
        user = {"protocol": name, "key": value, "id": 0, "data": value, "exception": None}
        return message_packet(["custom"], pack(user, "data")), Custom(UserObject(**user))
    return message_packet(["publish", 0, name], pack(value, "data"), [False]), Publish(0, name, value, False)


@given(st.lists(messages(), max_size=8))
def test_frames_round_trip(batch: list[tuple[Packet, Message]]) -> None:
    packets = [packet for packet, _ in batch]
    frame = encode(packets)
    assert [revived(message) for message in decode(frame)] == [message for _, message in batch]
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
def test_arbitrary_chunk_frames(payloads: list[bytes]) -> None:
    assembler = Assembler(10_000)
    for payload in payloads:
        try:
            assembler.feed(b"\x02" + payload)
        except ProtocolError:
            return
    assert len(assembler._streams) <= len(payloads)


def in_chunks(value: Any) -> tuple[memoryview, Any]:
    """Send a value in chunks; return the assembled frame and the value in it."""
    parts, is_text = frame_parts([message_packet(["return", 1], pack(value, "result"))])
    assembler = Assembler(2**28)
    for chunk in cut(parts, is_text, 1):
        _, content = assembler.feed(chunk)
    assert isinstance(content, memoryview)
    [message] = decode(content)
    assert isinstance(message, Return)
    return content, message.value


def test_an_assembled_large_array_is_not_copied_again() -> None:
    sent = numpy.arange(200_000, dtype="float64").reshape(400, 500)
    content, [got, small] = in_chunks([sent, numpy.arange(3)])
    assert numpy.array_equal(got, sent)
    whole = numpy.frombuffer(content, dtype="uint8")
    assert numpy.shares_memory(got, whole)
    assert got.flags.writeable
    assert got.flags.aligned
    assert not numpy.shares_memory(small, whole)  # a view would keep the whole array alive
    assert small.flags.writeable


def test_credit_is_given_for_four_chunks_at_a_time() -> None:
    assembler, given = Assembler(2**28), []
    for chunk in cut([bytes(100)], False, 7, size=9):
        assembler.feed(chunk)
        given.append(assembler.credit(7))
    assert given == [0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 0]  # the last chunk needs no credit
    assert assembler.credit(8) == 0


def test_oversized_announcements_are_refused_before_memory_is_allocated() -> None:
    frame = next(cut([b"x" * 100], False, 1))[:8] + (2**60).to_bytes(8, "little") + b"x"
    with pytest.raises(ProtocolError, match="allowed"):
        Assembler(2**28).feed(frame)


def test_names_of_a_str_subclass_are_sent_as_plain_strings() -> None:
    class Name(str):
        def __str__(self) -> str:
            raise ValueError("never asked")

    for name in (Name("f"), numpy.str_("f")):
        assert message_packet(["notify", name], pack([], "args")).json == b'["notify","f",[]]'
