"""Connecting, disconnecting and reconnecting."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page as Tab
from starlette.responses import Response

from jsmeets_local import Bridge, JsMeetsPy, Page
from jsmeets_local.staticfiles import ASSETS
from tests.raw import key_of
from tests.timing import scaled, until

from .conftest import Tabs

Open = Callable[..., Page]


def drop(app: JsMeetsPy, socket: int) -> None:
    """Break a connection without a closing handshake, as a network does."""
    connection = app.bridge._connections[socket]
    assert app.bridge.portal.loop is not None
    app.bridge.portal.loop.call_soon_threadsafe(
        app.bridge.portal.loop.create_task, connection.transport.close(1011, "")
    )


def test_a_lost_connection_resumes_without_loss(app: JsMeetsPy, open_page: Open, tab: Tab) -> None:
    go_on = threading.Event()
    app.functions.expose("slow", lambda: go_on.wait(scaled(20)))
    page = open_page("""
        JsPyFunction.expose('f', (x) => x + 1);
        window.got = [];
        JsPyPubsub.subscribe('t', (_, data) => window.got.push(data));
        window.pending = JsPyFunction.call('slow')();
    """)
    app.queues.push_nowait("q")("kept")
    assert page.call("f")(1) == 2
    tab.reload()
    assert page.call("f")(1) == 2
    app.queues.push_nowait("q")("kept")
    before = app.sockets.get_socket_id()
    drop(app, before[0])
    assert page.call("f", timeout=scaled(10))(1) == 2
    assert app.sockets.get_socket_id() == before
    go_on.set()
    assert tab.evaluate("window.pending") is True
    app.pubsub.publish("t")("heard again")
    assert page.eval("[window.got, JsPyQueue.shift('q')]") == [["heard again"], "kept"]


def test_calls_while_the_connection_is_lost_wait_for_it(app: JsMeetsPy, open_page: Open, tab: Tab) -> None:
    app.functions.expose("f", lambda x: x)
    page = open_page("""JsPyTextSocket.add_close_event(() => {
        window.state = JsPyTextSocket.ready();
        window.later = JsPyFunction.call('f', 10)('later');
    });""")
    page.wait_connected()
    drop(app, 1)
    tab.wait_for_function("window.later")
    assert tab.evaluate("[window.state, JsPyTextSocket.ready()]")[0] is False
    assert tab.evaluate("window.later") == "later"


def test_after_an_explicit_close_only_reconnect_opens(app: JsMeetsPy, open_page: Open, tab: Tab) -> None:
    app.functions.expose("f", lambda x: x)
    page = open_page(
        "window.ends = []; JsPyTextSocket.add_close_event(() => ends.push(JsPyTextSocket.get_socket_id()));"
    )
    page.wait_connected()
    assert tab.evaluate("JsPyTextSocket.wait_ready(10)") is True
    assert tab.evaluate("[JsPyTextSocket.ready(), JsPyTextSocket.get_socket_id(), JsPyTextSocket.reconnect()]") == [
        True,
        1,
        False,
    ]
    assert tab.evaluate("JsPyTextSocket.close()") is True
    tab.wait_for_function("window.ends.length === 1")
    assert tab.evaluate("[window.ends, JsPyTextSocket.get_socket_id(), JsPyTextSocket.ready()]") == [[1], None, False]
    message = tab.evaluate("JsPyFunction.call('f')(1).catch(e => e.message)")
    assert message.startswith("Unable to communicate with the server @javascript")
    assert tab.evaluate("JsPyPubsub.publish('t')(1)") is False
    assert tab.evaluate("JsPyQueue.push('t')(1)") is False
    thrown = "try { JsPyFunction.call_nowait('f')(1) } catch (e) { e.message }"
    assert tab.evaluate(thrown).startswith("Could not send to server @javascript")
    until(lambda: app.sockets.get_socket_id() == ())
    assert tab.evaluate("JsPyTextSocket.init()") is True
    assert tab.evaluate("JsPyFunction.call('f', 10)('again')") == "again"
    assert app.sockets.get_socket_id() == (2,)


def test_python_closes_a_socket_for_good(app: JsMeetsPy, open_page: Open, tab: Tab) -> None:
    events: list[Any] = []

    async def event(socket_id: int, kind: str) -> None:
        events.append((socket_id, kind, app.sockets.get_socket_id()))

    app.sockets.add_socket_event(event)
    app.sockets.add_socket_event(lambda *_: app.sockets.clear_socket_event())
    page = open_page()
    page.wait_connected()
    assert app.sockets.close_socket(1)
    assert not app.sockets.close_socket(1)
    tab.wait_for_function("JsPyTextSocket.get_socket_id() === null")
    assert "closed by Python" in tab.evaluate("String(JsPyTextSocket._disconnect_reason)")
    assert tab.evaluate("JsPyFunction.call('f')().catch(e => e.name)") == "DisconnectedError"
    assert events[0] == (1, "connect", (1,))
    assert app.sockets.number_of_connections() == 0


def test_the_connection_limit(app: JsMeetsPy, open_page: Open, tabs: Tabs) -> None:
    app.sockets.set_connection_limit(1)
    page = open_page()
    page.wait_connected()
    second = tabs.open(page.url)
    second.wait_for_function("JsPyTextSocket._disconnect_reason")
    reason = "Connection refused due to connection limit @python"
    assert reason in second.evaluate("String(JsPyTextSocket._disconnect_reason)")
    assert any(reason in text for text in tabs.console)
    assert app.sockets.get_socket_id() == (1,)
    app.sockets.set_connection_limit()
    assert second.evaluate("JsPyTextSocket.reconnect()") is True
    assert second.evaluate("JsPyTextSocket.wait_ready(10)") is True
    assert app.sockets.get_socket_id() == (1, 3)


def test_a_message_built_by_hand_reaches_the_queue(app: JsMeetsPy, open_page: Open, tab: Tab) -> None:
    """The docstring of `broadcast` of 2020 shows this message."""
    page = open_page()
    page.wait_connected()
    message = {"protocol": "queue", "key": "q", "id": 1, "data": [1], "exception": None}
    app.sockets.broadcast(message)
    app.sockets.multicast({**message, "data": [2]}, 1)
    app.sockets.reservecast({**message, "data": [3]})
    items = "Promise.all([1, 2, 3].map(() => JsPyQueue.get('q', 10)))"
    assert tab.evaluate(items) == [[1], [2], [3]]
    tab.evaluate("(message) => JsPyTextSocket.send_json(message)", message)
    assert page.queue("q").get(scaled(10)) == [1]


def test_two_applications_in_one_process_share_nothing(tabs: Tabs) -> None:
    one, two = JsMeetsPy(bridge=Bridge()), JsMeetsPy(bridge=Bridge())
    try:
        one.functions.expose("f", lambda: "one")
        two.functions.expose("f", lambda: "two")
        pages = [app.launch("<p>x</p>", mode="none") for app in (one, two)]
        answers = [tabs.open(page.url).evaluate("JsPyFunction.call('f', 10)()") for page in pages]
        assert answers == ["one", "two"]
        assert one.sockets.get_socket_id() == two.sockets.get_socket_id() == (1,)
    finally:
        one.stop()
        two.stop()


def test_a_page_without_the_token_is_refused_with_a_hint(app: JsMeetsPy, tabs: Tabs) -> None:
    page = app.launch("<p>x</p>", mode="none")
    tab = tabs.open(page.url.partition("#")[0])
    while not any("launch" in text for text in tabs.console):
        tab.wait_for_timeout(20)
    assert not page.is_connected()


def test_a_page_that_is_too_busy_to_say_hello_connects_later(
    app: JsMeetsPy, open_page: Open, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("jsmeets_local.server.endpoint.HELLO_SECONDS", 0.3)

    @app.route("/busy")
    async def busy(request: Any) -> Response:
        for _ in range(100):
            if "no hello within" in caplog.text:
                break
            await asyncio.sleep(0.01)
        return Response()

    # A synchronous request stops the page; Chromium has opened its connection by then, Firefox opens it afterwards.
    page = open_page("const busy = new XMLHttpRequest(); busy.open('GET', '/busy', false); busy.send();")
    assert page.wait_connected(scaled(20))


def test_the_fragment_of_the_page_is_its_own(app: JsMeetsPy, tab: Tab) -> None:
    page = app.launch("<p>x</p>", mode="none")
    tab.goto(page.url + ";tab2")
    page.wait_connected(10)
    assert tab.url.endswith("/#tab2")
    tab.evaluate("location.hash = 'other'")
    tab.reload()
    assert tab.url.endswith("/#other")
    assert tab.evaluate("JsPyTextSocket.wait_ready(10)") is True


@pytest.mark.parametrize(
    "scripts",
    [
        "<script>window.seen = location.hash</script>",
        "<script src='/jsmeetspy/JsPyTextSocket.js'></script><script>window.seen = location.hash</script>",
        "<script type=module>import '/jsmeetspy/jsmeets.mjs'; window.seen = location.hash</script>",
        "<script type=module>import '/jsmeetspy/JsPyTextSocket.js'; window.seen = location.hash</script>",
    ],
)
def test_what_a_page_sees_of_its_address_is_its_own(scripts: str, app: JsMeetsPy, tab: Tab) -> None:
    page = app.launch(f"<body>{scripts}", mode="none")
    tab.goto(page.url + ";tab2")
    assert tab.evaluate("window.seen") == "#tab2"
    assert tab.evaluate("JsPyTextSocket.wait_ready(10)") is True
    tab.reload()
    assert tab.evaluate("JsPyTextSocket.wait_ready(10)") is True  # from sessionStorage
    assert app.bridge.protocol.page_of(app.sockets.get_socket_id()[0]) == key_of(page)


def test_links_within_the_application_keep_the_page(app: JsMeetsPy, tab: Tab) -> None:
    first = app.launch("<a href='/page-2'>next</a><script>JsPyFunction.expose('f', () => 1)</script>", mode="none")
    app.launch("<p>two</p><script>JsPyFunction.expose('f', () => 2)</script>", mode="none")
    tab.goto(first.url)
    assert first.call("f", timeout=scaled(10))() == 1
    tab.click("a")
    tab.wait_for_url("**/page-2")
    assert first.call("f", timeout=scaled(10))() == 2
    assert first.eval("location.pathname") == "/page-2"


def test_frames_and_popups_are_pages_of_their_own(app: JsMeetsPy, tabs: Tabs, tab: Tab) -> None:
    app.launch("<script>JsPyFunction.expose('who', () => 'other')</script>", mode="none")
    page = app.launch("<script>JsPyFunction.expose('who', () => 'page')</script>", mode="none")
    tab.goto(page.url)
    assert page.call("who", timeout=scaled(10))() == "page"
    tab.evaluate("() => { const f = document.createElement('iframe'); f.src = '/'; document.body.append(f); }")
    while app.sockets.number_of_connections() < 2:
        assert page.call("who", timeout=scaled(10))() == "page"
    with tab.expect_popup() as popup:
        tab.evaluate("() => { window.open('/'); }")
    while app.sockets.number_of_connections() < 3:
        assert page.call("who", timeout=scaled(10))() == "page"
    assert page.call("who")() == "page"
    tab.reload()
    assert page.call("who", timeout=scaled(10))() == "page"
    popup.value.close()


def test_a_restarted_server_gets_its_pages_back(tab: Tab) -> None:
    app = JsMeetsPy(bridge=Bridge(), token="t" * 32)
    html = "<script>JsPyFunction.expose('f', () => 'still here'); JsPyPubsub.subscribe('t', (_, x) => { window.t = x; })</script>"
    page = app.launch(html, mode="none")
    tab.goto(page.url)
    assert page.call("f", timeout=scaled(10))() == "still here"
    port = int(page.url.split(":")[2].split("/")[0])
    app.stop()
    tab.wait_for_function("!JsPyTextSocket.ready()")
    app.launch(html, mode="none", port=port)
    try:
        assert tab.evaluate("JsPyTextSocket.wait_ready(20)") is True
        app.pubsub.publish("t")("subscribed")
        tab.wait_for_function("window.t === 'subscribed'")
    finally:
        app.stop()


def test_pages_of_another_version_show_the_reason(app: JsMeetsPy, tab: Tab, caplog: pytest.LogCaptureFixture) -> None:
    page = app.launch("<p>x</p>", mode="none")
    tab.goto(page.url)
    page.wait_connected(10)
    reason = tab.evaluate("""() => new Promise((done) => {
        const {token} = JSON.parse(sessionStorage.jsmeets_local);
        const ws = new WebSocket(JsPyTextSocket._websocket.url, ['jsmeets.v9', 'jsmeets.token.' + token]);
        ws.onclose = (event) => done([event.code, event.reason]);
    })""")
    assert reason[0] == 4400
    assert "jsmeets.v1" in reason[1]
    assert "jsmeets.v9" in reason[1]
    assert "jsmeets.v9" in caplog.text
    assert page.is_connected()


def test_a_page_with_files_of_another_version_says_so_in_its_console(
    app: JsMeetsPy, tabs: Tabs, caplog: pytest.LogCaptureFixture
) -> None:
    @app.route("/static/JsPyTextSocket.js")
    async def old_file(request: Any) -> Response:
        text = Path(ASSETS, "JsPyTextSocket.js").read_text().replace('"jsmeets.v1"', '"jsmeets.v0"')
        return Response(text, media_type="text/javascript")

    page = app.launch("<script src='/static/JsPyTextSocket.js'></script>", mode="none")
    tab = tabs.open(page.url)
    tab.wait_for_function("JsPyTextSocket._disconnect_reason")
    said = [text for text in tabs.console if "jsmeets.v1" in text and "jsmeets.v0" in text]
    assert said, tabs.console
    assert "jsmeets.v0" in caplog.text
    assert not page.is_connected()


def test_inline_handlers_modules_and_classic_scripts_see_the_names(app: JsMeetsPy, tab: Tab) -> None:
    app.functions.expose("f", lambda x: x)
    names = "[JsPyTextSocket, JsPyFunction, JsPyQueue, JsPyPubsub, JsPyBinarySocket].every(Boolean)"
    page = app.launch(
        f"""<body><button onclick="window.inline = {names}; JsPyFunction.call('f')('clicked').then(v => window.v = v)">b</button>
        <script>window.classic = {names}</script><script type="module">window.module_ = {names}</script>""",
        mode="none",
    )
    tab.goto(page.url)
    tab.click("button")
    tab.wait_for_function("window.v === 'clicked'")
    assert tab.evaluate("[window.inline, window.classic, window.module_]") == [True, True, True]
