"""Behind a proxy that serves the application under a prefix, as jupyter-server-proxy does: its requests, byte by byte."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, WebSocketRoute
from starlette.testclient import TestClient

from jsmeets_local import Bridge, JsMeetsPy, LaunchError, Page
from jsmeets_local.server.forwarded import with_prefix
from jsmeets_local.server.script_tags import with_scripts
from tests.raw import RawPage
from tests.timing import scaled

PREFIX = "/user/ann%40lab/proxy/8123"
PUBLIC = "hub.example.org"
IMPORT_MAP = f'<script type="importmap">{{"imports": {{"/jsmeetspy/": "{PREFIX}/jsmeetspy/"}}}}</script>'
AS_PROXY = {"Host": PUBLIC, "X-Forwarded-Prefix": PREFIX, "X-Forwarded-Proto": "https,http"}


@pytest.fixture
def app(make_app: Callable[..., JsMeetsPy], tmp_path: Path) -> JsMeetsPy:
    for folder in ("stat/deep", "temp", "page/deep"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "stat" / "a.txt").write_text("static text")
    (tmp_path / "temp" / "t.html").write_text(
        "<head>{{ jsmeets_scripts() }}</head>{{ url_for('static', path='/a.txt') }}"
    )
    (tmp_path / "page" / "own.html").write_text("<script src='jsmeetspy/JsPyTextSocket.js'></script>file")
    (tmp_path / "page" / "deep" / "index.html").write_text("deep")
    app = make_app(static=str(tmp_path / "stat"), templates=str(tmp_path / "temp"))

    @app.route("/urls/{n:int}", name="urls")
    async def urls(request: Request) -> JSONResponse:
        return JSONResponse([str(request.url), str(request.base_url), str(request.url_for("urls", n=2))])

    @app.route("/slash/")
    async def slash(request: Request) -> JSONResponse:
        return JSONResponse("slash")

    return app


@pytest.fixture
def known(app: JsMeetsPy) -> None:
    """Allow the public name, as `JsMeetsPy(allowed_hosts=[...])` does."""
    app._access.allowed_hosts |= {PUBLIC}


def port_of(app: JsMeetsPy) -> int:
    return app.port


def get(app: JsMeetsPy, path: str, headers: dict[str, str] = AS_PROXY) -> tuple[int, str, str]:
    """Return status, redirect target and text."""
    connection = http.client.HTTPConnection("127.0.0.1", port_of(app), timeout=scaled(10))
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        return response.status, response.getheader("location", ""), response.read().decode()
    finally:
        connection.close()


def text(app: JsMeetsPy, path: str, headers: dict[str, str] = AS_PROXY) -> str:
    status, _, body = get(app, path, headers)
    assert status == 200
    return body


def shake_hands(page: Page, app: JsMeetsPy, host: str, origin: str | None, **options: str) -> int:
    """Return the status of a WebSocket handshake as a proxy forwards it; 101 is accepted."""
    token = options.get("token", page.url.partition("=")[2].partition(".")[0])
    lines = [
        f"GET {options.get('path', '/jsmeetspy/textsocket')} HTTP/1.1",
        *("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"),
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        f"Sec-WebSocket-Protocol: jsmeets.v1, jsmeets.token.{token}",
        f"Host: {host}",
        *([] if origin is None else [f"Origin: {origin}"]),
    ]
    with socket.create_connection(("127.0.0.1", port_of(app)), timeout=scaled(10)) as sock:
        sock.sendall("\r\n".join([*lines, "", ""]).encode())
        return int(sock.recv(100).split(b" ")[1])


# Requests of a proxy -------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("known")
def test_urls_are_those_of_the_browser(app: JsMeetsPy) -> None:
    app.launch("<p>x</p>", mode="none")
    root = f"https://{PUBLIC}{PREFIX}/"
    assert text(app, "/urls/1?a=b") == f'["{root}urls/1?a=b","{root}","{root}urls/2"]'
    direct = {"Host": f"127.0.0.1:{port_of(app)}"}
    assert text(app, "/urls/1", direct).startswith(f'["http://127.0.0.1:{port_of(app)}/urls/1"')


@pytest.mark.usefixtures("known")
def test_scripts_of_templates_and_texts(app: JsMeetsPy) -> None:
    app.launch("t.html", mode="none")
    rendered = text(app, "/t.html")
    assert IMPORT_MAP in rendered
    assert f'<script src="{PREFIX}/jsmeetspy/jsmeets.js"></script>' in rendered
    assert rendered.endswith(f"https://{PUBLIC}{PREFIX}/static/a.txt")
    app.launch("<p>text</p>", mode="none")
    assert f'<!DOCTYPE html>\n{IMPORT_MAP}\n<script src="{PREFIX}/jsmeetspy/jsmeets.js">' in text(app, "/")
    assert "importmap" not in text(app, "/", {}), "without a proxy there is nothing to map"


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(
    ("html", "wanted"),
    [
        pytest.param(
            "<head></head><script type=module>import { py } from '/jsmeetspy/jsmeets.mjs'</script>",
            f"<head>\n{IMPORT_MAP}\n</head><script type=module>import {{ py }} from '/jsmeetspy/jsmeets.mjs'</script>",
            id="module",
        ),
        pytest.param(
            """<html><script src="/jsmeetspy/JsPyTextSocket.js"></script><link href='/jsmeetspy/favicon.svg'>""",
            f'<html>\n{IMPORT_MAP}\n<script src="{PREFIX}/jsmeetspy/JsPyTextSocket.js"></script>'
            f"<link href='{PREFIX}/jsmeetspy/favicon.svg'>",
            id="own tags",
        ),
        pytest.param(
            '<html><p title="/jsmeetspy/">/jsmeetspy/ jsmeets.mjs</p>',
            f'<html>\n{IMPORT_MAP}\n<script src="{PREFIX}/jsmeetspy/jsmeets.js"></script>\n'
            '<p title="/jsmeetspy/">/jsmeetspy/ jsmeets.mjs</p>',
            id="no address",
        ),
        pytest.param(
            "<head><script type=importmap>{}</script><script type=module>import '/jsmeetspy/jsmeets.mjs'</script>",
            "<head><script type=importmap>{}</script><script type=module>import '/jsmeetspy/jsmeets.mjs'</script>",
            id="a map of its own",
        ),
    ],
)
def test_absolute_addresses_of_our_files_in_a_text(app: JsMeetsPy, html: str, wanted: str) -> None:
    app.launch(html, mode="none")
    assert text(app, "/") == wanted
    assert text(app, "/", {}) == (html if "<script" in html else with_scripts(html))


@pytest.mark.usefixtures("known")
def test_files_and_redirects(app: JsMeetsPy, tmp_path: Path) -> None:
    page = app.launch(str(tmp_path / "page" / "own.html"), mode="none")
    assert urlsplit(page.url).path == "/own.html"
    assert "src='jsmeetspy/JsPyTextSocket.js'" in text(app, "/own.html")
    assert text(app, "/static/a.txt") == "static text"
    assert "JsPyTextSocket" in text(app, "/jsmeetspy/JsPyTextSocket.js")
    for path in ("/slash", "/deep", "/static"):
        status, location, _ = get(app, path)
        assert (status, location) == (307, f"https://{PUBLIC}{PREFIX}{path}/")
    assert f"{PREFIX}/jsmeetspy/jsmeets.js" in text(app, "/deep/")
    assert get(app, "/none")[0] == 404


@pytest.mark.parametrize(
    "prefix",
    ["//evil.example", "/a//b", "a", "/a b", '/"><script>', "/a?b", "/a#b", "/a\\b", "", "/", "https://x.example"],
)
def test_invalid_prefixes_are_ignored(app: JsMeetsPy, prefix: str) -> None:
    app.launch("<p>text</p>", mode="none")
    assert '<script src="/jsmeetspy/jsmeets.js">' in text(app, "/", {"X-Forwarded-Prefix": prefix})


def test_forwarded_headers_count_from_this_machine_only() -> None:
    headers = [(b"x-forwarded-prefix", b"/p"), (b"x-forwarded-proto", b"https"), (b"x-forwarded-for", b"203.0.113.5")]
    scope: dict[str, Any] = {"type": "http", "path": "/x", "raw_path": b"/x", "root_path": "", "headers": headers}
    scope = {**scope, "scheme": "http", "client": ("203.0.113.5", 0)}
    for server in (("192.168.0.5", 80), ("12.7.0.0", 80), None, ("/run/socket", None)):
        assert with_prefix({**scope, "server": server}, "") == {**scope, "server": server}
    for server in (("127.0.0.1", 80), ("::1", 80), ("127.0.0.7", 80)):
        seen = with_prefix({**scope, "server": server}, "")
        assert (seen["root_path"], seen["path"], seen["raw_path"], seen["scheme"]) == ("/p", "/p/x", b"/p/x", "https")


def test_a_prefix_is_put_on_once(app: JsMeetsPy) -> None:
    """`uvicorn --root-path`, and an outer application that sets the prefix too."""
    headers = [(b"x-forwarded-prefix", b"/p/")]
    scope: dict[str, Any] = {"type": "http", "server": ("127.0.0.1", 80), "headers": headers, "path": "/p/x"}
    scope["root_path"] = "/p"
    assert with_prefix(scope, "") == scope
    assert with_prefix({**scope, "headers": []}, "/p") == {**scope, "headers": []}


def test_mounted_in_another_application(app: JsMeetsPy, tmp_path: Path) -> None:
    app._documents.locate("t.html")
    plain = Starlette(routes=[Mount("/lab", app)])
    outer = JsMeetsPy(bridge=Bridge(), routes=[Mount("/lab", app)])
    for around in (plain, outer):
        for host, root in (("127.0.0.1", f"{PREFIX}/lab"), ("testserver", "/lab")):
            with TestClient(around, base_url=f"http://{host}") as client:
                rendered = client.get("/lab/t.html", headers={"X-Forwarded-Prefix": PREFIX}).text
            assert f'<script src="{root}/jsmeetspy/jsmeets.js"></script>' in rendered
            assert f"http://{host}{root}/static/a.txt" in rendered


# base_url= --------------------------------------------------------------------------------------------------------------


def test_page_url(app: JsMeetsPy) -> None:
    page = app.launch("<p>x</p>", mode="none", base_url="/user/ann/proxy/{port}/")
    path, _, fragment = page.url.partition("#")
    assert path == f"/user/ann/proxy/{port_of(app)}/"
    assert fragment.startswith("jsmeets=")
    other = app.open("t.html#part")
    assert other.url.startswith(f"/user/ann/proxy/{port_of(app)}/t.html#jsmeets=")
    assert other.url.endswith(";part")
    assert f"<Page {path} (waiting)>" == repr(page)
    whole = app.open("/urls/1", base_url="https://lab-{port}.example.org")
    assert whole.url.startswith(f"https://lab-{port_of(app)}.example.org/urls/1#jsmeets=")
    assert app.open("/urls/1", base_url=None).url.startswith(f"http://127.0.0.1:{port_of(app)}/urls/1#")


@pytest.mark.parametrize(
    "base_url",
    [
        "user/ann/",
        "//evil.example/",
        "ftp://example.org/",
        "https:///x",
        "/a b/",
        "/a?b",
        "https://x.example/#a",
        "/a//b",
        "",
    ],
)
def test_invalid_base_urls_are_refused(app: JsMeetsPy, base_url: str) -> None:
    with pytest.raises(ValueError, match=r'base_url must be a path \("/user/ann/proxy/\{port\}/"\) or a URL'):
        app.launch("<p>x</p>", mode="none", base_url=base_url)
    with pytest.raises(LaunchError, match="this application is not served"):
        _ = app.port


def test_a_browser_opens_a_whole_url(app: JsMeetsPy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="this mode needs an absolute URL"):
        app.launch("<p>x</p>", mode="browser", base_url="/user/ann/proxy/{port}/")
    browser, opened = tmp_path / "browser", tmp_path / "opened"
    browser.write_text(f'#!/bin/sh\necho "$1" > {opened}\n')
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{browser} %s")
    monkeypatch.setattr("webbrowser._tryorder", None)  # it looks for browsers once in a process
    with pytest.raises(LaunchError, match=r"no page connected within 1 s at https://hub\.example\.org/lab/") as caught:
        app.launch("<p>x</p>", mode="browser", base_url=f"https://{PUBLIC}/lab/", timeout=1)
    assert "jsmeets=" not in str(caught.value)
    assert opened.read_text().startswith(f"https://{PUBLIC}/lab/jsmeetspy/open/")


@pytest.mark.parametrize("base_url", [f"{PREFIX}/", f"https://{PUBLIC}{PREFIX}"])
def test_a_proxy_without_forwarded_headers(app: JsMeetsPy, base_url: str) -> None:
    """It may strip the prefix or keep it, encoded or not; direct requests find the page too."""
    app.launch("<p>text</p>", mode="none", base_url=base_url)
    root = f"http://{PUBLIC}{PREFIX}"
    for path in ("/urls/1", f"{PREFIX}/urls/1", "/user/ann@lab/proxy/8123/urls/1"):
        assert text(app, path, {"Host": PUBLIC}) == f'["{root}/urls/1","{root}/","{root}/urls/2"]'
    own = {"Host": f"127.0.0.1:{port_of(app)}"}
    assert f'<script src="{PREFIX}/jsmeetspy/jsmeets.js">' in text(app, "/", own)
    assert "JsPyQueue" in text(app, f"{PREFIX}/jsmeetspy/JsPyQueue.js", own)
    assert get(app, "/slash", {"Host": PUBLIC})[1] == f"{root}/slash/"
    RawPage(f"http://127.0.0.1:{port_of(app)}/#{app.pages[0].url.partition('#')[2]}").close()


def test_localhost_is_used_only_if_the_server_owns_it(app: JsMeetsPy) -> None:
    """Browsers try `::1` too, so another server there would receive the token of the page."""
    app.launch("<p>x</p>", mode="none")
    server = app._launcher._running_server()
    with socket.socket(socket.AF_INET6) as foreign:
        foreign.bind(("::1", server.port))
        assert not server.owns_localhost()
    assert server.owns_localhost()
    assert server.owns_localhost()
    for address in ("::1", "::"):
        with socket.socket(socket.AF_INET6) as foreign, pytest.raises(OSError, match="in use"):
            foreign.bind((address, server.port))
    assert text(app, "/", {"Host": f"localhost:{server.port}"})
    app.stop()
    with socket.socket(socket.AF_INET6) as foreign:
        foreign.bind(("::1", server.port))


# Access control ------------------------------------------------------------------------------------------------------


def test_without_a_proxy_an_unknown_host_is_refused(app: JsMeetsPy) -> None:
    page = app.launch("<p>x</p>", mode="none")
    assert shake_hands(page, app, PUBLIC, f"https://{PUBLIC}") == 403
    assert shake_hands(page, app, PUBLIC, None) == 403


def test_behind_a_proxy_of_unknown_name(app: JsMeetsPy) -> None:
    @app.websocket_route("/own")
    async def own(websocket: Any) -> None:
        await websocket.accept()
        await websocket.close()

    page = app.launch("<p>x</p>", mode="none", base_url=f"{PREFIX}/")
    same = (PUBLIC, f"https://{PUBLIC}")
    assert shake_hands(page, app, *same) == 101
    assert shake_hands(page, app, f"{PUBLIC}:8443", f"https://{PUBLIC}:8443") == 101
    assert shake_hands(page, app, *same, path=f"{PREFIX}/jsmeetspy/textsocket") == 101
    assert shake_hands(page, app, *same, path="/user/ann@lab/proxy/8123/jsmeetspy/textsocket") == 101
    assert shake_hands(page, app, *same, token="wrong") == 403, "a name that was rebound has no token"
    assert shake_hands(page, app, PUBLIC, "https://evil.example") == 403
    assert shake_hands(page, app, PUBLIC, "null") == 403
    assert shake_hands(page, app, PUBLIC, "") == 403
    assert shake_hands(page, app, "", f"https://{PUBLIC}") == 403
    assert shake_hands(page, app, *same, path="/own") == 403, "it asks for no token, and the name may be rebound"
    local = f"127.0.0.1:{port_of(app)}"
    assert shake_hands(page, app, local, f"http://{local}", path="/own") == 101


def test_behind_a_proxy_of_known_name(app: JsMeetsPy) -> None:
    @app.websocket_route("/own")
    async def own(websocket: Any) -> None:
        await websocket.accept()
        await websocket.close()

    page = app.launch("<p>x</p>", mode="none", base_url=f"https://{PUBLIC}/x/")
    local = f"127.0.0.1:{port_of(app)}"
    for path in ("/own", "/jsmeetspy/textsocket"):
        assert shake_hands(page, app, PUBLIC, f"https://{PUBLIC}", path=path) == 101
        assert shake_hands(page, app, local, f"https://{PUBLIC}", path=path) == 101, "it may tell our own Host"
        assert shake_hands(page, app, "other.example", "https://other.example", path=path) == 403
        assert shake_hands(page, app, PUBLIC, "https://other.example", path=path) == 403
        assert shake_hands(page, app, local, "https://other.example", path=path) == 403
        assert shake_hands(page, app, f"{PUBLIC}:8443", f"https://{PUBLIC}:8443", path=path) == 403
    assert shake_hands(page, app, PUBLIC, f"https://{PUBLIC}", token="wrong") == 403


def test_the_next_server_knows_no_proxy(app: JsMeetsPy) -> None:
    app.launch("<p>x</p>", mode="none", base_url=f"{PREFIX}/")
    app.stop()
    page = app.launch("<p>x</p>", mode="none")
    assert shake_hands(page, app, PUBLIC, f"https://{PUBLIC}") == 403
    assert '<script src="/jsmeetspy/jsmeets.js">' in text(app, "/", {})


def test_a_mounted_socket_behind_a_proxy(app: JsMeetsPy) -> None:
    """WebSockets get the prefix too, so that routes below a mount are found."""

    async def echo(websocket: Any) -> None:
        await websocket.accept()
        await websocket.close()

    app.router.routes.append(Mount("/deep", routes=[WebSocketRoute("/echo", echo)]))
    page = app.launch("<p>x</p>", mode="none", base_url=f"{PREFIX}/")
    for path in ("/deep/echo", f"{PREFIX}/deep/echo"):
        assert shake_hands(page, app, "127.0.0.1", None, path=path) == 101
