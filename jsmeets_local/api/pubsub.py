"""`JsPyPubsub`: publish and subscribe by topic; Python is the broker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, overload

from ..bridge import Bridge
from ..cells import here
from ..core.arguments import check_function, check_name, check_suppress
from ..core.limits import Overflow
from ..door import Cancel, Done, Operation
from ..lines import ENDED, stand_in
from ..prepared import PreparedData

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
            TypeError: `suppress` is something else; or (by the returned function) the data cannot be sent: the text
                names the path to what cannot.
        """
        check_name(topic, "topic")
        check_suppress(suppress)

        def send(data: Any) -> bool:
            payload = self._bridge.pack(data, "data")
            self._wait_for_room(topic)
            self._bridge.post(self._bridge.hub.publish, topic, data, payload, suppress)
            return True

        return PreparedData("publish", topic, send)

    def _wait_for_room(self, topic: str) -> None:
        """Where publishers of this topic wait for slow pages; on the loop, which they wait for, they cannot."""
        hub, door = self._bridge.hub, self._bridge.door
        if hub.policies.get(topic, hub.limits.overflow) == "block" and door.is_open() and not door.is_here():
            door.block(self._room(topic), "an overflow policy other than 'block'")

    def _room(self, topic: str) -> Operation[bool]:
        """An operation: ends when every page that hears the topic has room, or the bridge stops."""
        hub, door = self._bridge.hub, self._bridge.door

        def operation(done: Done[bool]) -> Cancel | None:
            leave: Cancel | None = None

            def look(served: Any) -> None:
                nonlocal leave
                if served is ENDED or hub.is_free(hub.broker.subscribers(topic)):
                    done(True)
                else:
                    leave = stand_in(self._bridge.room_line, door, None, look)

            look(True)
            return lambda: leave() if leave is not None else None

        return operation

    def set_overflow(self, topic: str, policy: Overflow | None) -> None:
        """Sets what happens to publications on a topic for a page that is too slow: one whose outbox is full.

        Args:
            topic: The name of the topic.
            policy: "drop_oldest" drops the oldest publication that waits for that page; "latest" lets only the newest
                one of the topic wait, also while there is room: for what is shown and soon outdated; "block" lets the
                publishing thread wait until there is room (an async function, which runs on the bridge's loop, cannot
                wait and drops the oldest); "disconnect" sends the page away. `None`: as for topics that have none of
                their own, `Limits(overflow=...)`.

        Raises:
            ValueError: There is no such policy.
        """
        check_name(topic, "topic")
        self._bridge.ask(self._bridge.hub.set_policy, topic, policy)

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
