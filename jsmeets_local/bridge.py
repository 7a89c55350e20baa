"""Runs one hub on one event loop: connections, timers, callbacks; and the door for everybody else."""

from __future__ import annotations

import asyncio
import logging
import secrets
import threading
from collections import deque
from collections.abc import Callable, Hashable, Iterable
from time import monotonic  # not the loop's time: uvloop's stands still while callbacks run
from typing import Any, NamedTuple

from .cells import Cell, here
from .connection import Connection
from .core import effects as fx
from .core.calls import Finished
from .core.chunks import CHUNK
from .core.codec import Frame, decode
from .core.functions import Function
from .core.hub import Hub
from .core.message import Hello
from .core.pages import CLOSE_GOING_AWAY
from .core.values import Payload, pack
from .door import Cancel, Done, Door, Operation
from .errors import BridgeBusy, ProtocolError
from .invoker import Answer, Invoker, Listener
from .lines import ENDED, Line

__all__ = ["Bridge", "Watcher", "default_bridge"]

# Close codes (RFC 6455, section 7.4.1) of connections that broke, were cut by a proxy, or whose peer was too slow to
# answer a ping. A page that goes says so, or its browser closes with 1000 or 1001.
_BROKEN = frozenset({1005, 1006, 1011, 1012, 1013, 1014, 1015})

logger = logging.getLogger("jsmeets_local")


class Watcher(NamedTuple):
    """Hears, on the loop, of every page that comes and goes."""

    arrived: Callable[[int, str], None]
    lost: Callable[[int, str], None]  # its connection, for now
    resumed: Callable[[int, str], None]
    left: Callable[[int, str, bool], None]


