"""A page whose connection breaks resumes: no message is lost, duplicated or out of order."""

from __future__ import annotations

import queue
import threading
import time

import pytest
from playwright.sync_api import Page as Tab

from jsmeets_local import ConnectionLost, JsMeetsPy
from tests.timing import scaled, until

from .conftest import OpenByWire

SCRIPT = """
JsPyFunction.expose("echo", (x) => x);
globalThis.states = [];
JsPyTextSocket.add_state_event((state) => states.push(state));
globalThis.got = [];
JsPyPubsub.subscribe("t", (_, n) => got.push(n));
globalThis.items = [];
JsPyQueue.add_callback((key) => items.push(JsPyQueue.shift(key)));
async function burst(count) {
    const answers = [];
    const published = [];
    for (let n = 0; n < count; n += 1) {
        answers.push(JsPyFunction.call("seen")(n));
        JsPyQueue.push_nowait("up")(n);
        published.push(JsPyPubsub.publish("up", true)(n));
        if (n % 20 === 0) { await new Promise((done) => setTimeout(done, 5)); }
    }
    const right = (await Promise.all(answers)).every((value, n) => value === n);
    return right && (await Promise.all(published)).every(Boolean);
}
"""
PAGE = f"<title>T</title><script>{SCRIPT}</script>"


def test_a_cut_in_the_middle_of_a_call(app: JsMeetsPy, tab: Tab, open_by_wire: OpenByWire) -> None:
    page, wire = open_by_wire(PAGE)
    socket = tab.evaluate("JsPyTextSocket.get_socket_id()")
    started, go_on = threading.Event(), threading.Event()

    @app.expose
    def slow(x: int) -> int:
        started.set()
        assert go_on.wait(scaled(10))
        return 2 * x

    tab.evaluate("void (globalThis.answer = JsPyFunction.call('slow')(21))")
    assert started.wait(scaled(10))
    wire.cut()
    go_on.set()
    assert page.call("echo", 10)("across the cut") == "across the cut"
    assert tab.evaluate("answer") == 42
    assert tab.evaluate("JsPyTextSocket.get_socket_id()") == socket
    assert tab.evaluate("states") == ["open", "reconnecting", "open"]
    assert app.sockets.get_socket_id() == (socket,) or list(app.sockets.get_socket_id()) == [socket]


@pytest.mark.usefixtures("patient")
def test_thousands_of_messages_over_a_wire_that_is_cut_again_and_again(
    app: JsMeetsPy, tab: Tab, open_by_wire: OpenByWire
) -> None:
    page, wire = open_by_wire(PAGE, split=5000)
    count = 2000  # of each kind and direction
    calls: list[int] = []
    heard: list[int] = []

    @app.expose
    def seen(n: int) -> int:
        calls.append(n)
        return n

    app.pubsub.subscribe("up", lambda topic, n: heard.append(n))
    tab.evaluate(f"void (globalThis.done = burst({count}))")
    for n in range(count):
        page.call_nowait("echo")(n)
        page.queue("q").push(n)
        page.publish("t")(n)
        if n % 50 == 0:
            assert page.call("echo", 30)(n) == n
        if n % 300 == 250:
            wire.cut()
    assert tab.evaluate("done")
    up = [page.queue("up").get(scaled(30)) for _ in range(count)]
    tab.wait_for_function(f"items.length >= {count} && got.length >= {count}", timeout=scaled(30_000))
    assert wire.cuts == 6
    assert calls == list(range(count))
    assert up == list(range(count))
    assert tab.evaluate("items") == list(range(count))
    assert tab.evaluate("got") == list(range(count))
    assert page.call("echo", 10)("end") == "end"
    until(lambda: len(heard) == count)
    assert heard == list(range(count))


