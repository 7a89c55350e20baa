"""Blocking form of the API of 2020, for scripts and notebook cells.

`from jsmeets_local.blocking import JsPyFunction, JsPyQueue, JsPyPubsub, JsPyTextSocket` imports the same names, whose
methods return answers instead of awaitables. They raise `WouldDeadlock` on the bridge's own event loop.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .api.functions import FunctionsBase
from .api.pubsub import Pubsub
from .api.queues import QueuesBase, acknowledged
from .api.textsocket import TextSockets
from .bridge.bridge import default_bridge
from .bridge.curried_calls import CurriedCall, CurriedSend, curried
from .bridge.tracebacks import cut
from .bridge.waiters import CLOSED, TIMED_OUT, wait_error
from .protocol.arguments import Key, Target, seconds

__all__ = ["BlockingFunctions", "BlockingQueues", "JsPyFunction", "JsPyPubsub", "JsPyQueue", "JsPyTextSocket"]


class BlockingFunctions(FunctionsBase):
    """`JsPyFunction` with a `call` that blocks."""

    @curried
    def call(self, key: str, timeout: float | None = None, target: Target = None) -> Callable[..., dict[int, Any]]:
        """Call a function of pages and wait for their answers.

        Args:
            key: The name under which the pages expose it.
            timeout: Seconds; `None`, 0 or negative mean no limit.
            target: A socket number or a collection of them; `None` for all pages.

        Returns:
            A function that takes the (positional) arguments and returns `{socket_id: value or JsPyError}`.

        Raises:
            TypeError: (by the returned function) An argument cannot be sent.
            WouldDeadlock: (by the returned function) Called on the bridge's event loop.
        """
        request = self._request(key, timeout, target)
        awaitable = f"await JsPyFunction.call({key!r})(...)"
        return CurriedCall("call", key, lambda args: self._bridge.portal.block(request(args), awaitable).answers)


class BlockingQueues(QueuesBase):
    """`JsPyQueue` with a `push` and a `get` that block."""

    @curried
    def push(self, key: Key, timeout: float | None = None, target: Target = None) -> Callable[[Any], list[int]]:
        """Push data to a queue of pages and wait for their acknowledgements.

        Args:
            key: The name of the queue in the page.
            timeout: Seconds; `None`, 0 or negative mean no limit.
            target: A socket number or a collection of them; `None` for all pages.

        Returns:
            A function that takes the data and returns the numbers of the sockets that acknowledged it.

        Raises:
            TypeError: (by the returned function) The data cannot be sent.
            WouldDeadlock: (by the returned function) Called on the bridge's event loop.
        """
        request = self._request(key, timeout, target)
        awaitable = f"await JsPyQueue.push({key!r})(...)"
        return CurriedSend("push", key, lambda data: acknowledged(self._bridge.portal.block(request(data), awaitable)))

    def get(self, key: str, timeout: float | None = None) -> Any:
        """Wait for the next item of a queue, and take it.

        Args:
            key: The name of the queue in Python.
            timeout: Seconds; `None`, 0 or negative mean no limit.

        Raises:
            CallTimeout: No item arrived in time.
            Disconnected: The server has stopped.
            WouldDeadlock: Called on the bridge's event loop.
        """
        try:  # not @public: Python 3.11 may interrupt its wrapper between the item and the return
            operation = self._bridge.next_item(key, seconds(timeout))
            item = self._bridge.portal.block(operation, f"JsPyQueue.shift({key!r})")
            if item is TIMED_OUT or item is CLOSED:
                raise wait_error(item, f"the queue {key!r}", timeout)
            return item
        except BaseException as error:
            cut(error)
            raise


JsPyFunction = BlockingFunctions(default_bridge())
JsPyQueue = BlockingQueues(default_bridge())
JsPyPubsub = Pubsub(default_bridge())
JsPyTextSocket = TextSockets(default_bridge())
