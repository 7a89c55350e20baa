"""Laboratory of a scenario: servers in their environments, and fresh tabs of one Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from playwright.sync_api import Browser, Route, sync_playwright

from .catalogue import CATALOGUE
from .chromium import launch_chromium
from .environments import python_of
from .server import Server

__all__ = ["Lab", "Tab", "open_lab"]

ROOT = Path(__file__).parents[1]
SYSTEMS = Path(__file__).parent / "systems"
DRIVER = Path(__file__).parent / "driver.js"
ISOLATED = {"cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp"}

PERMISSIONS = ["local-network-access"]  # a document sent on so counts as one of another network


class Tab(Protocol):
    """Page of a system: a tab of Playwright, or the window of a system with its own browser."""

    def evaluate(self, expression: str, arg: Any = None) -> Any:
        """Call a JavaScript function with `arg`, and return the awaited value."""


class OwnWindow:
    """Window of a system with its own browser, whose server runs the JavaScript."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def evaluate(self, expression: str, arg: Any = None) -> Any:
        """Evaluate JavaScript, as `Page.evaluate` of Playwright does."""
        return self._server.ask({"do": "evaluate", "expression": expression, "arg": arg})["value"]


class Lab:
    """Tools that `visit` of a scenario receives.

    Attributes:
        browser: The one Chromium of the run, for what `tab` does not do.
        quick: Whether a look is enough: few operations.
    """

    def __init__(self, browser: Browser, quick: bool = False) -> None:
        self.browser = browser
        self.quick = quick

    def count(self, full: int, quick: int) -> int:
        """Return the number of operations: `full`, or `quick` in a quick run."""
        return quick if self.quick else full

    def python(self, system: str) -> str:
        """Return the interpreter of a system.

        Raises:
            Missing: It cannot be had here.
        """
        return python_of(system)

    def serve(self, system: str, script: Path | None = None, *arguments: str) -> Server:
        """Start a server of a system, in a `with` block.

        Args:
            system: Its name.
            script: Another program than the one of the catalogue, run by the same interpreter.
            arguments: For that other one.
        """
        known = CATALOGUE[system]
        path = SYSTEMS / known.script if script is None else script
        rest = known.arguments if script is None else arguments
        return Server(system, [self.python(system), str(path), *rest], ROOT)

    @contextmanager
    def unwatched(self, server: Server) -> Iterator[Tab]:
        """Open a tab as `tab` does, but without the debugger of Playwright, which copies all WebSocket traffic.

        The server runs the JavaScript in it: `{"do": "evaluate", "expression": ..., "arg": ...}` answers with `value`.
        """
        browser = self.browser.new_browser_cdp_session()
        context = browser.send("Target.createBrowserContext")  # Playwright keeps to those of its own
        try:
            browser.send("Target.createTarget", {"url": server.url, **context})
            tab = OwnWindow(server)
            tab.evaluate(f"() => {{ {DRIVER.read_text()} }}")
            yield tab
        finally:
            browser.send("Target.disposeBrowserContext", context)
            browser.detach()

    @contextmanager
    def tab(self, server: Server, init: str = "", isolated: bool = True) -> Iterator[Tab]:
        """A fresh page (context manager) on `server.url`, with the loops of driver.js, ready: `tab.evaluate("...")`.

        Args:
            server: What it opens.
            init: JavaScript that runs before the page's own.
            isolated: Whether its clock ticks finely; such a page cannot look into frames of its own.
        """
        if CATALOGUE[server.system].own_browser:
            yield OwnWindow(server)
            return
        context = self.browser.new_context(permissions=PERMISSIONS)
        try:
            context.add_init_script(path=str(DRIVER))
            if init:
                context.add_init_script(init)
            page = context.new_page()
            if isolated:
                page.route("**/*", isolate, times=1)
            page.goto(server.url)
            page.evaluate("bench.ready")
            yield page
        finally:
            context.close()


def isolate(route: Route) -> None:
    """Add the headers with which the clock of Chromium has a resolution of 5 instead of 100 microseconds."""
    response = route.fetch()
    route.fulfill(response=response, headers={**response.headers, **ISOLATED})


@contextmanager
def open_lab(quick: bool = False) -> Iterator[Lab]:
    """Open a lab with a headless Chromium."""
    with sync_playwright() as playwright:
        browser = launch_chromium(playwright.chromium)
        yield Lab(browser, quick)
        browser.close()
