"""The end of the program, while Python is still whole: windows are closed, servers stop, their threads are waited for.

A thread that is in C by then (an event loop that waits for its sockets, say) and comes back into a Python that has
taken itself apart makes the process crash. What the program has registered by `atexit`, after it has imported us, comes
before this and finds its pages as they were.
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
    """Has a function called when the program ends, the last one first; a decorator.

    A process that was forked has nothing to end: it inherits the functions, which have to see that.
    """
    _funcs.append(func)
    return func


def has_begun() -> bool:
    """Whether the program ends."""
    return _begun


def leave() -> None:
    """Ends this thread, without a word, where the program ends: nobody is left who could mend what it would raise."""
    if _begun and threading.current_thread() is not threading.main_thread():
        raise SystemExit


@atexit.register
def _end() -> None:
    global _begun
    _begun = True
    with suppress(KeyboardInterrupt), ExitStack() as stack:  # who presses Ctrl-C by now wants it at once
        for func in _funcs:
            stack.callback(func)


def _disown() -> None:
    global _begun
    _begun = False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_disown)
