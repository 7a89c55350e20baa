"""Gateway: serves an ASGI application over messages of a notebook's front end, beside the server at a port.

A front end names a WebSocket or a request by a number, and its address by the path. The host name of these addresses is
`HOST`, which no server has: what a browser requests from it, the front end carries here.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, MutableMapping, Sequence
from http.cookies import CookieError, SimpleCookie
from typing import Any, TypeAlias
from urllib.parse import unquote, urljoin, urlsplit

from starlette.types import ASGIApp

__all__ = ["HOST", "Gateway", "Post"]

HOST = "page.jsmeets.invalid"  # a name that no server can have (RFC 6761, section 6.4)
ROOT = f"https://{HOST}"
NO_CODE = 1005  # closed without a code (RFC 6455, section 7.1.5)
BROKEN = 1006
GOING_AWAY = 1001
INTERNAL_ERROR = 1011
ROOM = 4 << 20  # bytes that a front end may leave unacknowledged
FRAMES = 200  # the same in messages; the Jupyter server drops some above 3,000 in 3 s
MAX_REDIRECTS = 20  # as in the Fetch standard
REQUEST_SECONDS = 60.0

Post: TypeAlias = Callable[[list[Any], Sequence[bytes]], None]
Headers: TypeAlias = list[tuple[str, str]]

logger = logging.getLogger("jsmeets_local")


class Gateway:
    """Server of one front end's page. Its methods run on the loop of the bridge.

    Args:
        app: The application.
        post: Sends a message, a list that is JSON, and buffers to the front end.
        state: The lifespan state of the application.
        cookies: The cookies of the page.
    """

    def __init__(self, app: ASGIApp, post: Post, state: dict[str, Any], cookies: SimpleCookie) -> None:
        self.app = app
        self.post = post
        self.cookies = cookies
        self._state = state
        self._sockets: dict[int, _WebSocket] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def receive(self, message: list[Any], buffers: Sequence[Any]) -> None:
        """Handle a message of the front end."""
        kind, number, *rest = message
        socket = self._sockets.get(number)
        if kind == "fetch":
            method, url, headers = rest
            self._run(self._fetch(number, method, url, headers, bytes(buffers[0]) if buffers else b""))
        elif kind == "connect":
            url, protocols = rest
            scope = {**self._scope("websocket", "wss", url, []), "subprotocols": protocols}
            self._sockets[number] = opened = _WebSocket(number, self.post)
            self._run(self._serve(opened, scope))
        elif socket is None:
            return  # it has been closed here meanwhile
        elif kind == "text":
            socket.arrive({"type": "websocket.receive", "text": rest[0]})
        elif kind == "bytes":
            socket.arrive({"type": "websocket.receive", "bytes": bytes(buffers[0])})
        elif kind == "ack":
            socket.acknowledge(rest[0])
        elif kind == "close":
            socket.end(rest[0] or NO_CODE, rest[1])

    def end(self) -> None:
        """End all WebSockets, after the front end has gone."""
        for socket in self._sockets.values():
            socket.end(GOING_AWAY)

    def is_used(self) -> bool:
        """Return whether a WebSocket is open."""
        return bool(self._sockets)

    def _run(self, coroutine: Any) -> None:
        task = asyncio.ensure_future(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _scope(self, kind: str, scheme: str, url: str, headers: Headers) -> dict[str, Any]:
        parts = urlsplit(url)
        raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        sent = "; ".join(f"{name}={cookie.coded_value}" for name, cookie in self.cookies.items())
        return {
            "type": kind,
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "scheme": scheme,
            "path": unquote(parts.path or "/"),
            "raw_path": (parts.path or "/").encode("ascii", "replace"),
            "query_string": parts.query.encode("ascii", "replace"),
            "root_path": "",
            "headers": [(b"host", HOST.encode()), *raw, *([(b"cookie", sent.encode("latin-1"))] if sent else [])],
            "client": None,
            "server": (HOST, 443),
            "state": dict(self._state),
        }

    async def _serve(self, socket: _WebSocket, scope: dict[str, Any]) -> None:
        code = BROKEN
        try:
            await self.app(scope, socket.receive, socket.send)
        except Exception:
            code = INTERNAL_ERROR
            logger.exception("the application failed in a WebSocket of a notebook at %s", scope["path"])
        finally:
            self._sockets.pop(socket.number, None)
            socket.end(code)

    async def _fetch(self, number: int, method: str, url: str, headers: Headers, body: bytes) -> None:
        """Answer a request, following redirects within the application as a browser does."""
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                for _ in range(MAX_REDIRECTS):
                    exchange = await self._request(method, url, headers, body)
                    target = exchange.location(url)
                    if target is None:
                        break
                    url = target
                    if exchange.status in (301, 302, 303) and method not in ("GET", "HEAD"):
                        method, body = "GET", b""
        except TimeoutError:
            self.post(["failed", number, f"no complete answer within {REQUEST_SECONDS:.0f} s"], [])
        except Exception as error:
            logger.exception("the application failed to answer a notebook at %s", urlsplit(url).path)
            self.post(["failed", number, f"{type(error).__name__} in Python, see its log"], [])
        else:
            self.post(["response", number, exchange.status, exchange.headers, url], [exchange.body])

    async def _request(self, method: str, url: str, headers: Headers, body: bytes) -> _Exchange:
        scope = {**self._scope("http", "https", url, headers), "method": method}
        exchange = _Exchange(body)
        try:
            await self.app(scope, exchange.receive, exchange.send)
        except Exception:
            if exchange.status == 0:
                raise
            logger.exception("the application failed to answer a notebook at %s", scope["path"])
        for name, value in exchange.headers:
            if name == "set-cookie":
                self._keep(value)
        return exchange

    def _keep(self, header: str) -> None:
        try:
            self.cookies.load(header)
        except CookieError as error:
            logger.debug("ignored a cookie: %s", error)
        for name in [name for name, cookie in self.cookies.items() if cookie["max-age"] == "0"]:
            del self.cookies[name]


class _Exchange:
    """Request and its response."""

    def __init__(self, body: bytes) -> None:
        self.status = 0
        self.headers: Headers = []
        self.body = b""
        self._requests: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._requests.put_nowait({"type": "http.request", "body": body, "more_body": False})

    async def receive(self) -> MutableMapping[str, Any]:
        return await self._requests.get()

    async def send(self, event: MutableMapping[str, Any]) -> None:
        if event["type"] == "http.response.start":
            self.status = event["status"]
            self.headers = [(k.decode("latin-1").lower(), v.decode("latin-1")) for k, v in event.get("headers", ())]
        elif event["type"] == "http.response.body":
            self.body += event.get("body", b"")
            if not event.get("more_body", False):
                self._requests.put_nowait({"type": "http.disconnect"})

    def location(self, url: str) -> str | None:
        """Return where a redirect within the application leads; `None` for any other response."""
        found = dict(self.headers).get("location")
        if self.status not in (301, 302, 303, 307, 308) or found is None:
            return None
        target = urlsplit(urljoin(f"{ROOT}{url}", found))
        fragment = target.fragment or urlsplit(url).fragment  # browsers keep the fragment
        own = target.netloc == HOST
        return target._replace(scheme="", netloc="", fragment=fragment).geturl() if own else None


class _WebSocket:
    """WebSocket: its events for the application, and its frames for the front end."""

    def __init__(self, number: int, post: Post) -> None:
        self.number = number
        self._post = post
        self._events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._events.put_nowait({"type": "websocket.connect"})
        self._is_accepted = False
        self._has_ended = False
        self._sizes: deque[int] = deque()  # of the frames that are not acknowledged
        self._bytes = 0  # their sum
        self._room = asyncio.Event()
        self._room.set()

    def arrive(self, event: dict[str, Any]) -> None:
        if not self._has_ended:
            self._events.put_nowait(event)

    def acknowledge(self, frames: int) -> None:
        for _ in range(min(frames, len(self._sizes))):
            self._bytes -= self._sizes.popleft()
        self._check_room()

    def end(self, code: int, reason: str = "") -> None:
        """Tell both sides that the WebSocket has ended, once."""
        if not self._has_ended:
            self._has_ended = True
            self._events.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
            self._post(["closed", self.number, code, reason], [])
            self._check_room()

    async def receive(self) -> MutableMapping[str, Any]:
        return await self._events.get()

    async def send(self, event: MutableMapping[str, Any]) -> None:
        kind = event["type"]
        if kind == "websocket.close":
            self.end(event.get("code", 1000) if self._is_accepted else BROKEN, event.get("reason") or "")
        elif self._has_ended:
            raise OSError("the notebook has closed the WebSocket")
        elif kind == "websocket.accept":
            self._is_accepted = True
            self._post(["accept", self.number, event.get("subprotocol") or ""], [])
        elif kind == "websocket.send":
            await self._write(event.get("text"), event.get("bytes"))

    async def _write(self, text: str | None, data: bytes | None) -> None:
        self._sizes.append(len(text if text is not None else data or b""))
        self._bytes += self._sizes[-1]
        if text is not None:
            self._post(["text", self.number, text], [])
        else:
            self._post(["bytes", self.number], [data or b""])
        self._check_room()
        await self._room.wait()

    def _check_room(self) -> None:
        if self._has_ended or (self._bytes < ROOM and len(self._sizes) < FRAMES):
            self._room.set()
        else:
            self._room.clear()
