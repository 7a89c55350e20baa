"""The exposed functions: names, what there is to know of them, and how many calls of each are running."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from .text import plain

__all__ = ["AsyncCallable", "Function", "FunctionTable", "is_async"]


class AsyncCallable:
    """Base of callable objects whose call returns an awaitable."""

    __slots__ = ()


def is_async(func: Callable[..., Any]) -> bool:
    """Whether calling `func` gives a coroutine, also through `partial`, `staticmethod` and `__call__`."""
    while isinstance(func, (functools.partial, staticmethod)):
        func = func.func if isinstance(func, functools.partial) else func.__func__
    if isinstance(func, AsyncCallable):
        return True
    return inspect.iscoroutinefunction(func) or inspect.iscoroutinefunction(type(func).__call__)


class Function:
    """One exposed function.

    Attributes:
        key: The name that pages call it by.
        func: What runs.
        exclusive: Whether its calls run one at a time, first come first served.
        cell: The cell of a notebook that exposed it, or `None`.
        is_async: Whether calling `func` gives a coroutine.
        running: Calls that have been taken and have not ended, waiting ones of an exclusive function included.
    """

    __slots__ = ("cell", "exclusive", "func", "is_async", "key", "running")

    def __init__(self, key: str, func: Callable[..., Any], exclusive: bool, cell: Any = None) -> None:
        self.key = key
        self.func = func
        self.exclusive = exclusive
        self.cell = cell
        self.is_async = is_async(func)
        self.running = 0

    def describe(self) -> dict[str, Any]:
        """What pages are told of it: `name`, `signature`, `doc` and `exclusive`."""
        func = self.func
        while isinstance(func, functools.partial):  # whose own text speaks of partial()
            func = func.func
        signature = self.key + self._parameters()
        return {"name": self.key, "signature": signature, "doc": _doc(func), "exclusive": self.exclusive}

    def _parameters(self) -> str:
        try:
            signature = inspect.signature(self.func)
            parameters = [p.replace(annotation=_bare(p.annotation)) for p in signature.parameters.values()]
            bare = signature.replace(parameters=parameters, return_annotation=_bare(signature.return_annotation))
            return plain(str(bare))
        except (Exception, SystemExit):  # noqa: BLE001 - built-in functions have none, and the repr() of a default may raise
            return "(...)"


def _doc(func: Any) -> str:
    try:
        doc = inspect.getdoc(func)
    except (Exception, SystemExit):  # noqa: BLE001 - a `__doc__` of the user's that is computed
        return ""
    return plain(doc) if isinstance(doc, str) else ""


class _Bare:
    """An annotation that is a text, shown without quotes."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def _bare(annotation: Any) -> Any:
    return _Bare(annotation) if isinstance(annotation, str) else annotation


class FunctionTable:
    """Key -> function. A function that runs is neither replaced nor removed.

    Attributes:
        builtins: The library's own functions, whose keys begin with `$`; only `find` knows them.
    """

    def __init__(self) -> None:
        self.builtins: dict[str, Function] = {}
        self._functions: dict[str, Function] = {}

    def expose(self, key: str, func: Callable[..., Any], exclusive: bool = False, cell: Any = None) -> bool:
        """Adds or replaces a function.

        Returns:
            `False`, and nothing is changed, while the old function of that key runs.
        """
        if self.is_running(key):
            return False
        self._functions[key] = Function(key, func, exclusive, cell)
        return True

    def clear(self, key: str) -> bool:
        """Removes a function.

        Returns:
            `False` when there is none, or it runs.
        """
        if key not in self._functions or self.is_running(key):
            return False
        del self._functions[key]
        return True

    def is_running(self, key: str) -> bool:
        """Whether a call of this function has been taken and has not ended."""
        function = self._functions.get(key)
        return function is not None and function.running > 0

    def get(self, key: str) -> Function | None:
        """The function of that key."""
        return self._functions.get(key)

    def find(self, key: str) -> Function | None:
        """What a call of that key runs."""
        return self._functions.get(key) or self.builtins.get(key)

    def keys(self) -> list[str]:
        """The keys, oldest first."""
        return list(self._functions)

    def all(self) -> list[Function]:
        """The functions, oldest first."""
        return list(self._functions.values())
