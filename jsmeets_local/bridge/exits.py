"""Requests to end the program: `sys.exit()` in a user's function ends the `wait()` or `run()` of the main thread.

A notebook ignores them, as a kernel outlives its cells.
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

__all__ = ["ExitRequests"]

T = TypeVar("T")


class ExitRequests:
    """Requests of the user's functions to end the program. `carry_out` and `clear` are called on the portal's loop.

    Attributes:
        requests: Requests that have not been carried out, each with a description of its function.
    """

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self.requests: deque[tuple[SystemExit, str]] = deque()
        self._next: SystemExit | None = None  # ends the next wait
        self._waits: list[Done[SystemExit]] = []
        self._runs: list[Callable[[], object]] = []

    def add(self, request: SystemExit, about: str) -> None:
        """Add a request, from any thread. `carry_out` follows, once the client that called has its answer."""
        self.requests.append((request, about))

    def carry_out(self) -> None:
        """End the waits of the main thread, for each request."""
        while self.requests:
            request, about = self.requests.popleft()
            call = f"{about} called sys.exit({'' if request.code is None else repr(request.code)})"
            if kernel_shell() is not None:
                logger.warning("%s: ignored, because a notebook kernel keeps running", call)
                continue
            waits, self._waits = self._waits, []
            self._next = None if waits else request
            if waits or self._runs:
                logger.info("%s: stopping the program", call)
            else:
                logger.warning(
                    "%s: the main thread is in neither run() nor wait(); its next run() or wait() exits immediately",
                    call,
                )
            for end in waits:
                end(request)
            for run in list(self._runs):
                run()

    def clear(self) -> None:
        """Remove the requests made under an earlier server."""
        self.requests.clear()
        self._next = None

    def check(self) -> None:
        """Raise `SystemExit` in the main thread if a request came while nothing waited."""
        if self._next is not None and _is_program():
            request, self._next = self._next, None
            raise SystemExit(request.code)

    def block(self, operation: Operation[T], awaitable: str) -> T:
        """Wait as `Portal.block` does. In the main thread, a request ends the wait.

        Raises:
            SystemExit: A function has requested it.
        """
        if not _is_program():
            return self._portal.block(operation, awaitable)
        return _value(self._portal.block(self._interruptible(operation), awaitable))

    async def awaitable(self, operation: Operation[T]) -> T:
        """Await as `Portal.awaitable` does. In the main thread, a request ends the wait.

        Raises:
            SystemExit: A function has requested it.
        """
        if not _is_program():
            return await self._portal.awaitable(operation)
        return _value(await self._portal.awaitable(self._interruptible(operation)))

    @contextmanager
    def on_request(self, run: Callable[[], object]) -> Iterator[None]:
        """Call `run` on each request, within a `with` block."""
        self._runs.append(run)
        try:
            yield
        finally:
            self._runs.remove(run)

    def _interruptible(self, operation: Operation[T]) -> Operation[T | SystemExit]:
        def start(done: Done[T | SystemExit]) -> Cancel | None:
            if self._next is not None:
                request, self._next = self._next, None
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

            def cancel_both() -> None:
                leave()
                if cancel is not None:
                    cancel()

            self._waits.append(exited)
            cancel = operation(ended)
            return cancel_both

        return start


def _is_program() -> bool:
    """Return whether the end of this thread ends the program."""
    return threading.current_thread() is threading.main_thread() and kernel_shell() is None


def _value(outcome: T | SystemExit) -> T:
    if isinstance(outcome, SystemExit):
        raise SystemExit(outcome.code)
    return outcome
