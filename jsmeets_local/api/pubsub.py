"""`JsPyPubsub`: publish and subscribe by topic, with Python as the broker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, overload

from ..bridge.bridge import Bridge
from ..bridge.curried_calls import CurriedSend, curried
from ..bridge.portal import Cancel, Done, Operation
from ..bridge.tracebacks import public
from ..bridge.waiters import CLOSED, add_waiter
from ..notebook.cells import current_cell
from ..protocol.arguments import check_flag, check_function, check_name, check_suppress
from ..protocol.limits import Overflow

__all__ = ["Pubsub"]

F = TypeVar("F", bound=Callable[[str, Any], Any])


class Pubsub:
    """`JsPyPubsub`: topics shared by pages and Python. No method waits for an answer, so there is only one form."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    @curried
    def publish(self, topic: str, suppress: bool = False, retain: bool = False) -> Callable[[Any], bool]:
        """Publish to the subscribers of a topic, in pages and in Python; from any thread.

        Args:
            topic: The name of the topic.
            suppress: Skip the subscriber in Python.
            retain: Keep the data as the last value of the topic, which each later subscriber gets at once. Changes of
                the data after this call have no effect on it. `None` as the data clears it. A publication without
                `retain` leaves it as it is.

        Returns:
            A function that takes the data and returns `True` without waiting for answers.

        Raises:
            TypeError: `suppress` or `retain` is not a bool; or (by the returned function) the data cannot be sent: the
                error message contains the path to the part that cannot.
        """
        check_name(topic, "topic")
        check_suppress(suppress)
        check_flag("retain", retain)

        def send(data: Any) -> bool:
            payload = self._bridge.pack(data, "data")
            if retain:
                payload.check_data("data: only data can be retained")
            self._wait_for_room(topic)
            self._bridge.post(self._bridge.protocol.publish, topic, data, payload, suppress, retain)
            return True

        return CurriedSend("publish", topic, send)

    def _wait_for_room(self, topic: str) -> None:
        """Wait for slow pages under the policy "block"; not on the loop, which has to serve them."""
        state, portal = self._bridge.protocol, self._bridge.portal
        if (
            state.policies.get(topic, state.limits.overflow) == "block"
            and portal.is_open()
            and not portal.is_loop_thread()
        ):
            portal.block(self._room(topic), "an overflow policy other than 'block'")

    def _room(self, topic: str) -> Operation[bool]:
        """Return an operation that waits until every subscribed page has room, or the bridge stops."""
        state, portal = self._bridge.protocol, self._bridge.portal

        def operation(done: Done[bool]) -> Cancel | None:
            remove: Cancel | None = None

            def check(value: Any) -> None:
                nonlocal remove
                if value is CLOSED or state.is_writable(state.broker.subscribers(topic)):
                    done(True)
                else:
                    remove = add_waiter(self._bridge.write_waiters, portal, None, check)

            check(True)
            return lambda: remove() if remove is not None else None

        return operation

    @public
    def set_overflow(self, topic: str, policy: Overflow | None) -> None:
        """Set the policy for publications on a topic to a page whose outbox is full.

        Args:
            topic: The name of the topic.
            policy: "drop_oldest" drops the oldest publication that waits for that page; "latest" keeps only the newest
                waiting one of the topic, even while there is room, for data that is soon outdated; "block" blocks the
                publishing thread until there is room (an async function runs on the bridge's loop, cannot wait, and
                drops the oldest); "disconnect" closes the connection. `None` restores the default,
                `Limits(overflow=...)`.

        Raises:
            ValueError: The policy is unknown.
        """
        check_name(topic, "topic")
        self._bridge.call(self._bridge.protocol.set_policy, topic, policy)

    @overload
    def subscribe(self, topic: str, func: None = None) -> Callable[[F], F]: ...
    @overload
    def subscribe(self, topic: str, func: Callable[[str, Any], Any]) -> bool: ...

    @public
    def subscribe(self, topic: str, func: Callable[[str, Any], Any] | None = None) -> Any:
        """Set the callback of a topic, replacing an earlier one.

        Args:
            topic: The name of the topic.
            func: `func(topic, data)`, plain (runs in a worker thread) or async (on the bridge's loop). Its calls
                do not overlap and keep the order of publication. Without `func`, the result is a decorator.

        Returns:
            `True`, or the decorator (which returns the function it decorates).
        """
        check_name(topic, "topic")
        if func is not None:
            check_function(func, f"the subscriber of topic {topic!r}")
            self._bridge.call(self._bridge.subscribe, topic, func, current_cell())
            return True

        def decorate(function: F) -> F:
            self.subscribe(topic, function)
            return function

        return decorate

    def unsubscribe(self, topic: str) -> bool:
        """Remove the callback of a topic, if there is one.

        Returns:
            `True`.
        """
        self._bridge.call(self._bridge.unsubscribe, topic)
        return True

    def get_topics(self) -> list[str]:
        """Return the topics that have a callback in Python."""
        topics: list[str] = self._bridge.call(list, self._bridge.topics)
        return topics
