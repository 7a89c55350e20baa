"""Addresses, cookies and policies that restrict access, in real browsers."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser
from playwright.sync_api import Page as Tab
from starlette.responses import HTMLResponse

from jsmeets_local import Bridge, JsMeetsPy, JsPyError, Page
from jsmeets_local.ipython.run_cell import run_cell
from tests.browser.conftest import Tabs
from tests.timing import scaled

PAGE = "<!DOCTYPE html><title>T</title><body><script>JsPyFunction.expose('where', () => location.href)</script>"


def port_of(app: JsMeetsPy) -> int:
    return app.port


# Addresses that open a page once -------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/?a=b", "/#part"])
def test_a_browser_keeps_the_fragment_of_the_redirect(app: JsMeetsPy, tab: Tab, path: str) -> None:
    app._documents.locate(PAGE)
    page = app.launch(path, mode="none")
    response = tab.goto(page._urls.fresh())
    assert response is not None
    assert response.status == 200
    assert page.call("where", timeout=scaled(10))() == f"http://127.0.0.1:{port_of(app)}{path}", (
        "the token is taken out"
    )
    tab.reload()
    assert page.call("where", timeout=scaled(10))() == f"http://127.0.0.1:{port_of(app)}{path}"
    assert len(page._client.presence.sockets) == 1


def test_an_address_that_is_used_up_says_what_to_do(app: JsMeetsPy, tabs: Tabs) -> None:
    url = app.launch(PAGE, mode="none")._urls.fresh()
    tabs.open(url)
    second = tabs.open()
    response = second.goto(url)
    assert response is not None
    assert response.status == 403
    assert second.locator("h1").inner_text() == "This address is no longer valid"


# What other servers see ----------------------------------------------------------------------------------------------


class Listener:
    """A server of another site that records its requests."""

    def __init__(self) -> None:
        heard = self.heard = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                heard.append(f"{self.requestline}\n{self.headers}")
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"<p>other</p>")

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://localhost:{self._server.server_port}/"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def other() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.close()


@pytest.mark.parametrize("private", [False, True])
@pytest.mark.parametrize("way", ["url", "fresh"])
def test_no_referer_has_a_secret(app: JsMeetsPy, tab: Tab, other: Listener, private: bool, way: str) -> None:
    """This holds even where the page asks for full referrers."""
    html = f"<meta name=referrer content=unsafe-url>{PAGE}<img src='{other.url}image'><a href='{other.url}link'>go</a>"
    page = app.launch(html, mode="none", private=private)
    opening = page.url if way == "url" else page._urls.fresh()
    tab.goto(opening)
    page.call("where", timeout=scaled(10))()
    tab.click("a")
    tab.wait_for_selector("text=other")
    told = "\n".join(other.heard)
    assert "GET /image" in told
    assert "GET /link" in told
    assert f"http://127.0.0.1:{port_of(app)}/" in told, "this address is told"
    assert app._access.token is not None
    for secret in (app._access.token, "jsmeets=", opening.rpartition("/")[2]):
        assert secret not in told


# Private -------------------------------------------------------------------------------------------------------------


def test_a_private_page_in_a_tab(app: JsMeetsPy, browser: Browser, tabs: Tabs) -> None:
    html = f"{PAGE}<script src='jsmeetspy/JsPyQueue.js'></script><a href='?again'>again</a>"
    page = app.launch(html, mode="none", private=True)
    url = page.url
    tab = tabs.open(url)
    assert page.call("where", timeout=scaled(10))() == f"http://127.0.0.1:{port_of(app)}/"
    tab.reload()
    assert page.call("where", timeout=scaled(10))() == f"http://127.0.0.1:{port_of(app)}/"
    tab.click("a")
    tab.wait_for_url("**/?again")
    assert page.call("where", timeout=scaled(10))() == f"http://127.0.0.1:{port_of(app)}/?again"
    assert tab.evaluate("document.cookie") == "", "the page cannot read it"
    tabs.open(url).wait_for_function("JsPyTextSocket.ready()")  # the browser is known
    stranger = browser.new_context()
    foreign = stranger.new_page()
    for address in (url, f"http://127.0.0.1:{port_of(app)}/"):
        response = foreign.goto(address)
        assert response is not None
        assert response.status == 403
    assert foreign.locator("h1").inner_text() == "This page is private"
    stranger.close()


class Host:
    """An application that shows pages in iframes, as a notebook does."""

    def __init__(self) -> None:
        self.app = JsMeetsPy(bridge=Bridge())
        self.html = ""

        @self.app.route("/notebook")
        async def notebook(request: Any) -> HTMLResponse:
            return HTMLResponse(self.html)

    def url(self) -> str:
        return self.app.launch("/notebook", mode="none").url.partition("#")[0]


@pytest.fixture
def host() -> Iterator[Host]:
    host = Host()
    yield host
    host.app.stop()


def test_a_private_page_in_frames_of_the_same_host(app: JsMeetsPy, tabs: Tabs, host: Host) -> None:
    page = app.launch(f"{PAGE}<h1>framed</h1>", mode="none", private=True)
    host.html = f"<!DOCTYPE html>{page._view.html()}<hr>{page._view.html()}"
    tab = tabs.open(host.url())
    for number in (0, 1):
        tab.frame_locator("iframe").nth(number).locator("h1", has_text="framed").wait_for(timeout=scaled(10_000))
    tab.wait_for_function("Array.from(document.images).every((one) => one.complete && one.naturalWidth)")
    assert page.call("where", timeout=scaled(10))() == f"http://127.0.0.1:{port_of(app)}/"
    tab.reload()  # as in a reloaded notebook, the cookie is present
    tab.frame_locator("iframe").nth(1).locator("h1", has_text="framed").wait_for(timeout=scaled(10_000))
    session = tab.locator("a").first
    assert "open/" not in session.inner_text()
    with tab.context.expect_page() as opened:
        session.click()
    opened.value.locator("h1", has_text="framed").wait_for(timeout=scaled(10_000))


def test_other_sites_get_nothing_of_a_private_page(app: JsMeetsPy, tabs: Tabs, host: Host) -> None:
    """The browser sends no cookie for iframes and scripts of another site; a link from there shows the refusal."""
    page = app.launch(PAGE, mode="none", private=True)
    tabs.open(page.url).wait_for_function("JsPyTextSocket.ready()")
    root = f"http://127.0.0.1:{port_of(app)}/"
    host.html = f"<script src='{root}jsmeetspy/JsPyQueue.js' onerror='window.refused = true'></script><iframe src='{root}'></iframe>"
    tab = tabs.open(host.url().replace("127.0.0.1", "localhost"))
    tab.wait_for_function("window.refused")
    tab.frame_locator("iframe").locator("h1", has_text="This page is private").wait_for(timeout=scaled(10_000))


def test_a_link_of_another_site_to_a_private_page(app: JsMeetsPy, tabs: Tabs, host: Host) -> None:
    """The browser stores the cookie, but does not send it on navigations that began at another site."""
    page = app.launch(f"{PAGE}<h1>here</h1>", mode="none", private=True)
    host.html = f"<a href='{page.url}'>go</a>"
    tab = tabs.open(host.url().replace("127.0.0.1", "localhost"))
    tab.click("a")
    tab.locator("h1", has_text="This page is private").wait_for(timeout=scaled(10_000))
    tab.goto(page.url)
    tab.locator("h1", has_text="here").wait_for(timeout=scaled(10_000))


# Content-Security-Policy ---------------------------------------------------------------------------------------------

POLICY = "default-src 'self'"
SCRIPT = """
JsPyFunction.expose("add", (a, b) => a + b);
JsPyFunction.expose("back", async (x) => [await JsPyFunction.call("twice")(x), JsPyFunction.call.name]);
JsPyFunction.expose("push", (x) => JsPyQueue.push("up")(x));
JsPyFunction.expose("take", () => JsPyQueue.shift("down"));
JsPyFunction.expose("say", (x) => JsPyPubsub.publish("said")(x));
let heard = null;
JsPyPubsub.subscribe("told", (topic, x) => { heard = x; });
JsPyFunction.expose("heard", () => heard);
JsPyFunction.expose("bytes", (x) => x);
JsPyFunction.expose("twice_of", (f) => async (x) => 2 * await f(x));
"""
MODULE = """
import { expose, py } from "/jsmeetspy/jsmeets.mjs";
expose({ by_module: async (x) => py.twice(x) });
"""


class Strict:
    """Middleware that adds the policy to every response."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def send_strict(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"content-security-policy", POLICY.encode())]
            await send(message)

        await self._app(scope, receive, send_strict)


