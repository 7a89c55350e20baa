"""Access control, and hostile clients that cannot harm others."""

from __future__ import annotations

import logging
import socket
import struct
import time
from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket
from websockets.exceptions import ConnectionClosed, InvalidStatus

from jsmeets_local import Bridge, JsMeetsPy, JsPyBinarySocket, Page, attach
from tests.raw import RawPage, open_socket
from tests.timing import scaled
from tests.vectors import cases


@pytest.fixture
def app(make_app: Callable[..., JsMeetsPy]) -> JsMeetsPy:
    app = make_app(allowed_hosts=["my.host"], allowed_origins=["https://friend.example"])
    app.add_socket(JsPyBinarySocket("/pipe"))
    app.functions.expose("add", lambda a, b: a + b)
    return app


def port(page: Page) -> str:
    return page.url.split(":")[2].split("/")[0]


def refused(page: Page, **options: Any) -> bool:
    try:
        open_socket(page.url, **options).close()
    except InvalidStatus as error:
        assert error.response.status_code == 403
        return True
    return False


@pytest.mark.parametrize("path", ["/jsmeetspy/textsocket", "/pipe"])
def test_the_token(page: Page, path: str) -> None:
    assert not refused(page, path=path)
    assert refused(page, path=path, token="wrong")
    assert refused(page, path=path, token="wrong-ünicode".encode().hex())
    assert refused(page, path=path, token="")
    assert refused(page, path=path, token=page.url.partition("=")[2].partition(".")[0][:-1])


def test_a_token_is_256_bits_and_new_each_time(app: JsMeetsPy, page: Page) -> None:
    token = page.url.partition("=")[2].partition(".")[0]
    assert len(token) == 43
    other = JsMeetsPy(bridge=Bridge())
    try:
        assert token not in other.launch("<p>x</p>", mode="none").url
    finally:
        other.stop()
    assert token not in repr(page)
    assert token not in repr(vars(app))


