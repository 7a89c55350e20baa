"""Headless Chromium, which opens a page where no front end shows it."""

from __future__ import annotations

from typing import Any, Literal

from ..errors import LaunchError
from ..notebook.front_ends import front_end

__all__ = ["headless_command", "is_headless"]

WIDTH, HEIGHT = 1000, 400  # pixels, for sides that launch() gives as CSS lengths


def is_headless(headless: bool | Literal["auto"], mode: str) -> bool:
    """Return whether a headless browser opens the page.

    Args:
        headless: The argument of `launch()`.
        mode: The mode that shows the page.

    Raises:
        TypeError: `headless` is neither a bool nor "auto".
        ValueError: The mode opens no page, or a window.
        LaunchError: No front end shows the page, and no headless browser can run or is allowed to.
    """
    if not isinstance(headless, bool) and headless != "auto":
        raise TypeError(f'headless must be True, False or "auto"; got {headless!r:.60}')
    if headless is True and mode in ("none", "window", "app"):
        raise ValueError(f'headless=True opens the page itself: leave mode at "auto"; got mode={mode!r}')
    is_shown = mode != "notebook" or front_end().shows_frames
    if is_shown and headless is not True:
        return False
    from .chromium import browser_problem  # imported on first use

    wanted_by = "headless=True" if headless is True else "launch()"
    problem = browser_problem(wanted_by) if headless else "headless=False allows no headless browser"
    if problem is None:
        return True
    why = "" if is_shown else f"nothing shows the iframe of the page, because {front_end().name} ran this cell; "
    raise LaunchError(f'{why}{problem}. launch(mode="none") opens nothing and gives you page.url to open elsewhere')


def headless_command(url: str, size: tuple[Any, Any]) -> list[str]:
    """Return the command line of a headless browser, without the profile folder.

    Args:
        url: The URL to open.
        size: Width and height of its viewport; a CSS length stands for the default.
    """
    from .chromium import find_chromium, more_arguments

    width, height = (
        default if isinstance(side, str) else int(side) for side, default in zip(size, (WIDTH, HEIGHT), strict=True)
    )
    return [
        str(find_chromium()),
        "--headless",
        "--no-first-run",
        "--no-default-browser-check",
        "--disable-background-networking",
        "--disable-dev-shm-usage",  # containers give it 64 MB
        f"--screen-info={{{width}x{height}}}",
        "--kiosk",  # the viewport fills the screen; a window would take height for its bars
        *more_arguments(),
        url,
    ]
