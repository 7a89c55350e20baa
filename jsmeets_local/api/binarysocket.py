"""`JsPyBinarySocket`: a separate WebSocket for raw bytes, on any path."""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Generator
from typing import Any, TypeAlias

from starlette.websockets import WebSocket, WebSocketDisconnect

from ..bridge.bridge import Bridge, default_bridge
from ..bridge.connection import DRAIN_SECONDS
from ..bridge.dispatcher import Listener
from ..protocol.arguments import Target, check_function, check_limit, check_target
from ..protocol.state import CLOSE_KICKED, CLOSE_TOO_SLOW

__all__ = ["Casting", "JsPyBinarySocket"]

SUBPROTOCOL = "jsmeets.binary"
Data: TypeAlias = bytes | bytearray | memoryview | str

logger = logging.getLogger("jsmeets_local")


class Casting(Awaitable[list[Exception | None]]):
    """Result of a send. Awaiting it is optional, and returns one entry per socket."""

    def __init__(self) -> None:
        self.future: concurrent.futures.Future[list[Exception | None]] = concurrent.futures.Future()
        self.future.set_running_or_notify_cancel()  # cancelling the wait does not cancel the send

    def __await__(self) -> Generator[Any, None, list[Exception | None]]:
        return asyncio.wrap_future(self.future).__await__()


class _Peer:
    """Connection with its send queue. It has no session, so data is neither batched nor sent again."""

    def __init__(self, websocket: WebSocket, listener: Listener | None) -> None:
        self.websocket = websocket
        self.listener = listener
        self.send_queue: deque[tuple[Data, Callable[[Exception | None], None]]] = deque()
        self.waiting = 0  # bytes in the send queue
        self.reader_timeout: asyncio.Timeout | None = None  # for the reader, set when the connection is closed
        self.wake = asyncio.Event()

    def put(self, data: Data, done: Callable[[Exception | None], None]) -> None:
        self.send_queue.append((data, done))
        self.waiting += _size(data)
        self.wake.set()

    async def pump(self) -> None:
        while True:
            await self.wake.wait()
            self.wake.clear()
            while self.send_queue:
                data, done = self.send_queue.popleft()
                done(await self._write(data))
                self.waiting -= _size(data)

    async def _write(self, data: Data) -> Exception | None:
        try:
            if isinstance(data, str):
                await self.websocket.send_text(data)
            else:
                await self.websocket.send_bytes(bytes(data))
        except (OSError, RuntimeError, WebSocketDisconnect) as error:
            return error
        return None

    def fail_pending(self) -> None:
        while self.send_queue:
            _, done = self.send_queue.popleft()
            done(ConnectionError("the socket was closed"))


