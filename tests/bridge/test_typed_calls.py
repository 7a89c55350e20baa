"""Calls of functions with annotations, and keyword arguments, as a page makes them."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from jsmeets_local import JsMeetsPy, Page, ref
from tests.raw import RawPage, as_page
from tests.timing import until


@dataclasses.dataclass
class Point:
    x: float
    y: float = 0.0


class Model:
    def fit(self, point: Point, *, rate: float = 1.0) -> Any:
        return [type(point).__name__, point.x, rate]

    async def predict(self, x: float) -> Any:
        return repr(x)

    def fails(self, x: float) -> float:
        return x / 0

    def untyped(self, x, key=0):  # type: ignore[no-untyped-def]
        return [x, key]


@pytest.fixture
def raw(app: JsMeetsPy, page: Page) -> Iterator[RawPage]:
    """A page of an application with functions of each kind."""
    ran: list[Any] = []

    @app.expose
    def move(point: Point, *, speed: float) -> Any:
        ran.append(speed)
        return [repr(point), speed]

    @app.expose
    async def wait(seconds: float, name: str = "") -> str:
        return repr((seconds, name))

    @app.expose(exclusive=True)
    def alone(x: int) -> int:
        return x

    @app.expose
    def ran_with() -> list[Any]:
        return ran

    @app.expose
    def give() -> Any:
        def callback(x: float, *, done: bool = False) -> str:
            return repr((x, done))

        return [callback, ref(Model())]

    @app.expose
    def plain(a, b=2, **more):  # type: ignore[no-untyped-def]
        return [a, b, more]

    app.functions.expose("odd", lambda call: call)
    raw = as_page(page)
    yield raw
    raw.close()


def keywords(*path: Any) -> list[Any]:
    return [[[*path], "keywords"]]


def test_arguments_are_converted(raw: RawPage) -> None:
    assert raw.ask("call", "wait", [2]) == ["return", 1, "(2.0, '')"]
    assert raw.ask("call", "alone", ["5"]) == ["return", 1, 5]
    move = raw.ask("call", "move", [{"x": 1}, {"speed": 2}], keywords(3, 1))
    assert move == ["return", 1, ["Point(x=1.0, y=0.0)", 2]]
    assert raw.ask("call", "move", [{"point": {"x": 1}, "speed": 2}], keywords(3, 0))[0] == "return"


def test_a_mismatch_is_refused_and_the_function_does_not_run(raw: RawPage, caplog: pytest.LogCaptureFixture) -> None:
    text = "move: argument 'speed' must be a float; got 'fast'"
    with caplog.at_level(logging.ERROR, "jsmeets_local"):
        answer = raw.ask("call", "move", [{"x": 1}, {"speed": "fast"}], keywords(3, 1))
    assert answer == ["error", 1, {"kind": "refused", "name": "TypeError", "message": text, "trace": ""}]
    assert caplog.messages == [text]
    assert caplog.records[0].exc_info is None
    assert raw.ask("call", "wait", ["long"])[2]["message"] == "wait: argument 'seconds' must be a float; got 'long'"
    assert raw.ask("call", "alone", [1.5])[2]["message"] == "alone: argument 'x' must be an int; got 1.5"
    raw.send(["notify", "move", [{"x": 1}, {"speed": "fast"}], keywords(2, 1)])
    assert raw.ask("call", "ran_with", []) == ["return", 1, []]


def test_errors_of_keywords_are_those_of_python(raw: RawPage) -> None:
    def message(*call: Any) -> str:
        return str(raw.ask("call", *call)[2]["message"])

    assert "move() got an unexpected keyword argument 'sped'" in message(
        "move", [{"x": 1}, {"sped": 2}], keywords(3, 1)
    )
    assert "move() missing 1 required keyword-only argument: 'speed'" in message("move", [{"x": 1}])
    assert "plain() got multiple values for argument 'a'" in message("plain", [1, {"a": 2}], keywords(3, 1))
    assert raw.ask("call", "plain", [1, {"b": 5, "c": 6}], keywords(3, 1)) == ["return", 1, [1, 5, {"c": 6}]]
    assert raw.ask("call", "plain", [{"self": 1, "a": 2, "value": 3}], keywords(3, 0))[2] == [
        2,
        2,
        {"self": 1, "value": 3},
    ]
    assert raw.ask("call", "plain", [1, {"b": 5}]) == ["return", 1, [1, {"b": 5}, {}]]
    assert raw.ask("call", "odd", [{"call": 1}], keywords(3, 0)) == ["return", 1, 1]


def test_tracebacks_begin_with_the_function_of_the_user(raw: RawPage) -> None:
    _, _, _, ((_, _, _, _), (_, _, model, _)) = raw.ask("call", "give", [])
    missing = raw.ask("call", "plain", [{"b": 1}], keywords(3, 0))[2]
    fails = raw.ask("use", model, [["get", "fails"], ["call", [1]]])[2]
    assert missing["message"].endswith("plain() missing 1 required positional argument: 'a'")
    assert fails["name"] == "ZeroDivisionError"
    for error in (missing, fails):
        assert "jsmeets_local" not in error["trace"]
    assert "in fails" in fails["trace"]


def test_callbacks_and_methods_take_annotations_and_keywords(raw: RawPage) -> None:
    _, _, _, ((_, _, callback, _), (_, _, model, _)) = raw.ask("call", "give", [])

    def use(number: int, *steps: Any, specials: Any = ()) -> Any:
        return raw.ask("use", number, [*steps], list(specials))[2]

    assert use(callback, ["call", [2, {"done": 1}]], specials=keywords(3, 0, 1, 1)) == "(2.0, True)"
    assert use(callback, ["call", [""]])["message"].endswith("callback: argument 'x' must be a float; got ''")
    fit = ["get", "fit"], ["call", [{"x": 1}, {"rate": 2}]]
    for _ in range(2):
        assert use(model, *fit, specials=keywords(3, 1, 1, 1)) == ["Point", 1, 2]
    assert use(model, ["get", "fit"], ["call", [5]])["message"] == "Model.fit: argument 'point' must be a Point; got 5"
    assert use(model, ["get", "predict"], ["call", [2]]) == "2.0"
    assert use(model, ["get", "predict"], ["call", ["x"]])["kind"] == "refused"
    untyped = ["get", "untyped"], ["call", [1, {"key": 5}]]
    assert use(model, *untyped, specials=keywords(3, 1, 1, 1)) == [1, 5]


def test_what_is_not_checked_is_logged_once(app: JsMeetsPy, raw: RawPage, caplog: pytest.LogCaptureFixture) -> None:
    exec_globals: dict[str, Any] = {}
    exec("def f(a: 'Missing', b: int): return [a, b]", exec_globals)
    func: Callable[..., Any] = exec_globals["f"]
    app.expose("f")(func)
    with caplog.at_level(logging.DEBUG, "jsmeets_local"):
        for _ in range(2):
            assert raw.ask("call", "f", [[1], 2]) == ["return", 1, [[1], 2]]
    said = [text for text in caplog.messages if "not checked" in text]
    assert said == ["f: argument 'a' is not checked: name 'Missing' is not defined"]


def test_items_of_streams_are_converted(app: JsMeetsPy, raw: RawPage, caplog: pytest.LogCaptureFixture) -> None:
    @app.expose
    def total(points: Iterator[Point], scale: float = 1) -> float:
        return scale * sum(point.x for point in points)

    @app.expose
    async def first(points: AsyncIterator[Point]) -> Any:
        return repr(await anext(points))

    @app.expose
    def each(points: Iterator[Point]) -> Iterator[float]:
        return (point.x for point in points)

    def give(number: int, name: str, *items: Any) -> Any:
        raw.send(["call", 1, name, [None], [[[3, 0], "stream", number]]])
        while (message := raw.receive())[0] != "pull":
            if message[-1] and message[0] == "return":  # a stream of Python, which reads only on demand
                raw.send(["pull", message[-1][0][2], 10])
        raw.send(["items", number, [*items]], ["end", number])
        while (message := raw.receive())[0] not in ("return", "error", "end"):
            pass
        return message

    assert give(1, "total", {"x": 1}, {"x": 2, "y": 5}) == ["return", 1, 3.0]
    assert give(2, "first", {"x": 1}) == ["return", 1, "Point(x=1.0, y=0.0)"]
    text = "argument 'points' must be an Iterator[Point]; points[1].x: Expected `float`, got `str`"
    wrong = {"x": 1}, {"x": "a"}
    with caplog.at_level(logging.ERROR, "jsmeets_local"):
        answers = [give(3, "total", *wrong), give(4, "first", 5), give(5, "each", *wrong)]
    texts = [
        f"total: {text}",
        "first: argument 'points' must be an AsyncIterator[Point]; points[0]: Expected `object`, got `int`",
        f"each: {text}",
    ]
    refusals = [{"kind": "refused", "name": "TypeError", "message": text, "trace": ""} for text in texts]
    assert [answer[2] for answer in answers] == refusals
    assert caplog.messages == texts


def test_subscribers_get_converted_data(app: JsMeetsPy, raw: RawPage, caplog: pytest.LogCaptureFixture) -> None:
    got: list[Any] = []

    @app.pubsub.subscribe("plain")
    def plain(topic: str, point: Point) -> None:
        got.append((topic, point))

    @app.pubsub.subscribe("async")
    async def coroutine(topic: str, x: float) -> None:
        got.append(repr(x))

    class Near(Point):
        pass

    near = Near(4)
    with caplog.at_level(logging.ERROR, "jsmeets_local"):
        raw.send(["publish", 0, "plain", {"x": "a"}, False], ["publish", 0, "plain", {"x": 1}, False])
        until(lambda: len(got) == 1)
        raw.send(["publish", 0, "async", "fast", False], ["publish", 0, "async", 2, False])
        until(lambda: len(got) == 2)
        app.pubsub.publish("plain")(near)
        until(lambda: len(got) == 3)
    assert got == [("plain", Point(1.0)), "2.0", ("plain", near)]
    assert caplog.messages == [
        "the subscriber of topic 'plain': argument 'point' must be a Point; point.x: Expected `float`, got `str`",
        "the subscriber of topic 'async': argument 'x' must be a float; got 'fast'",
    ]
    assert caplog.records[0].exc_info is None
