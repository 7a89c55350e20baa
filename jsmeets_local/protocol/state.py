"""The protocol state: every rule of calls, queues and topics; no wait, no clock, no I/O.

A shell feeds it what happens (`hello`, `receive`, `disconnect`, `expire`) and what Python wants (`call`, `push`,
`publish`, ...). Each leaves effects, which the shell takes with `effects()` and carries out in order.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any

import msgspec

from ..errors import JsPyError, MessageTooBig, ProtocolError, UnknownFunction
from . import messages as m
from .arguments import Key
from .calls import CallTable, Finished
from .codec import Packet, message_packet
from .effects import Deliver, Drop, Invoke, Ponged, Report, Settle, Stored, UserMessage
from .failures import About, as_exception, error_packet, fault_text, parting, unknown
from .functions import FunctionTable
from .limits import Limits
from .queues import Queues
from .sessions import CLOSE_GOING_AWAY, Pages
from .topics import Broker
from .values import Payload, pack

__all__ = ["ProtocolState"]

MOST_UNCAUGHT = 50  # errors of a page that no script of it caught, in the log; our own pages tell of no more
MOST_OF_A_NOTE = 500  # characters of one, in a note


class ProtocolState(Pages):
    """The state of all pages. One thread touches it.

    Args:
        session: A name that no other hub has: a page that comes back to another one begins anew.
        limits: How much pages may take.
    """

    def __init__(self, session: str = "", limits: Limits | None = None) -> None:
        super().__init__(session, limits or Limits())
        self.functions = FunctionTable()
        self.queues = Queues(self.limits.queue_items, self._stored)
        self.broker = Broker()
        self.calls = CallTable()
        self._last_id = 0

    def set_limits(self, limits: Limits) -> None:
        """Other limits; the outboxes of pages that are here keep theirs."""
        super().set_limits(limits)
        if hasattr(self, "queues"):
            self.queues.max_items = limits.queue_items

    def hello(self, hello: m.Hello, page: str) -> int | None:
        """As `ProtocolState.hello`; a new page hears its topics."""
        number = super().hello(hello, page)
        if number is not None and not self.broker.count(number):
            for topic in hello.topics:
                self.broker.subscribe(topic, number)
        return number

    def _end(self, socket: int, lost: bool) -> None:
        self.broker.leave(socket)
        owed = self._end_calls(socket, lost)
        if lost:
            text = f"the connection to a page (socket {socket}) was lost, and it did not come back"
            self._effects.append(Report("warning", f"{text}: {owed} calls may or may not have run"))

    def _end_calls(self, socket: int, lost: bool) -> int:
        owed = self.calls.leave(socket)
        for call_id in owed:
            about = self.calls.about(call_id)
            self._settle(call_id, socket, parting(lost, about.protocol, about.key, call_id, socket))
        return len(owed)

    def _is_wanted(self, call_id: int, socket: int) -> bool:
        return self.calls.is_open(call_id, socket)

    # What pages say ------------------------------------------------------------------------------------

    def receive(self, socket: int, messages: Iterable[m.Message], size: int = 0) -> None:
        """Handles the messages of one frame. Those of a socket that has gone are ignored.

        Args:
            socket: Who says it.
            messages: What is said.
            size: Bytes of the frame.

        Raises:
            ProtocolError: A message that a page may not send.
        """
        counted = 0
        for message in messages:
            session = self._sockets.get(socket)
            if session is None:
                return
            if not session.confirmed and type(message) is not m.Goodbye:
                self._confirm(socket)
            handler = _HANDLERS.get(type(message))
            if handler is None:
                raise ProtocolError(f"a page may not send {type(message).__name__.lower()!r} here")
            counted += type(message) not in _UNCOUNTED
            handler(self, socket, message)
        page = self._sockets.get(socket)
        if page is not None and counted and page.count(counted, size):
            self._wake(socket)

    def _on_credit(self, socket: int, message: m.Credit) -> None:
        self._sockets[socket].outbox.credit(message.stream, message.count)
        self._wake(socket)

    def _on_decline(self, socket: int, message: m.Decline) -> None:
        self._sockets[socket].outbox.decline(message.stream)
        self._wake(socket)

    def _on_ack(self, socket: int, message: m.Ack) -> None:
        self._sockets[socket].outbox.acknowledge(message.received)
        self._has_room(socket)

    def _on_pong(self, socket: int, message: m.Pong) -> None:
        self._effects.append(Ponged(socket, message.sent))

    def give_credit(self, socket: int, stream: int, count: int) -> None:
        """So many chunks of a stream have been taken: the page may send as many more."""
        if socket in self._sockets:
            self._sockets[socket].outbox.put_control(message_packet(["credit", stream, count]))
            self._wake(socket)

    def _on_call(self, socket: int, message: m.Call) -> None:
        function = self.functions.find(message.key)
        if function is None:
            self._send(socket, error_packet(message.id, unknown(message.key, self.functions.keys())))
        elif self._sockets[socket].running >= self.limits.calls:
            self._send(socket, error_packet(message.id, self._too_many()))
        else:
            self._sockets[socket].running += 1
            function.running += 1
            self._effects.append(Invoke(socket, message.id, function, message.args))

    def _too_many(self) -> m.ErrorInfo:
        text = f"{self.limits.calls} calls of this page are running; Limits(calls=...) allows more"
        return m.ErrorInfo("refused", "TooManyCalls", text)

    def _on_notify(self, socket: int, message: m.Notify) -> None:
        function = self.functions.find(message.key)
        if function is None:
            self._effects.append(Report("error", unknown(message.key, self.functions.keys()).message))
        elif self._sockets[socket].running >= self.limits.calls:
            self._fail(socket, 0, f"call_nowait of {message.key!r}", self._too_many())
        else:
            self._sockets[socket].running += 1
            function.running += 1
            self._effects.append(Invoke(socket, 0, function, message.args))

    def _on_return(self, socket: int, message: m.Return) -> None:
        self._settle(message.id, socket, message.value)

    def _on_error(self, socket: int, message: m.Error) -> None:
        if self.calls.is_open(message.id, socket):
            about = self.calls.about(message.id)
            error = as_exception(message.error, about, message.id, socket)
            if isinstance(error, UnknownFunction):
                self.note_uncaught(socket, error)
            self._settle(message.id, socket, error)
        else:
            self.calls.ignored += 1

    def _on_fault(self, socket: int, message: m.Fault) -> None:
        if message.error.kind == "uncaught":
            session = self._sockets[socket]
            session.uncaught_count += 1
            if session.uncaught_count > MOST_UNCAUGHT:
                return
            session.uncaught.append(f"{message.error.name}: {message.error.message}"[:MOST_OF_A_NOTE])
        self._effects.append(Report("error", fault_text(socket, message)))

    def note_uncaught(self, socket: int, error: JsPyError) -> None:
        """Adds a note to an error: what went wrong in the page, which may be why."""
        session = self._sockets.get(socket)
        if session is not None and session.uncaught:
            error.add_note("\n  ".join(["Uncaught errors of the page:", *session.uncaught]))

    def _on_push(self, socket: int, message: m.Push) -> None:
        refused = self.queues.offer(message.key, message.data, (socket, message.id) if message.id else None)
        if refused is None:
            return
        error = m.ErrorInfo("refused", "QueueFull", refused)
        self._fail(socket, message.id, f"push_nowait to queue {message.key!r}", error)

    def _stored(self, key: Key, ticket: tuple[int, int] | None) -> None:
        """An item is in its queue; who waits for that hears it."""
        self._effects.append(Stored(key))
        if ticket is not None:
            self._acknowledge(*ticket, True)

    def _on_subscribe(self, socket: int, message: m.Subscribe) -> None:
        if self.broker.count(socket) >= self.limits.topics:
            text = f"{self.limits.topics} topics are subscribed; Limits(topics=...) allows more"
            self._send(socket, error_packet(message.id, m.ErrorInfo("refused", "TooManyTopics", text)))
            return
        self.broker.subscribe(message.topic, socket)
        self._acknowledge(socket, message.id, True)

    def _on_unsubscribe(self, socket: int, message: m.Unsubscribe) -> None:
        self._acknowledge(socket, message.id, self.broker.unsubscribe(message.topic, socket))

    def _on_publish(self, socket: int, message: m.Publish) -> None:
        try:
            payload = pack(message.data, "data", self.limits.message_bytes)
        except (TypeError, MessageTooBig) as error:  # deeper than what may be sent on, or longer in Python's JSON
            is_too_big = isinstance(error, MessageTooBig)
            info = m.ErrorInfo("refused" if is_too_big else "unserializable", type(error).__name__, str(error))
            self._fail(socket, message.id, f"publish to topic {message.topic!r}", info)
            return
        self._publish(message.topic, message.data, payload, skip=socket if message.suppress else None)
        self._acknowledge(socket, message.id, True)

    def _on_custom(self, socket: int, message: m.Custom) -> None:
        self._effects.append(UserMessage(socket, msgspec.structs.asdict(message.object)))

    def take_by_hand(self, socket: int, message: m.UserObject) -> bool:
        """Handles a message that a page has built by hand in the form of 2020; nobody waits for an answer.

        Returns:
            Whether it is one.

        Raises:
            ProtocolError: It is of the wrong shape.
        """
        translate = _BY_HAND.get(message.protocol) if isinstance(message.protocol, str) else None
        if translate is None:
            return False
        try:
            native = msgspec.convert(translate(message), m.Message)
        except msgspec.ValidationError as error:
            raise ProtocolError(str(error)) from None
        if socket in self._sockets:
            _HANDLERS[type(native)](self, socket, native)
        return True

    def _on_goodbye(self, socket: int, message: m.Goodbye) -> None:
        self._effects.append(Drop(socket, CLOSE_GOING_AWAY, "goodbye"))
        self.disconnect(socket)

    def _acknowledge(self, socket: int, request: int, done: bool) -> None:
        if request and socket in self._sockets:
            self._send(socket, message_packet(["return", request, done]))

    def _fail(self, socket: int, request: int, what: str, error: m.ErrorInfo) -> None:
        """Tells a page what failed: the caller, or its console where nobody waits."""
        failed = error_packet(request, error) if request else message_packet(["fault", what, error])
        self._send(socket, failed)

    # What Python wants ---------------------------------------------------------------------------------

    def call(
        self,
        key: str,
        payload: Payload,
        target: int | Iterable[int] | None,
        deadline: float | None,
        about: str | None = None,
    ) -> int:
        """Calls a function in pages. Ends with `Settle`, at once when no page is asked.

        Args:
            key: The function.
            payload: Its arguments.
            target: Who is asked; see `targets`.
            deadline: When it ends at the latest.
            about: The function that its errors name, if that is another one.

        Returns:
            The number of the call.
        """
        call_id = self._next_id()
        packet = message_packet(["call", call_id, key], payload)
        self._ask(call_id, packet, self.targets(target), deadline, About("call", about or key))
        return call_id

    def push(self, key: Key, payload: Payload, target: int | Iterable[int] | None, deadline: float | None) -> int:
        """Puts an item into the pages' queues and asks for an acknowledgement, as `call` does."""
        call_id = self._next_id()
        packet = message_packet(["push", call_id, key], payload, order=("push", key))
        self._ask(call_id, packet, self.targets(target), deadline, About("push", key))
        return call_id

    def notify(self, key: str, payload: Payload, target: int | Iterable[int] | None) -> None:
        """Calls a function in pages and wants no answer."""
        self.send(message_packet(["notify", key], payload), target)

    def push_nowait(self, key: Key, payload: Payload, target: int | Iterable[int] | None) -> None:
        """Puts an item into the pages' queues and wants no acknowledgement."""
        self.send(message_packet(["push", 0, key], payload, order=("push", key)), target)

    def custom(self, payload: Payload, protocol: str, target: int | Iterable[int] | None) -> None:
        """Sends a message of the user's own protocol."""
        self.send(message_packet(["custom"], payload, order=("custom", protocol)), target)

    def send(self, packet: Packet, target: int | Iterable[int] | None) -> None:
        """Writes one packet to several sockets."""
        for socket in self.targets(target):
            self._send_or_part(socket, packet)

    def publish(self, topic: str, data: Any, payload: Payload, suppress: bool = False) -> None:
        """Publishes; `suppress` keeps it from the subscribers in this process."""
        self._publish(topic, data, payload, local=not suppress)

    def answer(self, answers: Iterable[tuple[Invoke, Packet | None]]) -> None:
        """Functions have ended, each with its answer, if one is wanted."""
        for call, packet in answers:
            call.function.running -= 1
            session = self._sockets.get(call.socket)
            if session is not None:
                session.running -= 1
                if packet is not None:
                    self._send(call.socket, packet)

    def expire(self, now: float) -> None:
        """Ends the calls whose deadline has come, and gives up pages that did not come back."""
        for finished in self.calls.expire(now):
            self._effects.append(Settle(finished))
        self._give_up_lost(now)

    def next_deadline(self) -> float | None:
        """When `expire` has something to do."""
        call = self.calls.next_deadline()
        if not self._lost:
            return call
        lost = self._next_given_up()
        return lost if call is None else min(lost, call)

    def stats(self) -> dict[str, Any]:
        """What is there and what has been, in numbers; `Bridge.stats` says what each is."""
        return {
            "pages": [self._page_stats(number) for number in self._sockets],
            "pending_calls": len(self.calls),
            "ignored_answers": self.calls.ignored,
            "queues": {str(key): self.queues.size(key) for key in self.queues.keys()},  # noqa: SIM118 - no dict
            "queue_items_dropped": self.queues.dropped,
            "topics": {topic: len(self.broker.subscribers(topic)) for topic in self.broker.names()},
        }

    # Inside --------------------------------------------------------------------------------------------

    def _next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def _ask(
        self, call_id: int, packet: Packet, sockets: tuple[int, ...], deadline: float | None, about: About
    ) -> None:
        if not sockets:
            self._effects.append(Settle(Finished(call_id, {})))
            return
        self.calls.open(call_id, sockets, deadline, about)
        for socket in sockets:
            self._send_when_free(socket, call_id, packet)

    def _settle(self, call_id: int, socket: int, answer: Any) -> None:
        finished = self.calls.settle(call_id, socket, answer)
        if finished is not None:
            self._effects.append(Settle(finished))

    def _publish(self, topic: str, data: Any, payload: Payload, skip: Hashable = None, local: bool = True) -> None:
        packet = None
        for subscriber in self.broker.subscribers(topic):
            if subscriber == skip:
                continue
            if isinstance(subscriber, int):
                packet = packet or message_packet(["publish", 0, topic], payload, [False], order=("publish", topic))
                self._send_publication(subscriber, packet, topic)
            elif local:
                self._effects.append(Deliver(subscriber, topic, data))


