"""Calls in both directions, in real browsers."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page as Tab

from jsmeets_local import (
    CallTimeout,
    Disconnected,
    JavaScriptError,
    JsMeetsPy,
    JsPyError,
    Page,
    UnknownFunction,
    WouldDeadlock,
)
from tests.timing import scaled

from .conftest import Tabs

Open = Callable[..., Page]


def test_python_calls_javascript(open_page: Open) -> None:
    page = open_page("""
        JsPyFunction.expose('sum', (arr) => arr.reduce((x, y) => x + y, 0));
        JsPyFunction.expose('later', async (x) => { await new Promise(r => setTimeout(r, 10)); return x; });
        JsPyFunction.expose('thenable', (x) => ({ then: (done) => done(x + 1) }));
        JsPyFunction.expose('nothing', () => {});
        JsPyFunction.expose('odd', () => [undefined, NaN, Infinity, {a: undefined, b: 1}]);
        JsPyFunction.expose('defaults', (a, b = 5) => [a, b]);
    """)
    assert page.call("sum")([1, 2, 3]) == 6
    assert page.js.sum([4]) == 4
    assert page.js["later"]("x") == "x"
    assert page.call("thenable")(1) == 2
    assert page.call("nothing", timeout=scaled(5))() is None
    assert page.call("odd")() == [None, None, None, {"b": 1}]
    assert page.call("defaults")(1) == [1, 5]
    assert page.call("defaults")(1, 2, 3) == [1, 2]
    assert page.map("defaults")(range(2000)) == [[i, 5] for i in range(2000)]
    assert page.map("later")(["a", "b"]) == ["a", "b"]
    exposed = ["defaults", "later", "nothing", "odd", "sum", "thenable"]
    assert sorted(page._client.names()) == exposed
    assert {*exposed, "document"} <= set(dir(page.js))
    assert page.eval("document.title") == "T"
    assert page.eval("await new Promise(r => setTimeout(r, 5, 'awaited'))") == "awaited"
    assert page.eval("let x = 20; x + 1") == 21


def test_many_calls_together(open_page: Open) -> None:
    page = open_page("""
        JsPyFunction.expose('half', (x) => { if (x % 2) { throw new RangeError(`odd: ${x}`); } return x / 2; });
        JsPyFunction.expose('slow', (x) => new Promise((done) => setTimeout(done, 10 - x, x)));
        JsPyFunction.expose('late', async (x) => { if (x === 3) { throw new Error('late'); } return x; });
        JsPyFunction.expose('nothing', () => {});
        JsPyFunction.expose('odd', (x) => [null, Infinity, undefined, NaN][x]);
        globalThis.running = 0;
        JsPyFunction.expose('alone', async () => {
            running += 1;
            await null;
            const seen = running;
            running -= 1;
            return seen;
        }, true);
    """)
    assert page.map("half")(range(0, 10_000, 2)) == list(range(5_000))
    assert page.map("slow")(range(10)) == list(range(10))
    assert page.map("nothing")(range(3)) == [None] * 3
    assert page.map("alone")(range(5)) == [1] * 5
    with pytest.raises(JavaScriptError, match="RangeError: odd: 1") as caught:
        page.map("half")([0, 1, 3])
    assert caught.value.__notes__[1:] == ["(in call 1 of this map)"]
    assert "jsmeets.js" in caught.value.stack
    with pytest.raises(JavaScriptError, match="late") as caught:
        page.map("late")(range(2_000))
    assert caught.value.__notes__[1:] == ["(in call 3 of this map)"]
    with pytest.raises(UnknownFunction, match="nope"):
        page.map("nope")([1, 2])
    assert page.map("odd")(range(4)) == [None] * 4
    arrays = page.map("half")(np.arange(0, 6, 2))
    assert arrays == [0, 1, 2]


def test_javascript_calls_python(app: JsMeetsPy, open_page: Open, tab: Tab) -> None:
    @app.expose
    def add2(a: int, b: int) -> list[int]:
        if a < 0 or b < 0:
            raise ValueError("No negative arguments")
        return [a, b, a + b]

    @app.expose("async_add")
    async def _(a: int, b: int) -> int:
        await asyncio.sleep(0)
        return a + b

    app.functions.expose("coroutine_of_a_lambda", lambda: asyncio.sleep(0.001, "slept"))
    open_page()
    assert tab.evaluate("JsPyFunction.call('add2')(4, 7)") == [4, 7, 11]
    assert tab.evaluate("JsPyFunction.call('async_add')(4, 7)") == 11
    assert tab.evaluate("JsPyFunction.call('coroutine_of_a_lambda')()") == "slept"
    module = "import('/jsmeetspy/jsmeets.mjs').then(({py}) => py.add2(1, 2))"
    assert tab.evaluate(module) == [1, 2, 3]
    error = tab.evaluate(
        "JsPyFunction.call('add2')(-2, 5).catch(e => ({...e, name: e.name, m: e.message, s: e.stack}))"
    )
    assert error["name"] == "ValueError"
    assert error["m"] == "No negative arguments"
    assert "in add2" in error["python_traceback"]
    assert "jsmeets_local" not in error["python_traceback"]
    assert "evaluate" in error["s"], "the place of the call in the page"


def test_errors_of_javascript_reach_python(open_page: Open) -> None:
    page = open_page("""
        JsPyFunction.expose('throws', () => { null.x });
        JsPyFunction.expose('rejects', () => Promise.reject(new RangeError('too far')));
        JsPyFunction.expose('throws_text', () => { throw 'just text' });
        JsPyFunction.expose('symbol', () => ({ list: [Symbol('s')] }));
        JsPyFunction.expose('unspeakable', () => { throw { get message() { throw Error('inner') } } });
        JsPyFunction.expose('cycle', () => { const a = {}; a.a = a; return a; });
    """)
    with pytest.raises(JavaScriptError) as caught:
        page.call("throws")()
    assert caught.value.name == "TypeError"
    assert "null" in caught.value.message()
    assert caught.value.key == "throws"
    assert caught.value.stack
    assert any("JavaScript" in note for note in caught.value.__notes__)
    with pytest.raises(JavaScriptError, match="RangeError: too far"):
        page.call("rejects")()
    with pytest.raises(JavaScriptError, match="just text"):
        page.call("throws_text")()
    with pytest.raises(JavaScriptError, match="cannot be shown"):
        page.call("unspeakable", timeout=scaled(10))()
    with pytest.raises(JavaScriptError, match=r"result\.list\[0\]: a symbol cannot be sent"):
        page.call("symbol")()
    with pytest.raises(JavaScriptError):
        page.call("cycle")()
    with pytest.raises(UnknownFunction, match=r"'nope'.*throws"):
        page.call("nope")()
    with pytest.raises(JavaScriptError, match="SyntaxError"):
        page.eval("this is not JavaScript")


def test_errors_of_python_reach_javascript(app: JsMeetsPy, open_page: Open, tab: Tab) -> None:
    @app.expose
    def wrong() -> Any:
        return {"a": [object()]}

    @app.expose
    def leaves() -> None:
        raise SystemExit(3)

    @app.expose
    async def cancels() -> None:
        raise asyncio.CancelledError

    open_page()

    def message(code: str) -> list[str]:
        return tab.evaluate(f"{code}.then(v => ['value', v], e => [e.name, e.message])")

    assert message("JsPyFunction.call('wrong')()") == [
        "TypeError",
        "'wrong' returned a value that cannot be sent: result['a'][0]: object of type object cannot be sent to a page; "
        "wrap it in ref() to send it by reference",
    ]
    assert message("JsPyFunction.call('leaves')()") == ["value", None], "sys.exit() ends the program, not the call"
    assert message("JsPyFunction.call('cancels')()") == ["CancelledError", ""]
    name, text = message("JsPyFunction.call('wrong')(1)")
    assert name == "TypeError"
    assert "positional argument" in text
    name, text = message("JsPyFunction.call('unknown')(1)")
    assert name == "UnknownFunction"
    assert text == "Python exposes no function 'unknown' (exposed: wrong, leaves, cancels)"
    name, text = message("JsPyFunction.call('wrong')(1, {deep: [Symbol('s')]})")
    assert name == "TypeError"
    assert "args[1].deep[0]" in text


def test_timeouts(app: JsMeetsPy, open_page: Open, tab: Tab) -> None:
    release = threading.Event()
    app.functions.expose("slow", release.wait)
    page = open_page("""
        JsPyFunction.expose('never', () => new Promise(() => {}));
        JsPyFunction.expose('quick', () => 1);
    """)
    assert page.wait_connected(scaled(10))
    with pytest.raises(CallTimeout, match=r"'never' did not answer within 0\.\d+ s"):
        page.call("never", timeout=0.1)()
    assert page.call("quick", timeout=scaled(5))() == 1
    error = tab.evaluate("JsPyFunction.call('slow', timeout = 0.1)().catch(e => [e.name, e.message])")
    assert error[0] == "TimeoutError"
    assert error[1].startswith("A timeout has occurred @javascript")
    release.set()
    for bad in ("1", True, [1], float("nan")):
        with pytest.raises(TypeError, match="seconds"):
            page.call("quick", timeout=bad)()  # type: ignore[arg-type]


def test_the_2020_dict_of_all_pages(app: JsMeetsPy, open_page: Open, tabs: Tabs) -> None:
    page = open_page("JsPyFunction.expose('who', (x) => { if (x === 'bad') throw Error('no'); return x; });")
    tabs.open(page.url)
    page.wait_connected()

    def run(coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(scaled(10))

    loop = app.bridge.portal.loop
    assert loop is not None
    while app.sockets.number_of_connections() < 2:
        page.eval("1")
    assert app.sockets.get_socket_id() == (1, 2)
    call = app.functions.call
    assert run(call("who", timeout=scaled(5))("x")) == {1: "x", 2: "x"}
    assert run(call("who", target=2)("x")) == {2: "x"}
    assert run(call("who", 5, {2, 99})("x")) == {2: "x"}
    assert run(call("who", target=[99])("x")) == {}
    failed = run(call("who")("bad"))
    assert {type(answer) for answer in failed.values()} == {JavaScriptError}
    assert {answer.message() for answer in failed.values()} == {"no"}
    unknown = run(call("none")())
    assert {type(answer) for answer in unknown.values()} == {UnknownFunction}

    async def from_another_loop() -> dict[int, Any]:
        return await call("who")("from elsewhere")

    results: list[dict[int, Any]] = []
    thread = threading.Thread(target=lambda: results.append(asyncio.run(from_another_loop())))
    thread.start()
    thread.join()
    assert results == [{1: "from elsewhere", 2: "from elsewhere"}]


def test_a_page_that_leaves_fails_its_calls_immediately(open_page: Open, tab: Tab) -> None:
    page = open_page("JsPyFunction.expose('never', () => new Promise(() => {}));")
    page.wait_connected()
    errors: list[BaseException] = []

    def call() -> None:
        try:
            page.call("never")()
        except JsPyError as error:
            errors.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    page.eval("1")  # sent behind the call, so the page has received the call
    start = time.monotonic()
    tab.close()
    thread.join(scaled(10))
    assert isinstance(errors[0], Disconnected)
    assert time.monotonic() - start < scaled(2)
    assert page.wait(scaled(10))
    with pytest.raises(Disconnected, match="closed"):
        page.call("never")()


def test_500_deep(app: JsMeetsPy, open_page: Open) -> None:
    page = open_page("JsPyFunction.expose('js', async (n) => n ? 1 + await JsPyFunction.call('py')(n - 1) : 0);")

    @app.expose
    def py(n: int) -> int:
        return 1 + page.call("js")(n - 1) if n else 0

    assert page.call("js")(500) == 500
    assert page.call("js")(3) == 3


def test_10000_in_flight_each_way(app: JsMeetsPy, open_page: Open, tab: Tab) -> None:
    app.functions.expose("plain", lambda x: x)

    async def awaited(x: int) -> int:
        return x

    app.functions.expose("awaited", awaited)
    page = open_page("JsPyFunction.expose('echo', (x) => x);")
    for name in ("plain", "awaited"):
        assert tab.evaluate(f"""Promise.all(Array.from({{length: 10000}}, (_, i) => JsPyFunction.call('{name}')(i)))
            .then(all => all.every((value, i) => value === i))""")

    async def many() -> list[int]:
        return await asyncio.gather(*(page.aio.call("echo")(i) for i in range(10_000)))

    results: list[list[int]] = []
    thread = threading.Thread(target=lambda: results.append(asyncio.run(many())))
    thread.start()
    thread.join()
    assert results == [list(range(10_000))]


def test_calls_start_in_order_and_slow_ones_block_no_others(
    app: JsMeetsPy, open_page: Open, tab: Tab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jsmeets_local.bridge.workers.PATIENCE", scaled(0.3))  # a stop of the machine is no slow call
    started: list[int] = []
    release = threading.Event()

    @app.expose
    def quick(n: int) -> int:
        started.append(n)
        return n

    @app.expose
    def slow() -> bool:
        return release.wait(scaled(10))

    open_page()
    tab.evaluate("Promise.all(Array.from({length: 500}, (_, i) => JsPyFunction.call('quick')(i)))")
    assert started == list(range(500))
    tab.evaluate("window.slow = JsPyFunction.call('slow')(); JsPyFunction.call('quick')(1000)")
    assert started[-1] == 1000, "the quick call was answered while the slow one runs"
    release.set()
    assert tab.evaluate("window.slow") is True


@pytest.mark.parametrize("kind", ["plain", "async"])
def test_exclusive_functions_run_one_at_a_time_in_order(app: JsMeetsPy, open_page: Open, tab: Tab, kind: str) -> None:
    running = 0
    order: list[int] = []

    def enter(n: int) -> None:
        nonlocal running
        running += 1
        assert running == 1
        order.append(n)

    def leave() -> None:
        nonlocal running
        running -= 1

    def plain(n: int) -> int:
        enter(n)
        time.sleep(0.002)
        leave()
        return n

    async def coroutine(n: int) -> int:
        enter(n)
        await asyncio.sleep(0.002)
        leave()
        if n == 5:
            raise ValueError("one fails")
        return n

    app.functions.expose("f", plain if kind == "plain" else coroutine, exclusive=True)
    open_page()
    tab.evaluate("Promise.allSettled(Array.from({length: 30}, (_, i) => JsPyFunction.call('f')(i)))")
    assert order == list(range(30))
    assert not app.functions.is_running("f")
    assert app.functions.clear("f")


def test_a_blocking_call_on_the_loop_names_its_twin(app: JsMeetsPy, open_page: Open, tab: Tab) -> None:
    page = open_page("JsPyFunction.expose('js', (x) => x * 2);")

    @app.expose
    async def wrong() -> Any:
        return page.call("js")(1)

    @app.expose
    async def right() -> Any:
        return await page.aio.call("js")(4)

    name, text = tab.evaluate("JsPyFunction.call('wrong')().catch(e => [e.name, e.message])")
    assert name == WouldDeadlock.__name__
    assert "await page.aio.call('js')" in text
    assert tab.evaluate("JsPyFunction.call('right')()") == 8


def test_calls_before_the_socket_is_open_wait_for_it(app: JsMeetsPy, tab: Tab) -> None:
    app.expose("early")(lambda x: x + 1)
    page = app.launch(
        "<body><script>window.answer = JsPyFunction.call('early', timeout=10)(1);"
        "window.subscribed = JsPyPubsub.subscribe('t', () => {});</script>",
        mode="none",
    )
    tab.goto(page.url)
    assert tab.evaluate("window.answer") == 2
    assert tab.evaluate("window.subscribed") is True


def test_what_a_page_exposes_late_is_found_late(open_page: Open, tab: Tab) -> None:
    page = open_page()
    with pytest.raises(UnknownFunction):
        page.call("late")()
    tab.evaluate("JsPyFunction.expose('late', () => 'here') && undefined")
    assert page.call("late")() == "here"


def test_the_first_call_waits_for_the_scripts_of_the_page(app: JsMeetsPy, tab: Tab) -> None:
    page = app.launch(
        """<!DOCTYPE html><head><script src="/jsmeetspy/JsPyTextSocket.js"></script></head><body>
        <script type="module">
          import { expose } from "/jsmeetspy/jsmeets.mjs";
          expose("from_a_module", (x) => x + 1);
        </script>""",
        mode="none",
    )
    results: list[int] = []
    thread = threading.Thread(target=lambda: results.append(page.call("from_a_module", timeout=scaled(20))(1)))
    thread.start()  # before there is a page
    tab.goto(page.url)
    thread.join(scaled(20))
    assert results == [2]


def test_functions_exposed_when_the_document_is_ready_are_found(app: JsMeetsPy, tab: Tab) -> None:
    page = app.launch(
        "<body><script>document.addEventListener('DOMContentLoaded',"
        "() => JsPyFunction.expose('ready', () => 'found'));</script>",
        mode="none",
    )
    results: list[str] = []
    thread = threading.Thread(target=lambda: results.append(page.call("ready", timeout=scaled(20))()))
    thread.start()
    tab.goto(page.url)
    thread.join(scaled(20))
    assert results == ["found"]


def test_the_page_of_a_script_that_is_not_loaded_says_so(app: JsMeetsPy, tab: Tab) -> None:
    page = app.launch('<!DOCTYPE html><script src="/jsmeetspy/JsPyTextSocket.js"></script>', mode="none")
    tab.goto(page.url)
    with pytest.raises(JsPyError, match=r"JsPyFunction\.js"):
        page.call("f", timeout=scaled(10))()


def test_nowait_errors_are_logged_here(open_page: Open, caplog: pytest.LogCaptureFixture) -> None:
    page = open_page("JsPyFunction.expose('throws', () => { throw RangeError('lost?') });")
    page.call_nowait("throws")()
    page.eval("1")
    assert "RangeError: lost?" in caplog.text
    assert "function 'throws'" in caplog.text


def test_a_reload_keeps_the_page(open_page: Open, tab: Tab) -> None:
    page = open_page("JsPyFunction.expose('f', () => 1);")
    assert page.call("f")() == 1
    for _ in range(3):
        tab.reload()
        assert page.call("f", timeout=scaled(10))() == 1
    assert "#" not in tab.url
    assert not page.wait(0.01)


def test_errors_carry_their_fields_causes_and_members(app: JsMeetsPy, open_page: Open, tab: Tab) -> None:
    class OrderError(Exception):
        def __init__(self, code: int) -> None:
            super().__init__("no order")
            self.code = code

    @app.expose
    def fail(code: int) -> None:
        raise OrderError(code) from ExceptionGroup("two", [KeyError("a"), OSError(2, "gone", "x.txt")])

    page = open_page(
        """JsPyFunction.expose("fail", (code) => {
            throw Object.assign(new Error("no order", { cause: new AggregateError([new RangeError("far")]) }), { code });
        });
        JsPyFunction.expose("through", () => JsPyFunction.call("fail")(7));"""
    )
    for call in (lambda: page.call("fail", 20)(5), lambda: page.map("fail", 20)([5])):
        with pytest.raises(JavaScriptError) as caught:
            call()
        cause = caught.value.__cause__
        assert isinstance(cause, JavaScriptError)
        assert (caught.value.fields, cause.name, [str(one) for one in cause.errors]) == (
            {"code": 5},
            "AggregateError",
            ["RangeError: far"],
        )
    seen = tab.evaluate(
        "JsPyFunction.call('fail')(6).catch((e) => [e.fields, e.cause.name, e.cause.errors.map((one) => [one.name, one.fields])])"
    )
    assert seen == [
        {"code": 6},
        "ExceptionGroup",
        [["KeyError", {}], ["FileNotFoundError", {"errno": 2, "strerror": "gone", "filename": "x.txt"}]],
    ]
    with pytest.raises(JavaScriptError) as caught:
        page.call("through", 20)()
    assert (caught.value.name, caught.value.fields) == ("OrderError", {"code": 7})
