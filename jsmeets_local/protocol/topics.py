"""Broker: topics and their subscribers."""

from __future__ import annotations

from collections.abc import Hashable

from .codec import Packet

__all__ = ["Broker"]


class Broker:
    """Subscribers by topic, in the order of subscription, and the retained data of topics.

    A subscriber is hashable: the number of a socket, or an object of this process.

    Attributes:
        retained: Topic -> the last publication with `retain`. It is kept as it was encoded, because the publisher may
            change its data later.
    """

    def __init__(self) -> None:
        self.retained: dict[str, Packet] = {}
        self._subscribers: dict[str, dict[Hashable, None]] = {}
        self._topics: dict[Hashable, set[str]] = {}

    def subscribe(self, topic: str, subscriber: Hashable) -> None:
        """Add a subscriber; repeating it has no effect."""
        self._subscribers.setdefault(topic, {})[subscriber] = None
        self._topics.setdefault(subscriber, set()).add(topic)

    def retain(self, topic: str, publication: Packet | None) -> None:
        """Keep a publication for later subscribers of a topic; `None` clears what was kept."""
        if publication is None:
            self.retained.pop(topic, None)
        else:
            self.retained[topic] = publication

    def unsubscribe(self, topic: str, subscriber: Hashable) -> bool:
        """Remove a subscriber from a topic.

        Returns:
            True if it was subscribed.
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
        """Remove a subscriber from all its topics."""
        for topic in self.topics(subscriber):
            self.unsubscribe(topic, subscriber)

    def subscribers(self, topic: str) -> list[Hashable]:
        """Return the subscribers of a topic."""
        return list(self._subscribers.get(topic, ()))

    def count(self, subscriber: Hashable) -> int:
        """Return the number of topics of a subscriber."""
        return len(self._topics.get(subscriber, ()))

    def names(self) -> list[str]:
        """Return the topics that have subscribers."""
        return list(self._subscribers)

    def topics(self, subscriber: Hashable) -> list[str]:
        """Return the topics of a subscriber."""
        return list(self._topics.get(subscriber, ()))
