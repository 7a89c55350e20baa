"""Options of `launch()` for windows."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, TypedDict

from ...protocol.arguments import check_flag
from ...server.resources import bundled
from .commands import check_pixels, check_question
from .menus import Menu, check_menus

__all__ = ["WindowOptions", "check_window_options", "window_parameters"]

SIZE = (800, 600)  # width and height of a window, in pixels


class WindowOptions(TypedDict, total=False):
    """Options of `launch()`, `open()` and `run()` for windows."""

    title: str
    position: tuple[int, int]
    icon: str | os.PathLike[str]
    resizable: bool
    fullscreen: bool
    maximized: bool
    hidden: bool
    frameless: bool
    on_top: bool
    min_size: tuple[int, int]
    confirm_close: bool | str
    devtools: bool
    window_api: bool
    menu: Sequence[Menu]


# Checks of the options, which return JSON-serializable values --------------------------------------------------------


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str; got {value!r}")
    return value


def _file(name: str, value: Any) -> str:
    if not isinstance(value, (str, os.PathLike)):
        raise TypeError(f"{name} must be the path of an image file; got {value!r:.60}")
    value = bundled(value)
    if not os.path.isfile(value):
        raise FileNotFoundError(f"{name} must be the path of an image file; {os.path.abspath(value)} does not exist")
    return str(os.path.abspath(value))


def _pair(name: str, value: Any, least: int | None = None) -> list[int]:
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise TypeError(f"{name} must be a pair of whole numbers of pixels; got {value!r}")
    return [check_pixels(name, number, least) for number in value]


_OPTIONS: dict[str, Callable[[str, Any], Any]] = {
    "title": _text,
    "position": _pair,
    "icon": _file,
    "resizable": check_flag,
    "fullscreen": check_flag,
    "maximized": check_flag,
    "hidden": check_flag,
    "frameless": check_flag,
    "on_top": check_flag,
    "min_size": lambda name, value: _pair(name, value, 1),
    "confirm_close": check_question,
    "devtools": check_flag,
    "window_api": check_flag,
    "menu": check_menus,
}
# The other options of launch(), to suggest for a misspelled name.
_OTHERS = (
    "host",
    "port",
    "timeout",
    "width",
    "height",
    "grace",
    "base_url",
    "private",
    "spa",
    "headless",
    "switch_interval",
    "dev_url",
    "snapshot",
    "transport",
    "storage",
)


def check_window_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options as JSON-serializable values, except menus. Every mode checks them, even if it ignores them.

    Raises:
        TypeError: There is no such option, or its value is of a wrong type.
        ValueError: The value is out of range.
        FileNotFoundError: The icon does not exist.
    """
    for name in options:
        if name not in _OPTIONS:
            similar = get_close_matches(name, (*_OPTIONS, *_OTHERS), 1)
            meant = f"; did you mean {similar[0]}=?" if similar else "."
            raise TypeError(f"launch() has no option {name!r}{meant} The options of windows are {', '.join(_OPTIONS)}")
    return {name: _OPTIONS[name](name, value) for name, value in options.items()}


def window_parameters(width: int | str | None, height: int | str | None, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return all parameters of a window as JSON-serializable values, except menus.

    Args:
        width: Width of the content in pixels; `None` for the default.
        height: Height of the content in pixels; `None` for the default.
        options: The result of `check_window_options`.

    Raises:
        TypeError: A size is not an integer.
        ValueError: A size is less than 1.
    """
    program = sys.argv[0] if sys.argv else ""
    return {
        "program": os.path.splitext(os.path.basename(program))[0] if program not in ("", "-c", "-m") else "Python",
        "width": _check_side("width", width, SIZE[0]),
        "height": _check_side("height", height, SIZE[1]),
        "title": None,
        "position": None,
        "icon": None,
        "resizable": True,
        "fullscreen": False,
        "maximized": False,
        "hidden": False,
        "frameless": False,
        "on_top": False,
        "min_size": [1, 1],
        "confirm_close": False,
        "devtools": False,
        "storage": None,
        "menu": (),
        **options,
    }


def _check_side(name: str, value: int | str | None, default: int) -> int:
    if isinstance(value, str):
        raise TypeError(
            f"{name} of a window must be a whole number of pixels (only notebooks take CSS lengths); got {value!r}"
        )
    return default if value is None else check_pixels(name, value, 1)
