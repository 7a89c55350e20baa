"""Tables of exported and imported objects."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from jsmeets_local.errors import TooManyReferences, WrongPage
from jsmeets_local.protocol import messages as m
from jsmeets_local.protocol.codec import Unbound, decode, encode, outgoing
from jsmeets_local.protocol.effects import Invoke, Releasing
from jsmeets_local.protocol.limits import Limits
from jsmeets_local.protocol.references import (
    Exports,
    Handle,
    Imported,
    Imports,
    Ref,
    Reference,
    ref,
)
from jsmeets_local.protocol.specials import revive
from jsmeets_local.protocol.state import ProtocolState
from jsmeets_local.protocol.values import pack

OWNER = object()


def function(value: Any, *path: str | int) -> Reference:
    return Reference(path, "function", value, ("f",))


# Exports -----------------------------------------------------------------------------------------------------------


def test_an_object_keeps_its_number_until_it_is_released_as_often_as_it_was_sent() -> None:
    exports = Exports()
    first, again, other = exports.add(function(print)), exports.add(function(print)), exports.add(function(len))
    assert first is again
    assert (first.number, first.count, other.number) == (1, 2, 2)
    assert exports.release(1) is None
    assert exports.get(1) is first
    assert exports.release(1) is first
    assert exports.get(1) is None
    assert exports.add(function(print)).number == 3


def test_a_method_has_one_number_although_each_access_makes_another_object() -> None:
    class Page:
        def clicked(self) -> None: ...

    one, two, exports = Page(), Page(), Exports()
    assert one.clicked is not one.clicked
    assert exports.add(function(one.clicked)) is exports.add(function(one.clicked))
    assert exports.add(function(two.clicked)).number == 2


def test_a_function_sent_by_ref_has_another_number() -> None:
    exports = Exports()
    assert exports.add(function(print)).number == 1
    assert exports.add(Reference((), "object", print, ("function",))).number == 2


def test_a_page_that_releases_too_much_or_unknown_numbers_only_forgets() -> None:
    exports = Exports()
    exports.add(function(print))
    assert exports.release(7, 5) is None
    assert exports.release(1, 2**32 - 1) is not None
    assert exports.release(1) is None
    assert len(exports) == 0


def test_binding_gives_the_specials_with_numbers() -> None:
    exports = Exports()
    handle = Handle(OWNER, 3, 9, "function")
    references = [
        function(print, 0),
        Reference((1, "n"), "bigint", None, ("9007199254740993",)),
        Reference((2,), "own", handle),
    ]
    bound = exports.bind(references, OWNER, 3, 10)
    assert bound.specials == [[[0], "function", 1, "f"], [[1, "n"], "bigint", "9007199254740993"], [[2], "own", 9]]
    assert bound.numbers == (1,)
    assert bound.handles == (handle,)


def test_an_object_of_another_page_or_application_is_refused_and_nothing_stays_counted() -> None:
    exports = Exports()
    for handle, text in [
        (Handle(OWNER, 4, 9, "function"), "another page"),
        (Handle(object(), 3, 9, "object"), "application"),
    ]:
        with pytest.raises(WrongPage, match=text):
            exports.bind([function(print), Reference((), "own", handle)], OWNER, 3, 10)
        assert len(exports) == 0
    assert issubclass(WrongPage, TypeError)


def test_beyond_the_limit_nothing_is_counted() -> None:
    exports = Exports()
    exports.bind([function(print)], OWNER, 3, 1)
    with pytest.raises(TooManyReferences, match="Limits"):
        exports.bind([function(print), function(len), function(abs)], OWNER, 3, 1)
    assert len(exports) == 1
    assert exports.release(1) is not None


class ExportMachine(RuleBasedStateMachine):
    """The counts of both sides agree, whatever order messages and releases have."""

    def __init__(self) -> None:
        super().__init__()
        self.exports = Exports()
        self.objects = [lambda i=i: i for i in range(4)]
        self.arrived: dict[int, int] = {}  # number -> how often the page got it and has not released it
        self.value: dict[int, Any] = {}
        self.under_way: list[int] = []

    @rule(which=st.integers(0, 3))
    def send(self, which: int) -> None:
        export = self.exports.add(function(self.objects[which]))
        assert self.value.setdefault(export.number, self.objects[which]) is self.objects[which]
        self.under_way.append(export.number)

    @rule()
    def arrive(self) -> None:
        if self.under_way:
            number = self.under_way.pop(0)
            self.arrived[number] = self.arrived.get(number, 0) + 1

    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        if self.arrived:
            number = data.draw(st.sampled_from(sorted(self.arrived)))
            self.exports.release(number, self.arrived.pop(number))

    @invariant()
    def what_the_page_holds_or_will_get_is_there(self) -> None:
        held = {*self.arrived, *self.under_way}
        assert len(self.exports) == len(held)
        for number in held:
            export = self.exports.get(number)
            assert export is not None
            assert export.value is self.value[number]
            assert export.count == self.arrived.get(number, 0) + self.under_way.count(number)


TestExports = ExportMachine.TestCase


# Imports -----------------------------------------------------------------------------------------------------------


def test_arrivals_are_counted_until_the_handle_is_collected() -> None:
    imports = Imports()
    handle = Handle(OWNER, 1, 5, "function")
    arrivals = imports.add(handle)
    imports.arrive(handle)
    assert imports.find(5) is handle
    del handle
    assert imports.find(5) is None
    assert imports.collected(arrivals) == (5, 2)
    assert len(imports) == 0


def test_a_number_that_arrives_between_collection_and_release_is_released_separately() -> None:
    imports = Imports()
    first = imports.add(Handle(OWNER, 1, 5, "function"))  # collected at once
    handle = Handle(OWNER, 1, 5, "function")
    second = imports.add(handle)
    assert imports.collected(first) == (5, 1)
    assert imports.find(5) is handle
    assert imports.collected(second) == (5, 1)


def test_a_proxy_and_its_handle_need_no_garbage_collection() -> None:
    gc.disable()
    try:
        handle = Handle(OWNER, 1, 5, "function")
        proxy = Imported(handle)
        handle.proxy = weakref.ref(proxy)
        gone = weakref.ref(handle)
        del proxy, handle
        assert gone() is None
    finally:
        gc.enable()


def test_ref_leaves_a_proxy_and_a_reference_as_they_are() -> None:
    proxy = Imported(Handle(OWNER, 1, 5, "object"))
    assert ref(proxy) is proxy
    marked = ref([1])
    assert isinstance(marked, Ref)
    assert ref(marked) is marked
    assert repr(marked) == "ref([1])"


# Sessions ----------------------------------------------------------------------------------------------------------


def connected(limits: Limits | None = None) -> tuple[ProtocolState, int]:
    state = ProtocolState("s", limits)
    socket = state.hello(m.Hello("d", "p", []), "p")
    assert socket is not None
    state.receive(socket, [m.Ack(0)])
    return state, socket


def written(state: ProtocolState, socket: int) -> str:
    frames = []
    while (frame := state.outbox(socket).take()) is not None:
        frames.append(frame if isinstance(frame, str) else frame.decode(errors="replace"))
    return "".join(frames)


def test_references_survive_a_lost_connection() -> None:
    state, socket = connected()
    got: list[Any] = []
    state.functions.expose("take", got.append)
    call = m.Call(1, "take", [None], (m.Special([3, 0], "function", 5, "f"),))
    state.receive(socket, [call])
    (invoke,) = [effect for effect in state.effects() if isinstance(effect, Invoke)]
    proxy = invoke.args[0]
    state.notify("f", pack([print], "args"), socket)
    written(state, socket)
    state.lose(socket, 0.0)
    state.use_nowait(proxy._handle, pack([["call", []]], "steps"))
    assert state.hello(m.Hello("d", "p", [], "s", 0), "p") == socket
    again = written(state, socket)
    assert '[[[2,0],"function",1,"print"]]' in again
    assert '["use",0,5,[["call",[]]]]' in again
    assert state.stats()["pages"][0]["references"] == {"exported": 1, "imported": 1}


def test_a_call_that_was_cancelled_before_there_was_room_gives_its_references_back() -> None:
    state, socket = connected(Limits(outbox_messages=1000))
    for _ in range(1000):
        state.notify("f", pack([1], "args"), socket)
    call = state.request("call", "f", pack([print, len], "args"), socket, None)
    assert state.stats()["pages"][0]["references"]["exported"] == 2
    state.calls.cancel(call)
    written(state, socket)
    state.receive(socket, [m.Ack(1000)])
    assert state.stats()["pages"][0]["references"]["exported"] == 0


def test_the_objects_that_a_message_carries_home_are_held_until_it_is_written() -> None:
    state, socket = connected()
    state.functions.expose("take", print)
    state.receive(socket, [m.Call(1, "take", [None], (m.Special([3, 0], "function", 5, "f"),))])
    (invoke,) = [effect for effect in state.effects() if isinstance(effect, Invoke)]
    state.notify("f", pack(list(invoke.args), "args"), socket)
    invoke.args.clear()
    del invoke
    assert not [effect for effect in state.effects() if isinstance(effect, Releasing)]
    assert '"own",5' in written(state, socket)
    assert [effect for effect in state.effects() if isinstance(effect, Releasing)]
    state.send_releases()
    assert written(state, socket) == '[["release",[[5,1]]]]'


def test_what_nothing_uses_is_not_released_to_a_page_that_has_left() -> None:
    state, socket = connected()
    state.functions.expose("take", print)
    state.receive(socket, [m.Call(1, "take", [None], (m.Special([3, 0], "function", 5, "f"),))])
    (invoke,) = [effect for effect in state.effects() if isinstance(effect, Invoke)]
    state.disconnect(socket)
    invoke.args.clear()
    assert not [effect for effect in state.effects() if isinstance(effect, Releasing)]
    state.send_releases()


class Thing:
    def method(self) -> None: ...


THINGS: list[Any] = [print, len, Thing().method, Thing, Ref(Thing()), Ref([1]), iter([1]), lambda: 1]
values_with_references = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.binary() | st.sampled_from(THINGS),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def opened(value: Any) -> Any:
    """Return a value without its marks."""
    if isinstance(value, Ref):
        return value.value
    if isinstance(value, list):
        return [opened(item) for item in value]
    return {key: opened(item) for key, item in value.items()} if isinstance(value, dict) else value


@given(st.lists(st.lists(values_with_references), max_size=4))
def test_values_come_back_as_the_same_objects(calls: list[list[Any]]) -> None:
    """Values that are packed, numbered, encoded, decoded and revived with the table of the exporter are equal."""
    exports = Exports()
    sent = 0
    for number, args in enumerate(calls, 1):
        unbound = outgoing(["call", number, "f"], pack(args, "args"))
        bound = exports.bind(pack(args, "args").references, OWNER, 1, 1000)
        packet = unbound.bind(bound) if isinstance(unbound, Unbound) else unbound
        (message,) = decode(encode([packet]))
        revived = revive(message, lambda special: exports.get(special.fact).value)  # type: ignore[type-var,union-attr]
        assert revived.args == opened(args)  # type: ignore[union-attr]
        assert packet.exported == (bound.numbers if isinstance(unbound, Unbound) else ())
        sent += len(bound.numbers)
    assert sum(exports.get(n).count for n in range(1, sent + 1) if exports.get(n)) == sent  # type: ignore[union-attr]
    for n in range(1, sent + 1):
        export = exports.get(n)
        if export is not None:
            exports.release(n, export.count)
    assert len(exports) == 0
