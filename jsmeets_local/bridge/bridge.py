"""Bridge: the protocol state on an event loop, with its connections and callbacks."""

from __future__ import annotations

import asyncio
import functools
import secrets
import threading
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from contextvars import Context
from time import monotonic  # uvloop's loop.time() does not advance during a callback
from typing import Any, Literal
from weakref import WeakValueDictionary

from msgspec import Struct
from msgspec.structs import replace

from ..errors import BridgeBusy, ProtocolError
from ..notebook.cells import Cell, current_cell, kernel_shell
from ..protocol import effects as fx
from ..protocol.arguments import Key, Target
from ..protocol.calls import Finished
from ..protocol.chunks import CHUNK, ReceivedChunk
from ..protocol.codec import Frame, decode
from ..protocol.functions import Function
from ..protocol.messages import Hello, UserObject
from ..protocol.offers import Offer
from ..protocol.queues import Entry
from ..protocol.references import Handle
from ..protocol.signatures import is_annotated
from ..protocol.state import CLOSE_GOING_AWAY, CLOSE_PROTOCOL, ProtocolState
from ..protocol.text import on_one_line
from ..protocol.values import Payload, pack
from .connection import Connection
from .current_call import stream_context
from .dispatcher import Answer, Dispatcher, Listener
from .exits import ExitRequests
from .log import logger
from .portal import Cancel, Done, Operation, Portal
from .process_bound import ProcessBound
from .producers import Producers
from .proxies.kinds import make_proxy
from .proxies.shared_files import read_part
from .timers import Timer
from .waiters import CLOSED, Waiters, take_entry

__all__ = ["BURST", "GOODBYE", "STOPPED", "Bridge", "Watcher", "default_bridge"]

# Close reasons that badge.js recognizes, like those of close_socket() and of the connection limit.
GOODBYE = "the Python program has ended"
STOPPED = "stopped by Python"

BURST = 512  # messages of one client that are handled in one callback of the loop

# Close codes (RFC 6455, section 7.4.1) of connections that broke, were cut by a proxy, or whose peer did not answer a
# ping in time. A client that leaves sends a goodbye, or its browser closes with 1000
# or 1001.
_BROKEN = frozenset({1005, 1006, 1011, 1012, 1013, 1014, 1015})
_CHUNK = bytes([CHUNK])


class Watcher(Struct, frozen=True):
    """Callbacks for clients that connect and leave, called on the loop."""

    connected: Callable[[int, str], None]
    lost: Callable[[int, str], None]  # the connection, not yet the client
    resumed: Callable[[int, str], None]
    left: Callable[[int, str, bool], None]
    named: Callable[[int], None] = lambda socket: None  # it has announced the functions that it exposes


