"""References over a connection: functions and objects of both sides, their lifetimes and limits."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import gc
import pickle
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from jsmeets_local import (
    CallTimeout,
    Disconnected,
    JavaScriptError,
    JSFunction,
    JsMeetsPy,
    Limits,
    Page,
    PageClosed,
    TooManyReferences,
    UnknownReference,
    WouldDeadlock,
    WrongPage,
    ref,
)
from jsmeets_local.notebook.cells import Cell
from jsmeets_local.protocol.values import pack
from tests.raw import RawPage, as_page
from tests.timing import scaled


def given(app: JsMeetsPy, raw: RawPage, number: int = 1, name: str = "g") -> JSFunction:
    """Return the function of a page, which passes it to an exposed function."""
    got: list[Any] = []
    app.functions.expose("take", got.append)
    raw.send(["call", 1, "take", [None], [[[3, 0], "function", number, name]]])
    assert raw.receive() == ["return", 1, None]
    app.functions.clear("take")
    (function,) = got
    assert isinstance(function, JSFunction)
    return function


def in_thread(func: Callable[..., Any], *args: Any, **named: Any) -> Any:
    return ThreadPoolExecutor(1).submit(func, *args, **named)


def references(app: JsMeetsPy, place: int = 0) -> dict[str, int]:
    found: dict[str, int] = app.bridge.call(app.bridge.stats)["pages"][place]["references"]
    return found


# Functions of a page -----------------------------------------------------------------------------------


def test_a_function_of_a_page_is_called_and_its_value_returned(app: JsMeetsPy, raw: RawPage) -> None:
    function = given(app, raw, 7, "onStep")
    assert repr(function) == "<JavaScript function 'onStep'>"
    answer = in_thread(function, 1, "ab", big=2**60)
    kind, number, reference, steps, specials = raw.receive()
    assert (kind, reference, steps) == ("use", 7, [["call", [1, "ab", {"big": None}]]])
    assert specials == [[[3, 0, 1, 2, "big"], "bigint", str(2**60)]]
    raw.send(["return", number, {"ok": True}])
    assert answer.result(scaled(10)) == {"ok": True}


def test_an_error_of_a_function_of_a_page_is_raised(app: JsMeetsPy, raw: RawPage) -> None:
    answer = in_thread(given(app, raw))
    number = raw.next("use")[1]
    raw.send(["error", number, {"kind": "raised", "name": "RangeError", "message": "no"}])
    with pytest.raises(JavaScriptError, match="RangeError: no"):
        answer.result(scaled(10))


def test_a_stale_reference_is_told(app: JsMeetsPy, raw: RawPage) -> None:
    answer = in_thread(given(app, raw))
    number = raw.next("use")[1]
    raw.send(["error", number, {"kind": "unknown", "name": "UnknownReference", "message": "gone"}])
    with pytest.raises(UnknownReference, match="gone"):
        answer.result(scaled(10))


def test_a_function_of_a_page_has_a_time_limit(app: JsMeetsPy, raw: RawPage) -> None:
    function = given(app, raw)
    with pytest.raises(CallTimeout, match=r"'g' did not answer within 0\.05 s"):
        function.timeout(0.05)()
    with pytest.raises(TypeError, match="seconds"):
        function.timeout("5")  # type: ignore[arg-type]


def test_a_function_is_awaited_and_refused_on_the_loop(app: JsMeetsPy, raw: RawPage) -> None:
    async def ask(callback: JSFunction) -> Any:
        with pytest.raises(WouldDeadlock, match=r"await g\.aio\(\.\.\.\)"):
            callback(1)
        return await callback.aio(1) + await callback.timeout(scaled(5)).aio(2)

    app.functions.expose("ask", ask)
    raw.send(["call", 1, "ask", [None], [[[3, 0], "function", 1, "g"]]])
    for expected in (1, 2):
        message = raw.receive()
        assert message[2:] == [1, [["call", [expected]]]]
        raw.send(["return", message[1], expected * 10])
    assert raw.receive() == ["return", 1, 30]


def test_a_function_is_awaited_on_another_loop(app: JsMeetsPy, raw: RawPage) -> None:
    function = given(app, raw)
    answer = in_thread(lambda: asyncio.run(function.aio(1)))
    raw.send(["return", raw.next("use")[1], 5])
    assert answer.result(scaled(10)) == 5


def test_nowait_sends_in_order_and_tells_when_the_page_has_left(app: JsMeetsPy, raw: RawPage) -> None:
    function = given(app, raw, 3)
    for n in range(100):
        assert function.nowait(n)
    assert [raw.receive() for _ in range(100)] == [["use", 0, 3, [["call", [n]]]] for n in range(100)]
    raw.send(["goodbye"])
    deadline = time.monotonic() + scaled(10)
    while function.nowait(1):
        assert time.monotonic() < deadline


def test_a_function_of_a_page_that_has_left_raises(app: JsMeetsPy, raw: RawPage) -> None:
    function = given(app, raw)
    answer = in_thread(function)
    raw.next("use")
    raw.send(["goodbye"])
    with pytest.raises(Disconnected, match="left before it answered"):
        answer.result(scaled(10))
    with pytest.raises(PageClosed, match="'g' has left"):
        function()
    app.stop()
    with pytest.raises(PageClosed, match="'g' has left"):
        function()


def test_the_same_function_is_the_same_object_while_it_is_used(app: JsMeetsPy, raw: RawPage) -> None:
    function = given(app, raw, 1)
    assert given(app, raw, 1) is function
    other = given(app, raw, 2)
    assert other != function
    assert len({function, other, given(app, raw, 1)}) == 2
    assert references(app) == {"exported": 0, "imported": 2}


def test_a_function_of_a_page_is_copied_as_itself_and_not_pickled(app: JsMeetsPy, raw: RawPage) -> None:
    @dataclasses.dataclass
    class Settings:
        on_step: Any

    function = given(app, raw, 1)
    assert copy.copy(function) is function
    assert copy.deepcopy([function])[0] is function
    assert dataclasses.asdict(Settings(function))["on_step"] is function
    with pytest.raises(TypeError, match=r"<JavaScript function 'g'> belongs to an open page and cannot be pickled"):
        pickle.dumps(function)


@pytest.mark.parametrize("kind", ["page", "app", "bridge", "js", "aio", "path", "call", "functions"])
def test_what_belongs_to_the_process_is_copied_as_itself_and_not_pickled(app: JsMeetsPy, page: Page, kind: str) -> None:
    path = page.aio.js.document.title
    named = {"page": page, "app": app, "bridge": app.bridge, "js": page.js, "aio": page.aio, "path": path}
    value: Any = {**named, "call": page.call("f"), "functions": app.functions}[kind]
    copied = copy.deepcopy({"value": value})["value"]
    assert kind in ("path", "call", "functions") or copied is value
    with pytest.raises(
        TypeError, match=r"belongs to this process and cannot be pickled; .* send data to the other one"
    ):
        pickle.dumps(value)


def test_calls_and_callbacks_nest_deeper_than_there_are_workers(app: JsMeetsPy, raw: RawPage) -> None:
    depth = 100
    app.functions.expose("down", lambda n, g: 0 if n == 0 else 1 + g(n - 1))
    raw.send(["call", 1, "down", [depth, None], [[[3, 1], "function", 1, "g"]]])
    uses = []
    for number in range(2, depth + 2):
        _, use, _, ((_, (n,)),) = raw.next("use")
        uses.append(use)
        raw.send(["call", number, "down", [n, None], [[[3, 1], "function", 1, "g"]]])
    for number in range(depth + 1, 1, -1):
        kind, answered, value = raw.next("return")
        assert (kind, answered) == ("return", number)
        raw.send(["return", uses.pop(), value])
    assert raw.next("return") == ["return", 1, depth]


def test_a_function_is_released_with_the_count_of_its_arrivals(app: JsMeetsPy, raw: RawPage) -> None:
    function = given(app, raw, 4)
    assert given(app, raw, 4) is function
    function.destroy()
    function.destroy()
    assert raw.receive() == ["release", [[4, 2]]]
    with pytest.raises(UnknownReference, match="was destroyed"):
        function()
    with pytest.raises(UnknownReference, match="was destroyed"):
        function.nowait()
    with given(app, raw, 4) as again:
        assert again == function
        assert again is not function
    assert raw.receive() == ["release", [[4, 1]]]
    del again, function
    given(app, raw, 5)  # collected at once
    assert raw.receive() == ["release", [[5, 1]]]
    assert references(app) == {"exported": 0, "imported": 0}


def ask_plain(function: JSFunction) -> None:
    function(1)


async def ask_async(function: JSFunction) -> None:
    await function.aio(1)


async def pass_async(function: JSFunction) -> None:
    pass


@pytest.mark.parametrize("func", [lambda function: None, ask_plain, pass_async, ask_async], ids=str)
@pytest.mark.parametrize("exclusive", [False, True])
def test_an_argument_is_released_with_the_call(app: JsMeetsPy, raw: RawPage, func: Any, exclusive: bool) -> None:
    """No later message is needed for it, and no end of an idle worker."""
    app.functions.expose("f", func, exclusive=exclusive)
    raw.send(["call", 1, "f", [None], [[[3, 0], "function", 7, "g"]]])
    kinds = []
    while sorted(kinds) != ["release", "return"]:
        message = raw.receive(scaled(5))
        if message[0] == "use":
            raw.send(["return", message[1], None])
        else:
            kinds.append(message[0])


def test_releases_of_one_turn_are_one_message(app: JsMeetsPy, raw: RawPage) -> None:
    kept: list[Any] = []
    app.functions.expose("take", lambda *args: kept.extend(args))
    app.functions.expose("drop", kept.clear)
    specials = [[[3, n], "function", n + 1, ""] for n in range(500)]
    raw.send(["call", 1, "take", [None] * 500, specials])
    raw.receive()
    assert references(app)["imported"] == 500
    raw.send(["call", 2, "drop", []])
    messages = [raw.receive(), raw.receive()]
    (release,) = [message for message in messages if message[0] == "release"]
    assert sorted(release[1]) == [[n + 1, 1] for n in range(500)]


def test_a_release_does_not_overtake_the_call_that_carries_the_object(app: JsMeetsPy, raw: RawPage) -> None:
    function = given(app, raw, 6)
    protocol = app.bridge.protocol
    large = b"x" * 2_000_000

    def send_and_destroy() -> None:
        app.bridge.do(protocol.notify, "f", pack([function, large], "args"), raw.id)
        function.destroy()

    app.bridge.call(send_and_destroy)
    kinds = []
    while "release" not in kinds:
        frame = raw.socket.recv(scaled(10))
        kinds.append("chunk" if isinstance(frame, bytes) else "release" if "release" in frame else "other")
        if isinstance(frame, bytes) and frame[1] & 1:
            kinds.append("last chunk")
        elif isinstance(frame, bytes):
            stream = int.from_bytes(frame[4:8], "little")
            raw.send(["credit", stream, 1])
    assert "last chunk" in kinds


def test_a_function_goes_home_and_nowhere_else(app: JsMeetsPy, page: Page, raw: RawPage) -> None:
    function = given(app, raw, 9)
    other = RawPage(page.url, "other")
    answer = in_thread(page.call("f"), {"back": function})
    message = raw.receive()
    assert message[3:] == [[{"back": None}], [[[3, 0, "back"], "own", 9]]]
    raw.send(["return", message[1], None])
    assert answer.result(scaled(10)) is None

    answers = asyncio.run(app.functions.call("f", 5, other.id)(function))
    assert isinstance(answers[other.id], WrongPage)
    assert isinstance(answers[other.id], TypeError)
    with pytest.raises(TypeError, match="another page"):
        given(app, other, 1)(function)


def test_a_function_of_another_application_is_refused(
    app: JsMeetsPy, raw: RawPage, make_app: Callable[..., JsMeetsPy]
) -> None:
    function = given(app, raw)
    other = make_app()
    page = other.launch("<p>y</p>", mode="none")
    as_page(page)
    with pytest.raises(WrongPage, match="another application"):
        page.call("f")(function)


# Values and their specials, whose path begins with the place in the message.
TOO_LONG = [None, {"n": None}], [[[0, 1, "n"], "bigint", "-" + "1" * 5000]]
TOO_LONG_TEXT = "[1]['n']: a BigInt of 5000 digits is too long for Python, which converts at most 4300; send it as text"
EQUAL = [[[1, "a"], [True, "b"]]], [[[0, 0], "map"]]
EQUAL_TEXT = "[0]: two keys of a Map are equal in Python, as 1 and true are; send its entries as an array"


@pytest.mark.parametrize(
    ("value", "name", "text"), [(TOO_LONG, "RangeError", TOO_LONG_TEXT), (EQUAL, "TypeError", EQUAL_TEXT)]
)
def test_a_value_that_python_cannot_have_is_an_error_with_its_path(
    app: JsMeetsPy, page: Page, raw: RawPage, value: Any, name: str, text: str
) -> None:
    data, specials = value

    def at(place: int) -> list[Any]:
        return [[[place, *path[1:]], *facts] for path, *facts in specials]

    app.functions.expose("take", print)
    assert raw.ask("call", "take", data, at(3))[2:] == [
        {"kind": "refused", "name": name, "message": f"args{text}", "trace": ""}
    ]
    called = in_thread(lambda: page.call("give")())
    raw.send(["return", raw.next("call")[1], data, at(2)])
    with pytest.raises(JavaScriptError) as caught:
        called.result(scaled(10))
    assert (str(caught.value), caught.value.key) == (f"{name}: value{text}", "give")
    called = in_thread(lambda: list(page.call("give")()))
    raw.send(["return", raw.next("call")[1], None, [[[2], "stream", 9]]])
    raw.send(["items", raw.next("pull")[1], data, at(2)])
    with pytest.raises(JavaScriptError, match=re.escape(f"{name}: items{text}")):
        called.result(scaled(10))
    assert raw.next("stop") == ["stop", 9]
    assert raw.ask("call", "take", [1])[2] is None


# Races -------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("patient")
def test_what_one_frame_sends_and_takes_back(app: JsMeetsPy, page: Page, raw: RawPage) -> None:
    ran: list[Any] = []

    async def later(*args: Any) -> None:
        ran.append(args)
        await asyncio.sleep(60)

    app.functions.expose("later", later)
    app.functions.expose("plain", lambda *args: ran.append(args))
    numbers = [special[2] for special in sent(page, raw, lambda: ran.append("callback"), ref({"a": 1}))]
    function, mapping = numbers
    raw.send(
        ["call", 1, "later", [None], [[[3, 0], "function", 1, "f"]]],
        ["cancel", 1],
        ["use", 2, function, [["call", []]]],
        ["release", [[function, 1], [mapping, 1]]],
        ["use", 3, mapping, [["get", "a"]]],
        ["use", 4, function, [["call", []]]],
        ["cancel", 4],
        ["call", 5, "plain", [None, None], [[[3, 0], "function", 1, "f"], [[3, 1], "function", 1, "f"]]],
    )
    answers: dict[int, Any] = {}
    while not {2, 3, 4, 5} <= answers.keys():
        message = raw.receive()
        if message[0] != "release":
            answers[message[1]] = message
    assert answers[2] == ["return", 2, None]
    assert [answers[number][2]["name"] for number in (3, 4)] == ["UnknownReference"] * 2
    assert 1 not in answers
    assert ran[-2] == "callback"
    first, second = ran[-1]
    assert first is second
    ran.clear()
    del first, second
    deadline = time.monotonic() + scaled(10)
    while (held := references(app)) != {"exported": 0, "imported": 0} and time.monotonic() < deadline:
        gc.collect()
    assert held == {"exported": 0, "imported": 0}
    assert app.stats()["pages"][0]["running_calls"] == 0


def test_a_page_that_leaves_while_its_function_is_called_and_its_objects_arrive(app: JsMeetsPy, page: Page) -> None:
    outcomes: list[Any] = []

    def take(function: JSFunction) -> None:
        try:
            outcomes.append(function(1))
        except Disconnected as error:
            outcomes.append(type(error))
            raise

    app.functions.expose("take", take)
    for number in range(20):
        leaving = RawPage(page.url, f"leaving {number}")
        leaving.send(
            ["call", 1, "take", [None], [[[3, 0], "function", 1, "f"]]], *([["goodbye"]] if number % 2 else [])
        )
        if number % 2 == 0:
            leaving.next("use")
        leaving.close()
    deadline = time.monotonic() + scaled(10)
    while len(outcomes) + app.stats()["cancelled_calls"] < 20 and time.monotonic() < deadline:
        pass
    assert set(outcomes) <= {PageClosed, Disconnected}
    assert len(outcomes) + app.stats()["cancelled_calls"] >= 20


# Functions and objects of Python -----------------------------------------------------------------------


def sent(page: Page, raw: RawPage, *args: Any) -> list[Any]:
    """Return the specials of a call of the page."""
    answer = in_thread(page.call("f"), *args)
    message = raw.next("call")
    raw.send(["return", message[1], None])
    answer.result(scaled(10))
    specials: list[Any] = message[4]
    return specials


def test_a_page_calls_a_callback(page: Page, raw: RawPage) -> None:
    async def double(x: int) -> int:
        return x * 2

    def fail() -> None:
        raise ValueError("no")

    assert sent(page, raw, double, [fail], len) == [
        [[3, 0], "function", 1, "double"],
        [[3, 1, 0], "function", 2, "fail"],
        [[3, 2], "function", 3, "len"],
    ]
    assert raw.ask("use", 1, [["call", [4]]]) == ["return", 1, 8]
    assert raw.ask("use", 3, [["call", ["abc"]]]) == ["return", 1, 3]
    kind, number, error = raw.ask("use", 2, [["call", []]])
    assert (kind, number, error["kind"], error["name"], error["message"]) == ("error", 1, "raised", "ValueError", "no")


@pytest.mark.usefixtures("patient")
def test_a_callback_without_an_answer(page: Page, raw: RawPage) -> None:
    got: list[int] = []
    done = threading.Event()
    sent(page, raw, lambda n: got.append(n) or (n == 99 and done.set()))
    raw.send(*[["use", 0, 1, [["call", [n]]]] for n in range(100)])
    assert done.wait(scaled(10))
    assert got == list(range(100))


def test_a_callback_comes_home_as_itself(app: JsMeetsPy, page: Page, raw: RawPage) -> None:
    got: list[Any] = []
    app.functions.expose("take", got.append)
    sent(page, raw, print)
    raw.send(["call", 5, "take", [None], [[[3, 0], "own", 1]]])
    assert raw.receive() == ["return", 5, None]
    assert got == [print]


def test_a_result_may_be_a_function(app: JsMeetsPy, raw: RawPage) -> None:
    async def later() -> Any:
        return {"f": len}

    app.functions.expose("plain", lambda: [len, 2**60])
    app.functions.expose("later", later)
    assert raw.ask("call", "plain", []) == [
        "return", 1, [None, None], [[[2, 0], "function", 1, "len"], [[2, 1], "bigint", str(2**60)]],
    ]  # fmt: skip
    assert raw.ask("call", "later", []) == ["return", 1, {"f": None}, [[[2, "f"], "function", 1, "len"]]]
    raw.send(["release", [[1, 1]]])
    assert raw.ask("use", 1, [["call", ["ab"]]]) == ["return", 1, 2]
    raw.send(["release", [[1, 1]]])
    kind, _, error = raw.ask("use", 1, [["call", ["ab"]]])
    assert (kind, error["kind"], error["name"]) == ("error", "unknown", "UnknownReference")


def test_a_publication_has_the_numbers_of_each_page(app: JsMeetsPy, page: Page, raw: RawPage) -> None:
    other = RawPage(page.url, "other", topics=["t"])
    raw.send(["subscribe", 1, "t"])
    assert raw.receive() == ["return", 1, True]
    sent(page, raw, len)
    app.pubsub.publish("t")({"f": print})
    assert raw.receive() == ["publish", 0, "t", {"f": None}, False, [[[3, "f"], "function", 2, "print"]]]
    assert other.receive() == ["publish", 0, "t", {"f": None}, False, [[[3, "f"], "function", 1, "print"]]]


class Model:
    """A model with private parts."""

    def __init__(self) -> None:
        self.rate = 0.1
        self._secret = "s"

    def fit(self, x: int) -> int:
        return x + 1

    async def later(self, x: int) -> int:
        return x + 2

    def _private(self) -> None: ...

    def __len__(self) -> int:
        return 3

    def itself(self) -> Any:
        return ref(self)

    def plain_self(self) -> Any:
        return self


def test_a_page_uses_an_object_that_was_sent_by_reference(page: Page, raw: RawPage) -> None:
    model = Model()
    assert sent(page, raw, ref(model)) == [[[3, 0], "object", 1, "Model"]]
    assert raw.ask("use", 1, [["get", "fit"], ["call", [1]]]) == ["return", 1, 2]
    assert raw.ask("use", 1, [["get", "later"], ["call", [1]]]) == ["return", 1, 3]
    assert raw.ask("use", 1, [["get", "rate"]]) == ["return", 1, 0.1]
    assert raw.ask("use", 1, [["set", "rate", 0.5]]) == ["return", 1, None]
    assert model.rate == 0.5
    assert raw.ask("use", 1, [["has", "rate"]]) == ["return", 1, True]
    assert raw.ask("use", 1, [["has", "other"]]) == ["return", 1, False]
    assert raw.ask("use", 1, [["length"]]) == ["return", 1, 3]
    assert raw.ask("use", 1, [["keys"]]) == ["return", 1, ["fit", "itself", "later", "plain_self", "rate"]]
    assert raw.ask("use", 1, [["get", "itself"], ["call", []]]) == ["return", 1, None, [[[2], "object", 1, "Model"]]]
    kind, _, error = raw.ask("use", 1, [["get", "plain_self"], ["call", []]])
    assert (kind, error["kind"]) == ("error", "unserializable")
    assert "wrap it in ref()" in error["message"]


def test_items_of_a_container_that_was_sent_by_reference(page: Page, raw: RawPage) -> None:
    rows = {"a": 1, "b": [1, 2]}
    sent(page, raw, ref(rows), ref([5, 6]))
    assert raw.ask("use", 1, [["get", "a"]]) == ["return", 1, 1]
    assert raw.ask("use", 1, [["set", "c", {"x": 1}]]) == ["return", 1, None]
    assert rows["c"] == {"x": 1}
    assert raw.ask("use", 1, [["keys"]]) == ["return", 1, ["a", "b", "c"]]
    assert raw.ask("use", 1, [["has", "b"]]) == ["return", 1, True]
    assert raw.ask("use", 1, [["set", "keys", 7]]) == ["return", 1, None]
    assert raw.ask("use", 1, [["get", "keys"]]) == ["return", 1, 7]
    assert raw.ask("use", 1, [["get", "pop"], ["call", ["keys"]]]) == ["return", 1, 7]
    assert raw.ask("use", 2, [["get", 1]]) == ["return", 1, 6]
    assert raw.ask("use", 2, [["set", 1, 8]]) == ["return", 1, None]
    assert raw.ask("use", 2, [["get", "index"], ["call", [8]]]) == ["return", 1, 1]
    kind, _, error = raw.ask("use", 2, [["get", "absent"]])
    assert (kind, error["kind"]) == ("error", "raised")
    assert (error["name"], error["message"]) == ("AttributeError", "'list' object has no attribute 'absent'")
    assert raw.ask("use", 2, [["length"]]) == ["return", 1, 2]
    assert raw.ask("use", 2, [["iterate"]])[3] == [[[2], "stream", 3]]


# Threats -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("steps", "name"),
    [
        ([["get", "_secret"]], "AttributeError"),
        ([["get", "__class__"]], "AttributeError"),
        ([["get", "__init__"], ["call", []]], "AttributeError"),
        ([["get", "_private"], ["call", []]], "AttributeError"),
        ([["set", "_secret", 1]], "AttributeError"),
        ([["has", "_secret"]], "AttributeError"),
        ([["get", "fit"], ["get", "__globals__"]], "AttributeError"),
        ([["get", "fit"], ["get", "im_func"]], "TypeError"),
        ([["get", "fit"], ["call", [1]], ["get", "real"]], "TypeError"),
        ([["get", True]], "TypeError"),
        ([["get", None]], "TypeError"),
        ([["get", ["fit"]]], "TypeError"),
        ([["get"]], "TypeError"),
        ([["get", "fit", 1]], "TypeError"),
        ([["call", 1]], "TypeError"),
        ([["call", {"a": 1}]], "TypeError"),
        ([["delete", "rate"]], "TypeError"),
        ([["read", 0, 5]], "TypeError"),
        ([[]], "TypeError"),
        ([[["get"], 1]], "TypeError"),
    ],
)
def test_a_page_reaches_only_public_attributes(page: Page, raw: RawPage, steps: Any, name: str) -> None:
    sent(page, raw, ref(Model()))
    kind, number, error = raw.ask("use", 1, steps)
    assert (kind, number, error["kind"], error["name"]) == ("error", 1, "refused", name)
    assert raw.ask("use", 1, [["get", "rate"]]) == ["return", 1, 0.1]


@pytest.mark.parametrize(
    "steps", [[["get", "__globals__"]], [["get", "x"]], [["set", "x", 1]], [["call", []], ["call", []]], [["keys"]]]
)
def test_a_function_can_only_be_called(page: Page, raw: RawPage, steps: Any) -> None:
    sent(page, raw, len)
    kind, number, error = raw.ask("use", 1, steps)
    assert (kind, number, error["kind"]) == ("error", 1, "refused")
    assert raw.ask("use", 1, [["call", ["a"]]]) == ["return", 1, 1]


def test_numbers_that_python_has_not_given_to_a_page_are_errors_of_that_request(
    app: JsMeetsPy, page: Page, raw: RawPage
) -> None:
    app.functions.expose("take", lambda *args: len(args))
    sent(page, raw, len)
    other = RawPage(page.url, "other")
    for number in (1, 2, 2**53 - 1):  # 1 belongs to the first page
        kind, _, error = other.ask("use", number, [["call", ["a"]]])
        assert (kind, error["kind"], error["name"]) == ("error", "unknown", "UnknownReference")
        kind, _, error = other.ask("call", "take", [None], [[[3, 0], "own", number]])
        assert (kind, error["kind"], error["name"]) == ("error", "unknown", "UnknownReference")
    other.send(["release", [[1, 1], [7, 2**32 - 1]]])
    assert other.ask("call", "take", [1]) == ["return", 1, 1]
    assert raw.ask("use", 1, [["call", ["a"]]]) == ["return", 1, 1]


def test_a_forged_kind_is_an_error_of_that_request(app: JsMeetsPy, raw: RawPage) -> None:
    function = given(app, raw, 3)
    app.functions.expose("take", lambda *args: len(args))
    for kind in ("object", "stream", "file"):
        said, _, error = raw.ask("call", "take", [None], [[[3, 0], kind, 3, "x"]])
        assert (said, error["kind"], error["name"]) == ("error", "unknown", "UnknownReference")
        assert raw.receive() == ["release", [[3, 1]]]
    assert raw.ask("call", "take", [1]) == ["return", 1, 1]
    assert function.nowait(1)
    assert raw.receive() == ["use", 0, 3, [["call", [1]]]]


def test_a_refused_reference_in_a_message_without_an_answer_is_told_and_released(app: JsMeetsPy, raw: RawPage) -> None:
    function = given(app, raw, 3)
    raw.send(["notify", "f", [None], [[[2, 0], "own", 5]]], ["push", 0, "q", None, [[[3], "own", 5]]])
    assert [raw.receive()[:2] for _ in range(2)] == [
        ["fault", "call_nowait of 'f'"],
        ["fault", "push_nowait to queue 'q'"],
    ]
    assert not app.queues.has("q")
    answer = in_thread(function)
    number = raw.next("use")[1]
    raw.send(["return", number, None, [[[2], "own", 5]]])
    with pytest.raises(UnknownReference, match="Python holds no object 5"):
        answer.result(scaled(10))


# Limits and memory -------------------------------------------------------------------------------------


@pytest.fixture
def small(make_app: Callable[..., JsMeetsPy]) -> JsMeetsPy:
    return make_app(limits=Limits(references=3))


def test_beyond_the_limit_a_page_cannot_pass_more(small: JsMeetsPy) -> None:
    raw = as_page(small.launch("<p>x</p>", mode="none"))
    kept: list[Any] = []
    small.functions.expose("take", lambda *args: kept.extend(args))
    kind, _, error = raw.ask("call", "take", [None] * 5, [[[3, n], "function", n + 1, ""] for n in range(5)])
    assert (kind, error["kind"], error["name"]) == ("error", "refused", "TooManyReferences")
    released: list[Any] = []
    while len(released) < 5:
        kind, pairs = raw.receive()
        assert kind == "release"
        released += pairs
    assert sorted(released) == [[n + 1, 1] for n in range(5)]
    assert raw.ask("call", "take", [None] * 3, [[[3, n], "function", n + 11, ""] for n in range(3)])[0] == "return"
    assert len(kept) == 3


def test_beyond_the_limit_python_cannot_pass_more(small: JsMeetsPy, caplog: pytest.LogCaptureFixture) -> None:
    page = small.launch("<p>x</p>", mode="none")
    raw = as_page(page)
    with pytest.raises(TooManyReferences, match=r"Limits\(references=\.\.\.\)"):
        page.call("f")([print, len, abs, all])
    assert references(small)["exported"] == 0
    sent(page, raw, print, len, abs)
    small.functions.expose("more", lambda: [all])
    kind, _, error = raw.ask("call", "more", [])
    assert (kind, error["kind"], error["name"]) == ("error", "unserializable", "TooManyReferences")
    page.call_nowait("f")(all)
    sent(page, raw, print)
    assert "is lost: " in caplog.text
    assert references(small)["exported"] == 3


def test_dropped_publications_give_their_references_back(make_app: Callable[..., JsMeetsPy]) -> None:
    app = make_app(limits=Limits(overflow="latest"))
    raw = as_page(app.launch("<p>x</p>", mode="none"))
    raw.send(["subscribe", 1, "t"])
    raw.receive()

    def publish() -> None:
        for n in range(100):
            app.bridge.protocol.publish("t", None, pack(lambda n=n: n, "data"))

    app.bridge.call(app.bridge.do, publish)
    assert raw.receive()[0] == "publish"
    assert references(app)["exported"] == 1


def test_the_end_of_a_session_forgets_what_the_page_held(app: JsMeetsPy, page: Page, raw: RawPage) -> None:
    class Thing:
        gone = False

        def __del__(self) -> None:
            Thing.gone = True

        def method(self) -> None: ...

    sent(page, raw, Thing().method)
    gc.collect()
    assert not Thing.gone
    raw.send(["goodbye"])
    deadline = time.monotonic() + scaled(10)
    while app.bridge.call(app.bridge.protocol.all_sockets):
        assert time.monotonic() < deadline
    gc.collect()
    assert Thing.gone


def test_callbacks_that_are_passed_and_dropped_leave_nothing(app: JsMeetsPy, page: Page, raw: RawPage) -> None:
    """50,000 each way. The page releases each callback; the tables and the number of objects in memory stay small."""
    app.functions.expose("take", lambda f: None)
    batch, rounds = 1000, 50
    peak = 0
    for round_number in range(rounds):
        numbers = range(round_number * batch + 1, (round_number + 1) * batch + 1)
        raw.send(*[["call", n, "take", [None], [[[3, 0], "function", n, "f"]]] for n in numbers])
        for n in numbers:
            page.call_nowait("f")(lambda n=n: n)
        returned = released = 0
        while returned < batch:
            message = raw.receive()
            returned += message[0] == "return"
            if message[0] == "notify":
                released += 1
                raw.send(["release", [[message[3][0][2], 1]]])
        while released < batch:
            if (message := raw.receive())[0] == "notify":
                released += 1
                raw.send(["release", [[message[3][0][2], 1]]])
        peak = max(peak, sum(references(app).values()))
        if round_number == 4:
            gc.collect()
            before = len(gc.get_objects())
    app.functions.expose("f", lambda: 1)
    raw.send(["call", 1, "f", []])
    raw.next("return")
    gc.collect()
    assert len(gc.get_objects()) - before < 2000
    assert peak <= 4 * batch
    assert references(app) == {"exported": 0, "imported": 0}


def test_an_object_that_is_dropped_while_the_bridge_is_idle_is_released(app: JsMeetsPy, raw: RawPage) -> None:
    function = given(app, raw, 4)
    idle = app.bridge.portal._drains
    time.sleep(scaled(0.1))  # nothing happens
    assert app.bridge.portal._drains == idle
    del function
    assert raw.receive() == ["release", [[4, 1]]]


def test_a_burst_of_drops_wakes_the_bridge_a_few_times(app: JsMeetsPy, raw: RawPage) -> None:
    kept: list[Any] = []
    app.functions.expose("take", lambda *args: kept.extend(args))
    raw.send(["call", 1, "take", [None] * 5000, [[[3, n], "function", n + 1, ""] for n in range(5000)]])
    raw.receive()
    before = app.bridge.portal._drains
    while kept:
        kept.pop()
    released = 0
    while released < 5000:
        released += len(raw.next("release")[1])
    assert app.bridge.portal._drains - before < 50


def test_functions_that_any_thread_collects_are_released_exactly_once(app: JsMeetsPy, raw: RawPage) -> None:
    """Each function is in a cycle, which the garbage collector frees in any thread, at any moment."""

    class Holder:
        def __init__(self, function: Any) -> None:
            self.function, self.cycle = function, self

    app.functions.expose("take", lambda function: Holder(function) and None)
    over = threading.Event()

    def collect() -> None:
        while not over.is_set():
            gc.collect()

    gc.freeze()  # so that a collection takes no time for the objects of other tests
    threads = [threading.Thread(target=collect) for _ in range(3)]
    for thread in threads:
        thread.start()
    sent, released, returned = 600, dict.fromkeys(range(1, 4), 0), 0
    try:
        for n in range(sent):
            raw.send(["call", n + 1, "take", [None], [[[3, 0], "function", n % 3 + 1, "f"]]])
        while returned < sent:
            message = raw.receive()
            returned += message[0] == "return"
            for number, count in message[1] if message[0] == "release" else []:
                released[number] += count
    finally:
        over.set()
        for thread in threads:
            thread.join()
        gc.unfreeze()
    gc.collect()
    app.functions.expose("f", lambda: 1)
    while sum(released.values()) < sent:
        raw.send(["call", 1, "f", []])
        while (message := raw.receive())[0] == "release":
            for number, count in message[1]:
                released[number] += count
    assert released == dict.fromkeys(range(1, 4), 200)
    assert references(app)["imported"] == 0


def test_a_published_function_reaches_python_and_its_own_page(
    app: JsMeetsPy, page: Page, raw: RawPage, caplog: pytest.LogCaptureFixture
) -> None:
    other = RawPage(page.url, "other", topics=["t"])
    raw.send(["subscribe", 1, "t"])
    raw.receive()
    got: list[Any] = []
    heard = threading.Event()
    app.pubsub.subscribe("t", lambda topic, data: (got.append(data), heard.set()))
    raw.send(["publish", 0, "t", {"f": None}, False, [[[3, "f"], "function", 5, "f"]]])
    assert raw.receive() == ["publish", 0, "t", {"f": None}, False, [[[3, "f"], "own", 5]]]
    assert heard.wait(scaled(10))
    assert isinstance(got[0]["f"], JSFunction)
    assert "an object of another page" in caplog.text
    app.pubsub.publish("t")(1)
    assert other.receive() == ["publish", 0, "t", 1, False]


def test_a_queue_keeps_a_function(app: JsMeetsPy, page: Page, raw: RawPage) -> None:
    raw.send(["push", 1, "q", [None], [[[3, 0], "function", 5, "f"]]])
    assert raw.receive() == ["return", 1, True]
    (function,) = page.queue("q").get(timeout=scaled(10))
    assert function.nowait(1)
    assert raw.receive() == ["use", 0, 5, [["call", [1]]]]


def test_a_message_of_a_protocol_of_its_own_carries_data_only(app: JsMeetsPy) -> None:
    message = {"protocol": "mine", "key": "k", "id": 0, "data": print, "exception": None}
    for data in (print, 2**53):
        with pytest.raises(TypeError, match="a custom message cannot carry functions"):
            app.sockets.reservecast({**message, "data": data})


def test_a_callback_writes_under_the_cell_that_has_passed_it(
    app: JsMeetsPy, page: Page, raw: RawPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = Cell("c", "run", {})
    monkeypatch.setattr("jsmeets_local.bridge.bridge.current_cell", lambda: cell)
    sent(page, raw, len, 2**60)
    export = app.bridge.call(app.bridge.protocol._sessions[raw.id].exports.get, 1)
    assert export.function.cell is cell
