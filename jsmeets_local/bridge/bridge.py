"""Runs one hub on one event loop: connections, timers, callbacks; and the portal for everybody else."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Hashable, Iterable
from time import monotonic  # not the loop's time: uvloop's stands still while callbacks run
from typing import Any

from msgspec import Struct

from ..errors import BridgeBusy, ProtocolError
from ..notebook.cells import Cell, current_cell, kernel_shell
from ..protocol import effects as fx
from ..protocol.functions import Function
from ..protocol.messages import UserObject
from ..protocol.queues import Entry
from .dispatcher import Answer, Dispatcher, Listener
from .exits import Exits
from .log import logger
from .portal import Cancel, Done, Operation
from .runner import Runner
from .waiters import ENDED, NOTHING, Waiters, join_waiters

__all__ = ["GOODBYE", "STOPPED", "Bridge", "Watcher", "default_bridge"]

# Reasons that badge.js knows, as it does those of close_socket() and of the connection limit.
GOODBYE = "the Python program has ended"
STOPPED = "stopped by Python"


class Watcher(Struct, frozen=True):
    """Hears, on the loop, of every page that comes and goes."""

    arrived: Callable[[int, str], None]
    lost: Callable[[int, str], None]  # its connection, for now
    resumed: Callable[[int, str], None]
    left: Callable[[int, str, bool], None]


class Bridge(Runner):
    """The state that pages and Python share; `JsMeetsPy(bridge=Bridge())` gives an application its own.

    It runs while an application that uses it is served. What is exposed, subscribed and queued before stays; what is
    sent while no page is connected goes nowhere.
    """

    def __init__(self) -> None:
        super().__init__()
        self.topics: dict[str, Listener] = {}
        self.queue_listeners: dict[Callable[..., Any], Listener] = {}
        self.socket_listeners: dict[Callable[..., Any], Listener] = {}
        self.state_listeners: dict[Callable[..., Any], Listener] = {}
        self.protocols: dict[str, Listener] = {}
        self.watchers: set[Watcher] = set()
        self.item_waiters: dict[Hashable, Waiters] = {}  # who takes the next item of a queue
        self.room_waiters: Waiters = deque()  # who waits until pages have room
        self.exits = Exits(self.portal)
        self._dispatcher = Dispatcher(self.portal, self._answered, self.pack, self.exits)
        self._users = 0
        self._threads: list[threading.Thread] = []
        self.protocol.functions.builtins["$list"] = Function("$list", self._list, exclusive=False)

    def _list(self) -> list[dict[str, Any]]:
        """What pages are told of the exposed functions; in a worker, as it looks into the user's objects."""
        return [function.describe() for function in self.portal.call(self.protocol.functions.all)]

    # Life ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Starts on the running event loop; once more by the same loop counts the users.

        Raises:
            BridgeBusy: It runs on another loop.
        """
        if self.portal.is_open() and self.portal.is_loop_thread():
            self._users += 1
            return
        self.portal.open(asyncio.get_running_loop())
        self._users = 1
        self.exits.forget()
        for socket in self.protocol.all_sockets():  # of a loop that was closed without stop()
            self.do(self.protocol.disconnect, socket)
        if kernel_shell() is not None:
            self.time_steps()
        self._dispatcher.start(self.protocol.limits.waiting_threads)

    def expose_errors(self, whole: bool) -> None:
        """Whether pages get the traceback of an error in Python; else its type and text. The log has it in any case."""
        self._dispatcher.exposes_errors = whole

    def time_steps(self) -> None:
        """Warns, from now on, of async functions that block the loop."""
        self._dispatcher.times_steps = True

    def ensure_started(self) -> bool:
        """Starts where no lifespan did: `--lifespan off`, or an application mounted in another.

        Returns:
            Whether it runs on this loop; `False`, and the log says why, if it serves another one.
        """
        if self.portal.is_loop_thread():
            return True
        try:
            self.start()
        except BridgeBusy as error:
            logger.error("refused a page: %s", error)
            return False
        return True

    async def stop(self) -> None:
        """Ends the connections and the calls when the last user of this loop stops."""
        self._users -= 1
        if self._users > 0 or not self.portal.is_loop_thread():
            return
        self.close_all(GOODBYE)
        self._end_waiters()
        self._threads = await self._dispatcher.stop()
        self._stop_timer()
        self.portal.close()
        self.portal.call(self._end_waiters)  # of those who came in the meantime

    def _end_waiters(self) -> None:
        for waiters in [self.room_waiters, *self.item_waiters.values()]:
            for served in list(waiters):
                served(ENDED)

    def close_all(self, reason: str) -> None:
        """Says goodbye to all pages; they try to come back, in case Python starts again."""
        for socket in self.protocol.all_sockets():
            self.do(self.protocol.close_socket, socket, reason, True, 1001)

    def join(self, timeout: float) -> None:
        """Waits for the worker threads of a stopped bridge.

        Args:
            timeout: Seconds for all of them; a function that still runs keeps its (daemon) thread.
        """
        end = monotonic() + timeout
        for thread in self._threads:
            if thread is not threading.current_thread():  # an exposed function may stop its server
                thread.join(max(0.0, end - monotonic()))
        self._threads = []

    def stats(self) -> dict[str, Any]:
        """What is there and what has been, on the loop; asks pages for the round-trip time of the next look."""
        for socket in self.protocol.sockets():
            self.do(self.protocol.ping, socket, monotonic())
        return {**self.protocol.stats(), "workers": self._dispatcher.stats()}

    def _answered(self, answers: list[Answer]) -> None:
        self.do(self.protocol.answer, answers)
        if self.exits.asked:
            self.exits.carry_out()

    # Carrying out effects ------------------------------------------------------------------------------

    def _invoke(self, effect: fx.Invoke) -> None:
        self._dispatcher.invoke(effect)

    def _deliver(self, effect: fx.Deliver) -> None:
        if isinstance(effect.subscriber, Listener):
            self._dispatcher.tell(effect.subscriber, effect.topic, effect.data)
        elif callable(effect.subscriber):
            effect.subscriber(effect.topic, effect.data)

    def _room(self, effect: fx.Room) -> None:
        for served in list(self.room_waiters):
            served(True)

    def _stored(self, effect: fx.Stored) -> None:
        self._serve_items(effect.key)
        for listener in list(self.queue_listeners.values()):
            self._dispatcher.tell(listener, effect.key)

    def put_back(self, key: Hashable, entry: Entry | None) -> None:
        """Returns an item of a queue that was taken and has not arrived, on the loop: the next reader gets it."""
        if entry is not None:
            self.protocol.queues.put_back(key, entry)
            self._serve_items(key)

    def _serve_items(self, key: Hashable) -> None:
        waiters = self.item_waiters.get(key)
        while waiters and (entry := self.protocol.queues.take(key)) is not None:
            waiters.popleft()(entry)

    def _user_message(self, effect: fx.UserMessage) -> None:
        listener = self.protocols.get(effect.object.get("protocol", ""))
        if listener is not None:
            connection = self._connections.get(effect.socket)
            websocket = connection.websocket if connection is not None else None
            self._dispatcher.tell(listener, websocket, effect.socket, effect.object)
            return
        protocol = effect.object.get("protocol")
        try:
            handled = self.do(self.protocol.take_by_hand, effect.socket, UserObject(**effect.object))
        except ProtocolError as error:
            logger.warning("a page sent a message of protocol %r of the wrong shape: %s", protocol, error)
        else:
            if not handled:
                text = "a page sent a message of protocol %r, which nothing handles: JsPyTextSocket.add_protocol()"
                logger.warning(text, protocol)

    def _connected(self, effect: fx.Connected) -> None:
        logger.info("page connected (socket %d)", effect.socket)
        self._tell(self.socket_listeners, effect.socket, "connect")
        self._tell(self.state_listeners, effect.socket, "open")
        for watcher in list(self.watchers):
            watcher.arrived(effect.socket, effect.page)

    def _lost(self, effect: fx.Lost) -> None:
        logger.info("the connection to a page (socket %d) is lost; waiting for it", effect.socket)
        self._tell(self.state_listeners, effect.socket, "reconnecting")
        for watcher in list(self.watchers):
            watcher.lost(effect.socket, effect.page)

    def _resumed(self, effect: fx.Resumed) -> None:
        logger.info("page connected again (socket %d)", effect.socket)
        self._tell(self.state_listeners, effect.socket, "open")
        for watcher in list(self.watchers):
            watcher.resumed(effect.socket, effect.page)

    def _left(self, effect: fx.Left) -> None:
        logger.info("page left (socket %d)", effect.socket)
        self._dispatcher.leave(effect.socket)
        self._tell(self.socket_listeners, effect.socket, "disconnect")
        self._tell(self.state_listeners, effect.socket, "lost" if effect.lost else "closed")
        for watcher in list(self.watchers):
            watcher.left(effect.socket, effect.page, effect.lost)

    def _tell(self, listeners: dict[Callable[..., Any], Listener], socket: int, event: str) -> None:
        for listener in list(listeners.values()):
            self._dispatcher.tell(listener, socket, event)

    # Queues --------------------------------------------------------------------------------------------

    def next_item(self, key: Hashable, timeout: float | None) -> Operation[Any]:
        """An operation that takes the oldest item of a queue, now or when it arrives; `NOTHING` after the timeout.

        Cancelling it after it is done puts the item back.
        """

        def operation(done: Done[Any]) -> Cancel:
            taken: list[Entry] = []
            waiters = self.item_waiters.setdefault(key, deque())

            def take(entry: Any) -> None:
                self._forget_waiters(key)
                if entry is NOTHING or entry is ENDED:
                    done(entry)
                else:
                    taken.append(entry)
                    done(entry[1])

            def cancel() -> None:
                if leave is not None:
                    leave()
                self._forget_waiters(key)
                if taken:
                    self.put_back(key, taken.pop())

            leave: Cancel | None = None
            if not self.protocol.queues.is_empty(key):
                take(self.do(self.protocol.queues.take, key))
            else:
                leave = join_waiters(waiters, self.portal, timeout, take)
            return cancel

        return operation

    def _forget_waiters(self, key: Hashable) -> None:
        if not self.item_waiters.get(key):
            self.item_waiters.pop(key, None)

    # Callbacks -----------------------------------------------------------------------------------------

    def expose(self, key: str, func: Callable[..., Any], exclusive: bool, cell: Cell | None = None) -> bool:
        """Adds or replaces an exposed function, on the loop."""
        self._forget(self.protocol.functions.get(key))
        return self.protocol.functions.expose(key, func, exclusive, cell)

    def clear(self, key: str) -> bool:
        """Removes an exposed function, on the loop."""
        function = self.protocol.functions.get(key)
        done = self.protocol.functions.clear(key)
        if done:
            self._forget(function)
        return done

    def _forget(self, function: Function | None) -> None:
        if function is not None and not function.running:
            self._dispatcher.forget(function)

    def subscribe(self, topic: str, func: Callable[..., Any], cell: Cell | None = None) -> None:
        """Sets the callback of a topic, on the loop."""
        self.unsubscribe(topic)
        listener = self.topics[topic] = Listener(func, f"the subscriber of topic {topic!r}", cell)
        self.protocol.broker.subscribe(topic, listener)

    def unsubscribe(self, topic: str) -> None:
        """Removes the callback of a topic, on the loop."""
        listener = self.topics.pop(topic, None)
        if listener is not None:
            self.protocol.broker.unsubscribe(topic, listener)

    def tell(self, listener: Listener, *args: Any) -> None:
        """Calls a listener, on the loop."""
        self._dispatcher.tell(listener, *args)

    def background(self, func: Callable[..., Any], args: Iterable[Any]) -> None:
        """Runs a function of the user's, after the earlier ones; plain ones in a worker."""
        about = f"the function {getattr(func, '__name__', func)!r} given to register_function"
        listener = Listener(func, about, current_cell())
        self.portal.post(lambda: self._dispatcher.tell(listener, *args))


Bridge.performers = {
    **Runner.own_performers,
    fx.Lost: Bridge._lost,
    fx.Resumed: Bridge._resumed,
    fx.Invoke: Bridge._invoke,
    fx.Room: Bridge._room,
    fx.Deliver: Bridge._deliver,
    fx.Stored: Bridge._stored,
    fx.UserMessage: Bridge._user_message,
    fx.Connected: Bridge._connected,
    fx.Left: Bridge._left,
}

_default: Bridge | None = None
_default_lock = threading.Lock()


def default_bridge() -> Bridge:
    """The bridge of the module-level objects and of every application that is not given its own."""
    global _default
    with _default_lock:
        if _default is None:
            _default = Bridge()
        return _default
