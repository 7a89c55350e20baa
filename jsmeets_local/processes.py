"""This process among others: whether it works for one that may have pages, and whether it can launch some itself.

Nothing here imports `multiprocessing`: a process that it has started has it loaded.
"""

from __future__ import annotations

import sys
from typing import Any

from .errors import LaunchError

__all__ = ["check_launch", "works_for_another"]

_SERVERS = frozenset({"granian", "hypercorn", "uvicorn"})  # their workers serve applications
# Libraries that can replace threads: the module that does, its question whether it has, and for what.
_GREEN = (
    ("gevent", "gevent.monkey", "is_module_patched", "threading"),
    ("eventlet", "eventlet.patcher", "is_monkey_patched", "thread"),
)
_LEAVES_THREADS = {"gevent": "monkey.patch_all(thread=False)", "eventlet": "monkey_patch(thread=False)"}


def _multiprocessing() -> Any:
    """The module `multiprocessing.process`, or `None` where nothing has imported it."""
    return sys.modules.get("multiprocessing.process")


def works_for_another() -> bool:
    """Whether `multiprocessing`, by any start method, has started this process to work for another one.

    The workers of a server are none of these. Nor is a line at the top level of a module that is being imported: the
    same line runs in every process that imports the module.
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
    """Raises `LaunchError` where a server in a thread of this process can not work."""
    process = _multiprocessing()
    if process is not None and getattr(process.current_process(), "_inheriting", False):
        raise LaunchError(
            "launch() was called while multiprocessing imports the main module into a new process. Put the lines that "
            'launch, and all that shall run once, under: if __name__ == "__main__":'
        )
    for library, module, test, patched in _GREEN:
        if module in sys.modules and getattr(sys.modules[module], test)(patched):
            raise LaunchError(
                f"{library} has replaced the threads of this process, and the server needs real ones. Keep them by "
                f"{library}.{_LEAVES_THREADS[library]}, or launch in a process without {library}"
            )
