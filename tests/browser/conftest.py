"""Real browsers: Debian's Chromium and Firefox, driven by Playwright."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Playwright, expect, sync_playwright
from playwright.sync_api import Page as Tab

from benchmarks.chromium import launch_chromium
from jsmeets_local import JsMeetsPy, Page
from tests.timing import scaled
from tests.wire import BadWire

OpenByWire = Callable[..., tuple[Page, BadWire]]

expect.set_options(timeout=scaled(5_000))


def start_chromium(playwright: Playwright) -> Browser:
    return launch_chromium(playwright.chromium)


def start_firefox(playwright: Playwright) -> Browser:
    return playwright.firefox.launch(executable_path=shutil.which("firefox-esr"), channel="moz-firefox")


BROWSERS: dict[str, Callable[[Playwright], Browser]] = {"chromium": start_chromium, "firefox": start_firefox}


@pytest.fixture(scope="module", params=list(BROWSERS))
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    """A browser for the module, because Playwright keeps an event loop running in this thread."""
    with sync_playwright() as playwright:
        browser = BROWSERS[request.param](playwright)
        yield browser
        browser.close()


# Firefox reports a connection that was refused, or broke while it was being made, as if it were an uncaught error.
OF_THE_NETWORK = ("establish a connection", "was interrupted while the page was loading")


class Tabs:
    """Opens tabs and collects their errors."""

    def __init__(self, browser: Browser) -> None:
        self._context = browser.new_context()
        self._context.set_default_timeout(scaled(30_000))
        self.errors: list[str] = []
        self.console: list[str] = []

    def open(self, url: str | None = None) -> Tab:
        tab = self._context.new_page()
        tab.on("pageerror", lambda error: self.errors.append(str(error)))
        tab.on("console", lambda message: self.console.append(message.text))
        if url is not None:
            tab.goto(url)
        return tab

    def close(self) -> None:
        self._context.close()


@pytest.fixture
def tabs(browser: Browser) -> Iterator[Tabs]:
    """Tabs of a fresh profile; an uncaught error in one of them fails the test."""
    tabs = Tabs(browser)
    yield tabs
    tabs.close()
    assert [error for error in tabs.errors if not any(text in error for text in OF_THE_NETWORK)] == []


@pytest.fixture
def tab(tabs: Tabs) -> Tab:
    """A tab."""
    return tabs.open()


@pytest.fixture
def open_page(app: JsMeetsPy, tab: Tab) -> Callable[..., Page]:
    """Launch a page with a script and open it in the tab."""

    def open_page(script: str = "", **options: Any) -> Page:
        page = app.launch(f"<!DOCTYPE html><title>T</title><body><script>{script}</script>", mode="none", **options)
        tab.goto(page.url)
        return page

    return open_page


@pytest.fixture
def open_by_wire(app: JsMeetsPy, tab: Tab) -> Iterator[OpenByWire]:
    """Launch a page and open it in the tab through a bad network with these options."""
    wires: list[BadWire] = []

    def open_by_wire(html: str, **options: Any) -> tuple[Page, BadWire]:
        page = app.launch(html, mode="none")
        wires.append(BadWire(urlsplit(page.url).port or 0, **options))
        tab.goto(wires[-1].url(page.url))
        assert tab.evaluate("JsPyTextSocket.wait_ready(10)")
        return page, wires[-1]

    yield open_by_wire
    for wire in wires:
        wire.close()