def test_a_large_array_over_a_wire_that_is_cut(app: JsMeetsPy, tab: Tab, open_by_wire: OpenByWire) -> None:
    page, wire = open_by_wire(PAGE, split=100_000, delay=0.002)
    data = bytes(range(256)) * 80_000  # 20 MB
    timer = threading.Timer(0.2, wire.cut)
    timer.start()
    assert page.call("echo", 60)(data) == data
    timer.join()
    assert wire.cuts == 1
    tab.wait_for_function("states.length > 2")
    assert tab.evaluate("states") == ["open", "reconnecting", "open"]


def test_a_page_that_does_not_come_back_ends_its_calls(app: JsMeetsPy, tab: Tab, open_by_wire: OpenByWire) -> None:
    app.bridge.protocol.resume_seconds = 0.5
    page, wire = open_by_wire(PAGE)
    tab.evaluate("""JsPyFunction.expose("never", () => {
        JsPyQueue.push_nowait("begun")(true);
        return new Promise(() => undefined);
    })""")
    threading.Thread(target=lambda: page.queue("begun").get(scaled(10)) and wire.refuse()).start()
    start = time.monotonic()
    with pytest.raises(ConnectionLost, match="'never' may or may not have run"):
        page.call("never", scaled(20))()
    assert 0.5 < time.monotonic() - start < scaled(5)
    assert page.wait(scaled(5))
    tab.wait_for_function("states.at(-1) === 'lost'")
    wire.flow()
    assert page.wait_connected(10), "the tab is still there"
    assert page.call("echo", 10)(1) == 1


def test_both_sides_hear_of_the_state(app: JsMeetsPy, tab: Tab, open_by_wire: OpenByWire) -> None:
    heard: queue.Queue[str] = queue.Queue()
    sockets: queue.Queue[tuple[int, str]] = queue.Queue()

    async def on_state(socket: int, state: str) -> None:
        sockets.put((socket, state))

    events: list[tuple[int, str]] = []
    app.sockets.add_socket_event(lambda *event: events.append(event))
    app.sockets.add_state_event(on_state)
    waiting = app.launch("<title>Never opened</title>", mode="none")
    assert waiting.state == "connecting"
    page, wire = open_by_wire(PAGE)
    page.add_state_event(heard.put)
    assert page.state == "open"
    assert sockets.get(timeout=scaled(5)) == (1, "open")
    wire.cut()
    assert [heard.get(timeout=scaled(5)) for _ in range(2)] == ["reconnecting", "open"]
    assert [sockets.get(timeout=scaled(5)) for _ in range(2)] == [(1, "reconnecting"), (1, "open")]
    app.bridge.portal.call(setattr, app.bridge.protocol, "resume_seconds", 0.5)
    wire.refuse()
    assert [heard.get(timeout=scaled(5)) for _ in range(2)] == ["reconnecting", "closed"]
    assert page.state == "closed"
    assert [sockets.get(timeout=scaled(5)) for _ in range(2)] == [(1, "reconnecting"), (1, "lost")]
    wire.flow()
    assert heard.get(timeout=scaled(10)) == "open", "the tab came back"
    assert sockets.get(timeout=scaled(5)) == (2, "open")
    tab.goto("about:blank")
    assert sockets.get(timeout=scaled(5)) == (2, "closed")
    assert [heard.get(timeout=scaled(5)) for _ in range(2)] == ["reconnecting", "closed"]
    until(lambda: len(events) == 4)
    assert events == [(1, "connect"), (1, "disconnect"), (2, "connect"), (2, "disconnect")]
    assert waiting.state == "connecting"
    with pytest.raises(TypeError, match="a state event callback must be a function"):
        page.add_state_event(None)  # type: ignore[arg-type]


def test_a_page_that_python_closes_is_not_told_to_reconnect(app: JsMeetsPy, open_by_wire: OpenByWire) -> None:
    heard: queue.Queue[str] = queue.Queue()
    app.launch("<title>Keeps the server</title>", mode="none")
    page, _ = open_by_wire(PAGE)
    page.add_state_event(heard.put)
    page.close()
    assert heard.get(timeout=scaled(5)) == "closed"
    page.clear_state_event()
    assert heard.empty()
