"""State in step, and retained publications, with a page without a browser."""

from __future__ import annotations

import array
import copy
import dataclasses
import datetime
import enum
import json
import pickle
import sys
import threading
from collections.abc import Callable
from typing import Any

import msgspec
import numpy
import pandas
import pydantic
import pytest
import traitlets

from jsmeets_local import JsMeetsPy, Limits, Page, WouldDeadlock
from jsmeets_local.api.state import make_state
from tests.raw import RawPage, as_page
from tests.timing import scaled, until


def follow(page: Page, name: str = "") -> RawPage:
    raw = as_page(page)
    raw.send(["follow", name])
    return raw


@dataclasses.dataclass
class Point:
    x: int = 0


@dataclasses.dataclass
class Settings:
    freq: float = 3.0
    points: list[Point] = dataclasses.field(default_factory=lambda: [Point(1)])
    image: numpy.ndarray[Any, Any] | None = None

    def __post_init__(self) -> None:
        self.made = True


# Python -> page ----------------------------------------------------------------------------------------------------


def test_a_page_gets_the_whole_and_then_patches_in_front_of_calls(app: JsMeetsPy, page: Page) -> None:
    state = app.state(freq=3.0, points=[{"x": 1}, {"x": 2}], tags=["a"])
    raw = follow(page)
    assert raw.receive() == ["state", "", 0, {"freq": 3.0, "points": [{"x": 1}, {"x": 2}], "tags": ["a"]}]
    with page_of_a_blocked_loop(app):  # one turn
        state.freq = 4
        state.points[1].x = 5
        state.freq = 6
        state.tags.append("b")
        page.call_nowait("f")(1)
        state.freq = 7
    assert raw.receive() == ["patch", "", 1, [[["points", 1, "x"], 5], [["tags"], 1, 0, ["b"]], [["freq"], 7]]]
    assert raw.receive() == ["notify", "f", [1]]
    state.freq = 7  # is no change
    state.freq = 8
    assert raw.receive() == ["patch", "", 2, [[["freq"], 8]]]


class page_of_a_blocked_loop:
    """Keep the loop busy, so that what happens meanwhile is one turn of it."""

    def __init__(self, app: JsMeetsPy) -> None:
        self._begun, self._go = threading.Event(), threading.Event()
        app.bridge.portal.post(self._block)
        self._begun.wait(scaled(10))

    def _block(self) -> None:
        self._begun.set()
        self._go.wait(scaled(10))

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self._go.set()


def test_a_change_of_one_number_is_a_small_message(app: JsMeetsPy, page: Page) -> None:
    state = app.state(freq=3.0)
    raw = follow(page)
    raw.receive()
    state.freq = 4.25
    assert len(raw.socket.recv(scaled(10))) == len('[["patch","",1,[[["freq"],4.25]]]]') == 34


