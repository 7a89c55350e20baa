"""Queues, topics, values and binary sockets, in real browsers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy
import pytest
from playwright.sync_api import Page as Tab

from jsmeets_local import CallTimeout, Disconnected, JsMeetsPy, JsPyBinarySocket, Page
from jsmeets_local.blocking import BlockingFunctions, BlockingQueues
from tests.timing import scaled

from .conftest import Tabs

Open = Callable[..., Page]


def test_queues_to_python(app: JsMeetsPy, open_page: Open, tab: Tab) -> None:
    seen: list[Any] = []
    app.queues.add_callback(seen.append)
    app.queues.add_callback(seen.append)  # once
    page = open_page()
    tab.evaluate("""async () => {
        JsPyQueue.push_nowait('q1')([1, {'a': 1, 'b': 10}]);
        JsPyQueue.push_nowait('q1')(undefined);
        JsPyQueue.push_nowait(5)('a number as the key');
        return await JsPyQueue.push('q2', 5)('acknowledged');
    }""")
    assert app.queues.get_keys() == ["q1", 5, "q2"]
    assert app.queues.pop("q1", "default") is None
    assert app.queues.shift("q1") == [1, {"a": 1, "b": 10}]
    assert app.queues.is_empty("q1")
    assert app.queues.has("q1")
    assert app.queues.pop("q1", "default") == "default"
    assert app.queues.shift(5) == "a number as the key"
    app.queues.remove("q1")
    assert not app.queues.has("q1")
    assert page.queue("q2").get(timeout=scaled(5)) == "acknowledged"
    with pytest.raises(CallTimeout, match=r"'q2' within 0\.05 s"):
        page.queue("q2").get(timeout=0.05)
    tab.evaluate("for (let i = 0; i < 1000; i++) JsPyQueue.push_nowait('many')(i)")
    assert [page.queue("many").get(timeout=scaled(5)) for _ in range(1000)] == list(range(1000))
    while len(seen) < 1004:
        page.eval("1")
    assert seen == ["q1", "q1", 5, "q2"] + ["many"] * 1000


def test_queues_to_javascript(app: JsMeetsPy, open_page: Open, tab: Tab) -> None:
    page = open_page("window.keys = []; JsPyQueue.add_callback((key) => window.keys.push(key));")
    page.wait_connected()
    for i in range(1000):
        app.queues.push_nowait("q1")(i)
    assert BlockingQueues(app.bridge).push("q1", timeout=scaled(5))("last") == [1]
    assert tab.evaluate("[JsPyQueue.pop('q1'), JsPyQueue.shift('q1'), window.keys.length]") == ["last", 0, 1001]
    rest = "Array.from({length: 999}, () => JsPyQueue.shift('q1'))"
    assert tab.evaluate(rest) == list(range(1, 1000))
    empty = "[JsPyQueue.is_empty('q1'), JsPyQueue.has('q1'), JsPyQueue.shift('q1', 'none'), JsPyQueue.pop('q1') === undefined]"
    assert tab.evaluate(empty) == [True, True, "none", True]
    page.queue("own").push({"x": 1})
    assert page.eval("JsPyQueue.shift('own')") == {"x": 1}
    with pytest.raises(TypeError, match=r"data\['x'\]"):
        app.queues.push_nowait("q1")({"x": object()})


def test_iterating_a_queue_ends_with_the_page(app: JsMeetsPy, open_page: Open, tab: Tab) -> None:
    page = open_page("for (const x of ['a', 'b']) JsPyQueue.push_nowait('q')(x);")
    items: list[Any] = []
    thread = threading.Thread(target=lambda: items.extend(page.queue("q")))
    thread.start()
    page.eval("1")
    tab.close()
    thread.join(scaled(10))
    assert not thread.is_alive()
    assert items == ["a", "b"]
    with pytest.raises(Disconnected):
        page.queue("q").get(timeout=1)


def test_topics(app: JsMeetsPy, open_page: Open, tabs: Tabs, tab: Tab) -> None:
    heard: list[Any] = []

    @app.pubsub.subscribe("t")
    def hear(topic: str, data: Any) -> None:
        heard.append((topic, data))
        if data == "bad":
            raise ValueError("a subscriber that fails hurts nobody")

    script = "window.got = []; window.ok = JsPyPubsub.subscribe('t', (topic, data) => window.got.push([topic, data]), timeout = 5);"
    page = open_page(script)
    other = tabs.open(page.url)
    assert tab.evaluate("window.ok") is True
    assert other.evaluate("window.ok") is True
    inbox = page.subscribe("t")
    assert tab.evaluate("JsPyPubsub.publish('t', timeout = 5)([null, 3])") is True
    assert tab.evaluate("JsPyPubsub.publish('t', true)('not to me')") is True
    assert tab.evaluate("JsPyPubsub.publish('t')(undefined)") is True
    assert inbox.get(timeout=scaled(5)) == ("t", [None, 3])
    assert inbox.get(timeout=scaled(5)) == ("t", "not to me")
    assert app.pubsub.publish("t")({"a": [1, 2]}) is True
    assert app.pubsub.publish("t", suppress=True)("bad") is True
    assert page.publish("t")("end") is True
    both = [["t", [None, 3]], ["t", None], ["t", {"a": [1, 2]}], ["t", "bad"], ["t", "end"]]
    tab.wait_for_function("window.got.length === 5")
    assert tab.evaluate("window.got") == both
    other.wait_for_function("window.got.length === 6")
    assert other.evaluate("window.got") == [both[0], ["t", "not to me"], *both[1:]]
    assert [inbox.get(timeout=scaled(5))[1] for _ in range(3)] == [None, {"a": [1, 2]}, "end"]
    while len(heard) < 5:
        page.eval("1")
    assert [data for _, data in heard] == [[None, 3], "not to me", None, {"a": [1, 2]}, "end"]
    assert tab.evaluate("JsPyPubsub.unsubscribe('t')") is True
    assert tab.evaluate("JsPyPubsub.unsubscribe('t')") is False
    page.publish("t")("unheard")
    other.wait_for_function("window.got.length === 7")
    assert len(tab.evaluate("window.got")) == 5
    assert app.pubsub.get_topics() == ["t"]
    other.close()
    app.pubsub.publish("t")("after one has left")
    assert inbox.get(timeout=scaled(5)) == ("t", "unheard")
    inbox.close()
    assert hear is not None


def test_topics_keep_their_order(app: JsMeetsPy, open_page: Open, tab: Tab) -> None:
    orders: dict[str, list[int]] = {"plain": [], "async": []}
    app.pubsub.subscribe("plain", lambda _, n: orders["plain"].append(n))

    @app.pubsub.subscribe("async")
    async def hear(_: str, n: int) -> None:
        orders["async"].append(n)

    page = open_page("window.got = []; JsPyPubsub.subscribe('down', async (_, n) => { window.got.push(n); });")
    tab.evaluate("""Promise.all(Array.from({length: 300}, (_, i) =>
        Promise.all([JsPyPubsub.publish('plain')(i), JsPyPubsub.publish('async')(i)])))""")
    for n in range(300):
        app.pubsub.publish("down")([n, b"x" * (600_000 if n == 100 else 10)])  # items behind a large one wait
    while len(orders["plain"]) < 300:
        page.eval("1")
    assert orders == {"plain": list(range(300)), "async": list(range(300))}
    tab.wait_for_function("window.got.length === 300")
    assert page.eval("window.got.map(pair => pair[0])") == list(range(300))


def test_values_both_ways(app: JsMeetsPy, open_page: Open, tab: Tab) -> None:
    received: list[Any] = []

    @app.expose
    def keep(*args: Any) -> None:
        received.extend(args)

    page = open_page("""
        JsPyFunction.expose('echo', (x) => x);
        JsPyFunction.expose('kinds', (...xs) => xs.map(x => x === null ? 'null' : x.constructor.name));
    """)
    for value in (None, True, 1.5, "é\ud800𝄞", [], {}, [[1], {"a": {"b": [None]}}], 2**53, -1):
        assert page.call("echo")(value) == value
    assert page.call("echo")({1: (2, {3})}) == {"1": [2, [3]]}
    assert page.call("echo")(2**70) == pytest.approx(2**70)
    assert page.call("echo")({"a": [b"\x00\xff", {"b": bytearray(b"x")}]}) == {"a": [b"\x00\xff", {"b": b"x"}]}
    assert page.call("kinds")(b"", [b""], numpy.zeros(2), numpy.zeros(2, "i4"), numpy.zeros(1, "i8")) == [
        "Uint8Array",
        "Array",
        "Float64Array",
        "Int32Array",
        "BigInt64Array",
    ]
    array = page.call("echo")(numpy.arange(5.0))
    assert isinstance(array, numpy.ndarray)
    assert array.tolist() == [0, 1, 2, 3, 4]
    image = numpy.arange(6, dtype="u1").reshape(2, 3)
    back = page.call("echo")(image)
    assert (back.dtype, back.shape, back.tolist()) == (image.dtype, (2, 3), image.tolist())
    tab.evaluate("""() => JsPyFunction.call('keep')(
        undefined, NaN, -Infinity, new Date(0), new Map([[1, 2]]), () => 1, {a: undefined, f() {}, b: null},
        new Uint8Array([1, 2]), new Uint8Array([3, 4]).buffer, new DataView(new ArrayBuffer(1)),
        new Float32Array([1.5]), new Uint8ClampedArray([7]), [new Int16Array([1, -1])],
        new Uint8Array([1, 2, 3, 4]).subarray(1, 3), '\\ud800')""")
    assert received[:5] == [None, None, None, "1970-01-01T00:00:00.000Z", {1: 2}]
    assert received[5]() == 1
    assert (received[6].pop("f")(), received[6]) == (None, {"b": None})
    assert received[7:10] == [b"\x01\x02", b"\x03\x04", b"\x00"]
    assert received[10].tolist() == [1.5]
    assert received[10].dtype == "float32"
    assert received[11] == b"\x07"
    assert received[12][0].tolist() == [1, -1]
    assert received[13:] == [b"\x02\x03", "\ud800"]


def test_large_values_both_ways(app: JsMeetsPy, open_page: Open, tab: Tab) -> None:
    app.functions.expose("length", len)
    app.functions.expose("py_echo", lambda x: x)
    page = open_page("JsPyFunction.expose('echo', (x) => x);")
    nested = [{"id": i, "name": f"item {i}", "tags": ["a", "b"], "at": {"x": i * 0.5}} for i in range(16_000)]
    assert page.call("echo", timeout=scaled(60))(nested) == nested
    same = """async () => { const big = Array.from({length: 16000}, (_, i) => ({id: i, name: 'item ' + i, at: {x: i / 2}}));
        return JSON.stringify(await JsPyFunction.call('py_echo')(big)) === JSON.stringify(big); }"""
    assert tab.evaluate(same) is True
    block = bytes(range(256)) * (64 * 1024 * 1024 // 256)
    assert page.call("echo", timeout=scaled(100))(block) == block
    assert tab.evaluate("JsPyFunction.call('length')(new Uint8Array(64 * 1024 * 1024))") == 64 * 1024 * 1024


def test_a_small_call_passes_a_large_one(app: JsMeetsPy, open_page: Open) -> None:
    page = open_page("JsPyFunction.expose('big', (x) => 'big'); JsPyFunction.expose('small', () => 'small');")
    page.wait_connected()
    done: list[str] = []
    thread = threading.Thread(target=lambda: done.append(page.call("big")(bytes(64 * 1024 * 1024))))
    thread.start()
    while not done:
        done.append(page.call("small")())
    thread.join()
    assert done[0] == "small"
    assert done[-1] == "big"


def test_custom_protocols(app: JsMeetsPy, open_page: Open, tab: Tab) -> None:
    got: list[Any] = []

    async def handler(ws: Any, socket_id: int, message: dict[str, Any]) -> None:
        got.append((type(ws).__name__, socket_id, message))
        app.sockets.multicast({**message, "data": "back"}, socket_id)

    app.sockets.add_protocol("mine", handler)
    page = open_page("window.mine = []; JsPyTextSocket.add_protocol('mine', (message) => window.mine.push(message));")
    page.wait_connected()
    message = {"protocol": "mine", "key": "k", "id": 3, "data": [1], "exception": None}
    assert tab.evaluate("m => JsPyTextSocket.send_json(m)", message) is True
    tab.wait_for_function("window.mine.length === 1")
    assert got == [("WebSocket", 1, message)]
    assert tab.evaluate("window.mine[0]") == {**message, "data": "back"}
    app.sockets.reservecast({**message, "id": 4})
    app.sockets.broadcast({**message, "id": 5})
    tab.wait_for_function("window.mine.length === 3")
    assert tab.evaluate("window.mine.map(m => m.id)") == [3, 4, 5]
    with pytest.raises(TypeError, match="missing: exception"):
        app.sockets.broadcast({"protocol": "mine", "key": "k", "id": 3, "data": [1]})


def test_binary_sockets(app: JsMeetsPy, open_page: Open, tab: Tab) -> None:
    events: list[Any] = []
    got: list[Any] = []
    echo, sink = JsPyBinarySocket("/socket/pipe1"), JsPyBinarySocket()

    async def answer(ws: Any, socket_id: int, data: bytes) -> None:
        await ws.send_bytes(data[::-1])

    echo.set_message_handler(answer)
    sink.set_message_handler(lambda ws, socket_id, data: got.append((socket_id, data)))
    sink.add_socket_event(lambda *event: events.append(event))
    app.add_socket(echo)
    app.add_socket(sink)
    page = open_page("""
        window.got = [];
        window.open = (name, path) => {
            window[name] = new JsPyBinarySocket(path);
            window[name].set_message_handler((ws, data) => window.got.push([name, ...new Uint8Array(data)]));
        };
        window.open('first', '/socket/pipe1');
        window.open('second');
    """)
    page.wait_connected()
    tab.wait_for_function("window.first.ready() && window.second.ready()")
    assert page.eval("window.first.send(new Uint8Array([1, 2, 3]))") is True
    assert page.eval("window.second.send(new Uint8Array(5 * 1024 * 1024).buffer)") is True
    tab.wait_for_function("window.got.length === 1")
    assert page.eval("window.got") == [["first", 3, 2, 1]]
    while not got:
        page.eval("1")
    assert (got[0][0], len(got[0][1])) == (1, 5 * 1024 * 1024)
    assert sink.get_socket_id() == (1,)
    assert echo.number_of_connections() == 1
    sink.reservecast(b"\x09")

    async def cast() -> Any:
        return await sink.broadcast(b"\x08"), await sink.multicast(b"", [77])

    import asyncio

    loop = app.bridge.portal.loop
    assert loop is not None
    assert asyncio.run_coroutine_threadsafe(cast(), loop).result(scaled(5)) == ([None], [])
    tab.wait_for_function("window.got.length === 3")
    assert page.eval("window.got.slice(1)") == [["second", 9], ["second", 8]]
    assert sink.close_socket(1)
    tab.wait_for_function("!window.second.ready()")
    assert not sink.close_socket(1)
    while len(events) < 2:
        page.eval("1")
    assert events == [(1, "connect"), (1, "disconnect")]


def test_the_blocking_form_of_the_2020_api(app: JsMeetsPy, open_page: Open) -> None:
    page = open_page("JsPyFunction.expose('f', (x) => x * 2);")
    page.wait_connected()
    functions = BlockingFunctions(app.bridge)
    assert functions.call("f", timeout=scaled(5))(4) == {1: 8}
    assert functions.call("f", target=9)(4) == {}
    with pytest.raises(CallTimeout):
        BlockingQueues(app.bridge).get("nothing", timeout=0.05)
