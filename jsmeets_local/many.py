"""Many calls of one function of a page as one operation: all in flight at once, one waiting for them all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from .core.calls import Finished
from .core.values import Payload
from .door import Done
from .shell import BURST, Shell

__all__ = ["Many"]


class Many:
    """Runs on the loop, `BURST` calls a turn: the page handles the first ones while the others are made.

    Args:
        shell: Makes the calls.
        key: Of the function.
        socket: Of the page.
        payloads: The arguments of each call; at least one.
        limit: Seconds for all of them, or `None`.
        outcome: What the end of a call means.
        done: Gets the outcomes, in the order of `payloads`, when all are there.
    """

    def __init__(
        self,
        shell: Shell,
        key: str,
        socket: int,
        payloads: Sequence[Payload],
        limit: float | None,
        outcome: Callable[[Finished], Any],
        done: Done[list[Any]],
    ) -> None:
        self._shell = shell
        self._key = key
        self._socket = socket
        self._loop = asyncio.get_running_loop()
        self._payloads = payloads
        self._deadline = None if limit is None else self._loop.time() + limit
        self._outcome = outcome
        self._done = done
        self._outcomes: list[Any] = [None] * len(payloads)
        self._missing = len(payloads)
        self._places: dict[int, int] = {}  # of the calls, by their numbers

    def begin(self) -> None:
        """Makes the next calls."""
        start = len(self._places)
        payloads = self._payloads[start : start + BURST]
        if not payloads:
            return
        self._loop.call_soon(self._shell.door.turn, self.begin)
        self._shell.do(self._call, start, payloads)

    def cancel(self) -> None:
        """Nobody waits any more."""
        self._payloads = ()
        for call_id in self._places:
            self._shell.give_up(call_id)

    def _call(self, start: int, payloads: Sequence[Payload]) -> None:
        ids = self._shell.hub.call_many(self._key, payloads, self._socket, self._deadline)
        self._places.update(zip(ids, range(start, start + len(ids)), strict=True))
        self._shell.await_all(ids, self._put)

    def _put(self, finished: Finished) -> None:
        self._outcomes[self._places[finished.id]] = self._outcome(finished)
        self._missing -= 1
        if not self._missing:
            self._done(self._outcomes)
