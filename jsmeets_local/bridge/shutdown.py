"""Shutdown at the end of the program, and clean-up in a forked process.

Windows are closed, servers are stopped and their threads are joined before the interpreter is finalized: a thread that
returns from C code (an event loop that waits for its sockets, for example) into a finalized interpreter crashes the
process. Functions that the program registers with `atexit` after importing this package run first, while its pages are
still open.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import TypeVar

__all__ = ["after_fork", "at_shutdown", "has_begun", "leave"]

F = TypeVar("F", bound=Callable[[], object])

_at_shutdown: list[Callable[[], object]] = []
_after_fork: list[Callable[[], object]] = []
_begun = False


def at_shutdown(func: F) -> F:
    """Register a function to call when the program ends, in reverse order of registration.

    A forked process inherits the functions but has nothing to end, which each function must check itself.
    """
    _at_shutdown.append(func)
    return func


def after_fork(func: F) -> F:
    """Register a function to call in each forked process, in order of registration."""
    _after_fork.append(func)
    return func


def has_begun() -> bool:
    """Return whether the program is ending."""
    return _begun


def leave() -> None:
    """End this thread silently if the program is ending, as no code could handle the exception to be raised."""
    if _begun and threading.current_thread() is not threading.main_thread():
        raise SystemExit


@atexit.register
def _end() -> None:
    global _begun
    _begun = True
    with suppress(KeyboardInterrupt), ExitStack() as stack:  # Ctrl-C skips the rest of the shutdown
        for func in _at_shutdown:
            stack.callback(func)


@after_fork
def _reset() -> None:
    global _begun
    _begun = False


def _clean_up_fork() -> None:
    for func in _after_fork:
        func()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_clean_up_fork)