def test_every_change_of_lists_and_dictionaries_is_found(app: JsMeetsPy, page: Page) -> None:
    state = app.state(items=[3, 1, 2], tree={"a": {"b": 1}}, n=0)
    expected: Any = {"items": [3, 1, 2], "tree": {"a": {"b": 1}}}
    raw = follow(page)
    page_tree = raw.receive()[3]
    steps: list[Callable[[Any, Any], Any]] = [
        lambda items, tree: items.append({"x": 1}),
        lambda items, tree: items.extend([5, 6]),
        lambda items, tree: items.insert(-1, 9),
        lambda items, tree: items.pop(),
        lambda items, tree: items.pop(0),
        lambda items, tree: items.remove(9),
        lambda items, tree: items.__setitem__(slice(0, 2), [7]),
        lambda items, tree: items.__setitem__(slice(0, 3, 2), [8, 9]),
        lambda items, tree: items.__delitem__(slice(None, None, 2)),
        lambda items, tree: items.__setitem__(-1, [1, 2]),
        lambda items, tree: items.__iadd__([0, 0]),
        lambda items, tree: items.__delitem__(0),
        lambda items, tree: items.__imul__(2),
        lambda items, tree: items.sort(reverse=True),
        lambda items, tree: items.reverse(),
        lambda items, tree: items.clear(),
        lambda items, tree: tree.update({"c": [1]}, d=2),
        lambda items, tree: tree["c"].append(2),
        lambda items, tree: tree.setdefault("e", {"f": 1}),
        lambda items, tree: tree["e"].__setitem__("f", 2),
        lambda items, tree: tree.pop("d"),
        lambda items, tree: tree.pop("nothing", None),
        lambda items, tree: tree.__ior__({"g": 1}),
        lambda items, tree: tree.popitem(),
        lambda items, tree: tree["a"].__delitem__("b"),
        lambda items, tree: tree.clear(),
    ]
    for number, step in enumerate(steps, 1):
        step(expected["items"], expected["tree"])
        step(state.items, state.tree)
        state.n = number
        while page_tree["n"] != number:
            for change in raw.next("patch")[3]:
                make(page_tree, *change)
        assert {"items": page_tree["items"], "tree": page_tree["tree"]} == expected, number
        assert {"items": state.items, "tree": state.tree} == expected
    assert copy.deepcopy(state.tree) == {}
    assert type(copy.copy(state.items)) is list


def make(tree: Any, path: list[Any], *change: Any) -> None:
    """Make a change as a page does."""
    *above, key = path
    place = tree
    for step in above:
        place = place[step]
    if not change:
        del place[key]
    elif len(change) == 1:
        place[key] = change[0]
    else:
        start, count, items = change
        place[key][start : start + count] = items


def test_what_is_assigned_is_copied_and_what_is_removed_is_free(app: JsMeetsPy) -> None:
    points, wave = [{"x": 1}], numpy.zeros(3)
    state = app.state(points=points, wave=wave, others=[])
    points.append({"x": 2})
    wave[0] = 1
    assert state.points == [{"x": 1}]
    assert state.wave[0] == 0
    with pytest.raises(ValueError, match="read-only"):
        state.wave[0] = 1
    state.others = state.points  # another list
    state.others[0].x = 5
    assert state.points == [{"x": 1}]
    removed = state.points.pop()
    removed.x = 9
    assert state.points == []
    frame, numbers, data = pandas.DataFrame({"a": [1]}), array.array("d", [1]), bytearray(b"ab")
    state.others = [frame, numbers, memoryview(data).cast("h")]
    frame.loc[0, "a"], numbers[0], data[0] = 2, 2, 0
    assert [state.others[0].loc[0, "a"], state.others[1][0], bytes(state.others[2])] == [1, 1, b"ab"]