class JsPyBinarySocket:
    """WebSocket endpoint for bytes: `app.add_socket(JsPyBinarySocket("/socket/pipe"))`.

    Its sockets have their own numbers, from 1. A slow page does not block the others.

    Args:
        url_path: The path of the endpoint.
    """

    def __init__(self, url_path: str = "/jsmeetspy/binarysocket") -> None:
        if not isinstance(url_path, str) or not url_path.startswith("/"):
            raise ValueError(f"url_path must begin with '/'; got {url_path!r}")
        self._url_path = url_path
        self._bridge = default_bridge()
        self._limit = 0
        self._last = 0
        self._peers: dict[int, _Peer] = {}
        self._handler: Callable[..., Any] | None = None
        self._events: dict[Callable[..., Any], Listener] = {}

    def url_path(self) -> str:
        """Return the path of the endpoint."""
        return self._url_path

    def bind(self, bridge: Bridge) -> None:
        """Bind the endpoint to the bridge of an application; called by `JsMeetsPy.add_socket`."""
        self._bridge = bridge

    def endpoint(self) -> Callable[[WebSocket], Awaitable[None]]:
        """Return the function that serves one WebSocket."""
        return self.socket_handler

    # Any thread ----------------------------------------------------------------------------------------

    def set_connection_limit(self, limit: int = 0) -> None:
        """Limit the number of connections; 0 or negative means no limit. Open connections stay open."""
        self._limit = check_limit(limit)

    def get_socket_id(self) -> tuple[int, ...]:
        """Return the numbers of the connected sockets."""
        numbers: tuple[int, ...] = self._bridge.portal.call(tuple, self._peers)
        return numbers

    def number_of_connections(self) -> int:
        """Return the number of connected sockets."""
        return len(self.get_socket_id())

    def close_socket(self, socket_id: int) -> bool:
        """Close a connection.

        Returns:
            True if a socket of that number was connected.
        """
        return self._bridge.portal.call(self._close, socket_id)

    def set_message_handler(self, callback: Callable[[WebSocket, int, bytes], Any] | None) -> None:
        """Set the handler of messages; `None` removes it.

        Args:
            callback: `callback(websocket, socket_id, data)`, plain (runs in a worker thread) or async (on the
                bridge's loop, where it may `await websocket.send_bytes(...)`). Its calls keep their order per socket.
        """
        if callback is not None:
            check_function(callback, "a message handler")
        self._bridge.portal.call(self._set_handler, callback)

    def add_socket_event(self, func: Callable[[int, str], Any]) -> None:
        """Call `func(socket_id, event)`, plain or async, with the event "connect" or "disconnect"."""
        check_function(func, "a socket event callback")
        self._bridge.portal.call(self._events.setdefault, func, Listener(func, "a socket event callback"))

    def clear_socket_event(self) -> None:
        """Remove all socket event callbacks."""
        self._bridge.portal.call(self._events.clear)

    def broadcast(self, data: Data) -> Casting:
        """Send to all sockets: `multicast(data)`."""
        return self.multicast(data)

    def multicast(self, data: Data, socket: Target = None) -> Casting:
        """Send bytes (or a str, as a text frame); from any thread.

        Args:
            data: The data. A bytearray must not be changed until it is sent.
            socket: A socket number or a collection of them; `None` for all. Unknown numbers are ignored.

        Returns:
            An awaitable for a list with `None` or the exception of each socket. The data is sent even if it is not
            awaited.

        Raises:
            TypeError: `data` is neither bytes-like nor a str.
        """
        _check_data(data)
        self._bridge.portal.check_own()
        casting = Casting()
        self._bridge.portal.call(self._cast, data, check_target(socket), casting)
        return casting

    def reservecast(self, data: Data, socket: Target = None) -> None:
        """Send as `multicast` does, without a result and without waiting for the bridge."""
        _check_data(data)
        self._bridge.portal.check_own()
        self._bridge.portal.post(self._cast, data, check_target(socket), Casting())

    # On the loop ---------------------------------------------------------------------------------------

    async def socket_handler(self, websocket: WebSocket) -> None:
        """Serve one WebSocket."""
        if not self._bridge.ensure_started():
            await websocket.close(CLOSE_KICKED)
            return
        offered = websocket.scope.get("subprotocols", [])
        await websocket.accept(subprotocol=SUBPROTOCOL if SUBPROTOCOL in offered else None)
        if 0 < self._limit <= len(self._peers):
            await websocket.close(CLOSE_KICKED, "Connection refused due to connection limit @python")
            return
        self._last += 1
        number = self._last
        peer = self._peers[number] = _Peer(websocket, self._listener())
        self._tell(number, "connect")
        writer = asyncio.create_task(peer.pump())
        try:
            async with asyncio.timeout(None) as peer.reader_timeout:
                await self._read(number, peer)
        except TimeoutError:
            logger.debug("binary socket %d did not close in time", number)
        finally:
            self._peers.pop(number, None)
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
            peer.fail_pending()
            self._tell(number, "disconnect")

    async def _read(self, number: int, peer: _Peer) -> None:
        while True:
            event = await peer.websocket.receive()
            if event["type"] != "websocket.receive":
                return
            data = event.get("bytes")
            if data is None:
                await peer.websocket.close(1003, "this socket accepts only bytes")
                return
            if peer.listener is not None:
                self._bridge.tell(peer.listener, peer.websocket, number, bytes(data))

    def _listener(self) -> Listener | None:
        if self._handler is None:
            return None
        return Listener(self._handler, f"the message handler of {self._url_path}")

    def _set_handler(self, callback: Callable[..., Any] | None) -> None:
        self._handler = callback
        for peer in self._peers.values():
            peer.listener = self._listener()

    def _tell(self, number: int, event: str) -> None:
        for listener in list(self._events.values()):
            self._bridge.tell(listener, number, event)

    def _close(self, number: int, code: int = CLOSE_KICKED, reason: str = "closed by Python") -> bool:
        peer, loop = self._peers.pop(number, None), self._bridge.portal.loop
        if peer is not None and loop is not None:
            task = loop.create_task(peer.websocket.close(code, reason))
            task.add_done_callback(_log_failure)
            if peer.reader_timeout is not None:
                peer.reader_timeout.reschedule(loop.time() + DRAIN_SECONDS)
        return peer is not None

    def _cast(self, data: Data, target: Target, casting: Casting) -> None:
        wanted = self._peers if target is None else [target] if isinstance(target, int) else target
        numbers = [number for number in wanted if number in self._peers]
        results: list[Exception | None] = [None] * len(numbers)
        left = len(numbers)

        def done(index: int, error: Exception | None) -> None:
            nonlocal left
            results[index] = error
            left -= 1
            if not left:
                casting.future.set_result(results)

        for index, number in enumerate(numbers):
            self._send(number, data, functools.partial(done, index))
        if not numbers:
            casting.future.set_result([])

    def _send(self, number: int, data: Data, done: Callable[[Exception | None], None]) -> None:
        """Queue data for one socket. Close the connection if its send queue is full."""
        peer = self._peers.get(number)
        if peer is not None and peer.waiting < self._bridge.protocol.limits.outbox_bytes:
            peer.put(data, done)
            return
        reason = "it is too slow" if peer is not None else "it was closed"
        if peer is not None:
            logger.error("closed binary socket %d: %s, %d bytes queued", number, reason, peer.waiting)
            self._close(number, CLOSE_TOO_SLOW, reason)
        done(ConnectionError(f"binary socket {number}: {reason}"))


def _size(data: Data) -> int:
    return data.nbytes if isinstance(data, memoryview) else len(data)


def _check_data(data: Any) -> None:
    if not isinstance(data, (bytes, bytearray, memoryview, str)):
        raise TypeError(f"a binary socket can only send bytes; got {type(data).__name__}")


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        logger.debug("closing a binary socket: %r", task.exception())


# In 2020, this was the name of a module that contained the class.
JsPyBinarySocket.JsPyBinarySocket = JsPyBinarySocket  # type: ignore[attr-defined]
