"""Special values of messages that arrive: what JSON cannot express is put in its place."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

from msgspec.structs import replace

from ..errors import ProtocolError
from . import messages as m
from .references import RefusedReference
from .text import shown

__all__ = ["revive", "split_keywords"]

_MANY = 1000  # keys of a Map
_KEYS = frozenset({str, int, float, bool, type(None)})

M = TypeVar("M", bound=m.Message)

# Message -> the index and name of the element that holds values, and the length of the shortest path to one.
_PLACES: dict[type, tuple[int, str, int]] = {
    m.Call: (3, "args", 2),
    m.Notify: (2, "args", 2),
    m.Return: (2, "value", 1),
    m.Push: (3, "data", 1),
    m.Publish: (3, "data", 1),
    m.Retain: (3, "data", 1),
    m.State: (3, "fields", 2),
    m.Patch: (3, "changes", 3),
    m.Patched: (3, "changes", 3),
    m.Use: (3, "steps", 3),
    m.Items: (2, "items", 2),
}

# Kind -> the type of what the JSON has in its place; None for all others.
_FORMS: dict[str, type] = {"map": list, "keywords": dict}


class _Keywords(dict[str, Any]):
    """Keyword arguments, in the place of the last argument."""


def split_keywords(args: list[Any]) -> tuple[list[Any], dict[str, Any] | None]:
    """Return the positional and the keyword arguments of a revived message."""
    if args and type(args[-1]) is _Keywords:
        return args[:-1], {**args[-1]}
    return args, None


def revive(message: M, make: Callable[[m.Special], Any]) -> M:
    """Put the special values of a message in their places.

    Args:
        message: The message. Its containers are changed.
        make: Returns the object of a reference, or raises `RefusedReference`.

    Raises:
        ProtocolError: The specials are invalid.
        RefusedReference: The first error of `make`, after it was called for all references; or a Map cannot be a dict.
    """
    name = _PLACES[type(message)][1]
    refusal: RefusedReference | None = None
    root: list[Any] = [getattr(message, name)]
    specials: tuple[m.Special, ...] = message.specials  # type: ignore[union-attr]
    # Find all places before making the first object: a path must not lead into an object of Python.
    places = [_find(type(message), root, special) for special in specials]
    for special, (place, step) in zip(specials, places, strict=True):
        try:
            place[step] = _make(special, place[step], make, name)
        except RefusedReference as error:
            refusal = refusal or error
    if refusal is not None:
        try:
            raise refusal
        finally:
            del refusal  # its traceback holds this stack frame, and would keep the objects alive
    return message if root[0] is getattr(message, name) else replace(message, **{name: root[0]})


def _find(kind: type, root: list[Any], special: m.Special) -> tuple[Any, Any]:
    """Return the container and key of a place in a message."""
    index, _, shortest = _PLACES[kind]
    path: list[str | int] = special.path
    place: Any = root
    steps: list[str | int] = [0, *path[1:]]
    try:
        if len(path) < shortest or path[0] != index:
            raise LookupError
        for step in steps[:-1]:
            place = _container(place)[step]
        found = _container(place)[steps[-1]]
        if type(found) is not _FORMS.get(special.kind, type(None)):
            raise LookupError
        if special.kind == "keywords" and not _is_last_argument(kind, root[0], path):
            raise LookupError
    except (LookupError, TypeError):
        raise _misplaced(path) from None
    return place, steps[-1]


def _is_last_argument(kind: type, value: Any, path: list[Any]) -> bool:
    """Return whether a path of a message leads to the last argument of a call, or of a step `call`."""
    if kind is m.Use:
        return len(path) == 4 and value[path[1]][0] == "call" and path[2:] == [1, len(value[path[1]][1]) - 1]
    return kind in (m.Call, m.Notify) and path[1:] == [len(value) - 1]


def _container(value: Any) -> Any:
    """Return a container of JSON. Strings and arrays have items, too, but cannot contain special values."""
    if type(value) is not list and type(value) is not dict:
        raise LookupError
    return value


def _misplaced(path: list[str | int]) -> ProtocolError:
    return ProtocolError(f"path {str(path)[:100]} does not lead to a special value of a message")


def _make(special: m.Special, value: Any, make: Callable[[m.Special], Any], name: str) -> Any:
    if special.kind == "keywords":
        if type(value) is not dict:  # two have the same path
            raise _misplaced(special.path)
        return _Keywords(value)
    if special.kind == "map":
        return _dict(value if type(value) is list else [None], special, name)
    if value is not None:  # two have the same path
        raise _misplaced(special.path)
    if special.kind == "bigint":
        return _integer(special, name)
    if type(special.fact) is not int or not 1 <= special.fact <= m.MAX_ID:
        raise ProtocolError(f"{special.kind} with the number {shown(special.fact, 40)}")
    return make(special)


def _integer(special: m.Special, name: str) -> int:
    digits = special.fact
    if isinstance(digits, str) and digits.removeprefix("-").isdecimal() and digits.isascii():
        try:
            return int(digits)
        except ValueError:
            size, most = len(digits.removeprefix("-")), sys.get_int_max_str_digits()
            text = f"a BigInt of {size} digits is too long for Python, which converts at most {most}; send it as text"
            raise _refused("RangeError", special, name, text) from None
    raise ProtocolError(f"an integer with the digits {shown(digits, 40)}")


def _dict(pairs: list[Any], special: m.Special, name: str) -> dict[Any, Any]:
    for pair in pairs:
        if type(pair) is not list or len(pair) != 2 or type(pair[0]) not in _KEYS:
            raise ProtocolError(f"the Map at {str(special.path)[:100]} has no pairs of key and value")
    # Integers whose difference is a multiple of 2**61 - 1 have the same hash; 10,000 of them take a second.
    if len(pairs) > _MANY and len({hash(key) for key, _ in pairs}) < len(pairs) // 2:
        text = "too many keys of a Map are equal or have the same hash in Python; send its entries as an array"
        raise _refused("TypeError", special, name, text)
    made = dict(pairs)
    if len(made) < len(pairs):
        text = "two keys of a Map are equal in Python, as 1 and true are; send its entries as an array"
        raise _refused("TypeError", special, name, text)
    return made


def _refused(kind: str, special: m.Special, name: str, reason: str) -> RefusedReference:
    """Return the error for a value of the user. Its text begins with the path of the value.

    Args:
        kind: The name of the error.
        special: The special value.
        name: The name of the element of the message that holds it.
        reason: The reason.
    """
    steps = special.path[1:]
    if name == "steps":  # of the use of an object: the arguments of a call, or an assigned value
        name, steps = "args" if steps[1] == 1 else "value", steps[2:]
    place = name + "".join(f"[{step!r}]" for step in steps)
    return RefusedReference(m.ErrorInfo("refused", kind, f"{place:.200}: {reason}"))
