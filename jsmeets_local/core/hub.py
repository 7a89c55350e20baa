"""The hub: every rule of calls, queues and topics; no wait, no clock, no I/O.

A shell feeds it what happens (`hello`, `receive`, `disconnect`, `expire`) and what Python wants (`call`, `push`,
`publish`, ...). Each leaves effects, which the shell takes with `effects()` and carries out in order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable
from typing import Any

import msgspec

from ..errors import ProtocolError
from . import message as m
from .arguments import Key
from .broker import Broker
from .calls import CallTable, Finished
from .codec import Packet, message_packet
from .effects import (
    Connected,
    Deliver,
    Drop,
    Effect,
    Invoke,
    Left,
    Lost,
    Report,
    Resumed,
    Settle,
    Stored,
    UserMessage,
    Wake,
)
from .failures import About, as_exception, close_packet, error_packet, fault_text, parting, unknown
from .functions import Function, FunctionTable
from .link import Link
from .outbox import Outbox
from .queues import Queues
from .values import MAX_MESSAGE_BYTES, Payload, pack

__all__ = ["CLOSE_GOING_AWAY", "CLOSE_KICKED", "CLOSE_PROTOCOL", "REFUSED_BY_LIMIT", "Hub"]

CLOSE_GOING_AWAY = 1001
CLOSE_PROTOCOL = 4400
CLOSE_KICKED = 4403
RESUME_SECONDS = 10.0  # for which a page whose connection broke is waited for
REFUSED_BY_LIMIT = "Connection refused due to connection limit @python"


class Hub:
    """The state of all pages. One thread touches it.

    Args:
        session: A name that no other hub has: a page that comes back to another one begins anew.
    """

    def __init__(self, session: str = "") -> None:
        self.session = session
        self.resume_seconds = RESUME_SECONDS
        self.functions = FunctionTable()
        self.queues = Queues()
        self.broker = Broker()
        self.calls = CallTable()
        self.limit = 0  # connections; 0 or less means no limit
        self.max_message_bytes = MAX_MESSAGE_BYTES
        self.settings: dict[str, Any] = {}  # more of what `welcome` tells each page
        self._sockets: dict[int, Link] = {}
        self._lost: dict[int, float] = {}  # sockets without a connection: when to give them up
        self._last_socket = 0
        self._last_id = 0
        self._effects: list[Effect] = []
        self._woken: set[int] = set()

    def effects(self) -> list[Effect]:
        """Takes what has to be done."""
        taken, self._effects = self._effects, []
        self._woken.clear()
        return taken

    # Sockets -------------------------------------------------------------------------------------------

    def sockets(self) -> tuple[int, ...]:
        """The connected sockets, oldest first."""
        return tuple(self._sockets)

    def page_of(self, socket: int) -> str:
        """The name of the page that a connected socket belongs to."""
        return self._sockets[socket].page

    def outbox(self, socket: int) -> Outbox:
        """What is to be written to a socket."""
        return self._sockets[socket].outbox

    def hello(self, hello: m.Hello, page: str) -> int | None:
        """A page introduces itself, or comes back.

        Args:
            hello: Its message.
            page: The name to give it if it has none.

        Returns:
            The number of its socket; `None` when the connection limit refuses it (the number is used up).

        Raises:
            ProtocolError: It says that it has received what was not sent.
        """
        known = next((number for number, socket in self._sockets.items() if socket.document == hello.document), None)
        if known is not None and hello.session and hello.session == self.session:
            self._resume(known, hello.received)
            return known
        if known is not None:  # a document has only one socket
            self._effects.append(Drop(known, CLOSE_GOING_AWAY, "the page has connected again"))
            self.disconnect(known)
        return self._add(hello, hello.page or page)

    def _add(self, hello: m.Hello, page: str) -> int | None:
        self._last_socket += 1
        if 0 < self.limit <= len(self._sockets):
            self._effects.append(Report("warning", f"a page was refused: {self.limit} connections are allowed"))
            return None
        number = self._last_socket
        self._sockets[number] = Link(hello.document, page)
        for topic in hello.topics:
            self.broker.subscribe(topic, number)
        self._welcome(number, resumed=False)
        self._effects.append(Connected(number, page))
        return number

    def _resume(self, number: int, received: int) -> None:
        socket = self._sockets[number]
        socket.outbox.rewind(received)
        self._lost.pop(number, None)
        socket.acknowledged, socket.unacknowledged_bytes = socket.received, 0
        self._welcome(number, resumed=True)
        self._effects.append(Resumed(number, socket.page))

    def _welcome(self, number: int, resumed: bool) -> None:
        socket = self._sockets[number]
        settings = {
            "max_message_bytes": self.max_message_bytes,
            "session": self.session,
            "resumed": resumed,
            "received": socket.received,
            "resume_seconds": self.resume_seconds,
            **self.settings,
        }
        socket.outbox.put_control(message_packet(["welcome", number, socket.page, settings]))
        self._wake(number)

    def lose(self, socket: int, now: float) -> None:
        """The connection of a socket broke without a goodbye: the page may come back."""
        lost = self._sockets.get(socket)
        if lost is None:
            return
        if self.resume_seconds <= 0:
            self.disconnect(socket)
            return
        self._lost[socket] = now + self.resume_seconds
        self._effects.append(Lost(socket, lost.page))

    def is_lost(self, socket: int) -> bool:
        """Whether a socket is without its connection."""
        return socket in self._lost

    def disconnect(self, socket: int, lost: bool = False) -> None:
        """A page is gone: what it owes ends now, what it hears ends too."""
        gone = self._sockets.pop(socket, None)
        self._lost.pop(socket, None)
        if gone is None:
            return
        self.broker.leave(socket)
        owed = self.calls.leave(socket)
        for call_id in owed:
            protocol, key = self.calls.about(call_id)
            self._settle(call_id, socket, parting(lost, protocol, key, call_id, socket))
        if lost:
            text = f"the connection to a page (socket {socket}) was lost, and it did not come back"
            self._effects.append(Report("warning", f"{text}: {len(owed)} calls may or may not have run"))
        self._effects.append(Left(socket, gone.page, lost))

    def close_socket(self, socket: int, reason: str, reconnect: bool = False, code: int = CLOSE_KICKED) -> bool:
        """Ends a connection.

        Returns:
            Whether there was one.
        """
        if socket not in self._sockets:
            return False
        self._sockets[socket].outbox.put(close_packet(reason, reconnect))
        self._effects.append(Drop(socket, code, reason))
        self.disconnect(socket)
        return True

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
            if socket not in self._sockets:
                return
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

    def _on_ack(self, socket: int, message: m.Ack) -> None:
        self._sockets[socket].outbox.acknowledge(message.received)

    def give_credit(self, socket: int, stream: int) -> None:
        """A chunk of a stream has been taken: the page may send another one."""
        if socket in self._sockets:
            self._sockets[socket].outbox.put_control(message_packet(["credit", stream, 1]))
            self._wake(socket)

    def _on_call(self, socket: int, message: m.Call) -> None:
        function = self.functions.find(message.key)
        if function is None:
            self._send(socket, error_packet(message.id, unknown(message.key, self.functions.keys())))
        else:
            function.running += 1
            self._effects.append(Invoke(socket, message.id, function, message.args))

    def _on_notify(self, socket: int, message: m.Notify) -> None:
        function = self.functions.find(message.key)
        if function is None:
            self._effects.append(Report("error", unknown(message.key, self.functions.keys()).message))
        else:
            function.running += 1
            self._effects.append(Invoke(socket, 0, function, message.args))

    def _on_return(self, socket: int, message: m.Return) -> None:
        self._settle(message.id, socket, message.value)

    def _on_error(self, socket: int, message: m.Error) -> None:
        if self.calls.is_open(message.id, socket):
            about = self.calls.about(message.id)
            self._settle(message.id, socket, as_exception(message.error, about, message.id, socket))
        else:
            self.calls.ignored += 1

    def _on_fault(self, socket: int, message: m.Fault) -> None:
        self._effects.append(Report("error", fault_text(socket, message)))

    def _on_push(self, socket: int, message: m.Push) -> None:
        self.queues.put(message.key, message.data)
        self._effects.append(Stored(message.key))
        self._acknowledge(socket, message.id, True)

    def _on_subscribe(self, socket: int, message: m.Subscribe) -> None:
        self.broker.subscribe(message.topic, socket)
        self._acknowledge(socket, message.id, True)

    def _on_unsubscribe(self, socket: int, message: m.Unsubscribe) -> None:
        self._acknowledge(socket, message.id, self.broker.unsubscribe(message.topic, socket))

    def _on_publish(self, socket: int, message: m.Publish) -> None:
        try:
            payload = pack(message.data, "data")
        except TypeError as error:  # deeper than what may be sent on
            raise ProtocolError(str(error)) from None
        self._publish(message.topic, message.data, payload, skip=socket if message.suppress else None)
        self._acknowledge(socket, message.id, True)

    def _on_custom(self, socket: int, message: m.Custom) -> None:
        self._effects.append(UserMessage(socket, msgspec.structs.asdict(message.object)))

    def _on_goodbye(self, socket: int, message: m.Goodbye) -> None:
        self._effects.append(Drop(socket, CLOSE_GOING_AWAY, "goodbye"))
        self.disconnect(socket)

    def _acknowledge(self, socket: int, request: int, done: bool) -> None:
        if request:
            self._send(socket, message_packet(["return", request, done]))

    # What Python wants ---------------------------------------------------------------------------------

    def targets(self, target: int | Iterable[int] | None) -> tuple[int, ...]:
        """The connected sockets that a 2020 `target` means: all, one number, or a collection of numbers."""
        if target is None:
            return self.sockets()
        wanted = [target] if isinstance(target, int) else list(dict.fromkeys(target))
        return tuple(number for number in wanted if number in self._sockets)

    def call(self, key: str, payload: Payload, target: int | Iterable[int] | None, deadline: float | None) -> int:
        """Calls a function in pages. Ends with `Settle`, at once when no page is asked.

        Returns:
            The number of the call.
        """
        call_id = self._next_id()
        packet = message_packet(["call", call_id, key], payload)
        self._ask(call_id, packet, self.targets(target), deadline, About("call", key))
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
            self._send(socket, packet)

    def publish(self, topic: str, data: Any, payload: Payload, suppress: bool = False) -> None:
        """Publishes; `suppress` keeps it from the subscribers in this process."""
        self._publish(topic, data, payload, local=not suppress)

    def answer(self, socket: int, function: Function, packet: Packet | None) -> None:
        """A function has ended; `packet` is its answer, if one is wanted."""
        function.running -= 1
        if packet is not None and socket in self._sockets:
            self._send(socket, packet)

    def expire(self, now: float) -> None:
        """Ends the calls whose deadline has come, and gives up pages that did not come back."""
        for finished in self.calls.expire(now):
            self._effects.append(Settle(finished))
        for number in [number for number, until in self._lost.items() if until <= now]:
            self.disconnect(number, lost=True)

    def next_deadline(self) -> float | None:
        """When `expire` has something to do."""
        call = self.calls.next_deadline()
        if not self._lost:
            return call
        return min(*self._lost.values(), math.inf if call is None else call)

    # Inside --------------------------------------------------------------------------------------------

    def _next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def _send(self, socket: int, packet: Packet) -> None:
        self._sockets[socket].outbox.put(packet)
        self._wake(socket)

    def _wake(self, socket: int) -> None:
        if socket not in self._woken:
            self._woken.add(socket)
            self._effects.append(Wake(socket))

    def _ask(
        self, call_id: int, packet: Packet, sockets: tuple[int, ...], deadline: float | None, about: About
    ) -> None:
        if not sockets:
            self._effects.append(Settle(Finished(call_id, {})))
            return
        self.calls.open(call_id, sockets, deadline, about)
        for socket in sockets:
            self._send(socket, packet)

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
                self._send(subscriber, packet)
            elif local:
                self._effects.append(Deliver(subscriber, topic, data))


_HANDLERS: dict[type, Callable[[Hub, int, Any], None]] = {
    m.Call: Hub._on_call,
    m.Notify: Hub._on_notify,
    m.Return: Hub._on_return,
    m.Error: Hub._on_error,
    m.Fault: Hub._on_fault,
    m.Push: Hub._on_push,
    m.Subscribe: Hub._on_subscribe,
    m.Unsubscribe: Hub._on_unsubscribe,
    m.Publish: Hub._on_publish,
    m.Custom: Hub._on_custom,
    m.Goodbye: Hub._on_goodbye,
    m.Credit: Hub._on_credit,
    m.Ack: Hub._on_ack,
}
_UNCOUNTED = {m.Goodbye, m.Credit, m.Ack}
