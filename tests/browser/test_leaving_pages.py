"""Time until a call fails when its page leaves: none after a goodbye, the grace time without one.

`--log-cli-level=info` shows the times.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import psutil
import pytest
from playwright.sync_api import Browser
from playwright.sync_api import Page as Tab

from benchmarks.chromium import launch_chromium
from jsmeets_local import ConnectionLost, Disconnected, JsMeetsPy, JsPyError, Page
from tests.timing import scaled

logger = logging.getLogger(__name__)

GRACE = 0.5  # seconds
End = tuple[JsPyError, float]  # how a call ended, and when

PAGE = """<!DOCTYPE html><title>T</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'self' 'unsafe-inline'"><script>
JsPyFunction.expose("never", () => {
    JsPyQueue.push_nowait("begun")(true);
    return new Promise(() => undefined);
});
</script>"""


@pytest.fixture
def page(app: JsMeetsPy) -> Page:
    app.bridge.protocol.resume_seconds = GRACE
    return app.launch(PAGE, mode="none")


@pytest.fixture
def begin(page: Page) -> Iterator[Callable[[], Future[End]]]:
    """Start a call that the page does not answer."""
    with ThreadPoolExecutor() as pool:

        def call() -> End:
            with pytest.raises(JsPyError) as caught:
                page.call("never", 30)()
            return caught.value, time.monotonic()

        def begin() -> Future[End]:
            future = pool.submit(call)
            assert page.queue("begun").get(scaled(20))
            return future

        yield begin


def seconds_until_it_ends(future: Future[End], error: type[JsPyError], go: Callable[[], object]) -> float:
    start = time.monotonic()
    go()
    ended, when = future.result(scaled(20))
    assert type(ended) is error
    return when - start


def leave(tab: Tab, how: str) -> None:
    if how == "close":
        tab.close()
    elif how == "navigate":
        tab.goto("about:blank")
    else:
        tab.reload()


@pytest.mark.parametrize("how", ["close", "navigate", "reload"])
def test_a_goodbye_fails_the_calls_of_the_page_immediately(
    how: str, browser: Browser, page: Page, tab: Tab, begin: Callable[[], Future[End]]
) -> None:
    tab.goto(page.url)
    took = seconds_until_it_ends(begin(), Disconnected, lambda: leave(tab, how))
    logger.info("%s, %s: %.3f s", browser.browser_type.name, how, took)
    assert took < scaled(1)


SENDS_AND_LEAVES = """() => {
    for (let count = 0; count < 10; count += 1) {
        JsPyFunction.call("sink")(new Uint8Array(4_000_000));
    }
    setTimeout(() => location.reload());
}"""


def test_a_page_that_leaves_behind_megabytes_ends_its_calls_without_a_wait(
    app: JsMeetsPy, page: Page, tab: Tab, begin: Callable[[], Future[End]]
) -> None:
    """Chromium drops them, and the goodbye that is behind them."""
    app.bridge.protocol.resume_seconds = 1000.0
    app.functions.expose("sink", len)
    tab.goto(page.url)
    future = begin()
    with tab.expect_navigation():
        tab.evaluate(SENDS_AND_LEAVES)
    ended, _ = future.result(scaled(20))
    assert type(ended) is Disconnected


LEAVES_AT_ONCE = """<!DOCTYPE html><title>T</title><script>
JsPyFunction.expose("where", () => location.search);
if (!location.search) queueMicrotask(() => {
    const socket = JsPyTextSocket._websocket;
    socket.addEventListener("open", () => {
        socket.onmessage = null;  // it leaves before the welcome comes
        location.replace("?next");
    });
});
</script>"""


def test_a_document_that_leaves_before_its_welcome_is_not_waited_for(app: JsMeetsPy, tab: Tab) -> None:
    page = app.launch(LEAVES_AT_ONCE, mode="none")
    with ThreadPoolExecutor() as pool:
        start = time.monotonic()
        answer = pool.submit(lambda: page.call("where", 20)())
        tab.goto(page.url)
        tab.wait_for_url("**/?next")
        assert answer.result(scaled(20)) == "?next"
    assert time.monotonic() - start < scaled(5)
    assert app.sockets.number_of_connections() == 1


def start_another(browser: Browser) -> Browser:
    if browser.browser_type.name == "chromium":
        return launch_chromium(browser.browser_type)
    return browser.browser_type.launch(executable_path=shutil.which("firefox-esr"), channel="moz-firefox")


def shows_a_tab(process: psutil.Process) -> bool:
    command = process.cmdline()
    return "--type=renderer" in command or command[-1:] == ["tab"]


def kill(processes: list[psutil.Process]) -> None:
    """Kill all processes together, because a surviving process would say goodbye for a killed one."""
    for process in processes:
        process.suspend()
    for process in processes:
        process.kill()


@pytest.mark.parametrize("what", ["browser", "tab"])
def test_a_killed_tab_or_browser_ends_its_calls_soon(
    what: str, browser: Browser, page: Page, begin: Callable[[], Future[End]]
) -> None:
    """A browser says goodbye for a crashed tab, but nothing does so for the browser."""
    known = {process.pid for process in psutil.Process().children(recursive=True)}
    other = start_another(browser)
    other.new_page().goto(page.url)
    future = begin()
    new = [process for process in psutil.Process().children(recursive=True) if process.pid not in known]
    doomed = [process for process in new if what == "browser" or shows_a_tab(process)]
    error, least = (ConnectionLost, GRACE) if what == "browser" else (Disconnected, 0)
    took = seconds_until_it_ends(future, error, lambda: kill(doomed))
    logger.info("%s, the %s killed: %.3f s, with a grace time of %s s", browser.browser_type.name, what, took, GRACE)
    assert least <= took < least + scaled(2)
    other.close()
