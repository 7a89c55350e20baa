"""What a `Page` and its awaitable twin share: everything they do, as operations."""

from __future__ import annotations

import functools
import itertools
import logging
import weakref
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from ..errors import CallTimeout, JsPyError, LaunchError, PageClosed
from ..notebook.cells import current_cell
from ..protocol.arguments import Key, check_function, check_name, check_queue_key, seconds, seconds_of_call
from ..protocol.calls import Finished
from ..protocol.values import Payload
from . import shutdown
from .batch import Parts, parts_of
from .bridge import Bridge
from .dispatcher import Listener
from .portal import Cancel, Done, Operation
from .presence import GRACE, PagePresence
from .waiters import ENDED, NOTHING, Inbox

__all__ = ["Client", "Surface"]

logger = logging.getLogger("jsmeets_local")


def _nothing() -> None:
    """There is nothing to cancel any more."""


class Surface(Protocol):
    """A window that shows a page. It reports by a callback that it is closed, and its page is closed with it.

    Attributes:
        takes_commands: Whether Python can steer it: then it has `handle()` and `async_handle()`, the `page.window` of
            blocking and of async code.
    """

    takes_commands: bool

    def close(self) -> None:
        """Close it and return at once."""

    def join(self) -> None:
        """Wait until nothing of it is left after `close()`."""

    def failure(self) -> JsPyError:
        """Return why it is closed before its page has connected: `NoWindow`, or `PageClosed` by the user."""


class _Ending:
    """Hands on what the end of a call means. As a closure it would be five objects, of which there may be 100,000."""

    __slots__ = ("client", "done", "key", "limit", "socket")

    def __init__(self, client: Client, key: str, socket: int, limit: float | None, done: Done[Any]) -> None:
        self.client = client
        self.key = key
        self.socket = socket
        self.limit = limit
        self.done = done

    def __call__(self, finished: Finished) -> None:
        self.done(self.client.outcome(finished, self.key, self.socket, self.limit))


