"""The badge that shows a lost connection."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, expect
from playwright.sync_api import Page as Tab

from jsmeets_local import Bridge, JsMeetsPy
from tests.timing import scaled
from tests.wire import BadWire

from .conftest import OpenByWire, Tabs

PAGE = "<!DOCTYPE html><title>T</title><body><h1>Page</h1>"


def badge(tab: Tab) -> Locator:
    return tab.get_by_role("status")


def test_the_badge_shows_while_the_connection_is_lost(open_by_wire: OpenByWire, tab: Tab) -> None:
    page, wire = open_by_wire(PAGE)
    assert tab.locator("jsmeets-badge").count() == 0, "nothing is added to a page that has no trouble"
    wire.refuse()
    expect(badge(tab)).to_have_text("Reconnecting…")
    expect(tab.get_by_text("Reconnecting…")).to_be_visible()
    wire.flow()
    assert page.eval("1", 10) == 1
    expect(badge(tab)).to_have_text("")


def test_a_short_interruption_shows_no_badge(open_by_wire: OpenByWire, tab: Tab) -> None:
    page, wire = open_by_wire(PAGE)
    tab.evaluate("""() => {
        globalThis.words = [];
        const look = () => words.push(document.querySelector("jsmeets-badge")?.shadowRoot.textContent ?? "");
        JsPyTextSocket.add_state_event(look);
        new MutationObserver(look).observe(document.documentElement, { childList: true });
    }""")
    wire.cut()
    tab.wait_for_function("words.length === 3")  # reconnecting, the empty badge is made, open
    tab.evaluate("new Promise((done) => setTimeout(done, 800))")
    assert tab.evaluate("words") == ["", "", ""]
    expect(badge(tab)).to_have_text("")
    assert page.eval("JsPyTextSocket.stats().connections") == 2


def test_the_badge_shows_that_python_is_not_responding(app: JsMeetsPy, open_by_wire: OpenByWire, tab: Tab) -> None:
    app.bridge.protocol.resume_seconds = 0.2
    page, wire = open_by_wire(PAGE)
    wire.refuse()
    expect(badge(tab)).to_have_text("Python is not responding. Retrying…")
    wire.flow()
    assert page.wait_connected(10)
    expect(badge(tab)).to_have_text("")


def test_where_python_has_closed_it_a_reload_helps(app: JsMeetsPy, open_by_wire: OpenByWire, tab: Tab) -> None:
    page, _ = open_by_wire(PAGE)
    assert app.sockets.close_socket(1)
    expect(badge(tab)).to_contain_text("Closed by Python.")
    tab.get_by_role("button", name="Reload").click()
    tab.wait_for_function("JsPyTextSocket.ready()")
    assert page.eval("1", 10) == 1
    assert tab.locator("jsmeets-badge").count() == 0


def test_the_badge_shows_that_python_has_stopped(app: JsMeetsPy, open_by_wire: OpenByWire, tab: Tab) -> None:
    open_by_wire(PAGE)
    app.stop()
    expect(badge(tab)).to_have_text("Stopped by Python.")
    tab.wait_for_function("JsPyTextSocket.state() === 'lost'")
    tab.evaluate("new Promise((done) => setTimeout(done, 1500))")  # it tries again meanwhile
    expect(badge(tab)).to_have_text("Stopped by Python.")


def test_a_page_without_its_token_shows_the_reason(app: JsMeetsPy, tab: Tab) -> None:
    page = app.launch(PAGE, mode="none")
    tab.goto(page.url.partition("#")[0])
    expect(badge(tab)).to_have_text("This URL has no launch token. Open the URL that Python printed.")


def test_a_page_of_an_earlier_launch_shows_the_reason(tabs: Tabs, tab: Tab) -> None:
    first = JsMeetsPy(bridge=Bridge())
    page = first.launch(PAGE, mode="none")
    port = urlsplit(page.url).port or 0
    tab.goto(page.url)
    assert tab.evaluate("JsPyTextSocket.wait_ready(10)")
    first.stop()
    second = JsMeetsPy(bridge=Bridge())
    url = second.launch(PAGE, mode="none", port=port).url
    expect(badge(tab)).to_have_text("Python has restarted. Open the URL that it printed.", timeout=scaled(30_000))
    tab.goto("about:blank")
    tab.goto(url)
    assert tab.evaluate("JsPyTextSocket.wait_ready(10)")
    assert tab.locator("jsmeets-badge").count() == 0
    second.stop()


def test_a_page_that_python_refuses_shows_the_reason(app: JsMeetsPy, tab: Tab) -> None:
    page = app.launch(PAGE, mode="none")
    app._access.admits = lambda scope: False  # type: ignore[method-assign]
    tab.goto(page.url)
    expect(badge(tab)).to_have_text("Python refused this page. See its log for the reason.")


def test_a_page_beyond_the_limit_shows_the_reason(app: JsMeetsPy, open_by_wire: OpenByWire, tabs: Tabs) -> None:
    app.sockets.set_connection_limit(1)
    page, _ = open_by_wire(PAGE)
    second = tabs.open(page.url)
    expect(badge(second)).to_have_text("Python accepts no more pages.Reload")


def test_a_program_under_development_restarts_or_shows_an_error(
    app: JsMeetsPy, open_by_wire: OpenByWire, tab: Tab
) -> None:
    app.bridge.protocol.settings["reload"] = True  # as `run --reload` sets it
    open_by_wire(PAGE)
    app.stop()
    expect(badge(tab)).to_have_text("Python is restarting…")
    expect(badge(tab)).to_have_text("Python is not running. See the terminal for the reason.", timeout=scaled(15_000))


def test_a_close_by_the_page_shows_no_badge(open_by_wire: OpenByWire, tab: Tab) -> None:
    open_by_wire(PAGE)
    tab.evaluate("JsPyTextSocket.close(), new Promise((done) => setTimeout(done, 800))")
    assert tab.evaluate("JsPyTextSocket.state()") == "closed"
    assert tab.locator("jsmeets-badge").count() == 0


def test_a_page_turns_the_badge_off_and_on(open_by_wire: OpenByWire, tab: Tab) -> None:
    _, wire = open_by_wire(PAGE + "<script>JsPyTextSocket.set_badge(false)</script>")
    wire.refuse()
    tab.wait_for_function("JsPyTextSocket.state() === 'reconnecting'")
    tab.evaluate("new Promise((done) => setTimeout(done, 800))")
    assert tab.locator("jsmeets-badge").count() == 0
    tab.evaluate("JsPyTextSocket.set_badge()")
    expect(badge(tab)).to_have_text("Reconnecting…")
    tab.evaluate("JsPyTextSocket.set_badge(false)")
    expect(badge(tab)).to_have_text("")


def test_python_turns_the_badge_off(tabs: Tabs) -> None:
    app = JsMeetsPy(bridge=Bridge(), badge=False)
    page = app.launch(PAGE, mode="none")
    wire = BadWire(urlsplit(page.url).port or 0)
    tab = tabs.open(wire.url(page.url))
    tab.wait_for_function("JsPyTextSocket.ready()")
    wire.refuse()
    tab.wait_for_function("JsPyTextSocket.state() === 'reconnecting'")
    tab.evaluate("new Promise((done) => setTimeout(done, 800))")
    assert tab.locator("jsmeets-badge").count() == 0
    wire.close()
    app.stop()


def test_css_and_csp_of_the_page_do_not_change_the_badge(open_by_wire: OpenByWire, tabs: Tabs, tab: Tab) -> None:
    policy = "default-src 'self'; object-src 'none'"
    style = "body *, jsmeets-badge, div, span { display: none !important; position: static !important; color: red; }"
    head = f'<meta http-equiv="Content-Security-Policy" content="{policy}"><title>T</title>'
    _, wire = open_by_wire(f"<!DOCTYPE html><head>{head}</head><body></body>")
    tab.evaluate(
        """(css) => {
            const sheet = new CSSStyleSheet();
            sheet.replaceSync(css);
            document.adoptedStyleSheets = [sheet];
        }""",
        style,
    )
    wire.refuse()
    expect(tab.get_by_text("Reconnecting…")).to_be_visible()
    color = tab.get_by_text("Reconnecting…").evaluate("(e) => getComputedStyle(e).color")
    assert color == "rgb(36, 41, 47)"
    box = tab.get_by_text("Reconnecting…").bounding_box()
    size = tab.viewport_size
    assert box is not None
    assert size is not None
    assert size["width"] - 60 < box["x"] + box["width"] < size["width"]
    assert size["height"] - 60 < box["y"] + box["height"] < size["height"]
    assert not [text for text in tabs.console if "Security" in text]


@pytest.mark.parametrize(
    ("scripts", "there"),
    [
        ('<script type="module">import { py } from "/jsmeetspy/jsmeets.mjs"; globalThis.done = py;</script>', True),
        (
            '<script src="/jsmeetspy/JsPyTextSocket.js"></script><script src="/jsmeetspy/JsPyFunction.js"></script>',
            False,
        ),
    ],
    ids=["module", "JsPyTextSocket.js alone"],
)
def test_the_module_has_the_badge_and_a_single_file_works_without(
    scripts: str, there: bool, open_by_wire: OpenByWire, tab: Tab
) -> None:
    page, wire = open_by_wire(f"<!DOCTYPE html><title>T</title>{scripts}")
    wire.refuse()
    tab.wait_for_function("JsPyTextSocket.state() === 'reconnecting'")
    if there:
        expect(badge(tab)).to_have_text("Reconnecting…")
    wire.flow()
    assert page.eval("1", 10) == 1
    assert tab.locator("jsmeets-badge").count() == there
