"""The cells of a notebook, as far as the kernel tells: which one runs, and how to write under one.

A kernel sends what is printed on any other thread to the request that it handled last, which may be a completion; then
nobody sees it. Here a thread or a task can write under the cell that runs, or under an earlier one. Without a kernel in
this process there are no cells, and all of this does nothing. IPython is not imported: who has a kernel, has it loaded.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from msgspec import Struct

__all__ = ["Cell", "current_cell", "kernel_shell", "writing"]

_NOWHERE: AbstractContextManager[None] = nullcontext()


class Cell(Struct, frozen=True):
    """One execution of a cell.

    Attributes:
        id: The front end's name of the cell, the same each time it runs; `""` where the front end does not tell.
        run: The name of this execution.
        request: The kernel's message that asked for it.
    """

    id: str
    run: str
    request: dict[str, Any]


def kernel_shell() -> Any | None:
    """The shell of the Jupyter kernel that this process is, or `None`."""
    get_ipython = getattr(sys.modules.get("IPython"), "get_ipython", None)
    shell = get_ipython() if get_ipython is not None else None
    return shell if hasattr(shell, "kernel") else None


def current_cell() -> Cell | None:
    """The cell that this code belongs to, also on a thread that writes under one; `None` where there is none."""
    shell = kernel_shell()
    return None if shell is None else _watched(shell).current_cell()


def writing(cell: Cell | None) -> AbstractContextManager[None]:
    """Within it, this thread or task writes under the cell that runs, or else under this one.

    Kernels older than ipykernel 7.4 may not be able to: there it goes under the cell that ran last.
    """
    if cell is None:
        return _NOWHERE
    shell = kernel_shell()
    return _NOWHERE if shell is None else _watched(shell).writing(cell)


class _Watch:
    """Follows which cell of a kernel runs."""

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self._running = self.current_cell()  # it is a cell that asks first, before we are told of any
        shell.events.register("pre_run_cell", self._began)
        shell.events.register("post_run_cell", self._ended)

    def current_cell(self) -> Cell | None:
        request = self.shell.get_parent()
        header = request.get("header", {})
        if header.get("msg_type") != "execute_request":
            return None
        return Cell(str(request.get("metadata", {}).get("cellId", "")), str(header.get("msg_id", "")), request)

    @contextmanager
    def writing(self, cell: Cell) -> Iterator[None]:
        if not hasattr(self.shell, "set_thread_parent"):
            yield
            return
        tokens = self.shell.set_thread_parent((self._running or cell).request)
        try:
            yield
        finally:
            self.shell.reset_thread_parent(tokens)

    def _began(self, info: Any) -> None:
        self._running = self.current_cell()

    def _ended(self, result: Any) -> None:
        self._running = None


_watches: list[_Watch] = []  # one, as a process is one kernel; another one after the shell was replaced


def _watched(shell: Any) -> _Watch:
    for watch in _watches:
        if watch.shell is shell:
            return watch
    _watches[:] = [watch := _Watch(shell)]
    return watch
