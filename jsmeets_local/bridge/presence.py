"""Presence of pages across reloads and short disconnections.

It changes on the loop of the bridge only. Any thread may read its attributes and `state()`.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Any

from .bridge import Bridge, Watcher
from .dispatcher import Listener
from .portal import Cancel, Done, Operation
from .timers import Timer
from .waiters import Waiters, add_waiter

__all__ = ["GRACE", "PagePresence", "PresenceTracker", "SocketPresence", "check_grace"]

GRACE = 2.0  # seconds without a connection after which a page is closed; a reload takes less


def check_grace(grace: float | None) -> float | None:
    """Check a grace time in seconds; 0 closes at once, `None` never.

    Raises:
        TypeError: `grace` is not a number.
        ValueError: `grace` is negative or not finite.
    """
    if grace is None:
        return None
    if isinstance(grace, bool) or not isinstance(grace, (int, float)):
        raise TypeError(f"grace must be a number of seconds, or None to wait forever; got {grace!r}")
    if not 0 <= grace < math.inf:
        raise ValueError(f"grace must be at least 0, or None to wait forever; got {grace!r}")
    return float(grace)


class PresenceTracker:
    """Presence of all pages of a bridge: closed when the last one has been away for the grace time.

    Args:
        bridge: The bridge.
        grace: Seconds; `None` if only Python closes pages.

    Attributes:
        sockets: The sockets of the pages, oldest first.
        away: The sockets without a connection, which may be resumed.
        socket: The newest socket, preferably one that is connected; `None` if there is none.
        closed: True after pages were connected and away for longer than the grace time.
        over: True after Python has closed it permanently.
    """

    def __init__(self, bridge: Bridge, grace: float | None = GRACE) -> None:
        self.grace = grace
        self._portal = bridge.portal
        self._bridge = bridge
        self.sockets = [
            socket
            for socket in bridge.protocol.sockets()
            if bridge.protocol.is_confirmed(socket) and self._counts(socket, bridge.protocol.page_of(socket))
        ]
        self.away = {socket for socket in self.sockets if bridge.protocol.is_lost(socket)}
        self.closed = False
        self.over = False
        self._was_connected = bool(self.sockets)
        self._connect_waiters: Waiters = deque()
        self._close_waiters: Waiters = deque()
        self._timer: Timer | None = None
        self.state_listeners: list[Listener] = []
        self._last_state = self.state()
        self.socket = self._newest()
        self._watcher = Watcher(self._connected, self._connection_lost, self._resumed, self._left, self._named)
        bridge.watchers.add(self._watcher)

    def _counts(self, socket: int, page: str) -> bool:
        return True

    def state(self) -> str:
        """Return "connecting" (not yet connected), "open", "reconnecting" (it may come back) or "closed"."""
        if self.closed:
            return "closed"
        if len(self.sockets) > len(self.away):
            return "open"
        return "reconnecting" if self._was_connected else "connecting"

    def _newest(self) -> int | None:
        connected = [socket for socket in self.sockets if socket not in self.away] or self.sockets
        return connected[-1] if connected else None

    def _changed(self) -> None:
        """Select the socket. Notify the state listeners after this callback of the loop: they see its last state."""
        self.socket = self._newest()
        if self._portal.loop is not None:
            self._portal.loop.call_soon(self._tell_state)

    def _tell_state(self) -> None:
        state = self.state()
        if state != self._last_state:
            self._last_state = state
            for listener in list(self.state_listeners):
                self._bridge.tell(listener, state)

    def set_grace(self, grace: float | None) -> None:
        """Set the grace time, and restart it if no page is connected."""
        self.grace = grace
        self._stop_timer()
        if self._was_connected and not self.sockets and not self.closed:
            self._start_timer()

    def end(self) -> None:
        """Close permanently, and end all waits."""
        if not self.over:
            self.over = self.closed = True
            self._bridge.watchers.discard(self._watcher)
            self._stop_timer()
            self._changed()
            _serve(self._close_waiters)
            _serve(self._connect_waiters)

    def when_connected(self, done: Done[Any], timeout: float | None = None) -> Cancel | None:
        """Call `done` once a page is connected, or all are closed; with `TIMED_OUT` after the timeout (seconds)."""
        if self.sockets or self.over:
            done(True)
            return None
        return add_waiter(self._connect_waiters, self._portal, timeout, done)

    def when_newer(self, than: int | None, done: Done[Any]) -> Cancel | None:
        """Call `done` once a socket other than `than` is the newest, or all pages are closed."""
        if self.socket != than or self.over:
            done(True)
            return None
        return add_waiter(self._connect_waiters, self._portal, None, done)

    def when_closed(self, done: Done[Any], timeout: float | None = None) -> Cancel | None:
        """Call `done` once all pages are closed; with `TIMED_OUT` after the timeout (seconds)."""
        if self.closed:
            done(True)
            return None
        return add_waiter(self._close_waiters, self._portal, timeout, done)

    def wait_until_connected(self, timeout: float | None) -> Operation[bool]:
        """Return an operation that waits for a connection; its value is True if there is one."""
        return lambda done: self.when_connected(lambda _: done(bool(self.sockets)), timeout)

    def wait_closed(self, timeout: float | None) -> Operation[bool]:
        """Return an operation that waits until all pages are closed; its value is True if they are."""
        return lambda done: self.when_closed(lambda _: done(self.closed), timeout)

    def _connected(self, socket: int, page: str) -> None:
        if self._counts(socket, page):
            self.sockets.append(socket)
            self._was_connected = True
            self.closed = False
            self._stop_timer()
            self._changed()
            _serve(self._connect_waiters)

    def _connection_lost(self, socket: int, page: str) -> None:
        if socket in self.sockets:
            self.away.add(socket)
            self._changed()

    def _resumed(self, socket: int, page: str) -> None:
        self.away.discard(socket)
        self._changed()

    def _left(self, socket: int, page: str, lost: bool) -> None:
        if socket in self.sockets:
            self.sockets.remove(socket)
            self.away.discard(socket)
            if not self.sockets:
                self._start_timer(waited=lost)
            self._changed()

    def _named(self, socket: int) -> None:
        """Handle the names of a client; only those of a single page matter."""

    def _start_timer(self, waited: bool = False) -> None:
        """Start the grace time, which ends at once if the protocol state has already waited for the client."""
        if self.grace is not None and self._portal.loop is not None:
            loop = self._portal.loop
            self._timer = Timer(loop, loop.time() + (0 if waited else self.grace), self._close)

    def _close(self) -> None:
        self._timer = None
        self.closed = True
        self._changed()
        _serve(self._close_waiters)
        _serve(self._connect_waiters)  # of callers that expected a reload

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class PagePresence(PresenceTracker):
    """Presence of one page, which may be open twice (in a duplicated tab)."""

    def __init__(self, bridge: Bridge, page: str, grace: float | None = GRACE) -> None:
        self._page = page
        self._name_waiters: dict[str, Waiters] = {}
        self.last_names: frozenset[str] = frozenset()  # what the page exposed when it last told so
        super().__init__(bridge, grace)

    def _counts(self, socket: int, page: str) -> bool:
        return page == self._page

    def _exposes(self, name: str) -> bool:
        return self.socket is not None and name in self._bridge.protocol.names(self.socket)

    def when_named(self, name: str, done: Done[Any], timeout: float | None) -> Cancel | None:
        """Call `done` once the page has announced a function of this name; with `TIMED_OUT` after the timeout."""
        if self._exposes(name):
            done(True)
            return None
        return add_waiter(self._name_waiters.setdefault(name, deque()), self._portal, timeout, done)

    def _connected(self, socket: int, page: str) -> None:
        super()._connected(socket, page)
        self._named(socket)  # the names may be what has completed the connection

    def _named(self, socket: int) -> None:
        if socket in self.sockets:
            self.last_names = self._bridge.protocol.names(socket)
        for name in list(self._name_waiters):
            if self._exposes(name):
                _serve(self._name_waiters.pop(name))


class SocketPresence(PagePresence):
    """Presence of one document, by its socket. It ends when the document leaves, also by a reload."""

    def __init__(self, bridge: Bridge, socket: int, page: str) -> None:
        self._socket = socket
        super().__init__(bridge, page, None)
        if not self.sockets:
            self.end()

    def _counts(self, socket: int, page: str) -> bool:
        return socket == self._socket

    def _left(self, socket: int, page: str, lost: bool) -> None:
        super()._left(socket, page, lost)
        if not self.sockets:
            self.end()


def _serve(waiters: Waiters) -> None:
    for resolve in list(waiters):
        resolve(True)
