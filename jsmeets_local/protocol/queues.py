"""Queues in Python, by key."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from typing import Any, Literal, TypeAlias, get_args

from msgspec import Struct

__all__ = ["Entry", "Queues", "WhenFull", "check_when_full", "put_back"]

WhenFull: TypeAlias = Literal["wait", "error", "drop_oldest"]
Entry: TypeAlias = tuple[int, Any]  # the number of an item, which determines its position, and the item
Ticket: TypeAlias = tuple[int, int]  # a socket and the number of its request to acknowledge


def check_when_full(policy: object) -> None:
    """Raise `ValueError` unless `policy` is a policy for full queues."""
    if policy not in get_args(WhenFull):
        raise ValueError(f"when_full must be one of {', '.join(map(repr, get_args(WhenFull)))}; got {policy!r}")


def put_back(entries: deque[Entry], entry: Entry) -> None:
    """Put an entry back at its position; other entries may have been put back before."""
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
    """Items by key, oldest first. An empty queue keeps its key until it is removed.

    Args:
        max_items: Limit for queues without their own, and for the items that wait for room in each queue.
        stored: Called for each stored item of a client, with the key, and the ticket or `None`.
    """

    def __init__(
        self, max_items: int = 2**62, stored: Callable[[Any, Ticket | None], None] = lambda key, ticket: None
    ) -> None:
        self.max_items = max_items
        self.dropped = 0  # dropped and refused items
        self._items: dict[Hashable, deque[Entry]] = {}
        self._last = 0  # the number of the newest item
        self._limits: dict[Hashable, _Limit] = {}
        self._waiting: dict[Hashable, deque[tuple[Any, Ticket]]] = {}
        self._report = stored

    def set_limit(self, key: Hashable, max_items: int | None, when_full: WhenFull) -> None:
        """Set the limit and the policy of a queue; `None` restores the default."""
        self._limits.pop(key, None)
        if max_items is not None:
            self._limits[key] = _Limit(max_items, when_full)
        self._admit(key)

    def offer(self, key: Hashable, item: Any, ticket: Ticket | None) -> str | None:
        """Append an item of a client, or hold it until there is room.

        Returns:
            The reason if the item is refused, else `None`.
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
            return f"Python's queue {key!r} is full: {limit.max_items} items, and none are taken"
        return None

    def _store(self, key: Hashable, item: Any, ticket: Ticket | None) -> None:
        self.put(key, item)
        self._report(key, ticket)

    def _admit(self, key: Hashable) -> None:
        """Store waiting items while there is room."""
        waiting = self._waiting.get(key)
        limit = self._limits.get(key) or _Limit(self.max_items, "wait")
        while waiting and self.size(key) < limit.max_items:
            self._store(key, *waiting.popleft())
        if waiting is not None and not waiting:
            del self._waiting[key]

    def withdraw(self, ticket: Ticket) -> None:
        """Drop the item of a request that waits for room."""
        for key, waiting in self._waiting.items():
            for entry in waiting:
                if entry[1] == ticket:
                    waiting.remove(entry)
                    if not waiting:
                        del self._waiting[key]
                    return

    def waiting(self, key: Hashable) -> int:
        """Return the number of items that wait for room."""
        return len(self._waiting.get(key, ()))

    def put(self, key: Hashable, item: Any) -> None:
        """Append an item."""
        self._last += 1
        self._items.setdefault(key, deque()).append((self._last, item))

    def put_back(self, key: Hashable, entry: Entry) -> None:
        """Put back an item that was taken."""
        put_back(self._items.setdefault(key, deque()), entry)

    def take(self, key: Hashable, newest: bool = False) -> Entry | None:
        """Remove and return the oldest or the newest item; return `None` if there is none."""
        items = self._items.get(key)
        entry = (items.pop() if newest else items.popleft()) if items else None
        self._admit(key)
        return entry

    def is_empty(self, key: Hashable) -> bool:
        """Return whether a queue has no items."""
        return not self._items.get(key)

    def size(self, key: Hashable) -> int:
        """Return the number of items of a queue."""
        return len(self._items.get(key, ()))

    def has(self, key: Hashable) -> bool:
        """Return whether a queue exists, empty or not."""
        return key in self._items

    def keys(self) -> list[Hashable]:
        """Return the keys of the queues, oldest first."""
        return list(self._items)

    def clear(self, key: Hashable) -> None:
        """Drop the items of a queue, but keep its key."""
        if key in self._items:
            self._items[key].clear()
            self._admit(key)

    def clear_all(self) -> None:
        """Drop the items of all queues."""
        for key in list(self._items):
            self.clear(key)

    def remove(self, key: Hashable) -> None:
        """Remove a queue."""
        self._items.pop(key, None)
        self._admit(key)

    def remove_all(self) -> None:
        """Remove all queues."""
        for key in list(self._items):
            self.remove(key)
