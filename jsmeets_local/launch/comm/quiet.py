"""Quiet subshells, in which the kernel handles the messages of comms without publishing that it is busy and idle.

The Jupyter server leaves Nagle's algorithm on: a message waits until the browser's system has acknowledged the one
before, which takes 40 ms unless the browser sends something. So a page's next message waits for the reports on its last
answer. ipykernel publishes none for a comm message that arrives while the shell handles another request, such as a cell
that awaits. A lock of the subshell says so; held, it makes the subshell quiet.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

__all__ = ["keep_quiet"]

TEST_SECONDS = 1.0  # for the front end to send something, which takes 0.02 s; ipykernel before 7.4 leaves it unread

_held: WeakSet[asyncio.Lock] = WeakSet()  # including those that had to be released


async def keep_quiet(kernel: Any, subshell: str, is_heard: Callable[[], bool]) -> None:
    """Make a subshell quiet, unless the kernel then handles no messages. Runs on the loop of the subshell.

    Args:
        kernel: The kernel.
        subshell: The id of a subshell that has no messages but those of our comms.
        is_heard: Returns whether a message of the front end has been handled since.
    """
    manager = getattr(getattr(kernel, "shell_channel_thread", None), "manager", None)
    find_lock: Callable[[str], asyncio.Lock] | None = getattr(manager, "get_subshell_asyncio_lock", None)
    if find_lock is None or (lock := find_lock(subshell)) in _held:
        return
    _held.add(lock)
    await lock.acquire()  # after the request that opens the comm
    asyncio.get_running_loop().call_later(TEST_SECONDS, lambda: None if is_heard() else lock.release())
