"""Ways to open a page; each takes a URL."""

from __future__ import annotations

from ..cells import kernel_shell
from .browser import open_browser
from .notebook import require_kernel

__all__ = ["MODES", "choose_mode", "open_browser", "too_late"]

MODES = ("auto", "browser", "notebook", "none")


def choose_mode(mode: str) -> str:
    """What "auto" means here: "notebook" in a Jupyter kernel, else "browser"; the others as they are.

    Raises:
        ValueError: There is no such mode.
        LaunchError: It cannot work here.
        MissingExtra: It needs a package that is not installed.
    """
    if mode not in MODES:
        raise ValueError(f"mode is one of {', '.join(map(repr, MODES))}; got {mode!r}")
    if mode == "auto":
        mode = "browser" if kernel_shell() is None else "notebook"
    if mode == "notebook":
        require_kernel()
    return mode


def too_late(url: str, mode: str, timeout: float | None) -> str:
    """What to say when no page has connected within the timeout (seconds); without the token."""
    text = f"no page connected within {timeout} s; it was waited for at {url.partition('#')[0]}. "
    if mode == "notebook":
        text += "Is this kernel on another machine, or without a front end? The browser has to reach that address. "
    return text + "Does it load the scripts ({{ jsmeets_scripts() }})?"
