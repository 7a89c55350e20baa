"""Pages under a path prefix, and pages in iframes of a window of the same origin, as behind jupyter-server-proxy."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page as Tab
from starlette.responses import HTMLResponse
from starlette.routing import Mount

from jsmeets_local import Bridge, JsMeetsPy, JsPyBinarySocket, Page
from tests.timing import scaled

PREFIX = "/user/ann%40lab/proxy/{port}/"


def address(app: JsMeetsPy, page: Page) -> str:
    """Return the URL of the page behind a proxy that keeps the prefix; the application plays the proxy."""
    return f"{app.url}{page.url}"


IMPORTS = [
    pytest.param("import { expose } from '/jsmeetspy/jsmeets.mjs'", id="absolute"),
    pytest.param("import { expose } from './jsmeetspy/jsmeets.mjs'", id="relative"),
    pytest.param("const { expose } = await import('/jsmeetspy/jsmeets.mjs')", id="dynamic"),
]


@pytest.mark.parametrize("imports", IMPORTS)
def test_modules_are_found(app: JsMeetsPy, tab: Tab, imports: str) -> None:
    html = f"<script type='module'>{imports}; expose({{ where: () => JsPyTextSocket._websocket.url }})</script>"
    page = app.launch(html, mode="none", base_url=PREFIX)
    tab.goto(address(app, page))
    url = address(app, page).partition("#")[0].replace("http:", "ws:")
    assert page.call("where", timeout=scaled(10))() == f"{url}jsmeetspy/textsocket"


def test_links_and_binary_sockets(app: JsMeetsPy, tab: Tab) -> None:
    pipe = JsPyBinarySocket("/pipe")
    app.add_socket(pipe)

    async def back(websocket: Any, socket_id: int, data: bytes) -> None:
        await websocket.send_bytes(data[::-1])

    pipe.set_message_handler(back)
    script = """<script>
        JsPyFunction.expose("where", () => location.pathname);
        JsPyFunction.expose("reverse", (data) => new Promise((done) => {
            const pipe = new JsPyBinarySocket("/pipe");
            pipe.set_message_handler((_, got) => done(new Uint8Array(got)));
            pipe._websocket.onopen = () => pipe.send(data);
        }));
    </script>"""
    app.launch(f"{script}second", mode="none")
    page = app.launch(f"{script}<a href='./'>second</a>", mode="none", base_url=PREFIX)
    tab.goto(address(app, page))
    assert page.call("reverse", timeout=scaled(10))(b"abc") == b"cba"
    first = page.call("where")()
    tab.click("a")
    tab.wait_for_selector("text=second")
    assert page.call("where", timeout=scaled(10))() == first.removesuffix("page-2")


def in_frames(tab: Tab, window: str, script: str) -> None:
    """Open a window with two iframes, run a script in each, and wait until both have connected again."""
    tab.goto(window)
    every = "() => Array.from(frames).every((frame) => !frame.old && frame.JsPyTextSocket?.ready())"
    tab.wait_for_function(every)
    tab.evaluate(f"() => Array.from(frames).forEach((frame) => {{ frame.old = true; {script} }})")
    tab.wait_for_function(every)


@pytest.mark.parametrize("script", ["frame.location.reload()", "frame.document.querySelector('a').click()"])
def test_frames_in_a_window_of_their_origin_stay_what_they_are(app: JsMeetsPy, tab: Tab, script: str) -> None:
    """Under Jupyter the window is not a page of Python, and shares one sessionStorage with all its iframes."""
    html = "<script>JsPyFunction.expose('who', () => '{}')</script><a href='?again'>again</a>"
    pages = {name: app.launch(html.format(name), mode="none", base_url=PREFIX) for name in ("one", "two")}

    @app.route("/window")
    async def window(request: Any) -> HTMLResponse:
        return HTMLResponse("".join(f"<iframe src='{page.url}'></iframe>" for page in pages.values()))

    in_frames(tab, address(app, pages["one"]).partition("#")[0] + "window", script)
    for name, page in pages.items():
        assert page.call("who", timeout=scaled(10))() == name


def test_applications_of_one_origin_keep_their_tokens(tab: Tab) -> None:
    """Several kernels under one Jupyter share an origin."""
    tokens = {"/a": "a" * 40, "/b": "b" * 40}
    inner = {path: JsMeetsPy(bridge=Bridge(), token=token) for path, token in tokens.items()}
    for app in inner.values():
        app._documents.locate("<p>x</p>")
    outer = JsMeetsPy(bridge=Bridge(), routes=[Mount(path, app) for path, app in inner.items()])
    frames = "".join(f"<iframe src='{path}/#jsmeets={token}.'></iframe>" for path, token in tokens.items())

    @outer.route("/window")
    async def window(request: Any) -> HTMLResponse:
        return HTMLResponse(frames)

    try:
        page = outer.launch("/window", mode="none")
        in_frames(tab, page.url.partition("#")[0], "frame.location.reload()")
    finally:
        outer.stop()
