"""Pages that forge references, and objects of the user that raise: only the one request, or the one page, suffers."""

from __future__ import annotations

import dataclasses
import functools
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed

from jsmeets_local import Bridge, JsMeetsPy, Page, ref
from tests.raw import RawPage, as_page
from tests.timing import scaled


def boom(*_: object) -> Any:
    raise ValueError("boom")


class Items(dict[str, Any]):
    __getitem__ = boom


class Shown:
    __repr__ = boom  # type: ignore[assignment]


class Nameless(type):
    __name__ = property(boom)  # type: ignore[assignment]


class Strange(metaclass=Nameless):
    def go(self) -> int:
        return 1


class Callback:
    """Callable whose other attributes raise."""

    def __call__(self, *_: object) -> int:
        return 5

    def __getattr__(self, name: str) -> Any:
        raise ValueError(name)


class Named(Callback):
    __name__ = property(boom)


class Unequal(Callback):
    __eq__ = __hash__ = boom  # type: ignore[assignment]


class Posing(Callback):
    __class__ = property(boom)  # type: ignore[assignment]


@dataclasses.dataclass
class Account:
    owner: str
    _password: str = "secret"


def export(page: Page, raw: RawPage, *values: Any) -> list[int]:
    """Send values to the page, and return their numbers."""
    failures: list[BaseException] = []

    def send() -> None:
        try:
            page.call("f")(*values)
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=send)
    thread.start()
    while not failures and (message := raw.receive())[0] != "call":
        pass
    if not failures:
        raw.send(["return", message[1], None])
    thread.join(scaled(10))
    assert not failures, failures
    return [special[2] for special in message[4]]


def answer(raw: RawPage, number: int) -> Any:
    """Return the answer to a request."""
    while (message := raw.receive())[0] not in ("return", "error") or message[1] != number:
        pass
    return message


def closing(raw: RawPage) -> str:
    """Return why the connection is closed."""
    try:
        while (message := raw.receive())[0] != "close":
            pass
    except ConnectionClosed as error:
        pytest.fail(f"closed without a reason: {error}")
    return str(message[1])


# Paths ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [["deep", "_secret"], ["a"], ["list", 0]], ids=str)
def test_a_path_does_not_lead_into_an_object_of_python(app: JsMeetsPy, page: Page, raw: RawPage, path: Any) -> None:
    private = {"a": None, "deep": {"_secret": None}, "list": [None]}
    app.functions.expose("take", lambda *args: None)
    (number,) = export(page, raw, ref(private))
    specials = [[[3, 0], "own", number], [[3, 0, *path], "bigint", str(2**70)]]
    raw.send(["call", 1, "take", [None], specials])
    assert "does not lead to a special value" in closing(raw)
    assert private == {"a": None, "deep": {"_secret": None}, "list": [None]}


def test_a_path_runs_no_code_of_an_object_of_python(page: Page, raw: RawPage) -> None:
    (number,) = export(page, raw, ref(Items(a=None)))
    raw.send(["notify", "take", [None], [[[2, 0], "own", number], [[2, 0, "a", "b"], "bigint", "1"]]])
    assert "does not lead to a special value" in closing(raw)


@pytest.mark.parametrize(
    ("args", "specials"),
    [
        ([{}], [[[3, 0], "map"]]),
        (["ab"], [[[3, 0], "map"]]),
        ([[[[1], 2]]], [[[3, 0], "map"]]),
        ([[[1, 2, 3]]], [[[3, 0], "map"]]),
        ([[]], [[[3, 0], "map"], [[3, 0], "map"]]),
        ([None], [[[3, 0], "bigint", "5"], [[3, 0], "bigint", "6"]]),
        ([None], [[[1], "bigint", "5"]]),
        ([None], [[[3], "bigint", "5"]]),
        ([None], [[[4, 0, 0], "bigint", "5"]]),
        (["abc"], [[[3, 0, 1], "bigint", "5"]]),
        ([None], [[[3, 0], "function", {"x": json.loads("[" * 300 + "]" * 300)}, "f"]]),
        ([None], [[[3, 0], "function", True, "f"]]),
    ],
    ids=str,
)
def test_specials_in_wrong_places_close_the_connection(
    app: JsMeetsPy, page: Page, raw: RawPage, args: Any, specials: Any
) -> None:
    app.functions.expose("take", lambda *args: None)
    other = RawPage(page.url, "other")
    raw.send(["call", 1, "take", args, specials])
    assert closing(raw).startswith("protocol error")
    other.send(["call", 2, "take", []])
    assert answer(other, 2) == ["return", 2, None]


