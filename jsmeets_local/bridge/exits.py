"""`sys.exit()` in a user's function: it ends the `wait()` or `run()` of the main thread, as it would end that thread.

In a notebook nothing ends: a kernel outlives its cells.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from ..notebook.cells import kernel_shell
from .log import logger
from .portal import Cancel, Done, Operation, Portal

__all__ = ["Exits"]

T = TypeVar("T")


class Exits:
    """The requests of users' functions to end the program. All but `ask` and the waits runs on the portal's loop.

    Attributes:
        asked: Requests that are not carried out yet, with the function that made each.
    """

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self.asked: deque[tuple[SystemExit, str]] = deque()
        self._pending: SystemExit | None = None  # ends the next wait
        self._waits: list[Done[SystemExit]] = []
        self._runs: list[Callable[[], object]] = []

    def ask(self, request: SystemExit, about: str) -> None:
        """Keeps a request, from any thread, until `carry_out`: the page that called gets its answer first."""
        self.asked.append((request, about))

    def carry_out(self) -> None:
        """Ends those who wait, with the requests that were made."""
        while self.asked:
            request, about = self.asked.popleft()
            call = f"{about} called sys.exit({'' if request.code is None else repr(request.code)})"
            if kernel_shell() is not None:
                logger.warning("%s: the kernel of a notebook goes on", call)
                continue
            waits, self._waits = self._waits, []
            self._pending = None if waits else request
            if waits or self._runs:
                logger.info("%s: the program ends", call)
            else:
                logger.warning("%s: it ends run() and wait() in the main thread, which is in neither now", call)
            for end in waits:
                end(request)
            for run in list(self._runs):
                run()

    def forget(self) -> None:
        """What was asked of an earlier server does not end the next one."""
        self.asked.clear()
        self._pending = None

    def check(self) -> None:
        """Raises `SystemExit` in the main thread where it was asked for while nobody waited."""
        if self._pending is not None and _is_program():
            request, self._pending = self._pending, None
            raise SystemExit(request.code)

    def block(self, operation: Operation[T], twin: str) -> T:
        """Waits as `Door.block`; in the main thread a request ends it.

        Raises:
            SystemExit: It was asked for.
        """
        if not _is_program():
            return self._portal.block(operation, twin)
        return _value(self._portal.block(self._interruptible(operation), twin))

    async def awaitable(self, operation: Operation[T]) -> T:
        """Awaits as `Door.awaitable`; in the main thread a request ends it.

        Raises:
            SystemExit: It was asked for.
        """
        if not _is_program():
            return await self._portal.awaitable(operation)
        return _value(await self._portal.awaitable(self._interruptible(operation)))

    @contextmanager
    def told_to(self, run: Callable[[], object]) -> Iterator[None]:
        """Within it, requests also call a function."""
        self._runs.append(run)
        try:
            yield
        finally:
            self._runs.remove(run)

    def _interruptible(self, operation: Operation[T]) -> Operation[T | SystemExit]:
        def start(done: Done[T | SystemExit]) -> Cancel | None:
            if self._pending is not None:
                request, self._pending = self._pending, None
                done(request)
                return None
            cancel: Cancel | None = None

            def ended(value: T) -> None:
                leave()
                done(value)

            def exited(request: SystemExit) -> None:
                if cancel is not None:
                    cancel()
                done(request)

            def leave() -> None:
                if exited in self._waits:
                    self._waits.remove(exited)

            def give_up() -> None:
                leave()
                if cancel is not None:
                    cancel()

            self._waits.append(exited)
            cancel = operation(ended)
            return give_up

        return start


def _is_program() -> bool:
    """Whether this is the thread whose end is the end of the program."""
    return threading.current_thread() is threading.main_thread() and kernel_shell() is None


def _value(outcome: T | SystemExit) -> T:
    if isinstance(outcome, SystemExit):
        raise SystemExit(outcome.code)
    return outcome
