"""Timers of the event loop that make up for the time in which the loop was stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

__all__ = ["Timer"]

LATE = 0.05  # seconds after which a timer counts as late
MOST = 1.0  # the longest extension, in seconds


class Timer:
    """Timer that leaves the loop time to handle what has arrived while it was stopped.

    A blocked loop, a busy interpreter or a sleeping computer holds up messages, but not the clock. A timer that is late
    waits again for as long as it was late, at most `MOST` seconds.

    Args:
        loop: The event loop.
        due: The time at which to call the function, on the clock of the loop.
        func: The function.
    """

    __slots__ = ("_due", "_func", "_handle", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop, due: float, func: Callable[[], object]) -> None:
        self._loop = loop
        self._due = due
        self._func = func
        self._handle = loop.call_at(due, self._fire)

    def cancel(self) -> None:
        self._handle.cancel()

    def _fire(self) -> None:
        late = self._loop.time() - self._due
        if late > LATE:
            self._handle = self._loop.call_later(min(late, MOST), self._func)
        else:
            self._func()