def test_a_map_whose_keys_have_one_hash_is_refused_at_once(app: JsMeetsPy, page: Page, raw: RawPage) -> None:
    """Inserting them into a dict would take seconds, in which every other page waits."""
    app.functions.expose("take", lambda *args: None)
    count = 20_000
    specials = [[[3, 0, n, 0], "bigint", str((n + 1) * (2**61 - 1))] for n in range(count)]
    start = time.monotonic()
    raw.send(["call", 1, "take", [[[None, 0]] * count], [*specials, [[3, 0], "map"]]])
    assert "have the same hash" in answer(raw, 1)[2]["message"]
    assert time.monotonic() - start < scaled(1.5)
    fine = [[f"k{n}", n] for n in range(count)]
    raw.send(["call", 2, "take", [fine], [[[3, 0], "map"]]])
    assert answer(raw, 2) == ["return", 2, None]


def test_an_object_of_python_is_no_key_of_a_map(page: Page, raw: RawPage) -> None:
    class Key(str):
        __hash__ = boom  # type: ignore[assignment]

    (number,) = export(page, raw, ref(Key("a")))
    raw.send(["notify", "take", [[[None, 1]]], [[[2, 0, 0, 0], "own", number], [[2, 0], "map"]]])
    assert "has no pairs of key and value" in closing(raw)


# Steps ---------------------------------------------------------------------------------------------------


def test_objects_of_python_in_place_of_the_names_of_steps_are_refused(page: Page, raw: RawPage) -> None:
    class Word(str):
        __hash__ = startswith = __repr__ = boom  # type: ignore[assignment]

    number, shown, word = export(page, raw, ref({"a": 1}), ref(Shown()), ref(Word("get")))
    raw.send(["use", 1, number, [["get", None]], [[[3, 0, 1], "own", shown]]])
    assert "the key of an attribute or item is a str or an int; got" in answer(raw, 1)[2]["message"]
    raw.send(["use", 2, number, [["get", None]], [[[3, 0, 1], "own", word]]])
    assert "the key of an attribute or item is a str or an int; got" in answer(raw, 2)[2]["message"]
    raw.send(["use", 3, number, [[None, "a"]], [[[3, 0, 0], "own", word]]])
    assert "an object of Python has no step" in answer(raw, 3)[2]["message"]
    raw.send(["use", 4, number, [["get", "_" * 100_000]]])
    assert len(answer(raw, 4)[2]["message"]) < 300
    raw.send(["use", 5, number, [["get", "a"]]])
    assert answer(raw, 5) == ["return", 5, 1]


@pytest.mark.parametrize("name", ["_password", "__class__", "__dict__", "__globals__", "__self__"])
def test_private_attributes_are_out_of_reach(page: Page, raw: RawPage, name: str) -> None:
    account, function = export(page, raw, ref(Account("me")), Account)
    for number, steps in enumerate(
        [[["get", name]], [["set", name, 1]], [["has", name]], [["get", name], ["call", []]]], 1
    ):
        raw.send(["use", number, account, steps])
        assert answer(raw, number)[2]["kind"] == "refused"
        raw.send(["use", number, function, steps])
        assert answer(raw, number)[2]["kind"] == "refused"


def test_a_page_that_publishes_an_object_of_python_does_not_get_its_data(
    app: JsMeetsPy, page: Page, raw: RawPage
) -> None:
    account = Account("me")
    got: list[Any] = []
    came = threading.Event()

    def receive(topic: str, data: Any) -> None:
        got.append(data)
        came.set()

    app.pubsub.subscribe("t", receive)
    (number,) = export(page, raw, ref(account))
    raw.send(["subscribe", 1, "t"], ["publish", 2, "t", {"a": [None]}, False, [[[3, "a", 0], "own", number]]])
    message = raw.next("publish")
    assert message[3:] == [{"a": [None]}, False, [[[3, "a", 0], "object", number, "Account"]]]
    assert came.wait(scaled(10))
    assert got[0]["a"][0] is account


def test_a_message_that_cannot_be_handled_ends_its_session_only(app: JsMeetsPy, page: Page, raw: RawPage) -> None:
    """The page would connect again and repeat the message otherwise."""
    app.functions.expose("take", lambda *args: None)
    other = RawPage(page.url, "other")
    app.bridge.protocol.make_proxy = boom
    raw.send(["call", 1, "take", [None], [[[3, 0], "function", 1, "f"]]])
    assert closing(raw) == "protocol error: Python could not handle a message, and has logged why"
    other.send(["call", 2, "take", []])
    assert answer(other, 2) == ["return", 2, None]
    assert len(app.stats()["pages"]) == 1


# Objects that raise ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", [Callback, Named, Unequal, Strange], ids=["attributes", "name", "comparison", "metaclass"]
)
def test_callables_that_raise_elsewhere_are_callbacks(page: Page, raw: RawPage, kind: Any) -> None:
    number, partial = export(page, raw, kind if kind is Strange else kind(), functools.partial(Callback(), 1))
    raw.send(["use", 1, partial, [["call", []]]])
    assert answer(raw, 1) == ["return", 1, 5]
    raw.send(["use", 2, number, [["call", []]]])
    assert answer(raw, 2)[0] == ("error" if kind is Strange else "return")


