"""What users pass besides values: timeouts, names, targets. Checked where they are given."""

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
    """A timeout in seconds; `None`, 0 and negative mean no limit.

    Raises:
        TypeError: It is no number.
    """
    if timeout is None:
        return None
    if isinstance(timeout, bool) or not isinstance(timeout, numbers.Real) or math.isnan(timeout):
        raise TypeError(f"timeout is a number of seconds, or None for no limit; got {timeout!r}")
    return None if timeout <= 0 or math.isinf(timeout) else float(timeout)


def seconds_of_call(timeout: float | None, meant: str = "call('name')(1, 2)") -> float | None:
    """As `seconds`; an error tells who writes `call("add", [1, 2])` how it is meant.

    Raises:
        TypeError: It is no number.
    """
    try:
        return seconds(timeout)
    except TypeError as error:
        hint = f"What is sent stands in parentheses of its own: {meant}"
        raise TypeError(f"{error}. {hint}") from None


def check_name(name: Any, what: str) -> str:
    """The name of a function or topic.

    Raises:
        TypeError: It is no string.
        ValueError: It is empty.
    """
    if not isinstance(name, str):
        raise TypeError(f"the {what} is a str; got {name!r}")
    if not name:
        raise ValueError(f"the {what} is empty")
    return name


def check_suppress(suppress: Any) -> None:
    """Whether a publisher wants to be spared its own; who writes `publish("t", data)` is told how it is meant.

    Raises:
        TypeError: It is no bool, nor 0 or 1.
    """
    if not isinstance(suppress, int) or suppress not in (0, 1):
        hint = "What is published stands in parentheses of its own: publish('topic')(data)"
        raise TypeError(f"suppress is True or False; got {suppress!r:.60}. {hint}")


def check_queue_key(key: Any) -> Key:
    """The key of a queue in a page: what JSON calls a scalar.

    Raises:
        TypeError: It is something else.
    """
    if key is not None and not isinstance(key, (str, int, float)):
        raise TypeError(f"the key of a queue in a page is a str, a number, a bool or None; got {key!r}")
    return key


def check_function(func: Any, what: str) -> None:
    """Refuses what cannot be called.

    Raises:
        TypeError: `func` is no function; the text tells what to do where it will be one.
    """
    if isinstance(func, (classmethod, property)):
        inner = func.fget if isinstance(func, property) else func.__func__
        name = getattr(inner, "__name__", "name")
        later = f"Class.{name}" if isinstance(func, classmethod) else f"lambda: thing.{name}"
        raise TypeError(f"{what} is a function; got a {type(func).__name__}: give {later} after its class is made")
    if not callable(func):
        raise TypeError(f"{what} is a function; got {func!r:.200}")


def check_flag(name: str, value: Any) -> bool:
    """A value that is `True` or `False`.

    Raises:
        TypeError: It is something else: `"no"`, say, which counts as true.
    """
    if not isinstance(value, bool):
        raise TypeError(f"{name} is True or False; got {value!r:.60}")
    return value


def check_limit(limit: Any) -> int:
    """A number of connections.

    Raises:
        TypeError: It is no whole number.
    """
    if not isinstance(limit, int):
        raise TypeError(f"limit is a number of connections; got {limit!r:.60}")
    return limit


def check_target(target: Any) -> Target:
    """A socket number, a collection of them, or `None` for all.

    Raises:
        TypeError: It is something else.
    """
    if target is None:
        return None
    if isinstance(target, numbers.Integral) and not isinstance(target, bool):
        return int(target)
    if isinstance(target, Collection) and all(isinstance(number, numbers.Integral) for number in target):
        return [int(number) for number in target]
    raise TypeError(
        f"target is a socket number, a collection of them, or None for all pages; got {target!r:.60}. "
        "What is sent stands in parentheses of its own"
    )
