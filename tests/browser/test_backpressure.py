"""Limits as a page sees them: it waits, or receives the reason."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page as Tab

from jsmeets_local import Bridge, JsMeetsPy, Limits, Page
from tests.timing import scaled

from .conftest import Tabs

Open = Callable[..., Page]

OUTCOME = """async (push) => {
    try { return await push(); } catch (error) { return `${error.name}: ${error.message}`; }
}"""


def test_a_full_queue_pushes_back(app: JsMeetsPy, tabs: Tabs) -> None:
    app.queues.set_limit("q", 2)
    app.queues.set_limit("e", 1, "error")
    page = app.launch("<p>", mode="none")
    tab = tabs.open(page.url)
    tab.evaluate("""() => {
        globalThis.done = [];
        for (const n of [1, 2, 3]) { JsPyQueue.push('q')(n).then(() => done.push(n)); }
    }""")
    tab.wait_for_function("done.length === 2")
    assert page.queue("q").get(scaled(5)) == 1
    tab.wait_for_function("done.length === 3")
    with tab.expect_console_message(lambda message: "Python's queue 'q' is full" in message.text):
        tab.evaluate("JsPyQueue.push_nowait('q')(4)")
    assert [page.queue("q").get(scaled(5)) for _ in range(2)] == [2, 3]
    assert tab.evaluate("JsPyQueue.push('e')(1)") is True
    with tab.expect_console_message(lambda message: "Python's queue 'e' is full: 1 items" in message.text):
        assert tab.evaluate("JsPyQueue.push('e')(2)") is False


def test_oversized_messages_raise_in_the_sender(tabs: Tabs) -> None:
    app = JsMeetsPy(bridge=Bridge(), limits=Limits(message_bytes=100_000))
    try:
        app.functions.expose("size", len)
        tab = tabs.open(app.launch("<p>", mode="none").url)
        assert tab.evaluate("JsPyFunction.call('size')('x'.repeat(90_000))") == 90_000
        refused = tab.evaluate(f"({OUTCOME})(() => JsPyFunction.call('size')('x'.repeat(110_000)))")
        assert "100000" in refused
        assert tab.evaluate("JsPyFunction.call('size')('it lives')") == 8
    finally:
        app.stop()


def test_round_trip_times_are_measured(app: JsMeetsPy, open_page: Open, tab: Tab) -> None:
    page = open_page("JsPyFunction.expose('f', (x) => x);")
    assert page.call("f")(1) == 1
    [stats] = app.stats()["pages"]
    assert 0 < stats["round_trip_seconds"] < scaled(2)
    assert stats["connected"]
    assert stats["sent"] == 1
