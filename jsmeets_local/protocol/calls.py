"""Table of open calls. A call ends exactly once for each socket, and exactly once as a whole."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from typing import Any

import msgspec

__all__ = ["CallTable", "Finished"]


class Finished(msgspec.Struct, frozen=True, gc=False):
    """A call that has ended.

    Attributes:
        id: The number of the call.
        answers: Answers by socket, in the order of the request; sockets without an answer are absent.
        timed_out: True if the deadline ended the call before all sockets had answered.
        unanswered: The sockets that had not answered.
        about: The object that was passed to `open`.
    """

    id: int
    answers: dict[int, Any]
    timed_out: bool = False
    unanswered: frozenset[int] = frozenset()
    about: Any = None


class _Call(msgspec.Struct):
    sockets: tuple[int, ...]
    about: Any
    pending: set[int]
    answers: dict[int, Any]


class CallTable:
    """Table of open calls, with a slot for each socket called. Only that socket fills its slot, once.

    Attributes:
        deadlines: Heap of deadlines and call numbers. Entries of calls that have ended are removed lazily.
        ignored: Number of answers that were late, repeated, or from a socket that was not called.
    """

    def __init__(self) -> None:
        self._calls: dict[int, _Call] = {}
        self._by_socket: dict[int, set[int]] = {}
        self.deadlines: list[tuple[float, int]] = []
        self.ignored = 0

    def __len__(self) -> int:
        return len(self._calls)

    def open(self, call_id: int, sockets: Iterable[int], deadline: float | None = None, about: Any = None) -> None:
        """Open a call to at least one socket.

        Args:
            call_id: The unique number of the call.
            sockets: The sockets to call.
            deadline: The time at which the call ends at the latest, on the clock of `expire`; `None` for no limit.
            about: Any object, for `about` to return.
        """
        sockets = tuple(sockets)
        self._calls[call_id] = _Call(sockets, about, set(sockets), {})
        for socket in sockets:
            self._by_socket.setdefault(socket, set()).add(call_id)
        if deadline is not None:
            heapq.heappush(self.deadlines, (deadline, call_id))

    def answer(self, call_id: int, socket: int, answer: Any) -> Finished | None:
        """Fill a slot. Count and ignore an answer without an open slot.

        Returns:
            The finished call if this was its last open slot, else `None`.
        """
        call = self._calls.get(call_id)
        if call is None or socket not in call.pending:
            self.ignored += 1
            return None
        call.pending.discard(socket)
        self._forget(socket, call_id)
        call.answers[socket] = answer
        return None if call.pending else self._finish(call_id)

    def is_open(self, call_id: int, socket: int) -> bool:
        """Return whether an open call still waits for the answer of a socket."""
        call = self._calls.get(call_id)
        return call is not None and socket in call.pending

    def about(self, call_id: int) -> Any:
        """Return the object that was passed to `open`."""
        return self._calls[call_id].about

    def pending(self, socket: int) -> list[int]:
        """Return the calls that a socket has not answered, oldest first."""
        return sorted(self._by_socket.get(socket, ()))

    def cancel(self, call_id: int) -> Finished | None:
        """End a call whose caller has stopped waiting; return `None` if it has ended already."""
        return self._finish(call_id) if call_id in self._calls else None

    def expire(self, now: float) -> list[Finished]:
        """End the calls whose deadline has passed."""
        ended = []
        while self.deadlines and self.deadlines[0][0] <= now:
            _, call_id = heapq.heappop(self.deadlines)
            if call_id in self._calls:
                ended.append(self._finish(call_id, timed_out=True))
        return ended

    def next_deadline(self) -> float | None:
        """Return the earliest deadline of the open calls, or `None`."""
        while self.deadlines and self.deadlines[0][1] not in self._calls:
            heapq.heappop(self.deadlines)
        return self.deadlines[0][0] if self.deadlines else None

    def _finish(self, call_id: int, timed_out: bool = False) -> Finished:
        call = self._calls.pop(call_id)
        if len(self.deadlines) > 2 * len(self._calls) + 64:  # mostly of calls that have ended
            self.deadlines = [entry for entry in self.deadlines if entry[1] in self._calls]
            heapq.heapify(self.deadlines)
        for socket in call.pending:
            self._forget(socket, call_id)
        answers = call.answers
        if len(answers) > 1:
            answers = {socket: answers[socket] for socket in call.sockets if socket in answers}
        if not call.pending:
            return Finished(call_id, answers, timed_out)
        return Finished(call_id, answers, timed_out, frozenset(call.pending), call.about)

    def _forget(self, socket: int, call_id: int) -> None:
        calls = self._by_socket[socket]
        calls.discard(call_id)
        if not calls:
            del self._by_socket[socket]
