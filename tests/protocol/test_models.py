"""Calls, functions, queues and topics, each against a simple model of itself."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from jsmeets_local.protocol.calls import CallTable, Finished
from jsmeets_local.protocol.functions import Function, FunctionTable
from jsmeets_local.protocol.queues import Entry, Queues
from jsmeets_local.protocol.topics import Broker

sockets = st.integers(1, 4)


class CallTableMachine(RuleBasedStateMachine):
    """Every call ends exactly once, with the first answer of each socket that was called."""

    def __init__(self) -> None:
        super().__init__()
        self.table = CallTable()
        self.next = 0
        self.now = 0.0
        self.open: dict[int, tuple[list[int], float | None, dict[int, Any]]] = {}
        self.ended: dict[int, int] = {}

    def end(self, finished: Finished) -> None:
        asked, _, answers = self.open.pop(finished.id)
        assert finished.answers == answers
        assert list(finished.answers) == [socket for socket in asked if socket in answers]
        self.ended[finished.id] = self.ended.get(finished.id, 0) + 1

    @rule(asked=st.lists(sockets, min_size=1, unique=True), limit=st.none() | st.floats(0, 10))
    def call(self, asked: list[int], limit: float | None) -> None:
        self.next += 1
        deadline = None if limit is None else self.now + limit
        self.open[self.next] = (asked, deadline, {})
        self.table.open(self.next, asked, deadline, about=f"call {self.next}")
        assert self.table.about(self.next) == f"call {self.next}"

    @rule(call_id=st.integers(1, 12), socket=sockets, value=st.integers())
    def reply(self, call_id: int, socket: int, value: int) -> None:
        wanted = call_id in self.open and socket in self.open[call_id][0] and socket not in self.open[call_id][2]
        ignored = self.table.ignored
        assert self.table.is_open(call_id, socket) == wanted
        if wanted:
            self.open[call_id][2][socket] = value
        finished = self.table.answer(call_id, socket, value)
        assert self.table.ignored == ignored + (not wanted)
        if finished is not None:
            assert not finished.timed_out
            self.end(finished)
        else:
            assert not wanted or len(self.open[call_id][2]) < len(self.open[call_id][0])

    @rule(socket=sockets)
    def leave(self, socket: int) -> None:
        for call_id in self.table.pending(socket):
            self.reply(call_id, socket, -1)
        assert self.table.pending(socket) == []

    @rule(call_id=st.integers(1, 12))
    def cancel(self, call_id: int) -> None:
        self.table.cancel(call_id)
        self.open.pop(call_id, None)

    @rule(step=st.floats(0, 5))
    def expire(self, step: float) -> None:
        self.now += step
        due = {i for i, (_, deadline, _) in self.open.items() if deadline is not None and deadline <= self.now}
        finished = self.table.expire(self.now)
        assert {f.id for f in finished} == due
        for one in finished:
            assert one.timed_out
            self.end(one)

    @invariant()
    def counts(self) -> None:
        assert len(self.table) == len(self.open)
        assert all(count == 1 for count in self.ended.values())
        deadlines = [deadline for _, deadline, _ in self.open.values() if deadline is not None]
        assert self.table.next_deadline() == min(deadlines, default=None)


class BrokerMachine(RuleBasedStateMachine):
    """A broker is a set of (topic, subscriber) pairs in the order of subscription."""

    def __init__(self) -> None:
        super().__init__()
        self.broker = Broker()
        self.pairs: dict[tuple[str, int], None] = {}

    @rule(topic=st.sampled_from("abc"), subscriber=sockets)
    def subscribe(self, topic: str, subscriber: int) -> None:
        self.broker.subscribe(topic, subscriber)
        self.pairs[topic, subscriber] = None

    @rule(topic=st.sampled_from("abc"), subscriber=sockets)
    def unsubscribe(self, topic: str, subscriber: int) -> None:
        there = (topic, subscriber) in self.pairs
        assert self.broker.unsubscribe(topic, subscriber) == there
        self.pairs.pop((topic, subscriber), None)

    @rule(subscriber=sockets)
    def leave(self, subscriber: int) -> None:
        self.broker.leave(subscriber)
        self.pairs = {pair: None for pair in self.pairs if pair[1] != subscriber}

    @invariant()
    def same(self) -> None:
        for topic in "abc":
            assert self.broker.subscribers(topic) == [s for t, s in self.pairs if t == topic]
        assert set(self.broker.names()) == {t for t, _ in self.pairs}
        for subscriber in range(1, 5):
            assert set(self.broker.topics(subscriber)) == {t for t, s in self.pairs if s == subscriber}
        assert set(self.broker._subscribers) == {t for t, _ in self.pairs}


TestCallTable = CallTableMachine.TestCase
TestBroker = BrokerMachine.TestCase


@given(
    st.lists(st.tuples(st.sampled_from(["put", "pop", "shift", "put back", "clear", "remove"]), st.sampled_from("ab")))
)
def test_queues(steps: list[tuple[str, str]]) -> None:
    queues = Queues()
    model: dict[str, list[int]] = {}
    taken: dict[str, list[Entry]] = {"a": [], "b": []}
    for number, (step, key) in enumerate(steps):
        if step == "put back":
            for entry in taken[key]:
                queues.put_back(key, entry)
                model[key] = sorted([*model.get(key, []), entry[1]])
            taken[key] = []
        elif step == "put":
            queues.put(key, number)
            model.setdefault(key, []).append(number)
        elif step == "pop":
            entry = queues.take(key, newest=True)
            assert (entry and entry[1]) == (model[key].pop() if model.get(key) else None)
            taken[key] += [entry] if entry else []
        elif step == "shift":
            entry = queues.take(key)
            assert (entry and entry[1]) == (model[key].pop(0) if model.get(key) else None)
            taken[key] += [entry] if entry else []
        elif step == "clear":
            queues.clear(key)
            if key in model:
                model[key] = []
        else:
            queues.remove(key)
            model.pop(key, None)
        assert queues.keys() == list(model)
        assert [queues.has(k) for k in "ab"] == [k in model for k in "ab"]
        assert [queues.is_empty(k) for k in "ab"] == [not model.get(k) for k in "ab"]
        assert [queues.size(k) for k in "ab"] == [len(model.get(k, [])) for k in "ab"]


def test_a_stored_none_is_an_item() -> None:
    queues = Queues()
    queues.put("q", None)
    entry = queues.take("q")
    assert entry is not None
    assert entry[1] is None
    assert queues.take("q") is None
    assert queues.has("q")


def test_clear_all_and_remove_all() -> None:
    queues = Queues()
    queues.put("a", 1)
    queues.put(("b", 2), 2)
    queues.clear_all()
    assert queues.keys() == ["a", ("b", 2)]
    assert queues.is_empty("a")
    queues.remove_all()
    assert queues.keys() == []


def test_a_running_function_is_neither_replaced_nor_removed() -> None:
    table = FunctionTable()
    assert table.expose("f", print)
    function = table.get("f")
    assert function is not None
    function.running += 2
    assert table.is_running("f")
    assert not table.expose("f", repr)
    assert not table.clear("f")
    function.running -= 1
    assert not table.clear("f"), "one of two calls is still running"
    function.running -= 1
    assert table.expose("f", repr)
    assert table.keys() == ["f"]
    assert table.clear("f")
    assert not table.clear("f")
    assert not table.is_running("f")


def test_builtins_are_found_by_calls_alone() -> None:
    table = FunctionTable()
    table.builtins["$list"] = Function("$list", list, exclusive=False)
    table.expose("f", print)
    assert [function.key for function in table.all()] == table.keys() == ["f"]
    assert table.find("f") is table.get("f")
    assert table.find("$list") is table.builtins["$list"]
    assert table.get("$list") is None
    assert not table.clear("$list")
    assert table.find("nothing") is None


class Unspeakable:
    def __repr__(self) -> str:
        raise ValueError("no text")


def test_a_function_describes_itself() -> None:
    def add(a: int, b: list[str] | None = None, *rest: int, c: bool = True) -> int:
        """Adds.

        Slowly.
        """
        return 0

    wanted = {
        "name": "sum",
        "signature": "sum(a: int, b: list[str] | None = None, *rest: int, c: bool = True) -> int",
        "doc": "Adds.\n\nSlowly.",
        "exclusive": True,
    }
    assert Function("sum", add, exclusive=True).describe() == wanted
    assert Function("f", lambda: None, exclusive=False).describe()["signature"] == "f()"
    unspeakable = Unspeakable()
    assert Function("f", lambda a=unspeakable: a, exclusive=False).describe()["signature"] == "f(...)"
