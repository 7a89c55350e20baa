"""Real browsers: Debian's Chromium and Firefox, driven by Playwright."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright
from playwright.sync_api import Page as Tab

from jsmeets_local import Bridge, JsMeetsPy, Page

ARGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def start_chromium(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(executable_path=shutil.which("chromium"), chromium_sandbox=False, args=ARGS)


def start_firefox(playwright: Playwright) -> Browser:
    return playwright.firefox.launch(executable_path=shutil.which("firefox-esr"), channel="moz-firefox")


BROWSERS: dict[str, Callable[[Playwright], Browser]] = {"chromium": start_chromium, "firefox": start_firefox}


@pytest.fixture(scope="module", params=list(BROWSERS))
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    """A browser; module-scoped, because Playwright keeps an event loop running in this thread."""
    with sync_playwright() as playwright:
        browser = BROWSERS[request.param](playwright)
        yield browser
        browser.close()


# Firefox reports a connection that was refused, or broke while it was being made, as if it were an uncaught error.
OF_THE_NETWORK = ("establish a connection", "was interrupted while the page was loading")


class Tabs:
    """Opens tabs; collects what goes wrong in them."""

    def __init__(self, browser: Browser) -> None:
        self._context = browser.new_context()
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
    """One tab."""
    return tabs.open()


@pytest.fixture
def app() -> Iterator[JsMeetsPy]:
    """An application with a bridge of its own."""
    app = JsMeetsPy(bridge=Bridge())
    yield app
    app.stop()


@pytest.fixture
def open_page(app: JsMeetsPy, tab: Tab) -> Callable[..., Page]:
    """Launches a page with a script, and opens it in the tab."""

    def open_page(script: str = "", **options: Any) -> Page:
        page = app.launch(f"<!DOCTYPE html><title>T</title><body><script>{script}</script>", mode="none", **options)
        tab.goto(page.url)
        return page

    return open_page
