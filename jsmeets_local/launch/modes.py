"""Launch modes: the ways to show a page, and which of them work on this machine."""

from __future__ import annotations

import importlib.util

from ..errors import LaunchError, MissingExtra
from ..notebook.display import require_kernel
from ..notebook.front_ends import front_end
from ..notebook.marimo import marimo_session

__all__ = ["INSTALL_ANYWIDGET", "MODES", "NoWindow", "choose_modes", "choose_transport", "has_anywidget"]

MODES = ("auto", "browser", "app", "window", "auto-window", "notebook", "none")
INSTALL_ANYWIDGET = (
    "pip install anywidget for the kernel and where Jupyter's server is installed, then reload the notebook's page"
)
TRANSPORTS = ("auto", "socket", "comm")


class NoWindow(LaunchError):
    """Failure to open a window that only the attempt reveals; mode "auto-window" then tries its next mode."""


def has_anywidget() -> bool:
    """Return whether anywidget is installed, by which the front end of a notebook runs our JavaScript."""
    return importlib.util.find_spec("anywidget") is not None


def choose_modes(mode: str) -> list[str]:
    """Return the modes to try, best first.

    "auto" becomes the mode of the front end. "auto-window" becomes those of "window", "app" and "browser" that can
    work on this machine. Any other mode is returned alone.

    Raises:
        ValueError: There is no such mode.
        LaunchError: The mode cannot work on this machine.
        MissingExtra: The mode needs a package that is not installed.
    """
    if mode not in MODES:
        raise ValueError(f"mode must be one of {', '.join(map(repr, MODES))}; got {mode!r}")
    if mode == "auto":
        mode = front_end().mode
    if mode == "notebook" and not marimo_session():
        require_kernel()
    able: list[str] = []
    for candidate in ("window", "app", "browser") if mode == "auto-window" else (mode,):
        problem: str | None = None
        error: type[LaunchError | MissingExtra] = LaunchError
        if candidate == "window":
            from .window.requirements import has_pywebview, window_problem  # loaded with the first window

            problem, error = window_problem(), LaunchError if has_pywebview() else MissingExtra
        elif candidate == "app":
            from .chromium import app_problem

            problem = app_problem()
        if problem is None:
            able.append(candidate)
        elif mode != "auto-window":
            raise error(problem)
    return able


def choose_transport(transport: str, mode: str) -> str:
    """Return the transport of a page: the given one, or for "auto" the only one that the front end has.

    Args:
        transport: The argument of `launch()`.
        mode: The mode that shows the page.

    Raises:
        ValueError: There is no such transport.
        LaunchError: Only a page in a notebook can be reached by a comm, and some notebooks only so.
        MissingExtra: A comm needs a package that is not installed.
    """
    if transport not in TRANSPORTS:
        raise ValueError(f"transport must be one of {', '.join(map(repr, TRANSPORTS))}; got {transport!r}")
    if mode == "notebook" and front_end().transports == ("comm",):
        if transport == "socket":
            raise LaunchError(
                f'{front_end().name} forwards no WebSockets to the kernel: leave transport at "auto", '
                f"by which the notebook's own channel carries the page"
            )
        transport = "comm"
    if transport != "comm":
        return transport
    if mode != "notebook":
        raise LaunchError(f'transport="comm" is for mode="notebook" in a Jupyter kernel; this launch has mode={mode!r}')
    if not has_anywidget():
        why = 'transport="comm"' if front_end().transports != ("comm",) else f"a page in {front_end().name}"
        raise MissingExtra(f"{why} needs anywidget: {INSTALL_ANYWIDGET}")
    return transport
