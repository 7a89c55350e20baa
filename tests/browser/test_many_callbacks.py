"""Callbacks that come and go by the thousand: neither side keeps any of them.

JSMEETS_CALLBACKS=1000000 runs it in full.
"""

from __future__ import annotations

import gc
import os
import time
from typing import Any

import psutil
from playwright.sync_api import Page as Tab

from jsmeets_local import JSFunction, JsMeetsPy, Page
from tests.timing import scaled
from tests.tools import chromium

COUNT = int(os.environ.get("JSMEETS_CALLBACKS", "5000"))
BATCH = 500
SCRIPT = """
    JsPyFunction.expose('use', async (functions) => (await Promise.all(functions.map((f) => f(1)))).length);
    const BATCH = 500;
    globalThis.give = async (rounds) => {
        for (let round = 0; round < rounds; round += 1) {
            await JsPyFunction.call('use')(Array.from({ length: BATCH }, (_, n) => (x) => x + n));
        }
    };
"""


def collect(tab: Tab) -> None:
    """Collect the garbage of the page, and let its finalizers run."""
    tab.context.new_cdp_session(tab).send("HeapProfiler.collectGarbage")
    tab.evaluate("new Promise((done) => setTimeout(done, 20))")
    gc.collect()


def used(tab: Tab) -> tuple[float, float]:
    """Return the megabytes that Python and the page use."""
    collect(tab)
    heap = tab.context.new_cdp_session(tab).send("Runtime.getHeapUsage")["usedSize"]
    return psutil.Process().memory_info().rss / 2**20, heap / 2**20


def test_neither_side_keeps_callbacks_that_are_dropped(app: JsMeetsPy) -> None:
    with chromium() as browser:
        page, tab = app.launch(f"<script>{SCRIPT}</script>", mode="none"), browser.new_page()
        tab.goto(page.url)
        pass_many(app, page, tab)


def pass_many(app: JsMeetsPy, page: Page, tab: Tab) -> None:
    """Pass callbacks both ways, and compare what is used before and after."""

    @app.expose
    def use(functions: list[JSFunction]) -> None:
        for function in functions:
            function.nowait(1)

    def round_trip() -> None:
        assert page.call("use")([lambda x, n=n: x + n for n in range(BATCH)]) == BATCH

    def references() -> dict[str, Any]:
        found: dict[str, Any] = app.stats()["pages"][-1]["references"]
        return found

    round_trip()
    tab.evaluate("give(1)")
    before = used(tab)
    for number in range(COUNT // BATCH):
        round_trip()
        if number % 20 == 0:
            collect(tab)
    tab.evaluate(f"give({COUNT // BATCH})")
    deadline = time.monotonic() + scaled(10)
    while sum(references().values()) and time.monotonic() < deadline:
        collect(tab)
    assert references() == {"exported": 0, "imported": 0}
    assert tab.evaluate("JsPyTextSocket.stats().references") == {"exported": 0, "imported": 0}
    after = used(tab)
    grown = [round(late - early, 1) for early, late in zip(before, after, strict=True)]
    print(f"\n{COUNT} callbacks each way: Python {grown[0]} MB more, the page {grown[1]} MB more")  # noqa: T201
    assert grown[0] < 30, before
    assert grown[1] < 5, before
