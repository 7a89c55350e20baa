"""What can be asked of a window: each request with its arguments, checked, for Python and for the page itself."""

from __future__ import annotations

import operator
import os
import re
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from ...bridge.portal import Operation, Portal

__all__ = ["REQUESTS", "Commandable", "FileTypes", "WindowCommands", "whole"]

FileTypes = Sequence[tuple[str, Sequence[str]]]  # ("Images", ["*.png", "*.jpg"]), ...


class Commandable(Protocol):
    """A window that takes requests."""

    def request(self, method: str, args: list[Any]) -> Operation[Any]:
        """An operation: the answer to a request, or the exception to raise."""


# What a request takes, as the window gets it -------------------------------------------------------------------------


def whole(name: str, value: Any, least: int | None = None) -> int:
    """A number of pixels.

    Raises:
        TypeError: It is no whole number.
        ValueError: It is less than `least`.
    """
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} is a whole number of pixels; got {value!r}")
    if least is not None and value < least:
        raise ValueError(f"{name} is {least} or more pixels; got {value!r}")
    return operator.index(value)  # numpy's numbers too


def _resize(width: int, height: int) -> list[Any]:
    return [whole("width", width, 1), whole("height", height, 1)]


def _move(x: int, y: int) -> list[Any]:
    return [whole("x", x), whole("y", y)]


def _title(title: str) -> list[Any]:
    if not isinstance(title, str):
        raise TypeError(f"a title is a str; got {title!r}")
    return [title]


def _on(on: bool = True) -> list[Any]:
    return [bool(on)]


def _nothing() -> list[Any]:
    return []


def _open(
    multiple: bool = False, directory: str | os.PathLike[str] | None = None, file_types: FileTypes = ()
) -> list[Any]:
    return [_folder(directory), bool(multiple), [_file_type(*pair) for pair in file_types]]


def _save(filename: str = "", directory: str | os.PathLike[str] | None = None) -> list[Any]:
    return [_folder(directory), os.fspath(filename)]


def _choose_folder(directory: str | os.PathLike[str] | None = None) -> list[Any]:
    return [_folder(directory)]


def _folder(directory: str | os.PathLike[str] | None) -> str:
    if directory is None:
        return ""
    if not os.path.isdir(directory):
        raise NotADirectoryError(f"a dialog cannot begin in {os.fspath(directory)!r}: there is no such folder")
    return os.path.abspath(os.fspath(directory))


def _file_type(name: str, patterns: Sequence[str]) -> str:
    """As pywebview writes it: `"Images (*.png;*.jpg)"`."""
    patterns = [patterns] if isinstance(patterns, str) else patterns
    if not re.fullmatch(r"[\w ]+", name):
        raise ValueError(f"the name of a file type has letters, digits and spaces; got {name!r}")
    for pattern in patterns:
        if not re.fullmatch(r"\*(\.(\w+|\*))*", pattern):
            raise ValueError(f'the pattern of a file type is "*.png", say; got {pattern!r}')
    return f"{name} ({';'.join(patterns)})"


REQUESTS: dict[str, Callable[..., list[Any]]] = {
    "get_title": _nothing,
    "set_title": _title,
    "get_size": _nothing,
    "resize": _resize,
    "get_position": _nothing,
    "move": _move,
    "minimize": _nothing,
    "maximize": _nothing,
    "restore": _nothing,
    "fullscreen": _on,
    "bring_to_front": _nothing,
    "open_dialog": _open,
    "save_dialog": _save,
    "folder_dialog": _choose_folder,
}


class WindowCommands:
    """What a `Window` and its awaitable twin share: a window, and how to wait for it."""

    def __init__(self, portal: Portal, window: Commandable) -> None:
        self._portal = portal
        self._window = window

    def _request(self, method: str, *args: Any, **options: Any) -> Operation[Any]:
        make = REQUESTS.get(method)
        if make is None:
            raise AttributeError(f"a window has no {method!r}; it has {', '.join(REQUESTS)}")
        return self._window.request(method, make(*args, **options))
