"""Ways to open a page; each takes a URL."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from ..bridge.client import Surface
from ..bridge.portal import Portal
from ..errors import LaunchError, MissingExtra
from ..notebook.cells import kernel_shell
from ..notebook.display import require_kernel
from .proxy import REACHABLE

__all__ = [
    "MODES",
    "choose_modes",
    "is_closed_by_absence",
    "open_browser",
    "open_window",
    "too_late",
    "window_look",
    "window_opener",
    "window_options",
]

MODES = ("auto", "browser", "app", "window", "auto-window", "notebook", "none")

Opener = Callable[[Portal, str, dict[str, Any], Callable[[], None]], Surface]

# How to open the next window in this thread, where that is not to be a process: set while run() shows its own.
window_opener: ContextVar[Opener | None] = ContextVar("here", default=None)


def choose_modes(mode: str) -> list[str]:
    """The modes to try, the best first.

    "auto" is "notebook" in a Jupyter kernel, else "browser"; "auto-window" is what can work of "window", "app" and
    "browser"; the others are as they are.

    Raises:
        ValueError: There is no such mode.
        LaunchError: It cannot work here.
        MissingExtra: It needs a package that is not installed.
    """
    if mode not in MODES:
        raise ValueError(f"mode is one of {', '.join(map(repr, MODES))}; got {mode!r}")
    if mode == "auto":
        mode = "browser" if kernel_shell() is None else "notebook"
    if mode == "auto-window":
        return [able for able, problem in _PROBLEMS.items() if problem() is None] + ["browser"]
    if mode == "notebook":
        require_kernel()
    problem = _PROBLEMS[mode]() if mode in _PROBLEMS else None
    if problem is not None:
        raise (LaunchError if mode == "app" or _has_pywebview() else MissingExtra)(problem)
    return [mode]


def _window_problem() -> str | None:
    from .window.checks import window_problem  # windows are loaded with the first one, here and below

    return window_problem()


def _has_pywebview() -> bool:
    from .window.checks import has_pywebview

    return has_pywebview()


def _app_problem() -> str | None:
    from .chromium import app_problem

    return app_problem()


_PROBLEMS: dict[str, Callable[[], str | None]] = {"window": _window_problem, "app": _app_problem}


def window_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """As `look.check_options`, if there are any."""
    if not options:
        return {}
    from .window.options import check_options

    return check_options(options)


def window_look(
    mode: str, size: tuple[int | str | None, int | str | None], options: Mapping[str, Any]
) -> dict[str, Any]:
    """All that a window is told of its looks, as `look.look`; nothing for what is no window."""
    if mode not in ("window", "app"):
        return {}
    from .window.options import look

    return look(*size, options)


def open_browser(url: str, failed: Callable[[], None]) -> Surface:
    """As `browser.BrowserTab`."""
    from .browser import BrowserTab

    return BrowserTab(url, failed)


def open_window(mode: str, portal: Portal, url: str, look: dict[str, Any], ended: Callable[[], None]) -> Surface:
    """Opens a window.

    Args:
        mode: "window" or "app".
        portal: The portal of the bridge's loop.
        url: What it shows.
        look: What `look.look()` gives.
        ended: Called once, on another thread, when it is closed.

    Raises:
        LaunchError: Its process could not be started.
    """
    if mode == "app":
        from .chromium import BrowserWindow

        return BrowserWindow(url, look, ended)
    from .window.out_of_process import WindowProcess

    return (window_opener.get() or WindowProcess)(portal, url, look, ended)


def is_closed_by_absence(mode: str) -> bool:
    """Whether a page counts as closed when it has been away for the grace time; else its window tells.

    On macOS a browser goes on without a window.
    """
    return mode in ("browser", "none") or (mode == "app" and sys.platform == "darwin")


def too_late(address: str, mode: str, timeout: float | None) -> str:
    """What to say when no page has connected within the timeout (seconds), at an address without the token."""
    text = f"no page connected within {timeout} s; it was waited for at {address}. "
    if mode == "notebook":
        text += f"{REACHABLE} "
    elif mode == "browser":
        text += 'Did a browser open it? launch(mode="none") gives you page.url to open elsewhere. '
    return text + "Does it load the scripts ({{ jsmeets_scripts() }})?"
