"""Named queues: each key has a space of its own."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from typing import Any

__all__ = ["Queues"]


class Queues:
    """Key -> items, oldest first. A queue that ran empty keeps its key until it is removed."""

    def __init__(self) -> None:
        self._items: dict[Hashable, deque[Any]] = {}

    def put(self, key: Hashable, item: Any) -> None:
        """Appends an item."""
        self._items.setdefault(key, deque()).append(item)

    def put_back(self, key: Hashable, item: Any) -> None:
        """Returns an item that was taken as the oldest."""
        self._items.setdefault(key, deque()).appendleft(item)

    def pop(self, key: Hashable, default: Any = None) -> Any:
        """Removes and returns the newest item, `default` when there is none."""
        items = self._items.get(key)
        return items.pop() if items else default

    def shift(self, key: Hashable, default: Any = None) -> Any:
        """Removes and returns the oldest item, `default` when there is none."""
        items = self._items.get(key)
        return items.popleft() if items else default

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

    def clear_all(self) -> None:
        """Drops the items of all queues."""
        for items in self._items.values():
            items.clear()

    def remove(self, key: Hashable) -> None:
        """Drops the queue."""
        self._items.pop(key, None)

    def remove_all(self) -> None:
        """Drops all queues."""
        self._items.clear()
