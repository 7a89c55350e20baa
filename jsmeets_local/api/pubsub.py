"""`JsPyPubsub`: publish and subscribe by topic; Python is the broker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, overload

from ..bridge import Bridge
from ..cells import here
from ..core.arguments import check_function, check_name
from ..core.values import pack

__all__ = ["Pubsub"]

F = TypeVar("F", bound=Callable[[str, Any], Any])


class Pubsub:
    """`JsPyPubsub`: topics between pages and Python. Nothing here waits, so it has one form only."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    def publish(self, topic: str, suppress: bool = False) -> Callable[[Any], bool]:
        """Publishes to the subscribers of a topic, in pages and in Python; from any thread.

        Args:
            topic: The name of the topic.
            suppress: Keep it from the subscriber in Python.

        Returns:
            A function that takes the data, and returns `True` at once.

        Raises:
            TypeError: (by the returned function) The data cannot be sent; the text names the path to what cannot.
        """
        check_name(topic, "topic")

        def send(data: Any) -> bool:
            self._bridge.post(self._bridge.hub.publish, topic, data, pack(data, "data"), suppress)
            return True

        return send

    @overload
    def subscribe(self, topic: str, func: None = None) -> Callable[[F], F]: ...
    @overload
    def subscribe(self, topic: str, func: Callable[[str, Any], Any]) -> bool: ...

    def subscribe(self, topic: str, func: Callable[[str, Any], Any] | None = None) -> Any:
        """Sets the callback of a topic; an earlier one is replaced.

        Args:
            topic: The name of the topic.
            func: `func(topic, data)`, plain (runs in a worker thread) or async (on the bridge's loop). Its calls
                do not overlap and come in the order of publication. Without it the result is a decorator.

        Returns:
            `True`, or the decorator (which returns the function it decorates).
        """
        check_name(topic, "topic")
        if func is not None:
            check_function(func, f"the subscriber of topic {topic!r}")
            self._bridge.ask(self._bridge.subscribe, topic, func, here())
            return True

        def decorate(function: F) -> F:
            self.subscribe(topic, function)
            return function

        return decorate

    def unsubscribe(self, topic: str) -> bool:
        """Removes the callback of a topic, if there is one.

        Returns:
            `True`.
        """
        self._bridge.ask(self._bridge.unsubscribe, topic)
        return True

    def get_topics(self) -> list[str]:
        """The topics that have a callback in Python."""
        topics: list[str] = self._bridge.ask(list, self._bridge.topics)
        return topics