def test_a_state_itself_is_not_copied(app: JsMeetsPy) -> None:
    state = app.state(freq=3.0)
    for copy_it in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match=r"cannot be copied or pickled: .*, such as state\.freq"):
            copy_it(state)


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("s.frq = 1", "AttributeError: the state has no field 'frq'; did you mean 'freq'?"),
        ("s.frq", "AttributeError: the state has no field 'frq'; did you mean 'freq'?"),
        ("del s.freq", "AttributeError: the fields of a state cannot be deleted; set 'freq' to None"),
        ("s.tree.items = 1", "AttributeError: 'items' is a method of dict; for the key, write ['items']"),
        ("s.tree.y", "AttributeError: there is no 'y' in {'x': 1}"),
        ("s.freq = object()", "TypeError: state.freq: object of type object cannot be sent to a page"),
        ("s.freq = lambda: 0", "TypeError: state.freq: a state has only data; a function crosses by reference"),
        ("s.tree[1] = 2", "TypeError: the keys of a dictionary in a state are strings; got 1"),
        ("s.list[7] = 1", "IndexError: there is no item 7 in a list of 1"),
        ("s.list.append(loop)", "TypeError: state.list: it is nested more than 256 levels deep, or contains itself"),
        ("s.observe('frq', print)", "AttributeError: the state has no field 'frq'"),
        ("s.observe('freq', 3)", "TypeError: the observer of 'freq' must be a function"),
        ("s.link('freq', 3)", "TypeError: link() takes an object with traits"),
        ("app.state()", "TypeError: a state has at least one field: app.state(freq=3.0)"),
        ("app.state(3)", "TypeError: app.state() takes keyword arguments, a dataclass, or an object of one; got 3"),
        ("app.state(on=True)", "ValueError: 'on' cannot be a field of a state: it is a method of states in JavaScript"),
        ("app.state(_a=1)", "ValueError: '_a' cannot be a field of a state: it is private"),
    ],
)
def test_errors_name_what_to_change(app: JsMeetsPy, statement: str, error: str) -> None:
    loop: list[Any] = []
    loop.append(loop)
    state = app.state(freq=3.0, tree={"x": 1}, list=[0])
    with pytest.raises(Exception) as caught:  # noqa: PT011 - compared below
        exec(statement, {"s": state, "app": app, "loop": loop})
    assert f"{type(caught.value).__name__}: {caught.value}".startswith(error)
    assert (state.freq, state.tree, state.list) == (3.0, {"x": 1}, [0])


def test_a_dataclass_checks_the_changes_of_python(app: JsMeetsPy) -> None:
    state = app.state(Settings(freq=1))
    assert repr(state) == "Settings(freq=1.0, points=[{'x': 1}], image=None)"
    state.points[0].x = 2
    state.image = numpy.zeros(2)
    for change, error in [
        (lambda: setattr(state, "freq", "fast"), "state.freq: Expected `float`, got `str`"),
        (lambda: setattr(state.points[0], "x", "a"), "state.points: Expected `int`, got `str` - at `$[0].x`"),
        (lambda: state.points.append(3), "state.points: Expected `object`, got `int` - at `$[1]`"),
        (lambda: setattr(state, "image", 3), "state.image: Expected `numpy.ndarray`, got `int`"),
    ]:
        with pytest.raises(TypeError) as caught:
            change()
        assert str(caught.value) == error
    assert state.points == [{"x": 2}]
    with pytest.raises(TypeError, match=r"state\.freq"):
        app.state(Settings, freq="fast")


class Level(enum.Enum):
    LOW = "low"


class Size(msgspec.Struct):
    width: int = 1


class Model(pydantic.BaseModel):
    x: int = 0


@dataclasses.dataclass
class Typed:
    times: list[datetime.datetime] = dataclasses.field(default_factory=list)
    levels: dict[str, Level] = dataclasses.field(default_factory=dict)
    points: list[Point] = dataclasses.field(default_factory=list)
    size: Size = dataclasses.field(default_factory=Size)
    model: Model = dataclasses.field(default_factory=Model)


def test_what_is_in_a_field_is_converted_to_its_annotation(app: JsMeetsPy, page: Page) -> None:
    state = app.state(Typed)
    raw = follow(page)
    raw.receive()
    noon = "2026-01-01T12:00:00"
    for change, value, answer in [
        ([["times"], 0, 0, [noon]], [datetime.datetime(2026, 1, 1, 12)], [["times"], 0, 0, [noon]]),
        ([["levels", "a"], "low"], {"a": Level.LOW}, [["levels", "a"], "low"]),
        ([["points"], 0, 0, [{}]], [{"x": 0}], [["points"], 0, 0, [{"x": 0}]]),
        ([["points", 0], {"x": 3}], [{"x": 3}], None),
        ([["points", 0, "x"]], [{"x": 0}], [["points", 0, "x"], 0]),
        ([["size"], {}], {"width": 1}, [["size"], {"width": 1}]),  # as it was, but the page has none
        ([["size", "width"], 2], {"width": 2}, None),
        ([["model", "x"], "5"], {"x": 5}, [["model", "x"], 5]),
    ]:
        raw.send(["patch", "", 0, [change]])
        assert raw.receive()[3:] == [answer and [answer], None]
        assert getattr(state, change[0][0]) == value
    state.times.append(noon)
    assert state.times[1] == state.times[0]
    state.model = Model(x=4)
    state.model.x = "6"
    assert state.model.x == 6


