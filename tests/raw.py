"""A client without a browser, which speaks the protocol over a real WebSocket."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urljoin, urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from jsmeets_local import Page
from jsmeets_local.protocol.codec import decode
from tests.timing import scaled, until

__all__ = ["Echo", "RawPage", "as_page", "follow", "key_of", "open_socket", "request", "token_of"]


def request(port: int, target: str | bytes, host: str | None = "127.0.0.1", **headers: str) -> tuple[int, str, str]:
    """Send a GET whose target stays unchanged, without a Host for `None`; return status, head and body."""
    raw = target.encode() if isinstance(target, str) else target
    given = {"Host": host, "Connection": "close", **headers}
    lines = [f"{name.replace('_', '-')}: {value}\r\n".encode() for name, value in given.items() if value is not None]
    version = b"1.1" if host is not None else b"1.0"
    with socket.create_connection(("127.0.0.1", port), timeout=scaled(10)) as sock:
        sock.sendall(b"GET " + raw + b" HTTP/" + version + b"\r\n" + b"".join(lines) + b"\r\n")
        answer = b"".join(iter(lambda: sock.recv(65536), b""))
    head, _, body = answer.decode(errors="replace").partition("\r\n\r\n")
    return int(head.split(" ")[1]), head, body


def follow(url: str) -> str:
    """Return the redirect target of a one-time URL; other URLs stay as they are."""
    parts = urlsplit(url)
    if "/jsmeetspy/open/" not in parts.path:
        return url
    connection = http.client.HTTPConnection(parts.netloc, timeout=scaled(10))
    try:
        connection.request("GET", parts.path)
        response = connection.getresponse()
        assert response.status == 303, (response.status, response.read())
        return urljoin(url, response.headers["location"])
    finally:
        connection.close()


def open_socket(
    url: str, *, token: str | None = None, protocols: list[str] | None = None, **options: Any
) -> ClientConnection:
    """Open the WebSocket of the application at `url`, which may be the URL of a `Page`."""
    parts = urlsplit(url)
    fragment = parts.fragment.removeprefix("jsmeets=").partition(".")[0]
    given = token if token is not None else fragment
    offered = protocols if protocols is not None else ["jsmeets.v1"]
    if given:
        offered = [*offered, f"jsmeets.token.{given}"]
    headers = options.pop("additional_headers", {})
    origin = options.pop("origin", f"http://{parts.netloc}")
    path = options.pop("path", "/jsmeetspy/textsocket")
    return connect(
        f"ws://{parts.netloc}{path}",
        subprotocols=offered or None,  # type: ignore[arg-type]
        origin=origin,
        additional_headers=headers,
        compression=None,
        max_size=None,
        open_timeout=scaled(10),
        ping_interval=None,  # a thread that uses `random` would disturb hypothesis in other tests
        legacy=True,  # returns a connection that is not bound to a with block
        **options,
    )


class RawPage:
    """Says hello, then sends and receives messages as JSON arrays."""

    def __init__(
        self, url: str, document: str = "d", page: str = "", topics: list[str] | None = None, **options: Any
    ) -> None:
        """Connect; with `max_queue=1` the client reads only what the test receives."""
        self.socket = open_socket(url, **options)
        self.inbox: list[Any] = []
        self.pings: list[Any] = []
        self._received = 0
        self._unacknowledged = 0
        self.send(["hello", document, page, topics or []])
        welcome = self.receive()
        assert welcome[0] == "welcome", welcome
        self.id: int = welcome[1]
        self.page: str = welcome[2]
        self.send(["ack", 0])  # the first message completes the connection

    def send(self, *messages: list[Any]) -> None:
        """Sends one frame."""
        self.socket.send(json.dumps(messages))

    def receive(self, timeout: float = scaled(10)) -> Any:
        """Return the next message; pings are collected separately."""
        while not self.inbox:
            frame = self.socket.recv(timeout)
            messages = json.loads(frame) if isinstance(frame, str) else decode(frame)
            self.pings += [message for message in messages if message[0] == "ping"]
            self.inbox += [message for message in messages if message[0] != "ping"]
            self._acknowledge(messages, len(frame))
        return self.inbox.pop(0)

    def _acknowledge(self, messages: list[Any], size: int) -> None:
        """Acknowledge received messages, as a page does."""
        self._received += sum(message[0] not in ("welcome", "close", "credit", "ack", "ping") for message in messages)
        self._unacknowledged += size
        if self._unacknowledged > 200_000:
            self._unacknowledged = 0
            with suppress(ConnectionClosed):  # received frames can still be read
                self.send(["ack", self._received])

    def next(self, kind: str, timeout: float = scaled(10)) -> Any:
        """Return the next message of a kind, and skip all others."""
        while (message := self.receive(timeout))[0] != kind:
            pass
        return message

    def messages(self) -> Iterator[Any]:
        """Yield all messages until the connection is closed."""
        try:
            while True:
                yield self.receive(scaled(60))
        except ConnectionClosed:
            return

    def ask(self, kind: str, *rest: Any) -> Any:
        """Send a request with id 1 and return the answer."""
        self.send([kind, 1, *rest])
        return self.receive()

    def close(self) -> None:
        """Close the connection."""
        self.socket.close()


def token_of(page: Page) -> str:
    """Return the launch token, which the URL of the page has."""
    return page.url.partition("#jsmeets=")[2].partition(".")[0]


def key_of(page: Page) -> str:
    """Return the key by which the server knows the page."""
    return page.url.partition("#jsmeets=")[2].partition(".")[2].partition(";")[0]


def as_page(page: Page, document: str = "d") -> RawPage:
    """Connect a client as the document that this page shows, and wait until Python knows it."""
    raw = RawPage(page.url, document, key_of(page))
    until(page.is_connected)  # the time limit of a call also counts before the page is connected
    return raw


class Echo(threading.Thread):
    """A page that exposes `echo`, answers every call with its first argument and keeps all other messages."""

    def __init__(self, page: Page) -> None:
        super().__init__(daemon=True)
        self.raw = as_page(page)
        self.heard: list[Any] = []
        self.raw.send(["names", ["echo"]])
        page.wait_for("echo", scaled(10))
        self.start()

    def run(self) -> None:
        try:
            while True:
                kind, *rest = self.raw.receive(timeout=scaled(60))
                if kind == "call":
                    self.raw.send(["return", rest[0], rest[2][0]])
                else:
                    self.heard.append([kind, *rest])
        except ConnectionClosed:
            pass  # the test is over