def test_origins(page: Page, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert refused(page, origin="http://evil.example")
    assert "evil.example" in caplog.text
    assert "allowed_origins" in caplog.text
    assert page.url.partition("=")[2].partition(".")[0] not in caplog.text
    assert refused(page, origin="null")
    assert refused(page, origin=f"http://127.0.0.1:{int(port(page)) + 1}")
    assert refused(page, origin=f"http://127.0.0.1.evil.example:{port(page)}")
    assert refused(page, origin=f"ftp://127.0.0.1:{port(page)}")
    assert refused(page, origin="http://[broken")
    own = f"127.0.0.1:{port(page)}"
    for foreign in (
        f"evil@{own}",
        f"evil:1@{own}",
        f"{own}#.evil.example",
        f"{own}/",
        f"{own}?",
        f"{own}\\",
        f"{own} ",
    ):
        assert refused(page, origin=f"http://{foreign}x"), foreign
        assert refused(page, origin=f"http://{foreign}", additional_headers={"Host": foreign}), foreign
    assert not refused(page, origin=f"http://localhost:{port(page)}")
    assert not refused(page, origin=f"http://[::1]:{port(page)}")
    assert not refused(page, origin="https://friend.example")
    assert not refused(page, origin=None)


def test_the_same_refusal_is_logged_once_a_minute(page: Page, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(20):
        assert refused(page, token="wrong")
    assert caplog.text.count("the launch token is missing or wrong") == 1
    for n in range(200):
        assert refused(page, origin=f"http://evil{n}.example")
    assert 0 < caplog.text.count("is not allowed; to allow it") < 100


def test_invalid_host_lists_and_tokens_are_refused() -> None:
    with pytest.raises(TypeError, match=r"write \w+=\['example.org'\]"):
        JsMeetsPy(allowed_hosts="example.org")
    with pytest.raises(ValueError, match="letters, digits"):
        JsMeetsPy(token="a b")


def test_hosts(page: Page) -> None:
    def with_host(host: str) -> bytes:
        """Return the status line of a handshake with this Host."""
        token = page.url.partition("=")[2].partition(".")[0]
        with socket.create_connection(("127.0.0.1", int(port(page)))) as sock:
            sock.sendall(
                f"GET /jsmeetspy/textsocket HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
                f"Sec-WebSocket-Protocol: jsmeets.v1, jsmeets.token.{token}\r\n\r\n".encode()
            )
            return sock.recv(100).split(b"\r\n")[0]

    assert b"101" in with_host(f"127.0.0.1:{port(page)}")
    assert b"101" in with_host("localhost:9999")  # a port forwarded to this one
    assert b"101" in with_host("my.host")
    assert b"403" in with_host("rebound.evil.example")
    assert b"403" in with_host("localhost.evil.example")
    assert b"403" in with_host("[::1")
    assert b"403" in with_host("")
    for foreign in (
        "evil.example@127.0.0.1",
        f"127.0.0.1:{port(page)}#.evil.example",
        "127.0.0.1\r\nHost: evil.example",
    ):
        assert b"101" not in with_host(foreign), foreign


def test_a_user_endpoint_is_closed_to_foreign_origins_but_needs_no_token(app: JsMeetsPy) -> None:
    @app.websocket_route("/own")
    async def own(websocket: Any) -> None:
        await websocket.accept()
        await websocket.send_text("hello")
        await websocket.close()

    page = app.launch("<p>x</p>", mode="none")
    assert open_socket(page.url, path="/own", token="", protocols=[]).recv() == "hello"
    assert refused(page, path="/own", origin="http://evil.example")


def test_other_websockets_are_closed_to_foreign_origins(make_app: Any) -> None:
    async def own(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text("hello")
        await websocket.close()

    service = Starlette(routes=[WebSocketRoute("/own", own)])
    mounted = make_app()
    mounted.mount("/service", service)
    for app, path in [
        (make_app(routes=[WebSocketRoute("/own", own)]), "/own"),
        (mounted, "/service/own"),
        (attach(service, bridge=Bridge()), "/own"),
    ]:
        page = app.launch("<p>x</p>", mode="none")
        try:
            assert open_socket(page.url, path=path, token="", protocols=[]).recv() == "hello"
            assert refused(page, path=path, origin="http://evil.example")
        finally:
            app.stop()


def closed_with(connection: Any) -> tuple[int, str]:
    """Return the close code and reason of a connection."""
    with pytest.raises(ConnectionClosed) as caught:
        while True:
            connection.recv(timeout=scaled(15))
    assert caught.value.rcvd is not None
    return caught.value.rcvd.code, caught.value.rcvd.reason


@pytest.mark.parametrize("offered", [["jsmeets.v9"], []])
def test_clients_of_other_versions_receive_the_reason(
    page: Page, offered: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    connection = open_socket(page.url, protocols=offered)
    code, reason = closed_with(connection)
    assert code == 4400
    assert "jsmeets.v1" in reason
    assert "jsmeets.v1" in caplog.text


@pytest.mark.parametrize(
    "first", ['[["goodbye"]]', "[]", "junk", b"\x00", '[["hello","d","",[]],["goodbye"]]', '[["hello","d"]]']
)
def test_the_first_frame_is_a_hello(page: Page, first: Any) -> None:
    connection = open_socket(page.url)
    connection.send(first)
    assert closed_with(connection)[0] == 4400


@pytest.mark.parametrize("case", cases("garbage"))
def test_garbage_ends_one_page_and_no_other(page: Page, case: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    good, bad = RawPage(page.url, "good"), RawPage(page.url, "bad")
    if "repeat" in case:
        r = case["repeat"]
        frame: Any = r["head"] + r["open"] * r["count"] + r.get("middle", "") + r["close"] * r["count"] + r["tail"]
    else:
        frame = case["text"] if "text" in case else bytes.fromhex(case["hex"])
    bad.socket.send(frame)
    code, reason = closed_with(bad.socket)
    assert code == 4400
    assert reason.startswith("protocol error")
    assert good.ask("call", "add", [1, 2]) == ["return", 1, 3]
    assert "protocol error" not in caplog.text or "Traceback" not in caplog.text


def test_messages_that_a_page_may_not_send_end_it(page: Page) -> None:
    raw = RawPage(page.url)
    raw.send(["welcome", 1, "p", {}])
    assert raw.receive()[:1] == ["close"]
    assert closed_with(raw.socket)[0] == 4400


def test_half_a_chunk_and_goodbye(app: JsMeetsPy, page: Page) -> None:
    raw = RawPage(page.url)
    for _ in range(4):
        raw.socket.send(struct.pack("<BBxxIQ", 2, 2, 1, 200_000_000) + b"x" * 1000)
    assert raw.receive() == ["credit", 1, 4]
    raw.close()
    assert RawPage(page.url, "next").ask("call", "add", [1, 2]) == ["return", 1, 3]


def test_forged_answers_are_ignored(app: JsMeetsPy, page: Page) -> None:
    first, second = RawPage(page.url, "a"), RawPage(page.url, "b")
    results: list[Any] = []
    app.bridge.portal.post(app.bridge.request, "call", "f", _no_args(), first.id, 5, results.append)
    kind, number, *_ = first.receive()
    assert kind == "call"
    second.send(["return", number, "forged"])
    assert second.ask("call", "add", [1, 1]) == ["return", 1, 2]
    assert results == []
    first.send(["return", number, "real"], ["return", number, "twice"])
    assert first.ask("call", "add", [1, 1]) == ["return", 1, 2]
    assert results[0].answers == {first.id: "real"}
    assert app.bridge.protocol.calls.ignored == 2


def _no_args() -> Any:
    from jsmeets_local.protocol.values import pack

    return pack([], "args")


def test_a_silent_connection_is_closed(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jsmeets_local.server.endpoint.HELLO_SECONDS", 0.2)
    connection = open_socket(page.url)
    start = time.monotonic()
    assert closed_with(connection) == (1013, "no hello within 0 s"), "a page that is busy connects again"
    assert time.monotonic() - start < scaled(5)


def test_static_files_stay_in_their_folder(app: JsMeetsPy, page: Page) -> None:
    for path in ("/jsmeetspy/../errors.py", "/jsmeetspy/%2e%2e/errors.py", "/jsmeetspy/..%5cerrors.py", "/jsmeetspy/"):
        with socket.create_connection(("127.0.0.1", int(port(page)))) as sock:
            sock.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
            assert sock.recv(100).split(b" ")[1] == b"404", path


def test_200_pages_and_one_that_does_not_read(app: JsMeetsPy, page: Page) -> None:
    pages = [RawPage(page.url, f"d{i}", topics=["t"]) for i in range(199)]
    stuck = RawPage(page.url, "stuck", topics=["t"], max_queue=1)
    for _ in range(300):  # 30 MB: more than the system's buffers hold for a page that does not read
        app.functions.call_nowait("f", target=stuck.id)("x" * 100_000)
    for n in range(60):
        app.pubsub.publish("t")([n, "x" * 1000])
    for raw in pages:
        numbers = []
        while len(numbers) < 60:
            message = raw.receive(timeout=scaled(60))
            assert message[0] == "publish"
            numbers.append(message[3][0])
        assert numbers == list(range(60))
    assert pages[-1].ask("call", "add", [1, 2]) == ["return", 1, 3]
    waiting = app.bridge._connections[stuck.id].outbox
    assert len(waiting) > 60, "the stuck page has kept what it did not read to itself"
    assert app.sockets.number_of_connections() == 200
    for raw in pages:
        raw.close()


@pytest.mark.parametrize("path", ["/%0aERROR:root:forged", "/%1b[2J", "/%9b", "/%e2%80%ae", "/%0d%0a", "/%ed%a0%80"])
def test_log_messages_about_requests_stay_on_one_line(
    app: JsMeetsPy, page: Page, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    app.websocket_route("/{name}")(lambda websocket: websocket.accept())
    assert refused(page, path=path, origin="http://evil.example")
    assert refused(page, path="/x", origin="http://\x9b2J")
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 2
    assert all(line.isprintable() for line in lines), lines
