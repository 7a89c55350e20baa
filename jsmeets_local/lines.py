"""Lines of waiting readers on the bridge's loop: each gets one value, or learns that none came."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, TypeAlias

from .door import Cancel, Done, Door, Operation
from .errors import CallTimeout, Disconnected

__all__ = ["ENDED", "NOTHING", "Inbox", "Line", "item_or_raise", "stand_in"]

NOTHING = object()  # nothing came in time
ENDED = object()  # nothing will come any more

Line: TypeAlias = deque[Callable[[Any], None]]


def stand_in(line: Line, door: Door, timeout: float | None, done: Done[Any]) -> Cancel:
    """Stands in a line until someone calls what it put there; `NOTHING` after the timeout (seconds)."""
    timer: asyncio.Handle | threading.Timer | None = None

    def leave() -> None:
        if timer is not None:
            timer.cancel()
        if served in line:
            line.remove(served)

    def served(value: Any) -> None:
        leave()
        done(value)

    if timeout is not None and door.loop is not None:
        timer = door.loop.call_later(timeout, served, NOTHING)
    elif timeout is not None:  # nothing is served: the time runs all the same
        timer = threading.Timer(timeout, door.ask, (served, NOTHING))
        timer.daemon = True
        timer.start()
    line.append(served)
    return leave


def item_or_raise(item: Any, what: str, timeout: float | None, ended: type[Disconnected] = Disconnected) -> Any:
    """What came to a line; `CallTimeout`, or an `ended`, where nothing did."""
    if item is NOTHING:
        raise CallTimeout(f"nothing came to {what} within {timeout} s")
    if item is ENDED:
        raise ended(f"the page was closed, or the server has stopped; nothing more comes to {what}")
    return item


class Inbox:
    """Items in order, for one or more readers. Its state belongs to the bridge's loop."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._items: deque[Any] = deque()
        self._readers: Line = deque()
        self._ended = False

    def put(self, item: Any) -> None:
        """Gives an item to the reader that waits longest, or keeps it."""
        if self._readers:
            self._readers.popleft()(item)
        elif not self._ended:
            self._items.append(item)

    def end(self) -> None:
        """Nothing comes any more; what is there can still be read."""
        self._ended = True
        while self._readers:
            self._readers.popleft()(ENDED)

    def next(self, timeout: float | None) -> Operation[Any]:
        """An operation: the next item, `NOTHING` after the timeout (seconds), `ENDED` at the end."""

        def operation(done: Done[Any]) -> Cancel | None:
            if self._items or self._ended:
                done(self._items.popleft() if self._items else ENDED)
                return None
            return stand_in(self._readers, self._door, timeout, done)

        return operation
