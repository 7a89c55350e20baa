"""Progress bars of loops, with a button that stops the loop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from jsmeets_local import JsMeetsPy, Page
from jsmeets_local.api.progress import Progress
from tests.timing import scaled


def wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + scaled(10)
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Loop:
    """A loop in a thread, which waits for each item."""

    def __init__(self, make: Callable[[], Progress[int]]) -> None:
        self.go = threading.Semaphore(0)
        self.seen: list[int] = []
        self.bar = make()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        for item in self.bar:
            self.seen.append(item)
            assert self.go.acquire(timeout=scaled(20))

    def end(self) -> None:
        self.thread.join(scaled(10))
        assert not self.thread.is_alive()


@pytest.fixture
def page(app: JsMeetsPy, tabs: Any) -> Iterator[Page]:
    page = app.launch("<h1>Work</h1>", mode="none")
    yield page
    page.close()


def test_a_bar_shows_the_progress_and_leaves(page: Page, tabs: Any) -> None:
    tab = tabs.open(page.url)
    loop = Loop(lambda: page.progress(range(4), "files"))
    text, meter = tab.locator(".bar .text"), tab.locator(".bar progress")
    expect(text).to_contain_text("files: 0 of 4")
    for _ in range(2):
        loop.go.release()
    expect(text).to_contain_text("files: 2 of 4")
    expect(text).to_contain_text("/s")
    assert meter.evaluate("(meter) => [meter.value, meter.max]") == [2, 4]
    loop.go.release(2)
    loop.end()
    expect(tab.locator(".bar")).to_have_count(0)
    assert (loop.seen, loop.bar.count, loop.bar.stopped) == ([0, 1, 2, 3], 4, False)
    assert tabs.errors == []


def test_the_button_ends_the_loop(page: Page, tabs: Any) -> None:
    tab = tabs.open(page.url)
    loop = Loop(lambda: page.progress(range(1000)))
    loop.go.release()
    expect(tab.locator(".bar .text")).to_contain_text("1 of 1000")
    tab.get_by_role("button", name="Stop").click()
    expect(tab.get_by_role("button", name="Stop")).to_be_disabled()
    wait_until(lambda: loop.bar.stopped)
    loop.go.release()
    loop.end()
    assert (loop.seen, loop.bar.count, loop.bar.stopped) == ([0, 1], 2, True)
    expect(tab.locator(".bar .text")).to_contain_text("stopped")
    expect(tab.locator(".bar")).to_have_count(0)


def test_nested_and_endless_loops(page: Page, tabs: Any) -> None:
    tab = tabs.open(page.url)
    outer = Loop(lambda: page.progress(range(2), "outer"))
    expect(tab.locator(".bar")).to_have_count(1)
    inner = Loop(lambda: page.progress(iter(range(3)), "inner"))
    expect(tab.locator(".bar .text").nth(1)).to_contain_text("inner: 0")
    assert inner.bar.total is None
    inner.go.release(3)
    inner.end()
    outer.go.release(2)
    outer.end()
    expect(tab.locator(".bar")).to_have_count(0)


def test_a_fast_loop_sends_few_updates(page: Page, tabs: Any) -> None:
    tab = tabs.open(page.url)
    page.eval("0")
    tab.evaluate("""() => {
        window.updates = 0;
        const count = () => { const bar = document.querySelector("jsmeets-progress")?.shadowRoot.querySelector(".text");
            if (!bar) { setTimeout(count); return; }
            new MutationObserver(() => { updates += 1 }).observe(bar, { childList: true }); };
        count();
    }""")
    start = time.monotonic()
    assert sum(1 for _ in page.progress(range(200_000))) == 200_000
    seconds = time.monotonic() - start
    expect(tab.locator(".bar .text")).to_contain_text("200000 of 200000")
    assert tab.evaluate("updates") <= 3 + seconds / 0.06


def test_a_reloaded_page_shows_the_bar_again(page: Page, tabs: Any) -> None:
    tab = tabs.open(page.url)
    loop = Loop(lambda: page.progress(range(9)))
    expect(tab.locator(".bar")).to_have_count(1)
    tab.reload()
    loop.go.release()
    expect(tab.locator(".bar .text")).to_contain_text("1 of 9")
    tab.get_by_role("button", name="Stop").click()
    wait_until(lambda: loop.bar.stopped)
    loop.go.release()
    loop.end()
    assert loop.seen == [0, 1]


def test_a_loop_goes_on_without_its_page(page: Page, tabs: Any) -> None:
    tab = tabs.open(page.url)
    loop = Loop(lambda: page.progress(range(3)))
    expect(tab.locator(".bar")).to_have_count(1)
    page.close()
    loop.go.release(3)
    loop.end()
    assert loop.seen == [0, 1, 2]


def test_an_error_or_a_break_ends_the_bar(page: Page, tabs: Any) -> None:
    tab = tabs.open(page.url)
    for item in page.progress("ab"):
        if item == "a":
            break
    expect(tab.locator(".bar")).to_have_count(0)
    with pytest.raises(ZeroDivisionError):
        for _ in page.progress("ab"):
            1 / 0  # noqa: B018
    expect(tab.locator(".bar")).to_have_count(0)


def test_a_page_may_say_where_its_bars_are(app: JsMeetsPy, tabs: Any) -> None:
    page = app.launch("<main><jsmeets-progress></jsmeets-progress></main>", mode="none")
    tab = tabs.open(page.url)
    loop = Loop(lambda: page.progress([1]))
    expect(tab.locator("main .bar")).to_have_count(1)
    loop.go.release()
    loop.end()


def test_wrong_arguments(page: Page) -> None:
    with pytest.raises(TypeError, match=r"page.progress\(\) takes an iterable; got 3"):
        page.progress(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="total must be a whole number of items, or None; got 'x'"):
        page.progress([], total="x")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="label must be a str; got 3"):
        page.progress([], 3)  # type: ignore[arg-type]
