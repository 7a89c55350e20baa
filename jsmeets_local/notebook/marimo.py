"""marimo notebooks: sessions, cells and output.

marimo is not imported here; a session has imported it. A thread belongs to a session if it runs its cells, or is a
`marimo.Thread`.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from itertools import count
from typing import Any
from weakref import finalize, ref

__all__ = ["marimo_append", "marimo_cell", "marimo_session", "marimo_value", "when_visitor_leaves"]

_numbers = count(1)
_of_thread = threading.local()
_runs: dict[str, tuple[ref[Any], str]] = {}  # cell id -> its last execution, and the id that we gave that


def marimo_session() -> str:
    """Return the mode of the session that runs this code, "edit" or "run"; `""` outside a marimo notebook."""
    marimo: Any = sys.modules.get("marimo")
    if not hasattr(marimo, "running_in_notebook") or not marimo.running_in_notebook():
        return ""
    return str(marimo.app_meta().mode)


def marimo_cell() -> tuple[str, str] | None:
    """Return the ids of the running cell and of this execution; `None` if no cell runs in this thread."""
    if not marimo_session():
        return None
    context = sys.modules["marimo._runtime.context"].get_context()
    execution = context.execution_context
    if execution is None:
        return None
    cell = f"{id(context.globals)}:{execution.cell_id}"  # sessions of one app have the same cells
    known, run = _runs.get(cell, (None, ""))
    if known is None or known() is not execution:
        run = f"{cell}:{next(_numbers)}"
        _runs[cell] = ref(execution), run
    return cell, run


def marimo_append(html: str) -> None:
    """Add HTML to the output of the running cell, at once."""
    marimo = sys.modules["marimo"]
    marimo.output.append(marimo.Html(html))


def marimo_value(html: str) -> str:
    """Return HTML for the value of a cell.

    Its elements are those of `marimo_append`, so that a browser keeps an iframe that the cell has shown before.
    """
    marimo = sys.modules["marimo"]
    return str(marimo.vstack([marimo.Html(html)]).text)


class _Session:
    """Object that a thread holds, and which is collected when the thread ends."""


def when_visitor_leaves(func: Callable[[], object]) -> None:
    """Call a function when the session of an app has ended; do nothing in other threads.

    marimo keeps a session for a while, so that a visitor can reload it, and then ends its thread. `func` must not wait.
    """
    if marimo_session() != "run" or isinstance(threading.current_thread(), sys.modules["marimo"].Thread):
        return
    if not hasattr(_of_thread, "session"):
        _of_thread.session = _Session()
    finalize(_of_thread.session, func).atexit = False
