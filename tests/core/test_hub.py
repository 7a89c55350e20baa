"""The hub: any order of events, and every call ends exactly once."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from jsmeets_local.core import effects as fx
from jsmeets_local.core import message as m
from jsmeets_local.core.codec import decode, message_packet
from jsmeets_local.core.hub import Hub
from jsmeets_local.core.outbox import Outbox
from jsmeets_local.core.pages import REFUSED_BY_LIMIT
from jsmeets_local.core.values import pack
from jsmeets_local.errors import (
    ConnectionLost,
    Disconnected,
    JavaScriptError,
    JsPyError,
    ProtocolError,
    UnknownFunction,
)


def hello(document: str = "d", page: str = "p", topics: list[str] | None = None) -> m.Hello:
    return m.Hello(document, page, topics or [])


def sent(hub: Hub) -> list[tuple[int, Any]]:
    """What the pages that are there get, decoded."""
    woken = [
        effect.socket for effect in hub.effects() if isinstance(effect, fx.Wake) and effect.socket in hub.sockets()
    ]
    return [(socket, message) for socket in woken for message in written(hub.outbox(socket))]


def written(outbox: Outbox) -> list[Any]:
    """What goes out, decoded."""
    messages: list[Any] = []
    while (frame := outbox.take()) is not None:
        messages += decode(frame)
    return messages


def settled(effects: list[fx.Effect]) -> list[fx.Settle]:
    return [effect for effect in effects if isinstance(effect, fx.Settle)]


def connected(hub: Hub, *documents: str) -> list[int]:
    numbers = [hub.hello(hello(document, page=document), "unused") for document in documents]
    there = [number for number in numbers if number is not None]
    for number in there:
        hub.receive(number, [m.Ack(0)])  # it has its welcome
    sent(hub)
    return there


class HubMachine(RuleBasedStateMachine):
    """Pages come, answer (once, twice, late, for others), and go; Python calls, pushes, cancels; time passes."""

    def __init__(self) -> None:
        super().__init__()
        self.hub = Hub()
        self.now = 0.0
        self.alive: list[int] = []
        self.documents = 0
        self.asked: dict[int, tuple[tuple[int, ...], float | None]] = {}  # the calls that must end
        self.ended: dict[int, int] = {}
        self.cancelled: set[int] = set()

    def settle(self) -> None:
        for effect in settled(self.hub.effects()):
            call_id = effect.finished.id
            self.ended[call_id] = self.ended.get(call_id, 0) + 1
            assert set(effect.finished.answers) <= set(self.asked[call_id][0])
            if not effect.finished.timed_out:
                assert set(effect.finished.answers) == set(self.asked[call_id][0])

    @rule(topics=st.lists(st.sampled_from("ab")))
    def connect(self, topics: list[str]) -> None:
        self.documents += 1
        number = self.hub.hello(hello(f"d{self.documents}", "", topics), "given")
        assert number is not None
        assert number not in self.alive
        self.alive.append(number)
        self.settle()

    @rule(
        kind=st.sampled_from(["call", "push"]),
        limit=st.none() | st.floats(0.1, 5),
        among=st.none() | st.sets(st.integers(1, 6)),
    )
    def ask(self, kind: str, limit: float | None, among: set[int] | None) -> None:
        deadline = None if limit is None else self.now + limit
        expected = tuple(s for s in self.alive if among is None or s in among)
        start = self.hub.call if kind == "call" else self.hub.push
        call_id = start("key", pack([], "args"), among, deadline)
        self.asked[call_id] = (expected if among is None else tuple(sorted(expected)), deadline)
        self.settle()
        if not expected:
            assert self.ended[call_id] == 1, "without a page it ends at once"

    @rule(socket=st.integers(1, 6), call_id=st.integers(1, 12), fails=st.booleans())
    def answer(self, socket: int, call_id: int, fails: bool) -> None:
        if fails:
            error = m.ErrorInfo("raised", "Error", "text")
            self.hub.receive(socket, [m.Error(call_id, error), m.Error(call_id, error)])
        else:
            self.hub.receive(socket, [m.Return(call_id, True), m.Return(call_id, True)])
        self.settle()

    @rule(data=st.data(), goodbye=st.booleans())
    def leave(self, data: st.DataObject, goodbye: bool) -> None:
        if self.alive:
            number = data.draw(st.sampled_from(self.alive))
            if goodbye:
                self.hub.receive(number, [m.Goodbye()])
            self.hub.disconnect(number)
            self.alive.remove(number)
            self.settle()

    @rule(step=st.floats(0, 3))
    def expire(self, step: float) -> None:
        self.now += step
        self.hub.expire(self.now)
        self.settle()

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        open_calls = [call_id for call_id in self.asked if call_id not in self.ended]
        if open_calls:
            call_id = data.draw(st.sampled_from(open_calls))
            self.hub.calls.cancel(call_id)
            self.cancelled.add(call_id)
            self.ended[call_id] = 1

    @rule(topic=st.sampled_from("ab"))
    def publish(self, topic: str) -> None:
        for socket in self.alive:
            written(self.hub.outbox(socket))
        self.hub.publish(topic, 1, pack(1, "data"))
        got = [socket for socket, _ in sent(self.hub)]
        assert set(got) <= set(self.alive)
        assert len(got) == len(set(got))

    @invariant()
    def every_call_ends_once(self) -> None:
        assert all(count == 1 for count in self.ended.values())
        still_open = set(self.asked) - set(self.ended)
        assert len(self.hub.calls) == len(still_open)
        for call_id in still_open:
            assert set(self.asked[call_id][0]) & set(self.alive), "nobody is left who could answer"
        assert self.hub.sockets() == tuple(self.alive)

    def teardown(self) -> None:
        for number in list(self.alive):
            self.hub.disconnect(number)
        self.settle()
        assert set(self.asked) == set(self.ended)
        assert len(self.hub.calls) == 0
        assert self.hub.calls._by_socket == {}
        assert self.hub.broker._topics == {}


TestHub = HubMachine.TestCase


def test_welcome_tells_number_and_name() -> None:
    hub = Hub()
    assert hub.hello(hello(page=""), "given") == 1
    settings = {"max_message_bytes": 2**28, "session": "", "resumed": False, "received": 0, "resume_seconds": 10.0}
    assert sent(hub) == [(1, m.Welcome(1, "given", settings))]
    assert hub.hello(hello("other", page="mine"), "given") == 2
    assert sent(hub)[0][1].page == "mine"


def test_only_the_page_that_was_asked_can_answer() -> None:
    hub = Hub()
    first, second = connected(hub, "a", "b")
    call_id = hub.call("f", pack([], "args"), first, None)
    hub.effects()
    hub.receive(second, [m.Return(call_id, "forged")])
    assert settled(hub.effects()) == []
    hub.receive(first, [m.Return(call_id, "real")])
    (settle,) = settled(hub.effects())
    assert settle.finished.answers == {first: "real"}
    assert hub.calls.ignored == 1


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("raised", JavaScriptError), ("unserializable", JavaScriptError), ("unknown", UnknownFunction)],
)
def test_errors_of_pages(kind: str, expected: type[JsPyError]) -> None:
    hub = Hub()
    (page,) = connected(hub, "a")
    call_id = hub.call("f", pack([], "args"), None, None)
    hub.effects()
    hub.receive(page, [m.Error(call_id, m.ErrorInfo(kind, "TypeError", "no", "at f"))])
    error = settled(hub.effects())[0].finished.answers[page]
    assert type(error) is expected
    assert error.message() == "no"
    assert error.get_socket_id() == page
    assert error.report() == f"no in {{protocol: call, key: f, id: {call_id}, socket_id: {page}}}"


def test_a_page_that_leaves_ends_its_calls_at_once() -> None:
    hub = Hub()
    first, second = connected(hub, "a", "b")
    call_id = hub.call("f", pack([], "args"), None, None)
    hub.effects()
    hub.receive(second, [m.Return(call_id, 2)])
    hub.receive(first, [m.Goodbye()])
    effects = hub.effects()
    answers = settled(effects)[0].finished.answers
    assert isinstance(answers[first], Disconnected)
    assert answers[second] == 2
    assert fx.Left(first, "a") in effects


def test_a_document_that_comes_back_replaces_its_old_connection() -> None:
    hub = Hub()
    (old,) = connected(hub, "same")
    new = hub.hello(hello("same", "same"), "")
    assert new is not None
    hub.receive(new, [m.Ack(0)])
    effects = hub.effects()
    assert hub.sockets() == (new,)
    assert [type(e) for e in effects if isinstance(e, (fx.Drop, fx.Left, fx.Connected))] == [
        fx.Drop,
        fx.Left,
        fx.Connected,
    ]
    assert old != new


PRESENCE = (fx.Connected, fx.Lost, fx.Resumed, fx.Left)


def of_presence(hub: Hub) -> list[fx.Effect]:
    return [effect for effect in hub.effects() if isinstance(effect, PRESENCE)]


def test_a_page_is_there_once_it_has_answered_its_welcome() -> None:
    hub = Hub()
    assert hub.hello(hello(), "") == 1
    assert of_presence(hub) == []
    hub.receive(1, [m.Pong(0.0)])
    hub.receive(1, [m.Pong(0.0)])
    assert of_presence(hub) == [fx.Connected(1, "p")]


@pytest.mark.parametrize("lost", [False, True], ids=["goodbye", "broken"])
def test_a_page_that_leaves_before_its_welcome_was_never_there(lost: bool) -> None:
    hub = Hub()
    hub.limit = 1
    hub.hello(hello("first"), "")
    call_id = hub.call("f", pack([], "args"), None, None)
    hub.effects()
    if lost:
        hub.lose(1, 0.0)
    else:
        hub.receive(1, [m.Goodbye()])
    effects = hub.effects()
    assert [effect.finished.id for effect in settled(effects)] == [call_id], "nobody waits for it"
    assert not [effect for effect in effects if isinstance(effect, PRESENCE)]
    assert hub.sockets() == ()
    assert hub.hello(hello("second"), "") == 2, "it does not count for the limit"
    hub.expire(1000.0)
    assert of_presence(hub) == []


def test_a_page_whose_answer_to_the_welcome_was_lost_goes_on_where_it_was() -> None:
    hub = Hub("session")
    hub.hello(hello(topics=["t"]), "")
    written(hub.outbox(1))
    hub.lose(1, 0.0)
    hub.publish("t", 1, pack(1, "data"))
    assert of_presence(hub) == []
    assert hub.hello(m.Hello("d", "p", ["t"], "session", 0), "") == 1
    assert of_presence(hub) == [fx.Connected(1, "p")]
    assert written(hub.outbox(1))[-1] == m.Publish(0, "t", 1, False)


def test_the_connection_limit_uses_up_a_number() -> None:
    hub = Hub()
    hub.limit = 1
    assert hub.hello(hello("a"), "") == 1
    assert hub.hello(hello("b"), "") is None
    hub.limit = 0
    assert hub.hello(hello("c"), "") == 3
    assert "limit" in REFUSED_BY_LIMIT


def test_publish_reaches_subscribers_but_not_the_suppressed() -> None:
    hub = Hub()
    first, second = connected(hub, "a", "b")
    hub.broker.subscribe("t", "local")
    hub.receive(first, [m.Subscribe(1, "t")])
    hub.receive(second, [m.Subscribe(1, "t"), m.Publish(2, "t", {"x": b"y"}, True)])
    assert fx.Deliver("local", "t", {"x": b"y"}) in hub.effects()
    assert m.Publish(0, "t", {"x": b"y"}, False) in written(hub.outbox(first))
    to_second = written(hub.outbox(second))
    assert not any(isinstance(message, m.Publish) for message in to_second)
    assert m.Return(2, True) in to_second
    hub.publish("t", 1, pack(1, "data"), suppress=True)
    assert hub.effects() == [fx.Wake(first), fx.Wake(second)]
    assert [len(written(hub.outbox(socket))) for socket in (first, second)] == [1, 1]


def test_fan_out_encodes_once() -> None:
    hub = Hub()
    pages = connected(hub, "a", "b", "c")
    hub.notify("f", pack([1], "args"), None)
    packets = [packet for page in pages for packet in hub.outbox(page)._waiting]
    assert len(packets) == 3
    assert all(packet is packets[0] for packet in packets)


def test_unsubscribe_says_whether_there_was_a_subscription() -> None:
    hub = Hub()
    (page,) = connected(hub, "a")
    hub.receive(page, [m.Subscribe(1, "t"), m.Unsubscribe(2, "t"), m.Unsubscribe(3, "t")])
    assert [message.value for _, message in sent(hub)] == [True, True, False]


def test_queues_have_keys_of_any_json_scalar() -> None:
    hub = Hub()
    (page,) = connected(hub, "a")
    hub.receive(page, [m.Push(1, None, 1), m.Push(2, 5, 1), m.Push(0, "q", 1)])
    assert [message.value for _, message in sent(hub)] == [True, True]
    assert hub.queues.keys() == [None, 5, "q"]


def test_unknown_functions_are_named_with_what_there_is() -> None:
    hub = Hub()
    (page,) = connected(hub, "a")
    hub.functions.expose("add", print)
    hub.receive(page, [m.Call(7, "ad", [])])
    ((_, error),) = sent(hub)
    assert error.error.kind == "unknown"
    assert (
        error.error.message == "Function key name is not registered @python: 'ad', did you mean 'add'? (exposed: add)"
    )

    hub.receive(page, [m.Call(8, "zoom", [])])
    ((_, error),) = sent(hub)
    assert error.error.message == "Function key name is not registered @python: 'zoom' (exposed: add)"
    hub.functions.clear("add")
    hub.receive(page, [m.Call(9, "add", [])])
    ((_, error),) = sent(hub)
    assert error.error.message == "Function key name is not registered @python: 'add' (Python exposes no function yet)"


def test_of_very_many_functions_the_error_names_some() -> None:
    hub = Hub()
    for i in range(10_000):
        hub.functions.expose(f"f{i}", print)
    (socket,) = connected(hub, "d")
    hub.receive(socket, [m.Call(1, "g", [])])
    ((_, error),) = sent(hub)
    assert error.error.message.endswith("f28, f29 and 9970 others)")


@pytest.mark.parametrize("message", [hello(), m.Welcome(1, "p", {}), m.Close("x", True)])
def test_messages_that_a_page_may_not_send(message: m.Message) -> None:
    hub = Hub()
    (page,) = connected(hub, "a")
    with pytest.raises(ProtocolError, match="may not send"):
        hub.receive(page, [message])


def test_the_socket_of_a_closed_page_is_forgotten() -> None:
    hub = Hub()
    (page,) = connected(hub, "a")
    outbox = hub.outbox(page)
    assert hub.close_socket(page, "enough")
    assert written(outbox) == [m.Close("enough", False)]
    hub.effects()
    assert not hub.close_socket(page, "again")
    hub.receive(page, [m.Call(1, "f", [])])
    assert hub.effects() == []


def test_an_answer_to_a_page_that_has_gone_is_dropped() -> None:
    hub = Hub()
    (page,) = connected(hub, "a")
    hub.functions.expose("f", print)
    hub.receive(page, [m.Call(1, "f", [])])
    (call,) = [effect for effect in hub.effects() if isinstance(effect, fx.Invoke)]
    assert hub.functions.is_running("f")
    hub.disconnect(page)
    hub.effects()
    hub.answer([(call, message_packet(["return", 1, None]))])
    assert hub.effects() == []
    assert not hub.functions.is_running("f")


# Coming back ------------------------------------------------------------------------------------------------


def test_a_page_that_comes_back_in_time_goes_on_under_its_number() -> None:
    hub = Hub("session")
    (page,) = connected(hub, "a")
    call_id = hub.call("f", pack([], "args"), page, None)
    assert written(hub.outbox(page)) == [m.Call(call_id, "f", [])]
    hub.effects()
    hub.lose(page, 100.0)
    assert hub.effects() == [fx.Lost(page, "a")]
    assert hub.is_lost(page)
    assert hub.next_deadline() == 110.0
    hub.push_nowait("q", pack(1, "data"), None)  # while it is away
    assert hub.hello(m.Hello("a", "a", [], "session", 0), "unused") == page
    assert fx.Resumed(page, "a") in hub.effects()
    welcome, *replayed = written(hub.outbox(page))
    assert (welcome.socket_id, welcome.settings["resumed"]) == (page, True)
    assert replayed == [m.Call(call_id, "f", []), m.Push(0, "q", 1)]
    assert hub.next_deadline() is None
    hub.expire(1000.0)
    assert hub.sockets() == (page,)
    hub.receive(page, [m.Return(call_id, 5)])
    assert settled(hub.effects())[0].finished.answers == {page: 5}


def test_what_the_page_has_received_is_not_sent_again() -> None:
    hub = Hub("session")
    (page,) = connected(hub, "a")
    for number in range(5):
        hub.push_nowait("q", pack(number, "data"), None)
    written(hub.outbox(page))
    hub.lose(page, 0.0)
    hub.hello(m.Hello("a", "a", [], "session", 3), "unused")
    assert [message.data for message in written(hub.outbox(page))[1:]] == [3, 4]
    with pytest.raises(ProtocolError, match="99 messages"):
        hub.hello(m.Hello("a", "a", [], "session", 99), "unused")


def test_a_page_is_told_what_of_its_own_has_come() -> None:
    hub = Hub("session")
    (page,) = connected(hub, "a")
    hub.receive(page, [m.Push(0, "q", number) for number in range(7)])
    hub.lose(page, 0.0)
    hub.hello(m.Hello("a", "a", [], "session", 0), "unused")
    assert written(hub.outbox(page))[0].settings["received"] == 7


def test_messages_are_acknowledged_now_and_then() -> None:
    hub = Hub()
    (page,) = connected(hub, "a")
    hub.receive(page, [m.Push(0, "q", number) for number in range(63)])
    assert hub.effects() == [fx.Stored("q")] * 63
    hub.receive(page, [m.Push(0, "q", 63)])
    assert written(hub.outbox(page)) == [m.Ack(64)]
    hub.receive(page, [m.Push(0, "q", 64)], size=300_000)
    assert written(hub.outbox(page)) == [m.Ack(65)]


def test_a_page_that_does_not_come_back_ends_its_calls_by_name() -> None:
    hub = Hub("session")
    (page,) = connected(hub, "a")
    calls = [hub.call("f", pack([], "args"), page, None) for _ in range(3)]
    hub.lose(page, 0.0)
    hub.effects()
    hub.expire(9.9)
    assert settled(hub.effects()) == []
    hub.expire(10.0)
    effects = hub.effects()
    assert [effect.finished.id for effect in settled(effects)] == calls
    assert all(isinstance(effect.finished.answers[page], ConnectionLost) for effect in settled(effects))
    assert fx.Left(page, "a", lost=True) in effects
    (report,) = [effect for effect in effects if isinstance(effect, fx.Report)]
    assert "3 calls may or may not have run" in report.text
    assert hub.hello(m.Hello("a", "a", [], "session", 0), "unused") != page, "it is a new one"


def test_a_page_of_another_session_begins_anew() -> None:
    hub = Hub("new")
    (page,) = connected(hub, "a")
    assert hub.hello(m.Hello("a", "a", ["t"], "old", 17), "unused") == page + 1
    assert hub.sockets() == (page + 1,)
    assert written(hub.outbox(page + 1))[0].settings["resumed"] is False


def test_replies_that_nobody_waits_for_are_counted_and_change_nothing() -> None:
    hub = Hub()
    asked, other = connected(hub, "asked", "other")
    failure = m.ErrorInfo("raised", "Error", "too late")

    def after(*messages: m.Message, socket: int = asked) -> tuple[int, list[fx.Settle]]:
        before = hub.calls.ignored
        hub.receive(socket, messages)
        return hub.calls.ignored - before, settled(hub.effects())

    call = hub.call("f", pack([], "args"), asked, None)
    late = hub.call("f", pack([], "args"), asked, 5.0)
    failed = hub.call("f", pack([], "args"), asked, None)
    hub.expire(5.0)
    hub.effects()
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
    assert len(hub.calls) == 0
    assert hub.sockets() == (asked, other)
