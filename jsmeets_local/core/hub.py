"""The hub: every rule of calls, queues and topics; no wait, no clock, no I/O.

A shell feeds it what happens (`hello`, `receive`, `disconnect`, `expire`) and what Python wants (`call`, `push`,
`publish`, ...). Each leaves effects, which the shell takes with `effects()` and carries out in order.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any, NamedTuple

import msgspec

from ..errors import Disconnected, JavaScriptError, JsPyError, PageUnavailable, ProtocolError, UnknownFunction
from . import message as m
from .arguments import Key
from .broker import Broker
from .calls import CallTable, Finished
from .codec import Packet, message_packet
from .effects import Connected, Deliver, Drop, Effect, Invoke, Left, Report, Send, Settle, Stored, UserMessage
from .functions import Function, FunctionTable
from .queues import Queues
from .values import MAX_MESSAGE_BYTES, Payload, pack

__all__ = ["CLOSE_GOING_AWAY", "CLOSE_KICKED", "CLOSE_PROTOCOL", "REFUSED_BY_LIMIT", "Hub", "close_packet"]

CLOSE_GOING_AWAY = 1001
CLOSE_PROTOCOL = 4400
CLOSE_KICKED = 4403
REFUSED_BY_LIMIT = "Connection refused due to connection limit @python"


class _Socket(NamedTuple):
    document: str
    page: str


class _About(NamedTuple):
    """What a call was, for its errors."""

    protocol: str
    key: Key


class Hub:
    """The state of all pages. One thread touches it."""

    def __init__(self) -> None:
        self.functions = FunctionTable()
        self.queues = Queues()
        self.broker = Broker()
        self.calls = CallTable()
        self.limit = 0  # connections; 0 or less means no limit
        self.max_message_bytes = MAX_MESSAGE_BYTES
        self.settings: dict[str, Any] = {}  # more of what `welcome` tells each page
        self._sockets: dict[int, _Socket] = {}
        self._last_socket = 0
        self._last_id = 0
        self._effects: list[Effect] = []

    def effects(self) -> list[Effect]:
        """Takes what has to be done."""
        taken, self._effects = self._effects, []
        return taken

    # Sockets -------------------------------------------------------------------------------------------

    def sockets(self) -> tuple[int, ...]:
        """The connected sockets, oldest first."""
        return tuple(self._sockets)

    def page_of(self, socket: int) -> str:
        """The name of the page that a connected socket belongs to."""
        return self._sockets[socket].page

    def hello(self, hello: m.Hello, page: str) -> int | None:
        """A page introduces itself.

        Args:
            hello: Its message.
            page: The name to give it if it has none.

        Returns:
            The number of its socket; `None` when the connection limit refuses it (the number is used up).
        """
        self._replace(hello.document)
        self._last_socket += 1
        if 0 < self.limit <= len(self._sockets):
            self._effects.append(Report("warning", f"a page was refused: {self.limit} connections are allowed"))
            return None
        number = self._last_socket
        self._sockets[number] = _Socket(hello.document, hello.page or page)
        for topic in hello.topics:
            self.broker.subscribe(topic, number)
        settings = {"max_message_bytes": self.max_message_bytes, **self.settings}
        self._send(number, message_packet(["welcome", number, hello.page or page, settings]))
        self._effects.append(Connected(number, hello.page or page))
        return number

    def _replace(self, document: str) -> None:
        """A document that comes back before its old connection was seen to break has only one socket."""
        for number, socket in list(self._sockets.items()):
            if socket.document == document:
                self._effects.append(Drop(number, CLOSE_GOING_AWAY, "the page has connected again"))
                self.disconnect(number)

    def disconnect(self, socket: int) -> None:
        """A socket is gone: what it owes ends now, what it hears ends too."""
        gone = self._sockets.pop(socket, None)
        if gone is None:
            return
        self.broker.leave(socket)
        for call_id in self.calls.leave(socket):
            protocol, key = self.calls.about(call_id)
            text = f"The page (socket {socket}) left before it answered {key!r}"
            self._settle(call_id, socket, Disconnected(text, protocol, key, call_id, socket))
        self._effects.append(Left(socket, gone.page))

    def close_socket(self, socket: int, reason: str, reconnect: bool = False, code: int = CLOSE_KICKED) -> bool:
        """Ends a connection.

        Returns:
            Whether there was one.
        """
        if socket not in self._sockets:
            return False
        self._send(socket, close_packet(reason, reconnect))
        self._effects.append(Drop(socket, code, reason))
        self.disconnect(socket)
        return True

    # What pages say ------------------------------------------------------------------------------------

    def receive(self, socket: int, messages: Iterable[m.Message]) -> None:
        """Handles the messages of one frame. Those of a socket that has gone are ignored.

        Raises:
            ProtocolError: A message that a page may not send.
        """
        for message in messages:
            if socket not in self._sockets:
                return
            handler = _HANDLERS.get(type(message))
            if handler is None:
                raise ProtocolError(f"a page may not send {type(message).__name__.lower()!r} here")
            handler(self, socket, message)

    def _on_call(self, socket: int, message: m.Call) -> None:
        function = self.functions.find(message.key)
        if function is None:
            self._send(socket, error_packet(message.id, self._unknown(message.key)))
        else:
            function.running += 1
            self._effects.append(Invoke(socket, message.id, function, message.args))

    def _on_notify(self, socket: int, message: m.Notify) -> None:
        function = self.functions.find(message.key)
        if function is None:
            self._effects.append(Report("error", self._unknown(message.key).message))
        else:
            function.running += 1
            self._effects.append(Invoke(socket, 0, function, message.args))

    def _unknown(self, key: str) -> m.ErrorInfo:
        known = ", ".join(self.functions.keys()) or "nothing"
        text = f"Function key name is not registered @python: {key!r} (exposed: {known})"
        return m.ErrorInfo("unknown", "UnknownFunction", text)

    def _on_return(self, socket: int, message: m.Return) -> None:
        self._settle(message.id, socket, message.value)

    def _on_error(self, socket: int, message: m.Error) -> None:
        if self.calls.is_open(message.id, socket):
            about = self.calls.about(message.id)
            self._settle(message.id, socket, as_exception(message.error, about, message.id, socket))
        else:
            self.calls.ignored += 1

    def _on_fault(self, socket: int, message: m.Fault) -> None:
        error = message.error
        trace = f"\n{error.trace.rstrip()}" if error.trace else ""
        text = f"{message.what} in the page (socket {socket}) raised {error.name}: {error.message}{trace}"
        self._effects.append(Report("error", text))

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
        self._ask(call_id, packet, self.targets(target), deadline, _About("call", key))
        return call_id

    def push(self, key: Key, payload: Payload, target: int | Iterable[int] | None, deadline: float | None) -> int:
        """Puts an item into the pages' queues and asks for an acknowledgement, as `call` does."""
        call_id = self._next_id()
        packet = message_packet(["push", call_id, key], payload, order=("push", key))
        self._ask(call_id, packet, self.targets(target), deadline, _About("push", key))
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
        """Ends the calls whose deadline has come."""
        for finished in self.calls.expire(now):
            self._effects.append(Settle(finished))

    # Inside --------------------------------------------------------------------------------------------

    def _next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def _send(self, socket: int, packet: Packet) -> None:
        self._effects.append(Send(socket, packet))

    def _ask(
        self, call_id: int, packet: Packet, sockets: tuple[int, ...], deadline: float | None, about: _About
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


def close_packet(reason: str, reconnect: bool) -> Packet:
    """What a page hears before its connection is closed."""
    return message_packet(["close", reason, reconnect])


def error_packet(call_id: int, error: m.ErrorInfo) -> Packet:
    """The failure of a request."""
    return message_packet(["error", call_id, error])


def as_exception(error: m.ErrorInfo, about: _About, call_id: int, socket: int) -> JsPyError:
    """What a page's error is in Python."""
    if error.kind == "unknown":
        return UnknownFunction(error.message, about.protocol, about.key, call_id, socket)
    if error.kind in ("unavailable", "refused"):
        return PageUnavailable(error.message, about.protocol, about.key, call_id, socket)
    return JavaScriptError(
        error.message,
        name=error.name,
        stack=error.trace,
        protocol=about.protocol,
        key=about.key,
        id=call_id,
        socket_id=socket,
    )


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
}