class Bridge(ProcessBound):
    """State that pages and Python share; `JsMeetsPy(bridge=Bridge())` gives an application its own.

    It runs while an application that uses it is served. Functions, subscriptions and queues outlive each run. Messages
    that are sent while no page is connected are lost.
    """

    def __init__(self) -> None:
        self.protocol = ProtocolState(secrets.token_hex(8))  # used on the loop's thread only, through the portal
        self.portal = Portal()
        self.protocol.make_proxy = functools.partial(make_proxy, self)
        self.protocol.read_part = read_part
        self.protocol.finalize = self._finalize
        self.topics: dict[str, Listener] = {}
        self.queue_listeners: dict[Callable[..., Any], Listener] = {}
        self.socket_listeners: dict[Callable[..., Any], Listener] = {}
        self.state_listeners: dict[Callable[..., Any], Listener] = {}
        self.protocols: dict[str, Listener] = {}
        self.watchers: set[Watcher] = set()
        self.item_waiters: dict[Hashable, Waiters] = {}  # readers of queues
        self.write_waiters: Waiters = deque()  # publishers that wait for room in outboxes
        self.exits = ExitRequests(self.portal)
        self._dispatcher = Dispatcher(self.portal, self._answer, self.pack, self.exits)
        self._producers = Producers(self.portal, self._dispatcher, self.protocol, self.do, self.pack)
        self.pages: WeakValueDictionary[str, Any] = WeakValueDictionary()  # launched pages, by their names
        self.page_factory: Callable[[Bridge, int], Any] | None = None  # makes the page of a socket
        self._pages_of_calls: dict[int, Any] = {}  # those that functions have requested, by socket
        self._connections: dict[int, Connection] = {}
        self.handshakes: dict[int, Any] = {}  # the WebSocket of the last connection of each client, by socket
        self._callers: dict[int, Done[Finished]] = {}  # calls of Python, by their numbers
        self._carrying_out = False
        self._timer: Timer | None = None
        self._timer_due: float | None = None  # the handles of some loops do not expose it
        self._users = 0
        self._is_sharing_logged = False
        self._threads: list[threading.Thread] = []
        self.protocol.functions.builtins["$list"] = Function("$list", self._list_functions, exclusive=False)

    def _list_functions(self) -> list[dict[str, Any]]:
        """Describe the exposed functions to a client. This runs in a worker, as it inspects the user's objects."""
        return [function.describe() for function in self.portal.call(self.protocol.functions.all)]

    # Start and stop ------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start on the running event loop, or count another user of it.

        Raises:
            BridgeBusy: The bridge runs on another loop.
        """
        if self.portal.is_loop_thread():
            self._users += 1
            if self is default_bridge() and not self._is_sharing_logged:
                self._is_sharing_logged = True
                logger.warning(
                    "two applications share the default bridge, so each page reaches the functions, queues and topics "
                    "of both; to separate them: JsMeetsPy(bridge=Bridge())"
                )
            return
        self.portal.open(asyncio.get_running_loop())
        self._users = 1
        self.exits.clear()
        for socket in self.protocol.all_sockets():  # of a loop that was closed without stop()
            self.do(self.protocol.disconnect, socket)
        if kernel_shell() is not None:
            self.time_steps()
        self._dispatcher.start(self.protocol.limits.waiting_threads)

    def expose_errors(self, whole: bool) -> None:
        """Set whether clients receive tracebacks of Python errors or only type and message. The log always has them."""
        self._dispatcher.exposes_errors = whole

    def time_steps(self) -> None:
        """Log async functions that block the loop, from now on."""
        self._dispatcher.times_steps = True

    def ensure_started(self) -> bool:
        """Start if no lifespan event did: with `--lifespan off`, or for an application mounted in another.

        Returns:
            True if the bridge runs on this loop; `False` if it serves another one, which is logged.
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
        """Remove one user of this loop; after the last one, end all connections and calls."""
        if not self.portal.is_loop_thread():  # a loop that was abandoned
            return
        self._users -= 1
        if self._users > 0:
            return
        self.close_all(GOODBYE)
        self._end_waiters()
        self._threads = await self._dispatcher.stop()
        self._stop_timer()
        self.portal.close()
        self.portal.call(self._end_waiters)  # those added in the meantime

    def _end_waiters(self) -> None:
        for waiters in [self.write_waiters, *self.item_waiters.values()]:
            for resolve in list(waiters):
                resolve(CLOSED)

    def close_all(self, reason: str) -> None:
        """Close all connections. The clients try to reconnect, in case Python starts again."""
        for socket in self.protocol.all_sockets():
            self.do(self.protocol.close_socket, socket, reason, True, CLOSE_GOING_AWAY)

    def join(self, timeout: float) -> None:
        """Wait for the worker threads of a stopped bridge.

        Args:
            timeout: Seconds in total; a function that still runs keeps its (daemon) thread.
        """
        end = monotonic() + timeout
        for thread in self._threads:
            if thread is not threading.current_thread():  # an exposed function may stop its server
                thread.join(max(0.0, end - monotonic()))
        self._threads = []

    def stats(self) -> dict[str, Any]:
        """Return counters, on the loop, and ping the clients to update their round-trip times for the next call."""
        for socket in self.protocol.sockets():
            self.do(self.protocol.ping, socket, monotonic())
        return {**self.protocol.stats(), "workers": self._dispatcher.stats()}

    # Requests of Python --------------------------------------------------------------------------------

    def pack(self, value: Any, name: str) -> Payload:
        """Convert a value for the wire, on any thread; see `protocol.values.pack`."""
        payload = pack(value, name, self.protocol.limits.message_bytes)
        if not payload.references or payload.is_bound():
            return payload
        cell = current_cell()  # what a callback or a generator prints appears under the cell that has passed it
        references = [
            replace(reference, cell=cell, context=stream_context() if reference.kind == "stream" else None)
            for reference in payload.references
        ]
        return replace(payload, references=tuple(references))

    def do(self, func: Callable[..., Any], *args: Any) -> Any:
        """Call a function of the protocol state, on the loop, and carry out its effects."""
        value = func(*args)
        self.carry_out()
        return value

    def call(self, func: Callable[..., Any], *args: Any) -> Any:
        """Call `do` from any thread, and return its value."""
        return self.portal.call(self.do, func, *args)

    def post(self, func: Callable[..., Any], *args: Any) -> None:
        """Schedule `do` from any thread, in order, without waiting.

        Raises:
            BridgeBusy: The pages belong to another process.
        """
        self.portal.check_own()
        self.portal.post(self.do, func, *args)

    def request(
        self,
        kind: Literal["call", "push"],
        key: Key,
        payload: Payload,
        target: Target,
        timeout: float | None,
        done: Done[Finished],
        about: str | None = None,
    ) -> Cancel:
        """Call a function of clients, or push an item to a queue of theirs, on the loop.

        Args:
            kind: The kind of the request.
            key: The name of the function or queue.
            payload: The packed arguments, or the packed item.
            target: The clients; see `ProtocolState.targets`.
            timeout: Seconds; `None` for no limit.
            done: Called with the outcome.
            about: The name of the function in errors, if it differs from `key`.

        Returns:
            A function that cancels the request.
        """
        deadline = None if timeout is None else self._deadline(timeout)
        call_id = self.protocol.request(kind, key, payload, target, deadline, about)
        self._callers[call_id] = done
        self.carry_out()
        return functools.partial(self._cancel_call, call_id)

    def use(
        self, handle: Handle | int, steps: Payload, about: str, timeout: float | None, done: Done[Finished]
    ) -> Cancel:
        """Work on an object of a page, on the loop.

        Args:
            handle: The handle of the object, or a socket for the page's world.
            steps: The packed steps.
            about: The name of the object in errors.
            timeout: Seconds; `None` for no limit.
            done: Called with the outcome.

        Returns:
            A function that cancels the request.
        """
        deadline = None if timeout is None else self._deadline(timeout)
        call_id = self.protocol.use(handle, steps, about, deadline)
        self._callers[call_id] = done
        self.carry_out()
        return functools.partial(self._cancel_call, call_id)

    def _deadline(self, timeout: float) -> float | None:
        loop = self.portal.loop
        return None if loop is None else loop.time() + timeout

    def _cancel_call(self, call_id: int) -> None:
        self._callers.pop(call_id, None)
        self.do(self.protocol.cancel, call_id)

    def page_of(self, socket: int) -> Any:
        """Return the page of the document behind a socket, on the loop. It is closed if the document has left."""
        page = self._pages_of_calls.get(socket)
        if page is None:
            assert self.page_factory is not None  # the launcher of the application that accepted the connection sets it
            page = self.page_factory(self, socket)
            if socket in self.protocol.all_sockets():
                self._pages_of_calls[socket] = page
        return page

    def _finalize(self, obj: object, func: Callable[[], object]) -> None:
        """Call a function of the protocol state once an object is collected."""
        self.portal.finalize(obj, functools.partial(self.do, func), wakes=True)

    # Connections ---------------------------------------------------------------------------------------

    def connect(self, hello: Hello, connection: Connection) -> int | None:
        """Open or resume the session of a client.

        Returns:
            The number of its socket; `None` if the connection limit refuses it.

        Raises:
            ProtocolError: The hello is invalid.
        """
        number = self.protocol.hello(hello, secrets.token_hex(8))
        if number is not None:
            earlier = self._connections.pop(number, None)
            if earlier is not None:
                earlier.retire(CLOSE_GOING_AWAY, "the page has connected again")
            connection.outbox = self.protocol.outbox(number)
            self._connections[number] = connection  # before the effects, which write to it
            self.handshakes[number] = connection.websocket
            if not self.protocol.is_confirmed(number):
                self.protocol.ping(number, monotonic())  # the pong confirms the welcome
        self.carry_out()
        return number

    def receive(self, socket: int, connection: Connection, frames: Sequence[Frame | ReceivedChunk]) -> bool:
        """Handle frames from a client, at most `BURST` messages per call, so that other clients are served in between.

        An invalid frame or message closes the connection, after the messages before it have been handled.

        Returns:
            True if messages are left, for a call without frames in a later callback of the loop.
        """
        if self._connections.get(socket) is not connection:  # replaced by another one, on which the client repeats them
            connection.pending.clear()
            return False
        self.portal.in_callback = True
        try:
            fault: ProtocolError | None = None
            pending = connection.pending
            try:
                for frame in frames:
                    content: Frame | memoryview | None = frame if isinstance(frame, str) else None
                    if isinstance(frame, ReceivedChunk) or (isinstance(frame, bytes) and frame[:1] == _CHUNK):
                        content = self._assemble(socket, connection, frame)
                    elif isinstance(frame, bytes):
                        content = frame
                    if content is None:
                        continue
                    pending.extend(decode(content))
                    connection.pending_bytes += len(content)
            except ProtocolError as error:
                fault = error
            try:
                while pending:
                    size, connection.pending_bytes = connection.pending_bytes, 0
                    if len(pending) <= BURST:
                        messages = list(pending)
                        pending.clear()
                    else:
                        messages = [pending.popleft() for _ in range(BURST)]
                    self.protocol.receive(socket, messages, size)
                    self.carry_out()
                    del messages  # the objects of pages that nothing else uses are released in this turn
                    if fault is None:
                        break
            except ProtocolError as error:
                fault = error
            except Exception:  # noqa: BLE001 - the client would connect again, and repeat the message for ever
                logger.exception("the bridge could not handle a message of socket %d", socket)
                fault = ProtocolError("Python could not handle a message, and has logged why")
            if fault is not None:
                pending.clear()
                logger.error("closed socket %d: %s", socket, on_one_line(str(fault)))
                self.do(self.protocol.close_socket, socket, f"protocol error: {fault}", False, CLOSE_PROTOCOL)
            return bool(pending)
        finally:
            self.portal.run_deferred()

    def _assemble(self, socket: int, connection: Connection, chunk: Any) -> str | memoryview | None:
        """Handle a chunk, and return the content of its stream if it is complete."""
        assembler = connection.assembler
        stream, content = assembler.take(chunk) if isinstance(chunk, ReceivedChunk) else assembler.feed(chunk)
        count = assembler.credit(stream)
        if count:
            self.do(self.protocol.give_credit, socket, stream, count)
        return content

    def take_offer(self, secret: str) -> Offer | None:
        """Remove and return the offer of a secret, or return `None`."""
        return self.protocol.offers.take(secret) if self.portal.is_loop_thread() else None

    def leave(self, document: str) -> None:
        """Note that a document has left, whose connection may still carry its last messages."""
        if self.portal.is_loop_thread():
            self.do(self.protocol.leave, document)

    def disconnect(self, socket: int, connection: Connection, code: int) -> None:
        """Handle the end of a WebSocket.

        Args:
            socket: The number of the socket.
            connection: The connection that has ended.
            code: The close code (RFC 6455, section 7.4). It distinguishes a client that has closed the connection
                and left from a connection that broke and may be resumed.
        """
        if self._connections.get(socket) is not connection:
            return
        del self._connections[socket]
        if code in _BROKEN and self.portal.loop is not None:
            self.do(self.protocol.lose, socket, self.portal.loop.time())
        else:
            self.do(self.protocol.disconnect, socket)

    def _answer(self, answers: list[Answer]) -> None:
        """Send the answers of functions that have ended."""
        self.protocol.answer(answers)
        self.carry_out()
        if self.exits.requests:
            self.exits.carry_out()

    # Timer ---------------------------------------------------------------------------------------------

    def _set_timer(self, deadline: float | None) -> None:
        self._stop_timer()
        if deadline is not None and self.portal.loop is not None:
            self._timer_due = deadline
            self._timer = Timer(self.portal.loop, deadline, self._expire)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._timer_due = None

    def _expire(self) -> None:
        due, self._timer, self._timer_due = self._timer_due, None, None
        if due is not None and self.portal.loop is not None:
            self.portal.in_callback = True
            try:
                # A loop may call back earlier, by the resolution of its clock.
                self.do(self.protocol.expire, max(due, self.portal.loop.time()))
            finally:
                self.portal.run_deferred()

    # Effects -------------------------------------------------------------------------------------------

    def carry_out(self) -> None:
        """Carry out the effects of the protocol state, on the loop, in order."""
        if self._carrying_out:
            return
        self._carrying_out = True
        try:
            while effects := self.protocol.effects():
                for effect in effects:
                    try:
                        if isinstance(effect, fx.Wake):
                            connection = self._connections.get(effect.socket)
                            if connection is None:
                                continue
                            if not connection.needs_flush:  # at the end of the callback: one frame has all messages
                                connection.needs_flush = True
                                self.portal.defer(connection.flush)
                            elif connection.outbox is not None and len(connection.outbox) >= BURST:
                                connection.flush()  # the client handles these in the meantime
                        elif isinstance(effect, fx.Invoke):
                            self._dispatcher.invoke(effect)
                        elif isinstance(effect, fx.Cancelled):
                            self._dispatcher.cancel(effect.call)
                        else:
                            self._perform(effect)
                    except Exception:  # noqa: BLE001 - no thread could start, for example; must not stop the others
                        logger.exception("the bridge failed to run %s", type(effect).__name__)
                self._dispatcher.submit_burst()
        finally:
            self._carrying_out = False
        if self.protocol.expires_at != self._timer_due:
            self._set_timer(self.protocol.expires_at)

    def _perform(self, effect: fx.Effect) -> None:
        if isinstance(effect, fx.CallFinished):
            done = self._callers.pop(effect.finished.id, None)
            if done is not None:
                done(effect.finished)
        elif isinstance(effect, fx.ItemsArrived):
            for resolve in list(effect.stream.waiters):
                resolve(True)
        elif isinstance(effect, fx.Produce):
            self._producers.read(effect.stream)
        elif isinstance(effect, fx.CloseIterator):
            self._producers.close(effect)
        elif isinstance(effect, fx.Deliver):
            if isinstance(effect.subscriber, Listener):
                self.tell(effect.subscriber, effect.topic, effect.data)
            elif callable(effect.subscriber):
                effect.subscriber(effect.topic, effect.data)
        elif isinstance(effect, fx.ItemStored):
            self._serve_items(effect.key)
            for listener in list(self.queue_listeners.values()):
                self.tell(listener, effect.key)
        elif isinstance(effect, fx.UserMessage):
            self._handle_user_message(effect)
        elif isinstance(effect, fx.Writable):
            for resolve in list(self.write_waiters):
                resolve(True)
        elif isinstance(effect, fx.Releasing):
            self.portal.defer(functools.partial(self.do, self.protocol.send_releases))
        elif isinstance(effect, fx.Ponged):
            self.protocol.ponged(effect.socket, monotonic() - effect.sent)
        elif isinstance(effect, fx.CloseConnection):
            connection = self._connections.pop(effect.socket, None)
            if connection is not None:
                connection.close(effect.code, effect.reason)
                self.portal.defer(connection.flush)
        elif isinstance(effect, fx.Report):
            getattr(logger, effect.level)("%s", effect.text)
        elif isinstance(effect, fx.Named):
            for watcher in list(self.watchers):
                watcher.named(effect.socket)
        else:
            self._report_client(effect)

    def _report_client(self, effect: fx.Effect) -> None:
        """Notify listeners and watchers of a change in the connection of a client."""
        if isinstance(effect, fx.Connected):
            logger.info("page connected (socket %d)", effect.socket)
            self._tell_all(self.socket_listeners, effect.socket, "connect")
            self._tell_all(self.state_listeners, effect.socket, "open")
            for watcher in list(self.watchers):
                watcher.connected(effect.socket, effect.page)
        elif isinstance(effect, fx.Lost):
            logger.info("lost the connection to a page (socket %d); waiting for it to reconnect", effect.socket)
            self._tell_all(self.state_listeners, effect.socket, "reconnecting")
            for watcher in list(self.watchers):
                watcher.lost(effect.socket, effect.page)
        elif isinstance(effect, fx.Resumed):
            logger.info("page reconnected (socket %d)", effect.socket)
            self._tell_all(self.state_listeners, effect.socket, "open")
            for watcher in list(self.watchers):
                watcher.resumed(effect.socket, effect.page)
        elif isinstance(effect, fx.Left):
            logger.info("page left (socket %d)", effect.socket)
            self._dispatcher.leave(effect.socket)
            self.handshakes.pop(effect.socket, None)
            self._pages_of_calls.pop(effect.socket, None)
            self._tell_all(self.socket_listeners, effect.socket, "disconnect")
            self._tell_all(self.state_listeners, effect.socket, "lost" if effect.lost else "closed")
            for watcher in list(self.watchers):
                watcher.left(effect.socket, effect.page, effect.lost)

    def _tell_all(self, listeners: dict[Callable[..., Any], Listener], socket: int, event: str) -> None:
        for listener in list(listeners.values()):
            self.tell(listener, socket, event)

    def _handle_user_message(self, effect: fx.UserMessage) -> None:
        protocol = effect.object.get("protocol")
        listener = self.protocols.get(protocol or "")
        if listener is not None:
            connection = self._connections.get(effect.socket)
            self.tell(listener, connection and connection.websocket, effect.socket, effect.object)
            return
        try:
            handled = self.do(self.protocol.take_by_hand, effect.socket, UserObject(**effect.object))
        except ProtocolError as error:
            logger.warning("ignored a message of protocol %r from a page: %s", protocol, error)
        else:
            if not handled:
                text = "ignored a message of protocol %r from a page: add a handler with JsPyTextSocket.add_protocol()"
                logger.warning(text, protocol)

    # Queues --------------------------------------------------------------------------------------------

    def put_back(self, key: Hashable, entry: Entry | None) -> None:
        """Put an item that was taken but not delivered back into its queue, on the loop, for the next reader."""
        if entry is not None:
            self.protocol.queues.put_back(key, entry)
            self._serve_items(key)

    def _serve_items(self, key: Hashable) -> None:
        waiters = self.item_waiters.get(key)
        while waiters and (entry := self.protocol.queues.take(key)) is not None:
            waiters.popleft()(entry)

    def next_item(self, key: Hashable, timeout: float | None) -> Operation[Any]:
        """Return an operation that takes the oldest item of a queue; its value is `TIMED_OUT` if none arrives in time.

        Cancelling the operation after its completion puts the item back.
        """

        def operation(done: Done[Any]) -> Cancel:
            waiters = self.item_waiters.setdefault(key, deque())

            def finish(item: Any) -> None:
                self._forget_waiters(key)
                done(item)

            def cancel() -> None:
                stop()
                self._forget_waiters(key)

            ready = None if self.protocol.queues.is_empty(key) else self.do(self.protocol.queues.take, key)
            stop = take_entry(ready, waiters, self.portal, timeout, finish, functools.partial(self.put_back, key))
            return cancel

        return operation

    def _forget_waiters(self, key: Hashable) -> None:
        if not self.item_waiters.get(key):
            self.item_waiters.pop(key, None)

    # User functions ------------------------------------------------------------------------------------

    def expose(
        self,
        key: str,
        func: Callable[..., Any],
        exclusive: bool,
        cell: Cell | None = None,
        context: Context | None = None,
        keep_running: bool = False,
    ) -> bool:
        """Add or replace an exposed function, on the loop."""
        self._forget(self.protocol.functions.get(key))
        return self.protocol.functions.expose(key, func, exclusive, cell, context, keep_running)

    def clear(self, key: str) -> bool:
        """Remove an exposed function, on the loop."""
        function = self.protocol.functions.get(key)
        done = self.protocol.functions.clear(key)
        if done:
            self._forget(function)
        return done

    def _forget(self, function: Function | None) -> None:
        if function is not None and not function.running:
            self._dispatcher.forget(function)

    def subscribe(self, topic: str, func: Callable[..., Any], cell: Cell | None = None) -> None:
        """Set the callback of a topic, on the loop."""
        self.unsubscribe(topic)
        listener = self.topics[topic] = Listener(func, f"the subscriber of topic {topic!r}", cell, is_annotated(func))
        self.do(self.protocol.subscribe, topic, listener)

    def unsubscribe(self, topic: str) -> None:
        """Remove the callback of a topic, on the loop."""
        listener = self.topics.pop(topic, None)
        if listener is not None:
            self.protocol.broker.unsubscribe(topic, listener)

    def tell(self, listener: Listener, *args: Any) -> None:
        """Call a listener, on the loop."""
        self._dispatcher.tell(listener, args)

    def background(self, func: Callable[..., Any], args: Iterable[Any]) -> None:
        """Schedule a call of the user's function: on the loop if it is async, in a worker if it is plain."""
        about = f"the function {getattr(func, '__name__', func)!r} given to register_function"
        listener = Listener(func, about, current_cell())
        self.portal.post(self.tell, listener, *args)


_default: Bridge | None = None
_default_lock = threading.Lock()


def default_bridge() -> Bridge:
    """Return the bridge of the module-level objects, and of each application without its own."""
    global _default
    with _default_lock:
        if _default is None:
            _default = Bridge()
        return _default
