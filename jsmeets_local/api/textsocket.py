"""`JsPyTextSocket`: the sockets of the pages, and messages of the user's own."""

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
    """What was sent: may be awaited for one entry per socket, and need not be."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __await__(self) -> Generator[Any, None, list[None]]:
        yield from ()
        return [None] * self._count


class TextSockets:
    """`JsPyTextSocket`: numbers, limit and events of the sockets that carry everything."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    def url_path(self) -> str:
        """The path of the WebSocket below the application's root."""
        return "/jsmeetspy/textsocket"

    def get_socket_id(self) -> tuple[int, ...]:
        """The numbers of the connected sockets; they count from 1 and are never used again."""
        numbers: tuple[int, ...] = self._bridge.call(self._bridge.protocol.sockets)
        return numbers

    def number_of_connections(self) -> int:
        """How many sockets are connected."""
        return len(self.get_socket_id())

    def set_connection_limit(self, limit: int = 0) -> None:
        """Refuses pages beyond a number of connections; those that are open stay.

        Args:
            limit: The number; 0 or negative means no limit.
        """
        self._bridge.call(self._bridge.protocol.set_connection_limit, check_limit(limit))

    def close_socket(self, socket_id: int) -> bool:
        """Ends a connection; that page does not come back by itself.

        Returns:
            Whether there was a socket of that number.
        """
        closed: bool = self._bridge.call(self._bridge.protocol.close_socket, socket_id, "closed by Python")
        return closed

    def add_socket_event(self, func: Callable[[int, str], Any]) -> None:
        """Has `func(socket_id, event)` called, `event` being "connect" or "disconnect".

        Args:
            func: Plain (runs in a worker thread) or async (on the bridge's loop). At "disconnect" the number is
                already out of `get_socket_id()`.
        """
        check_function(func, "a socket event callback")
        listener = Listener(func, "a socket event callback", current_cell())
        self._bridge.call(self._bridge.socket_listeners.setdefault, func, listener)

    def clear_socket_event(self) -> None:
        """Removes all socket event callbacks."""
        self._bridge.call(self._bridge.socket_listeners.clear)

    def add_state_event(self, func: Callable[[int, str], Any]) -> None:
        """Has `func(socket_id, state)` called each time the connection of a page comes, breaks, comes back or ends.

        Args:
            func: Plain (runs in a worker thread) or async (on the bridge's loop). `state` is "open" (new, or back with
                nothing lost), "reconnecting" (it broke, and is waited for), "lost" (it did not come back in time) or
                "closed" (the page has gone, or Python has closed it). Nothing comes after the last two.
        """
        check_function(func, "a state event callback")
        listener = Listener(func, "a state event callback", current_cell())
        self._bridge.call(self._bridge.state_listeners.setdefault, func, listener)

    def clear_state_event(self) -> None:
        """Removes all state event callbacks."""
        self._bridge.call(self._bridge.state_listeners.clear)

    def add_protocol(self, protocol: str, func: Callable[[Any, int, dict[str, Any]], Any]) -> None:
        """Sets the handler of a message kind of your own, which pages send by `JsPyTextSocket.send_json`.

        Args:
            protocol: The value of the message's key "protocol".
            func: `func(websocket, socket_id, message)`, plain or async. The message is a dict with the keys
                protocol, key, id, data and exception. What is sent on `websocket` itself bypasses the bridge: answer by
                `multicast(message, socket_id)`.
        """
        check_name(protocol, "protocol")
        check_function(func, f"the handler of protocol {protocol!r}")
        listener = Listener(func, f"the handler of protocol {protocol!r}", current_cell())
        self._bridge.call(self._bridge.protocols.__setitem__, protocol, listener)

    def broadcast(self, data: dict[str, Any]) -> Sent:
        """Sends a message of your own to all pages: `multicast(data)`."""
        return self.multicast(data)

    def multicast(self, data: dict[str, Any], socket: Target = None) -> Sent:
        """Sends a message of your own.

        Args:
            data: A dict with the keys protocol, key, id, data and exception; the page handles it by the function that
                it gave to `JsPyTextSocket.add_protocol(protocol, ...)`.
            socket: A socket number or a collection of them; `None` for all pages. Unknown numbers are ignored.

        Returns:
            It may be awaited for a list with one `None` per socket; it is sent in any case.

        Raises:
            TypeError: A key is missing, or a value cannot be sent.
        """
        self._bridge.portal.check_own()
        count: int = self._bridge.call(self._bridge.protocol.custom, *self._packed(data), check_target(socket))
        return Sent(count)

    def reservecast(self, data: dict[str, Any], socket: Target = None) -> None:
        """`multicast` that does not wait for the bridge, from any thread."""
        self._bridge.post(self._bridge.protocol.custom, *self._packed(data), check_target(socket))

    def _packed(self, data: dict[str, Any]) -> tuple[Any, str]:
        missing = [key for key in _KEYS if not isinstance(data, dict) or key not in data]
        if missing:
            raise TypeError(f"data is a dict with the keys {', '.join(_KEYS)}; missing: {', '.join(missing)}")
        return self._bridge.pack(data, "data"), str(data["protocol"])
