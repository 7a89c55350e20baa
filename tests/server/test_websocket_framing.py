"""WebSocket frame heads, compared with what websockets reads and writes."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.protocol import CLIENT, SERVER, Protocol

from jsmeets_local.server.websocket_framing import (
    BINARY,
    CONTROL,
    FINAL,
    MASK_BYTES,
    TEXT,
    Head,
    InvalidFrame,
    frame_head,
    head_of,
)

LIMIT = 2**24
sizes = st.sampled_from([0, 1, 125, 126, 127, 65_535, 65_536, 70_000]) | st.integers(0, 300)


def read(data: bytes, side: object) -> list[Frame]:
    """Read a frame head with websockets."""
    protocol = Protocol(side, max_size=LIMIT)  # type: ignore[arg-type]
    protocol.receive_data(data)
    assert protocol.parser_exc is None
    return protocol.events_received()  # type: ignore[return-value]


@given(sizes, st.sampled_from([Opcode.TEXT, Opcode.BINARY]))
def test_frame_heads_written_by_a_server(size: int, kind: int) -> None:
    assert (TEXT, BINARY) == (Opcode.TEXT, Opcode.BINARY)
    [frame] = read(frame_head(kind, size) + bytes(size), CLIENT)
    assert (frame.opcode, frame.fin, len(frame.data)) == (kind, True, size)


@given(
    st.binary(max_size=20), sizes, st.sampled_from([Opcode.TEXT, Opcode.BINARY]), st.booleans(), st.binary(max_size=20)
)
def test_frame_heads_written_by_a_client(before: bytes, size: int, kind: int, fin: bool, after: bytes) -> None:
    data = Frame(kind, bytes(size), fin).serialize(mask=True)
    head = head_of(before + data + after, len(before), LIMIT)
    end = len(before) + len(data)
    assert head == Head(kind | FINAL * fin, end - size, end)


@given(sizes)
def test_incomplete_frame_heads(size: int) -> None:
    data = Frame(Opcode.TEXT, bytes(size)).serialize(mask=True)
    told = len(data) - size - MASK_BYTES  # the length is known from here on
    for come in range(told):
        assert head_of(data[:come], 0, LIMIT) is None
    assert head_of(data[:told], 0, LIMIT) == Head(TEXT | FINAL, len(data) - size, len(data))


@given(st.binary(min_size=2, max_size=30))
def test_any_bytes_are_judged_as_websockets_does(data: bytes) -> None:
    protocol = Protocol(SERVER, max_size=LIMIT)
    protocol.receive_data(data)
    try:
        head = head_of(data, 0, LIMIT)
    except InvalidFrame:
        protocol.receive_data(bytes(2**16))  # some errors it reports only for complete heads
        assert protocol.parser_exc is not None
        return
    if head is None:
        assert protocol.parser_exc is None
        assert protocol.events_received() == []
    elif head.end <= len(data) and not head.first & CONTROL and head.first & FINAL and head.first & 0x0F:
        frame = protocol.events_received()[0]
        assert isinstance(frame, Frame)
        assert len(frame.data) == head.end - head.body


@pytest.mark.parametrize(
    "data",
    [
        b"\x81\x05hello",
        b"\xc1\x80mask",
        b"\x83\x80mask",
        b"\x8b\x80mask",
        b"\x09\x80mask",
        b"\x89\xfe\x00\x7emask" + bytes(126),
        b"\x82\xff" + struct.pack("!Q", LIMIT + 1),
    ],
    ids=["no mask", "extension", "unknown kind", "unknown control", "fragment of a ping", "long ping", "too long"],
)
def test_invalid_frame_heads(data: bytes) -> None:
    with pytest.raises(InvalidFrame):
        head_of(data, 0, LIMIT)
    protocol = Protocol(SERVER, max_size=LIMIT)
    protocol.receive_data(data)
    assert protocol.parser_exc is not None


def test_control_frames() -> None:
    data = Frame(Opcode.PING, b"p" * 125).serialize(mask=True)
    assert head_of(data, 0, LIMIT) == Head(Opcode.PING | FINAL, 6, 131)
