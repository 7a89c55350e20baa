"""Client: the operations behind `Page` and `AsyncPage`."""

from __future__ import annotations

import itertools
import logging
import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from msgspec import Struct

from ..errors import CallTimeout, Disconnected, JsPyError, LaunchError, PageClosed
from ..notebook.cells import current_cell
from ..protocol.arguments import Key, check_function, check_name, check_queue_key, seconds
from ..protocol.calls import Finished
from ..protocol.values import Payload
from . import shutdown
from .batch import Batch, split_batch
from .bridge import Bridge
from .dispatcher import Listener
from .portal import Cancel, Done, Operation
from .presence import GRACE, PagePresence
from .process_bound import ProcessBound
from .proxies.js_proxy import QUERY_SECONDS
from .tracebacks import cut
from .waiters import CLOSED, TIMED_OUT, Inbox

__all__ = ["Client", "ClientCall", "Surface", "WorldUse"]

logger = logging.getLogger("jsmeets_local")


def _cancel_nothing() -> None:
    """Do nothing, in place of a function that cancels."""


def _closed_error(key: str) -> PageClosed:
    return PageClosed("this page is closed; launch() opens another one", "call", key)


class Surface(Protocol):
    """Window that shows a page. It reports by a callback that it has closed, and its page closes with it.

    Attributes:
        takes_commands: True if Python can control it. It then has `handle()` and `async_handle()`, which return the
            blocking and the async `page.window`.
    """

    takes_commands: bool

    def close(self) -> None:
        """Close the window, and return at once."""

    def join(self) -> None:
        """Wait until the window has closed, after `close()`."""

    def failure(self) -> JsPyError:
        """Return why the window closed before its page connected: `NoWindow`, or `PageClosed` by the user."""


class ClientCall(Struct, eq=False):
    """Operation that calls a function of a client once it is connected. Its outcome is a value, or the error to raise.

    100,000 of them may be open at once, and a struct takes less memory than closures.

    Attributes:
        client: The client.
        key: The name of the function.
        limit: Seconds for the connection and the answer; `None` for no limit.
        payload: The packed arguments.
        about: The name of the function in errors, if it differs from `key`.
        waited: Seconds spent on the connection.
        socket: The socket that is called, once the client is connected.
        done: Called with the outcome.
    """

    client: Client
    key: str
    limit: float | None
    payload: Payload
    about: str | None = None
    waited: float = 0.0
    socket: int | None = None
    done: Done[Any] | None = None

    def __call__(self, done: Done[Any]) -> Cancel | None:
        """Open the call, or wait for the connection first."""
        self.done = done
        self.socket = socket = self.client.presence.socket
        if socket is None:
            return self._when_connected(done)
        return self._send(socket, None if self.limit is None else max(1e-6, self.limit - self.waited))

    def _send(self, socket: int, timeout: float | None) -> Cancel:
        return self.client.bridge.request("call", self.key, self.payload, socket, timeout, self._finish, self.about)

    def _when_connected(self, done: Done[Any]) -> Cancel:
        """Open the call with the remaining time once the client is connected, or fail."""
        client, loop = self.client, self.client.bridge.portal.loop
        began = loop.time() if loop is not None else 0.0
        key = self.about or self.key
        cancel: Cancel | None = None

        def connected(outcome: Any) -> None:
            nonlocal cancel
            if outcome is TIMED_OUT:
                text = f"the page did not connect within {self.limit:g} s: {client.address}"
                done(CallTimeout(text, "call", key))
            elif client.presence.socket is None or loop is None:
                done(_closed_error(key))
            else:
                self.waited = loop.time() - began
                cancel = self(done)

        if client.presence.closed and not client.presence.sockets:
            done(_closed_error(key))
        else:
            remove = client.presence.when_connected(connected, self.limit)
            cancel = remove or cancel
        return lambda: cancel() if cancel is not None else None

    def _finish(self, finished: Finished) -> None:
        assert self.done is not None
        key = self.about or self.key
        if self.socket in finished.answers:
            outcome = finished.answers[self.socket]
        elif finished.timed_out and self.socket is not None:
            text = f"{key.removeprefix('$')!r} did not answer within {self.limit:g} s"  # page.eval calls "$eval"
            outcome = CallTimeout(text, "call", key, finished.id, self.socket)
            self.client.bridge.protocol.note_uncaught(self.socket, outcome)
        else:
            outcome = _closed_error(key)
        self.done(outcome)


class WorldUse(ClientCall):
    """Operation that works on the world of a client once it is connected. `payload` has the steps."""

    def _send(self, socket: int, timeout: float | None) -> Cancel:
        return self.client.bridge.use(socket, self.payload, self.key, timeout, self._finish)


