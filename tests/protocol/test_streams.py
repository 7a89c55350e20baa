"""Credit, order and end of streams, against the vectors and against random sequences."""

from __future__ import annotations

from collections import deque
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from jsmeets_local.errors import JavaScriptError, PageClosed, ProtocolError, WrongPage
from jsmeets_local.protocol import messages as m
from jsmeets_local.protocol.chunks import Assembler
from jsmeets_local.protocol.codec import decode
from jsmeets_local.protocol.effects import CloseIterator, Produce
from jsmeets_local.protocol.limits import Limits
from jsmeets_local.protocol.references import Handle, Imported, ref
from jsmeets_local.protocol.state import ProtocolState
from jsmeets_local.protocol.streams import IN_FLIGHT_BYTES, Incoming, Outgoing
from jsmeets_local.protocol.values import pack
from tests.vectors import cases


class Kept:
    """Object that is collected when a test says so."""


class Side:
    """Python's side of a session, and what it has sent."""

    def __init__(self, window: int = 256) -> None:
        self.state = ProtocolState("s", Limits(stream_items=window))
        self.socket = self.open("d")
        self.collected: list[Any] = []
        self.state.finalize = lambda obj, func: self.collected.append(func)
        self.effects: list[Any] = []

    def open(self, document: str) -> int:
        socket = self.state.hello(m.Hello(document, "", []), "p")
        assert socket is not None
        self.state.receive(socket, [m.Ack(0)])
        return socket

    def receive(self, *messages: list[Any]) -> None:
        self.state.receive(self.socket, msgspec.convert(messages, list[m.Message]))

    def sent(self, socket: int | None = None) -> list[Any]:
        """Return the messages that were sent, as arrays."""
        messages = []
        outbox = self.state.outbox(socket or self.socket)
        while (frame := outbox.take()) is not None:
            assert isinstance(frame, str)
            messages += [one for one in msgspec.json.decode(frame) if one[0] not in ("welcome", "ack")]
        return messages

    def taken(self, kind: type) -> list[Any]:
        """Return the effects of a kind since the last call."""
        return [effect for effect in self.state.effects() if isinstance(effect, kind)]

    def imported(self, number: int = 1) -> tuple[Imported, Incoming]:
        """Receive a stream of the page."""
        got: list[Any] = []
        self.state.functions.expose("f", print)
        self.state.make_proxy = lambda handle, detail: got.append(Imported(handle)) or got[-1]
        self.receive(["call", 1, "f", [None], [[[3, 0], "stream", number]]])
        (proxy,) = got
        assert isinstance(proxy._handle, Handle)
        return proxy, self.state.stream_of(proxy._handle)

    def exported(self, iterator: Any) -> None:
        """Send a stream to the page."""
        self.state.notify("take", pack([iterator], "args"), self.socket)
        (message,) = self.sent()
        assert message == ["notify", "take", [None], [[[2, 0], "stream", message[3][0][2]]]]


# The vectors -------------------------------------------------------------------------------------------------------


