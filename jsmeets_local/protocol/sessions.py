"""Who is there: pages come, lose their connection, come back and go; and what is written to them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from ..errors import ProtocolError
from . import messages as m
from .codec import Packet, message_packet
from .effects import Connected, Drop, Effect, Left, Lost, Report, Resumed, Room, Wake
from .failures import close_packet
from .limits import Limits, Overflow, check_overflow
from .offers import Offers
from .outbox import Outbox
from .session import Session

__all__ = ["CLOSE_GOING_AWAY", "CLOSE_KICKED", "CLOSE_PROTOCOL", "CLOSE_TOO_SLOW", "REFUSED_BY_LIMIT", "Pages"]

CLOSE_GOING_AWAY = 1001
CLOSE_TOO_SLOW = 1013  # "try again later", of the IANA registry of close codes
CLOSE_PROTOCOL = 4400
CLOSE_KICKED = 4403
REFUSED_BY_LIMIT = "Connection refused due to connection limit @python"


class Pages:
    """The pages of a protocol state, each with its socket's number and its outbox."""

    def __init__(self, session: str, limits: Limits) -> None:
        self.session = session
        self.set_limits(limits)
        self.settings: dict[str, Any] = {}  # more of what `welcome` tells each page
        self.policies: dict[str, Overflow] = {}  # of the topics that have one of their own
        self.offers = Offers()
        self._sockets: dict[int, Session] = {}
        self._lost: dict[int, float] = {}  # sockets without a connection: when to give them up
        self._last_socket = 0
        self._effects: list[Effect] = []
        self._woken: set[int] = set()

    def set_limits(self, limits: Limits) -> None:
        """Other limits; the outboxes of pages that are here keep theirs."""
        self.limits = limits
        self.limit = limits.pages  # connections; 0 or less means no limit
        self.resume_seconds = limits.resume_seconds

    def effects(self) -> list[Effect]:
        """Takes what is to be done, in order."""
        taken, self._effects = self._effects, []
        self._woken.clear()
        return taken

    def sockets(self) -> tuple[int, ...]:
        """The numbers of the connected sockets, oldest first; without those that left before they were welcomed."""
        if not self._lost:
            return tuple(self._sockets)
        return tuple(number for number in self._sockets if not self._is_dormant(number))

    def all_sockets(self) -> tuple[int, ...]:
        """As `sockets`, with those that left before they were welcomed and may come back."""
        return tuple(self._sockets)

    def is_confirmed(self, socket: int) -> bool:
        """Whether a page is known to have received its welcome: `Connected` has been told of it."""
        return self._sockets[socket].confirmed

    def _is_dormant(self, socket: int) -> bool:
        return socket in self._lost and not self._sockets[socket].confirmed

    def page_of(self, socket: int) -> str:
        """The name of the page that a connected socket belongs to."""
        return self._sockets[socket].page

    def outbox(self, socket: int) -> Outbox:
        """What is to be written to a socket."""
        return self._sockets[socket].outbox

    def is_lost(self, socket: int) -> bool:
        """Whether a socket is without its connection."""
        return socket in self._lost

    def targets(self, target: int | Iterable[int] | None) -> tuple[int, ...]:
        """The connected sockets that a 2020 `target` means: all, one number, or a collection of numbers."""
        if target is None:
            return self.sockets()
        if isinstance(target, int):
            return (target,) if target in self._sockets else ()
        return tuple(number for number in dict.fromkeys(target) if number in self._sockets)

    # Coming and going ----------------------------------------------------------------------------------

    def hello(self, hello: m.Hello, page: str) -> int | None:
        """A page introduces itself, or comes back.

        Args:
            hello: Its message.
            page: The name to give it if it has none.

        Returns:
            The number of its socket; `None` when the connection limit refuses it (the number is used up).

        Raises:
            ProtocolError: It says that it has received what was not sent, or hears too many topics.
        """
        known = next((number for number, socket in self._sockets.items() if socket.document == hello.document), None)
        if known is not None and hello.session and hello.session == self.session:
            self._resume(known, hello)
            return known
        if len(hello.topics) > self.limits.topics:
            raise ProtocolError(f"{len(hello.topics)} subscriptions; {self.limits.topics} are allowed")
        if known is not None:  # a document has only one socket
            self._effects.append(Drop(known, CLOSE_GOING_AWAY, "the page has connected again"))
            self.disconnect(known)
        return self._add(hello, hello.page or page)

    def _add(self, hello: m.Hello, page: str) -> int | None:
        self._last_socket += 1
        if 0 < self.limit <= len(self.sockets()):
            self._effects.append(Report("warning", f"a page was refused: {self.limit} connections are allowed"))
            return None
        number = self._last_socket
        self._sockets[number] = Session(hello.document, page, self.limits, self.offers)
        self._sockets[number].outbox.fetches = hello.fetches
        self._welcome(number, resumed=False)
        return number

    def _confirm(self, number: int) -> None:
        """The page has received its welcome: it is there."""
        self._sockets[number].confirmed = True
        self._effects.append(Connected(number, self._sockets[number].page))

    def _resume(self, number: int, hello: m.Hello) -> None:
        socket = self._sockets[number]
        socket.outbox.rewind(hello.received)
        socket.outbox.fetches = hello.fetches
        socket.resumed += 1
        self._lost.pop(number, None)
        socket.acknowledged, socket.unacknowledged_bytes = socket.received, 0
        self._welcome(number, resumed=True)
        if socket.confirmed:
            self._effects.append(Resumed(number, socket.page))
        else:
            self._confirm(number)  # it knows the name of the session
        self._has_room(number)

    def _welcome(self, number: int, resumed: bool) -> None:
        socket = self._sockets[number]
        settings = {
            "max_message_bytes": self.limits.message_bytes,
            "session": self.session,
            "resumed": resumed,
            "received": socket.received,
            "resume_seconds": self.resume_seconds,
            **self.settings,
        }
        socket.outbox.put_control(message_packet(["welcome", number, socket.page, settings]))
        self._wake(number)

    def lose(self, socket: int, now: float) -> None:
        """The connection of a socket broke without a goodbye: the page may come back.

        One that has not confirmed its welcome has most probably left before it was there: nobody waits for it. It is
        kept all the same, for the case that the welcome has arrived and the answer has not.
        """
        lost = self._sockets.get(socket)
        if lost is None:
            return
        if self.resume_seconds <= 0:
            self.disconnect(socket)
            return
        lost.outbox.withdraw()
        self._lost[socket] = now + self.resume_seconds
        if lost.confirmed:
            self._effects.append(Lost(socket, lost.page))
        else:
            self._end_calls(socket, lost=False)

    def disconnect(self, socket: int, lost: bool = False) -> None:
        """A page is gone: what it owes ends now, what it hears ends too."""
        gone = self._sockets.pop(socket, None)
        self._lost.pop(socket, None)
        if gone is not None:
            gone.outbox.withdraw()
            self._end(socket, lost and gone.confirmed)
            self._effects += [Left(socket, gone.page, lost), Room()] if gone.confirmed else [Room()]

    def _end(self, socket: int, lost: bool) -> None:
        """What else ends with a page."""

    def _end_calls(self, socket: int, lost: bool) -> int:
        """Ends the calls that a page owes an answer; returns how many they are."""
        return 0

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

    def _give_up_lost(self, now: float) -> None:
        for number in [number for number, until in self._lost.items() if until <= now]:
            self.disconnect(number, lost=True)

    def _next_given_up(self) -> float:
        return min(self._lost.values(), default=math.inf)

    def ping(self, socket: int, now: float) -> None:
        """Asks a page for a sign of life, which tells the round-trip time."""
        if socket in self._sockets:
            self._sockets[socket].outbox.put_control(message_packet(["ping", now]))
            self._wake(socket)

    def ponged(self, socket: int, seconds: float) -> None:
        """It took so long."""
        if socket in self._sockets:
            self._sockets[socket].round_trip = seconds

    def _page_stats(self, number: int) -> dict[str, Any]:
        session = self._sockets[number]
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
        }

    # Writing -------------------------------------------------------------------------------------------

    def set_policy(self, topic: str, policy: Overflow | None) -> None:
        """What happens to publications on a topic for a page whose outbox is full; `None`: as everywhere."""
        if policy is None:
            self.policies.pop(topic, None)
        else:
            check_overflow(policy)
            self.policies[topic] = policy

    def is_free(self, sockets: Iterable[object]) -> bool:
        """Whether all these pages have room; those that have not are told of when they do."""
        full = [session for session in map(self._sockets.get, sockets) if session and not session.outbox.is_free()]  # type: ignore[arg-type]
        for session in full:
            session.was_full = True
        return not full

    def _wake(self, socket: int) -> None:
        if socket not in self._woken:
            self._woken.add(socket)
            self._effects.append(Wake(socket))

    def _send(self, socket: int, packet: Packet) -> None:
        """Answers, which the page waits for: there are no more than it has asked for."""
        self._sockets[socket].outbox.put(packet)
        self._wake(socket)

    def _send_or_part(self, socket: int, packet: Packet) -> None:
        """What nobody waits for: a page that has no room for it is too slow."""
        if self._sockets[socket].outbox.has_room(packet):
            self._send(socket, packet)
        else:
            self._part(socket)

    def _send_when_free(self, socket: int, call_id: int, packet: Packet) -> None:
        """What a caller waits for, as long as its time allows."""
        session = self._sockets[socket]
        if session.waiting or not session.outbox.has_room(packet):
            session.was_full = True
            session.waiting.append((call_id, packet))
        else:
            self._send(socket, packet)

    def _send_publication(self, socket: int, packet: Packet, topic: str) -> None:
        session, policy = self._sockets[socket], self.policies.get(topic, self.limits.overflow)
        if policy == "disconnect" and not session.outbox.has_room(packet):
            self._part(socket)
            return
        whole = session.outbox.put_latest(packet) if policy == "latest" else session.outbox.put_droppable(packet)
        if not whole and not session.was_told:
            session.was_told = True
            text = f"the page (socket {socket}) is too slow: publications for it are dropped, now of topic {topic!r}"
            self._effects.append(Report("warning", text))
        self._wake(socket)

    def _part(self, socket: int) -> None:
        """Sends a page away that takes too slowly what is sent to it."""
        waiting = len(self._sockets[socket].outbox)
        reason = f"the page is too slow: {waiting} messages wait for it"
        self._effects.append(Report("error", f"socket {socket} is closed: {reason}"))
        self._sockets[socket].outbox.clear()  # or it would not hear the reason before it has taken all that
        self.close_socket(socket, reason, True, CLOSE_TOO_SLOW)

    def _has_room(self, socket: int) -> None:
        """The page has taken something: who waited for that goes on."""
        session = self._sockets[socket]
        if not session.was_full:
            return
        while session.waiting and session.outbox.has_room(session.waiting[0][1]):
            call_id, packet = session.waiting.popleft()
            if self._is_wanted(call_id, socket):
                self._send(socket, packet)
        if not session.waiting:
            session.was_full = False
        self._effects.append(Room())

    def _is_wanted(self, call_id: int, socket: int) -> bool:
        """Whether somebody still waits for the answer to a call."""
        return True
