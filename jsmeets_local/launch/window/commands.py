"""Commands that a window accepts from Python and from its page, and checks of their arguments."""

from __future__ import annotations

import operator
import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

__all__ = ["FileTypes", "check_command", "check_pixels", "check_question"]

FileTypes = Sequence[tuple[str, Sequence[str]]]  # ("Images", ["*.png", "*.jpg"]), ...


def check_pixels(name: str, value: Any, least: int | None = None) -> int:
    """Return a number of pixels as an int.

    Raises:
        TypeError: `value` is not an integer.
        ValueError: `value` is less than `least`.
    """
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} must be a whole number of pixels; got {value!r}")
    if least is not None and value < least:
        raise ValueError(f"{name} must be at least {least} pixels; got {value!r}")
    return operator.index(value)  # also accepts numpy integers


def _resize(width: int, height: int) -> list[Any]:
    return [check_pixels("width", width, 1), check_pixels("height", height, 1)]


def _move(x: int, y: int) -> list[Any]:
    return [check_pixels("x", x), check_pixels("y", y)]


def _title(title: str) -> list[Any]:
    if not isinstance(title, str):
        raise TypeError(f"title must be a str; got {title!r}")
    return [title]


def _notification(title: str, text: str = "") -> list[Any]:
    for name, value in (("title", title), ("text", text)):
        if not isinstance(value, str):
            raise TypeError(f"the {name} of a notification must be a str; got {value!r:.60}")
    return [title, text]


def _text(text: str) -> list[Any]:
    if not isinstance(text, str):
        raise TypeError(f"the text of the clipboard must be a str; got {text!r:.60}")
    return [text]


def _on(on: bool = True) -> list[Any]:
    return [bool(on)]


def check_question(name: str, value: Any) -> bool | str:
    """Return whether a window asks before it closes, or its question.

    Raises:
        TypeError: `value` is neither a bool nor a str.
        ValueError: The question is empty.
    """
    if not isinstance(value, (bool, str)):
        raise TypeError(f"{name} must be True, False, or the question that the user is asked; got {value!r:.60}")
    if value == "":
        raise ValueError(f"{name} is an empty question; pass False to close without a question")
    return value


def _confirm(confirm_close: bool | str) -> list[Any]:
    return [check_question("confirm_close", confirm_close)]


def _no_arguments() -> list[Any]:
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
        raise NotADirectoryError(f"a dialog cannot start in {os.fspath(directory)!r}: the folder does not exist")
    return os.path.abspath(os.fspath(directory))


def _file_type(name: str, patterns: Sequence[str]) -> str:
    """Return a file type in the syntax of pywebview: `"Images (*.png;*.jpg)"`."""
    patterns = [patterns] if isinstance(patterns, str) else patterns
    if not re.fullmatch(r"[\w ]+", name):
        raise ValueError(f"the name of a file type may contain only letters, digits and spaces; got {name!r}")
    for pattern in patterns:
        if not re.fullmatch(r"\*(\.(\w+|\*))*", pattern):
            raise ValueError(f'the pattern of a file type must look like "*.png"; got {pattern!r}')
    return f"{name} ({';'.join(patterns)})"


_COMMANDS: dict[str, Callable[..., list[Any]]] = {
    "get_title": _no_arguments,
    "set_title": _title,
    "get_size": _no_arguments,
    "resize": _resize,
    "get_position": _no_arguments,
    "move": _move,
    "get_confirm_close": _no_arguments,
    "set_confirm_close": _confirm,
    "show": _no_arguments,
    "hide": _no_arguments,
    "minimize": _no_arguments,
    "maximize": _no_arguments,
    "restore": _no_arguments,
    "fullscreen": _on,
    "bring_to_front": _no_arguments,
    "open_dialog": _open,
    "save_dialog": _save,
    "folder_dialog": _choose_folder,
}
# Those that only Python may give, because they reach what the user has not chosen for the page.
_COMMANDS_OF_PYTHON: dict[str, Callable[..., list[Any]]] = {
    **_COMMANDS,
    "get_clipboard": _no_arguments,
    "set_clipboard": _text,
    "notify": _notification,
    "watch_drops": _no_arguments,
}


def check_command(
    method: str, args: tuple[Any, ...], options: Mapping[str, Any], *, by_page: bool = False
) -> list[Any]:
    """Return the arguments of a request as JSON-serializable values.

    Args:
        method: The name of the command.
        args: Its arguments.
        options: Its keyword arguments.
        by_page: Whether the page has given it, not Python.

    Raises:
        AttributeError: A window has no such method.
        TypeError: An argument is of a wrong type, or there are too many.
        ValueError: An argument is out of range.
        NotADirectoryError: There is no such folder.
    """
    check = (_COMMANDS if by_page else _COMMANDS_OF_PYTHON).get(method)
    if check is None:
        raise AttributeError(f"a window has no method {method!r}; it has {', '.join(_COMMANDS)}")
    return check(*args, **options)
