"""Who hears what: topics and their subscribers."""

from __future__ import annotations

from collections.abc import Hashable

__all__ = ["Broker"]


class Broker:
    """Topic -> subscribers, in the order in which they subscribed.

    A subscriber is anything hashable: a socket's number, or an object of this process.
    """

    def __init__(self) -> None:
        self._subscribers: dict[str, dict[Hashable, None]] = {}
        self._topics: dict[Hashable, set[str]] = {}

    def subscribe(self, topic: str, subscriber: Hashable) -> None:
        """Adds a subscriber; once more changes nothing."""
        self._subscribers.setdefault(topic, {})[subscriber] = None
        self._topics.setdefault(subscriber, set()).add(topic)

    def unsubscribe(self, topic: str, subscriber: Hashable) -> bool:
        """Removes a subscriber.

        Returns:
            Whether it was subscribed.
        """
        subscribers = self._subscribers.get(topic, {})
        if subscriber not in subscribers:
            return False
        del subscribers[subscriber]
        if not subscribers:
            del self._subscribers[topic]
        self._topics[subscriber].discard(topic)
        if not self._topics[subscriber]:
            del self._topics[subscriber]
        return True

    def leave(self, subscriber: Hashable) -> None:
        """Removes a subscriber from all its topics."""
        for topic in self.topics(subscriber):
            self.unsubscribe(topic, subscriber)

    def subscribers(self, topic: str) -> list[Hashable]:
        """Who hears a publication on this topic."""
        return list(self._subscribers.get(topic, ()))

    def count(self, subscriber: Hashable) -> int:
        """How many topics a subscriber hears."""
        return len(self._topics.get(subscriber, ()))

    def names(self) -> list[str]:
        """The topics that anybody hears."""
        return list(self._subscribers)

    def topics(self, subscriber: Hashable) -> list[str]:
        """What a subscriber hears."""
        return list(self._topics.get(subscriber, ()))