# Page -> Python ----------------------------------------------------------------------------------------------------


def test_a_patch_of_a_page_is_answered_and_sent_to_the_others(app: JsMeetsPy, page: Page) -> None:
    state = app.state(freq=3.0, points=[{"x": 1}])
    first, second = follow(page), RawPage(page.url, "e")
    second.send(["follow", ""])
    first.receive(), second.receive()
    first.send(["patch", "", 0, [[["freq"], 7], [["points"], 1, 0, [{"x": 2}]]]], ["push", 0, "q", 1])
    assert page.queue("q").get(scaled(10)) == 1
    assert (state.freq, state.points) == (7, [{"x": 1}, {"x": 2}])  # a message behind a patch sees it
    assert first.receive() == ["patched", "", 1, None, None]
    assert second.receive() == ["patch", "", 1, [[["freq"], 7], [["points"], 1, 0, [{"x": 2}]]]]


def test_an_invalid_patch_changes_nothing(app: JsMeetsPy, page: Page) -> None:
    state = app.state(Settings)
    raw = follow(page)
    raw.receive()
    for changes, error in [
        ([[["freq"], 4], [["freq"], "fast"]], "state.freq: Expected `float`, got `str`"),
        ([[["freq"], 4], [["points", 0, "x"], None]], "state.points: Expected `int`, got `null` - at `$[0].x`"),
        ([[["freq"], 4], [["points", 5], 1]], "there is no state.points[5]"),
        ([[["freq"], 4], [["points", 0, "x", "y"], 1]], "state.points[0].x is neither a dictionary nor a list"),
        ([[["freq"], 4], [["points"], 9, 0, [1]]], "state.points has no place 9 for items"),
        ([[["freq"], 4], [["observe"], 1]], "state.observe is no field that can be set or removed"),
        ([[["freq"]]], "state.freq is no field that can be set or removed"),
        ([[["points", 0, "__class__", "x"], 1]], "there is no state.points[0].__class__"),
    ]:
        raw.send(["patch", "", 0, changes])
        kind, _, version, _, info = raw.receive()
        assert (kind, version, info["kind"], info["message"]) == ("patched", 0, "refused", error)
    assert (state.freq, state.points) == (3.0, [{"x": 1}])
    raw.send(["patch", "", 0, [[["freq"], None]], [[[3, 0, 1], "function", 1, "f"]]])
    assert raw.receive()[4]["message"] == "state.freq: Expected `float`, got `JSFunction`"
    assert state.freq == 3.0


@pytest.mark.parametrize(
    "message",
    [
        ["follow", "nobody"],
        ["patch", "nobody", 0, []],
        ["patch", "", 0, [[]]],
        ["patch", "", 0, [["freq", 1]]],
        ["patch", "", 0, [[[], 1]]],
        ["patch", "", 0, [[[1.5], 1]]],
        ["patch", "", 0, [[["freq"], -1, 0, []]]],
        ["patch", "", 0, [[["freq"], 0, 0]]],
        ["patch", "", 0, {}],
        ["state", "", 0, {}],
    ],
)
def test_malformed_messages_close_the_connection(app: JsMeetsPy, page: Page, message: list[Any]) -> None:
    state = app.state(freq=3.0)
    raw = follow(page)
    raw.receive()
    raw.send(message)
    assert raw.receive()[0] == "close"
    assert state.freq == 3.0


