"""Request heads, on raw sockets: large as those of browsers, limited, and complete in time."""

from __future__ import annotations

import contextlib
import importlib
import logging
import socket
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvicorn
from starlette.websockets import WebSocket

from jsmeets_local import Bridge, JsMeetsPy, Page
from tests.raw import RawPage
from tests.timing import scaled

CROWD = 300


@pytest.fixture(params=["httptools", "h11"])
def protocol(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The module of the HTTP protocol, with httptools and without."""
    if request.param == "h11":
        monkeypatch.setitem(sys.modules, "uvicorn.protocols.http.httptools_impl", None)
        monkeypatch.delitem(sys.modules, "jsmeets_local.server.request_head")
    module = importlib.import_module("jsmeets_local.server.request_head")
    assert module.HttpProtocol.__mro__[2].__module__ == f"uvicorn.protocols.http.{request.param}_impl"
    monkeypatch.setattr("jsmeets_local.server.uvicorn_server.HttpProtocol", module.HttpProtocol)
    return module


@pytest.fixture
def ask(page: Page, protocol: Any) -> Callable[..., str]:
    """Send bytes to the server of the page; return the first line of the response, or all of it with `whole=True`."""

    def ask(data: bytes, whole: bool = False) -> str:
        with connected(page) as sock:
            sock.sendall(data)
            answer = b"".join(iter(lambda: sock.recv(65536), b"")) if whole else sock.recv(65536)
        return answer.decode() if whole else answer.decode().partition("\r\n")[0]

    return ask


@pytest.fixture
def app(protocol: Any, app: JsMeetsPy) -> JsMeetsPy:
    return app


def connected(page: Page) -> socket.socket:
    host, _, port = page.url.split("/")[2].partition(":")
    return socket.create_connection((host, int(port)), timeout=scaled(10))


def handshake(page: Page, more: str = "", target: str = "/jsmeetspy/textsocket") -> bytes:
    token, host = page.url.partition("=")[2].partition(".")[0], page.url.split("/")[2]
    return (
        f"GET {target} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Protocol: jsmeets.v1, jsmeets.token.{token}\r\n{more}\r\n"
    ).encode()


def cookies(count: int, size: int = 4000) -> str:
    return "Cookie: " + "; ".join(f"c{number}={'x' * size}" for number in range(count)) + "\r\n"


HEADS = {
    "a line over 8 KiB": cookies(3),
    "180 cookies": cookies(180),
    "cookies in lines of their own": cookies(1) * 150,
    "200 headers": "".join(f"X-{number}: 1\r\n" for number in range(200)),
    "latin-1": "X-Name: M\xfcller\r\n",
}


@pytest.mark.parametrize("more", HEADS.values(), ids=HEADS)
def test_request_heads_of_browsers_are_accepted(page: Page, ask: Callable[..., str], more: str) -> None:
    assert ask(handshake(page, more)) == "HTTP/1.1 101 Switching Protocols"
    plain = handshake(page, more).replace(b"Upgrade: websocket\r\nConnection: Upgrade", b"Connection: close")
    assert ask(plain.replace(b"/jsmeetspy/textsocket", b"/")) == "HTTP/1.1 200 OK"


def test_the_application_gets_all_headers(app: JsMeetsPy) -> None:
    @app.websocket_route("/own")
    async def own(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text(f"{len(websocket.cookies)} {websocket.headers['x-last']} {websocket.headers['host']}")
        await websocket.close()

    page = app.launch("<p>x</p>", mode="none")
    with connected(page) as sock:
        sock.sendall(handshake(page, cookies(100) + "X-Last:  yes \r\n", "/own"))
        answer = b"".join(iter(lambda: sock.recv(65536), b""))
    assert f"100 yes {page.url.split('/')[2]}".encode() in answer


REFUSED = {
    "1.5 MB of cookies": (lambda page: handshake(page, cookies(400)), 431, "its headers exceed 1048576 bytes"),
    "the same without an upgrade": (
        lambda page: handshake(page, cookies(400)).replace(b"Upgrade", b"X"), 431, "exceed 1048576 bytes",
    ),
    "a head without an end": (lambda page: handshake(page, cookies(400))[:-2], 431, "exceed 1048576 bytes"),
    "a long address": (lambda page: handshake(page, "", "/own?" + "x" * 9000), 414, "expected no more than 8192 bytes"),
    "subprotocols over 8 KiB": (
        lambda page: handshake(page, f"Sec-WebSocket-Extensions: {'x' * 9000}\r\n"), 431, "no more than 8192 bytes",
    ),
    "150 times the same": (lambda page: handshake(page, "Connection: Upgrade\r\n" * 150), 431, "no more than 128"),
    "a body": (lambda page: handshake(page, "Content-Length: 5\r\n") + b"12345", 400, "unsupported request body"),
}  # fmt: skip


@pytest.mark.parametrize(("data", "status", "reason"), REFUSED.values(), ids=REFUSED)
def test_oversized_request_heads_are_refused_and_logged(
    page: Page,
    ask: Callable[..., str],
    data: Callable[[Page], bytes],
    status: int,
    reason: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    answer = ask(data(page), whole=True)
    assert answer.startswith(f"HTTP/1.1 {status} ")
    assert reason in answer
    lines = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert [line for line in lines if line.startswith("refused a") and reason in line] == lines[:1]
    assert not [record for record in caplog.records if record.exc_info]


def test_each_server_logs_its_own_refusals(app: JsMeetsPy, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        page = app.launch("<p>x</p>", mode="none")
        for data in (handshake(page, cookies(400)), handshake(page, "Content-Length: 5\r\n") + b"12345"):
            for _ in range(2):
                with connected(page) as sock:
                    sock.sendall(data)
                    assert sock.recv(65536).startswith(b"HTTP/1.1 4")
        app.stop()
    lines = [record.getMessage() for record in caplog.records if record.getMessage().startswith("refused a")]
    assert len(lines) == 4
    assert lines[:2] == lines[2:]


HALVES = {"nothing": 0, "a line": 20, "half a head": 150}


@pytest.mark.parametrize("length", HALVES.values(), ids=HALVES)
def test_an_incomplete_request_head_times_out(
    app: JsMeetsPy, protocol: Any, length: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    seconds = scaled(1)
    monkeypatch.setattr(protocol, "HEAD_SECONDS", seconds)
    monkeypatch.setattr(protocol, "LINGER_SECONDS", 0.1)
    page = app.launch("<p>x</p>", mode="none")
    with contextlib.ExitStack() as open_sockets:
        sockets = []
        for _ in range(CROWD):
            sockets.append(open_sockets.enter_context(connected(page)))
            sockets[-1].sendall(handshake(page)[:length])  # at once: the time of each runs from its connection
        answers = [b"".join(iter(lambda sock=sock: sock.recv(4096), b"")) for sock in sockets]  # type: ignore[misc]
    assert {answer[:12] for answer in answers} == ({b"HTTP/1.1 408"} if length else {b""})
    lines = [record.getMessage() for record in caplog.records]
    late = f"refused a request from 127.0.0.1: its headers did not arrive within {seconds:g} s"
    assert lines == ([late] if length else [])


def test_the_second_request_of_a_connection_has_the_same_bounds(
    app: JsMeetsPy, protocol: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = app.launch("<p>x</p>", mode="none")
    request = f"GET / HTTP/1.1\r\nHost: {page.url.split('/')[2]}\r\n".encode()
    for rest, status, seconds in ((b"", 408, 0.4), (cookies(400).encode(), 431, 10)):
        monkeypatch.setattr(protocol, "HEAD_SECONDS", scaled(seconds))
        with connected(page) as sock:
            sock.sendall(request + b"\r\n")
            assert sock.recv(65536).startswith(b"HTTP/1.1 200")
            sock.sendall(request + rest)
            answer = b"".join(iter(lambda sock=sock: sock.recv(65536), b""))  # type: ignore[misc]
        assert f"HTTP/1.1 {status} ".encode() in answer


def test_a_slow_response_does_not_time_out(app: JsMeetsPy, protocol: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import anyio
    from starlette.responses import PlainTextResponse

    seconds = scaled(0.3)
    monkeypatch.setattr(protocol, "HEAD_SECONDS", seconds)

    @app.route("/slow", methods=["POST"])
    async def slow(request: Any) -> PlainTextResponse:
        await anyio.sleep(1.5 * seconds)
        return PlainTextResponse(await request.body())

    page = app.launch("<p>x</p>", mode="none")
    head = f"POST /slow HTTP/1.1\r\nHost: {page.url.split('/')[2]}\r\nConnection: close\r\nContent-Length: 2000000\r\n"
    with connected(page) as sock:
        sock.sendall(head.encode() + b"\r\n" + b"x" * 2_000_000)
        answer = b"".join(iter(lambda: sock.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.count(b"x") >= 2_000_000
    good = RawPage(page.url)
    anyio.run(anyio.sleep, 1.5 * seconds)
    assert good.ask("subscribe", "t") == ["return", 1, True]
    good.close()


@pytest.mark.parametrize("more", [cookies(3), "Content-Length: 5\r\n"], ids=["large", "wrong"])
def test_a_stop_among_handshakes_is_quiet(app: JsMeetsPy, more: str, caplog: pytest.LogCaptureFixture) -> None:
    page = app.launch("<p>x</p>", mode="none")
    sockets = [connected(page) for _ in range(CROWD)]
    for number, sock in enumerate(sockets):
        sock.sendall(handshake(page, more)[: None if number % 2 else 100])
    app.stop()
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
    for sock in sockets:
        sock.close()


def test_plain_uvicorn_can_use_these_protocols() -> None:
    http, ws = "jsmeets_local.server.request_head:HttpProtocol", "jsmeets_local.server.fastpath:FastPathProtocol"
    config = uvicorn.Config(JsMeetsPy(bridge=Bridge()), http=http, ws=ws)
    config.load()
    classes = (config.http_protocol_class, config.ws_protocol_class)
    assert [f"{one.__module__}:{one.__qualname__}" for one in classes if one is not None] == [http, ws]