class ReaderRun:
    """A reader that asks for one item after the other."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self.proxy, self.stream = side.imported()
        self.waiting = 0
        self.results: list[Any] = []

    def read(self) -> None:
        self.waiting += 1
        self.step()

    def leave(self) -> None:
        if self.proxy._handle is not None:
            self.proxy._handle = None
            self.side.state.leave_stream(self.stream)
            self.side.collected.pop()()
        self.step()

    def got(self) -> list[Any]:
        results, self.results = self.results, []
        return results

    def step(self) -> None:
        while self.waiting and (self.stream.items or self.stream.is_over):
            self.waiting -= 1
            if self.stream.items:
                self.results.append(self.stream.items.popleft())
            elif self.stream.error is not None:
                assert isinstance(self.stream.error, JavaScriptError)
                self.results.append(self.stream.error.name)
                self.stream.error = None
            else:
                self.results.append("done")
            if self.stream.wants_more():
                self.side.state.grant(self.stream)
        if self.waiting:
            self.side.state.grant(self.stream)


class ProducerRun:
    """A producer that has its items at once."""

    def __init__(self, side: Side, items: list[Any], end: Any) -> None:
        self.side, self.items, self.end = side, deque(items), end
        self.is_closed = False
        side.exported(iter(items))

    def step(self) -> None:
        for effect in self.side.state.effects():
            if isinstance(effect, CloseIterator):
                self.is_closed = True
            elif isinstance(effect, Produce):
                self.produce(effect.stream)

    def produce(self, stream: Outgoing) -> None:
        state, credit = self.side.state, stream.credit
        items = [self.items.popleft() for _ in range(min(credit, len(self.items)))]
        if items:
            state.send_items(stream, pack(items, "items"), len(items))
        if len(items) < credit:
            state.end_stream(stream, self.end and m.ErrorInfo("raised", self.end["name"], self.end["message"]))
        else:
            state.produced(stream)

    def closed(self) -> bool:
        return self.is_closed


@pytest.mark.parametrize("case", cases("streams"))
def test_streams_follow_the_vectors(case: dict[str, Any]) -> None:
    side = Side(case.get("window", 256))
    run: Any = ReaderRun(side) if case["side"] == "reader" else ProducerRun(side, case["items"], case["end"])
    side.sent()
    for step, *value in case["steps"]:
        if step == "receive":
            side.receive(*value)
            run.step()
        elif step == "sent":
            assert [without_text(one) for one in side.sent()] == value[0], case["steps"]
        elif value:
            assert getattr(run, step)() == value[0]
        else:
            getattr(run, step)()


def without_text(message: list[Any]) -> list[Any]:
    """Return a message without what the vectors leave out: traces, and the text of an unknown number."""
    if message[0] != "end" or len(message) < 3:
        return message
    error = {name: value for name, value in message[2].items() if name != "trace"}
    if error["kind"] == "unknown":
        del error["message"]
    return [*message[:2], error]


# Rules ---------------------------------------------------------------------------------------------------------------


def test_a_page_that_sends_more_than_was_granted_breaks_the_protocol() -> None:
    side = Side(2)
    _, stream = side.imported()
    side.state.grant(stream)
    with pytest.raises(ProtocolError, match="1 items of stream 1 that were not granted"):
        side.receive(["items", 1, [1, 2, 3]])


def test_items_end_and_stop_of_unknown_streams_are_ignored() -> None:
    side = Side()
    side.receive(["items", 7, [1]], ["end", 7], ["end", 7, None], ["stop", 7])
    assert side.sent() == []
    assert side.taken(CloseIterator) == []


@pytest.mark.parametrize("given", [7, 1])
def test_a_pull_of_what_is_no_stream_is_answered(given: int) -> None:
    side = Side()
    side.state.notify("take", pack([ref(Kept())], "args"), side.socket)
    side.sent()
    side.receive(["pull", given, 1])
    ((kind, number, error),) = side.sent()
    assert (kind, number, error["kind"], error["name"]) == ("end", given, "unknown", "UnknownReference")
    assert not side.taken(Produce)


def test_the_session_ends_the_streams_of_both_sides() -> None:
    side = Side()
    _, stream = side.imported()
    side.exported(iter([1]))
    side.exported(iter([2]))
    side.receive(["pull", 1, 5])
    (effect,) = side.taken(Produce)
    assert side.state.stats()["pages"][0]["streams"] == 2
    side.state.disconnect(side.socket)
    closed = side.taken(CloseIterator)
    assert [one.stream for one in closed] == [effect.stream, None]
    assert effect.stream.is_over
    assert stream.is_over
    assert isinstance(stream.error, PageClosed)
    side.state.send_items(effect.stream, pack([1], "items"), 1)  # what a worker has read in the meantime
    side.state.end_stream(effect.stream, None)
    assert not side.state._streamed


def test_an_iterator_goes_to_one_page() -> None:
    side = Side()
    other = side.open("e")
    iterator = iter([1])
    side.exported(iterator)
    side.state.request("call", "take", pack([iterator], "args"), other, None)
    finished = side.state.effects()[-1].finished  # type: ignore[union-attr]
    assert isinstance(finished.answers[other], WrongPage)
    assert "send each page an iterator of its own" in str(finished.answers[other])
    side.receive(["stop", 1])
    side.state.request("call", "take", pack([iterator], "args"), other, None)
    assert side.sent(other)[0][:3] == ["call", 2, "take"]


def test_a_producer_waits_for_acknowledgements() -> None:
    side = Side()
    side.exported(iter([1]))
    side.receive(["pull", 1, 100])
    (effect,) = side.taken(Produce)
    stream = effect.stream
    item = pack(["x" * (IN_FLIGHT_BYTES // 2)], "items")
    side.state.send_items(stream, item, 1)
    side.state.produced(stream)
    assert len(side.taken(Produce)) == 1
    side.state.send_items(stream, item, 1)
    side.state.produced(stream)
    assert side.taken(Produce) == []
    assert stream.credit == 98
    outbox = side.state.outbox(side.socket)
    while outbox.take() is not None:
        for number in list(outbox._streams):
            outbox.credit(number, 16)
    side.receive(["ack", outbox.sent - 1])
    assert len(side.taken(Produce)) == 1
    assert 0 < stream.in_flight < IN_FLIGHT_BYTES


def test_a_resumed_session_gets_what_was_lost_once_and_goes_on() -> None:
    side = Side()
    side.exported(iter([1]))
    side.receive(["pull", 1, 100])
    (effect,) = side.taken(Produce)
    stream: Outgoing = effect.stream
    half = "x" * (IN_FLIGHT_BYTES // 2)
    for number in range(2):
        side.state.send_items(stream, pack([number, half], "items"), 2)
    side.state.produced(stream)
    outbox = side.state.outbox(side.socket)
    while outbox.take() is not None:
        for one in list(outbox._streams):
            outbox.credit(one, 16)
    assert side.taken(Produce) == []  # nothing is acknowledged yet
    received = outbox.sent - 1
    side.state.lose(side.socket, 0.0)
    side.state.send_items(stream, pack([2, 2], "items"), 2)
    side.state.end_stream(stream, None)
    assert side.state.hello(m.Hello("d", "", [], "s", received), "p") == side.socket
    frames = []
    while (frame := outbox.take()) is not None:
        frames.append(frame)
        for one in list(outbox._streams):
            outbox.credit(one, 16)
    assembler = Assembler(2**28)
    chunks = [assembler.feed(frame)[1] for frame in frames if isinstance(frame, bytes)]
    (whole,) = [chunk for chunk in chunks if chunk is not None]
    assert [message.items[0] for message in decode(whole)] == [1]  # type: ignore[union-attr]
    assert decode(frames[-1]) == [m.Items(1, [2, 2]), m.End(1)]


def test_an_acknowledgement_at_the_resumption_lets_the_producer_go_on() -> None:
    side = Side()
    side.exported(iter([1]))
    side.receive(["pull", 1, 100])
    (effect,) = side.taken(Produce)
    side.state.send_items(effect.stream, pack(["x" * IN_FLIGHT_BYTES], "items"), 1)
    side.state.produced(effect.stream)
    outbox = side.state.outbox(side.socket)
    while outbox.take() is not None:
        for one in list(outbox._streams):
            outbox.credit(one, 16)
    side.state.lose(side.socket, 0.0)
    assert side.taken(Produce) == []
    assert side.state.hello(m.Hello("d", "", [], "s", outbox.sent), "p") == side.socket
    assert side.taken(Produce) == [effect]
    assert effect.stream.in_flight == 0


def test_items_follow_a_large_batch_of_the_same_stream() -> None:
    side = Side()
    side.exported(iter([1]))
    side.receive(["pull", 1, 100])
    (effect,) = side.taken(Produce)
    side.state.send_items(effect.stream, pack(["x" * 300_000], "items"), 1)
    side.state.send_items(effect.stream, pack([2], "items"), 1)
    side.state.end_stream(effect.stream, None)
    outbox = side.state.outbox(side.socket)
    frames = []
    while (frame := outbox.take()) is not None:
        frames.append(frame)
    assert [isinstance(frame, bytes) for frame in frames] == [True, True, False]
    assert decode(frames[-1]) == [m.Items(1, [2]), m.End(1)]


class Reading(RuleBasedStateMachine):
    """A page that produces numbers, and a reader: nothing is lost, reordered, or beyond the window."""

    def __init__(self) -> None:
        super().__init__()
        self.window = 5
        self.stream = Incoming(1, 1, self.window)
        self.credit = self.produced = self.read = 0

    @rule()
    def grant(self) -> None:
        self.credit += self.stream.grant()

    @precondition(lambda self: self.credit)
    @rule(data=st.data())
    def produce(self, data: st.DataObject) -> None:
        count = data.draw(st.integers(1, self.credit))
        self.stream.receive(list(range(self.produced, self.produced + count)))
        self.produced += count
        self.credit -= count

    @precondition(lambda self: self.stream.items)
    @rule()
    def take(self) -> None:
        assert self.stream.items.popleft() == self.read
        self.read += 1

    @invariant()
    def stays_within_the_window(self) -> None:
        assert self.produced - self.read + self.credit <= self.window

    @invariant()
    def goes_on(self) -> None:
        assert self.stream.items or self.credit or self.stream.wants_more()


TestReading = Reading.TestCase


@given(st.lists(st.integers(1, 9), max_size=30), st.integers(0, 40), st.data())
def test_a_page_gets_all_items_in_order_and_no_more_than_it_has_granted(
    grants: list[int], count: int, data: st.DataObject
) -> None:
    side = Side()
    side.exported(iter([1]))
    got: list[int] = []
    granted = made = 0
    ended = False
    for grant in grants:
        side.receive(["pull", 1, grant])
        granted += 0 if ended else grant
        for effect in side.taken(Produce):
            stream: Outgoing = effect.stream
            while stream.may_read() and made < count:
                some = data.draw(st.integers(1, min(stream.credit, count - made)))
                side.state.send_items(stream, pack(list(range(made, made + some)), "items"), some)
                made += some
            if stream.may_read():
                side.state.end_stream(stream, None)
                ended = True
            else:
                side.state.produced(stream)
        for message in side.sent():
            got += message[2] if message[0] == "items" else []
    assert got == list(range(min(granted, count)))
    assert ended == (granted > count)
