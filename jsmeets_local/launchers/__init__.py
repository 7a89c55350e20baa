"""Ways to open a page; each takes a URL."""

from __future__ import annotations

from .browser import open_browser

__all__ = ["MODES", "check_mode", "open_page"]

MODES = ("auto", "browser", "none")


def check_mode(mode: str) -> None:
    """Raises `ValueError` where there is no such mode."""
    if mode not in MODES:
        raise ValueError(f"mode is one of {', '.join(map(repr, MODES))}; got {mode!r}")


def open_page(url: str, mode: str) -> None:
    """Opens a page.

    Args:
        url: Where it is.
        mode: One of `MODES`. "none" opens nothing.

    Raises:
        LaunchError: No browser could be started.
    """
    if mode != "none":
        open_browser(url)
