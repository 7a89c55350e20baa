"""Table of exposed functions."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from contextvars import Context
from typing import Any

from .signatures import Signature, is_annotated
from .text import plain

__all__ = ["AsyncCallable", "Checked", "Function", "FunctionTable", "is_async"]


class AsyncCallable:
    """Base class of objects whose call returns an awaitable."""

    __slots__ = ()


def is_async(func: Callable[..., Any]) -> bool:
    """Return whether calling `func` returns an awaitable, also through `partial`, `staticmethod` and `__call__`."""
    try:
        while isinstance(func, (functools.partial, staticmethod)):
            func = func.func if isinstance(func, functools.partial) else func.__func__
        if isinstance(func, AsyncCallable):
            return True
        return inspect.iscoroutinefunction(func) or inspect.iscoroutinefunction(type(func).__call__)
    except (Exception, SystemExit):  # noqa: BLE001 - the user's `__getattr__` or `__class__`
        return False


class Checked:
    """A function of the user, whose arguments are converted to its annotations.

    Args:
        func: The function.
        is_checked: Convert the arguments.

    Attributes:
        func: The function.
        is_async: True if calling `func` returns an awaitable.
        is_checked: True if `func` has annotations to which the arguments are converted.
        signature: The annotations, from the first call on; names that are defined after the function are known then.
    """

    __slots__ = ("func", "is_async", "is_checked", "signature")

    def __init__(self, func: Callable[..., Any], is_checked: bool) -> None:
        self.func = func
        self.is_async = is_async(func)
        self.is_checked = is_checked
        self.signature: Signature | None = None

    def call(self, about: str, args: Sequence[Any], keywords: Mapping[str, Any]) -> Any:
        """Call the function with converted arguments.

        Args:
            about: The name of the function, for errors.
            args: The positional arguments.
            keywords: The keyword arguments.

        Raises:
            Mismatch: An argument does not fit its annotation.
        """
        if self.is_checked:
            if self.signature is None:
                self.signature = Signature(self.func)
            args, keywords = self.signature.convert(about, args, keywords)
        return self.func(*args, **keywords)


class Function(Checked):
    """An exposed function.

    Attributes:
        key: The name by which clients call it.
        exclusive: True if its calls run one at a time, in order of arrival.
        cell: The notebook cell that exposed it, or `None`.
        context: The context in which it was exposed. Each call runs in a copy of it.
        keep_running: True if its calls continue when the client that called has left.
        running: Number of calls that have been accepted and have not ended: they run or are queued.
    """

    __slots__ = ("__weakref__", "cell", "context", "exclusive", "keep_running", "key", "running")

    def __init__(
        self,
        key: str,
        func: Callable[..., Any],
        exclusive: bool,
        cell: Any = None,
        context: Context | None = None,
        keep_running: bool = False,
        is_checked: bool = False,
    ) -> None:
        super().__init__(func, is_checked)
        self.key = key
        self.exclusive = exclusive
        self.cell = cell
        self.context = Context() if context is None else context
        self.keep_running = keep_running
        self.running = 0

    def describe(self) -> dict[str, Any]:
        """Return `name`, `signature`, `doc` and `exclusive`, for clients."""
        func = self.func
        while isinstance(func, functools.partial):  # its own docstring describes partial()
            func = func.func
        signature = self.key + self._parameters()
        return {"name": self.key, "signature": signature, "doc": _doc(func), "exclusive": self.exclusive}

    def _parameters(self) -> str:
        try:
            signature = inspect.signature(self.func)
            parameters = [p.replace(annotation=_bare(p.annotation)) for p in signature.parameters.values()]
            bare = signature.replace(parameters=parameters, return_annotation=_bare(signature.return_annotation))
            return plain(str(bare))
        except (Exception, SystemExit):  # noqa: BLE001 - some built-in functions have none, and repr() of a default may raise
            return "(...)"


def _doc(func: Any) -> str:
    try:
        doc = inspect.getdoc(func)
    except (Exception, SystemExit):  # noqa: BLE001 - the user's computed `__doc__`
        return ""
    return plain(doc) if isinstance(doc, str) else ""


class _Bare:
    """String annotation whose `repr` has no quotes."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def _bare(annotation: Any) -> Any:
    return _Bare(annotation) if isinstance(annotation, str) else annotation


class FunctionTable:
    """Table of functions by key. A running function is neither replaced nor removed.

    Attributes:
        builtins: Functions of the library, whose keys begin with `$`; only `find` returns them.
    """

    def __init__(self) -> None:
        self.builtins: dict[str, Function] = {}
        self._functions: dict[str, Function] = {}

    def expose(
        self,
        key: str,
        func: Callable[..., Any],
        exclusive: bool = False,
        cell: Any = None,
        context: Context | None = None,
        keep_running: bool = False,
    ) -> bool:
        """Add or replace a function.

        Returns:
            `False` if the earlier function of that key is running; it is kept.
        """
        if self.is_running(key):
            return False
        self._functions[key] = Function(key, func, exclusive, cell, context, keep_running, is_annotated(func))
        return True

    def clear(self, key: str) -> bool:
        """Remove a function.

        Returns:
            `False` if there is no function of that key, or it is running.
        """
        if key not in self._functions or self.is_running(key):
            return False
        del self._functions[key]
        return True

    def is_running(self, key: str) -> bool:
        """Return whether a call of this function has been accepted and has not ended."""
        function = self._functions.get(key)
        return function is not None and function.running > 0

    def get(self, key: str) -> Function | None:
        """Return the function of a key."""
        return self._functions.get(key)

    def find(self, key: str) -> Function | None:
        """Return the exposed or built-in function to call for a key."""
        return self._functions.get(key) or self.builtins.get(key)

    def keys(self) -> list[str]:
        """Return the keys, oldest first."""
        return list(self._functions)

    def all(self) -> list[Function]:
        """Return the functions, oldest first."""
        return list(self._functions.values())
