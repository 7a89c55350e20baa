"""State that Python and real browsers share."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import numpy
import pytest
from playwright.sync_api import Page as Tab

from jsmeets_local import JsMeetsPy, Page
from tests.timing import scaled, until
from tests.wire import BadWire

from .conftest import OpenByWire, Tabs

Open = Callable[..., Page]

PAGE = """<!DOCTYPE html><title>T</title><script type="module">
import { expose, pageState, py, pubsub, state } from "./jsmeetspy/jsmeets.mjs";
Object.assign(globalThis, { py, pubsub, pageState, heard: [], errors: [] });
addEventListener("error", (event) => { errors.push(String(event.error)); event.preventDefault(); });
expose("freq", () => s.freq);
globalThis.s = await state();
s.on("freq", (value) => heard.push(value));
s.on("points", (points) => heard.push(JSON.stringify(points)));
</script>"""


def launch(app: JsMeetsPy, tab: Tab) -> Page:
    page = app.launch(PAGE, mode="none")
    tab.goto(page.url)
    tab.wait_for_function("globalThis.s !== undefined")
    return page


def test_a_field_changes_on_both_sides(app: JsMeetsPy, tab: Tab) -> None:
    state = app.state(freq=3.0, color="red", points=[{"x": 0, "y": 0}], tags=["a"])
    page = launch(app, tab)
    assert tab.evaluate("JSON.stringify(s)") == '{"freq":3,"color":"red","points":[{"x":0,"y":0}],"tags":["a"]}'
    state.freq = 4
    assert page.call("freq")() == 4  # a call that follows a change sees it
    app.functions.expose("read", lambda: state.freq)
    assert tab.evaluate("(s.freq = 5, py.read())") == 5
    tab.evaluate("s.points[0].x = 1; s.points.push({ x: 2 }); s.tags.push('b', 'c'); s.tags.shift()")
    until(lambda: state.tags == ["b", "c"])
    assert state.points == [{"x": 1, "y": 0}, {"x": 2}]
    state.points[1].x = 7
    state.tags.insert(0, "z")
    page.call("freq")()
    assert tab.evaluate("[s.points[1].x, s.tags.join(), s.points.length]") == [7, "z,b,c", 2]
    assert tab.evaluate("heard.at(-1)") == '[{"x":1,"y":0},{"x":7}]'


def test_arrays_large_values_and_big_integers(app: JsMeetsPy, tab: Tab) -> None:
    state = app.state(image=numpy.zeros((2, 3), "uint8"), wave=numpy.arange(3.0), big=2**60, text="", freq=0, points=[])
    page = launch(app, tab)
    assert tab.evaluate("[s.image.shape, s.image.dtype, [...s.wave], s.big === 2n ** 60n]") == [
        [2, 3],
        "uint8",
        [0, 1, 2],
        True,
    ]
    state.wave = numpy.arange(1_000_000.0)  # 8 MB, in front of the call
    state.freq = 1
    assert page.call("freq")() == 1
    assert tab.evaluate("s.wave.length") == 1_000_000
    app.functions.expose("size", lambda: (len(state.wave), state.big, len(state.text)))
    code = "(s.wave = new Float64Array(500000), s.big = 2n ** 61n, s.text = 'x'.repeat(2000000), py.size())"
    assert tab.evaluate(code) == [500_000, 2**61, 2_000_000]
    assert isinstance(state.wave, numpy.ndarray)
    with pytest.raises(ValueError, match="read-only"):
        state.wave[0] = 1


@dataclasses.dataclass
class Settings:
    freq: float = 3.0
    name: str = "a"
    points: list[dict[str, int]] = dataclasses.field(default_factory=list)


def test_an_invalid_change_of_a_page_is_an_error_there(app: JsMeetsPy, tabs: Tabs) -> None:
    state = app.state(Settings)
    tab = tabs.open()
    page = launch(app, tab)
    tab.evaluate("(s.freq = 'fast', s.name = 'b')")
    tab.wait_for_function("errors.length > 0")
    assert tab.evaluate("errors") == ["RefusedChange: state.freq: Expected `float`, got `str`"]
    assert tab.evaluate("[s.freq, s.name]") == [3, "a"]  # the changes of one turn are one
    assert (state.freq, state.name) == (3.0, "a")
    state.freq = 1.5
    assert page.call("freq")() == 1.5
    tab.wait_for_timeout(0)  # for the events of the driver
    tabs.errors = [error for error in tabs.errors if "Expected `float`" not in error]
    assert tab.evaluate("(() => { try { s.frq = 1; } catch (error) { return error.message; } })()").startswith(
        "the state has no field 'frq'; its fields are freq"
    )


def test_two_pages_a_late_one_and_a_reload(app: JsMeetsPy, tabs: Tabs) -> None:
    state = app.state(freq=1, points=[])
    first, second = tabs.open(), tabs.open()
    page = launch(app, first)
    first.evaluate("s.freq = 2")
    until(lambda: state.freq == 2)
    launch(app, second)
    assert second.evaluate("s.freq") == 2
    second.evaluate("s.points.push({ x: 1 })")
    first.wait_for_function("s.points.length === 1")
    first.reload()
    first.wait_for_function("globalThis.s?.points.length === 1")
    assert first.evaluate("s.freq") == 2
    app.state(freq=10, points=[], more=1)
    first.wait_for_function("s.more === 1 && s.freq === 10")
    with pytest.raises(RuntimeError, match="use the newer state"):
        state.freq = 3
    assert page.state == "open"


def test_the_state_of_one_page(app: JsMeetsPy, tabs: Tabs) -> None:
    app.state(freq=1, points=[])
    first, second = tabs.open(), tabs.open()
    page = launch(app, first)
    launch(app, second)
    zoom = page.state(zoom=1.0)
    assert first.evaluate("pageState().then((own) => { globalThis.own = own; return own.zoom; })") == 1
    zoom.zoom = 2
    first.wait_for_function("own.zoom === 2")
    first.evaluate("own.zoom = 3")
    until(lambda: zoom.zoom == 3)
    first.reload()
    first.wait_for_function("globalThis.s !== undefined")
    assert first.evaluate("pageState().then((own) => own.zoom)") == 3
    assert second.evaluate("Promise.race([pageState(), new Promise((f) => setTimeout(f, 300, 'none'))])") == "none"


def test_a_state_survives_lost_connections(app: JsMeetsPy, open_by_wire: OpenByWire, tab: Tab) -> None:
    state = app.state(freq=0, points=[])
    _, wire = open_by_wire(PAGE)
    tab.wait_for_function("globalThis.s !== undefined")
    for number in range(1, 6):
        wire.cut()
        state.freq = number
        tab.evaluate("(number) => s.points.push({ number })", number)
        tab.wait_for_function(f"s.freq === {number}")
        until(lambda number=number: len(state.points) == number)
    assert state.points == [{"number": number} for number in range(1, 6)]


def test_a_page_follows_a_restarted_program(make_app: Callable[..., JsMeetsPy], tab: Tab) -> None:
    app = make_app()
    app.state(freq=1, points=[])
    page = launch(app, tab)
    port = urlsplit(page.url).port or 0
    token = page.url.partition("#jsmeets=")[2].partition(".")[0]
    wire = BadWire(port)
    tab.goto(wire.url(page.url))
    tab.wait_for_function("globalThis.s !== undefined")
    try:
        wire.refuse()
        tab.wait_for_function("JsPyTextSocket.state() !== 'open'")
        tab.evaluate("s.freq = 5")  # is sent to the next session
        other = make_app(token=token)
        state = other.state(freq=2, points=[1])
        second = other.launch(PAGE, mode="none")
        wire._target = urlsplit(second.url).port or 0
        wire.flow()
        tab.wait_for_function("s.points.length === 1", timeout=scaled(20_000))
        until(lambda: state.freq == 5)
        assert tab.evaluate("s.freq") == 5
    finally:
        wire.close()


def test_retained_publications(app: JsMeetsPy, tabs: Tabs) -> None:
    app.state(freq=1, points=[])
    app.pubsub.publish("status", retain=True)("ready")
    app.pubsub.publish("status")("passing")
    tab = tabs.open()
    launch(app, tab)
    assert tab.evaluate("new Promise((f) => pubsub.subscribe('status', (topic, data) => f(data)))") == "ready"
    assert tab.evaluate("pubsub.publish('mode', 'dark', { retain: true })")
    heard: list[Any] = []
    app.pubsub.subscribe("mode", lambda topic, data: heard.append(data))
    until(lambda: heard == ["dark"])
