"""HTTP is answered only under host names of the server, which prevents DNS rebinding."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from jsmeets_local import Bridge, JsMeetsPy
from tests.raw import request

PATHS = ["/", "/own", "/static/a.txt", "/jsmeetspy/JsPyQueue.js", "/favicon.ico", "/jsmeetspy/open/x", "/nothing"]


@pytest.fixture
def app(make_app: Callable[..., JsMeetsPy], tmp_path: Path) -> JsMeetsPy:
    (tmp_path / "a.txt").write_text("text")
    app = make_app(static=str(tmp_path), allowed_hosts=["my.host", "lab.example:8123"])

    @app.route("/own")
    async def own(request: Any) -> PlainTextResponse:
        return PlainTextResponse("own")

    return app


@pytest.fixture
def port(app: JsMeetsPy) -> int:
    app.launch("<p>x</p>", mode="none")
    return app.port


FOREIGN = [
    "rebound.example",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "my.host.evil",
    "lab.example:1",
    "[::1",
    "evil.example@127.0.0.1",
    "evil.example:80@localhost",
    "127.0.0.1#.evil.example",
    "127.0.0.1:80#.evil.example",
    "127.0.0.1/.evil.example",
    "127.0.0.1?.evil.example",
    "127.0.0.1:80:80",
    "127.0.0.1:99999",
    "127.0.0.1:+80",
    "127.0.0.1:\xb2",
    "127.0.0.1, evil.example",
    "127.0.0.1 evil.example",
    "127.0.0.1\\.evil.example",
    "localhost\xa0",
    "[::1]evil.example",
    "[localhost]",
    "my.host@evil.example",
    "\x9b2J",
]


@pytest.mark.parametrize("path", PATHS)
def test_foreign_host_names_are_refused(port: int, path: str) -> None:
    for host in (*FOREIGN, "", None):
        status, head, body = request(port, path, host)
        assert status == 403, host
        assert "content-type: text/plain" in head
        assert "to allow it, pass JsMeetsPy(allowed_hosts=[...])" in body


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost:9999", "[::1]:80", "LocalHost", "my.host", "lab.example:8123"]
)
def test_own_host_names_are_answered(port: int, host: str) -> None:
    assert request(port, "/own", host)[::2] == (200, "own")
    assert request(port, "/static/a.txt", host)[::2] == (200, "text")
    assert request(port, "/nothing", host)[0] == 404


def test_refusals_are_logged_once_and_without_their_path(port: int, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        for path in PATHS * 3:
            assert request(port, path, "rebound.example")[0] == 403
    lines = [record.getMessage() for record in caplog.records]
    assert lines == [
        "refused a request from 127.0.0.1: Host 'rebound.example' is not allowed; "
        "to allow it, pass JsMeetsPy(allowed_hosts=[...])"
    ]


@pytest.mark.parametrize("forwarded", ["\x9b2J", "1.2.3.4\xa0", "a\x85ERROR:root:forged"])
def test_forwarded_headers_cannot_break_the_log(port: int, forwarded: str, caplog: pytest.LogCaptureFixture) -> None:
    odd = {"X_Forwarded_For": forwarded, "X_Forwarded_Prefix": f"/{forwarded}", "X_Forwarded_Proto": forwarded}
    assert request(port, "/own", "rebound.example", **odd)[0] == 403
    [line] = [record.getMessage() for record in caplog.records]
    assert line.isprintable()
    assert request(port, "/own", **odd)[::2] == (200, "own")


def test_a_star_allows_any_host(tmp_path: Path) -> None:
    app = JsMeetsPy(bridge=Bridge(), static=str(tmp_path), allowed_hosts=["*"])
    with TestClient(app, headers={"Host": "anything.example"}) as client:
        assert client.get("/jsmeetspy/JsPyQueue.js").status_code == 200


def test_test_clients_are_answered(app: JsMeetsPy) -> None:
    with TestClient(app) as client:
        assert client.get("/own").text == "own"
        assert client.get("/own", headers={"Host": "rebound.example"}).status_code == 403
    with TestClient(app, base_url="http://lab.test") as client:
        assert client.get("/own").text == "own"


@pytest.mark.parametrize(
    ("base_url", "answered", "refused"),
    [
        ("https://hub.example.org/x/", "hub.example.org", "other.example.org"),
        ("/user/ann/proxy/{port}/", "whatever.example.org", ""),
        (None, "127.0.0.1", "hub.example.org"),
    ],
)
def test_behind_a_proxy(app: JsMeetsPy, base_url: str | None, answered: str, refused: str) -> None:
    app.launch("<p>x</p>", mode="none", base_url=base_url)
    assert request(app.port, "/own", answered)[0] == 200
    assert request(app.port, "/own", refused)[0] == 403


# Other addresses than those of this machine --------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.0.0.2"])
def test_loopback_addresses_need_no_warning(host: str, caplog: pytest.LogCaptureFixture) -> None:
    app = JsMeetsPy(bridge=Bridge())
    try:
        app.launch("<p>x</p>", mode="none", host=host)
        assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    finally:
        app.stop()


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_other_addresses_log_a_warning(host: str, caplog: pytest.LogCaptureFixture) -> None:
    app = JsMeetsPy(bridge=Bridge())
    try:
        page = app.launch("<p>x</p>", mode="none", host=host)
        app.open("<p>y</p>", mode="none")
        (warning,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
        assert warning.startswith(f"host='{host}' exposes port {app.port} to the network: ")
        assert "#jsmeets=" in page.url, "there is a token"
        assert app._access.token is not None
        assert app._access.token not in warning
    finally:
        app.stop()


def test_two_host_headers_are_refused(port: int) -> None:
    assert request(port, "/own", "127.0.0.1", HOST="evil.example")[0] == 403
