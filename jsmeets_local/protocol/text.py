"""Descriptions of the user's values and errors, for messages and logs. The user's classes cannot make them fail.

`type(value).__name__` may run a property of a metaclass, and `str(error)` runs a method of the error; either may raise.
Names are read through the descriptors of `type`, and the message of an error is replaced if its `__str__` raises.
"""

from __future__ import annotations

import reprlib
import traceback
from typing import Any

__all__ = [
    "class_name",
    "error_name",
    "error_text",
    "error_trace",
    "function_name",
    "on_one_line",
    "on_own_lines",
    "plain",
    "shown",
    "type_name",
]

_name = type.__dict__["__name__"].__get__
_qualified = type.__dict__["__qualname__"].__get__
_module = type.__dict__["__module__"].__get__


def plain(text: str) -> str:
    """Return the text of a str or of a subclass, without calling methods of the subclass."""
    return text if type(text) is str else str.__str__(text)


def type_name(value: Any) -> str:
    """Return the qualified name of the type of a value, with its module unless that is `builtins`."""
    kind = type(value)
    module, name = _module(kind), plain(_qualified(kind))
    return name if module == "builtins" or type(module) is not str else f"{module}.{name}"


def class_name(value: Any) -> str:
    """Return the name of the type of a value, without its module."""
    return plain(_name(type(value)))


def function_name(func: Any) -> str:
    """Return the name of a callable; that of its type if it has none, or if reading it raises.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed in the meantime.
    """
    try:
        name = _name(func) if isinstance(func, type) else func.__name__
    except (Exception, SystemExit):  # noqa: BLE001 - the user's `__getattr__` or property
        name = None
    return plain(name) if isinstance(name, str) else class_name(func)


def shown(value: Any, length: int) -> str:
    """Return the beginning of the `repr` of a value, of which it looks at little; a note of the type if that raises."""
    try:
        return reprlib.repr(value)[:length]
    except (Exception, SystemExit):  # noqa: BLE001 - the user's `__repr__`
        return f"a {type_name(value)}"


def error_name(error: BaseException) -> str:
    """Return the name of the type of an error, without its module."""
    return plain(_name(type(error)))


def error_text(error: BaseException) -> str:
    """Return the message of an error, or a note that its `__str__` raised.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed in the meantime.
    """
    try:
        return plain(str(error))
    except (Exception, SystemExit) as another:  # noqa: BLE001 - the user's __str__
        return f"(its __str__ raised {error_name(another)})"


def error_trace(error: BaseException) -> str:
    """Return the traceback of an error, or its name and message if its notes or attributes raise.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed in the meantime.
    """
    try:
        return "".join(traceback.format_exception(error))
    except (Exception, SystemExit) as another:  # noqa: BLE001 - the user's code
        name = error_name(another)
        return f"{error_name(error)}: {error_text(error)}\n(its traceback cannot be shown: {name})\n"


def on_one_line(text: str) -> str:
    """Escape control characters, line breaks and lone surrogates, as `repr` does, without quotes."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def on_own_lines(text: str) -> str:
    """Escape each line as `on_one_line` does, and indent all but the first, so that none looks like a log record."""
    first, *others = [on_one_line(line) for line in text.splitlines()] or [""]
    return "\n".join([first, *(line if line.startswith("    ") else f"    {line}" for line in others)])
