"""`JsPyQueue`: named queues on both sides, to which the other side pushes."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Hashable
from typing import Any

from ..bridge.bridge import Bridge
from ..bridge.curried_calls import AsyncCurriedSend, CurriedSend, curried
from ..bridge.dispatcher import Listener
from ..bridge.portal import Operation
from ..bridge.tracebacks import public
from ..notebook.cells import current_cell
from ..protocol.arguments import Key, Target, check_function, check_queue_key, check_target, seconds
from ..protocol.calls import Finished
from ..protocol.queues import Entry, WhenFull, check_when_full

__all__ = ["QueuesApi", "QueuesBase", "acknowledged"]


class QueuesBase:
    """Methods of both the async and the blocking `JsPyQueue`, which do not wait for pages."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    @curried
    def push_nowait(self, key: Key, target: Target = None) -> Callable[[Any], None]:
        """Push data to a queue of pages without waiting; from any thread.

        Args:
            key: The name of the queue in the page.
            target: A socket number or a collection of them; `None` for all pages. Unknown numbers are ignored.

        Returns:
            A function that takes the data.

        Raises:
            TypeError: (by the returned function) The data cannot be sent; the error message contains the path.
        """
        check_queue_key(key)
        check_target(target)

        def send(data: Any) -> None:
            self._bridge.post(self._bridge.protocol.push_nowait, key, self._bridge.pack(data, "data"), target)

        return CurriedSend("push_nowait", key, send)

    def pop(self, key: Hashable, default_value: Any = None) -> Any:
        """Remove and return the newest item of a queue, or `default_value` if it is empty."""
        entry = self._take(key, True)
        return default_value if entry is None else entry[1]

    def shift(self, key: Hashable, default_value: Any = None) -> Any:
        """Remove and return the oldest item of a queue, or `default_value` if it is empty."""
        entry = self._take(key, False)
        return default_value if entry is None else entry[1]

    def _take(self, key: Hashable, newest: bool) -> Entry | None:
        bridge = self._bridge
        undo = functools.partial(bridge.put_back, key)
        entry: Entry | None = bridge.portal.call(bridge.do, bridge.protocol.queues.take, key, newest, undo=undo)
        return entry

    def is_empty(self, key: Hashable) -> bool:
        """Return whether a queue has no items, or does not exist."""
        empty: bool = self._bridge.call(self._bridge.protocol.queues.is_empty, key)
        return empty

    def has(self, key: Hashable) -> bool:
        """Return whether a queue exists: an item has been pushed to it since its last removal."""
        exists: bool = self._bridge.call(self._bridge.protocol.queues.has, key)
        return exists

    def get_keys(self) -> list[Hashable]:
        """Return the names of the queues that exist."""
        keys: list[Hashable] = self._bridge.call(self._bridge.protocol.queues.keys)
        return keys

    def clear(self, key: Hashable) -> None:
        """Drop the items of a queue."""
        self._bridge.call(self._bridge.protocol.queues.clear, key)

    def clear_all(self) -> None:
        """Drop the items of all queues."""
        self._bridge.call(self._bridge.protocol.queues.clear_all)

    def remove(self, key: Hashable) -> None:
        """Remove a queue."""
        self._bridge.call(self._bridge.protocol.queues.remove, key)

    def remove_all(self) -> None:
        """Remove all queues."""
        self._bridge.call(self._bridge.protocol.queues.remove_all)

    @public
    def set_limit(self, key: Key, max_items: int | None, when_full: WhenFull = "wait") -> None:
        """Limit the items that pages can push to a queue in Python.

        Args:
            key: The name of the queue.
            max_items: The maximum number; `None` for `Limits(queue_items=...)`.
            when_full: Policy for an item for which there is no room. "wait": `push` waits for room, and the item of a
                `push_nowait` is refused, which the console of the page shows; "error": both are refused, and `push`
                resolves to `false`; "drop_oldest": the oldest item is dropped.

        Raises:
            TypeError: `max_items` is not an int.
            ValueError: `max_items` is not positive, or the policy is unknown.
        """
        check_queue_key(key)
        check_when_full(when_full)
        if max_items is not None and (isinstance(max_items, bool) or not isinstance(max_items, int)):
            raise TypeError(f"max_items must be a number or None; got {max_items!r}")
        if max_items is not None and max_items < 1:
            raise ValueError(f"max_items must be at least 1; got {max_items}")
        self._bridge.call(self._bridge.protocol.queues.set_limit, key, max_items, when_full)

    @public
    def add_callback(self, func: Callable[[Hashable], Any]) -> None:
        """Call `func(key)` for each item that arrives; adding a function twice has no effect.

        Args:
            func: Plain (runs in a worker thread) or async (on the bridge's loop). Its calls do not overlap.
        """
        check_function(func, "a queue callback")
        listener = Listener(func, "a queue callback", current_cell())
        self._bridge.call(self._bridge.queue_listeners.setdefault, func, listener)

    def clear_callback(self) -> None:
        """Remove all callbacks."""
        self._bridge.call(self._bridge.queue_listeners.clear)

    def _request(self, key: Key, timeout: float | None, target: Target) -> Callable[[Any], Operation[Finished]]:
        check_queue_key(key)
        check_target(target)
        limit = seconds(timeout)

        def request(data: Any) -> Operation[Finished]:
            payload = self._bridge.pack(data, "data")
            return lambda done: self._bridge.request("push", key, payload, target, limit, done)

        return request


class QueuesApi(QueuesBase):
    """`JsPyQueue`: queues in both directions, with awaitable acknowledgements."""

    @curried
    def push(
        self, key: Key, timeout: float | None = None, target: Target = None
    ) -> Callable[[Any], Awaitable[list[int]]]:
        """Push data to a queue of pages and await their acknowledgements, on any event loop.

        Args:
            key: The name of the queue in the page.
            timeout: Seconds; `None`, 0 or negative mean no limit.
            target: A socket number or a collection of them; `None` for all pages. Unknown numbers are ignored.

        Returns:
            A coroutine function that takes the data and returns the numbers of the sockets that acknowledged it.

        Raises:
            TypeError: (by the returned function) The data cannot be sent; the error message contains the path.
        """
        request = self._request(key, timeout, target)

        @public
        async def send(data: Any) -> list[int]:
            return acknowledged(await self._bridge.portal.awaitable(request(data)))

        return AsyncCurriedSend("push", key, send)


def acknowledged(finished: Finished) -> list[int]:
    """Return the sockets that acknowledged a push."""
    return [socket for socket, answer in finished.answers.items() if answer is True]
