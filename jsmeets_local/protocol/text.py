"""Texts about users' values and errors, for messages and logs: no class of a user can make them fail.

`type(value).__name__` runs a property of a metaclass, `str(error)` a method of the error; either may raise. Names are
read here by the descriptors of `type` itself, and what an error says is replaced where it cannot be had.
"""

from __future__ import annotations

import traceback
from typing import Any

__all__ = ["error_name", "error_text", "error_trace", "on_one_line", "on_own_lines", "plain", "type_name"]

_name = type.__dict__["__name__"].__get__
_qualified = type.__dict__["__qualname__"].__get__
_module = type.__dict__["__module__"].__get__


def plain(text: str) -> str:
    """The text of a str or of a subclass, whose own methods are not asked."""
    return text if type(text) is str else str.__str__(text)


def type_name(value: Any) -> str:
    """The qualified name of a value's type, with its module unless that is `builtins`."""
    kind = type(value)
    module, name = _module(kind), plain(_qualified(kind))
    return name if module == "builtins" or type(module) is not str else f"{module}.{name}"


def error_name(error: BaseException) -> str:
    """The name of an error's type, without its module."""
    return plain(_name(type(error)))


def error_text(error: BaseException) -> str:
    """The message of an error; that its `__str__` raised, where it does.

    Raises:
        KeyboardInterrupt: Ctrl-C came at this moment.
    """
    try:
        return plain(str(error))
    except (Exception, SystemExit) as another:  # noqa: BLE001 - a __str__ of the user's
        return f"(its __str__ raised {error_name(another)})"


def error_trace(error: BaseException) -> str:
    """The traceback of an error; its name and message, where its notes, or what a hint looks for, raise.

    Raises:
        KeyboardInterrupt: Ctrl-C came at this moment.
    """
    try:
        return "".join(traceback.format_exception(error))
    except (Exception, SystemExit) as another:  # noqa: BLE001 - code of the user's
        name = error_name(another)
        return f"{error_name(error)}: {error_text(error)}\n(its traceback cannot be shown: {name})\n"


def on_one_line(text: str) -> str:
    """Escapes control characters, line breaks and lone surrogates, as `repr` does, and adds no quotes."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def on_own_lines(text: str) -> str:
    """Escapes the same within each line, and indents all lines but the first: none looks like a record of its own."""
    first, *others = [on_one_line(line) for line in text.splitlines()] or [""]
    return "\n".join([first, *(line if line.startswith("    ") else f"    {line}" for line in others)])
