"""Streams: credit, order and end of iterators of both sides, without I/O.

A stream is sent by reference. Its reader grants items with `pull`, and its producer sends no more than that, so a slow
reader stops the producer. A large item counts as several. Both sides forget the number of a stream when it ends or is
stopped.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from ..errors import JsPyError, ProtocolError
from .references import Export

__all__ = ["BATCH_BYTES", "IN_FLIGHT_BYTES", "LARGE_BATCH_BYTES", "LARGE_BYTES", "Incoming", "Outgoing"]

BATCH_BYTES = 64 * 1024  # size at which a batch of items ends
LARGE_BYTES = 512 * 1024  # size of a large item
LARGE_BATCH_BYTES = 16 * 2**20  # size at which a batch of large items ends: a page fetches it, faster than chunks
IN_FLIGHT_BYTES = 32 * 2**20  # unacknowledged bytes at which a producer waits, even with credit: two large batches


class Heavy:
    """An item that counts as several.

    Args:
        value: The item.
        extra: The number of further items that it counts as.
    """

    __slots__ = ("extra", "value")

    def __init__(self, value: Any, extra: int) -> None:
        self.value = value
        self.extra = extra


class Incoming:
    """A stream of a page that Python reads.

    Any thread may pop items from the left of `items` and call `wants_more`. All else is for the owner of the protocol
    state.

    Args:
        socket: The socket of the page.
        number: The number of the stream.
        window: The number of items that may be granted and not yet taken.

    Attributes:
        items: Items that have arrived; those that count as several are `Heavy`.
        is_over: True if no more items arrive.
        error: Error to raise after the items, once, or `None`.
        waiters: Functions to call when items have arrived or the stream is over, set by the owner of the state.
        is_asked: True while a reader waits for the owner of the state to grant more.
        is_granted: True once items were granted, so that the page reads ahead.
        is_driven: True once the reader resumes the page's generator itself, so that no items are granted.
    """

    __slots__ = (
        "_granted",
        "_has_heavy",
        "error",
        "is_asked",
        "is_driven",
        "is_granted",
        "is_over",
        "items",
        "number",
        "socket",
        "waiters",
        "window",
    )

    def __init__(self, socket: int, number: int, window: int) -> None:
        self.socket = socket
        self.number = number
        self.window = window
        self.items: deque[Any] = deque()
        self.is_over = False
        self.error: JsPyError | None = None
        self.waiters: deque[Callable[[Any], None]] = deque()
        self.is_asked = False
        self.is_granted = False
        self.is_driven = False
        self._granted = 0  # items that the page may still send; less than 0 after a large one
        self._has_heavy = False

    def _taken(self) -> int:
        """Return how many items of the window are neither granted nor here."""
        extra = sum(item.extra for item in tuple(self.items) if type(item) is Heavy) if self._has_heavy else 0
        return self.window - self._granted - len(self.items) - extra

    def wants_more(self) -> bool:
        """Return whether half of the window is taken, so that more items are granted."""
        return 2 * self._taken() >= self.window and not self.is_over

    def grant(self) -> int:
        """Return how many items to grant now."""
        self.is_asked = False
        if not self.wants_more():
            return 0
        count = self._taken()
        self._granted += count
        self.is_granted = True
        return count

    def receive(self, items: list[Any], extra: int = 0) -> None:
        """Append the items of a message, unless the stream is over.

        Args:
            items: The items.
            extra: The further items that large ones count as; the last item stands for them.

        Raises:
            ProtocolError: There are more items than were granted.
        """
        if self.is_over:
            return
        if len(items) > self._granted:
            raise ProtocolError(f"{len(items) - self._granted} items of stream {self.number} that were not granted")
        self._granted -= len(items) + extra  # first, as a reader in another thread counts both
        if extra:
            self._has_heavy = True
            items[-1] = Heavy(items[-1], extra)
        self.items.extend(items)

    def end(self, error: JsPyError | None) -> None:
        """Note the end of the stream. Items that have arrived can still be read, before the error."""
        if not self.is_over:
            self.is_over, self.error = True, error

    def leave(self) -> None:
        """Drop the items that have arrived, and those that still arrive."""
        self.is_over, self.error = True, None
        self.items.clear()


class Outgoing:
    """A stream of Python that a page reads.

    Attributes:
        socket: The socket of the page.
        number: The number of the stream.
        export: The exported iterator.
        credit: Items that the page has granted.
        in_flight: Bytes of items that the page has not acknowledged.
        is_busy: True while the iterator is being read.
        is_over: True if no more items are sent.
        reader: The reader of the iterator, set by the owner of the protocol state.
        unit: Bytes of an item that counts as one.
    """

    __slots__ = ("credit", "export", "in_flight", "is_busy", "is_over", "number", "reader", "socket", "unit")

    def __init__(self, socket: int, export: Export, unit: int) -> None:
        self.unit = max(1, unit)
        self.socket = socket
        self.number = export.number
        self.export = export
        self.credit = 0
        self.in_flight = 0
        self.is_busy = False
        self.is_over = False
        self.reader: Any = None

    def may_read(self) -> bool:
        """Return whether an item may be read from the iterator."""
        return not self.is_over and self.credit > 0 and self.in_flight < IN_FLIGHT_BYTES

    def begin(self) -> bool:
        """Return whether to read the iterator now, and mark it as busy."""
        if self.is_busy or not self.may_read():
            return False
        self.is_busy = True
        return True
