"""Calls that are given up, in both directions, and names that a page exposes late, in real browsers."""

from __future__ import annotations

import _thread
import asyncio
import threading
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page as Tab

from jsmeets_local import CallTimeout, JsMeetsPy, Page, UnknownFunction, current_call
from tests.timing import scaled

Open = Callable[..., Page]


def test_the_page_cancels_an_async_def(app: JsMeetsPy, open_page: Open, tab: Tab) -> None:
    ended: list[str] = []
    done = threading.Event()

    async def slow() -> None:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            ended.append("cancelled")
            done.set()
            raise

    app.expose(slow)
    open_page("")
    name = tab.evaluate("""async () => {
        const { py } = await import('/jsmeetspy/jsmeets.mjs');
        const controller = new AbortController();
        setTimeout(() => controller.abort(), 50);
        try { await py.slow.with({ signal: controller.signal })(); } catch (error) { return [error.name, error === controller.signal.reason]; }
    }""")
    assert name == ["AbortError", True]
    assert done.wait(scaled(5))
    done.clear()
    name = tab.evaluate("""async () => {
        try { await JsPyFunction.call('slow', 0.05)(); } catch (error) { return [error.name, error instanceof JsPyFunction.JsPyError]; }
    }""")
    assert name == ["TimeoutError", True]
    assert done.wait(scaled(5))
    assert ended == ["cancelled", "cancelled"]


def test_the_page_cancels_a_plain_function(app: JsMeetsPy, open_page: Open, tab: Tab) -> None:
    stopped = threading.Event()

    def work() -> None:
        while not current_call().cancelled:
            time.sleep(0.005)  # the work
        stopped.set()

    app.expose(work)
    open_page("")
    assert tab.evaluate("JsPyFunction.call('work', 0.05)().catch((error) => error.name)") == "TimeoutError"
    assert stopped.wait(scaled(5))
    assert tab.evaluate("JsPyTextSocket.stats().pending") == 0


def test_python_aborts_the_signal_of_the_page(open_page: Open, tab: Tab) -> None:
    page = open_page("""
        window.reasons = [];
        JsPyFunction.expose('wait', (x, { signal }) => new Promise((done, fail) => {
            signal.addEventListener('abort', () => { reasons.push(signal.reason.name); fail(signal.reason); });
        }), { context: true });
        JsPyFunction.expose('add', (a, b, call) => [a + b, call.signal.aborted], { context: true });
    """)
    assert page.call("add")(1, 2) == [3, False]
    with pytest.raises(CallTimeout):
        page.call("wait", timeout=0.05)(1)
    tab.wait_for_function("reasons.length === 1", timeout=scaled(5) * 1000)
    assert tab.evaluate("[reasons[0], JsPyTextSocket.stats().dropped]") == ["AbortError", 1]
    with pytest.raises(CallTimeout):
        page.call("wait", timeout=0.05)(1)
    tab.wait_for_function("JsPyTextSocket.stats().dropped === 2", timeout=scaled(5) * 1000)


def test_ctrl_c_aborts_the_signal_of_the_page(app: JsMeetsPy, open_page: Open, tab: Tab) -> None:
    app.functions.expose("interrupt", _thread.interrupt_main)
    page = open_page("""
        JsPyFunction.expose('wait', ({ signal }) => {
            window.aborted = new Promise((done) => signal.addEventListener('abort', () => done(signal.reason.name)));
            JsPyFunction.call_nowait('interrupt')();
            return new Promise(() => {});
        }, { context: true });
        JsPyFunction.expose('add', (a, b) => a + b);
    """)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            page.call("wait")()
        assert tab.evaluate("aborted") == "AbortError"
        assert page.call("add")(1, 2) == 3
    assert tab.evaluate("JsPyTextSocket.stats().pending") == 0


def test_python_cancels_a_fetch_of_the_page(open_page: Open, tab: Tab) -> None:
    page = open_page("""
        JsPyFunction.expose('load', async (url, call) => (await fetch(url, { signal: call.signal })).status, { context: true });
        window.aborted = new Promise((done) => {
            JsPyFunction.expose('hang', async (call) => {
                const never = new ReadableStream({ cancel: done });
                await never.pipeTo(new WritableStream(), { signal: call.signal });
            }, { context: true });
        });
    """)
    assert page.call("load")("/jsmeetspy/JsPyTextSocket.js") == 200
    with pytest.raises(CallTimeout):
        page.call("hang", timeout=0.05)()
    assert tab.evaluate("aborted.then((reason) => reason.name)") == "AbortError"


def test_a_function_that_the_page_exposes_late_is_found(open_page: Open) -> None:
    page = open_page("setTimeout(() => JsPyFunction.expose('late', (x) => x + 1), 300);")
    assert page.call("late", timeout=scaled(10))(1) == 2


def test_a_name_that_never_comes_fails_after_two_seconds_then_at_once(open_page: Open) -> None:
    page = open_page("JsPyFunction.expose('colour', () => 1);")
    with pytest.raises(UnknownFunction, match="did you mean 'colour'"):
        page.call("color", timeout=scaled(10))()
    began = time.perf_counter()
    with pytest.raises(UnknownFunction, match="did you mean 'colour'"):
        page.call("color", timeout=scaled(10))()
    assert time.perf_counter() - began < scaled(0.5)
