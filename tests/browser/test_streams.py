"""Streams between Python and real browsers, in both directions."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy
import pytest
from playwright.sync_api import Page as Tab

from jsmeets_local import CallTimeout, JavaScriptError, JsMeetsPy, JSStream, Page, PageClosed, current_page
from tests.timing import scaled, until

from .conftest import OpenByWire

Open = Callable[..., Page]

READ = """
const py = new Proxy({}, { get: (_, name) => JsPyFunction.call(name) });
async function all(stream) {
    const items = [];
    for await (const item of stream) { items.push(item); }
    return items;
}
"""
COUNT = """
globalThis.made = 0;
globalThis.ended = [];
JsPyFunction.expose('count', function* (n) {
    try { for (let i = 0; i < n; i += 1) { made += 1; yield i; } } finally { ended.push('count'); }
});
JsPyFunction.expose('acount', async function* (n) {
    try { for (let i = 0; i < n; i += 1) { made += 1; await null; yield i; } } finally { ended.push('acount'); }
});
JsPyFunction.expose('fails', async function* () { yield 1; throw new RangeError('too far'); });
JsPyFunction.expose('readable', (n) => {
    let i = 0;
    return new ReadableStream({
        pull(controller) { if (i < n) { controller.enqueue(i); i += 1; } else { controller.close(); } },
        cancel() { ended.push('readable'); },
    });
});
"""


def quiet(app: JsMeetsPy) -> bool:
    """Return whether nothing is left in the tables of the newest page."""
    stats = app.stats()["pages"][-1]
    return stats["streams"] == 0 and stats["references"] == {"exported": 0, "imported": 0}


# Python -> page ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_async", [False, True])
def test_a_page_reads_a_generator(app: JsMeetsPy, open_page: Open, tab: Tab, is_async: bool) -> None:
    open_page(READ)

    def rows(n: int) -> Iterator[Any]:
        for i in range(n):
            yield {"row": i, "page": current_page() is not None}

    async def async_rows(n: int) -> AsyncIterator[Any]:
        for row in rows(n):
            await asyncio.sleep(0)
            yield row

    app.functions.expose("rows", async_rows if is_async else rows)
    expected = [{"row": i, "page": True} for i in range(9)]
    assert tab.evaluate("(async () => { return await all(await py.rows(9)); })()") == expected
    loop = "(async () => { const t = []; for await (const row of py.rows(3)) { t.push(row.row); } return t; })()"
    assert tab.evaluate(loop) == [0, 1, 2]
    assert until(lambda: quiet(app))
    assert tab.evaluate("JsPyTextSocket.stats().streams") == 0


@pytest.mark.parametrize("is_async", [False, True])
def test_break_in_the_page_closes_the_generator_within_its_window(
    app: JsMeetsPy, open_page: Open, tab: Tab, is_async: bool
) -> None:
    open_page(READ)
    made: list[int] = []
    closed = threading.Event()

    def count() -> Iterator[int]:
        try:
            for i in itertools.count():
                made.append(i)
                yield i
        finally:
            closed.set()

    async def async_count() -> AsyncIterator[int]:
        try:
            for i in itertools.count():
                made.append(i)
                yield i
        finally:
            closed.set()

    app.functions.expose("count", async_count if is_async else count)
    tab.evaluate("""(async () => {
        globalThis.stream = await py.count();
        for (let i = 0; i < 10; i += 1) { await stream.next(); }
    })()""")
    time.sleep(scaled(0.1))
    assert 10 <= len(made) <= 256
    assert not closed.is_set()
    assert tab.evaluate("(async () => { for await (const i of stream) { if (i === 700) { return i; } } })()") == 700
    assert closed.wait(scaled(5))
    assert 700 < len(made) <= 701 + 256
    assert until(lambda: quiet(app))


def test_errors_of_generators_reach_the_page(app: JsMeetsPy, open_page: Open, tab: Tab) -> None:
    open_page(READ)

    @app.expose
    def fails() -> Iterator[Any]:
        yield 1
        raise ValueError("no more")

    @app.expose
    def unsendable() -> Iterator[Any]:
        yield 1
        yield object()

    code = """async (name) => {
        const got = [];
        try { for await (const item of await JsPyFunction.call(name)()) { got.push(item); } }
        catch (error) { got.push(error.name, error.message); }
        return got;
    }"""
    assert tab.evaluate(code, "fails") == [1, "ValueError", "no more"]
    got = tab.evaluate(code, "unsendable")
    assert got[:2] == [1, "TypeError"]
    assert "object of type object cannot be sent" in got[2]


def test_an_aborted_call_closes_its_stream(app: JsMeetsPy, open_page: Open, tab: Tab) -> None:
    open_page(READ)
    closed = threading.Event()

    @app.expose
    def count() -> Iterator[int]:
        try:
            yield from itertools.count()
        finally:
            closed.set()

    code = """(async () => {
        const { py } = await import('/jsmeetspy/jsmeets.mjs');
        const abort = new AbortController();
        const stream = await py.count.with({ signal: abort.signal })();
        await stream.next();
        abort.abort();
        try { for await (const i of stream) {} } catch (error) { return error.name; }
    })()"""
    assert tab.evaluate(code) == "AbortError"
    assert closed.wait(scaled(5))
    assert until(lambda: quiet(app))


def test_a_timeout_of_the_call_closes_its_stream(app: JsMeetsPy, open_page: Open, tab: Tab) -> None:
    open_page(READ)
    closed = threading.Event()

    @app.expose
    async def stall() -> AsyncIterator[int]:
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            closed.set()

    code = """(async () => {
        const { py } = await import('/jsmeetspy/jsmeets.mjs');
        for (let timeout = 0.2, count = 0; ; timeout *= 2) {   // a slow machine may need longer for the first item
            try {
                for await (const i of py.stall.with({ timeout })()) { count += 1; }
            } catch (error) {
                if (count > 0) { return [error.kind, error.message.replace(timeout, "N")]; }
            }
        }
    })()"""
    text = "A timeout has occurred @javascript: 'stall' did not end within N s"
    assert tab.evaluate(code) == ["timeout", text]
    assert closed.wait(scaled(5))
    assert until(lambda: quiet(app))


def test_a_reload_closes_the_streams_of_both_sides(app: JsMeetsPy, open_page: Open, tab: Tab) -> None:
    page = open_page(READ + COUNT)
    closed = threading.Event()

    @app.expose
    def count() -> Iterator[int]:
        try:
            yield from itertools.count()
        finally:
            closed.set()

    tab.evaluate("(async () => { globalThis.stream = await py.count(); await stream.next(); })()")
    stream = page.call("count")(10_000)
    assert next(stream) == 0
    tab.reload()
    assert closed.wait(scaled(10))
    with pytest.raises(PageClosed):
        for _ in stream:
            pass
    assert tab.evaluate("JsPyTextSocket.wait_ready(10)")
    assert until(lambda: quiet(app))


def test_twenty_thousand_small_items_each_way(app: JsMeetsPy, open_page: Open, tab: Tab) -> None:
    page = open_page(READ + COUNT)
    app.functions.expose("rows", lambda n: iter(range(n)))
    code = """(async () => {
        let n = 0;
        for await (const i of await py.rows(20000)) { if (i !== n) { return `${i} for ${n}`; } n += 1; }
        return n;
    })()"""
    assert tab.evaluate(code) == 20_000
    for name in ("count", "acount", "readable"):
        assert list(page.call(name)(20_000)) == list(range(20_000))
    assert until(lambda: quiet(app))


def test_arrays_each_way(app: JsMeetsPy, open_page: Open, tab: Tab) -> None:
    page = open_page(
        READ
        + """
        JsPyFunction.expose('frames', function* (n) {
            for (let i = 0; i < n; i += 1) { yield new Float32Array(262144).fill(i); }
        });
    """
    )

    @app.expose
    def frames(n: int) -> Iterator[Any]:
        frame = numpy.zeros(262_144, "f4")
        for i in range(n):
            frame[:] = i
            yield frame

    code = """(async () => {
        const seen = [];
        for await (const frame of await py.frames(20)) { seen.push([frame.length, frame[0], frame[262143]]); }
        return seen;
    })()"""
    assert tab.evaluate(code) == [[262_144, i, i] for i in range(20)]
    got = [(frame.shape, frame[0], frame[-1]) for frame in page.call("frames")(20)]
    assert got == [((262_144,), i, i) for i in range(20)]
    assert until(lambda: quiet(app))


# 32 MiB, and the item that exceeds them; each counts as itself and its bytes.
AHEAD = 33


def test_a_slow_reader_stops_large_arrays_by_their_bytes(app: JsMeetsPy, open_page: Open, tab: Tab) -> None:
    page = open_page("""
        globalThis.made = 0;
        JsPyFunction.expose('frames', function* () {
            for (;;) { made += 1; yield new Uint8Array(1048576).fill(made & 255); }
        });
    """)
    made: list[int] = []

    @app.expose
    def frames() -> Iterator[Any]:
        for i in itertools.count(1):
            made.append(i)
            yield numpy.full(1_048_576, i & 255, "u1")

    tab.evaluate("(async () => { globalThis.down = await JsPyFunction.call('frames')(); })()")
    with page.call("frames")() as up:
        for read in range(1, 41):
            assert tab.evaluate("down.next().then(({ value }) => value[1048575])") == read
            assert next(up)[-1] == read
            if read % 8 == 1:
                until(lambda read=read: min(len(made), tab.evaluate("made")) - read >= 8)
                time.sleep(scaled(0.2))
                assert len(made) - read <= AHEAD
                assert tab.evaluate("made") - read <= AHEAD
    tab.evaluate("down.destroy()")
    assert until(lambda: quiet(app))


# Page -> Python ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["count", "acount", "readable"])
def test_python_reads_what_the_page_iterates(app: JsMeetsPy, open_page: Open, tab: Tab, name: str) -> None:
    page = open_page(COUNT)
    stream = page.call(name)(9)
    assert isinstance(stream, JSStream)
    assert list(stream) == list(range(9))

    async def read() -> list[Any]:
        return [item async for item in await page.aio.call(name)(9)]

    with_loop: list[Any] = []  # Playwright's loop runs in this thread
    reader = threading.Thread(target=lambda: with_loop.extend(asyncio.run(read())))
    reader.start()
    while reader.is_alive():
        tab.wait_for_timeout(10)
    assert with_loop == list(range(9))
    assert until(lambda: quiet(app))


@pytest.mark.parametrize("name", ["count", "acount", "readable"])
def test_leaving_a_loop_closes_the_iterator_of_the_page(app: JsMeetsPy, open_page: Open, tab: Tab, name: str) -> None:
    page = open_page(COUNT)
    with page.call(name)(100_000) as stream:
        for item in stream:
            if item == 700:
                break
    assert until(lambda: tab.evaluate("ended") == [name])
    if name != "readable":
        assert 700 < tab.evaluate("made") <= 701 + 256
    stream = page.call(name)(100_000)
    assert next(stream) == 0
    del stream
    assert until(lambda: tab.evaluate("ended") == [name, name])
    assert until(lambda: quiet(app))


def test_an_error_of_the_page_ends_the_loop(open_page: Open) -> None:
    page = open_page(COUNT)
    got: list[Any] = []
    with pytest.raises(JavaScriptError, match="RangeError: too far"):
        for item in page.call("fails")():
            got.append(item)
    assert got == [1]


DRIVEN = """
globalThis.steps = [];
function* sums() {
    let total = 0;
    try {
        for (;;) {
            try {
                const given = yield total;
                steps.push(given === undefined ? 'undefined' : given);
                if (given === 'stop') { return total; }
                total += given ?? 0;
            } catch (error) {
                if (error.message === 'out') { throw error; }
                if (error.name === 'Other') { throw new RangeError(error.message); }
                steps.push([error.name, error.message, error instanceof Error]);
                total = 0;
            }
        }
    } finally { steps.push('finally'); }
}
async function* asums() {
    const inner = sums();
    let result = inner.next();
    try {
        while (!result.done) {
            try {
                const given = yield await Promise.resolve(result.value);
                result = inner.next(given);
            } catch (error) { result = inner.throw(error); }
        }
        return result.value;
    } finally { inner.return(); }
}
JsPyFunction.expose('sums', sums);
JsPyFunction.expose('asums', asums);
JsPyFunction.expose('promises', function* () { const given = yield Promise.resolve(1); yield Promise.reject(new RangeError(given)); });
JsPyFunction.expose('counter', () => { let n = 0; return { next: (by = 1) => ({ value: n += by }), [Symbol.iterator]() { return this; } }; });
JsPyFunction.expose('readable', () => new ReadableStream({ start(controller) { controller.enqueue(1); controller.close(); } }));
JsPyFunction.expose('hangs', async function* () { yield 1; await new Promise(() => {}); });
JsPyFunction.expose('point', function* () { const given = yield document; yield given; });
"""


class Other(Exception):
    pass


@pytest.mark.parametrize("name", ["sums", "asums"])
def test_python_drives_a_generator_of_the_page(app: JsMeetsPy, open_page: Open, tab: Tab, name: str) -> None:
    page = open_page(DRIVEN)
    stream = page.call(name)()
    assert stream.send(None) == 0
    assert tab.evaluate("steps") == []  # nothing is read ahead
    assert [stream.send(2), stream.send(3), next(stream), stream.get(timeout=scaled(10))] == [2, 5, 5, 5]
    assert stream.throw(ValueError("again")) == 0
    assert [item for item, _ in zip(stream, range(2), strict=False)] == [0, 0]
    assert stream.throw(KeyError) == 0
    assert stream.send(7) == 7
    assert tab.evaluate("steps") == [2, 3, "undefined", "undefined", ["ValueError", "again", True],
                                     "undefined", "undefined", "undefined", ["KeyError", "", True], 7]  # fmt: skip
    with pytest.raises(StopIteration) as ended:
        stream.send("stop")
    assert ended.value.value == 7
    for _ in range(2):
        with pytest.raises(StopIteration):
            stream.send(1)
    error = ValueError("closed")
    with pytest.raises(ValueError, match="closed") as caught:
        stream.throw(error)
    assert caught.value is error
    assert until(lambda: quiet(app))

    stream = page.call(name)()
    error = ValueError("out")
    stream.send(None)
    with pytest.raises(ValueError, match="out") as caught:  # the error itself, as the generator lets it pass
        stream.throw(error)
    assert caught.value is error
    assert list(stream) == []
    stream = page.call(name)()
    stream.send(None)
    with pytest.raises(JavaScriptError, match="RangeError: wrong"):
        stream.throw(Other("wrong"))

    tab.evaluate("steps.length = 0")
    with page.call(name)() as stream:
        assert stream.send(None) == 0
    assert until(lambda: tab.evaluate("steps") == ["finally"])
    assert until(lambda: quiet(app))


def test_what_cannot_be_driven_says_so(app: JsMeetsPy, open_page: Open, tab: Tab) -> None:
    page = open_page(DRIVEN)
    stream = page.call("sums")()
    assert next(stream) == 0
    for use in (lambda: stream.send(1), lambda: stream.throw(ValueError)):
        with pytest.raises(RuntimeError, match=r"items ahead: begin with stream\.send\(None\)"):
            use()
    assert next(stream) == 0  # it can still be read
    with pytest.raises(TypeError, match="value: object of type"):
        page.call("sums")().send(object())
    with pytest.raises(JavaScriptError, match="ReadableStream has no method 'next': it is no generator"):
        page.call("readable")().send(1)
    counter = page.call("counter")()
    assert [counter.send(None), counter.send(5), next(counter)] == [1, 6, 7]
    with pytest.raises(JavaScriptError, match="Object has no method 'throw'"):
        counter.throw(ValueError("x"))
    assert counter.send(1) == 8
    with pytest.raises(TypeError, match=r"throw an exception, such as stream\.throw"):
        counter.throw("no error")
    promises = page.call("promises")()
    assert promises.send(None) == 1
    with pytest.raises(JavaScriptError, match="RangeError: given"):
        promises.send("given")
    point = page.call("point")()
    document = point.send(None)
    assert (document.nodeType, point.send(document) == document) == (9, True)
    hangs = page.call("hangs")()
    assert hangs.send(None) == 1
    with pytest.raises(CallTimeout, match="'generator' did not answer"):
        hangs.get(timeout=0.05)
    driven = page.call("sums")()
    assert driven.send(None) == 0

    async def drive() -> list[Any]:
        stream = await page.aio.call("asums")()
        got = [
            await stream.asend(None),
            await stream.asend(4),
            await anext(stream),
            await stream.athrow(ValueError("x")),
        ]
        got += [item async for item in _first(stream, 1)]
        with pytest.raises(StopAsyncIteration):
            await stream.asend("stop")
        stuck = await page.aio.call("hangs")()
        await stuck.asend(None)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(stuck.asend(1), 0.05)
        return got

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(asyncio.run, drive()).result(scaled(20)) == [0, 4, 4, 0, 0]
    tab.reload()
    assert until(lambda: not page.is_connected() or page.call("sums")() is not None)
    with pytest.raises(PageClosed):
        driven.send(1)
    with pytest.raises(StopIteration):
        driven.send(1)


def test_a_stream_is_either_read_or_driven(app: JsMeetsPy, open_page: Open) -> None:
    page = open_page(DRIVEN)

    def send(stream: JSStream, barrier: threading.Barrier) -> Any:
        barrier.wait()
        try:
            return stream.send(5)
        except RuntimeError:
            return "read"

    def read(stream: JSStream, barrier: threading.Barrier) -> Any:
        barrier.wait()
        return next(stream)

    with ThreadPoolExecutor(2) as pool:
        for _ in range(30):
            stream, barrier = page.call("sums")(), threading.Barrier(2)
            got = pool.submit(read, stream, barrier), pool.submit(send, stream, barrier)
            outcome = got[0].result(scaled(20)), got[1].result(scaled(20))
            assert outcome in [(0, "read"), (0, 0)]
            if outcome == (0, 0):
                assert stream.send(1) == 1
            stream.close()


async def _first(stream: JSStream, count: int) -> AsyncIterator[Any]:
    async for item in stream:
        yield item
        count -= 1
        if not count:
            return


def test_streams_are_arguments_of_both_sides(app: JsMeetsPy, open_page: Open, tab: Tab) -> None:
    page = open_page(READ + "JsPyFunction.expose('collect', async (stream) => all(stream));")
    assert page.call("collect")(iter("abc")) == ["a", "b", "c"]
    app.functions.expose("total", lambda numbers: sum(numbers))
    code = "(async () => py.total((function* () { for (let i = 0; i < 1000; i += 1) yield i; })()))()"
    assert tab.evaluate(code) == 499_500


# Lost connections --------------------------------------------------------------------------------------------------


def test_streams_survive_cut_wires_exactly_once(app: JsMeetsPy, tab: Tab, open_by_wire: OpenByWire) -> None:
    page, wire = open_by_wire(f"<title>T</title><script>{READ}{COUNT}</script>", split=5000)
    app.functions.expose("rows", lambda n: iter(range(n)))
    tab.evaluate("void (globalThis.done = (async () => all(await py.rows(20000)))())")
    stream, driven = page.call("acount")(20_000), page.call("count")(5)
    got: list[int] = []
    steps: list[int] = []
    for item in stream:
        got.append(item)
        if item % 4000 == 2000:
            wire.cut()
            steps.append(driven.send(None))
    assert got == list(range(20_000))
    assert steps == list(range(5))
    assert list(driven) == []
    assert tab.evaluate("done") == list(range(20_000))
    assert app.stats()["pages"][-1]["reconnects"] >= 3
    assert until(lambda: quiet(app))


# Leaks -------------------------------------------------------------------------------------------------------------


def test_nothing_is_left_of_streams(app: JsMeetsPy, open_page: Open, tab: Tab) -> None:
    page = open_page(READ + COUNT)

    async def async_rows(n: int) -> AsyncIterator[int]:
        for i in range(n):
            yield i

    app.functions.expose("rows", lambda n: iter(range(n)))
    app.functions.expose("arows", async_rows)
    tab.evaluate("""(async () => {
        for (let i = 0; i < 20; i += 1) {
            await all(await py.rows(3));
            await all(await py.arows(3));
            const left = await py.arows(999);
            await left.next();
            await left.return();
        }
    })()""")
    for _ in range(20):
        assert list(page.call("acount")(3)) == [0, 1, 2]
        page.call("acount")(999).close()
    assert until(lambda: quiet(app))
    dispatcher = app.bridge._dispatcher
    assert until(lambda: not dispatcher._tasks)
    assert app.bridge.protocol._streamed == {}
    app.stop()
    assert until(lambda: not [one for one in threading.enumerate() if one.name.startswith("jsmeets")])
