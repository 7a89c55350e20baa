"""Whether a page is there: followed through reloads and short disconnections. Lives on the bridge's loop."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from typing import Any

from .bridge import Bridge, Watcher
from .dispatcher import Listener
from .portal import Cancel, Done, Operation
from .waiters import Waiters, join_waiters

__all__ = ["GRACE", "PagePresence", "PresenceTracker", "check_grace"]

GRACE = 2.0  # seconds without a connection after which a page counts as closed; a reload takes less


def check_grace(grace: float | None) -> float | None:
    """A grace time in seconds; 0 closes at once, `None` never.

    Raises:
        TypeError: It is no number.
        ValueError: It is negative or no finite number.
    """
    if grace is None:
        return None
    if isinstance(grace, bool) or not isinstance(grace, (int, float)):
        raise TypeError(f"grace is a number of seconds, or None for no end; got {grace!r}")
    if not 0 <= grace < math.inf:
        raise ValueError(f"grace is 0 or more seconds, or None for no end; got {grace!r}")
    return float(grace)


class PresenceTracker:
    """All pages of a bridge together: closed when the last one has been gone for the grace time.

    Args:
        bridge: Their bridge.
        grace: Seconds; `None` where pages close only by Python.
    """

    def __init__(self, bridge: Bridge, grace: float | None = GRACE) -> None:
        self.grace = grace
        self._portal = bridge.portal
        self._bridge = bridge
        self.sockets = [
            socket
            for socket in bridge.protocol.sockets()
            if bridge.protocol.is_confirmed(socket) and self._counts(bridge.protocol.page_of(socket))
        ]
        self.away = {socket for socket in self.sockets if bridge.protocol.is_lost(socket)}  # may come back
        self.closed = False  # has been here, and has been gone for longer than the grace time
        self.over = False  # Python has closed it: it will not come back
        self._was_here = bool(self.sockets)
        self._arrivals: Waiters = deque()
        self._ends: Waiters = deque()
        self._timer: asyncio.TimerHandle | None = None
        self.state_listeners: list[Listener] = []
        self._told = self.state()
        self._watcher = Watcher(self._arrived, self._connection_lost, self._resumed, self._left)
        bridge.watchers.add(self._watcher)

    def _counts(self, page: str) -> bool:
        return True

    def state(self) -> str:
        """Its state: "connecting" until it first came, "open", "reconnecting" while it may come back, or "closed"."""
        if self.closed:
            return "closed"
        if len(self.sockets) > len(self.away):
            return "open"
        return "reconnecting" if self._was_here else "connecting"

    def _changed(self) -> None:
        """Tells of another state; once, where several things happen in one turn of the loop."""
        if self._portal.loop is not None:
            self._portal.loop.call_soon(self._tell_state)

    def _tell_state(self) -> None:
        state = self.state()
        if state != self._told:
            self._told = state
            for listener in list(self.state_listeners):
                self._bridge.tell(listener, state)

    def set_grace(self, grace: float | None) -> None:
        """Another grace time, which begins now where nobody is here any more."""
        self.grace = grace
        self._stop_timer()
        if self._was_here and not self.sockets and not self.closed:
            self._start_timer()

    def end(self) -> None:
        """It will not come back: whoever waits is told now."""
        if not self.over:
            self.over = self.closed = True
            self._bridge.watchers.discard(self._watcher)
            self._stop_timer()
            self._changed()
            _serve(self._ends)
            _serve(self._arrivals)

    def when_connected(self, done: Done[Any], timeout: float | None = None) -> Cancel | None:
        """Calls `done` once a socket is here, or it is closed; with `NOTHING` after the timeout (seconds)."""
        if self.sockets or self.over:
            done(True)
            return None
        return join_waiters(self._arrivals, self._portal, timeout, done)

    def when_closed(self, done: Done[Any], timeout: float | None = None) -> Cancel | None:
        """Calls `done` once it is closed; with `NOTHING` after the timeout (seconds)."""
        if self.closed:
            done(True)
            return None
        return join_waiters(self._ends, self._portal, timeout, done)

    def wait_until_connected(self, timeout: float | None) -> Operation[bool]:
        """An operation: whether a socket is here within the timeout (seconds)."""
        return lambda done: self.when_connected(lambda _: done(bool(self.sockets)), timeout)

    def wait_closed(self, timeout: float | None) -> Operation[bool]:
        """An operation: whether it is closed within the timeout (seconds)."""
        return lambda done: self.when_closed(lambda _: done(self.closed), timeout)

    def _arrived(self, socket: int, page: str) -> None:
        if self._counts(page):
            self.sockets.append(socket)
            self._was_here = True
            self.closed = False
            self._stop_timer()
            self._changed()
            _serve(self._arrivals)

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

    def _start_timer(self, waited: bool = False) -> None:
        """One that was waited for already, and did not come, gets no second grace time."""
        if self.grace is not None and self._portal.loop is not None:
            self._timer = self._portal.loop.call_later(0 if waited else self.grace, self._close)

    def _close(self) -> None:
        self._timer = None
        self.closed = True
        self._changed()
        _serve(self._ends)
        _serve(self._arrivals)  # whoever hoped that it was only reloading

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class PagePresence(PresenceTracker):
    """One page. A page may be open twice (a duplicated tab); its newest socket speaks for it."""

    def __init__(self, bridge: Bridge, page: str, grace: float | None = GRACE) -> None:
        self._page = page
        super().__init__(bridge, grace)

    def _counts(self, page: str) -> bool:
        return page == self._page

    def socket(self) -> int | None:
        """The socket to talk to: the newest one, of those whose connection is not lost where there are any."""
        if not self.away:
            return self.sockets[-1] if self.sockets else None
        there = [socket for socket in self.sockets if socket not in self.away] or self.sockets
        return there[-1] if there else None


def _serve(waiters: Waiters) -> None:
    for served in list(waiters):
        served(True)
