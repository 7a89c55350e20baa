"""Frames that follow the protocol in part and violate the rest."""

from __future__ import annotations

import json
import struct
import sys
import time
from typing import Any

import psutil
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jsmeets_local.errors import ProtocolError
from jsmeets_local.protocol import messages as m
from jsmeets_local.protocol.chunks import CHUNK_BYTES, MAX_STREAMS, Assembler
from jsmeets_local.protocol.codec import decode
from jsmeets_local.protocol.effects import CallFinished
from jsmeets_local.protocol.messages import Hello
from jsmeets_local.protocol.state import ProtocolState
from jsmeets_local.protocol.values import pack
from tests.strategies import envelope, few, json_values, messages, tables
from tests.timing import scaled


def one(dtype: str, size: int, shape: Any) -> bytes:
    """A frame with one buffer."""
    return envelope([["return", 1, None]], [[[0, 2], dtype, size, shape]], bytes(size))


def is_decoded(frame: str | bytes) -> bool:
    """Return whether a frame is decoded; any exception but `ProtocolError` fails the test."""
    try:
        decode(frame)
    except ProtocolError:
        return False
    return True


@given(st.lists(messages, max_size=4))
def test_messages_of_known_kinds_and_wrong_parts(batch: list[Any]) -> None:
    is_decoded(json.dumps(batch))


@given(st.lists(messages | st.just(["return", 1, None]), max_size=3), st.lists(tables, max_size=3), st.binary())
@example([["return", 1, None]], [([0, 2], "int8", 0, [0, 2**62, 2**62])], b"")
def test_tables_of_buffers_that_lie(batch: list[Any], buffers: list[Any], data: bytes) -> None:
    is_decoded(envelope(batch, buffers, data))


@pytest.fixture(params=["numpy", "no numpy"])
def _with_and_without_numpy(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "no numpy":
        monkeypatch.setitem(sys.modules, "numpy", None)


@pytest.mark.usefixtures("_with_and_without_numpy")
@pytest.mark.parametrize(
    ("size", "shape"),
    [(1, [1] * 65), (0, [0, -1]), (1, [2**63 - 1] * 50_000)],
    ids=["65 dimensions", "fewer than none", "a product of a million digits"],
)
def test_shapes_that_no_array_has(size: int, shape: list[int]) -> None:
    start = time.perf_counter()
    assert not is_decoded(one("int8", size, shape))
    assert time.perf_counter() - start < scaled(1), "every other page waits meanwhile"


@pytest.mark.usefixtures("_with_and_without_numpy")
@pytest.mark.parametrize("shape", [[0, 2**63], [0, 2**62, 2**62]], ids=str)
def test_empty_arrays_with_impossible_shapes(shape: list[int]) -> None:
    is_decoded(one("int8", 0, shape))


@pytest.mark.usefixtures("_with_and_without_numpy")
def test_arrays_without_items() -> None:
    for shape in ([0], [0, 3], [2, 0, 5]):
        (message,) = decode(one("float64", 0, shape))
        assert len(message.value.tobytes()) == 0  # type: ignore[union-attr]


def test_announced_chunks_allocate_no_memory_before_they_arrive() -> None:
    assembler, process = Assembler(2**28), psutil.Process()
    before = process.memory_info().rss
    for stream in range(MAX_STREAMS):
        assert assembler.feed(struct.pack("<BBxxIQ", 2, 0, stream, 2**28) + b"x") == (stream, None)
    assert process.memory_info().rss - before < 50_000_000, "of 16 GiB"
    with pytest.raises(ProtocolError, match="more than 64 streams"):
        assembler.feed(struct.pack("<BBxxIQ", 2, 0, MAX_STREAMS, 100) + b"x")


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 4), st.sampled_from([0, 1, 2, 300_000, 10**6, 2**63]), few),
        max_size=30,
    )
)
def test_chunks_that_do_not_fit(chunks: list[tuple[int, int, int, int]]) -> None:
    assembler = Assembler(1_000_000)
    for flags, stream, total, size in chunks:
        piece = struct.pack("<BBxxIQ", 2, flags, stream, total) + bytes(size if size < 69 else CHUNK_BYTES + 1)
        try:
            assembler.feed(piece)
        except ProtocolError:
            return
    assert all(part.taken < part.total <= 1_000_000 for part in assembler._streams.values())


ids = st.sampled_from([1, 2, 3, 2**53 - 1])
failure = m.ErrorInfo("raised", "Error", "forged")
wishes = st.one_of(
    st.builds(m.Return, ids, json_values),
    st.builds(m.Error, ids, st.just(failure)),
    st.builds(m.Credit, st.integers(0, 3) | st.just(2**32 - 1), st.integers(1, 16)),
    st.builds(m.Ack, st.integers(0, 5)),
    st.builds(m.Subscribe, ids, st.sampled_from(["t", "", "#", "+/#"])),
    st.builds(m.Unsubscribe, ids, st.sampled_from(["t", "", "#", "+/#"])),
    st.builds(m.Publish, ids, st.sampled_from(["t", "", "#"]), json_values, st.booleans()),
    st.builds(m.Push, ids, st.sampled_from(["q", 0, None, True, 1.5]), json_values),
    st.builds(m.Call, ids, st.sampled_from(["f", "", "$list", "$none"]), st.just([])),
    st.just(m.Fault("x", failure)),
    st.just(m.Goodbye()),
    st.builds(Hello, st.sampled_from(["good", "bad"]), st.just("p"), st.just([]), st.sampled_from(["", "s"]), few),
    st.just(m.Welcome(1, "p", {})),
)


@given(st.lists(wishes, max_size=20))
def test_a_hostile_page_does_not_touch_what_belongs_to_another(said: list[Any]) -> None:
    state = ProtocolState("s")
    good = state.hello(Hello("good", "p", ["mine"]), "g")
    bad = state.hello(Hello("bad", "q", []), "b")
    assert good is not None
    assert bad is not None
    call = state.request("call", "f", pack([], "args"), good, None)
    state.outbox(good).take()
    for message in said:
        try:
            state.receive(bad, [message], 10)
        except ProtocolError:
            state.close_socket(bad, "protocol error", False, 4400)
        while bad in state.sockets() and state.outbox(bad).take() is not None:
            pass
    state.effects()
    state.receive(good, [m.Return(call, "real")], 10)
    settled = [effect.finished.answers for effect in state.effects() if isinstance(effect, CallFinished)]
    assert settled == [{good: "real"}]
    assert good in state.broker.subscribers("mine")


@given(st.text(max_size=40), st.text(max_size=20), st.sampled_from([0, 1, 2, 3, 2**53 - 1]))
@example("good", "s", 2)
@example("good", "s", 2**53 - 1)
@example("good", "", 0)
@example("", "s", 0)
def test_resuming_takes_the_document_and_the_session(document: str, session: str, received: int) -> None:
    state = ProtocolState("s")
    good = state.hello(Hello("good", "p", []), "g")
    assert good is not None
    state.request("call", "secret", pack([], "args"), good, None)
    state.outbox(good).take()
    knows = (document, session) == ("good", "s")
    try:
        number = state.hello(Hello(document, "p", [], session, received), "x")
    except ProtocolError:
        assert knows
        assert received > 1, "of one message that was sent"
        assert state.sockets() == (good,), "the page itself goes on"
        return
    assert (number == good) == knows
    if number != good:
        frame = state.outbox(number or 0).take()
        assert isinstance(frame, str)
        assert "secret" not in frame
        assert state.outbox(number or 0).take() is None
