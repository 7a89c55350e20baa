"""Named queues: each key has a space of its own."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from typing import Any, Literal, TypeAlias, get_args

from msgspec import Struct

__all__ = ["Entry", "Queues", "WhenFull", "check_when_full", "put_back"]

WhenFull: TypeAlias = Literal["wait", "error", "drop_oldest"]
Entry: TypeAlias = tuple[int, Any]  # an item with its number, by which it finds back to its place
Ticket: TypeAlias = tuple[int, int]  # a socket and the number of its request, which wait for the acknowledgement


def check_when_full(policy: object) -> None:
    """Raises `ValueError` for what is no policy of queues."""
    if policy not in get_args(WhenFull):
        raise ValueError(f"when_full is one of {', '.join(map(repr, get_args(WhenFull)))}; got {policy!r}")


def put_back(entries: deque[Entry], entry: Entry) -> None:
    """Returns an entry that was taken, in order: others may have come back before it."""
    place = 0
    if entries and entries[-1][0] < entry[0]:
        place = len(entries)
    else:
        while place < len(entries) and entries[place][0] < entry[0]:
            place += 1
    entries.insert(place, entry)


class _Limit(Struct, frozen=True):
    max_items: int
    when_full: WhenFull


class Queues:
    """Key -> items, oldest first. A queue that ran empty keeps its key until it is removed.

    Args:
        max_items: Room in each queue that has no limit of its own; and how many items may wait for room in one.
        stored: Told of each item of a page once it is in its queue: the key, and the page's ticket if it has one.
    """

    def __init__(
        self, max_items: int = 2**62, stored: Callable[[Any, Ticket | None], None] = lambda key, ticket: None
    ) -> None:
        self.max_items = max_items
        self.dropped = 0  # items, refused ones too
        self._items: dict[Hashable, deque[Entry]] = {}
        self._last = 0  # the number of the newest item
        self._limits: dict[Hashable, _Limit] = {}
        self._waiting: dict[Hashable, deque[tuple[Any, Ticket]]] = {}
        self._report = stored

    def set_limit(self, key: Hashable, max_items: int | None, when_full: WhenFull) -> None:
        """How many items a queue has room for, and what becomes of others; `None` for as everywhere."""
        self._limits.pop(key, None)
        if max_items is not None:
            self._limits[key] = _Limit(max_items, when_full)
        self._admit(key)

    def offer(self, key: Hashable, item: Any, ticket: Ticket | None) -> str | None:
        """Appends an item of a page, or keeps it until there is room.

        Returns:
            Why it is refused, if it is.
        """
        limit = self._limits.get(key) or _Limit(self.max_items, "wait")
        if self.size(key) < limit.max_items:
            self._store(key, item, ticket)
        elif limit.when_full == "drop_oldest":
            self._items[key].popleft()
            self.dropped += 1
            self._store(key, item, ticket)
        elif limit.when_full == "wait" and ticket is not None and self.waiting(key) < self.max_items:
            self._waiting.setdefault(key, deque()).append((item, ticket))
        else:
            self.dropped += 1
            return f"queue {key!r} of Python is full: {limit.max_items} items, and nobody takes them"
        return None

    def _store(self, key: Hashable, item: Any, ticket: Ticket | None) -> None:
        self.put(key, item)
        self._report(key, ticket)

    def _admit(self, key: Hashable) -> None:
        """Items that waited go in where there is room now."""
        waiting = self._waiting.get(key)
        limit = self._limits.get(key) or _Limit(self.max_items, "wait")
        while waiting and self.size(key) < limit.max_items:
            self._store(key, *waiting.popleft())
        if waiting is not None and not waiting:
            del self._waiting[key]

    def waiting(self, key: Hashable) -> int:
        """How many items wait for room."""
        return len(self._waiting.get(key, ()))

    def put(self, key: Hashable, item: Any) -> None:
        """Appends an item."""
        self._last += 1
        self._items.setdefault(key, deque()).append((self._last, item))

    def put_back(self, key: Hashable, entry: Entry) -> None:
        """Returns an item that was taken."""
        put_back(self._items.setdefault(key, deque()), entry)

    def take(self, key: Hashable, newest: bool = False) -> Entry | None:
        """Removes and returns the oldest item, or the newest; `None` when there is none."""
        items = self._items.get(key)
        entry = (items.pop() if newest else items.popleft()) if items else None
        self._admit(key)
        return entry

    def is_empty(self, key: Hashable) -> bool:
        """Whether there is nothing to take."""
        return not self._items.get(key)

    def size(self, key: Hashable) -> int:
        """How many items there are to take."""
        return len(self._items.get(key, ()))

    def has(self, key: Hashable) -> bool:
        """Whether the queue exists, empty or not."""
        return key in self._items

    def keys(self) -> list[Hashable]:
        """The keys of the queues that exist, oldest first."""
        return list(self._items)

    def clear(self, key: Hashable) -> None:
        """Drops the items, keeps the key."""
        if key in self._items:
            self._items[key].clear()
            self._admit(key)

    def clear_all(self) -> None:
        """Drops the items of all queues."""
        for key in list(self._items):
            self.clear(key)

    def remove(self, key: Hashable) -> None:
        """Drops the queue."""
        self._items.pop(key, None)
        self._admit(key)

    def remove_all(self) -> None:
        """Drops all queues."""
        for key in list(self._items):
            self.remove(key)