class Client(ProcessBound):
    """Client behind a `Page`. `Page` blocks for its operations; `AsyncPage` awaits them.

    Args:
        bridge: The bridge.
        key: The name of the page.
        address: The address of the page without the token, for messages.
        grace: Seconds without a connection after which the page is closed; `None` if only Python closes it.
        presence: The presence of the page; by default that of all documents that show it.

    Attributes:
        surface: The window that shows the page, if this package has opened one.
    """

    def __init__(
        self,
        bridge: Bridge,
        key: str,
        address: str,
        grace: float | None = GRACE,
        presence: PagePresence | None = None,
    ) -> None:
        self.bridge = bridge
        self.key = key
        self.address = address
        self.presence: PagePresence = presence or bridge.portal.call(PagePresence, bridge, key, grace)
        self.surface: Surface | None = None
        self._accepts_commands = False  # the page may control its window
        self._refusals = itertools.count()  # counts messages refused after closing, from any thread
        self._losses = 0  # counts messages that waited for a connection and were lost

    def put_on(self, surface: Surface, window_api: bool) -> None:
        """Set the window that shows the page, and close it with the page."""
        self.surface, self._accepts_commands = surface, window_api
        self.bridge.portal.call(self.presence.when_closed, lambda _: surface.close())

    def window(self) -> Any:
        """Return the window that shows the page and accepts commands from Python.

        Raises:
            LaunchError: There is none.
        """
        if self.surface is None or not self.surface.takes_commands:
            raise LaunchError('this page has no window that Python can control; open it with launch(mode="window")')
        return self.surface

    def check_accepts_commands(self) -> None:
        """Raise `LaunchError` if the page itself may not control its window."""
        if not self._accepts_commands:
            raise LaunchError("this page may not control its window; allow it with launch(..., window_api=True)")

    def is_gone(self) -> bool:
        """Return whether the page is closed and its server has stopped, so that messages are lost. Log it once."""
        gone = self.presence.over and not self.bridge.portal.is_open()
        if gone:
            self._log_refusal()
        return gone

    def _is_closed(self) -> bool:
        """Return whether the page is closed, so that nothing is sent. Log it once.

        Raises:
            BridgeBusy: The page belongs to another process.
        """
        self.bridge.portal.check_own()
        closed = self.presence.closed
        if closed:
            self._log_refusal()
        return closed

    def _log_refusal(self) -> None:
        if next(self._refusals) == 0:
            logger.info("dropping messages to %s: the page is closed", self.address)

    def check_open(self) -> None:
        """Raise an error if messages would be lost.

        Raises:
            PageClosed: The page is closed.
            BridgeBusy: The page belongs to another process.
        """
        self.bridge.portal.check_own()
        if self.presence.closed:
            shutdown.leave()
            raise PageClosed("this page is closed; launch() opens another one")

    def call(self, key: str, limit: float | None, args: Iterable[Any]) -> Any:
        """Call a function of the page, and wait for its value in this thread.

        Args:
            key: The name of the function.
            limit: Seconds; `None` for no limit.
            args: The arguments.
        """
        payload = self.bridge.pack([*args], "args")
        outcome = self.bridge.portal.block(ClientCall(self, key, limit, payload), f"await page.aio.call({key!r})(...)")
        if isinstance(outcome, JsPyError):
            raise outcome
        return outcome

    async def call_async(self, key: str, limit: float | None, args: Iterable[Any]) -> Any:
        """Call a function of the page as `call` does, and await its value on any event loop."""
        try:
            payload = self.bridge.pack([*args], "args")
            outcome = await self.bridge.portal.awaitable(ClientCall(self, key, limit, payload))
            if isinstance(outcome, JsPyError):
                raise outcome
            return outcome
        except BaseException as error:
            cut(error)
            raise

    def query(self, key: str, *args: Any) -> Any:
        """Query a connected page with a short timeout, for completion and help."""
        if not self.presence.sockets:
            raise Disconnected("the page is not connected", "call", key)
        return self.call(key, QUERY_SECONDS, args)

    def map(self, key: str, limit: float | None, iterables: Sequence[Iterable[Any]]) -> Operation[list[Any]]:
        """Return an operation that calls a function many times, for `join_batch`.

        Args:
            key: The name of the function.
            limit: Seconds for all calls; `None` for no limit.
            iterables: An iterable for each argument.

        Raises:
            TypeError: An argument is not iterable, or a value cannot be sent.
        """
        if not iterables or not all(hasattr(it, "__iter__") or hasattr(it, "__getitem__") for it in iterables):
            got = ", ".join(f"{values!r:.60}" for values in iterables) or "none"
            raise TypeError(f"map({key!r}) takes one iterable per argument, as in map({key!r})([1, 2]); got {got}")
        payloads = split_batch(key, [list(args) for args in zip(*iterables, strict=False)], self.bridge.pack)
        return Batch([ClientCall(self, "$map", limit, payload, key) for payload in payloads])

    def notify(self, key: str, args: Iterable[Any]) -> bool:
        """Call a function without an answer, once the page is connected. Return `False` if it is closed."""
        payload = self.bridge.pack([*args], "args")
        if self._is_closed():
            return False
        self._post_when_connected(lambda socket: self.bridge.protocol.notify(key, payload, socket))
        return True

    def use_nowait(self, steps: Payload) -> bool:
        """Work on the world of the page without an answer, once it is connected. Return `False` if it is closed."""
        if self._is_closed():
            return False
        self._post_when_connected(lambda socket: self.bridge.protocol.use_nowait(socket, steps))
        return True

    def names(self) -> frozenset[str]:
        """Return the names of the functions that the page announced last, also once it has left, on any thread."""
        socket = self.presence.socket
        return self.presence.last_names if socket is None else self.bridge.protocol.names(socket)

    def _post_when_connected(self, send: Callable[[int], None]) -> None:
        def connected(_: Any) -> None:
            socket = self.presence.socket
            if socket is not None:
                self.bridge.do(send, socket)
            else:
                # Python itself may have closed the page, which needs no warning; otherwise one warning is enough.
                level = logging.INFO if self.presence.over else logging.DEBUG if self._losses else logging.WARNING
                self._losses += 1
                logger.log(level, "dropped a message to %s: the page is closed", self.address)

        def start() -> None:
            if self.presence.closed and not self.presence.sockets:
                connected(None)
            else:
                self.presence.when_connected(connected)

        self.bridge.portal.post(start)

    def push(self, key: Key, data: Any) -> bool:
        """Put data into a queue of the page, once it is connected. Return `False` if it is closed."""
        check_queue_key(key)
        payload = self.bridge.pack(data, "data")
        if self._is_closed():
            return False
        self._post_when_connected(lambda socket: self.bridge.protocol.push_nowait(key, payload, socket))
        return True

    def queue_item(self, key: Key, timeout: float | None) -> Operation[Any]:
        """Return an operation for the next item of a queue, or `CLOSED` if the page is closed and no item is left."""
        next_item = self.bridge.next_item(key, seconds(timeout))

        def operation(done: Done[Any]) -> Cancel | None:
            if not self.bridge.protocol.queues.is_empty(key):
                return next_item(done)

            def closed(_: Any) -> None:
                cancel_item()
                done(CLOSED)

            def taken(item: Any) -> None:
                stop_watching()
                done(item)

            cancel_item = next_item(taken) or _cancel_nothing
            stop_watching = self.presence.when_closed(closed) or _cancel_nothing

            def cancel() -> None:
                stop_watching()
                cancel_item()

            return cancel

        return operation

    def wait_for(self, name: str, timeout: float | None) -> Operation[Any]:
        """Return an operation that waits until the page exposes a function; the outcome is `None` or the error."""
        check_name(name, "key of a function")
        limit = seconds(timeout)

        def operation(done: Done[Any]) -> Cancel | None:
            def closed(_: Any) -> None:
                stop_waiting()
                done(_closed_error(name))

            def named(outcome: Any) -> None:
                stop_watching()
                text = f"the page has not exposed {name!r} within {limit:g} s" if outcome is TIMED_OUT else ""
                done(CallTimeout(text, "call", name) if text else None)

            def cancel() -> None:
                stop_watching()
                stop_waiting()

            if self.presence.closed and not self.presence.sockets:
                done(_closed_error(name))
                return None
            stop_watching: Cancel = _cancel_nothing
            waits = self.presence.when_named(name, named, limit)
            if waits is None:
                return None
            stop_waiting: Cancel = waits
            stop_watching = self.presence.when_closed(closed) or _cancel_nothing
            return cancel

        return operation

    def subscribe(self, topic: str) -> tuple[Inbox, Callable[[], None]]:
        """Return an inbox for a topic, and a function that ends the subscription, to be called on the loop.

        The subscription also ends when the page is closed, and when the inbox is collected.
        """
        check_name(topic, "topic")
        self.check_open()
        portal = self.bridge.portal
        inbox = Inbox(portal)
        held = weakref.ref(inbox)
        stop_watching: Cancel = _cancel_nothing

        def subscriber(name: str, data: Any) -> None:
            if (inbox := held()) is not None:
                inbox.put((name, data))

        def begin() -> None:
            nonlocal stop_watching
            self.bridge.do(self.bridge.protocol.subscribe, topic, subscriber)
            stop_watching = self.presence.when_closed(lambda _: end()) or _cancel_nothing

        def end() -> None:
            self.bridge.protocol.broker.unsubscribe(topic, subscriber)
            stop_watching()
            if (inbox := held()) is not None:
                inbox.close()

        portal.finalize(inbox, end)  # first, as Ctrl-C may come before `begin` has returned
        portal.call(begin)
        return inbox, end

    def add_state_event(self, func: Callable[[str], Any]) -> None:
        """Call `func(state)` when the state changes."""
        check_function(func, "a state event callback")
        listener = Listener(func, "a state event callback", current_cell())
        self.bridge.portal.call(self.presence.state_listeners.append, listener)

    def give_up(self) -> None:
        """Close the page, on the loop, if it has never connected, as nothing can open it any longer."""
        if self.presence.state() == "connecting":
            self.presence.end()

    def close(self) -> None:
        """Close the page, on the loop."""
        for socket in list(self.presence.sockets):
            self.bridge.do(self.bridge.protocol.close_socket, socket, "closed by Python")
        self.presence.end()
