"""marimo notebooks: sessions, cells and output.

marimo is not imported here; a session has imported it. A thread belongs to a session if it runs its cells, or is a
`marimo.Thread`.
"""

from __future__ import annotations

import sys
from itertools import count
from typing import Any
from weakref import ref

__all__ = ["marimo_append", "marimo_cell", "marimo_session"]

_numbers = count(1)
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
