"""Warnings about user functions that block an event loop.

An async function that blocks the loop of the bridge is detected by timing its steps, as in asyncio's debug mode. A
blocking call inside a user's coroutine, on any loop, is detected by inspecting the call stack.
"""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import Awaitable, Generator
from time import monotonic
from types import FrameType
from typing import Any

from .log import logger

__all__ = ["BlockedLoops", "TimedAwaitable"]

SLOW = 0.1  # seconds that a step of a coroutine may take, as asyncio's `slow_callback_duration`

_COROUTINES = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
_PACKAGE = __name__.partition(".")[0]
_KERNELS = frozenset({"IPython", "ipykernel", "marimo"})


class TimedAwaitable(Awaitable[Any]):
    """Awaitable that logs a warning for each step that blocks the loop for longer than `SLOW`.

    Args:
        value: The result of the async function.
        about: Description of the function, for the log.
    """

    def __init__(self, value: Awaitable[Any], about: str) -> None:
        self._steps = _await(value)
        self._about = about

    def __await__(self) -> Generator[Any, Any, Any]:
        sent: Any = None
        thrown: BaseException | None = None
        while True:
            began = monotonic()
            try:
                wanted = self._steps.send(sent) if thrown is None else self._steps.throw(thrown)
            except StopIteration as end:
                return end.value
            finally:
                self._check(monotonic() - began)
            try:
                sent, thrown = (yield wanted), None
            except BaseException as error:  # noqa: BLE001 - a cancellation, for example, which the coroutine handles
                thrown = error

    def _check(self, seconds: float) -> None:
        if seconds > SLOW:
            logger.warning(
                "%s blocked the bridge's event loop for %.1f s: all pages waited. Make it a plain function, which runs "
                "in a thread, or await asyncio.to_thread(...) for what takes long",
                self._about,
                seconds,
            )


async def _await(value: Awaitable[Any]) -> Any:
    return await value


class BlockedLoops:
    """Detector of blocking calls inside coroutines, which warns once for each line.

    A notebook cell does not count, although the kernel's loop runs it, and runs it as a coroutine if it awaits.
    """

    def __init__(self) -> None:
        self._known: set[tuple[str, int]] = set()

    def check(self, awaitable: str) -> None:
        """Warn if a user's coroutine is about to block its loop.

        Args:
            awaitable: The awaitable equivalent.
        """
        if asyncio._get_running_loop() is None:
            return
        line: FrameType | None = sys._getframe(1)
        while line is not None and _package_of(line) == _PACKAGE:
            line = line.f_back
        if line is None or (place := (line.f_code.co_filename, line.f_lineno)) in self._known:
            return
        coroutine = _coroutine_around(line)
        if coroutine is not None:
            self._known.add(place)
            logger.warning(
                "%s:%d blocks the event loop in which %s() runs, and its other tasks, while it waits for a page: use "
                "%s instead",
                *place,
                coroutine.f_code.co_qualname,
                awaitable,
            )


def _coroutine_around(frame: FrameType | None) -> FrameType | None:
    """Return the frame of the coroutine function that contains a line, or `None`; notebook cells do not count."""
    while frame is not None and _package_of(frame) not in _KERNELS:
        if frame.f_code.co_flags & _COROUTINES and not frame.f_code.co_name.startswith("<"):
            return frame
        frame = frame.f_back
    return None


def _package_of(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]