class Bridge:
    """The state that pages and Python share; `JsMeetsPy(bridge=Bridge())` gives an application its own.

    It runs while an application that uses it is served. What is exposed, subscribed and queued before stays; what is
    sent while no page is connected goes nowhere.
    """

    def __init__(self) -> None:
        self.hub = Hub(secrets.token_hex(8))  # touched on the loop's thread only, by way of the door
        self.door = Door()
        self.topics: dict[str, Listener] = {}
        self.queue_listeners: dict[Callable[..., Any], Listener] = {}
        self.socket_listeners: dict[Callable[..., Any], Listener] = {}
        self.state_listeners: dict[Callable[..., Any], Listener] = {}
        self.protocols: dict[str, Listener] = {}
        self.watchers: set[Watcher] = set()
        self.item_lines: dict[Hashable, Line] = {}  # who takes the next item of a queue
        self.room_line: Line = deque()  # who waits until pages have room
        self._invoker = Invoker(self.door, self._answered, self.pack)
        self._connections: dict[int, Connection] = {}
        self._waiters: dict[int, Done[Finished]] = {}
        self._timer: asyncio.Handle | None = None
        self._due: float | None = None  # when the timer fires; not every loop's handles tell
        self._performing = False
        self._users = 0
        self.owner: Any = None  # the application that launch() serves with it
        self._threads: list[threading.Thread] = []
        self.hub.functions.builtins["$list"] = Function("$list", self._list, exclusive=False)

    def _list(self) -> list[dict[str, Any]]:
        """What pages are told of the exposed functions; in a worker, as it looks into the user's objects."""
        return [function.describe() for function in self.door.ask(self.hub.functions.all)]

    # Life ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Starts on the running event loop; once more by the same loop counts the users.

        Raises:
            BridgeBusy: It runs on another loop.
        """
        if self.door.is_open() and self.door.is_here():
            self._users += 1
            return
        self.door.open(asyncio.get_running_loop())
        self._users = 1
        for socket in self.hub.sockets():  # of a loop that was closed without stop()
            self.do(self.hub.disconnect, socket)
        self._invoker.start(self.hub.limits.waiting_threads)

    def expose_errors(self, whole: bool) -> None:
        """Whether pages get the traceback of an error in Python; else its type and text. The log has it in any case."""
        self._invoker.exposes_errors = whole

    def ensure_started(self) -> bool:
        """Starts where no lifespan did: `--lifespan off`, or an application mounted in another.

        Returns:
            Whether it runs on this loop; `False`, and the log says why, if it serves another one.
        """
        if self.door.is_here():
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
        if self._users > 0 or not self.door.is_here():
            return
        self.close_all("the Python program has ended")
        self._end_lines()
        self._threads = await self._invoker.stop()
        self._stop_timer()
        self.door.close()
        self.door.ask(self._end_lines)  # of those who came in the meantime

    def _end_lines(self) -> None:
        for line in [self.room_line, *self.item_lines.values()]:
            for served in list(line):
                served(ENDED)

    def close_all(self, reason: str) -> None:
        """Says goodbye to all pages; they try to come back, in case Python starts again."""
        for socket in self.hub.sockets():
            self.do(self.hub.close_socket, socket, reason, True, 1001)

    def join(self, timeout: float) -> None:
        """Waits for the worker threads of a stopped bridge.

        Args:
            timeout: Seconds that each one gets; a function that still runs keeps its (daemon) thread.
        """
        for thread in self._threads:
            if thread is not threading.current_thread():  # an exposed function may stop its server
                thread.join(timeout)
        self._threads = []

    def pack(self, value: Any, name: str) -> Payload:
        """Converts a value for the wire, in any thread; errors as `core.values.pack`."""
        return pack(value, name, self.hub.limits.message_bytes)

    def stats(self) -> dict[str, Any]:
        """What is there and what has been, on the loop; asks pages for the round-trip time of the next look."""
        for socket in self.hub.sockets():
            self.do(self.hub.ping, socket, monotonic())
        return {**self.hub.stats(), "workers": self._invoker.stats()}

    # The hub's shell -----------------------------------------------------------------------------------

    def do(self, func: Callable[..., Any], *args: Any) -> Any:
        """Runs a function of the hub, on the loop, and what follows from it."""
        value = func(*args)
        if not self._performing:
            self._performing = True
            try:
                while effects := self.hub.effects():
                    for effect in effects:
                        self._perform(effect)
            finally:
                self._performing = False
            self._set_timer()
        return value

    def _perform(self, effect: fx.Effect) -> None:
        try:
            _PERFORM[type(effect)](self, effect)
        except Exception:  # the others must not suffer, when no thread can be started, say
            logger.exception("the bridge could not carry out %s", type(effect).__name__)

    def ask(self, func: Callable[..., Any], *args: Any) -> Any:
        """`do` from any thread, with the value."""
        return self.door.ask(self.do, func, *args)

    def post(self, func: Callable[..., Any], *args: Any) -> None:
        """`do` from any thread, in order, without waiting."""
        self.door.post(self.do, func, *args)

    def request(self, start: Callable[[float | None], int], timeout: float | None) -> Operation[Finished]:
        """An operation around `Hub.call` or `Hub.push`.

        Args:
            start: Given the deadline, starts the call and returns its number.
            timeout: Seconds, or `None`.
        """

        def operation(done: Done[Finished]) -> Cancel:
            loop = self.door.loop
            deadline = None if timeout is None or loop is None else loop.time() + timeout
            call_id = self.do(self._register, start, deadline, done)

            def cancel() -> None:
                self._waiters.pop(call_id, None)
                self.do(self.hub.calls.cancel, call_id)

            return cancel

        return operation

    def _register(self, start: Callable[[float | None], int], deadline: float | None, done: Done[Finished]) -> int:
        call_id = start(deadline)
        self._waiters[call_id] = done
        return call_id

    def _set_timer(self) -> None:
        deadline = self.hub.next_deadline()
        if deadline != self._due:
            self._stop_timer()
            if deadline is not None and self.door.loop is not None:
                self._due = deadline
                self._timer = self.door.loop.call_at(deadline, self._expire)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._due = None

    def _expire(self) -> None:
        due, self._timer, self._due = self._due, None, None
        if due is not None and self.door.loop is not None:
            # A loop may fire a timer within its clock's resolution before it is due.
            self.do(self.hub.expire, max(due, self.door.loop.time()))

    def _answered(self, answers: list[Answer]) -> None:
        for answer in answers:
            self.do(self.hub.answer, answer.socket, answer.function, answer.packet)

    # Carrying out effects ------------------------------------------------------------------------------

    def _wake(self, effect: fx.Wake) -> None:
        connection = self._connections.get(effect.socket)
        if connection is not None:
            connection.wake()

    def _invoke(self, effect: fx.Invoke) -> None:
        self._invoker.invoke(effect)

    def _settled(self, effect: fx.Settle) -> None:
        done = self._waiters.pop(effect.finished.id, None)
        if done is not None:
            done(effect.finished)

    def _deliver(self, effect: fx.Deliver) -> None:
        if isinstance(effect.subscriber, Listener):
            self._invoker.tell(effect.subscriber, effect.topic, effect.data)
        elif callable(effect.subscriber):
            effect.subscriber(effect.topic, effect.data)

    def _room(self, effect: fx.Room) -> None:
        for served in list(self.room_line):
            served(True)

    def _ponged(self, effect: fx.Ponged) -> None:
        self.hub.ponged(effect.socket, monotonic() - effect.sent)

    def _stored(self, effect: fx.Stored) -> None:
        line = self.item_lines.get(effect.key)
        while line and not self.hub.queues.is_empty(effect.key):
            line.popleft()(self.hub.queues.shift(effect.key))
        for listener in list(self.queue_listeners.values()):
            self._invoker.tell(listener, effect.key)

    def _user_message(self, effect: fx.UserMessage) -> None:
        listener = self.protocols.get(effect.object.get("protocol", ""))
        if listener is not None:
            connection = self._connections.get(effect.socket)
            websocket = connection.websocket if connection is not None else None
            self._invoker.tell(listener, websocket, effect.socket, effect.object)
        else:
            logger.warning(
                "a page sent a message of protocol %r, which nothing handles: JsPyTextSocket.add_protocol()",
                effect.object.get("protocol"),
            )

    def _connected(self, effect: fx.Connected) -> None:
        logger.info("page connected (socket %d)", effect.socket)
        self.hub.ping(effect.socket, monotonic())
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
        self._invoker.leave(effect.socket)
        self._tell(self.socket_listeners, effect.socket, "disconnect")
        self._tell(self.state_listeners, effect.socket, "lost" if effect.lost else "closed")
        for watcher in list(self.watchers):
            watcher.left(effect.socket, effect.page, effect.lost)

    def _tell(self, listeners: dict[Callable[..., Any], Listener], socket: int, event: str) -> None:
        for listener in list(listeners.values()):
            self._invoker.tell(listener, socket, event)

    def _drop(self, effect: fx.Drop) -> None:
        connection = self._connections.pop(effect.socket, None)
        if connection is not None:
            connection.close(effect.code, effect.reason)

    def _report(self, effect: fx.Report) -> None:
        getattr(logger, effect.level)("%s", effect.text)

    # Connections ---------------------------------------------------------------------------------------

    def connect(self, hello: Hello, connection: Connection) -> int | None:
        """A page has introduced itself.

        Returns:
            The number of its socket; `None` if the connection limit refuses it.
        """
        number: int | None = self.do(self._admit, hello, connection)
        return number

    def _admit(self, hello: Hello, connection: Connection) -> int | None:
        number = self.hub.hello(hello, secrets.token_hex(8))
        if number is not None:
            earlier = self._connections.pop(number, None)
            if earlier is not None:
                earlier.retire(CLOSE_GOING_AWAY, "the page has connected again")
            connection.outbox = self.hub.outbox(number)
            self._connections[number] = connection  # before the effects: what is to be written goes there
        return number

    def receive(self, socket: int, connection: Connection, frame: Frame) -> None:
        """Handles one frame of a page.

        Raises:
            ProtocolError: The frame, or a message in it, is not of the wire.
        """
        if self._connections.get(socket) is not connection:
            return  # the page has connected again, and says there what was not heard here
        whole: Frame | bytearray | None = frame
        if isinstance(frame, bytes) and frame[:1] == bytes([CHUNK]):
            stream, whole = connection.assembler.feed(frame)
            self.do(self.hub.give_credit, socket, stream)
        if whole is not None:
            self.do(self.hub.receive, socket, decode(whole), len(whole))

    def disconnect(self, socket: int, connection: Connection, code: int) -> None:
        """A WebSocket has ended.

        Args:
            socket: Its number.
            connection: The connection that has ended.
            code: Why (RFC 6455, section 7.4): a page that meant to go is gone, one whose connection broke may come
                back.
        """
        if self._connections.get(socket) is not connection:
            return
        del self._connections[socket]
        if code in _BROKEN and self.door.loop is not None:
            self.do(self.hub.lose, socket, self.door.loop.time())
        else:
            self.do(self.hub.disconnect, socket)

    def protocol_error(self, socket: int, error: ProtocolError) -> None:
        """Ends a connection that does not keep to the wire."""
        logger.error("socket %d is closed: %s", socket, error)
        self.do(self.hub.close_socket, socket, f"protocol error: {error}", False, 4400)

    # Callbacks -----------------------------------------------------------------------------------------

    def expose(self, key: str, func: Callable[..., Any], exclusive: bool, cell: Cell | None = None) -> bool:
        """Adds or replaces an exposed function, on the loop."""
        self._forget(self.hub.functions.get(key))
        return self.hub.functions.expose(key, func, exclusive, cell)

    def clear(self, key: str) -> bool:
        """Removes an exposed function, on the loop."""
        function = self.hub.functions.get(key)
        done = self.hub.functions.clear(key)
        if done:
            self._forget(function)
        return done

    def _forget(self, function: Function | None) -> None:
        if function is not None and not function.running:
            self._invoker.forget(function)

    def subscribe(self, topic: str, func: Callable[..., Any], cell: Cell | None = None) -> None:
        """Sets the callback of a topic, on the loop."""
        self.unsubscribe(topic)
        listener = self.topics[topic] = Listener(func, f"the subscriber of topic {topic!r}", cell)
        self.hub.broker.subscribe(topic, listener)

    def unsubscribe(self, topic: str) -> None:
        """Removes the callback of a topic, on the loop."""
        listener = self.topics.pop(topic, None)
        if listener is not None:
            self.hub.broker.unsubscribe(topic, listener)

    def tell(self, listener: Listener, *args: Any) -> None:
        """Calls a listener, on the loop."""
        self._invoker.tell(listener, *args)

    def background(self, func: Callable[..., Any], args: Iterable[Any]) -> None:
        """Runs a function of the user's, after the earlier ones; plain ones in a worker."""
        about = f"the function {getattr(func, '__name__', func)!r} given to register_function"
        listener = Listener(func, about, here())
        self.door.post(lambda: self._invoker.tell(listener, *args))


_PERFORM: dict[type, Callable[[Bridge, Any], None]] = {
    fx.Wake: Bridge._wake,
    fx.Lost: Bridge._lost,
    fx.Resumed: Bridge._resumed,
    fx.Invoke: Bridge._invoke,
    fx.Room: Bridge._room,
    fx.Ponged: Bridge._ponged,
    fx.Settle: Bridge._settled,
    fx.Deliver: Bridge._deliver,
    fx.Stored: Bridge._stored,
    fx.UserMessage: Bridge._user_message,
    fx.Connected: Bridge._connected,
    fx.Left: Bridge._left,
    fx.Drop: Bridge._drop,
    fx.Report: Bridge._report,
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
