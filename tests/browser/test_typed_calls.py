"""Annotated functions and keyword arguments, in real browsers."""

from __future__ import annotations

import dataclasses
import datetime
import enum
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
import numpy.typing as npt
from playwright.sync_api import Page as Tab

from jsmeets_local import JSFunction, JsMeetsPy, JSProxy, Page, ref

Open = Callable[..., Page]


class Color(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Point:
    x: float
    y: float = 0.0


class Model:
    def fit(self, rate: float, *, steps: int = 1) -> str:
        return f"{rate} {steps}"


def open_module(open_page: Open, tab: Tab) -> None:
    """Open a page whose global `py` is that of the module."""
    open_page()
    tab.evaluate("import('/jsmeetspy/jsmeets.mjs').then(({ ready }) => ready(10))")


def refusal(tab: Tab, call: str) -> Any:
    return tab.evaluate(f"{call}.then(() => 'it ran', ({{ kind, name, message }}) => [kind, name, message])")


def test_annotations_convert_what_a_browser_sends(app: JsMeetsPy, open_page: Open, tab: Tab) -> None:
    @app.expose
    def show(
        when: datetime.datetime,
        data: npt.NDArray[np.float32],
        items: set[int],
        names: dict[int, str],
        color: Color,
        mode: Literal["a", 5],
        path: Path,
        points: tuple[Point, ...],
    ) -> list[str]:
        assert data.dtype == np.float32
        return [
            when.isoformat(),
            repr(data.tolist()),
            repr(items),
            repr(names),
            repr((color, mode, path.name)),
            repr(points),
        ]

    open_module(open_page, tab)
    arguments = "new Set([1, 2]), { 7: 'seven' }, 'red', 5, '/tmp/a', [{ x: 1 }]"
    expected = ["{1, 2}", "{7: 'seven'}", "(<Color.RED: 'red'>, 5, 'a')", "(Point(x=1.0, y=0.0),)"]
    for array in ("new Float32Array([1, 2.5])", "[1, 2.5]"):
        shown = tab.evaluate(f"py.show(new Date(0), {array}, {arguments})")
        assert shown == ["1970-01-01T00:00:00+00:00", "[1.0, 2.5]", *expected]
    text = "show: argument 'data' must be an array of float32; got one of float64"
    assert refusal(tab, f"py.show(new Date(0), new Float64Array(2), {arguments})") == ["refused", "TypeError", text]


def test_objects_of_the_page_stay_as_they_are(app: JsMeetsPy, open_page: Open, tab: Tab) -> None:
    @app.expose
    def use(callback: Callable[[int], int], element: JSProxy, file: BinaryIO, rows: Iterable[int]) -> Any:
        assert isinstance(callback, JSFunction)
        return [callback(1), element.tagName, file.read(), sum(rows)]

    open_module(open_page, tab)
    call = "py.use((n) => n + 1, document.body, new Blob(['abc']), [1, 2].values()).then(([n, tag, data, sum]) => [n, tag, data.length, sum])"
    assert tab.evaluate(call) == [2, "BODY", 3, 3]
    text = "use: argument 'callback' must be a function; got a JSProxy"
    assert refusal(tab, "py.use(document.body, document.body, new Blob(), [])") == ["refused", "TypeError", text]


def test_keyword_arguments_of_functions_methods_and_callbacks(app: JsMeetsPy, open_page: Open, tab: Tab) -> None:
    ran: list[float] = []

    @app.expose
    def move(p: Point, dx: float = 0, *, speed: float) -> Point:
        ran.append(speed)
        return Point(p.x + dx, speed)

    @app.expose
    def give() -> Any:
        return {"model": ref(Model()), "fit": Model().fit}

    @app.expose
    def rows(*, count: int) -> Iterator[int]:
        yield from range(count)

    app.expose(Model(), "model")
    open_module(open_page, tab)
    assert tab.evaluate("py.move.callKwargs({ x: 1 }, { speed: 2 })") == {"x": 1, "y": 2}
    assert tab.evaluate("py.move.with({ timeout: 5 }).callKwargs({ x: 1 }, 1, { speed: 2 })") == {"x": 2, "y": 2}
    assert tab.evaluate("py.model.fit.callKwargs({ rate: 1, steps: 2 })") == "1.0 2"
    assert tab.evaluate("py.give().then(({ model }) => model.fit.callKwargs(1, { steps: 3 }))") == "1.0 3"
    assert tab.evaluate("py.give().then(({ fit }) => fit.callKwargs(1, { steps: 4 }))") == "1.0 4"
    assert tab.evaluate(
        "(async () => { const all = []; for await (const n of py.rows.callKwargs({ count: 3 })) all.push(n); return all; })()"
    ) == [0, 1, 2]
    before = ran.copy()
    message = "move: argument 'speed' must be a float; got 'fast'"
    assert refusal(tab, "py.move.callKwargs({ x: 1 }, { speed: 'fast' })") == ["refused", "TypeError", message]
    kind, name, text = refusal(tab, "py.move.callKwargs({ x: 1 }, { sped: 1 })")
    assert (kind, name) == ("raised", "TypeError")
    assert "move() got an unexpected keyword argument 'sped'" in text
    assert ran == before
