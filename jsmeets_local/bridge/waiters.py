"""Queues of waiters on the loop of a bridge. Each waiter receives one value, or a marker that there is none."""

from __future__ import annotations

import functools
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, TypeAlias

from ..errors import CallTimeout, Disconnected
from ..protocol.queues import Entry, put_back
from .portal import Cancel, Done, Operation, Portal
from .timers import Timer

__all__ = ["CLOSED", "TIMED_OUT", "Inbox", "Waiters", "add_waiter", "take_entry", "wait_error"]

TIMED_OUT = object()  # no value arrived in time
CLOSED = object()  # no more values will arrive

Waiters: TypeAlias = deque[Callable[[Any], None]]


def add_waiter(waiters: Waiters, portal: Portal, timeout: float | None, done: Done[Any]) -> Cancel:
    """Append a waiter that removes itself when it is called. After the timeout (seconds) it receives `TIMED_OUT`.

    Returns:
        A function that removes the waiter.
    """
    timer: Timer | threading.Timer | None = None

    def remove() -> None:
        if timer is not None:
            timer.cancel()
        if resolve in waiters:
            waiters.remove(resolve)

    def resolve(value: Any) -> None:
        remove()
        done(value)

    if timeout is not None and portal.loop is not None:
        timer = Timer(portal.loop, portal.loop.time() + timeout, functools.partial(resolve, TIMED_OUT))
    elif timeout is not None:  # the timeout also applies while no loop runs
        timer = threading.Timer(timeout, portal.call, (resolve, TIMED_OUT))
        timer.daemon = True
        timer.start()
    waiters.append(resolve)
    return remove


def take_entry(
    ready: Any,
    waiters: Waiters,
    portal: Portal,
    timeout: float | None,
    done: Done[Any],
    put_back: Callable[[Entry], object],
) -> Cancel:
    """Pass the item of an entry to `done`, now or once one arrives; or `TIMED_OUT` or `CLOSED` in its place.

    Args:
        ready: An entry that was taken already, or `CLOSED`; `None` to wait among the waiters.
        waiters: Those that get the next entries.
        portal: The portal to the loop.
        timeout: Seconds; `None` for no limit.
        done: Called with the item.
        put_back: Takes back an entry whose item was passed but not received.

    Returns:
        A function that stops waiting, or puts the entry back.
    """
    taken: list[Entry] = []
    remove: Cancel | None = None

    def take(entry: Any) -> None:
        if entry is TIMED_OUT or entry is CLOSED:
            done(entry)
        else:
            taken.append(entry)
            done(entry[1])

    def cancel() -> None:
        if remove is not None:
            remove()
        if taken:
            put_back(taken.pop())

    if ready is not None:
        take(ready)
    else:
        remove = add_waiter(waiters, portal, timeout, take)
    return cancel


def wait_error(
    item: object, what: str, timeout: float | None, closed: type[Disconnected] = Disconnected
) -> CallTimeout | Disconnected:
    """Return the error to raise for `TIMED_OUT` or `CLOSED`."""
    if item is TIMED_OUT:
        return CallTimeout(f"nothing arrived on {what} within {timeout} s")
    return closed(f"the page was closed, or the server has stopped; nothing more will arrive on {what}")


class Inbox:
    """Items for one or more readers, in order. Its state is used on the loop of the bridge only."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._items: deque[Entry] = deque()
        self._last = 0  # the number of the newest item
        self._readers: Waiters = deque()
        self._closed = False

    def put(self, item: Any) -> None:
        """Pass an item to the reader that has waited longest, or store it."""
        if not self._closed:
            self._last += 1
            self._items.append((self._last, item))
            self._serve()

    def _serve(self) -> None:
        while self._readers and self._items:
            self._readers.popleft()(self._items.popleft())

    def close(self) -> None:
        """Accept no more items; those in the inbox can still be read."""
        self._closed = True
        while self._readers:
            self._readers.popleft()(CLOSED)

    def next(self, timeout: float | None) -> Operation[Any]:
        """Return an operation for the next item; `TIMED_OUT` after the timeout (seconds), `CLOSED` at the end.

        Cancelling the operation after its completion puts the item back.
        """

        def operation(done: Done[Any]) -> Cancel:
            ready = self._items.popleft() if self._items else CLOSED if self._closed else None
            return take_entry(ready, self._readers, self._portal, timeout, done, self._put_back)

        return operation

    def _put_back(self, entry: Entry) -> None:
        put_back(self._items, entry)
        self._serve()
