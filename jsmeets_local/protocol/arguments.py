"""Validation of arguments other than values: timeouts, names, targets and functions."""

from __future__ import annotations

import math
import numbers
from collections.abc import Collection
from typing import Any, TypeAlias

__all__ = [
    "Key",
    "Target",
    "check_flag",
    "check_function",
    "check_limit",
    "check_name",
    "check_queue_key",
    "check_suppress",
    "check_target",
    "seconds",
    "seconds_of_call",
]

Key: TypeAlias = str | int | float | bool | None
Target: TypeAlias = int | Collection[int] | None


def seconds(timeout: float | None) -> float | None:
    """Return a timeout in seconds, or `None` for no limit: for `None`, infinity, 0 and negative numbers.

    Raises:
        TypeError: `timeout` is not a number.
    """
    if timeout is None:
        return None
    if isinstance(timeout, bool) or not isinstance(timeout, numbers.Real) or math.isnan(timeout):
        raise TypeError(f"timeout must be a number of seconds, or None for no limit; got {timeout!r}")
    return None if timeout <= 0 or math.isinf(timeout) else float(timeout)


def seconds_of_call(timeout: float | None, meant: str) -> float | None:
    """Return a timeout as `seconds` does. The error shows the form that is meant, `function.timeout(2)(...)`.

    Raises:
        TypeError: `timeout` is not a number.
    """
    try:
        return seconds(timeout)
    except TypeError as error:
        hint = f"Pass arguments in a second call: {meant}"
        raise TypeError(f"{error}. {hint}") from None


def check_name(name: Any, what: str) -> str:
    """Check the name of a function or topic.

    Raises:
        TypeError: `name` is not a string.
        ValueError: `name` is empty.
    """
    if not isinstance(name, str):
        raise TypeError(f"the {what} must be a str; got {name!r}")
    if not name:
        raise ValueError(f"the {what} must not be empty")
    return name


def check_suppress(suppress: Any) -> None:
    """Check the argument `suppress`.

    Raises:
        TypeError: `suppress` is neither a bool nor 0 or 1.
    """
    if not isinstance(suppress, int) or suppress not in (0, 1):
        raise TypeError(f"suppress must be True or False; got {suppress!r:.60}")


def check_queue_key(key: Any) -> Key:
    """Check that the key of a queue in a page is a JSON scalar.

    Raises:
        TypeError: `key` is not a JSON scalar.
    """
    if key is not None and not isinstance(key, (str, int, float)):
        raise TypeError(f"the key of a queue in a page must be a str, a number, a bool or None; got {key!r}")
    return key


def check_function(func: Any, what: str) -> None:
    """Check that an argument is callable.

    Raises:
        TypeError: `func` is not callable. For a class method or property, the message says what to pass instead.
    """
    if isinstance(func, (classmethod, property)):
        inner = func.fget if isinstance(func, property) else func.__func__
        name = getattr(inner, "__name__", "name")
        later = f"Class.{name}" if isinstance(func, classmethod) else f"lambda: thing.{name}"
        raise TypeError(f"{what} must be a function; got a {type(func).__name__}: give {later} after its class is made")
    if not callable(func):
        raise TypeError(f"{what} must be a function; got {func!r:.200}")


def check_flag(name: str, value: Any) -> bool:
    """Check that a value is `True` or `False`.

    Raises:
        TypeError: `value` is not a bool; `"no"`, for example, is truthy.
    """
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False; got {value!r:.60}")
    return value


def check_limit(limit: Any) -> int:
    """Check a connection limit.

    Raises:
        TypeError: `limit` is not an int.
    """
    if not isinstance(limit, int):
        raise TypeError(f"limit must be a number of connections; got {limit!r:.60}")
    return limit


def check_target(target: Any) -> Target:
    """Check a target: a socket number, a collection of them, or `None` for all.

    Raises:
        TypeError: `target` is none of these.
    """
    if target is None:
        return None
    if isinstance(target, numbers.Integral) and not isinstance(target, bool):
        return int(target)
    if isinstance(target, Collection) and all(isinstance(number, numbers.Integral) for number in target):
        return [int(number) for number in target]
    raise TypeError(f"target must be a socket number, a collection of them, or None for all pages; got {target!r:.60}")
