"""Functions and objects that cross by reference, in real browsers."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page as Tab

from jsmeets_local import JavaScriptError, JSFunction, JsMeetsPy, Page, PageClosed, ref
from tests.timing import scaled, until

from .conftest import OpenByWire

Open = Callable[..., Page]


def counts(app: JsMeetsPy) -> dict[str, int]:
    """Return how many references the newest page has."""
    found: dict[str, int] = app.stats()["pages"][-1]["references"]
    return found


def collect_garbage(tab: Tab) -> None:
    """Collect the garbage of a tab of Chromium; Firefox has no protocol for that."""
    tab.context.new_cdp_session(tab).send("HeapProfiler.collectGarbage")


def in_chromium(tab: Tab) -> bool:
    browser = tab.context.browser
    return browser is not None and browser.browser_type.name == "chromium"


# Functions of the page ---------------------------------------------------------------------------------------------


def test_python_calls_back_during_a_call(app: JsMeetsPy, open_page: Open, tab: Tab) -> None:
    open_page()

    @app.expose
    def train(steps: int, report: JSFunction) -> Any:
        for step in range(steps):
            report.nowait(step)
        return report(steps)

    tab.evaluate("globalThis.seen = []")
    call = "JsPyFunction.call('train')(500, (n) => { seen.push(n); return { last: n }; })"
    assert tab.evaluate(call) == {"last": 500}
    assert tab.evaluate("seen") == list(range(501))


def test_functions_arrive_wherever_values_do(app: JsMeetsPy, open_page: Open, tab: Tab) -> None:
    page = open_page("""
        JsPyFunction.expose('adder', (n) => ({ add: (x) => x + n }));
        JsPyFunction.expose('given', () => globalThis.given);
        globalThis.given = async (x) => [x, new Map([['n', 2n ** 70n]])];
    """)
    assert page.call("adder")(3)["add"](4) == 7
    first, second = page.call("given")(), page.call("given")()
    assert first is second
    assert first(1) == [1, {"n": 2**70}]

    items = page.queue("q")
    tab.evaluate("JsPyQueue.push_nowait('q')({ deep: [globalThis.given] })")
    assert items.get(timeout=scaled(5))["deep"] == [first]

    got: list[Any] = []
    came = threading.Event()

    def receive(topic: str, data: Any) -> None:
        got.append(data)
        came.set()

    app.pubsub.subscribe("t", receive)
    assert tab.evaluate("JsPyPubsub.publish('t')(globalThis.given)") is True
    assert came.wait(scaled(5))
    assert got == [first]
    assert got[0](5)[0] == 5


def test_the_page_gets_its_own_function_back(open_page: Open, tab: Tab) -> None:
    page = open_page("""
        globalThis.own = function own() {};
        JsPyFunction.expose('give', () => globalThis.own);
        JsPyFunction.expose('same', (f, list) => [f === globalThis.own, list[0].f === globalThis.own]);
    """)
    own = page.call("give")()
    assert repr(own) == "<JavaScript function 'own'>"
    assert page.call("same")(own, [{"f": own}]) == [True, True]


def test_an_error_of_a_callback_is_raised_in_python(open_page: Open) -> None:
    page = open_page("JsPyFunction.expose('give', () => async function far(x) { throw new RangeError(`far: ${x}`); })")
    with pytest.raises(JavaScriptError, match="RangeError: far: 5") as caught:
        page.call("give")()(5)
    assert "at far" in caught.value.stack or "far@" in caught.value.stack


# Functions of Python -----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("patient")
def test_javascript_calls_functions_of_python(app: JsMeetsPy, open_page: Open, tab: Tab) -> None:
    page = open_page("""
        JsPyFunction.expose('twice', async (f, x) => [await f(x), await f(x)]);
        JsPyFunction.expose('keep', (f) => { globalThis.kept = f; });
        JsPyFunction.expose('same', (f) => f === globalThis.kept);
        JsPyFunction.expose('caught', async (f) => {
            try { await f(-1); } catch (error) { return [error instanceof JsPyFunction.JsPyError, error.name, error.message, error.key]; }
        });
    """)
    seen: list[Any] = []

    def double(x: int) -> int:
        if x < 0:
            raise ValueError("no negative numbers")
        seen.append(x)
        return 2 * x

    async def later(x: int) -> int:
        return 3 * x

    assert page.call("twice")(double, 4) == [8, 8]
    assert page.call("twice")(later, 4) == [12, 12]
    assert page.call("twice")(lambda x: x, 2**60) == [2**60, 2**60]
    assert page.call("caught")(double) == [True, "ValueError", "no negative numbers", "double"]
    page.call("keep")(double)
    assert page.call("same")(double) is True
    tab.evaluate("for (let n = 0; n < 300; n += 1) { kept.nowait(n); }")
    assert tab.evaluate("kept(1000)") == 2000
    assert seen[-301:] == [*range(300), 1000]

    returned: list[Any] = []
    app.functions.expose("take", returned.append)
    tab.evaluate("JsPyFunction.call('take')([kept])")
    assert returned[0][0] is double


def test_functions_of_python_in_results_items_and_publications(app: JsMeetsPy, open_page: Open, tab: Tab) -> None:
    open_page("JsPyPubsub.subscribe('t', (topic, f) => { globalThis.published = f; });")
    app.functions.expose("make", lambda n: {"add": lambda x: x + n})
    assert tab.evaluate("JsPyFunction.call('make')(5).then(({ add }) => add(1))") == 6
    app.queues.push_nowait("q")(lambda: "from the queue")
    assert tab.evaluate("JsPyQueue.get('q').then((f) => f())") == "from the queue"
    app.pubsub.publish("t")(lambda: "published")
    tab.wait_for_function("!!globalThis.published")
    assert tab.evaluate("published()") == "published"


def test_objects_of_python(app: JsMeetsPy, open_page: Open, tab: Tab) -> None:
    open_page()

    class Model:
        rate = 0.5

        def fit(self, x: int) -> list[int]:
            return [x, x]

        async def predict(self, x: int) -> int:
            return x + 1

        def _secret(self) -> int:
            return 1

    model, got = Model(), []
    app.functions.expose("model", lambda: ref(model))
    app.functions.expose("take", got.append)
    assert tab.evaluate("""async () => {
        const model = globalThis.model = await JsPyFunction.call('model')();
        await model.set('rate', 0.25);
        return [await model.fit(2), await model.predict(2), await model.get('rate'), model === await JsPyFunction.call('model')()];
    }""") == [[2, 2], 3, 0.25, True]
    assert model.rate == 0.25
    tab.evaluate("JsPyFunction.call('take')({ model })")
    assert got[0]["model"] is model
    for private in ("model._secret()", "model.get('_secret')", "model.fit(1, 2, 3)"):
        assert tab.evaluate(f"{private}.then(() => '', (error) => error instanceof JsPyFunction.JsPyError)") is True


# Lifetimes ---------------------------------------------------------------------------------------------------------


def test_a_dropped_function_of_python_is_released(app: JsMeetsPy, open_page: Open, tab: Tab) -> None:
    page = open_page("JsPyFunction.expose('each', (list) => { globalThis.held = list; return list.length; })")
    page.call("each")([lambda x, n=n: x + n for n in range(1000)])
    assert counts(app)["exported"] == 1000
    if in_chromium(tab):
        tab.evaluate("globalThis.held = null")
        collect_garbage(tab)
    else:
        tab.evaluate("held.forEach((f) => f.destroy())")
    until(lambda: counts(app)["exported"] == 0)
    assert tab.evaluate("JsPyTextSocket.stats().references") == {"exported": 0, "imported": 0}


def test_a_dropped_function_of_the_page_is_released(app: JsMeetsPy, open_page: Open, tab: Tab) -> None:
    page = open_page("JsPyFunction.expose('give', (n) => Array.from({ length: n }, (_, i) => () => i))")
    functions = page.call("give")(1000)
    assert functions[7]() == 7
    assert tab.evaluate("JsPyTextSocket.stats().references.exported") == 1000
    del functions
    gc.collect()
    until(lambda: counts(app) == {"exported": 0, "imported": 0})
    tab.wait_for_function("JsPyTextSocket.stats().references.exported === 0")


def test_references_survive_a_lost_connection(app: JsMeetsPy, tab: Tab, open_by_wire: OpenByWire) -> None:
    page, wire = open_by_wire("""<script>
        JsPyFunction.expose('give', () => (x) => 2 * x);
        JsPyFunction.expose('keep', (f) => { globalThis.kept = f; });
    </script>""")
    double = page.call("give")()
    page.call("keep")(lambda x: 3 * x)
    wire.cut()
    answer = tab.evaluate_handle("({ promise: kept(5) })")
    assert double(21) == 42
    assert answer.evaluate("({ promise }) => promise") == 15


def test_a_reload_ends_the_references(app: JsMeetsPy, open_page: Open, tab: Tab) -> None:
    page = open_page("JsPyFunction.expose('give', () => (x) => 2 * x); JsPyFunction.expose('take', (f) => f === 1);")
    double = page.call("give")()
    assert double(2) == 4
    tab.reload()
    assert page.wait_connected(scaled(10))
    with pytest.raises(PageClosed):
        double(2)
    with pytest.raises(TypeError):
        page.call("take")(double)
    assert page.call("give")()(4) == 8
