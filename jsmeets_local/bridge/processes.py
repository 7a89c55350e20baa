"""Check of this process: whether the pages belong to its parent.

This module does not import `multiprocessing`, which is already imported in the processes that it starts.
"""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["is_multiprocessing_worker"]

_SERVERS = frozenset({"granian", "hypercorn", "uvicorn"})  # their workers serve applications


def is_multiprocessing_worker() -> bool:
    """Return whether `multiprocessing` has started this process, with any start method, to work for its parent.

    Workers of a server do not count. Neither does code at the top level of a module that is being imported, as it runs
    in every process that imports the module.
    """
    process: Any = sys.modules.get("multiprocessing.process")
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
