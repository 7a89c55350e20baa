"""Notebook cells: the running cell, and output of threads under a cell.

A kernel sends the output of other threads to the request that it handled last, which may be a completion, whose output
is not shown. `writing()` and `direct_output()` direct the output of a thread or a task to the running cell, or to an
earlier one. Outside a kernel there are no cells, and these functions do nothing. IPython is not imported here; a kernel
has imported it.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from msgspec import Struct

from .marimo import marimo_cell

__all__ = ["Cell", "at_cell_end", "current_cell", "direct_output", "how_kernel_ends", "kernel_shell", "writing"]

_NOWHERE: AbstractContextManager[None] = nullcontext()

_at_cell_end: list[Callable[[], object]] = []


class Cell(Struct, frozen=True):
    """Execution of a cell.

    Attributes:
        id: The id of the cell in the front end, the same for each execution; `""` if the front end sends none.
        run: The id of this execution.
        request: The `execute_request` message; `{}` in marimo.
    """

    id: str
    run: str
    request: dict[str, Any]


def kernel_shell() -> Any | None:
    """Return the IPython shell if this process is a Jupyter kernel, else `None`."""
    get_ipython = getattr(sys.modules.get("IPython"), "get_ipython", None)
    shell = get_ipython() if get_ipython is not None else None
    return shell if hasattr(shell, "kernel") else None


def current_cell() -> Cell | None:
    """Return the cell that runs this code, or under which this thread writes; `None` outside a notebook."""
    shell = kernel_shell()
    if shell is not None:
        return _watched(shell).current_cell()
    ids = marimo_cell()
    return None if ids is None else Cell(*ids, {})


def direct_output(cell: Cell) -> Callable[[], object] | None:
    """Direct the output of this thread or task to the running cell, or to `cell` if none runs.

    Before ipykernel 7.4, kernels may not support that; the output then goes to the cell that ran last.

    Returns:
        The function that restores the output; `None` if nothing has changed.
    """
    shell = kernel_shell()
    if shell is None or not hasattr(shell, "set_thread_parent"):
        return None
    tokens = shell.set_thread_parent((_watched(shell).running or cell).request)
    return functools.partial(shell.reset_thread_parent, tokens)


def writing(cell: Cell | None) -> AbstractContextManager[None]:
    """Direct the output within a `with` block, as `direct_output` does; `None` changes nothing."""
    return _NOWHERE if cell is None else _writing(cell)


@contextmanager
def _writing(cell: Cell) -> Iterator[None]:
    restore_output = direct_output(cell)
    try:
        yield
    finally:
        if restore_output is not None:
            restore_output()


def at_cell_end(func: Callable[[], object]) -> None:
    """Call a function at the end of each cell from now on. Registering it twice has no effect."""
    if func not in _at_cell_end:
        _at_cell_end.append(func)


def how_kernel_ends() -> str | None:
    """Return the reason for which this kernel ends, for its pages; `None` outside a kernel."""
    shell = kernel_shell()
    if shell is None:
        return None
    request = getattr(shell.kernel, "_shutdown_message", None) or {}
    return "the kernel was restarted" if request.get("content", {}).get("restart") else "the kernel has ended"


class _Watch:
    """Tracker of the running cell of a kernel.

    Attributes:
        running: The cell that runs, or `None`.
    """

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.running = self.current_cell()  # this cell's pre_run_cell event has passed
        shell.events.register("pre_run_cell", self._began)
        shell.events.register("post_run_cell", self._ended)

    def current_cell(self) -> Cell | None:
        request = self.shell.get_parent()
        header = request.get("header", {})
        if header.get("msg_type") != "execute_request":
            return None
        return Cell(str(request.get("metadata", {}).get("cellId", "")), str(header.get("msg_id", "")), request)

    def _began(self, info: Any) -> None:
        self.running = self.current_cell()

    def _ended(self, result: Any) -> None:
        self.running = None
        for func in _at_cell_end:
            func()


_watches: list[_Watch] = []  # at most one, for the current shell of the kernel


def _watched(shell: Any) -> _Watch:
    for watch in _watches:
        if watch.shell is shell:
            return watch
    _watches[:] = [watch := _Watch(shell)]
    return watch