class Client:
    """One view on the bridge's side: operations, which `Page` blocks for and `AsyncPage` awaits.

    Args:
        bridge: The bridge.
        key: The name of the page.
        address: Where it is, without the token: for messages.
        grace: Seconds; `None` where it closes only by Python.
    """

    def __init__(self, bridge: Bridge, key: str, address: str, grace: float | None = GRACE) -> None:
        self.bridge = bridge
        self.key = key
        self.address = address
        self.presence: PagePresence = bridge.portal.call(PagePresence, bridge, key, grace)
        self.surface: Surface | None = None  # what shows it, where that is ours
        self._accepts_commands = False  # the page its own window
        self._refusals = itertools.count()  # of what is sent to it after it was closed; from any thread
        self._losses = 0  # of what waited for it, and it did not come

    def put_on(self, surface: Surface, window_api: bool) -> None:
        """It is shown by this from now on, which closes with it."""
        self.surface, self._accepts_commands = surface, window_api
        self.bridge.portal.call(self.presence.when_closed, lambda _: surface.close())

    def window(self) -> Any:
        """The window that shows the page, which Python can steer.

        Raises:
            LaunchError: It has none.
        """
        if self.surface is None or not self.surface.takes_commands:
            raise LaunchError('this page has no window that Python steers; launch(mode="window") opens it in one')
        return self.surface

    def check_accepts_commands(self) -> None:
        """Raises `LaunchError` where the page itself may not steer its window."""
        if not self._accepts_commands:
            raise LaunchError("a page steers its window only where launch(..., window_api=True) lets it")

    def is_gone(self) -> bool:
        """Whether it is closed and its server has stopped, so that nobody hears what is sent; the log tells once."""
        gone = self.presence.over and not self.bridge.portal.is_open()
        if gone:
            self._tell_refusal()
        return gone

    def _is_closed(self) -> bool:
        """Whether it is closed, so that nothing is sent; the log tells once.

        Raises:
            BridgeBusy: Another process has the page.
        """
        self.bridge.portal.check_own()
        closed = self.presence.closed
        if closed:
            self._tell_refusal()
        return closed

    def _tell_refusal(self) -> None:
        if next(self._refusals) == 0:
            logger.info("nothing more is sent to %s: the page is closed", self.address)

    def check_open(self) -> None:
        """Raises an error where nothing would hear what is sent.

        Raises:
            PageClosed: The page is closed.
            BridgeBusy: Another process has it.
        """
        self.bridge.portal.check_own()
        if self.presence.closed:
            shutdown.leave()
            raise PageClosed("this page is closed; launch() opens another one")

    def call(self, key: str, timeout: float | None) -> Callable[[tuple[Any, ...]], Operation[Any]]:
        """Given the arguments, the page's answer to a call: a value, or the exception to raise."""
        check_name(key, "key of a function")
        limit = seconds_of_call(timeout)

        def request(args: tuple[Any, ...]) -> Operation[Any]:
            payload = self.bridge.pack(list(args), "args")

            def operation(done: Done[Any]) -> Cancel | None:
                socket = self.presence.socket()
                if socket is not None:
                    return self._ask(payload, socket, limit, _Ending(self, key, socket, limit, done))
                return self._when_connected(
                    key,
                    limit,
                    done,
                    lambda socket, left: self._ask(payload, socket, left, _Ending(self, key, socket, limit, done)),
                )

            return operation

        return request

    def map(self, key: str, timeout: float | None) -> Callable[..., Operation[list[Any]]]:
        """Given one iterable for each argument, the page's answers to all calls, for `many.joined`."""
        check_name(key, "key of a function")
        limit = seconds_of_call(timeout, "map('name')([1, 2])")

        def request(iterables: tuple[Iterable[Any], ...]) -> Operation[list[Any]]:
            if not iterables or not all(hasattr(it, "__iter__") or hasattr(it, "__getitem__") for it in iterables):
                got = ", ".join(f"{values!r:.60}" for values in iterables) or "none"
                raise TypeError(
                    f"map({key!r}) takes an iterable for each argument of the function, map({key!r})([1, 2]); got {got}"
                )
            payloads = parts_of(key, [list(args) for args in zip(*iterables, strict=False)], self.bridge.pack)

            def operation(done: Done[list[Any]]) -> Cancel | None:
                socket = self.presence.socket()
                if not payloads:
                    done([])
                    return None
                if socket is not None:
                    return self._ask_all(key, payloads, socket, limit, limit, done)
                return self._when_connected(
                    key,
                    limit,
                    lambda failure: done([failure]),
                    lambda socket, left: self._ask_all(key, payloads, socket, limit, left, done),
                )

            return operation

        return request

    def _ask_all(
        self,
        key: str,
        payloads: list[Payload],
        socket: int,
        limit: float | None,
        left: float | None,
        done: Done[list[Any]],
    ) -> Cancel:
        parts = Parts(len(payloads), done)
        start = functools.partial(self.bridge.protocol.call, about=key)
        cancels = [
            self.bridge.begin(
                start, ("$map", payload, socket), left, _Ending(self, key, socket, limit, parts.taker(place))
            )
            for place, payload in enumerate(payloads)
        ]

        def give_up() -> None:
            for cancel in cancels:
                cancel()

        return give_up

    def _when_connected(
        self,
        key: str,
        limit: float | None,
        done: Done[Any],
        then: Callable[[int, float | None], Cancel | None],
    ) -> Cancel:
        """Waits for the page, then goes on with what is left of the time."""
        loop = self.bridge.portal.loop
        start = loop.time() if loop is not None else 0.0
        step: list[Cancel | None] = [None]

        def current_cell(outcome: Any) -> None:
            socket = self.presence.socket()
            if outcome is NOTHING:
                done(CallTimeout(f"the page did not connect within {limit:g} s: {self.address}", "call", key))
            elif socket is None or loop is None:
                done(self._gone("call", key))
            else:
                step[0] = then(socket, None if limit is None else max(1e-6, start + limit - loop.time()))

        if self.presence.closed and not self.presence.sockets:
            done(self._gone("call", key))
        else:
            step[0] = self.presence.when_connected(current_cell, limit) or step[0]
        return lambda: step[0]() if step[0] is not None else None

    def _ask(self, payload: Payload, socket: int, left: float | None, shutdown: _Ending) -> Cancel | None:
        return self.bridge.begin(self.bridge.protocol.call, (shutdown.key, payload, socket), left, shutdown)

    def outcome(self, finished: Finished, key: str, socket: int, limit: float | None) -> Any:
        """What the end of a call means: a value, or the exception to raise."""
        if socket in finished.answers:
            return finished.answers[socket]
        if finished.timed_out:
            text = f"{key!r} did not answer within {limit:g} s"
            error = CallTimeout(text, "call", key, finished.id, socket)
            self.bridge.protocol.note_uncaught(socket, error)
            return error
        return self._gone("call", key)

    def _gone(self, protocol: str, key: str) -> PageClosed:
        return PageClosed("this page is closed; launch() opens another one", protocol, key)

    def notify(self, key: str, args: list[Any]) -> bool:
        """Calls and wants no answer; a page that is not here yet is called when it comes. `False`: it is closed."""
        payload = self.bridge.pack(args, "args")
        if self._is_closed():
            return False
        self._post_when_connected(lambda socket: self.bridge.protocol.notify(key, payload, socket))
        return True

    def _post_when_connected(self, send: Callable[[int], None]) -> None:
        def current_cell(_: Any) -> None:
            socket = self.presence.socket()
            if socket is not None:
                self.bridge.do(send, socket)
            else:
                # No surprise where Python itself has closed the page; and one warning is enough.
                level = logging.INFO if self.presence.over else logging.DEBUG if self._losses else logging.WARNING
                self._losses += 1
                logger.log(level, "what was sent to %s is lost: the page is closed", self.address)

        def start() -> None:
            if self.presence.closed and not self.presence.sockets:
                current_cell(None)
            else:
                self.presence.when_connected(current_cell)

        self.bridge.portal.post(start)

    def push(self, key: Key, data: Any) -> bool:
        """Puts data into the page's queue; for a page that is not here yet, when it comes. `False`: it is closed."""
        check_queue_key(key)
        payload = self.bridge.pack(data, "data")
        if self._is_closed():
            return False
        self._post_when_connected(lambda socket: self.bridge.protocol.push_nowait(key, payload, socket))
        return True

    def queue_item(self, key: Key, timeout: float | None) -> Operation[Any]:
        """The next item of a queue; `ENDED` when the page is closed and nothing is left."""
        limit = seconds(timeout)

        def operation(done: Done[Any]) -> Cancel:
            if not self.bridge.protocol.queues.is_empty(key):
                return take(done)

            def closed(_: Any) -> None:
                cancel_item()
                done(ENDED)

            def taken(item: Any) -> None:
                stop_watching()
                done(item)

            cancel_item = take(taken)
            stop_watching = self.presence.when_closed(closed) or _nothing

            def cancel() -> None:
                stop_watching()
                cancel_item()

            return cancel

        def take(done: Done[Any]) -> Cancel:
            return self.bridge.next_item(key, limit)(done) or _nothing

        return operation

    def subscribe(self, topic: str) -> tuple[Inbox, Callable[[], None]]:
        """An inbox for a topic, until the page is closed or the second value is called on the loop."""
        check_name(topic, "topic")
        self.check_open()
        portal = self.bridge.portal
        inbox = Inbox(portal)
        held = weakref.ref(inbox)  # the subscription ends with who reads it
        stop_watching: Cancel = _nothing

        def subscriber(name: str, data: Any) -> None:
            if (inbox := held()) is not None:
                inbox.put((name, data))

        def begin() -> None:
            nonlocal stop_watching
            self.bridge.protocol.broker.subscribe(topic, subscriber)
            stop_watching = self.presence.when_closed(lambda _: end()) or _nothing

        def end() -> None:
            self.bridge.protocol.broker.unsubscribe(topic, subscriber)
            stop_watching()
            if (inbox := held()) is not None:
                inbox.end()

        portal.when_gone(inbox, end)  # first, as Ctrl-C may come before `begin` has told that it is done
        portal.call(begin)
        return inbox, end

    def add_state_event(self, func: Callable[[str], Any]) -> None:
        """Has `func(state)` called when the state changes."""
        check_function(func, "a state event callback")
        listener = Listener(func, "a state event callback", current_cell())
        self.bridge.portal.call(self.presence.state_listeners.append, listener)

    def give_up(self) -> None:
        """Closes the page where it has never come, on the loop: nothing will bring it."""
        if self.presence.state() == "connecting":
            self.presence.end()

    def close(self) -> None:
        """Sends the page away, on the loop."""
        for socket in list(self.presence.sockets):
            self.bridge.do(self.bridge.protocol.close_socket, socket, "closed by Python")
        self.presence.end()
