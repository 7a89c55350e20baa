"""The shell around a protocol state: carries out what it wants, runs its timer, and knows the open connections."""

from __future__ import annotations

import asyncio
import functools
import logging
import secrets
from collections.abc import Callable, Mapping
from time import monotonic  # not the loop's time: uvloop's stands still while callbacks run
from typing import Any, TypeAlias

from ..errors import ProtocolError
from ..protocol import effects as fx
from ..protocol.calls import Finished
from ..protocol.chunks import CHUNK, ReceivedChunk
from ..protocol.codec import Frame, decode
from ..protocol.messages import Hello, Message
from ..protocol.offers import Offer
from ..protocol.sessions import CLOSE_GOING_AWAY
from ..protocol.state import ProtocolState
from ..protocol.text import on_one_line
from ..protocol.values import Payload, pack
from .connection import Connection
from .portal import Cancel, Done, Operation, Portal

__all__ = ["Runner"]

# Close codes (RFC 6455, section 7.4.1) of connections that broke, were cut by a proxy, or whose peer was too slow to
# answer a ping. A page that goes says so, or its browser closes with 1000 or 1001.
_BROKEN = frozenset({1005, 1006, 1011, 1012, 1013, 1014, 1015})
_CHUNK = bytes([CHUNK])
Start: TypeAlias = Callable[..., int]

BURST = 512  # messages of one page that are handled in one turn of the loop

logger = logging.getLogger("jsmeets_local")