@pytest.fixture
def strict(app: JsMeetsPy, tab: Tab, tmp_path: Any) -> Page:
    """A page with its scripts in files, under the policy."""
    (tmp_path / "page.js").write_text(SCRIPT)
    (tmp_path / "page.mjs").write_text(MODULE)
    scripts = "<script src=page.js></script><script type=module src=page.mjs></script>"
    (tmp_path / "strict.html").write_text(f"<!DOCTYPE html><title>T</title><body>{scripts}")
    app.add_middleware(Strict)
    app.functions.expose("twice", lambda x: 2 * x)
    page = app.launch(str(tmp_path / "strict.html"), mode="none")
    tab.goto(page.url)
    assert page.wait_connected(10)
    return page


def test_everything_works_under_a_strict_policy(strict: Page, app: JsMeetsPy) -> None:
    assert strict.call("add", timeout=scaled(10))(1, 2) == 3
    assert strict.js.back(4)[0] == 8
    assert strict.js.by_module(4) == 8
    assert strict.js.push([1])
    assert strict.queue("up").get(timeout=scaled(10)) == [1]
    strict.queue("down").push("item")
    assert strict.js.take() == "item"
    said = strict.subscribe("said")
    strict.js.say("x")
    assert said.get(timeout=scaled(10)) == ("said", "x")
    strict.publish("told")("y")
    assert strict.js.heard() == "y"
    assert strict.js.bytes(b"abc") == b"abc"
    assert strict.js.twice_of(lambda x: x + 1)(4) == 10
    assert "add" in dir(strict.js)


def test_eval_says_what_it_lacks(strict: Page, tabs: Tabs, tab: Tab) -> None:
    for ask in (
        lambda: strict.eval("1 + 1", timeout=scaled(10)),
        lambda: run_cell(strict, "1 + 1", "cell", 1, timeout=scaled(10)),
    ):
        with pytest.raises(JsPyError, match=r"unsafe-eval") as caught:
            ask()
        assert "Content-Security-Policy" in str(caught.value)
    tab.title()  # reports of the browser have arrived by then
    tabs.errors[:] = [error for error in tabs.errors if "unsafe-eval" not in error]  # Firefox reports it there, too