_HANDLERS: dict[type, Callable[[ProtocolState, int, Any], None]] = {
    m.Call: ProtocolState._on_call,
    m.Notify: ProtocolState._on_notify,
    m.Return: ProtocolState._on_return,
    m.Error: ProtocolState._on_error,
    m.Fault: ProtocolState._on_fault,
    m.Push: ProtocolState._on_push,
    m.Subscribe: ProtocolState._on_subscribe,
    m.Unsubscribe: ProtocolState._on_unsubscribe,
    m.Publish: ProtocolState._on_publish,
    m.Custom: ProtocolState._on_custom,
    m.Goodbye: ProtocolState._on_goodbye,
    m.Credit: ProtocolState._on_credit,
    m.Decline: ProtocolState._on_decline,
    m.Ack: ProtocolState._on_ack,
    m.Pong: ProtocolState._on_pong,
}
_BY_HAND: dict[str, Callable[[m.UserObject], list[Any]]] = {  # protocol of 2020 -> our message
    "function": lambda message: ["notify", message.key, message.data],
    "function_call": lambda message: ["notify", message.key, message.data],
    "queue": lambda message: ["push", 0, message.key, message.data],
    "queue_call": lambda message: ["push", 0, message.key, message.data],
    "pub_call": lambda message: ["publish", 0, message.key, message.data, message.exception is not False],
}
_UNCOUNTED = {m.Goodbye, m.Credit, m.Decline, m.Ack, m.Pong}
