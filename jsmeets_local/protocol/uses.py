"""Use of objects of Python by a page: which steps are allowed, and what they do.

A page reaches the public attributes, the items and the methods of an object that was sent by `ref`, and no further:
their values and results are sent like all values.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from . import messages as m
from .files import MAX_READ
from .functions import Function, is_async
from .references import BIGGEST, Export, RefusedReference
from .signatures import call_method, is_annotated
from .text import class_name, error_name, error_text, shown, type_name

__all__ = ["check_use"]

_ARITY = {"get": 1, "set": 2, "has": 1, "call": 1, "length": 0, "keys": 0, "iterate": 0}


def check_use(export: Export, steps: list[list[Any]], read_part: Callable[..., bytes]) -> tuple[Function, list[Any]]:
    """Return the function to run for the steps of a page, and its arguments.

    Args:
        export: The object.
        steps: The steps.
        read_part: Reads a file. It is called with the file, its description, start and end.

    Raises:
        RefusedReference: The object has no such steps, or the page may not take them.
    """
    if export.kind == "file":
        return _read_function(export, steps, read_part)
    for step in steps:
        _check_step(export, step)
    names = [step[0] for step in steps]
    if export.function is not None:
        if names != ["call"]:
            raise _refused("TypeError", f"a function of Python can only be called; got {names[0]!r}")
        return export.function, steps[0][1]
    if export.kind != "object":
        raise RefusedReference(
            m.ErrorInfo("unknown", "UnknownReference", f"the object {export.number} of Python is a {export.kind}")
        )
    if len(steps) > 1 and names != ["get", "call"]:
        raise _refused("TypeError", "an object of Python takes one step, or a call of one of its methods")
    return _function(export.value, steps)


def _read_function(
    export: Export, steps: list[list[Any]], read_part: Callable[..., bytes]
) -> tuple[Function, list[Any]]:
    step = steps[0] if len(steps) == 1 else []
    if len(step) != 3 or step[0] != "read":
        raise _refused("TypeError", f"a file of Python can only be read: ['read', start, end]; got {steps!r:.80}")
    start, end = step[1:]
    if type(start) is not int or type(end) is not int or not 0 <= start <= end <= BIGGEST:
        raise _refused("RangeError", f"a part of a file goes from start to end, from 0; got {start!r:.40}, {end!r:.40}")
    if end - start > MAX_READ:
        raise _refused("RangeError", f"one request reads at most {MAX_READ} bytes of a file; got {end - start}")
    (facts,) = export.facts
    if export.function is None:
        # Parts are read in order, in a queue of their own: they do not wait for functions that the page has called.
        read = _FileReader(export.value, facts, read_part)
        export.function = Function(f"read of {facts['name']}", read, exclusive=True)
    return export.function, [min(start, facts["size"]), min(end, facts["size"])]


class _FileReader:
    """Function that reads a part of a file, for each request of a page in order.

    A page asks for several parts in advance. If they fail for the same reason, only the first one is logged.
    """

    def __init__(self, file: Any, facts: dict[str, Any], read_part: Callable[..., bytes]) -> None:
        self._file = file
        self._facts = facts
        self._read_part = read_part
        self._failure = ""  # of the part before

    def __call__(self, start: int, end: int) -> bytes:
        try:
            part = self._read_part(self._file, self._facts, start, end)
        except Exception as error:
            failure = f"{error_name(error)}: {error_text(error)}"
            if start > 0 and failure == self._failure:
                error.jsmeets_logged = True  # type: ignore[attr-defined]
            self._failure = failure
            raise
        self._failure = ""
        return part


def _check_step(export: Export, step: list[Any]) -> None:
    name = step[0] if step else None
    # Exact types, because an object of Python that the page returns may be of a subclass of str, int or list.
    if type(name) is not str or _ARITY.get(name) != len(step) - 1:
        raise _refused("TypeError", f"an object of Python has no step {shown(step, 60)}")
    if name == "call" and type(step[1]) is not list:
        raise _refused("TypeError", "the arguments of a call are an array")
    if name not in ("get", "set", "has"):
        return
    key = step[1]
    if type(key) not in (str, int):
        raise _refused("TypeError", f"the key of an attribute or item is a str or an int; got {shown(key, 60)}")
    if type(key) is str and key.startswith("_"):
        owner = type_name(export.value)
        text = f"{shown(key, 60)} of a {owner} is private: pages reach what does not begin with an underscore"
        raise _refused("AttributeError", text)


def _refused(name: str, text: str) -> RefusedReference:
    return RefusedReference(m.ErrorInfo("refused", name, text))


def _function(value: Any, steps: list[list[Any]]) -> tuple[Function, list[Any]]:
    name, *rest = steps[-1]
    label = class_name(value)
    if len(steps) == 2:
        key = steps[0][1]
        found = inspect.getattr_static(value, key, None) if isinstance(key, str) else None
        run = _call_async_method if is_async(found) else _call_method  # type: ignore[arg-type]
        named = f"{label}.{key}"
        return Function(named, functools.partial(run, named, value, key), exclusive=False), rest[0]
    if name == "call":
        return Function(label, value, exclusive=False, is_checked=is_annotated(value)), rest[0]
    return Function(f"{name} of a {label}", functools.partial(_STEPS[name], value), exclusive=False), rest


def _call_method(named: str, value: Any, key: str | int, /, *args: Any, **keywords: Any) -> Any:
    return call_method(named, _attribute(value, key), args, keywords)


async def _call_async_method(named: str, value: Any, key: str, /, *args: Any, **keywords: Any) -> Any:
    return await call_method(named, getattr(value, key), args, keywords)


def _attribute(value: Any, key: str | int) -> Any:
    """Return an attribute, or the item of that key if there is no such attribute."""
    if isinstance(key, str):
        try:
            return getattr(value, key)
        except AttributeError as error:
            if not hasattr(type(value), "__getitem__"):
                raise
            try:
                return value[key]
            except TypeError:  # items of a sequence have no names
                raise error from None
    return value[key]


def _get(value: Any, key: str | int) -> Any:
    """Return the item of a mapping; of other objects, see `_attribute`."""
    return value[key] if isinstance(value, Mapping) and key in value else _attribute(value, key)


def _set(value: Any, key: str | int, new: Any) -> None:
    """Set the item of a mapping, an existing attribute, or an item of another object that has items."""
    has_items = hasattr(type(value), "__setitem__")
    if isinstance(key, str) and not isinstance(value, Mapping) and (hasattr(value, key) or not has_items):
        setattr(value, key, new)
    else:
        value[key] = new


def _has(value: Any, key: str | int) -> bool:
    if isinstance(value, Mapping) or isinstance(key, int):
        return hasattr(type(value), "__contains__") and key in value
    return hasattr(value, key)


def _keys(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return list(value)
    return [name for name in dir(value) if not name.startswith("_")]


def _iterate(value: Any) -> Any:
    """Return an iterator, or an async one for objects that have no other."""
    return aiter(value) if hasattr(type(value), "__aiter__") and not hasattr(type(value), "__iter__") else iter(value)


_STEPS: dict[str, Callable[..., Any]] = {
    "get": _get,
    "set": _set,
    "has": _has,
    "length": len,
    "keys": _keys,
    "iterate": _iterate,
}
