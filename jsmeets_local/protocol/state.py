"""Protocol state: sessions, calls, queues and topics, without I/O.

The protocol state implements every rule of the protocol, and does not wait, read a clock or write to a socket. Its
owner reports events (`hello`, `receive`, `lose`, `disconnect`, `expire`) and makes requests (`request`, `notify`,
`publish`, ...). Each may add effects, which the owner takes with `effects()` and carries out in order.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Iterable
from typing import Any, Literal
from weakref import finalize, ref

import msgspec

from ..errors import JsPyError, MessageTooBig, ProtocolError, TooManyReferences, UnknownFunction, WrongPage
from . import messages as m
from .arguments import Key, Target
from .calls import CallTable, Finished
from .chunks import CHUNK_BYTES
from .codec import NO_SPECIALS, Packet, Unbound, decode, encode, message_packet, outgoing
from .effects import (
    CallFinished,
    Cancelled,
    CloseConnection,
    CloseIterator,
    Connected,
    Deliver,
    Effect,
    Invoke,
    ItemsArrived,
    ItemStored,
    Left,
    Lost,
    Named,
    Ponged,
    Produce,
    Releasing,
    Report,
    Resumed,
    UserMessage,
    Wake,
    Writable,
)
from .failures import (
    About,
    as_exception,
    as_refusal,
    close_packet,
    disconnection,
    error_packet,
    fault_text,
    stream_disconnection,
    unknown,
)
from .functions import FunctionTable
from .limits import Limits, Overflow, check_overflow
from .offers import Offers
from .outbox import Outbox
from .queues import Queues
from .references import (
    Arrivals,
    Export,
    Exports,
    Handle,
    Imported,
    Ref,
    RefusedReference,
    unknown_reference,
    unmarked,
)
from .session import Session
from .shared_states import SharedStates
from .specials import revive, split_keywords
from .streams import Incoming, Outgoing
from .topics import Broker
from .uses import check_use
from .values import Payload, pack

__all__ = [
    "CLOSE_GOING_AWAY",
    "CLOSE_KICKED",
    "CLOSE_PROTOCOL",
    "CLOSE_TOO_SLOW",
    "REFUSED_BY_LIMIT",
    "ProtocolState",
]

CLOSE_GOING_AWAY = 1001
CLOSE_TOO_SLOW = 1013  # "try again later" in the IANA registry of close codes
CLOSE_PROTOCOL = 4400
CLOSE_KICKED = 4403
REFUSED_BY_LIMIT = "Connection refused due to connection limit @python"

ACK_MESSAGES = 64  # maximum number of unacknowledged messages that a client keeps
ACK_BYTES = 256 * 1024
MAX_UNCAUGHT = 50  # uncaught errors of one client in the log; the bundled client reports no more
MAX_NOTE = 500  # characters of one uncaught error in a note


class ProtocolState:
    """State of all sessions. Only one thread may use it; any thread may read `limits`, `is_present` and `names`.

    Args:
        session: Unique name of this state. A client that knows another name starts a new session.
        limits: Resources that clients may use.

    Attributes:
        expires_at: The time at which to call `expire`, or `None`. Nothing expires before it.
    """

    def __init__(self, session: str = "", limits: Limits | None = None) -> None:
        self.session = session
        self.limits = limits or Limits()
        self.max_connections = self.limits.pages  # connections; 0 or less means no limit
        self.resume_seconds = self.limits.resume_seconds
        self.settings: dict[str, Any] = {}  # added to the settings in every welcome
        self.policies: dict[str, Overflow] = {}  # topic -> policy, for topics that have their own
        self.offers = Offers()
        self.functions = FunctionTable()
        self.queues = Queues(self.limits.queue_items, self._item_stored)
        self.broker = Broker()
        self.calls = CallTable()
        self.cancelled_calls = 0  # calls of clients that were cancelled
        self.dropped_results = 0  # results of cancelled calls
        self.expires_at: float | None = None
        # Makes the proxy of an object in a page, from its handle and the detail on the wire.
        self.make_proxy: Callable[[Handle, m.Special], Imported] = lambda handle, special: Imported(handle)
        # Reads a part of a file of Python, in a worker; see `check_use`.
        self.read_part: Callable[..., bytes] = _read_nothing
        # Calls a function once an object is collected.
        self.finalize: Callable[[object, Callable[[], object]], object] = finalize
        self._streamed: dict[int, Exports] = {}  # iterators that pages read, or may read, by identity
        self._released: dict[int, list[tuple[int, int]]] = {}  # socket -> numbers and counts to release
        self._sessions: dict[int, Session] = {}
        self.states = SharedStates(self._sessions, self._send, self._send_if_room)
        self._lost: dict[int, float] = {}  # sockets without a connection -> when their session ends
        self._last_socket = 0
        self._last_id = 0
        self._effects: list[Effect] = []
        self._woken: set[int] = set()

    def set_limits(self, limits: Limits) -> None:
        """Replace the limits. Existing outboxes keep theirs."""
        self.limits = limits
        self.max_connections = limits.pages
        self.resume_seconds = limits.resume_seconds
        self.queues.max_items = limits.queue_items

    def set_connection_limit(self, limit: int) -> None:
        """Limit the number of connections; 0 or less means no limit."""
        self.max_connections = limit

    def effects(self) -> list[Effect]:
        """Remove and return the effects to carry out, in order."""
        taken, self._effects = self._effects, []
        self._woken.clear()
        return taken

    # Session table -------------------------------------------------------------------------------------

    def sockets(self) -> tuple[int, ...]:
        """Return the sockets, oldest first, except those that lost their connection before confirming their welcome."""
        if not self._lost:
            return tuple(self._sessions)
        return tuple(
            number for number, session in self._sessions.items() if session.confirmed or number not in self._lost
        )

    def all_sockets(self) -> tuple[int, ...]:
        """Return all sockets, including those that lost their connection before confirming their welcome."""
        return tuple(self._sessions)

    def is_present(self, socket: int) -> bool:
        """Return whether a session exists. Any thread may call this."""
        return socket in self._sessions

    def is_confirmed(self, socket: int) -> bool:
        """Return whether a client has confirmed its welcome, so that `Connected` has been reported."""
        return self._sessions[socket].confirmed

    def page_of(self, socket: int) -> str:
        """Return the page name of a socket."""
        return self._sessions[socket].page

    def names(self, socket: int) -> frozenset[str]:
        """Return the names of the functions that a client exposes, as far as it has announced them."""
        session = self._sessions.get(socket)
        return frozenset() if session is None else session.names

    def outbox(self, socket: int) -> Outbox:
        """Return the outbox of a socket."""
        return self._sessions[socket].outbox

    def is_lost(self, socket: int) -> bool:
        """Return whether a socket has lost its connection."""
        return socket in self._lost

    def targets(self, target: Target) -> tuple[int, ...]:
        """Return the sockets that `target` selects: all, one number, or a collection of numbers."""
        if target is None:
            return self.sockets()
        if isinstance(target, int):
            return (target,) if target in self._sessions else ()
        return tuple(number for number in dict.fromkeys(target) if number in self._sessions)

    def hello(self, hello: m.Hello, page: str) -> int | None:
        """Open a session, or resume one.

        Args:
            hello: The first message of a client.
            page: The page name for a client that has none.

        Returns:
            The socket number; `None` if the connection limit refuses the client (which uses up a number).

        Raises:
            ProtocolError: The client acknowledges more than was sent, or subscribes to too many topics.
        """
        known = next((number for number, one in self._sessions.items() if one.document == hello.document), None)
        if known is not None and hello.session and hello.session == self.session:
            self._resume(known, hello)
            return known
        if len(hello.topics) > self.limits.topics:
            raise ProtocolError(f"{len(hello.topics)} subscriptions; {self.limits.topics} are allowed")
        if known is not None:  # a document has only one socket
            self._effects.append(CloseConnection(known, CLOSE_GOING_AWAY, "the page has connected again"))
            self.disconnect(known)
        return self._open(hello, hello.page or page)

    def _open(self, hello: m.Hello, page: str) -> int | None:
        self._last_socket += 1
        if 0 < self.max_connections <= len(self.sockets()):
            text = f"refused a page: the connection limit of {self.max_connections} is reached"
            self._effects.append(Report("warning", text))
            return None
        number = self._last_socket
        session = self._sessions[number] = Session(hello.document, page, self.limits, self.offers, self._streamed)
        session.outbox.fetches = hello.fetches
        self._welcome(number, session, resumed=False)
        for topic in hello.topics:
            self.subscribe(topic, number)
        return number

    def _resume(self, number: int, hello: m.Hello) -> None:
        session = self._sessions[number]
        session.outbox.rewind(hello.received)
        session.outbox.fetches = hello.fetches
        session.resumed += 1
        session.has_left = False
        self._lost.pop(number, None)
        session.acknowledged, session.unacknowledged_bytes = session.received, 0
        self._welcome(number, session, resumed=True)
        if session.confirmed:
            self._effects.append(Resumed(number, session.page))
        else:
            self._confirm(number, session)  # it has sent the session name, which it knows from its welcome
        self._admit_waiting(number)
        self._produce_more(session)
        self.states.catch_up(number)
        if not self.broker.count(number):
            for topic in hello.topics:
                self.subscribe(topic, number)

    def _welcome(self, number: int, session: Session, resumed: bool) -> None:
        settings = {
            "max_message_bytes": self.limits.message_bytes,
            "session": self.session,
            "resumed": resumed,
            "received": session.received,
            "resume_seconds": self.resume_seconds,
            "stream_items": self.limits.stream_items,
            "stream_bytes": self.limits.stream_bytes,
            **self.settings,
        }
        session.outbox.put_control(message_packet(["welcome", number, session.page, settings]))
        self._wake(number)

    def _confirm(self, number: int, session: Session) -> None:
        session.confirmed = True
        self._effects.append(Connected(number, session.page))

    def lose(self, socket: int, now: float) -> None:
        """Handle a connection that broke without a goodbye: keep the session for `resume_seconds`.

        A client that has not confirmed its welcome has probably left, so its calls end now. Its session is kept in case
        the welcome arrived and only its confirmation was lost.
        """
        session = self._sessions.get(socket)
        if session is None:
            return
        if self.resume_seconds <= 0 or session.has_left:
            self.disconnect(socket)
            return
        session.outbox.withdraw()
        self._lost[socket] = now + self.resume_seconds
        self._expire_by(now + self.resume_seconds)
        if session.confirmed:
            self._effects.append(Lost(socket, session.page))
        else:
            self._end_calls(socket, lost=False)

    def leave(self, document: str) -> None:
        """End the session of a document that has left once its connection has ended, without waiting for it to resume.

        This news overtakes messages of the document, which are handled as long as they arrive.
        """
        number = next((number for number, one in self._sessions.items() if one.document == document), None)
        if number is None:
            return
        self._sessions[number].has_left = True
        if number in self._lost:
            self.disconnect(number)

    def disconnect(self, socket: int, lost: bool = False) -> None:
        """End a session: fail its pending calls and remove its subscriptions.

        Args:
            socket: The number of its socket.
            lost: True if the connection broke and was not resumed in time.
        """
        session = self._sessions.pop(socket, None)
        self._lost.pop(socket, None)
        if session is None:
            return
        session.outbox.withdraw()
        self._end_streams(socket, session, lost and session.confirmed)
        self._released.pop(socket, None)
        self.broker.leave(socket)
        self.states.leave(socket)
        for call in session.calls.values():
            if not call.function.keep_running:
                self._cancel(call, "the page has left")
        was_lost = lost and session.confirmed
        pending = self._end_calls(socket, was_lost)
        if was_lost:
            text = f"the connection to a page (socket {socket}) was lost, and it did not reconnect"
            if pending:
                text += f": {pending} {'call' if pending == 1 else 'calls'} may or may not have run"
            self._effects.append(Report("warning", text))
        if session.confirmed:
            self._effects.append(Left(socket, session.page, lost))
        self._effects.append(Writable())

    def _end_calls(self, socket: int, lost: bool) -> int:
        """Fail the calls that a client has not answered, and return their number."""
        pending = self.calls.pending(socket)
        for call_id in pending:
            about = self.calls.about(call_id)
            self._finish(call_id, socket, disconnection(lost, about.protocol, about.key, call_id, socket))
        return len(pending)

    def close_socket(self, socket: int, reason: str, reconnect: bool = False, code: int = CLOSE_KICKED) -> bool:
        """Close a connection.

        Returns:
            True if the socket existed.
        """
        if socket not in self._sessions:
            return False
        self._sessions[socket].outbox.put(close_packet(reason, reconnect))
        self._effects.append(CloseConnection(socket, code, reason))
        self.disconnect(socket)
        return True

    def ping(self, socket: int, now: float) -> None:
        """Send a ping to measure the round-trip time."""
        if socket in self._sessions:
            self._sessions[socket].outbox.put_control(message_packet(["ping", now]))
            self._wake(socket)

    def ponged(self, socket: int, seconds: float) -> None:
        """Store a round-trip time."""
        if socket in self._sessions:
            self._sessions[socket].round_trip = seconds

    def _expire_by(self, deadline: float) -> None:
        if self.expires_at is None or deadline < self.expires_at:
            self.expires_at = deadline

    def next_deadline(self) -> float | None:
        """Return the earliest time at which a call or a lost session ends, or `None`."""
        deadline = self.calls.next_deadline() if self.calls.deadlines else None
        if not self._lost:
            return deadline
        lost = min(self._lost.values())
        return lost if deadline is None else min(lost, deadline)

    def expire(self, now: float) -> None:
        """End the calls whose deadline has passed, and the sessions that were not resumed in time."""
        for finished in self.calls.expire(now):
            self._cancel_request(finished)
            self._effects.append(CallFinished(finished))
        for number in [number for number, until in self._lost.items() if until <= now]:
            self.disconnect(number, lost=True)
        self.expires_at = self.next_deadline()

    def stats(self) -> dict[str, Any]:
        """Return counters; `Bridge.stats` documents them."""
        return {
            "pages": [self._session_stats(number, session) for number, session in self._sessions.items()],
            "pending_calls": len(self.calls),
            "ignored_answers": self.calls.ignored,
            "cancelled_calls": self.cancelled_calls,
            "dropped_results": self.dropped_results,
            "queues": {str(key): self.queues.size(key) for key in self.queues.keys()},  # noqa: SIM118 - no dict
            "queue_items_dropped": self.queues.dropped,
            "topics": {topic: len(self.broker.subscribers(topic)) for topic in self.broker.names()},
        }

    def _session_stats(self, number: int, session: Session) -> dict[str, Any]:
        return {
            "socket": number,
            "page": session.page,
            "connected": number not in self._lost,
            "reconnects": session.resumed,
            "round_trip_seconds": session.round_trip,
            "waiting": len(session.outbox) + len(session.waiting),
            "waiting_bytes": session.outbox.size,
            "dropped": session.outbox.dropped,
            "sent": session.outbox.sent,
            "sent_bytes": session.outbox.sent_bytes,
            "received": session.received,
            "received_bytes": session.received_bytes,
            "running_calls": session.running,
            "references": {"exported": len(session.exports), "imported": len(session.imports)},
            "streams": len(session.producers) + len(session.readers),
        }

    # Incoming messages ---------------------------------------------------------------------------------

    def receive(self, socket: int, messages: Iterable[m.Message], size: int = 0) -> None:
        """Handle messages from a client. Messages from a client that has left are ignored.

        Args:
            socket: The sender.
            messages: The messages, in order.
            size: Bytes of the frames that carried them.

        Raises:
            ProtocolError: A client may not send a message of this kind.
        """
        counted = 0
        for message in messages:
            session = self._sessions.get(socket)
            if session is None:
                return
            kind = type(message)
            if not session.confirmed and kind is not m.Goodbye:
                self._confirm(socket, session)
            handler = _HANDLERS.get(kind)
            if handler is None:
                raise ProtocolError(f"a page may not send {kind.__name__.lower()!r} here")
            counted += kind not in _UNCOUNTED
            if kind in _WITH_SPECIALS and message.specials:  # type: ignore[union-attr]
                try:
                    make = self._import if kind is not m.Publish else self._import_to_publish
                    message = revive(message, functools.partial(make, socket, session))
                except RefusedReference as error:
                    self._refuse(socket, message, error.info)
                    continue
            handler(self, socket, message)
        session = self._sessions.get(socket)
        if session is None or not counted:
            return
        session.received += counted
        session.received_bytes += size
        session.unacknowledged_bytes += size
        if session.received - session.acknowledged >= ACK_MESSAGES or session.unacknowledged_bytes >= ACK_BYTES:
            session.acknowledged, session.unacknowledged_bytes = session.received, 0
            session.outbox.put_control(message_packet(["ack", session.received]))
            self._wake(socket)

    def _on_credit(self, socket: int, message: m.Credit) -> None:
        self._sessions[socket].outbox.credit(message.stream, message.count)
        self._wake(socket)

    def _on_decline(self, socket: int, message: m.Decline) -> None:
        self._sessions[socket].outbox.decline(message.stream)
        self._wake(socket)

    def _on_ack(self, socket: int, message: m.Ack) -> None:
        session = self._sessions[socket]
        session.outbox.acknowledge(message.received)
        self._admit_waiting(socket)
        if session.eased:
            self._produce_more(session)
        if session.behind:
            self.states.catch_up(socket)

    def _on_pong(self, socket: int, message: m.Pong) -> None:
        self._effects.append(Ponged(socket, message.sent))

    def give_credit(self, socket: int, stream: int, count: int) -> None:
        """Allow a client to send `count` more chunks of a stream."""
        if socket in self._sessions:
            self._sessions[socket].outbox.put_control(message_packet(["credit", stream, count]))
            self._wake(socket)

    def _on_call(self, socket: int, message: m.Call) -> None:
        function = self.functions.find(message.key)
        session = self._sessions[socket]
        if function is None:
            self._send(socket, error_packet(message.id, unknown(message.key, self.functions.keys())))
        elif session.running >= self.limits.calls:
            self._send(socket, error_packet(message.id, self._too_many_calls()))
        else:
            session.running += 1
            function.running += 1
            args, keywords = split_keywords(message.args) if message.specials else (message.args, None)
            session.calls[message.id] = call = Invoke(socket, message.id, function, args, keywords)
            self._effects.append(call)

    def _on_notify(self, socket: int, message: m.Notify) -> None:
        function = self.functions.find(message.key)
        session = self._sessions[socket]
        if function is None:
            self._effects.append(Report("error", unknown(message.key, self.functions.keys()).message))
        elif session.running >= self.limits.calls:
            self._fail(socket, 0, f"call_nowait of {message.key!r}", self._too_many_calls())
        else:
            session.running += 1
            function.running += 1
            args, keywords = split_keywords(message.args) if message.specials else (message.args, None)
            self._effects.append(Invoke(socket, 0, function, args, keywords))

    def _on_cancel(self, socket: int, message: m.Cancel) -> None:
        call = self._sessions[socket].calls.pop(message.id, None)
        if call is not None:
            self._cancel(call, "the page no longer waits for it")
        else:
            self.queues.withdraw((socket, message.id))

    def _cancel(self, call: Invoke, reason: str) -> None:
        call.cancelled = reason
        self.cancelled_calls += 1
        self._effects.append(Cancelled(call))

    def _on_names(self, socket: int, message: m.Names) -> None:
        self._sessions[socket].names = frozenset(message.names)
        self._effects.append(Named(socket))

    def _on_use(self, socket: int, message: m.Use) -> None:
        session = self._sessions[socket]
        try:
            export = session.exports.get(message.number)
            if export is None:
                raise unknown_reference(f"Python holds no object {message.number} for this page; it was released")
            function, args = check_use(export, message.steps, self.read_part)
        except RefusedReference as error:
            self._refuse(socket, message, error.info)
            return
        if session.running >= self.limits.calls:
            self._refuse(socket, message, self._too_many_calls())
            return
        session.running += 1
        function.running += 1
        args, keywords = split_keywords(args)
        call = Invoke(socket, message.id, function, args, keywords)
        if message.id:
            session.calls[message.id] = call
        self._effects.append(call)

    def _on_release(self, socket: int, message: m.Release) -> None:
        exports = self._sessions[socket].exports
        for number, count in message.counts:
            export = exports.release(number, count)
            if export is not None and export.kind == "stream":
                self._forget_stream(socket, export, "the page no longer reads the stream")

    def _refuse(self, socket: int, message: Any, error: m.ErrorInfo) -> None:
        """Send the error of a message that cannot be handled: to the client, or to the caller of Python it answers."""
        if isinstance(message, m.Patch):
            self.states.refuse(socket, message, message.version, error)
        elif isinstance(message, m.Items):
            self._refuse_items(socket, message.number, error)
        elif not isinstance(message, m.Return):
            about = _ABOUT[type(message)](message)
            self._fail(socket, getattr(message, "id", 0), about, error)
        elif self.calls.is_open(message.id, socket):
            failure = as_refusal(error, self.calls.about(message.id), message.id, socket)
            self._finish(message.id, socket, failure)
        else:
            self.calls.ignored += 1

    def _too_many_calls(self) -> m.ErrorInfo:
        text = f"{self.limits.calls} calls of this page are running; increase Limits(calls=...)"
        return m.ErrorInfo("refused", "TooManyCalls", text)

    def _on_return(self, socket: int, message: m.Return) -> None:
        self._finish(message.id, socket, message.value)

    def _on_error(self, socket: int, message: m.Error) -> None:
        if self.calls.is_open(message.id, socket):
            error = as_exception(message.error, self.calls.about(message.id), message.id, socket)
            if isinstance(error, UnknownFunction):
                self.note_uncaught(socket, error)
            self._finish(message.id, socket, error)
        else:
            self.calls.ignored += 1

    def _on_fault(self, socket: int, message: m.Fault) -> None:
        if message.error.kind == "uncaught":
            session = self._sessions[socket]
            session.uncaught_count += 1
            if session.uncaught_count > MAX_UNCAUGHT:
                return
            session.uncaught.append(f"{message.error.name}: {message.error.message}"[:MAX_NOTE])
        self._effects.append(Report("error", fault_text(socket, message)))

    def note_uncaught(self, socket: int, error: JsPyError) -> None:
        """Add a note to an error that lists the uncaught errors of the client, as a possible cause."""
        session = self._sessions.get(socket)
        if session is not None and session.uncaught:
            error.add_note("\n  ".join(["Uncaught errors of the page:", *session.uncaught]))

    def _on_push(self, socket: int, message: m.Push) -> None:
        refusal = self.queues.offer(message.key, message.data, (socket, message.id) if message.id else None)
        if refusal is not None:
            error = m.ErrorInfo("refused", "QueueFull", refusal)
            self._fail(socket, message.id, f"push_nowait to queue {message.key!r}", error)

    def _item_stored(self, key: Key, ticket: tuple[int, int] | None) -> None:
        self._effects.append(ItemStored(key))
        if ticket is not None:
            self._acknowledge(*ticket, True)

    def subscribe(self, topic: str, subscriber: Hashable) -> None:
        """Add a subscriber to a topic, and give it the retained data, if there is some."""
        self.broker.subscribe(topic, subscriber)
        retained = self.broker.retained.get(topic)
        if retained is None:
            return
        if isinstance(subscriber, int):
            self._send_publication(subscriber, retained, topic)
        else:
            self._effects.append(Deliver(subscriber, topic, _published(retained)))

    def _on_subscribe(self, socket: int, message: m.Subscribe) -> None:
        if self.broker.count(socket) >= self.limits.topics:
            text = f"{self.limits.topics} topics are subscribed; increase Limits(topics=...)"
            self._send(socket, error_packet(message.id, m.ErrorInfo("refused", "TooManyTopics", text)))
            return
        self._acknowledge(socket, message.id, True)
        self.subscribe(message.topic, socket)

    def _on_unsubscribe(self, socket: int, message: m.Unsubscribe) -> None:
        self._acknowledge(socket, message.id, self.broker.unsubscribe(message.topic, socket))

    def _on_retain(self, socket: int, message: m.Retain) -> None:
        if message.topic not in self.broker.retained and len(self.broker.retained) >= self.limits.topics:
            text = f"{self.limits.topics} topics retain a value; increase Limits(topics=...)"
            about = f"publish to topic {message.topic!r}"
            self._fail(socket, message.id, about, m.ErrorInfo("refused", "TooManyTopics", text))
            return
        self._on_publish(socket, message, retain=True)

    def _on_publish(self, socket: int, message: m.Publish | m.Retain, retain: bool = False) -> None:
        try:
            payload = pack(message.data, "data", self.limits.message_bytes)
            if retain:
                payload.check_data("data: only data can be retained")
        except (TypeError, MessageTooBig) as error:  # nested too deeply to be sent on, or longer in Python's JSON
            is_too_big = isinstance(error, MessageTooBig)
            info = m.ErrorInfo("refused" if is_too_big else "unserializable", type(error).__name__, str(error))
            self._fail(socket, message.id, f"publish to topic {message.topic!r}", info)
            return
        data = unmarked(message.data) if message.specials else message.data
        self._publish(message.topic, data, payload, retain, skip=socket if message.suppress else None)
        self._acknowledge(socket, message.id, True)

    def _on_follow(self, socket: int, message: m.Follow) -> None:
        self.states.follow(socket, message.name)

    def _on_patch(self, socket: int, message: m.Patch) -> None:
        refusal = self.states.patch(socket, message)
        if refusal is not None:
            self._effects.append(Report("info", f"refused a change of a page (socket {socket}): {refusal}"))

    def _on_custom(self, socket: int, message: m.Custom) -> None:
        self._effects.append(UserMessage(socket, msgspec.structs.asdict(message.object)))

    def take_by_hand(self, socket: int, message: m.UserObject) -> bool:
        """Handle a hand-built message in the 2020 format, which expects no answer.

        Returns:
            True if its protocol is one of the library's.

        Raises:
            ProtocolError: The fields have the wrong types.
        """
        translate = _BY_HAND.get(message.protocol) if isinstance(message.protocol, str) else None
        if translate is None:
            return False
        try:
            native = msgspec.convert(translate(message), m.Message)
        except msgspec.ValidationError as error:
            raise ProtocolError(str(error)) from None
        if socket in self._sessions:
            _HANDLERS[type(native)](self, socket, native)
        return True

    def _on_goodbye(self, socket: int, message: m.Goodbye) -> None:
        self._effects.append(CloseConnection(socket, CLOSE_GOING_AWAY, "goodbye"))
        self.disconnect(socket)

    def _acknowledge(self, socket: int, request: int, done: bool) -> None:
        if request and socket in self._sessions:
            self._send(socket, message_packet(["return", request, done]))

    def _fail(self, socket: int, request: int, what: str, error: m.ErrorInfo) -> None:
        """Send a failure to the client: as the answer to its request, or to its console if there is none."""
        self._send(socket, error_packet(request, error) if request else message_packet(["fault", what, error]))

    # References ----------------------------------------------------------------------------------------

    def _import(self, socket: int, session: Session, special: m.Special) -> Any:
        """Return the object of a reference: the proxy of an object in the page, or an object of Python."""
        number, kind = special.fact, special.kind
        if kind == "own":
            export = session.exports.get(number)
            if export is None:
                raise unknown_reference(f"Python holds no object {number} for this page; it was released")
            return export.value
        handle = session.imports.find(number)
        if handle is None:
            if self._room(session) <= 0:
                self._let_go(socket, number, 1)
                text = f"{self.limits.references} objects are held by reference; Limits(references=...) allows more"
                raise RefusedReference(m.ErrorInfo("refused", "TooManyReferences", text))
            handle = Handle(self, socket, number, kind)
            arrivals = session.imports.add(handle)
            if kind == "stream":
                stream = session.readers[number] = Incoming(socket, number, self.limits.stream_items)
                self.finalize(handle, functools.partial(self._left, arrivals, stream))
            else:
                self.finalize(handle, functools.partial(self._collected, socket, arrivals))
        elif handle.kind != kind:
            self._let_go(socket, number, 1)
            raise unknown_reference(f"the object {number} of the page is a {handle.kind}, not a {kind}")
        else:
            session.imports.arrive(handle)
        proxy = None if handle.proxy is None else handle.proxy()
        if proxy is None:
            proxy = self.make_proxy(handle, special)
            handle.proxy = ref(proxy)
        return proxy

    def _import_to_publish(self, socket: int, session: Session, special: m.Special) -> Any:
        """Return the object of a reference; mark objects of Python, which pages get by reference, not as data."""
        value = self._import(socket, session, special)
        return Ref(value) if special.kind == "own" and not callable(value) else value

    def _room(self, session: Session) -> int:
        """Return the number of objects that may be added to the tables of a session."""
        return self.limits.references - len(session.exports) - len(session.imports)

    def _collected(self, socket: int, arrivals: Arrivals) -> None:
        """Release an object of a page whose handle was collected."""
        session = self._sessions.get(socket)
        if session is not None:
            self._let_go(socket, *session.imports.collected(arrivals))

    def _let_go(self, socket: int, number: int, count: int) -> None:
        if not self._released:
            self._effects.append(Releasing())
        self._released.setdefault(socket, []).append((number, count))

    def send_releases(self) -> None:
        """Send what was released in this turn, in one message per client."""
        released, self._released = self._released, {}
        for socket, counts in released.items():
            self._send(socket, message_packet(["release", counts]))

    def _bind(self, socket: int, message: Packet | Unbound) -> Packet:
        """Number the references of a message for a client.

        Raises:
            WrongPage: It carries an object of another page.
            TooManyReferences: The limit is reached.
        """
        if isinstance(message, Packet):
            return message
        session = self._sessions[socket]
        return message.bind(session.exports.bind(message.payload.references, self, socket, self._room(session)))

    # Streams of pages ----------------------------------------------------------------------------------

    def stream_of(self, handle: Handle) -> Incoming:
        """Return the stream of a handle that has just arrived."""
        return self._sessions[handle.socket].readers[handle.number]

    def grant(self, stream: Incoming) -> None:
        """Grant the items of a stream of a page that its readers have room for."""
        count = stream.grant()
        if count and stream.socket in self._sessions:
            self._send(stream.socket, message_packet(["pull", stream.number, count]))

    def leave_stream(self, stream: Incoming) -> None:
        """Drop the items of a stream. The page stops it when its handle is collected."""
        stream.leave()
        self._effects.append(ItemsArrived(stream))

    def _left(self, arrivals: Arrivals, stream: Incoming) -> None:
        """Stop a stream of a page whose handle was collected, unless it has ended."""
        session = self._sessions.get(stream.socket)
        if session is not None and session.readers.get(stream.number) is stream:
            del session.readers[stream.number]
            session.imports.collected(arrivals)
            self._send(stream.socket, message_packet(["stop", stream.number]))

    def _on_items(self, socket: int, message: m.Items) -> None:
        stream = self._sessions[socket].readers.get(message.number)
        if stream is not None and message.items:
            stream.receive(message.items, message.extra)
            self._effects.append(ItemsArrived(stream))

    def _on_end(self, socket: int, message: m.End) -> None:
        error = message.error
        self._end_reading(
            socket, message.number, None if error is None else as_exception(error, About("stream", ""), 0, socket)
        )

    def _end_reading(self, socket: int, number: int, error: JsPyError | None) -> bool:
        """End a stream of a page, if it is known."""
        session = self._sessions[socket]
        stream = session.readers.pop(number, None)
        if stream is None:
            return False
        session.imports.forget(number)
        stream.end(error)
        self._effects.append(ItemsArrived(stream))
        return True

    def _refuse_items(self, socket: int, number: int, error: m.ErrorInfo) -> None:
        """End a stream of a page whose items cannot be used."""
        if self._end_reading(socket, number, as_refusal(error, About("stream", ""), 0, socket)):
            self._send(socket, message_packet(["stop", number]))

    # Streams of Python ---------------------------------------------------------------------------------

    def _on_pull(self, socket: int, message: m.Pull) -> None:
        session, number = self._sessions[socket], message.number
        stream = session.producers.get(number)
        if stream is None:
            export = session.exports.get(number)
            if export is None or export.kind != "stream":
                text = f"Python has no stream {number} for this page; it has ended"
                self._send_end(socket, number, m.ErrorInfo("unknown", "UnknownReference", text))
                return
            stream = session.producers[number] = Outgoing(
                socket, export, self.limits.stream_bytes // self.limits.stream_items
            )
        stream.credit += message.count
        self._produce(stream)

    def _on_stop(self, socket: int, message: m.Stop) -> None:
        export = self._sessions[socket].exports.get(message.number)
        if export is not None and export.kind == "stream":  # otherwise it has ended, and `stop` crossed with `end`
            self._forget_stream(socket, export, "the page no longer reads the stream")

    def _forget_stream(self, socket: int, export: Export, reason: str) -> None:
        session = self._sessions[socket]
        session.exports.forget(export.number)
        stream = session.producers.pop(export.number, None)
        if stream is not None:
            stream.is_over = True
        self._effects.append(CloseIterator(export, stream, reason))

    def _produce(self, stream: Outgoing) -> None:
        if stream.begin():
            self._effects.append(Produce(stream))

    def _produce_more(self, session: Session) -> None:
        """Continue the streams that have waited until the client acknowledged their items."""
        eased, session.eased = session.eased, []
        for stream in eased:
            self._produce(stream)

    def send_items(self, stream: Outgoing, items: Payload, count: int, extra: int = 0) -> None:
        """Send items of a stream of Python.

        Args:
            stream: The stream.
            items: The packed list of items.
            count: The number of items.
            extra: The further items that large ones count as.
        """
        if stream.is_over:
            return
        stream.credit -= count + extra
        order = ("stream", stream.number)
        message = outgoing(["items", stream.number], items, (NO_SPECIALS, extra) if extra else (), order)
        try:
            packet = self._bind(stream.socket, message)
        except (WrongPage, TooManyReferences) as error:
            self._effects.append(Report("error", f"a stream for a page (socket {stream.socket}) ends: {error}"))
            self.end_stream(stream, m.ErrorInfo("unserializable", type(error).__name__, str(error)), close=True)
            return
        stream.in_flight += packet.size
        self._send(stream.socket, packet)

    def produced(self, stream: Outgoing) -> None:
        """Note that the iterator has produced the items that were granted, or as many as it has now."""
        stream.is_busy = False
        self._produce(stream)

    def end_stream(self, stream: Outgoing, error: m.ErrorInfo | None, close: bool = False) -> None:
        """Send the end of a stream of Python.

        Args:
            stream: The stream.
            error: Why it ends early, or `None`.
            close: True to close the iterator, which has not ended.
        """
        if stream.is_over:
            return
        if close:
            self._forget_stream(stream.socket, stream.export, "an item of the stream cannot be sent")
        else:
            stream.is_over = True
            session = self._sessions[stream.socket]
            session.exports.forget(stream.number)
            session.producers.pop(stream.number, None)
        self._send_end(stream.socket, stream.number, error)

    def _send_end(self, socket: int, number: int, error: m.ErrorInfo | None) -> None:
        message = ["end", number] if error is None else ["end", number, error]
        self._send(socket, message_packet(message, order=("stream", number)))

    def _end_streams(self, socket: int, session: Session, lost: bool) -> None:
        """End the streams of both sides, and forget the references of a session."""
        for export in session.exports.clear():
            if export.kind == "stream":
                stream = session.producers.pop(export.number, None)
                if stream is not None:
                    stream.is_over = True
                self._effects.append(CloseIterator(export, stream, "the page has left"))
        for reader in session.readers.values():
            reader.end(stream_disconnection(lost, socket))
            self._effects.append(ItemsArrived(reader))
        session.readers.clear()

    def _drop_streams(self, message: Packet | Unbound | None) -> None:
        """Close the iterators of an answer that is not sent."""
        if isinstance(message, Unbound):
            for reference in message.payload.references:
                if reference.kind == "stream" and id(reference.value) not in self._streamed:
                    self._effects.append(CloseIterator(reference, None, "the page no longer waits for the stream"))

    # Requests of Python --------------------------------------------------------------------------------

    def request(
        self,
        kind: Literal["call", "push"],
        key: Key,
        payload: Payload,
        target: Target,
        deadline: float | None,
        about: str | None = None,
    ) -> int:
        """Call a function of clients, or push an item to a queue of theirs, and request an answer of each.

        `CallFinished` reports the end, at once if `target` selects no client.

        Args:
            kind: The kind of the message.
            key: The name of the function or queue.
            payload: The packed arguments, or the packed item.
            target: The clients; see `targets`.
            deadline: The time at which the request ends at the latest.
            about: The name of the function in errors, if it differs from `key`.

        Returns:
            The number of the request.
        """
        self._last_id = call_id = self._last_id + 1
        order = ("push", key) if kind == "push" else None
        message = outgoing([kind, call_id, key], payload, order=order)
        self._request(call_id, message, target, deadline, About(kind, about or key))
        return call_id

    def use(self, handle: Handle | int, steps: Payload, about: str, deadline: float | None) -> int:
        """Work on an object of a page. `CallFinished` reports the end, at once if the page has left.

        Args:
            handle: The handle of the object, or a socket for the page's world.
            steps: The packed steps.
            about: The name of the object, for errors.
            deadline: See `request`.

        Returns:
            The number of the request.
        """
        self._last_id = call_id = self._last_id + 1
        self._request(call_id, _use(call_id, handle, steps), _socket(handle), deadline, About("use", about))
        return call_id

    def use_nowait(self, handle: Handle | int, steps: Payload) -> None:
        """Work on an object of a page without requesting an answer."""
        self._cast(_use(0, handle, steps), _socket(handle))

    def _request(
        self, call_id: int, message: Packet | Unbound, target: Target, deadline: float | None, about: About
    ) -> None:
        sockets = self.targets(target)
        if not sockets:
            self._effects.append(CallFinished(Finished(call_id, {})))
            return
        self.calls.open(call_id, sockets, deadline, about)
        if deadline is not None:
            self._expire_by(deadline)
        for socket in sockets:
            session = self._sessions[socket]
            packet = message if type(message) is Packet else self._bind_or_finish(call_id, socket, message)
            if packet is None:
                continue
            if packet.size > CHUNK_BYTES and packet.order is None:
                packet = msgspec.structs.replace(packet, order=("request", call_id))  # a cancel must not overtake it
            if session.waiting or not session.outbox.put(packet, limited=True):
                session.was_full = True
                session.waiting.append((call_id, packet))
            elif socket not in self._woken:  # `_wake`, inlined
                self._woken.add(socket)
                self._effects.append(Wake(socket))

    def cancel(self, call_id: int) -> None:
        """End a call or a push whose caller has stopped waiting; `CallFinished` does not report it."""
        finished = self.calls.cancel(call_id)
        if finished is not None:
            self._cancel_request(finished)

    def _cancel_request(self, finished: Finished) -> None:
        """Cancel a request at the clients that have not answered it."""
        if not finished.unanswered:
            return
        about = finished.about
        order = ("push", about.key) if about.protocol == "push" else ("request", finished.id)
        packet = message_packet(["cancel", finished.id], order=order)
        for socket in finished.unanswered:
            session = self._sessions[socket]
            if not session.waiting or finished.id < session.waiting[0][0]:  # otherwise it will not be sent
                self._send(socket, packet)

    def _bind_or_finish(self, call_id: int, socket: int, message: Packet | Unbound) -> Packet | None:
        """Number the references of a request; an error is the answer of this client."""
        try:
            return self._bind(socket, message)
        except (WrongPage, TooManyReferences) as error:
            self._finish(call_id, socket, error)
            return None

    def notify(self, key: str, payload: Payload, target: Target) -> None:
        """Call a function of clients without requesting an answer."""
        self._cast(outgoing(["notify", key], payload), target)

    def push_nowait(self, key: Key, payload: Payload, target: Target) -> None:
        """Push an item to a queue of clients without requesting an acknowledgement."""
        self._cast(outgoing(["push", 0, key], payload, order=("push", key)), target)

    def custom(self, payload: Payload, protocol: str, target: Target) -> int:
        """Send a message of a user-defined protocol, and return the number of clients."""
        return self._cast(message_packet(["custom"], payload, order=("custom", protocol)), target)

    def publish(self, topic: str, data: Any, payload: Payload, suppress: bool = False, retain: bool = False) -> None:
        """Publish data. `suppress` skips the subscribers in this process; `retain` keeps the data for later ones."""
        self._publish(topic, data, payload, retain, local=not suppress)

    def answer(self, answers: Iterable[tuple[Invoke, Packet | Unbound | None]]) -> None:
        """Record the end of calls of exposed functions, and send their answers."""
        for call, packet in answers:
            call.function.running -= 1
            session = self._sessions.get(call.socket)
            if session is not None:
                session.running -= 1
            if session is None or call.cancelled:
                self.dropped_results += packet is not None
                self._drop_streams(packet)
                continue
            session.calls.pop(call.call_id, None)
            if type(packet) is Packet:
                session.outbox.put(packet)
                if call.socket not in self._woken:  # `_wake`, inlined
                    self._woken.add(call.socket)
                    self._effects.append(Wake(call.socket))
            elif packet is not None:
                self._send_answer(call, packet)

    def _send_answer(self, call: Invoke, message: Packet | Unbound) -> None:
        try:
            packet = self._bind(call.socket, message)
        except (WrongPage, TooManyReferences) as error:
            text = f"{call.function.key!r} returned what cannot be sent: {error}"
            self._effects.append(Report("error", text))
            packet = error_packet(call.call_id, m.ErrorInfo("unserializable", type(error).__name__, text))
            self._drop_streams(message)
        self._send(call.socket, packet)

    def _finish(self, call_id: int, socket: int, answer: Any) -> None:
        finished = self.calls.answer(call_id, socket, answer)
        if finished is not None:
            self._effects.append(CallFinished(finished))

    def _publish(
        self, topic: str, data: Any, payload: Payload, retain: bool, skip: Hashable = None, local: bool = True
    ) -> None:
        packet: Packet | Unbound | None = None
        if retain:
            publication = message_packet(["publish", 0, topic], payload, [False], order=("publish", topic))
            self.broker.retain(topic, None if data is None else publication)
            packet = publication
        for subscriber in self.broker.subscribers(topic):
            if subscriber == skip:
                continue
            if isinstance(subscriber, int):
                packet = packet or outgoing(["publish", 0, topic], payload, [False], order=("publish", topic))
                self._send_publication(subscriber, packet, topic)
            elif local:
                self._effects.append(Deliver(subscriber, topic, data))

    # Outboxes ------------------------------------------------------------------------------------------

    def set_policy(self, topic: str, policy: Overflow | None) -> None:
        """Set the overflow policy of a topic; `None` restores that of the limits."""
        if policy is None:
            self.policies.pop(topic, None)
        else:
            check_overflow(policy)
            self.policies[topic] = policy

    def is_writable(self, sockets: Iterable[object]) -> bool:
        """Return whether the outboxes of these sockets all have room. If not, `Writable` is reported once one has."""
        full = [one for one in map(self._sessions.get, sockets) if one and not one.outbox.is_free()]  # type: ignore[arg-type]
        for session in full:
            session.was_full = True
        return not full

    def _wake(self, socket: int) -> None:
        if socket not in self._woken:
            self._woken.add(socket)
            self._effects.append(Wake(socket))

    def _send(self, socket: int, packet: Packet) -> None:
        """Send a packet regardless of the limits. Answers need none, as a client receives only those it requested."""
        self._sessions[socket].outbox.put(packet)
        if socket not in self._woken:  # `_wake`, inlined
            self._woken.add(socket)
            self._effects.append(Wake(socket))

    def _send_if_room(self, socket: int, packet: Packet) -> bool:
        """Send a packet, or return `False` if the outbox is full."""
        if not self._sessions[socket].outbox.put(packet, limited=True):
            return False
        self._wake(socket)
        return True

    def _cast(self, message: Packet | Unbound, target: Target) -> int:
        """Send a message that expects no answer; close the clients that have no room for it."""
        sockets = self.targets(target)
        for socket in sockets:
            packet = self._bind_or_report(socket, message)
            if packet is None:
                continue
            if not self._send_if_room(socket, packet):
                self._close_slow(socket)
        return len(sockets)

    def _bind_or_report(self, socket: int, message: Packet | Unbound) -> Packet | None:
        """Number the references of a message; report an error that no caller waits for."""
        try:
            return self._bind(socket, message)
        except (WrongPage, TooManyReferences) as error:
            self._effects.append(Report("error", f"a message to a page (socket {socket}) is lost: {error}"))
            return None

    def _send_publication(self, socket: int, message: Packet | Unbound, topic: str) -> None:
        session, policy = self._sessions[socket], self.policies.get(topic, self.limits.overflow)
        packet = self._bind_or_report(socket, message)
        if packet is None:
            return
        if policy == "disconnect" and not session.outbox.has_room(packet):
            self._close_slow(socket)
            return
        complete = session.outbox.put_latest(packet) if policy == "latest" else session.outbox.put_droppable(packet)
        if not complete and not session.drop_logged:
            session.drop_logged = True
            text = f"the page (socket {socket}) is too slow: publications for it are dropped, now of topic {topic!r}"
            self._effects.append(Report("warning", text))
        self._wake(socket)

    def _close_slow(self, socket: int) -> None:
        """Close a client whose outbox is full."""
        outbox = self._sessions[socket].outbox
        reason = f"the page is too slow: {len(outbox)} messages are queued"
        self._effects.append(Report("error", f"closed socket {socket}: {reason}"))
        outbox.clear()  # otherwise the client would read the reason last
        self.close_socket(socket, reason, True, CLOSE_TOO_SLOW)

    def _admit_waiting(self, socket: int) -> None:
        """Send the calls that wait for room in an outbox, while there is room."""
        session = self._sessions[socket]
        if not session.was_full:
            return
        while session.waiting and session.outbox.has_room(session.waiting[0][1]):
            call_id, packet = session.waiting.popleft()
            if self.calls.is_open(call_id, socket):
                self._send(socket, packet)
            else:
                session.take_back(packet)
        if not session.waiting:
            session.was_full = False
        self._effects.append(Writable())


def _published(publication: Packet) -> Any:
    """Return the data of a publication, as a subscriber in Python gets it from a page."""
    [message] = decode(encode([publication]))
    assert isinstance(message, m.Publish)
    return revive(message, _refuse_reference).data if message.specials else message.data


def _refuse_reference(special: m.Special) -> Any:
    raise TypeError(f"a {special.kind} cannot be retained")


def _read_nothing(*_: object) -> bytes:
    raise OSError("files cannot be read without a bridge")


def _socket(handle: Handle | int) -> int:
    return handle if isinstance(handle, int) else handle.socket


def _use(call_id: int, handle: Handle | int, steps: Payload) -> Packet | Unbound:
    if isinstance(handle, int):
        return outgoing(["use", call_id, 0], steps)
    return Unbound(["use", call_id, handle.number], steps, (), None, (handle,))


_HANDLERS: dict[type, Callable[[ProtocolState, int, Any], None]] = {
    m.Call: ProtocolState._on_call,
    m.Notify: ProtocolState._on_notify,
    m.Cancel: ProtocolState._on_cancel,
    m.Names: ProtocolState._on_names,
    m.Return: ProtocolState._on_return,
    m.Error: ProtocolState._on_error,
    m.Fault: ProtocolState._on_fault,
    m.Push: ProtocolState._on_push,
    m.Subscribe: ProtocolState._on_subscribe,
    m.Unsubscribe: ProtocolState._on_unsubscribe,
    m.Publish: ProtocolState._on_publish,
    m.Retain: ProtocolState._on_retain,
    m.Follow: ProtocolState._on_follow,
    m.Patch: ProtocolState._on_patch,
    m.Custom: ProtocolState._on_custom,
    m.Use: ProtocolState._on_use,
    m.Pull: ProtocolState._on_pull,
    m.Items: ProtocolState._on_items,
    m.End: ProtocolState._on_end,
    m.Stop: ProtocolState._on_stop,
    m.Release: ProtocolState._on_release,
    m.Goodbye: ProtocolState._on_goodbye,
    m.Credit: ProtocolState._on_credit,
    m.Decline: ProtocolState._on_decline,
    m.Ack: ProtocolState._on_ack,
    m.Pong: ProtocolState._on_pong,
}
_BY_HAND: dict[str, Callable[[m.UserObject], list[Any]]] = {  # protocol of 2020 -> message
    "function": lambda message: ["notify", message.key, message.data],
    "function_call": lambda message: ["notify", message.key, message.data],
    "queue": lambda message: ["push", 0, message.key, message.data],
    "queue_call": lambda message: ["push", 0, message.key, message.data],
    "pub_call": lambda message: ["publish", 0, message.key, message.data, message.exception is not False],
}
_WITH_SPECIALS = {m.Call, m.Notify, m.Return, m.Push, m.Publish, m.Retain, m.Use, m.Items, m.Patch}
_ABOUT: dict[type, Callable[[Any], str]] = {  # message -> its name in a fault
    m.Call: lambda message: f"function {message.key!r}",
    m.Notify: lambda message: f"call_nowait of {message.key!r}",
    m.Push: lambda message: f"push_nowait to queue {message.key!r}",
    m.Publish: lambda message: f"publish to topic {message.topic!r}",
    m.Retain: lambda message: f"publish to topic {message.topic!r}",
    m.Use: lambda message: f"the object {message.number}",
    m.Patch: lambda message: "a change of the state",
}
_UNCOUNTED = {m.Goodbye, m.Credit, m.Decline, m.Ack, m.Pong}
