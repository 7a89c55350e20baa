"""`JsPyTextSocket`: the sockets of the pages, and messages of user-defined protocols."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from typing import Any

from ..bridge.bridge import Bridge
from ..bridge.dispatcher import Listener
from ..notebook.cells import current_cell
from ..protocol.arguments import Target, check_function, check_limit, check_name, check_target

__all__ = ["Sent", "TextSockets"]

_KEYS = ("protocol", "key", "id", "data", "exception")


class Sent(Awaitable[list[None]]):
    """Result of a send. Awaiting it is optional, and returns one entry per socket."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __await__(self) -> Generator[Any, None, list[None]]:
        yield from ()
        return [None] * self._count


class TextSockets:
    """`JsPyTextSocket`: numbers, limit and events of the pages' sockets, and user-defined protocols."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    def url_path(self) -> str:
        """Return the path of the WebSocket below the application's root."""
        return "/jsmeetspy/textsocket"

    def get_socket_id(self) -> tuple[int, ...]:
        """Return the numbers of the connected sockets; they count from 1 and are never reused."""
        numbers: tuple[int, ...] = self._bridge.call(self._bridge.protocol.sockets)
        return numbers

    def number_of_connections(self) -> int:
        """Return the number of connected sockets."""
        return len(self.get_socket_id())

    def set_connection_limit(self, limit: int = 0) -> None:
        """Limit the number of connections; open connections stay open.

        Args:
            limit: The maximum number; 0 or negative means no limit.
        """
        self._bridge.call(self._bridge.protocol.set_connection_limit, check_limit(limit))

    def close_socket(self, socket_id: int) -> bool:
        """Close a connection. The page does not reconnect automatically.

        Returns:
            True if a socket of that number was connected.
        """
        closed: bool = self._bridge.call(self._bridge.protocol.close_socket, socket_id, "closed by Python")
        return closed

    def add_socket_event(self, func: Callable[[int, str], Any]) -> None:
        """Call `func(socket_id, event)` with the event "connect" or "disconnect".

        Args:
            func: Plain (runs in a worker thread) or async (on the bridge's loop). At "disconnect",
                `get_socket_id()` no longer contains the number.
        """
        check_function(func, "a socket event callback")
        listener = Listener(func, "a socket event callback", current_cell())
        self._bridge.call(self._bridge.socket_listeners.setdefault, func, listener)

    def clear_socket_event(self) -> None:
        """Remove all socket event callbacks."""
        self._bridge.call(self._bridge.socket_listeners.clear)

    def add_state_event(self, func: Callable[[int, str], Any]) -> None:
        """Call `func(socket_id, state)` each time the connection of a page opens, breaks, is resumed or ends.

        Args:
            func: Plain (runs in a worker thread) or async (on the bridge's loop). `state` is "open" (new, or resumed
                without losses), "reconnecting" (broken, may be resumed), "lost" (not resumed in time) or "closed" (by
                the page or by Python). The last two are final.
        """
        check_function(func, "a state event callback")
        listener = Listener(func, "a state event callback", current_cell())
        self._bridge.call(self._bridge.state_listeners.setdefault, func, listener)

    def clear_state_event(self) -> None:
        """Remove all state event callbacks."""
        self._bridge.call(self._bridge.state_listeners.clear)

    def add_protocol(self, protocol: str, func: Callable[[Any, int, dict[str, Any]], Any]) -> None:
        """Set the handler of a user-defined protocol, whose messages pages send by `JsPyTextSocket.send_json`.

        Args:
            protocol: The value of the message's key "protocol".
            func: `func(websocket, socket_id, message)`, plain or async. The message is a dict with the keys
                protocol, key, id, data and exception. Messages sent on `websocket` itself bypass the bridge: answer by
                `multicast(message, socket_id)`.
        """
        check_name(protocol, "protocol")
        check_function(func, f"the handler of protocol {protocol!r}")
        listener = Listener(func, f"the handler of protocol {protocol!r}", current_cell())
        self._bridge.call(self._bridge.protocols.__setitem__, protocol, listener)

    def broadcast(self, data: dict[str, Any]) -> Sent:
        """Send a message of a user-defined protocol to all pages: `multicast(data)`."""
        return self.multicast(data)

    def multicast(self, data: dict[str, Any], socket: Target = None) -> Sent:
        """Send a message of a user-defined protocol.

        Args:
            data: A dict with the keys protocol, key, id, data and exception; the page passes it to the
                handler that it has set with `JsPyTextSocket.add_protocol(protocol, ...)`.
            socket: A socket number or a collection of them; `None` for all pages. Unknown numbers are ignored.

        Returns:
            An awaitable for a list with one `None` per socket. The message is sent even if it is not awaited.

        Raises:
            TypeError: A key is missing, or a value cannot be sent.
        """
        self._bridge.portal.check_own()
        count: int = self._bridge.call(self._bridge.protocol.custom, *self._packed(data), check_target(socket))
        return Sent(count)

    def reservecast(self, data: dict[str, Any], socket: Target = None) -> None:
        """Send as `multicast` does, without waiting for the bridge; from any thread."""
        self._bridge.post(self._bridge.protocol.custom, *self._packed(data), check_target(socket))

    def _packed(self, data: dict[str, Any]) -> tuple[Any, str]:
        missing = [key for key in _KEYS if not isinstance(data, dict) or key not in data]
        if missing:
            raise TypeError(f"data must be a dict with the keys {', '.join(_KEYS)}; missing: {', '.join(missing)}")
        payload = self._bridge.pack(data, "data")
        if payload.references:
            raise TypeError("a custom message cannot carry functions, objects or integers beyond 2**53")
        return payload, str(data["protocol"])
