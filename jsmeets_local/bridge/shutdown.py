"""Shutdown: close windows, stop servers and join their threads before the interpreter is finalized.

A thread that returns from C (an event loop that waits for its sockets, for example) into a finalized interpreter makes
the process crash. Functions that the program registers by `atexit` after it has imported this package run before, and
still find their pages.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress

__all__ = ["at_end", "has_begun", "leave"]

_funcs: list[Callable[[], object]] = []
_begun = False


def at_end(func: Callable[[], object]) -> Callable[[], object]:
    """Call a function when the program ends, the last one first; a decorator.

    A forked process inherits the functions, which have to check that they have nothing to end there.
    """
    _funcs.append(func)
    return func


def has_begun() -> bool:
    """Return whether the program is ending."""
    return _begun


def leave() -> None:
    """End this thread silently if the program is ending, as no code is left to handle an error."""
    if _begun and threading.current_thread() is not threading.main_thread():
        raise SystemExit


@atexit.register
def _end() -> None:
    global _begun
    _begun = True
    with suppress(KeyboardInterrupt), ExitStack() as stack:  # Ctrl-C ends the program at once
        for func in _funcs:
            stack.callback(func)


def _disown() -> None:
    global _begun
    _begun = False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_disown)
