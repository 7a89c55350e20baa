"""The call table: every call ends exactly once, for each socket that was asked and as a whole."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from typing import Any

import msgspec

__all__ = ["CallTable", "Finished"]


class Finished(msgspec.Struct, frozen=True, gc=False):
    """A call that has ended.

    Attributes:
        id: The call.
        answers: What each socket said, in the order in which they were asked; silent ones are absent.
        timed_out: Whether it ended by its deadline, with sockets still silent.
    """

    id: int
    answers: dict[int, Any]
    timed_out: bool = False


class _Call:
    __slots__ = ("about", "answers", "asked", "waiting")

    def __init__(self, asked: tuple[int, ...], about: Any) -> None:
        self.asked = asked
        self.about = about
        self.waiting = set(asked)
        self.answers: dict[int, Any] = {}


class CallTable:
    """The open calls. One slot per (call, socket): filled once, by that socket only."""

    def __init__(self) -> None:
        self._calls: dict[int, _Call] = {}
        self._by_socket: dict[int, set[int]] = {}
        self._deadlines: list[tuple[float, int]] = []
        self.ignored = 0  # answers that came late, twice, or from a socket that was not asked

    def __len__(self) -> int:
        return len(self._calls)

    def open(self, call_id: int, sockets: Iterable[int], deadline: float | None = None, about: Any = None) -> None:
        """Opens a call to at least one socket.

        Args:
            call_id: Unique among all calls.
            sockets: Who is asked.
            deadline: When it ends at the latest, in the seconds that `expire` is given; `None` for never.
            about: What the caller wants to remember of it.
        """
        call = _Call(tuple(sockets), about)
        self._calls[call_id] = call
        for socket in call.asked:
            self._by_socket.setdefault(socket, set()).add(call_id)
        if deadline is not None:
            heapq.heappush(self._deadlines, (deadline, call_id))

    def settle(self, call_id: int, socket: int, answer: Any) -> Finished | None:
        """Fills a slot.

        Returns:
            The call, if this was its last open slot. An answer that nobody waits for is counted and ignored.
        """
        call = self._calls.get(call_id)
        if call is None or socket not in call.waiting:
            self.ignored += 1
            return None
        call.waiting.discard(socket)
        self._forget(socket, call_id)
        call.answers[socket] = answer
        return None if call.waiting else self._finish(call_id)

    def is_open(self, call_id: int, socket: int) -> bool:
        """Whether this socket still owes an answer to this call."""
        call = self._calls.get(call_id)
        return call is not None and socket in call.waiting

    def about(self, call_id: int) -> Any:
        """What `open` was told about an open call."""
        return self._calls[call_id].about

    def leave(self, socket: int) -> list[int]:
        """The calls that a socket still owes an answer, oldest first: settle each of them."""
        return sorted(self._by_socket.get(socket, ()))

    def cancel(self, call_id: int) -> None:
        """Ends a call that nobody waits for any more."""
        if call_id in self._calls:
            self._finish(call_id)

    def expire(self, now: float) -> list[Finished]:
        """Ends the calls whose deadline has come."""
        ended = []
        while self._deadlines and self._deadlines[0][0] <= now:
            _, call_id = heapq.heappop(self._deadlines)
            if call_id in self._calls:
                ended.append(self._finish(call_id, timed_out=True))
        return ended

    def next_deadline(self) -> float | None:
        """The deadline of the open call that ends first."""
        while self._deadlines and self._deadlines[0][1] not in self._calls:
            heapq.heappop(self._deadlines)
        return self._deadlines[0][0] if self._deadlines else None

    def _finish(self, call_id: int, timed_out: bool = False) -> Finished:
        call = self._calls.pop(call_id)
        if len(self._deadlines) > 2 * len(self._calls) + 64:  # mostly of calls that have ended
            self._deadlines = [entry for entry in self._deadlines if entry[1] in self._calls]
            heapq.heapify(self._deadlines)
        for socket in call.waiting:
            self._forget(socket, call_id)
        answers = call.answers
        if len(answers) > 1:
            answers = {socket: answers[socket] for socket in call.asked if socket in answers}
        return Finished(call_id, answers, timed_out)

    def _forget(self, socket: int, call_id: int) -> None:
        calls = self._by_socket[socket]
        calls.discard(call_id)
        if not calls:
            del self._by_socket[socket]