def test_a_patch_without_a_state_is_refused(app: JsMeetsPy, page: Page) -> None:
    state = app.state(freq=3.0)
    raw = as_page(page)
    raw.send(["patch", "", 0, [[["freq"], 4]]], ["patch", "page", 0, [[["freq"], 4]]])
    for name in ("", "page"):
        answer = raw.receive()
        assert answer[:4] == ["patched", name, 0, None]
        assert answer[4]["message"] == "Python no longer has this state"
    assert state.freq == 3.0


def test_a_page_may_follow_before_there_is_a_state(app: JsMeetsPy, page: Page) -> None:
    raw = follow(page)
    own = RawPage(page.url, "d2", raw.page)
    own.send(["follow", "page"])
    app.state(freq=3.0)
    assert raw.receive() == ["state", "", 0, {"freq": 3.0}]
    page.state(zoom=1)
    assert own.receive() == ["state", "page", 0, {"zoom": 1}]
    app.state(color="red")
    assert raw.receive() == ["state", "", 0, {"color": "red"}]


def test_a_slow_page_gets_the_whole_later(app: JsMeetsPy, page: Page) -> None:
    app.bridge.call(app.bridge.protocol.set_limits, Limits(outbox_messages=1000))
    state = app.state(n=0)
    raw = follow(page)
    raw.receive()
    for number in range(1, 1501):
        state.n = number
        app.bridge.call(lambda: None)  # a turn of the loop
    patches = 0
    while (message := raw.receive())[0] == "patch":
        patches += 1
        assert message[2:] == [patches, [[["n"], patches]]]
        raw.send(["ack", raw._received])
    assert message == ["state", "", 1500, {"n": 1500}]
    assert 900 < patches < 1100


def test_a_whole_state_may_be_larger_than_one_message(app: JsMeetsPy, page: Page) -> None:
    app.bridge.call(app.bridge.protocol.set_limits, Limits(message_bytes=65536))
    state = app.state(first="a" * 40_000, second="")
    state.second = "b" * 40_000
    raw = follow(page)
    assert raw.receive()[:3] == ["state", "", 0]
    state.first = "c"
    assert raw.receive() == ["patch", "", 1, [[["first"], "c"]]]


class Unreadable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


@dataclasses.dataclass
class Refusing:
    x: int = 0

    def __post_init__(self) -> None:
        if self.x:
            raise Unreadable


@dataclasses.dataclass
class Holder:
    point: Refusing = dataclasses.field(default_factory=Refusing)


def test_an_error_without_a_text_refuses_a_patch(app: JsMeetsPy, page: Page) -> None:
    state = app.state(Holder)
    raw = follow(page)
    raw.receive()
    raw.send(["patch", "", 0, [[["point", "x"], 1]]])
    assert raw.receive()[4]["message"] == "(its __str__ raised RuntimeError)"
    assert state.point == {"x": 0}


def test_the_states_of_pages_that_have_left_are_forgotten_in_the_end(app: JsMeetsPy, page: Page) -> None:
    protocol = app.bridge.protocol
    app.state(n=0)
    page.state(n=0)
    own = follow(page, "page")
    for number in range(2000):
        make_state(app.bridge, f"page {number}", None, {"n": number}, "page.state()")
    assert len(protocol.states.by_key) == 1000
    assert own.receive() == ["state", "page", 0, {"n": 0}]
    assert list(protocol.states.by_key)[:2] == ["", own.page]
    assert list(protocol.states.by_key)[-1] == "page 1999"


# Threads and observers ---------------------------------------------------------------------------------------------


def test_many_threads_change_one_list(app: JsMeetsPy, page: Page) -> None:
    state = app.state(items=[], counts={})
    raw = follow(page)
    tree = raw.receive()[3]

    def work(name: str) -> None:
        for number in range(200):
            state.items.append(f"{name}{number}")
            state.counts[name] = number
            if number % 3 == 0:
                state.items.pop(0)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(scaled(30))
    state.counts["end"] = True
    while "end" not in tree["counts"]:
        for change in raw.next("patch")[3]:
            make(tree, *change)
    assert json.dumps(tree) == json.dumps({"items": state.items, "counts": state.counts})
    assert len(state.items) == 800 - 4 * 67


