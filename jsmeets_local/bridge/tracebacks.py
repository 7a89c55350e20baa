"""Tracebacks that end at the user's line."""

from __future__ import annotations

import functools
import inspect
import logging
import os
import sys
import threading
from asyncio import CancelledError
from collections.abc import Callable
from types import TracebackType
from typing import Any, ParamSpec, TypeVar, cast

from ..errors import JsPyError

__all__ = ["cut", "end_quietly", "is_users", "public"]

P = ParamSpec("P")
T = TypeVar("T")

_OWN = os.path.dirname(os.path.dirname(__file__))
_STDLIB = os.path.dirname(os.__file__)
_PLAIN = (
    KeyboardInterrupt,
    CancelledError,  # what a kernel makes of an interrupt while a cell awaits
    JsPyError,
    AttributeError,
    LookupError,
    OSError,
    TypeError,
    ValueError,
)  # their message is sufficient for the caller

logger = logging.getLogger("jsmeets_local")


def cut(error: BaseException) -> None:
    """Remove the stack frames of this library from an error that a public function is about to re-raise.

    The stack frame that re-raises an error does not appear in its traceback, so the traceback ends at the caller's
    line. Tracebacks through user functions stay complete, and so do all others while the logger `jsmeets_local`
    is at level DEBUG.
    """
    if not isinstance(error, _PLAIN) or logger.isEnabledFor(logging.DEBUG):
        return
    entry = error.__traceback__
    while entry is not None:
        if is_users(entry.tb_frame.f_code.co_filename):
            return
        entry = entry.tb_next
    error.__traceback__ = None


def is_users(name: str) -> bool:
    """Return whether the file of a stack frame belongs neither to this library nor to the standard library."""
    return not name.startswith((_OWN, "<frozen")) and (not name.startswith(_STDLIB) or "site-packages" in name)


def public(func: Callable[P, T]) -> Callable[P, T]:
    """Decorate a function or a coroutine function so that the tracebacks of its errors end at the caller's line."""
    if inspect.iscoroutinefunction(func):

        @functools.wraps(func)
        async def awaited(*args: P.args, **kwargs: P.kwargs) -> Any:
            try:
                return await func(*args, **kwargs)
            except BaseException as error:
                cut(error)
                raise

        return cast(Callable[P, T], awaited)

    @functools.wraps(func)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return func(*args, **kwargs)
        except BaseException as error:
            cut(error)
            raise

    return call


def end_quietly(error: BaseException) -> None:
    """End the program without a traceback if it does not catch this Ctrl-C, the usual way to end a wait.

    The exit status is that of an interrupted program (130 in a shell). Interactive Python, notebooks, and programs with
    their own `excepthook` show the error as usual.
    """
    if (
        isinstance(error, KeyboardInterrupt)
        and threading.current_thread() is threading.main_thread()
        and sys.excepthook in (sys.__excepthook__, _hook)
        and not hasattr(sys, "ps1")
        and not sys.flags.interactive
        and not logger.isEnabledFor(logging.DEBUG)
    ):
        error.jsmeets_ends = True  # type: ignore[attr-defined]
        sys.excepthook = _hook


def _hook(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if not hasattr(error, "jsmeets_ends"):
        sys.__excepthook__(kind, error, traceback)
