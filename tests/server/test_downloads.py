"""`/jsmeetspy/bulk/SECRET` over real HTTP: one download for the page that was offered it, and nothing lost."""

from __future__ import annotations

import http.client
import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Mount
from websockets.exceptions import ConnectionClosed

from jsmeets_local import Bridge, JsMeetsPy, Limits, Page
from jsmeets_local.protocol.chunks import CHUNK_BYTES, Assembler
from jsmeets_local.protocol.codec import decode
from jsmeets_local.protocol.offers import OFFER_BYTES
from jsmeets_local.server.thread import ServerThread
from tests.raw import open_socket
from tests.timing import scaled

BIG = bytes(range(256)) * (3 * OFFER_BYTES // 256)
HUGE = bytes(32 * 2**20)  # more than all buffers on the way to a page that does not read
BULK = "/jsmeetspy/bulk/"


class Fetcher:
    """A client without a browser that can fetch."""

    def __init__(self, url: str, session: str = "", received: int = 0, **options: Any) -> None:
        self.port = urlsplit(url).port or 0
        self.socket = open_socket(url, **options)
        self.send(["hello", "d", "", [], session, received, True])
        self.settings = self.messages("welcome")[0][3]
        self.send(["ack", received])  # the first message completes the connection
        self.assembler = Assembler(2**28)

    def send(self, *messages: list[Any]) -> None:
        self.socket.send(json.dumps(messages))

    def frame(self) -> str | bytes:
        """Return the next frame that is not a control message."""
        while True:
            frame = self.socket.recv(scaled(10))
            if not (isinstance(frame, str) and json.loads(frame)[0][0] in ("ping", "ack")):
                return frame

    def messages(self, kind: str) -> list[Any]:
        frame = self.frame()
        assert isinstance(frame, str)
        messages: list[Any] = json.loads(frame)
        assert messages[0][0] == kind
        return messages

    def offer(self) -> str:
        """Return the secret of the next offer."""
        frame = self.frame()
        assert isinstance(frame, bytes)
        assert frame[:2] == bytes([2, 4])
        self.stream = frame[4]
        return frame[16:].hex()

    def content(self, frame: str | bytes | None = None) -> Any:
        """Return the next content, which comes in chunks."""
        while True:
            frame = frame or self.frame()
            assert isinstance(frame, bytes)
            assert len(frame) <= 16 + CHUNK_BYTES
            stream, whole = self.assembler.feed(frame)
            if whole is not None:
                return whole
            self.send(["credit", stream, 1])
            frame = None

    @contextmanager
    def ask(
        self, secret: str, method: str = "GET", prefix: str = "", **headers: str
    ) -> Iterator[http.client.HTTPResponse]:
        """Send a request and return the unread response."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=scaled(10))) as connection:
            connection.request(method, prefix + BULK + secret, headers=given)
            with connection.getresponse() as answer:
                yield answer

    def status(self, secret: str, *args: Any, **headers: str) -> int:
        with self.ask(secret, *args, **headers) as answer:
            answer.read()
            return answer.status

    def fetch(self, secret: str, prefix: str = "") -> bytes:
        with self.ask(secret, prefix=prefix) as answer:
            assert answer.status == 200
            return answer.read()


def pushed(content: Any) -> bytes:
    (message,) = decode(content)
    return message.data  # type: ignore[union-attr,no-any-return]


@pytest.mark.parametrize("last", [0, 9, 2**20])
def test_parts_of_all_sizes_are_fetched_whole(
    app: JsMeetsPy, page: Page, caplog: pytest.LogCaptureFixture, last: int
) -> None:
    """Small ones are joined; others are sent as they are, in pieces."""
    sizes = [0, 1, 7, 65_535, 65_536, *[1_000] * 3_000, 2**20, 2**20 + 1, 5, 3 * 2**20 - 1, last]
    values = [bytes([number % 251]) * size for number, size in enumerate(sizes)]
    client = Fetcher(page.url)
    app.queues.push_nowait("q")(values)
    assert pushed(client.fetch(client.offer())) == values
    client.socket.close()
    page.close()  # the server has ended by then
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_batches_of_a_stream_fit_into_messages(make_app: Callable[..., JsMeetsPy]) -> None:
    app = make_app(limits=Limits(message_bytes=3 * 2**20))

    @app.expose
    def blocks() -> Iterator[bytes]:
        for number in range(12):
            yield bytes([number]) * 700_000

    client = Fetcher(app.launch("<p>", mode="none").url)
    client.assembler = Assembler(client.settings["max_message_bytes"])
    client.send(["call", 1, "blocks", []])
    [[_, _, number]] = client.messages("return")[0][3]
    client.send(["pull", number, 1000])
    received: list[Any] = []
    while len(received) < 12:
        (message,) = decode(client.content())
        received += message.items  # type: ignore[union-attr]
    assert received == [bytes([number]) * 700_000 for number in range(12)]
    client.socket.close()


def test_a_download_is_fetched_and_confirmed(app: JsMeetsPy, page: Page) -> None:
    client = Fetcher(page.url)
    app.queues.push_nowait("q")(BIG)
    with client.ask(client.offer()) as answer:
        content = answer.read()
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert int(answer.headers["content-length"]) == len(content)
    assert pushed(content) == BIG
    assert app.stats()["pages"][0]["sent"] == 0
    client.send(["credit", 0, 16])
    assert client.frame() == bytes([2, 5]) + bytes(6) + len(content).to_bytes(8, "little")
    (about,) = app.stats()["pages"]
    assert about["sent"] == 1
    assert about["sent_bytes"] > len(BIG)
    client.send(["ack", 1])
    assert client.status("0" * 32) == 404  # the loop has read the ack by now
    assert app.stats()["pages"][0]["waiting_bytes"] == 0
    client.socket.close()


def test_a_secret_works_once(app: JsMeetsPy, page: Page) -> None:
    client = Fetcher(page.url)
    app.queues.push_nowait("q")(BIG)
    secret = client.offer()
    for wrong in ("0" * 32, secret[:-1], secret.upper() + "x", f"%20{secret}", f"{secret}/", f"{secret}/x", "x"):
        assert client.status(wrong) == 404, wrong
    for method in ("HEAD", "POST", "OPTIONS"):
        assert client.status(secret, method) in (404, 405), method
    assert pushed(client.fetch(secret)) == BIG
    with client.ask(secret) as answer:
        assert (answer.status, answer.headers["cache-control"]) == (404, "no-store")
    client.socket.close()


def test_a_refused_request_does_not_use_up_the_secret(app: JsMeetsPy, page: Page) -> None:
    client = Fetcher(page.url)
    app.queues.push_nowait("q")(BIG)
    secret = client.offer()
    assert client.status(secret, host="evil.example") == 403
    for origin in ("https://evil.example", "null", f"http://127.0.0.1:{client.port + 1}"):
        assert client.status(secret, origin=origin) == 403, origin
    with client.ask(secret, origin=f"http://127.0.0.1:{client.port}") as answer:
        assert answer.status == 200
        assert pushed(answer.read()) == BIG
    client.socket.close()


def test_a_private_page_needs_the_cookie(app: JsMeetsPy) -> None:
    page = app.launch("<p>", mode="none", private=True)
    parts = urlsplit(page.url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=scaled(10))
    connection.request("GET", parts.path)
    cookie = connection.getresponse().headers["set-cookie"].partition(";")[0]
    connection.close()
    client = Fetcher(page.url, token=app._access.token)
    app.queues.push_nowait("q")(BIG)
    secret = client.offer()
    assert client.status(secret) == 403
    with client.ask(secret, cookie=cookie) as answer:
        assert answer.status == 200
        assert pushed(answer.read()) == BIG
    client.socket.close()


def test_a_page_that_goes_away_in_the_middle_gets_chunks(app: JsMeetsPy, page: Page, caplog: Any) -> None:
    caplog.set_level(logging.INFO)
    client = Fetcher(page.url)
    app.queues.push_nowait("q")(HUGE)
    app.queues.push_nowait("q")("behind it")
    with client.ask(client.offer()) as answer:
        assert len(answer.read(1000)) == 1000
    client.send(["decline", 0])
    assert pushed(client.content()) == HUGE
    assert client.messages("push") == [["push", 0, "q", "behind it"]]
    assert [record.message for record in caplog.records if record.levelno > logging.INFO] == []
    client.socket.close()


def test_an_unread_download_does_not_block_other_messages(app: JsMeetsPy, page: Page) -> None:
    client = Fetcher(page.url)
    app.queues.push_nowait("q")(HUGE)
    app.expose("add")(lambda a, b: a + b)
    with client.ask(client.offer()) as answer:
        assert answer.status == 200  # and it is not read
        client.send(["call", 7, "add", [1, 2]])
        assert client.messages("return") == [["return", 7, 3]]
    client.socket.close()


def test_the_end_of_the_connection_ends_the_fetch(app: JsMeetsPy, page: Page, caplog: Any) -> None:
    client = Fetcher(page.url)
    app.queues.push_nowait("q")(HUGE)
    app.queues.push_nowait("q")(BIG + b"second")
    secret, lost = client.offer(), threading.Event()
    app.sockets.add_state_event(lambda socket, state: lost.set() if state == "reconnecting" else None)
    with client.ask(secret) as answer:
        client.socket.socket.shutdown(socket.SHUT_RDWR)  # without a closing handshake
        assert lost.wait(scaled(10))
        with pytest.raises(http.client.IncompleteRead):
            answer.read()
    again = Fetcher(page.url, client.settings["session"])
    assert again.settings["resumed"] is True
    assert again.status(secret) == 404
    new = again.offer()
    assert new != secret
    assert pushed(again.fetch(new)) == HUGE
    again.send(["credit", again.stream, 16])
    again.frame()
    assert pushed(again.fetch(again.offer())) == BIG + b"second"
    again.socket.close()


@pytest.mark.parametrize("end", ["goodbye", "close"])
def test_no_secret_outlives_its_page(app: JsMeetsPy, page: Page, end: str) -> None:
    client = Fetcher(page.url)
    app.queues.push_nowait("q")(BIG)
    secret = client.offer()
    if end == "goodbye":
        client.send(["goodbye"])
    else:
        app.sockets.close_socket(1)
    with pytest.raises(ConnectionClosed):
        while True:
            client.socket.recv(scaled(10))
    assert client.status(secret) == 404


def test_forged_credit_releases_no_content(app: JsMeetsPy, page: Page) -> None:
    client = Fetcher(page.url)
    app.queues.push_nowait("q")(BIG)
    secret = client.offer()
    client.send(["credit", 0, 16])
    frame = client.frame()
    assert isinstance(frame, bytes)
    assert len(frame) == 16
    assert client.status(secret) == 404
    client.socket.close()


def test_compressing_middleware_leaves_it_alone() -> None:
    app = JsMeetsPy(bridge=Bridge(), middleware=[Middleware(GZipMiddleware)])
    try:
        client = Fetcher(app.launch("<p>", mode="none").url)
        app.queues.push_nowait("q")(HUGE)
        with client.ask(client.offer(), accept_encoding="gzip") as answer:
            assert answer.headers["content-encoding"] == "identity"
            assert pushed(answer.read()) == HUGE
        client.socket.close()
    finally:
        app.stop()


def test_mounted_in_another_application() -> None:
    app = JsMeetsPy(bridge=Bridge())
    server = ServerThread(Starlette(routes=[Mount("/sub", app)]))
    server.start()
    server.accept()
    try:
        client = Fetcher(server.base_url, path="/sub/jsmeetspy/textsocket")
        app.queues.push_nowait("q")(BIG)
        secret = client.offer()
        assert client.status(secret) == 404  # nothing is mounted at the root
        assert pushed(client.fetch(secret, "/sub")) == BIG
        client.socket.close()
    finally:
        server.stop()


def test_small_arrays_travel_together(app: JsMeetsPy, page: Page, caplog: pytest.LogCaptureFixture) -> None:
    client = Fetcher(page.url)
    values = [bytes([n % 256]) * 100 for n in range(60_000)]
    app.queues.push_nowait("q")(values)
    assert pushed(client.fetch(client.offer())) == values
    client.socket.close()