def test_a_change_does_not_wait_for_a_page_that_may_wait_for_the_state(app: JsMeetsPy, page: Page) -> None:
    state = app.state(items=[2, 1], n=0)
    raw = follow(page)
    raw.receive()
    with pytest.raises(WouldDeadlock, match="make the new value first, then assign it"):
        state.items.sort(key=lambda item: page.call("rank", timeout=scaled(5))(item))
    with pytest.raises(WouldDeadlock, match="then assign it"):
        state.items.sort(key=lambda item: app.pages[0].wait_connected())
    assert state.items == [2, 1]
    raw.send(["patch", "", 0, [[["n"], 1]]])
    assert raw.receive()[0] == "patched"
    assert page.wait_connected(scaled(5))  # afterwards, this thread may wait again


def test_a_state_shows_itself_while_threads_change_it(app: JsMeetsPy) -> None:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    state = app.state(tree={str(number): number for number in range(3000)})
    ended = threading.Event()

    def work() -> None:
        while not ended.is_set():
            state.tree["new"] = 1
            del state.tree["new"]

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for _ in range(100):
            assert repr(state).startswith("State(tree={'0': 0,")
    finally:
        sys.setswitchinterval(interval)
        ended.set()
        thread.join()


def test_observers_hear_of_changes_on_all_sides(app: JsMeetsPy, page: Page) -> None:
    state = app.state(freq=3.0, points=[{"x": 1}], color="red")
    heard: list[Any] = []
    stop = state.observe("freq", heard.append)

    @state.observe("points")
    async def moved(points: Any) -> None:
        heard.append([dict(point) for point in points])

    state.freq = 4
    until(lambda: heard == [4])
    raw = follow(page)
    raw.receive()
    raw.send(["patch", "", 0, [[["freq"], 5]]])
    until(lambda: heard == [4, 5])
    raw.send(["patch", "", 0, [[["points", 0, "x"], 2], [["color"], "blue"]]])
    until(lambda: heard == [4, 5, [{"x": 2}]])
    stop()
    stop()
    state.freq = 6
    state.points[0].x = 3
    until(lambda: heard == [4, 5, [{"x": 2}], [{"x": 3}]])


def test_state_on_the_loop_itself(app: JsMeetsPy, page: Page) -> None:
    state = app.state(n=0)

    async def add() -> int:
        state.n += 1
        return int(state.n)

    app.functions.expose("add", add)
    raw = follow(page)
    raw.receive()
    raw.send(["call", 1, "add", []])
    assert sorted([raw.receive(), raw.receive()], key=str) == [["patch", "", 1, [[["n"], 1]]], ["return", 1, 1]]


def test_an_interrupt_in_the_middle_of_a_change_sends_the_whole(app: JsMeetsPy, page: Page, monkeypatch: Any) -> None:
    from jsmeets_local.api import state as module

    state = app.state(n=0)
    raw = follow(page)
    raw.receive()

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(module, "record", interrupted)
        state.n = 1
    assert raw.receive() == ["state", "", 0, {"n": 1}]


class Slider(traitlets.HasTraits):
    value = traitlets.Float(0.0)


def test_a_link_to_a_trait(app: JsMeetsPy, page: Page) -> None:
    state = app.state(freq=3.0)
    slider = Slider()
    end = state.link("freq", slider)
    assert slider.value == 3.0
    slider.value = 4.0
    assert state.freq == 4.0
    state.freq = 5.0
    until(lambda: slider.value == 5.0)
    end()
    slider.value = 6.0
    assert state.freq == 5.0
    with pytest.raises(AttributeError, match="Slider has no trait 'values'"):
        state.link("freq", slider, "values")


