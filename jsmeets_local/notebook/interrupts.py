"""Interrupts of a kernel while a cell awaits.

ipykernel cancels an awaiting cell in a signal handler, which schedules a callback on the event loop. The loop waits for
I/O in the same thread: Python runs the handler, and resumes that wait. Without other I/O, the callback runs when the
next timer of the loop fires, many seconds later.
"""

from __future__ import annotations

import asyncio
import functools
import signal
import socket
import threading
from weakref import WeakSet

from .cells import kernel_shell

__all__ = ["wake_on_interrupt"]

_BYTES = 4096  # read at once

_woken: WeakSet[asyncio.AbstractEventLoop] = WeakSet()  # loops that signals wake up


def wake_on_interrupt(loop: asyncio.AbstractEventLoop) -> None:
    """Make signals wake up the event loop of a kernel, from now on. Outside a kernel's main thread, do nothing.

    Args:
        loop: The running event loop.
    """
    if loop in _woken or kernel_shell() is None or threading.current_thread() is not threading.main_thread():
        return
    _woken.add(loop)
    woken, signalled = socket.socketpair()
    for end in (woken, signalled):
        end.setblocking(False)
    earlier = signal.set_wakeup_fd(signalled.fileno(), warn_on_full_buffer=False)
    if earlier == -1:
        loop.add_reader(woken, functools.partial(_drain, woken, signalled))
    else:  # of a loop with signal handlers, or with a proactor
        signal.set_wakeup_fd(earlier)
        woken.close()
        signalled.close()


def _drain(woken: socket.socket, signalled: socket.socket) -> None:
    """Discard the numbers of the signals. `signalled` is held open as long as this function is registered."""
    woken.recv(_BYTES)
