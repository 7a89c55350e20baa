"""Blocking readers for the items of a queue and the publications of a topic."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..bridge.client import Client
from ..bridge.curried_calls import hinted
from ..bridge.tracebacks import cut
from ..bridge.waiters import CLOSED, TIMED_OUT, wait_error
from ..errors import PageClosed
from ..protocol.arguments import check_queue_key, seconds

__all__ = ["PageQueue", "Subscription"]


class PageQueue:
    """Queue in Python to which pages push, with blocking reads: `for item in page.queue("q1")`.

    Iteration ends when the page is closed. All pages share the queues in Python.
    """

    def __init__(self, client: Client, key: str) -> None:
        self._client = client
        self._key = check_queue_key(key)

    def get(self, timeout: float | None = None) -> Any:
        """Wait for the oldest item, and take it.

        Args:
            timeout: Seconds; `None`, 0 or negative mean no limit.

        Raises:
            CallTimeout: No item arrived in time.
            PageClosed: The page is closed, and no item is left.
            WouldDeadlock: Called on the bridge's event loop.
        """
        try:
            item = self._next(timeout)
            if item is TIMED_OUT or item is CLOSED:
                raise wait_error(item, f"the queue {self._key!r}", timeout, PageClosed)
            return item
        except BaseException as error:
            cut(error)
            raise

    @hinted(lambda _, args, named: "To push several values, write push([1, 2])" if len(args) > 1 else "")
    def push(self, data: Any) -> bool:
        """Push data to the page's queue of this name, once the page is connected.

        Returns:
            `False` if the page is closed and nothing is sent, which is logged once, at level INFO.

        Raises:
            TypeError: The data cannot be sent.
        """
        return self._client.push(self._key, data)

    def __iter__(self) -> Iterator[Any]:
        return _each(self._next)

    def _next(self, timeout: float | None) -> Any:
        operation = self._client.queue_item(self._key, timeout)
        return self._client.bridge.portal.block(operation, f"await page.aio.get({self._key!r})")


class Subscription:
    """Publications of a topic, with blocking reads: `for topic, data in page.subscribe("t")`."""

    def __init__(self, client: Client, topic: str) -> None:
        self._client = client
        self._topic = topic
        self._inbox, self._end = client.subscribe(topic)

    def get(self, timeout: float | None = None) -> tuple[str, Any]:
        """Wait for the next publication, and return it as `(topic, data)`.

        Args:
            timeout: Seconds; `None`, 0 or negative mean no limit.

        Raises:
            CallTimeout: No publication arrived in time.
            PageClosed: The page is closed, and no publication is left.
            WouldDeadlock: Called on the bridge's event loop.
        """
        try:
            item: Any = self._next(timeout)
            if item is TIMED_OUT or item is CLOSED:
                raise wait_error(item, f"the topic {self._topic!r}", timeout, PageClosed)
            publication: tuple[str, Any] = item
            return publication
        except BaseException as error:
            cut(error)
            raise

    def close(self) -> None:
        """End the subscription; publications that have arrived can still be read."""
        self._client.bridge.portal.call(self._end)

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        return _each(self._next)

    def _next(self, timeout: float | None) -> Any:
        awaitable = "async for topic, data in page.aio.subscribe(...)"
        return self._client.bridge.portal.block(self._inbox.next(seconds(timeout)), awaitable)


def _each(read: Callable[[None], Any]) -> Iterator[Any]:
    """Yield what `read` returns, until that is `CLOSED`."""
    while True:  # not `while (item := ...)`, which Python may interrupt between the item and the yield
        try:  # without the yield: Python ignores an interrupt while it closes an iterator that is left
            item = read(None)
        except BaseException as error:
            cut(error)
            raise
        if item is CLOSED:
            return
        yield item
