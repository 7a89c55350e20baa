"""Minimal page without a browser, of which a machine can run a thousand."""

from __future__ import annotations

import json
import os
import socket
import struct
from collections import deque
from typing import Any
from urllib.parse import urlsplit

__all__ = ["PlainPage"]

UPGRADE = (
    "GET /jsmeetspy/textsocket HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    "Sec-WebSocket-Protocol: jsmeets.v1, jsmeets.token.{token}\r\n\r\n"
)
UNCOUNTED = ("welcome", "close", "credit", "ack", "ping")


class PlainPage:
    """Page that sends and receives text frames.

    Args:
        url: The URL of a `Page`.
        topics: What it hears.
        is_it: Whether it is that `Page`, or just another page of the application.
    """

    def __init__(self, url: str, topics: list[str] | None = None, is_it: bool = False) -> None:
        parts = urlsplit(url)
        token, _, name = parts.fragment.removeprefix("jsmeets=").partition(".")
        self._socket = socket.create_connection((parts.hostname, parts.port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(UPGRADE.format(host=parts.netloc, token=token).encode())
        self._file = self._socket.makefile("rb")
        while self._file.readline() != b"\r\n":
            pass
        self._inbox: deque[Any] = deque()
        self._received = 0
        self._acknowledged = 0
        self.send(["hello", os.urandom(8).hex(), name if is_it else "", topics or []])
        assert self.receive()[0] == "welcome"
        self.send(["ack", 0])  # it counts as connected once it has said something

    def send(self, *messages: list[Any]) -> None:
        """Send a frame, masked with zeros."""
        data = json.dumps(messages, separators=(",", ":")).encode()
        head = struct.pack("!BBQ", 0x81, 0xFF, len(data)) if len(data) > 125 else bytes((0x81, 0x80 | len(data)))
        self._socket.sendall(head + bytes(4) + data)

    def receive(self) -> Any:
        """Return the next message, without pings of either kind."""
        while not self._inbox:
            first, length = self._file.read(2)
            if length > 125:
                length = int.from_bytes(self._file.read(2 if length == 126 else 8), "big")
            data = self._file.read(length)
            if first == 0x89:
                self._socket.sendall(bytes((0x8A, 0x80 | length)) + bytes(4) + data)
            elif first == 0x81:
                self._take([message for message in json.loads(data) if message[0] != "ping"])
        return self._inbox.popleft()

    def _take(self, messages: list[Any]) -> None:
        self._inbox.extend(messages)
        self._received += sum(message[0] not in UNCOUNTED for message in messages)
        if self._received - self._acknowledged >= 1000:
            self._acknowledged = self._received
            self.send(["ack", self._received])

    def next(self, kind: str) -> Any:
        """Return the next message of a kind."""
        while (message := self.receive())[0] != kind:
            pass
        return message

    def call(self, number: int) -> None:
        """Call `add`, and check the answer."""
        self.send(["call", number, "add", [number, 7]])
        self._expect(["return", number, number + 7])

    def calls(self, first: int, count: int) -> None:
        """Send a number of calls of `add` in one frame."""
        numbers = range(first, first + count)
        self.send(*(["call", number, "add", [number, 7]] for number in numbers))
        for number in numbers:
            self._expect(["return", number, number + 7])

    def publish(self, number: int, topic: str) -> None:
        """Publish to a topic that this page subscribes to, and wait for the answer and the delivery."""
        self.send(["publish", number, topic, number, False])
        self._expect(["publish", 0, topic, number, False])
        self._expect(["return", number, True])

    def answer(self, count: int) -> None:
        """Answer a number of calls of `add` by Python, and leave the others open."""
        while count:
            _, number, key, args = self.next("call")
            if key == "add":
                self.send(["return", number, sum(args)])
                count -= 1

    def _expect(self, wanted: list[Any]) -> None:
        got = self.next(wanted[0])
        if got != wanted:
            raise AssertionError(f"a wrong answer: {got} for {wanted}")

    def close(self) -> None:
        """Say goodbye, and wait until Python has closed the connection."""
        self.send(["goodbye"])
        self._socket.sendall(b"\x88\x80" + bytes(4))
        while self._file.read(65536):
            pass
        self._file.close()
        self._socket.close()
