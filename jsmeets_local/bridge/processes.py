"""Checks of this process: whether the pages belong to its parent, and whether it can launch pages itself.

This module does not import `multiprocessing`, which is already imported in the processes that it starts.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Any

from ..errors import LaunchError

__all__ = ["check_launch", "works_for_another"]

_SERVERS = frozenset({"granian", "hypercorn", "uvicorn"})  # their workers serve applications
_GREEN = (
    "{0} has replaced the threads of this process, and the server needs real ones. Keep them by {1}, "
    "or launch in a process without {0}"
)


def _multiprocessing() -> Any:
    """Return the module `multiprocessing.process`, or `None` if it has not been imported."""
    return sys.modules.get("multiprocessing.process")


def works_for_another() -> bool:
    """Return whether `multiprocessing` has started this process, with any start method, to work for its parent.

    Workers of a server do not count. Neither does code at the top level of a module that is being imported, as it runs
    in every process that imports the module.
    """
    process = _multiprocessing()
    if process is None or process.parent_process() is None:
        return False
    target = getattr(process.current_process(), "_target", None)
    if str(getattr(target, "__module__", "")).partition(".")[0] in _SERVERS:
        return False
    frame = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__") != "multiprocessing.process":
        if frame.f_code.co_name == "<module>":
            return False
        frame = frame.f_back  # type: ignore[assignment]
    return True


def check_launch() -> None:
    """Raise `LaunchError` if a server cannot run in a thread of this process."""
    process = _multiprocessing()
    if process is not None and getattr(process.current_process(), "_inheriting", False):
        raise LaunchError(
            "launch() was called while multiprocessing imports the main module into a new process. Put the call, and "
            'all other code that must run once, under: if __name__ == "__main__":'
        )
    gevent, eventlet = sys.modules.get("gevent.monkey"), sys.modules.get("eventlet.patcher")
    if gevent is not None:
        # uvloop does not use the module `select`; asyncio's own loop does, and would wait forever.
        needed = ["threading"] if find_spec("uvloop") is not None else ["threading", "select"]
        if any(map(gevent.is_module_patched, needed)):
            raise LaunchError(_GREEN.format("gevent", "gevent.monkey.patch_all(thread=False, select=False)"))
    if eventlet is not None and eventlet.is_monkey_patched("thread"):
        raise LaunchError(_GREEN.format("eventlet", "eventlet.monkey_patch(thread=False)"))
