"""Limits of outboxes, queues, calls and topics, and the policy of each beyond its limit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jsmeets_local import Limits, MessageTooBig, ProtocolError
from jsmeets_local.protocol import effects as fx
from jsmeets_local.protocol import messages as m
from jsmeets_local.protocol.codec import Packet, decode, message_packet
from jsmeets_local.protocol.outbox import Outbox
from jsmeets_local.protocol.queues import Entry, Queues
from jsmeets_local.protocol.state import ProtocolState
from jsmeets_local.protocol.values import pack

SMALL = Limits(outbox_bytes=2**20, outbox_messages=1000, calls=3, topics=2, queue_items=2)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"outbox_bytes": "64 MB"}, TypeError),
        ({"outbox_bytes": 1000}, ValueError),
        ({"outbox_messages": 10}, ValueError),
        ({"message_bytes": 2**30}, ValueError),
        ({"calls": 0}, ValueError),
        ({"calls": 1.5}, TypeError),
        ({"topics": True}, TypeError),
        ({"resume_seconds": -1}, ValueError),
        ({"resume_seconds": math.nan}, ValueError),
        ({"resume_seconds": math.inf}, ValueError),
        ({"overflow": "wait"}, ValueError),
        ({"pages": -1}, ValueError),
    ],
)
def test_invalid_limits_are_refused(wrong: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error, match=next(iter(wrong))):
        Limits(**wrong)


def publication(topic: str, number: int, size: int = 0) -> Packet:
    payload = pack([number, b"x" * size] if size else [number], "data")
    return message_packet(["publish", 0, topic], payload, [False], order=("publish", topic))


def numbers(outbox: Outbox) -> dict[str, list[int]]:
    """Return the numbers of the packets that go out."""
    seen: dict[str, list[int]] = {}
    while (frame := outbox.take()) is not None:
        for message in decode(frame):
            assert isinstance(message, m.Publish)
            seen.setdefault(message.topic, []).append(message.data[0])
    return seen


def test_the_oldest_publications_make_room() -> None:
    outbox = Outbox(max_count=3)
    assert [outbox.put_droppable(publication("t", number)) for number in range(5)] == [True, True, True, False, False]
    assert (outbox.count, len(outbox), outbox.dropped) == (3, 3, 2)
    assert numbers(outbox) == {"t": [2, 3, 4]}
    assert (outbox.count, len(outbox)) == (3, 0), "not confirmed yet"
    assert outbox.put_droppable(publication("t", 5)), "nothing can be dropped, and the newest waits all the same"
    assert not outbox.put_droppable(publication("t", 6))
    assert numbers(outbox) == {"t": [6]}
    outbox.acknowledge(4)
    assert outbox.size == outbox.count == 0


def test_only_publications_are_dropped() -> None:
    outbox = Outbox(max_count=2)
    outbox.put(message_packet(["notify", "f"], pack([], "args")))
    outbox.put_droppable(publication("t", 0))
    outbox.put_droppable(publication("t", 1))
    outbox.put(message_packet(["notify", "g"], pack([], "args")))
    outbox.put_droppable(publication("t", 2))
    kinds = [message for frame in iter(outbox.take, None) for message in decode(frame)]
    assert [type(message) for message in kinds] == [m.Notify, m.Notify, m.Publish]
    assert kinds[-1].data == [2]  # type: ignore[union-attr]
    assert outbox.dropped == 2


def test_only_the_newest_of_a_topic_waits() -> None:
    outbox = Outbox()
    for number in range(5):
        outbox.put_latest(publication("live", number))
        outbox.put_droppable(publication("log", number))
    assert numbers(outbox) == {"live": [4], "log": [0, 1, 2, 3, 4]}
    outbox.put_latest(publication("live", 5))
    assert numbers(outbox) == {"live": [5]}
    assert outbox.dropped == 4


def test_large_packets_have_a_limit_of_their_own() -> None:
    outbox = Outbox(max_bytes=1_000_000)
    outbox.put(message_packet(["notify", "f"], pack([b"x" * 3_000_000], "args")))
    assert outbox.put_droppable(publication("t", 0))
    assert not outbox.is_free()
    frame = outbox.take()
    assert isinstance(frame, str)
    assert "publish" in frame, "the small one is not held up"
    large = [publication("big", number, 600_000) for number in range(4)]
    outbox = Outbox(max_bytes=1_000_000)
    assert [outbox.put_droppable(packet) for packet in large] == [True, True, False, False]
    assert outbox.dropped == 2


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.sampled_from(["a", "b"]), st.sampled_from([0, 300_000])),
        st.tuples(st.just("drop"), st.sampled_from(["a", "b"]), st.sampled_from([0, 300_000])),
        st.tuples(st.just("latest"), st.sampled_from(["a", "b"]), st.sampled_from([0, 300_000])),
        st.tuples(st.sampled_from(["take", "acknowledge", "rewind", "clear"])),
    ),
    max_size=40,
)


@given(OPERATIONS)
def test_sizes_and_counts_stay_correct_under_any_operations(operations: list[tuple[Any, ...]]) -> None:
    """Sizes and counts match what is left, dropped packets do not go out, and order is kept."""
    outbox = Outbox(max_bytes=700_000, max_count=6)
    seen: list[tuple[str, int]] = []
    for number, (operation, *rest) in enumerate(operations):
        match operation:
            case "put":
                outbox.put(publication(rest[0], number, rest[1]))
            case "drop":
                outbox.put_droppable(publication(rest[0], number, rest[1]))
            case "latest":
                outbox.put_latest(publication(rest[0], number, rest[1]))
            case "take":
                frame = outbox.take()
                if frame is not None and frame[0] != 2:
                    seen += [(message.topic, message.data[0]) for message in decode(frame)]  # type: ignore[union-attr]
            case "acknowledge":
                outbox.acknowledge(outbox.sent)
            case "rewind":
                outbox.rewind(outbox._acknowledged)
                seen = []
            case "clear":
                outbox.clear()
    for topic in ("a", "b"):
        sent = [number for name, number in seen if name == topic]
        assert sent == sorted(sent)
    while (frame := outbox.take()) is not None:
        if frame[0] == 2:
            outbox.credit(int.from_bytes(frame[4:8], "little"), 1)  # type: ignore[arg-type]
    assert len(outbox) == 0
    outbox.acknowledge(outbox.sent)
    assert outbox.sizes == [0, 0]
    assert outbox.count == 0
    assert not outbox._dropped
    assert not any(outbox._droppable)


# The protocol state ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def state() -> ProtocolState:
    state = ProtocolState("s", SMALL)
    assert state.hello(m.Hello("d", "p", ["t"]), "") == 1
    state.receive(1, [m.Ack(0)])
    state.outbox(1).take()
    state.effects()
    return state


def said(state: ProtocolState) -> list[Any]:
    """Return the next messages to the page."""
    return [message for frame in iter(state.outbox(1).take, None) for message in decode(frame)]


def reports(state: ProtocolState) -> list[str]:
    return [effect.text for effect in state.effects() if isinstance(effect, fx.Report)]


def test_calls_wait_for_room_and_go_in_order(state: ProtocolState) -> None:
    ids = [state.request("call", "f", pack([n], "args"), None, None) for n in range(1005)]
    assert len(said(state)) == 1000
    state.cancel(ids[1001])  # it is not sent, and neither is a cancel
    state.effects()
    state.receive(1, [m.Ack(3)])
    assert [message.args for message in said(state)] == [[1000], [1002], [1003]]
    assert fx.Writable() in state.effects()
    state.receive(1, [m.Ack(1003)])
    assert [message.args for message in said(state)] == [[1004]]


def test_calls_that_wait_for_room_end_in_time_and_are_not_sent(state: ProtocolState) -> None:
    for n in range(1000):
        state.request("call", "f", pack([n], "args"), None, None)
    late = state.request("call", "g", pack([], "args"), None, 5.0)
    state.effects()
    state.expire(5.0)
    [settled] = state.effects()
    assert isinstance(settled, fx.CallFinished)
    assert settled.finished.id == late
    assert settled.finished.timed_out
    assert {message.key for message in said(state)} == {"f"}
    state.receive(1, [m.Ack(1000)])
    assert said(state) == []


def test_a_page_with_too_many_waiting_messages_is_closed(state: ProtocolState) -> None:
    for n in range(1000):
        state.notify("f", pack([n], "args"), None)
    state.effects()
    outbox = state.outbox(1)
    state.push_nowait("q", pack(1, "data"), None)
    effects = state.effects()
    assert [type(effect) for effect in effects] == [fx.Report, fx.CloseConnection, fx.Left, fx.Writable]
    assert "too slow: 1000 messages" in effects[0].text
    assert effects[1].code == 1013
    [close] = [message for frame in iter(outbox.take, None) for message in decode(frame)]
    assert isinstance(close, m.Close)
    assert close.reconnect
    assert "too slow" in close.reason
    assert state.sockets() == ()


def test_dropped_publications_are_logged_once(state: ProtocolState) -> None:
    for n in range(1010):
        state.publish("t", n, pack(n, "data"))
    [told] = reports(state)
    assert "too slow" in told
    assert "'t'" in told
    assert [message.data for message in said(state)] == list(range(10, 1010))
    assert state.stats()["pages"][0]["dropped"] == 10


def test_a_policy_of_a_topic(state: ProtocolState) -> None:
    state.set_policy("t", "latest")
    for n in range(5):
        state.publish("t", n, pack(n, "data"))
    assert [message.data for message in said(state)] == [4]
    state.set_policy("t", "disconnect")
    for n in range(1000):
        state.publish("t", n, pack(n, "data"))
    assert state.sockets() == ()
    state.set_policy("t", None)
    assert state.policies == {}
    with pytest.raises(ValueError, match="drop_oldest"):
        state.set_policy("t", "oldest")  # type: ignore[arg-type]


def test_calls_of_a_page(state: ProtocolState) -> None:
    state.functions.expose("f", lambda: None, False)
    state.receive(1, [m.Call(n, "f", []) for n in (1, 2, 3)])
    running = [effect for effect in state.effects() if isinstance(effect, fx.Invoke)]
    assert len(running) == 3
    state.receive(1, [m.Call(4, "f", []), m.Notify("f", [])])
    error, fault = said(state)
    assert (error.id, error.error.kind) == (4, "refused")
    assert "Limits(calls=...)" in error.error.message
    assert isinstance(fault, m.Fault)
    state.answer([(running[0], None)])
    state.receive(1, [m.Call(5, "f", [])])
    assert said(state) == []
    assert state.stats()["pages"][0]["running_calls"] == 3


def test_topics_of_a_page(state: ProtocolState) -> None:
    state.receive(1, [m.Subscribe(1, "u"), m.Subscribe(2, "v"), m.Unsubscribe(3, "u"), m.Subscribe(4, "v")])
    first, second, _, last = said(state)
    assert (first.value, last.value) == (True, True)
    assert "Limits(topics=...)" in second.error.message
    with pytest.raises(ProtocolError, match="3 subscriptions"):
        state.hello(m.Hello("e", "", ["a", "b", "c"]), "")


def item(entry: Entry | None) -> Any:
    return None if entry is None else entry[1]


def test_pushes_to_a_full_queue_wait(state: ProtocolState) -> None:
    state.receive(1, [m.Push(n, "q", n) for n in (1, 2, 3, 4)])
    state.receive(1, [m.Push(0, "q", 5), m.Push(6, "q", 6)])
    one, two, fault, late = said(state)
    assert (one.id, two.id, late.id) == (1, 2, 6)
    assert late.error.name == "QueueFull", "two wait already"
    assert "full: 2 items" in fault.error.message
    state.effects()
    assert item(state.queues.take("q")) == 1
    assert [type(effect) for effect in state.effects()] == [fx.ItemStored, fx.Wake]
    assert [message.id for message in said(state)] == [3]
    state.queues.clear("q")
    assert [message.id for message in said(state)] == [4]
    assert item(state.queues.take("q")) == 4
    assert state.stats()["queue_items_dropped"] == 2


def test_the_number_of_waiting_pushes_is_limited(state: ProtocolState) -> None:
    state.queues.set_limit("q", 1, "wait")
    state.receive(1, [m.Push(n, "q", n) for n in (1, 2, 3, 4)])
    stored, refused = said(state)
    assert (stored.id, refused.id) == (1, 4)
    assert refused.error.name == "QueueFull"
    assert [item(state.queues.take("q")) for _ in range(4)] == [1, 2, 3, None]


def test_the_other_policies_of_queues(state: ProtocolState) -> None:
    state.queues.set_limit("e", 1, "error")
    state.queues.set_limit("d", 1, "drop_oldest")
    state.receive(1, [m.Push(1, "e", 1), m.Push(2, "e", 2), m.Push(3, "d", 1), m.Push(4, "d", 2)])
    stored, refused, *dropped = said(state)
    assert stored.value is True
    assert (refused.error.kind, refused.error.name) == ("refused", "QueueFull")
    assert [message.value for message in dropped] == [True, True]
    assert item(state.queues.take("e")) == 1
    assert item(state.queues.take("d")) == 2


def test_items_that_wait_stay_when_their_page_goes(state: ProtocolState) -> None:
    state.receive(1, [m.Push(n, "q", n) for n in (1, 2, 3)])
    state.disconnect(1)
    assert [item(state.queues.take("q")) for _ in range(4)] == [1, 2, 3, None]
    assert state.queues.waiting("q") == 0


def test_raising_a_limit_stores_waiting_items() -> None:
    stored: list[Any] = []
    queues = Queues(2, lambda key, ticket: stored.append(ticket))
    for number in range(4):
        assert queues.offer("q", number, (1, number)) is None
    assert stored == [(1, 0), (1, 1)]
    queues.set_limit("q", 3, "wait")
    assert stored == [(1, 0), (1, 1), (1, 2)]
    assert queues.waiting("q") == 1


@pytest.mark.parametrize("message_bytes", [65_536, 100_000, 2**20, 2**28])
def test_a_value_may_take_three_quarters_of_a_message(message_bytes: int) -> None:
    limits = Limits(message_bytes=message_bytes)
    room = message_bytes - min(65_536, message_bytes // 4)
    if message_bytes < 2**28:
        assert len(pack("x" * (room - 2), "data", limits.message_bytes).json) == room
    with pytest.raises(MessageTooBig, match=f"data: {room + 1} bytes; a message holds at most {room}"):
        pack("x" * (room - 1), "data", limits.message_bytes)


def test_an_array_that_is_too_large_is_not_copied() -> None:
    endless = np.broadcast_to(np.zeros(1), 10**12)  # a copy would take 8 TB
    with pytest.raises(MessageTooBig, match=r"args\[0\]\['data'\]: 8000000000000 bytes; .* send it in parts"):
        pack([{"data": endless}], "args")


GROWN = "\xe9" * 300_000 + "\ud800"  # 2 bytes a letter; 6 where lone surrogates have to be escaped
DEEP: list[Any] = []
for _ in range(300):
    DEEP = [DEEP]


@pytest.mark.parametrize(("data", "kind"), [(GROWN, "refused"), (DEEP, "unserializable")], ids=["grown", "deep"])
def test_publications_that_cannot_be_sent_on_are_answered(data: Any, kind: str) -> None:
    state = ProtocolState("s", Limits(message_bytes=2**20))
    for document in ("a", "b"):
        number = state.hello(m.Hello(document, "", ["t"]), "")
        assert number is not None
        state.outbox(number).take()
    state.receive(1, [m.Publish(7, "t", data, False), m.Publish(0, "t", data, False), m.Publish(8, "t", 1, True)])
    error, fault, done = said(state)
    assert (error.id, error.error.kind) == (7, kind)
    assert fault.error == error.error
    assert fault.what == "publish to topic 't'"
    assert (done.id, done.value) == (8, True)
    heard = [message.data for frame in iter(state.outbox(2).take, None) for message in decode(frame)]  # type: ignore[union-attr]
    assert heard == [1]
