"""Lines of waiting readers on the bridge's loop: each gets one value, or learns that none came."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, TypeAlias

from ..errors import CallTimeout, Disconnected
from ..protocol.queues import Entry, put_back
from .portal import Cancel, Done, Operation, Portal

__all__ = ["ENDED", "NOTHING", "Inbox", "Waiters", "join_waiters", "missing"]

NOTHING = object()  # nothing came in time
ENDED = object()  # nothing will come any more

Waiters: TypeAlias = deque[Callable[[Any], None]]


def join_waiters(waiters: Waiters, portal: Portal, timeout: float | None, done: Done[Any]) -> Cancel:
    """Stands in a line until someone calls what it put there; `NOTHING` after the timeout (seconds)."""
    timer: asyncio.Handle | threading.Timer | None = None

    def leave() -> None:
        if timer is not None:
            timer.cancel()
        if served in waiters:
            waiters.remove(served)

    def served(value: Any) -> None:
        leave()
        done(value)

    if timeout is not None and portal.loop is not None:
        timer = portal.loop.call_later(timeout, served, NOTHING)
    elif timeout is not None:  # nothing is served: the time runs all the same
        timer = threading.Timer(timeout, portal.call, (served, NOTHING))
        timer.daemon = True
        timer.start()
    waiters.append(served)
    return leave


def missing(
    item: object, what: str, timeout: float | None, ended: type[Disconnected] = Disconnected
) -> CallTimeout | Disconnected:
    """The error to raise where nothing came to a line: `NOTHING`, or `ENDED`."""
    if item is NOTHING:
        return CallTimeout(f"nothing came to {what} within {timeout} s")
    return ended(f"the page was closed, or the server has stopped; nothing more comes to {what}")


class Inbox:
    """Items in order, for one or more readers. Its state belongs to the bridge's loop."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._items: deque[Entry] = deque()
        self._last = 0  # the number of the newest item
        self._readers: Waiters = deque()
        self._ended = False

    def put(self, item: Any) -> None:
        """Gives an item to the reader that waits longest, or keeps it."""
        if not self._ended:
            self._last += 1
            self._items.append((self._last, item))
            self._serve()

    def _serve(self) -> None:
        while self._readers and self._items:
            self._readers.popleft()(self._items.popleft())

    def end(self) -> None:
        """Nothing comes any more; what is there can still be read."""
        self._ended = True
        while self._readers:
            self._readers.popleft()(ENDED)

    def next(self, timeout: float | None) -> Operation[Any]:
        """An operation: the next item, `NOTHING` after the timeout (seconds), `ENDED` at the end.

        Cancelled after it was done, the item has not arrived: it goes back.
        """

        def operation(done: Done[Any]) -> Cancel:
            taken: list[Entry] = []
            leave: Cancel | None = None

            def take(entry: Any) -> None:
                if entry is NOTHING or entry is ENDED:
                    done(entry)
                else:
                    taken.append(entry)
                    done(entry[1])

            def cancel() -> None:
                if leave is not None:
                    leave()
                if taken:
                    put_back(self._items, taken.pop())
                    self._serve()

            if self._items or self._ended:
                take(self._items.popleft() if self._items else ENDED)
            else:
                leave = join_waiters(self._readers, self._portal, timeout, take)
            return cancel

        return operation