class Runner:
    """Feed the protocol state and carry out its effects, on the loop."""

    performers: Mapping[type, Callable[[Any, Any], None]]

    def __init__(self) -> None:
        self.protocol = ProtocolState(secrets.token_hex(8))  # touched on the loop's thread only, by way of the portal
        self.portal = Portal()
        self._connections: dict[int, Connection] = {}
        self._waiters: dict[int, Done[Finished]] = {}
        self._timer: asyncio.Handle | None = None
        self._due: float | None = None  # when the timer fires; not every loop's handles tell
        self._performing = False
        self._woken: list[Connection] = []  # to be flushed when the turn ends

    def pack(self, value: Any, name: str) -> Payload:
        """Converts a value for the wire, in any thread; errors as `core.values.pack`."""
        return pack(value, name, self.protocol.limits.message_bytes)

    def do(self, func: Callable[..., Any], *args: Any) -> Any:
        """Runs a function of the protocol state, on the loop, and what follows from it."""
        value = func(*args)
        if not self._performing:
            self._performing = True
            try:
                while effects := self.protocol.effects():
                    for effect in effects:
                        self._perform(effect)
            finally:
                self._performing = False
            self._set_timer()
        return value

    def _perform(self, effect: fx.Effect) -> None:
        try:
            self.performers[type(effect)](self, effect)
        except Exception:  # the others must not suffer, when no thread can be started, say
            logger.exception("the bridge could not carry out %s", type(effect).__name__)

    def call(self, func: Callable[..., Any], *args: Any) -> Any:
        """`do` from any thread, with the value."""
        return self.portal.call(self.do, func, *args)

    def post(self, func: Callable[..., Any], *args: Any) -> None:
        """Sends by a function of the protocol state: `do` from any thread, in order, without waiting.

        Raises:
            BridgeBusy: Another process has the pages.
        """
        self.portal.check_own()
        self.portal.post(self.do, func, *args)

    def request(self, start: Start, args: tuple[Any, ...], timeout: float | None) -> Operation[Finished]:
        """An operation around `ProtocolState.call` or `ProtocolState.push`.

        Args:
            start: Given the arguments and the deadline, starts the call and returns its number.
            args: The arguments.
            timeout: Seconds, or `None`.
        """
        return lambda done: self.begin(start, args, timeout, done)

    def begin(self, start: Start, args: tuple[Any, ...], timeout: float | None, done: Done[Finished]) -> Cancel:
        """Starts what `request` is about, on the loop; returns how to give it up."""
        loop = self.portal.loop
        deadline = None if timeout is None or loop is None else loop.time() + timeout
        return functools.partial(self._give_up, self.do(self._register, start, args, deadline, done))

    def _give_up(self, call_id: int) -> None:
        self._waiters.pop(call_id, None)
        self.do(self.protocol.calls.cancel, call_id)

    def _register(self, start: Start, args: tuple[Any, ...], deadline: float | None, done: Done[Finished]) -> int:
        call_id = start(*args, deadline)
        self._waiters[call_id] = done
        return call_id

    def _set_timer(self) -> None:
        deadline = self.protocol.next_deadline()
        if deadline != self._due:
            self._stop_timer()
            if deadline is not None and self.portal.loop is not None:
                self._due = deadline
                self._timer = self.portal.loop.call_at(deadline, self._expire)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._due = None

    def _expire(self) -> None:
        due, self._timer, self._due = self._due, None, None
        if due is not None and self.portal.loop is not None:
            # A loop may fire a timer within its clock's resolution before it is due.
            self.portal.turn(self.do, self.protocol.expire, max(due, self.portal.loop.time()))

    def _flush(self) -> None:
        woken, self._woken = self._woken, []
        for connection in woken:
            connection.flush()

    # Effects that need no more than this ---------------------------------------------------------------

    def _wake(self, effect: fx.Wake) -> None:
        connection = self._connections.get(effect.socket)
        if connection is None:
            return
        self._write_soon(connection)
        if len(self.protocol.outbox(effect.socket)) >= BURST:
            connection.flush()  # the page has enough to do until the turn ends

    def _write_soon(self, connection: Connection) -> None:
        if not connection.woken:
            connection.woken = True
            if not self._woken:
                self.portal.at_end(self._flush)  # all that a turn sends travels together
            self._woken.append(connection)

    def _settled(self, effect: fx.Settle) -> None:
        done = self._waiters.pop(effect.finished.id, None)
        if done is not None:
            done(effect.finished)

    def _ponged(self, effect: fx.Ponged) -> None:
        self.protocol.ponged(effect.socket, monotonic() - effect.sent)

    def _drop(self, effect: fx.Drop) -> None:
        connection = self._connections.pop(effect.socket, None)
        if connection is not None:
            connection.close(effect.code, effect.reason)
            self._write_soon(connection)

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
        number = self.protocol.hello(hello, secrets.token_hex(8))
        if number is not None:
            earlier = self._connections.pop(number, None)
            if earlier is not None:
                earlier.retire(CLOSE_GOING_AWAY, "the page has connected again")
            connection.outbox = self.protocol.outbox(number)
            self._connections[number] = connection  # before the effects: what is to be written goes there
            if not self.protocol.is_confirmed(number):
                self.protocol.ping(number, monotonic())  # the answer tells that the welcome has arrived
        return number

    def receive(self, socket: int, connection: Connection, frame: Frame | ReceivedChunk) -> None:
        """Takes one frame of a page; what it says is handled by `go_on`, as is what is in `connection.rest` already.

        Raises:
            ProtocolError: The frame is not of the wire.
        """
        if self._connections.get(socket) is not connection:
            return  # the page has connected again, and says there what was not heard here
        whole: Frame | memoryview | None
        if isinstance(frame, ReceivedChunk):
            whole = self._credited(socket, connection, connection.assembler.take(frame))
        elif isinstance(frame, bytes) and frame[:1] == _CHUNK:
            whole = self._credited(socket, connection, connection.assembler.feed(frame))
        else:
            whole = frame
        if whole is not None:
            connection.rest.extend(decode(whole))
            connection.rest_bytes += len(whole)

    def go_on(self, socket: int, connection: Connection) -> None:
        """Handles what has come, a burst in several calls: answers go out, and everybody else has a turn, in between.

        Raises:
            ProtocolError: A message that a page may not send.
        """
        rest = connection.rest
        if not rest:
            return
        size, connection.rest_bytes = connection.rest_bytes, 0
        if len(rest) <= BURST:
            messages = list(rest)
            rest.clear()
        else:
            messages = [rest.popleft() for _ in range(BURST)]
        self.portal.turn(self._receive, socket, connection, messages, size)

    def _credited(
        self, socket: int, connection: Connection, taken: tuple[int, str | memoryview | None]
    ) -> str | memoryview | None:
        stream, whole = taken
        count = connection.assembler.credit(stream)
        if count:
            self.portal.turn(self.do, self.protocol.give_credit, socket, stream, count)
        return whole

    def _receive(self, socket: int, connection: Connection, messages: list[Message], size: int) -> None:
        if self._connections.get(socket) is connection:  # still
            self.do(self.protocol.receive, socket, messages, size)

    def offered(self, secret: str) -> Offer | None:
        """What a page may fetch by a secret, now and once."""
        return self.protocol.offers.take(secret) if self.portal.is_loop_thread() else None

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
        if code in _BROKEN and self.portal.loop is not None:
            self.do(self.protocol.lose, socket, self.portal.loop.time())
        else:
            self.do(self.protocol.disconnect, socket)

    def protocol_error(self, socket: int, error: ProtocolError) -> None:
        """Ends a connection that does not keep to the wire."""
        logger.error("socket %d is closed: %s", socket, on_one_line(str(error)))
        self.do(self.protocol.close_socket, socket, f"protocol error: {error}", False, 4400)

    own_performers: Mapping[type, Callable[[Any, Any], None]] = {
        fx.Wake: _wake,
        fx.Settle: _settled,
        fx.Ponged: _ponged,
        fx.Drop: _drop,
        fx.Report: _report,
    }