def test_objects_whose_class_raises_are_used(page: Page, raw: RawPage) -> None:
    strange, shown = export(page, raw, ref(Strange()), ref(Shown()))
    raw.send(["use", 1, strange, [["get", "go"], ["call", []]]], ["use", 2, strange, [["keys"]]])
    assert [answer(raw, 1), answer(raw, 2)] == [["return", 1, 1], ["return", 2, ["go"]]]
    raw.send(["use", 3, shown, [["get", "x"]]])
    assert answer(raw, 3)[2]["name"] == "AttributeError"


def test_an_object_that_poses_as_another_names_its_own_class(page: Page) -> None:
    with pytest.raises(TypeError, match=r"args\[0\]: object of type .*Posing cannot be sent to a page: ValueError"):
        page.call("f")(Posing())


# Any message -----------------------------------------------------------------------------------------------

numbers = st.sampled_from([0, 1, 2, 3, 4, 5, 6, 99, 2**53 - 1, 2**53, -1, True, None, "1", 1.0])
steps_in = st.sampled_from([0, 1, 2, 3, 4, -1, 2**40, "a", "_x", "__proto__", "constructor", ""])
values = st.recursive(
    st.sampled_from([None, 0, 1, "a", "get", "call", True, [], {}]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=6,
)
kinds = st.sampled_from(["bigint", "map", "function", "object", "stream", "file", "own", "symbol"])
some_specials = st.lists(
    st.tuples(
        st.lists(steps_in, min_size=1, max_size=4) | st.just([3, 0]) | st.just([2, 0]) | st.just([3, 0, 1]),
        kinds,
        numbers | st.sampled_from(["9" * 30, "9" * 5000, "x", {}]),
        st.sampled_from(["f", None, 1, {}, {"name": "a"}]),
    ).map(list),
    max_size=4,
)
uses = st.lists(
    st.sampled_from(
        [["call", []], ["call", [None]], ["get", "a"], ["get", None], ["get", 0], ["set", "a", None], ["has", "a"],
         ["keys"], ["length"], ["iterate"], [None, None], [], ["data"], ["new", []], ["read", 0, 1]]
    ),
    max_size=3,
)  # fmt: skip
messages = st.one_of(
    st.tuples(
        st.just("call"),
        st.integers(1, 9),
        st.sampled_from(["take", "none"]),
        st.lists(values, max_size=2),
        some_specials,
    ),
    st.tuples(st.just("notify"), st.just("take"), st.lists(values, max_size=2), some_specials),
    st.tuples(st.just("return"), numbers, values, some_specials),
    st.tuples(st.just("push"), st.integers(0, 9), st.just("q"), values, some_specials),
    st.tuples(st.just("publish"), st.integers(0, 9), st.just("t"), values, st.booleans(), some_specials),
    st.tuples(st.just("use"), st.integers(0, 9), numbers, uses, some_specials),
    st.tuples(
        st.just("release"), st.lists(st.tuples(numbers, st.sampled_from([1, 2**32 - 1, 2**32, 0, -1])), max_size=3)
    ),
    st.tuples(st.just("cancel"), numbers),
    st.tuples(st.just("names"), st.lists(st.sampled_from(["a", "", "$eval", "__proto__"]), max_size=3)),
)


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[JsMeetsPy, Page, RawPage]]:
    logging.disable(logging.CRITICAL)
    app = JsMeetsPy(bridge=Bridge())
    app.functions.expose("take", lambda *args: None)
    page = app.launch("<p>", mode="none")
    yield app, page, as_page(page)
    app.stop()
    logging.disable(logging.NOTSET)


hostile: list[Callable[[], Any]] = [
    lambda: ref(Items(a=None)), lambda: ref(Shown()), lambda: Unequal(), lambda: ref(Strange()), lambda: ref([None]),
    lambda: boom,
]  # fmt: skip


@settings(max_examples=150)
@given(batch=st.lists(messages, min_size=1, max_size=5))
def test_no_message_disturbs_another_page(served: Any, batch: list[Any]) -> None:
    app, page, good = served
    bad = RawPage(page.url, "bad")
    bridge = app.bridge

    def give() -> None:
        for make in hostile:
            bridge.do(bridge.protocol.notify, "f", bridge.pack([make()], "args"), bad.id)

    bridge.call(give)
    try:
        bad.send(*[list(message) for message in batch])
        bad.send(["call", 77, "take", []])
        while (message := bad.receive())[0] != "close" and message[:2] != ["return", 77]:
            pass
    except ConnectionClosed as error:
        assert error.rcvd is not None, "it is closed with a reason"
    finally:
        bad.close()
    good.send(["call", 1, "take", []])
    assert answer(good, 1) == ["return", 1, None]
