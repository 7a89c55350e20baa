"""Large content in real browsers: fetched where possible, sent in chunks elsewhere, and equal in the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from playwright.sync_api import Page as Tab
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

from jsmeets_local import JsMeetsPy, Page
from jsmeets_local.protocol.offers import OFFER_BYTES, Offer
from jsmeets_local.server import downloads
from jsmeets_local.server.thread import ServerThread
from tests.browser.conftest import Tabs
from tests.wire import BadWire

NAMES = ("JsPyTextSocket", "JsPyFunction", "JsPyQueue")
ITEMS = OFFER_BYTES // 4  # of float64: twice as much as is offered
SCRIPT = """
globalThis.got = [];
JsPyQueue.add_callback((key) => got.push(JsPyQueue.shift(key)));
JsPyFunction.expose("sum", (array) => [array.length, array.reduce((sum, x) => sum + x, 0)]);
JsPyFunction.expose("same", (value) => value);
globalThis.fetching = [];
const real_fetch = fetch;
globalThis.fetch = (url, options) => (fetching.push(url), real_fetch(url, options));
"""


def sums(array: Any) -> list[float]:
    return [len(array), float(array.sum())]


def test_large_content_is_fetched_unchanged(open_page: Callable[..., Page], tab: Tab) -> None:
    page = open_page(SCRIPT)
    for n in range(3):
        array = np.arange(n, ITEMS + n, dtype=np.float64)
        assert page.call("sum", 30)(array) == sums(array)
    assert tab.evaluate("fetching.length") == 3


def test_large_text_is_fetched_unchanged(open_page: Callable[..., Page], tab: Tab) -> None:
    page = open_page(SCRIPT)
    rows = [{"n": n, "text": "größer 🙂"} for n in range(200_000)]
    assert page.call("same", 30)(rows) == rows
    assert tab.evaluate("fetching.length") == 1


def test_an_answer_to_the_page_with_small_calls_in_between(
    app: JsMeetsPy, open_page: Callable[..., Page], tab: Tab
) -> None:
    app.expose("give")(lambda: np.arange(4 * ITEMS, dtype=np.float64))
    app.expose("add")(lambda a, b: a + b)
    open_page(SCRIPT)
    assert tab.evaluate(
        """async () => {
            const large = JsPyFunction.call("give")();
            const small = await Promise.all([1, 2, 3].map((n) => JsPyFunction.call("add")(n, 1)));
            const array = await large;
            return [small, array.length, array[array.length - 1], array.byteOffset % 8, fetching.length];
        }"""
    ) == [[2, 3, 4], 4 * ITEMS, 4 * ITEMS - 1, 0, 1]


def test_order_is_kept_between_fetched_and_sent_content(
    app: JsMeetsPy, open_page: Callable[..., Page], tab: Tab
) -> None:
    page = open_page(SCRIPT)
    page.call("same", 10)(1)
    for n in range(12):
        app.queues.push_nowait("q")(np.full(ITEMS if n % 3 == 0 else 10, n, dtype=np.float64))
    tab.wait_for_function("got.length === 12")
    assert tab.evaluate("got.map((array) => array[0])") == list(range(12))
    assert tab.evaluate("fetching.length") == 4


def test_what_python_keeps_is_confirmed(app: JsMeetsPy, open_page: Callable[..., Page], tab: Tab) -> None:
    page = open_page(SCRIPT)
    page.call("same", 10)(1)
    app.queues.push_nowait("q")(np.zeros(ITEMS))
    tab.wait_for_function("got.length === 1")
    assert page.call("same", 10)("later than the confirmation") == "later than the confirmation"
    assert app.stats()["pages"][0]["waiting_bytes"] < 1000


# Where it cannot be fetched ------------------------------------------------------------------------------------------


def test_a_page_of_another_origin_gets_chunks(app: JsMeetsPy, tab: Tab) -> None:
    page = app.launch("<p>", mode="none")
    root, _, fragment = page.url.partition("#")
    scripts = "".join(f"<script src='{root}jsmeetspy/{name}.js'></script>" for name in NAMES)
    host = ServerThread(Starlette(routes=[Route("/", lambda _: HTMLResponse(f"{scripts}<script>{SCRIPT}</script>"))]))
    host.start()
    host.accept()
    app._access.allowed_origins |= {host.base_url}
    try:
        tab.goto(f"{host.base_url}/#{fragment}")
        array = np.arange(ITEMS, dtype=np.float64)
        assert page.call("sum", 30)(array) == sums(array)
        assert tab.evaluate("fetching") == []
    finally:
        tab.close()
        host.stop()


@pytest.mark.parametrize("policy", ["default-src 'self'", "default-src 'self'; connect-src ws:"])
def test_under_a_content_security_policy(app: JsMeetsPy, tabs: Tabs, policy: str) -> None:
    @app.route("/own.js")
    async def script(request: Any) -> HTMLResponse:
        return HTMLResponse(SCRIPT, media_type="text/javascript")

    @app.route("/strict")
    async def strict(request: Any) -> HTMLResponse:
        sources = [*(f"jsmeetspy/{name}.js" for name in NAMES), "own.js"]
        scripts = "".join(f"<script src='{source}'></script>" for source in sources)
        return HTMLResponse(scripts, headers={"content-security-policy": policy})

    page = app.launch("/strict", mode="none")
    tab = tabs.open(page.url)
    array = np.arange(ITEMS, dtype=np.float64)
    for _ in range(2):
        assert page.call("sum", 30)(array) == sums(array)
    refused = "connect-src" in policy
    assert tab.evaluate("fetching.length") == (1 if refused else 2)  # after a failure the page does not fetch again
    if refused:  # Firefox reports it as an uncaught error
        tabs.errors[:] = [error for error in tabs.errors if "blocked the loading" not in error]


@pytest.mark.parametrize("answer", ["", "something else", "x" * 2**24])
def test_wrong_responses_are_refused(open_page: Callable[..., Page], tab: Tab, answer: str) -> None:
    page = open_page(f"{SCRIPT}; globalThis.fetch = (url) => (fetching.push(url), new Response({answer!r}));")
    array = np.arange(ITEMS, dtype=np.float64)
    for _ in range(2):
        assert page.call("sum", 30)(array) == sums(array)
    assert tab.evaluate("fetching.length") == 1


def test_an_answer_that_does_not_begin_is_not_waited_for(open_page: Callable[..., Page], tab: Tab) -> None:
    """This happens when all connections of the browser to a host are in use."""
    page = open_page(f"""{SCRIPT}; globalThis.fetch = (url, {{ signal }}) => new Promise((_, reject) => {{
        fetching.push(url);
        signal.addEventListener("abort", () => reject(signal.reason));
    }});""")
    array = np.arange(ITEMS, dtype=np.float64)
    assert page.call("sum", 30)(array) == sums(array)
    assert tab.evaluate("fetching.length") == 1


NO_BYTE_READERS = """
const real_reader = ReadableStream.prototype.getReader;
ReadableStream.prototype.getReader = function (options) {
    if (options) {
        throw new TypeError("no such mode");
    }
    return real_reader.call(this);
};
"""


def test_a_browser_without_readers_of_bytes(open_page: Callable[..., Page], tab: Tab) -> None:
    page = open_page(f"{SCRIPT}; {NO_BYTE_READERS}")
    array = np.arange(ITEMS, dtype=np.float64)
    assert page.call("sum", 30)(array) == sums(array)
    assert page.call("sum", 30)(array[1:]) == sums(array[1:])
    assert tab.evaluate("fetching.length") == 2


@pytest.mark.parametrize("script", ["", NO_BYTE_READERS], ids=["byte reader", "copying"])
def test_an_answer_that_stops_in_the_middle_is_not_waited_for(
    open_page: Callable[..., Page], tab: Tab, script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pour = downloads._send_content

    async def pour_some(offer: Offer, send: Any) -> None:
        events = 0

        async def sending(event: Any) -> None:
            nonlocal events
            events += 1
            await (send(event) if events <= 3 else asyncio.Event().wait())

        await pour(offer, sending)

    monkeypatch.setattr(downloads, "_send_content", pour_some)
    page = open_page(f"{SCRIPT}; {script}")
    array = np.arange(ITEMS, dtype=np.float64)
    assert page.call("sum", 30)(array) == sums(array)
    assert tab.evaluate("fetching.length") == 1


# A connection that breaks --------------------------------------------------------------------------------------------


@pytest.fixture
def wires() -> Iterator[list[BadWire]]:
    wires: list[BadWire] = []
    yield wires
    for wire in wires:
        wire.close()


def test_a_connection_cut_in_the_middle_of_a_download(app: JsMeetsPy, tab: Tab, wires: list[BadWire]) -> None:
    page = app.launch(f"<script>{SCRIPT}</script>", mode="none")
    wires.append(BadWire(urlsplit(page.url).port or 0, delay=0.005))
    tab.goto(wires[0].url(page.url))
    assert page.call("same", 10)(1) == 1
    for n in range(3):
        app.queues.push_nowait("q")(np.full(ITEMS, n, dtype=np.float64))
        app.queues.push_nowait("q")(np.full(10, n + 0.5, dtype=np.float64))
        tab.wait_for_function("(n) => fetching.length > n", arg=n)
        wires[0].cut()
    tab.wait_for_function("got.length === 6")
    assert tab.evaluate("fetching.length") > 3
    assert tab.evaluate("got.map((array) => array[array.length - 1])") == [0, 0.5, 1, 1.5, 2, 2.5]
