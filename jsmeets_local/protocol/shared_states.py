"""Shared states: the pages that follow each state, the patches that they get, and the changes that they make."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from ..errors import ProtocolError
from . import messages as m
from .codec import Packet, message_packet
from .outbox import STATE_ORDER
from .session import Session
from .state_tree import RefusedChange
from .values import Payload

__all__ = ["SharedState", "SharedStates"]

MAX_STATES = 1000  # a page that has left may come back to its state, unless as many others were made since
OF_PAGE = "page"  # name on the wire of the state of one page; that of the application is ""
NOTHING = Payload(b"null")


class SharedState:
    """State of the application or of a page, used on the loop only, but for `followers`, which any thread may read.

    Args:
        lock: Guards the tree, which any thread may change.
        whole: Returns the packed fields, under the lock.
        news: Returns the packed changes since it was last called, under the lock; `None` if there are none.
        take: Makes the changes of a page, all or none, under the lock. Returns what has changed, packed, or `None`; and
            whether that differs from what the page sent. Raises `RefusedChange`, and `ProtocolError` for a malformed
            change.

    Attributes:
        version: The number of the last patch.
        followers: The sockets that get the patches.
        is_replaced: True once there is a newer state in its place. It is guarded by the lock.
    """

    def __init__(
        self,
        lock: AbstractContextManager[Any],
        whole: Callable[[], Payload],
        news: Callable[[], Payload | None],
        take: Callable[[list[list[Any]]], tuple[Payload | None, bool]],
    ) -> None:
        self.lock = lock
        self.whole = whole
        self.news = news
        self.take = take
        self.version = 0
        self.followers: dict[int, None] = {}
        self.is_replaced = False


class SharedStates:
    """States of a bridge by their keys: "" for that of the application, otherwise the name of a page.

    Args:
        sessions: The sessions, by socket.
        send: Sends a packet to a socket regardless of the limits.
        send_if_room: Sends a packet to a socket, or returns `False` if its outbox is full.

    Attributes:
        by_key: The states, oldest first.
    """

    def __init__(
        self,
        sessions: Mapping[int, Session],
        send: Callable[[int, Packet], None],
        send_if_room: Callable[[int, Packet], bool],
    ) -> None:
        self.by_key: dict[str, SharedState] = {}
        self._following: dict[str, dict[int, None]] = {}  # sockets that follow a state, also before it exists
        self._sessions = sessions
        self._send = send
        self._send_if_room = send_if_room

    # Python --------------------------------------------------------------------------------------------

    def put(self, key: str, state: SharedState) -> None:
        """Add or replace a state."""
        earlier = self.by_key.get(key)
        if earlier is not None:
            with earlier.lock:
                earlier.is_replaced = True
            del self.by_key[key]  # so that the newest is the last
        self.by_key[key] = state
        self.send_whole(key)
        if len(self.by_key) > MAX_STATES:
            self._forget_oldest(key)

    def _forget_oldest(self, newest: str) -> None:
        for key in self.by_key:
            if key not in ("", newest) and key not in self._following:
                self.forget(key)
                return

    def forget(self, key: str) -> None:
        """Remove the state of a page."""
        self.by_key.pop(key, None)

    def send_changes(self, key: str) -> None:
        """Send the changes of Python since the last patch to all followers."""
        state = self.by_key.get(key)
        if state is not None:
            with state.lock:
                self._send_news(key, state)

    def send_whole(self, key: str) -> None:
        """Send the whole state to all its followers."""
        for socket in self._following.get(key, ()):
            self._send_whole_to(socket, key)

    # Pages ---------------------------------------------------------------------------------------------

    def follow(self, socket: int, name: str) -> None:
        """Send a state to a client, now or once it exists, and then its patches.

        Raises:
            ProtocolError: There is no state of this name.
        """
        key = self._key(socket, name)
        self._following.setdefault(key, {})[socket] = None
        self._send_whole_to(socket, key)

    def leave(self, socket: int) -> None:
        """Forget a client."""
        for key, sockets in list(self._following.items()):
            sockets.pop(socket, None)
            if not sockets:
                del self._following[key]
            if key in self.by_key:
                self.by_key[key].followers.pop(socket, None)

    def catch_up(self, socket: int) -> None:
        """Send a client the states whose patches had no room, if there is room."""
        session = self._sessions[socket]
        while session.behind and session.outbox.is_free():
            self._send_whole_to(socket, session.behind.pop())

    def patch(self, socket: int, message: m.Patch) -> str | None:
        """Make the changes of a client, send them to the other followers, and answer.

        Returns:
            The reason if the state refuses a change, otherwise `None`.

        Raises:
            ProtocolError: There is no state of this name, or a change is malformed.
        """
        key = self._key(socket, message.name)
        state = self.by_key.get(key)
        if state is None or socket not in state.followers:  # the state may have ended with the `Page` of the program
            text = "Python no longer has this state"
            self.refuse(socket, message, message.version, m.ErrorInfo("refused", "RefusedChange", text))
            return None
        with state.lock:
            self._send_news(key, state)  # what Python has changed before comes first
            try:
                done, differs = state.take(message.changes)
            except RefusedChange as error:
                self.refuse(socket, message, state.version, m.ErrorInfo("refused", "RefusedChange", str(error)))
                return str(error)
            if done is not None:
                self._send_patch(key, state, done, skip=socket)
        answer = done if done is not None and differs else NOTHING
        self._send(socket, _packet(["patched", message.name, state.version], answer, None))
        return None

    def refuse(self, socket: int, message: m.Patch, version: int, error: m.ErrorInfo) -> None:
        """Answer changes that are not made."""
        self._send(socket, _packet(["patched", message.name, version], NOTHING, error))

    def _key(self, socket: int, name: str) -> str:
        """Return the key of the state that a client calls `name`."""
        if name not in ("", OF_PAGE):
            raise ProtocolError(f"a page has no state {name!r:.60}")
        return self._sessions[socket].page if name else ""

    # Patches -------------------------------------------------------------------------------------------

    def _send_news(self, key: str, state: SharedState) -> None:
        news = state.news()
        if news is not None:
            self._send_patch(key, state, news)

    def _send_patch(self, key: str, state: SharedState, changes: Payload, skip: int | None = None) -> None:
        state.version += 1
        packet = _packet(["patch", _name_on_wire(key), state.version], changes)
        for socket in state.followers:
            behind = self._sessions[socket].behind
            if socket != skip and key not in behind and not self._send_if_room(socket, packet):
                behind.add(key)  # it gets the whole state later

    def _send_whole_to(self, socket: int, key: str) -> None:
        state = self.by_key.get(key)
        if state is None:
            return
        with state.lock:
            self._send_news(key, state)  # to the others
            whole = state.whole()
            state.followers[socket] = None
        self._sessions[socket].behind.discard(key)
        self._send(socket, _packet(["state", _name_on_wire(key), state.version], whole))


def _packet(head: list[Any], payload: Payload, *tail: Any) -> Packet:
    return message_packet(head, payload, tail, STATE_ORDER)


def _name_on_wire(key: str) -> str:
    return OF_PAGE if key else ""
