"""The protocol state: every call ends exactly once, in any order of events."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from jsmeets_local.errors import (
    ConnectionLost,
    Disconnected,
    JavaScriptError,
    JsPyError,
    ProtocolError,
    UnknownFunction,
)
from jsmeets_local.protocol import effects as fx
from jsmeets_local.protocol import messages as m
from jsmeets_local.protocol.chunks import CHUNK, Assembler
from jsmeets_local.protocol.codec import decode, message_packet
from jsmeets_local.protocol.outbox import Outbox
from jsmeets_local.protocol.state import REFUSED_BY_LIMIT, ProtocolState
from jsmeets_local.protocol.values import pack


def hello(document: str = "d", page: str = "p", topics: list[str] | None = None) -> m.Hello:
    return m.Hello(document, page, topics or [])


def sent(state: ProtocolState) -> list[tuple[int, Any]]:
    """Return the decoded messages to the connected pages."""
    woken = [
        effect.socket for effect in state.effects() if isinstance(effect, fx.Wake) and effect.socket in state.sockets()
    ]
    return [(socket, message) for socket in woken for message in written(state.outbox(socket))]


def written(outbox: Outbox) -> list[Any]:
    """Return the decoded messages that go out."""
    messages: list[Any] = []
    while (frame := outbox.take()) is not None:
        messages += decode(frame)
    return messages


def settled(effects: list[fx.Effect]) -> list[fx.CallFinished]:
    return [effect for effect in effects if isinstance(effect, fx.CallFinished)]


def connected(state: ProtocolState, *documents: str) -> list[int]:
    numbers = [state.hello(hello(document, page=document), "unused") for document in documents]
    there = [number for number in numbers if number is not None]
    for number in there:
        state.receive(number, [m.Ack(0)])  # it has its welcome
    sent(state)
    return there


class ProtocolMachine(RuleBasedStateMachine):
    """Pages connect, answer (once, twice, late, for others) and leave; Python calls, pushes and cancels; time passes."""

    def __init__(self) -> None:
        super().__init__()
        self.protocol = ProtocolState()
        self.now = 0.0
        self.alive: list[int] = []
        self.documents = 0
        self.asked: dict[int, tuple[tuple[int, ...], float | None]] = {}  # the calls that must end
        self.ended: dict[int, int] = {}
        self.cancelled: set[int] = set()

    def settle(self) -> None:
        for effect in settled(self.protocol.effects()):
            call_id = effect.finished.id
            self.ended[call_id] = self.ended.get(call_id, 0) + 1
            assert set(effect.finished.answers) <= set(self.asked[call_id][0])
            if not effect.finished.timed_out:
                assert set(effect.finished.answers) == set(self.asked[call_id][0])

    @rule(topics=st.lists(st.sampled_from("ab")))
    def connect(self, topics: list[str]) -> None:
        self.documents += 1
        number = self.protocol.hello(hello(f"d{self.documents}", "", topics), "given")
        assert number is not None
        assert number not in self.alive
        self.alive.append(number)
        self.settle()

    @rule(
        kind=st.sampled_from(["call", "push"]),
        limit=st.none() | st.floats(0.1, 5),
        among=st.none() | st.sets(st.integers(1, 6)),
    )
    def ask(self, kind: Literal["call", "push"], limit: float | None, among: set[int] | None) -> None:
        deadline = None if limit is None else self.now + limit
        expected = tuple(s for s in self.alive if among is None or s in among)
        call_id = self.protocol.request(kind, "key", pack([], "args"), among, deadline)
        self.asked[call_id] = (expected if among is None else tuple(sorted(expected)), deadline)
        self.settle()
        if not expected:
            assert self.ended[call_id] == 1, "without a page it ends at once"

    @rule(socket=st.integers(1, 6), call_id=st.integers(1, 12), fails=st.booleans())
    def answer(self, socket: int, call_id: int, fails: bool) -> None:
        if fails:
            error = m.ErrorInfo("raised", "Error", "text")
            self.protocol.receive(socket, [m.Error(call_id, error), m.Error(call_id, error)])
        else:
            self.protocol.receive(socket, [m.Return(call_id, True), m.Return(call_id, True)])
        self.settle()

    @rule(data=st.data(), goodbye=st.booleans())
    def leave(self, data: st.DataObject, goodbye: bool) -> None:
        if self.alive:
            number = data.draw(st.sampled_from(self.alive))
            if goodbye:
                self.protocol.receive(number, [m.Goodbye()])
            self.protocol.disconnect(number)
            self.alive.remove(number)
            self.settle()

    @rule(step=st.floats(0, 3))
    def expire(self, step: float) -> None:
        self.now += step
        self.protocol.expire(self.now)
        self.settle()

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        open_calls = [call_id for call_id in self.asked if call_id not in self.ended]
        if open_calls:
            call_id = data.draw(st.sampled_from(open_calls))
            self.protocol.cancel(call_id)
            self.cancelled.add(call_id)
            self.ended[call_id] = 1

    @rule(topic=st.sampled_from("ab"))
    def publish(self, topic: str) -> None:
        for socket in self.alive:
            written(self.protocol.outbox(socket))
        self.protocol.publish(topic, 1, pack(1, "data"))
        got = [socket for socket, _ in sent(self.protocol)]
        assert set(got) <= set(self.alive)
        assert len(got) == len(set(got))

    @invariant()
    def every_call_ends_once(self) -> None:
        assert all(count == 1 for count in self.ended.values())
        still_open = set(self.asked) - set(self.ended)
        assert len(self.protocol.calls) == len(still_open)
        for call_id in still_open:
            assert set(self.asked[call_id][0]) & set(self.alive), "nobody is left who could answer"
        assert self.protocol.sockets() == tuple(self.alive)

    def teardown(self) -> None:
        for number in list(self.alive):
            self.protocol.disconnect(number)
        self.settle()
        assert set(self.asked) == set(self.ended)
        assert len(self.protocol.calls) == 0
        assert self.protocol.calls._by_socket == {}
        assert self.protocol.broker._topics == {}


TestProtocol = ProtocolMachine.TestCase


def test_welcome_tells_number_and_name() -> None:
    state = ProtocolState()
    assert state.hello(hello(page=""), "given") == 1
    settings = {"max_message_bytes": 2**28, "session": "", "resumed": False, "received": 0, "resume_seconds": 10.0}
    settings["stream_items"] = 256
    settings["stream_bytes"] = 32 * 2**20
    assert sent(state) == [(1, m.Welcome(1, "given", settings))]
    assert state.hello(hello("other", page="mine"), "given") == 2
    assert sent(state)[0][1].page == "mine"


def test_only_the_called_page_can_answer() -> None:
    state = ProtocolState()
    first, second = connected(state, "a", "b")
    call_id = state.request("call", "f", pack([], "args"), first, None)
    state.effects()
    state.receive(second, [m.Return(call_id, "forged")])
    assert settled(state.effects()) == []
    state.receive(first, [m.Return(call_id, "real")])
    (settle,) = settled(state.effects())
    assert settle.finished.answers == {first: "real"}
    assert state.calls.ignored == 1


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("raised", JavaScriptError), ("unserializable", JavaScriptError), ("unknown", UnknownFunction)],
)
def test_errors_of_pages(kind: str, expected: type[JsPyError]) -> None:
    state = ProtocolState()
    (page,) = connected(state, "a")
    call_id = state.request("call", "f", pack([], "args"), None, None)
    state.effects()
    state.receive(page, [m.Error(call_id, m.ErrorInfo(kind, "TypeError", "no", "at f"))])
    error = settled(state.effects())[0].finished.answers[page]
    assert type(error) is expected
    assert error.message() == "no"
    assert error.get_socket_id() == page
    assert error.report() == f"no in {{protocol: call, key: f, id: {call_id}, socket_id: {page}}}"


def test_a_page_that_leaves_fails_its_calls_immediately() -> None:
    state = ProtocolState()
    first, second = connected(state, "a", "b")
    call_id = state.request("call", "f", pack([], "args"), None, None)
    state.effects()
    state.receive(second, [m.Return(call_id, 2)])
    state.receive(first, [m.Goodbye()])
    effects = state.effects()
    answers = settled(effects)[0].finished.answers
    assert isinstance(answers[first], Disconnected)
    assert answers[second] == 2
    assert fx.Left(first, "a") in effects


def test_a_document_that_comes_back_replaces_its_old_connection() -> None:
    state = ProtocolState()
    (old,) = connected(state, "same")
    new = state.hello(hello("same", "same"), "")
    assert new is not None
    state.receive(new, [m.Ack(0)])
    effects = state.effects()
    assert state.sockets() == (new,)
    assert [type(e) for e in effects if isinstance(e, (fx.CloseConnection, fx.Left, fx.Connected))] == [
        fx.CloseConnection,
        fx.Left,
        fx.Connected,
    ]
    assert old != new


PRESENCE = (fx.Connected, fx.Lost, fx.Resumed, fx.Left)


def of_presence(state: ProtocolState) -> list[fx.Effect]:
    return [effect for effect in state.effects() if isinstance(effect, PRESENCE)]


def test_a_page_counts_as_connected_once_it_answers_the_welcome() -> None:
    state = ProtocolState()
    assert state.hello(hello(), "") == 1
    assert of_presence(state) == []
    state.receive(1, [m.Pong(0.0)])
    state.receive(1, [m.Pong(0.0)])
    assert of_presence(state) == [fx.Connected(1, "p")]


@pytest.mark.parametrize("lost", [False, True], ids=["goodbye", "broken"])
def test_a_page_that_leaves_before_its_welcome_was_never_there(lost: bool) -> None:
    state = ProtocolState()
    state.max_connections = 1
    state.hello(hello("first"), "")
    call_id = state.request("call", "f", pack([], "args"), None, None)
    state.effects()
    if lost:
        state.lose(1, 0.0)
    else:
        state.receive(1, [m.Goodbye()])
    effects = state.effects()
    assert [effect.finished.id for effect in settled(effects)] == [call_id], "nobody waits for it"
    assert not [effect for effect in effects if isinstance(effect, PRESENCE)]
    assert state.sockets() == ()
    assert state.hello(hello("second"), "") == 2, "it does not count for the limit"
    state.expire(1000.0)
    assert of_presence(state) == []


def test_a_page_whose_answer_to_the_welcome_is_lost_resumes() -> None:
    state = ProtocolState("session")
    state.hello(hello(topics=["t"]), "")
    written(state.outbox(1))
    state.lose(1, 0.0)
    state.publish("t", 1, pack(1, "data"))
    assert of_presence(state) == []
    assert state.hello(m.Hello("d", "p", ["t"], "session", 0), "") == 1
    assert of_presence(state) == [fx.Connected(1, "p")]
    assert written(state.outbox(1))[-1] == m.Publish(0, "t", 1, False)


def test_a_refused_connection_uses_up_a_socket_id() -> None:
    state = ProtocolState()
    state.max_connections = 1
    assert state.hello(hello("a"), "") == 1
    assert state.hello(hello("b"), "") is None
    state.max_connections = 0
    assert state.hello(hello("c"), "") == 3
    assert "limit" in REFUSED_BY_LIMIT


def test_publish_reaches_subscribers_but_not_the_suppressed() -> None:
    state = ProtocolState()
    first, second = connected(state, "a", "b")
    state.broker.subscribe("t", "local")
    state.receive(first, [m.Subscribe(1, "t")])
    state.receive(second, [m.Subscribe(1, "t"), m.Publish(2, "t", {"x": b"y"}, True)])
    assert fx.Deliver("local", "t", {"x": b"y"}) in state.effects()
    assert m.Publish(0, "t", {"x": b"y"}, False) in written(state.outbox(first))
    to_second = written(state.outbox(second))
    assert not any(isinstance(message, m.Publish) for message in to_second)
    assert m.Return(2, True) in to_second
    state.publish("t", 1, pack(1, "data"), suppress=True)
    assert state.effects() == [fx.Wake(first), fx.Wake(second)]
    assert [len(written(state.outbox(socket))) for socket in (first, second)] == [1, 1]


def test_fan_out_encodes_once() -> None:
    state = ProtocolState()
    pages = connected(state, "a", "b", "c")
    state.notify("f", pack([1], "args"), None)
    packets = [packet for page in pages for packet in state.outbox(page)._waiting]
    assert len(packets) == 3
    assert all(packet is packets[0] for packet in packets)


def test_unsubscribe_says_whether_there_was_a_subscription() -> None:
    state = ProtocolState()
    (page,) = connected(state, "a")
    state.receive(page, [m.Subscribe(1, "t"), m.Unsubscribe(2, "t"), m.Unsubscribe(3, "t")])
    assert [message.value for _, message in sent(state)] == [True, True, False]


def test_queues_have_keys_of_any_json_scalar() -> None:
    state = ProtocolState()
    (page,) = connected(state, "a")
    state.receive(page, [m.Push(1, None, 1), m.Push(2, 5, 1), m.Push(0, "q", 1)])
    assert [message.value for _, message in sent(state)] == [True, True]
    assert state.queues.keys() == [None, 5, "q"]


def test_unknown_functions_are_named_with_what_there_is() -> None:
    state = ProtocolState()
    (page,) = connected(state, "a")
    state.functions.expose("add", print)
    state.receive(page, [m.Call(7, "ad", [])])
    ((_, error),) = sent(state)
    assert error.error.kind == "unknown"
    assert error.error.message == "Python exposes no function 'ad'; did you mean 'add'? (exposed: add)"

    state.receive(page, [m.Call(8, "zoom", [])])
    ((_, error),) = sent(state)
    assert error.error.message == "Python exposes no function 'zoom' (exposed: add)"
    state.functions.clear("add")
    state.receive(page, [m.Call(9, "add", [])])
    ((_, error),) = sent(state)
    assert error.error.message == "Python exposes no function 'add'; it exposes none yet"


def test_of_very_many_functions_the_error_names_some() -> None:
    state = ProtocolState()
    for i in range(10_000):
        state.functions.expose(f"f{i}", print)
    (socket,) = connected(state, "d")
    state.receive(socket, [m.Call(1, "g", [])])
    ((_, error),) = sent(state)
    assert error.error.message.endswith("f28, f29 and 9970 others)")


@pytest.mark.parametrize("message", [hello(), m.Welcome(1, "p", {}), m.Close("x", True)])
def test_messages_that_a_page_may_not_send(message: m.Message) -> None:
    state = ProtocolState()
    (page,) = connected(state, "a")
    with pytest.raises(ProtocolError, match="may not send"):
        state.receive(page, [message])


def test_the_socket_of_a_closed_page_is_forgotten() -> None:
    state = ProtocolState()
    (page,) = connected(state, "a")
    outbox = state.outbox(page)
    assert state.close_socket(page, "enough")
    assert written(outbox) == [m.Close("enough", False)]
    state.effects()
    assert not state.close_socket(page, "again")
    state.receive(page, [m.Call(1, "f", [])])
    assert state.effects() == []


def test_an_answer_to_a_page_that_has_gone_is_dropped() -> None:
    state = ProtocolState()
    (page,) = connected(state, "a")
    state.functions.expose("f", print)
    state.receive(page, [m.Call(1, "f", [])])
    (call,) = [effect for effect in state.effects() if isinstance(effect, fx.Invoke)]
    assert state.functions.is_running("f")
    state.disconnect(page)
    state.effects()
    state.answer([(call, message_packet(["return", 1, None]))])
    assert state.effects() == []
    assert not state.functions.is_running("f")


# Cancelled calls --------------------------------------------------------------------------------------------


def test_a_request_that_ends_without_an_answer_is_cancelled_where_none_came() -> None:
    state = ProtocolState()
    one, two = connected(state, "a", "b")
    call = state.request("call", "f", pack([], "args"), None, 5.0)
    push = state.request("push", "q", pack(1, "data"), one, None)
    sent(state)
    state.receive(one, [m.Return(call, 1)])
    state.expire(5.0)
    state.cancel(push)
    state.cancel(push)
    assert sent(state) == [(two, m.Cancel(call)), (one, m.Cancel(push))]


def test_a_request_to_a_page_that_has_left_is_not_cancelled() -> None:
    state = ProtocolState()
    one, two = connected(state, "a", "b")
    call = state.request("call", "f", pack([], "args"), None, None)
    sent(state)
    state.disconnect(one)
    state.cancel(call)
    assert sent(state) == [(two, m.Cancel(call))]


@pytest.mark.parametrize("kind", ["call", "push"])
def test_a_cancel_waits_for_its_large_request(kind: Literal["call", "push"]) -> None:
    state = ProtocolState()
    (page,) = connected(state, "a")
    outbox = state.outbox(page)
    request = state.request(kind, "f", pack(["x" * 5_000_000], "args"), page, None)
    assembler = Assembler(2**28)
    received: list[Any] = []
    other = 0
    while (frame := outbox.take()) is not None:
        if not other:  # the request is under way
            state.cancel(request)
            other = state.request("call", "other", pack([], "args"), page, None)
        content: Any = frame
        if isinstance(frame, bytes) and frame[0] == CHUNK:
            stream, content = assembler.feed(frame)
            outbox.credit(stream, 1)
        received += decode(content) if content is not None else []
    ids = [message.id for message in received]
    assert ids.index(other) < ids.index(request)
    assert received[-1] == m.Cancel(request)


def test_a_cancel_is_sent_again_after_a_reconnection() -> None:
    state = ProtocolState("s")
    (page,) = connected(state, "a")
    call = state.request("call", "f", pack([], "args"), page, 5.0)
    assert [type(message) for message in written(state.outbox(page))] == [m.Call]
    state.lose(page, 1.0)
    state.expire(5.0)
    assert state.hello(m.Hello("a", "a", [], "s", 0), "") == page
    assert [type(message) for message in written(state.outbox(page))] == [m.Welcome, m.Call, m.Cancel]
    assert state.calls.ignored == 0
    state.receive(page, [m.Return(call, 1)])
    assert state.calls.ignored == 1


def test_a_call_is_cancelled_once() -> None:
    state = ProtocolState()
    one, two = connected(state, "a", "b")
    state.functions.expose("f", print)
    state.receive(one, [m.Call(1, "f", []), m.Cancel(1), m.Cancel(1), m.Cancel(2)])
    state.receive(two, [m.Cancel(1)])
    call, cancelled = (effect for effect in state.effects() if isinstance(effect, (fx.Invoke, fx.Cancelled)))
    assert isinstance(call, fx.Invoke)
    assert isinstance(cancelled, fx.Cancelled)
    assert cancelled.call is call
    assert call.cancelled
    assert state.functions.is_running("f"), "until the function has ended"
    state.disconnect(one)
    assert state.cancelled_calls == 1
    state.answer([(call, message_packet(["return", 1, None]))])
    assert state.dropped_results == 1
    assert not state.functions.is_running("f")


def test_the_id_of_a_cancelled_call_may_be_used_again() -> None:
    state = ProtocolState()
    (page,) = connected(state, "a")
    state.functions.expose("f", print)
    state.receive(page, [m.Call(1, "f", []), m.Cancel(1), m.Call(1, "f", [])])
    first, second = (effect for effect in state.effects() if isinstance(effect, fx.Invoke))
    state.answer([(first, message_packet(["return", 1, "first"]))])
    state.receive(page, [m.Cancel(1)])
    assert second.cancelled


def test_names_of_a_page() -> None:
    state = ProtocolState()
    (page,) = connected(state, "a")
    assert state.names(page) == frozenset()
    state.receive(page, [m.Names(["f", "g"])])
    assert state.names(page) == {"f", "g"}
    assert fx.Named(page) in state.effects()
    state.receive(page, [m.Names(["g"])])
    assert state.names(page) == {"g"}
    state.disconnect(page)
    assert state.names(page) == frozenset()


# Coming back ------------------------------------------------------------------------------------------------


def test_a_page_that_reconnects_in_time_keeps_its_number() -> None:
    state = ProtocolState("session")
    (page,) = connected(state, "a")
    call_id = state.request("call", "f", pack([], "args"), page, None)
    assert written(state.outbox(page)) == [m.Call(call_id, "f", [])]
    state.effects()
    state.lose(page, 100.0)
    assert state.effects() == [fx.Lost(page, "a")]
    assert state.is_lost(page)
    assert state.next_deadline() == 110.0
    state.push_nowait("q", pack(1, "data"), None)  # while it is away
    assert state.hello(m.Hello("a", "a", [], "session", 0), "unused") == page
    assert fx.Resumed(page, "a") in state.effects()
    welcome, *replayed = written(state.outbox(page))
    assert (welcome.socket_id, welcome.settings["resumed"]) == (page, True)
    assert replayed == [m.Call(call_id, "f", []), m.Push(0, "q", 1)]
    assert state.next_deadline() is None
    state.expire(1000.0)
    assert state.sockets() == (page,)
    state.receive(page, [m.Return(call_id, 5)])
    assert settled(state.effects())[0].finished.answers == {page: 5}


def test_it_expires_no_later_than_the_earliest_deadline() -> None:
    state = ProtocolState("session")
    (page,) = connected(state, "a")
    assert state.expires_at is None
    late, early, middle = [state.request("call", "f", pack([], "args"), page, at) for at in (9.0, 5.0, 7.0)]
    assert state.expires_at == 5.0
    state.receive(page, [m.Return(early, 1)])
    assert state.expires_at == 5.0, "an answer moves nothing, which saves a timer for each call"
    state.expire(5.0)
    assert state.expires_at == 7.0
    state.lose(page, -5.0)
    assert state.expires_at == 5.0
    state.expire(7.0)
    assert state.expires_at is None
    ended = [effect.finished.id for effect in settled(state.effects())]
    assert sorted(ended) == [late, early, middle]


def test_a_document_that_has_left_is_not_waited_for() -> None:
    state = ProtocolState("session")
    first, second = connected(state, "a", "b")
    call_id = state.request("call", "f", pack([], "args"), first, None)
    state.effects()
    state.leave("c")
    state.leave("a")
    assert state.effects() == [], "its last messages may still arrive"
    state.lose(first, 0.0)
    [ended] = settled(effects := state.effects())
    assert fx.Left(first, "a", False) in effects
    assert ended.finished.id == call_id
    assert type(ended.finished.answers[first]) is Disconnected
    state.lose(second, 0.0)
    state.leave("b")
    assert fx.Left(second, "b", False) in state.effects()


def test_a_document_that_connects_again_has_not_left() -> None:
    state = ProtocolState("session")
    (page,) = connected(state, "a")
    state.leave("a")
    state.hello(m.Hello("a", "a", [], "session", 0), "unused")
    state.effects()
    state.lose(page, 0.0)
    assert state.effects() == [fx.Lost(page, "a")]


def test_received_messages_are_not_sent_again() -> None:
    state = ProtocolState("session")
    (page,) = connected(state, "a")
    for number in range(5):
        state.push_nowait("q", pack(number, "data"), None)
    written(state.outbox(page))
    state.lose(page, 0.0)
    state.hello(m.Hello("a", "a", [], "session", 3), "unused")
    assert [message.data for message in written(state.outbox(page))[1:]] == [3, 4]
    with pytest.raises(ProtocolError, match="99 messages"):
        state.hello(m.Hello("a", "a", [], "session", 99), "unused")


def test_the_welcome_counts_the_messages_of_the_page_that_arrived() -> None:
    state = ProtocolState("session")
    (page,) = connected(state, "a")
    state.receive(page, [m.Push(0, "q", number) for number in range(7)])
    state.lose(page, 0.0)
    state.hello(m.Hello("a", "a", [], "session", 0), "unused")
    assert written(state.outbox(page))[0].settings["received"] == 7


def test_messages_are_acknowledged_now_and_then() -> None:
    state = ProtocolState()
    (page,) = connected(state, "a")
    state.receive(page, [m.Push(0, "q", number) for number in range(63)])
    assert state.effects() == [fx.ItemStored("q")] * 63
    state.receive(page, [m.Push(0, "q", 63)])
    assert written(state.outbox(page)) == [m.Ack(64)]
    state.receive(page, [m.Push(0, "q", 64)], size=300_000)
    assert written(state.outbox(page)) == [m.Ack(65)]


def test_a_page_that_does_not_come_back_ends_its_calls_by_name() -> None:
    state = ProtocolState("session")
    (page,) = connected(state, "a")
    calls = [state.request("call", "f", pack([], "args"), page, None) for _ in range(3)]
    state.lose(page, 0.0)
    state.effects()
    state.expire(9.9)
    assert settled(state.effects()) == []
    state.expire(10.0)
    effects = state.effects()
    assert [effect.finished.id for effect in settled(effects)] == calls
    assert all(isinstance(effect.finished.answers[page], ConnectionLost) for effect in settled(effects))
    assert fx.Left(page, "a", lost=True) in effects
    (report,) = [effect for effect in effects if isinstance(effect, fx.Report)]
    assert "3 calls may or may not have run" in report.text
    assert state.hello(m.Hello("a", "a", [], "session", 0), "unused") != page, "it is a new one"


def test_a_page_of_another_session_begins_anew() -> None:
    state = ProtocolState("new")
    (page,) = connected(state, "a")
    assert state.hello(m.Hello("a", "a", ["t"], "old", 17), "unused") == page + 1
    assert state.sockets() == (page + 1,)
    assert written(state.outbox(page + 1))[0].settings["resumed"] is False


def test_unexpected_replies_are_counted_and_ignored() -> None:
    state = ProtocolState()
    asked, other = connected(state, "asked", "other")
    failure = m.ErrorInfo("raised", "Error", "too late")

    def after(*messages: m.Message, socket: int = asked) -> tuple[int, list[fx.CallFinished]]:
        before = state.calls.ignored
        state.receive(socket, messages)
        return state.calls.ignored - before, settled(state.effects())

    call = state.request("call", "f", pack([], "args"), asked, None)
    late = state.request("call", "f", pack([], "args"), asked, 5.0)
    failed = state.request("call", "f", pack([], "args"), asked, None)
    state.expire(5.0)
    state.effects()
    assert after(m.Return(call, 1), socket=other) == (1, []), "it was not asked"
    assert after(m.Error(call, failure), socket=other) == (1, []), "it was not asked"
    assert after(m.Return(late, 1)) == (1, []), "late"
    assert after(m.Error(late, failure)) == (1, []), "late"
    assert after(m.Return(999, 1), m.Error(998, failure)) == (2, []), "unknown"
    count, ends = after(m.Return(call, 1), m.Return(call, 2), m.Error(call, failure))
    assert (count, [end.finished.answers for end in ends]) == (2, [{asked: 1}]), "twice"
    count, ends = after(m.Error(failed, failure), m.Error(failed, failure), m.Return(failed, 1))
    assert (count, len(ends)) == (2, 1), "twice"
    assert isinstance(ends[0].finished.answers[asked], JavaScriptError)
    assert len(state.calls) == 0
    assert state.sockets() == (asked, other)