def test_a_state_shows_itself(app: JsMeetsPy) -> None:
    state = app.state(name="<b>", points=[{"x": 1}] * 100)
    html = state._repr_html_()
    assert "<caption>State</caption>" in html
    assert "&lt;b&gt;" in html
    assert len(html) < 1000
    assert repr(state).startswith("State(name='<b>', points=[{'x': 1}, {'x': 1}")
    assert "points" in dir(state)
    app.state.database = 1  # Starlette's own attributes remain
    assert app.state.database == 1


# Retained publications ---------------------------------------------------------------------------------------------


def test_a_late_subscriber_gets_the_retained_value(app: JsMeetsPy, page: Page) -> None:
    app.pubsub.publish("t", retain=True)(1)
    app.pubsub.publish("t")(2)
    raw = as_page(page)
    assert raw.ask("subscribe", "t") == ["return", 1, True]
    assert raw.receive() == ["publish", 0, "t", 1, False]
    other = RawPage(page.url, "e", topics=["t"])
    assert other.receive() == ["publish", 0, "t", 1, False]
    other.send(["retain", 5, "t", {"n": 3}, True])
    assert other.receive() == ["return", 5, True]
    assert raw.receive() == ["publish", 0, "t", {"n": 3}, False]
    assert page.subscribe("t").get(scaled(10)) == ("t", {"n": 3})
    heard: list[Any] = []
    app.pubsub.subscribe("t", lambda topic, data: heard.append(data))
    until(lambda: heard == [{"n": 3}])
    page.publish("t", retain=True)(None)  # clears it, and is delivered
    assert raw.receive() == ["publish", 0, "t", None, False]
    assert raw.ask("subscribe", "t") == ["return", 1, True]
    app.pubsub.publish("t")("end")
    assert raw.receive() == ["publish", 0, "t", "end", False]


@dataclasses.dataclass
class Reading:
    """A value of a program."""

    place: str
    values: list[int]


def test_a_retained_value_is_the_one_of_its_publication(app: JsMeetsPy, page: Page) -> None:
    numbers = numpy.arange(3.0)
    data = {"list": [1, [2]], "array": numbers, "bytes": bytearray(b"ab"), "huge": 2**70, "text": "\ud800"}
    app.pubsub.publish("t", retain=True)(data)
    data["list"][1].append(3)
    data["bytes"][0] = 0
    numbers[:] = 0
    del data["huge"]
    heard: list[Any] = []
    for turn in (1, 2):
        app.pubsub.subscribe("t", lambda topic, value: heard.append(value))
        until(lambda turn=turn: len(heard) == turn)
        value = heard[-1]
        assert value["array"].tolist() == [0, 1, 2]
        del value["array"]
        assert value == {"list": [1, [2]], "bytes": b"ab", "huge": 2**70, "text": "\ud800"}
        value["list"].clear()  # a subscriber has a value of its own

    reading = Reading("roof", [1])
    page.publish("r", retain=True)(reading)
    reading.values.append(2)
    assert RawPage(page.url, "e", topics=["r"]).receive()[3] == {"place": "roof", "values": [1]}
    converted: list[Any] = []

    @app.pubsub.subscribe("r")
    def note(topic: str, value: Reading) -> None:
        converted.append(value)

    until(lambda: converted == [Reading("roof", [1])])


def test_only_data_can_be_retained(app: JsMeetsPy, page: Page) -> None:
    with pytest.raises(TypeError, match="only data can be retained"):
        app.pubsub.publish("t", retain=True)(lambda: 0)
    with pytest.raises(TypeError, match="retain must be True or False"):
        app.pubsub.publish("t", retain=1)  # type: ignore[arg-type]
    raw = as_page(page)
    raw.send(["retain", 1, "t", None, False, [[[3], "function", 1, "f"]]])
    assert raw.receive()[2]["message"] == "data: only data can be retained; an object of a page crosses by reference"
