"""What users pass besides values: timeouts, names, targets. Checked where they are given."""

from __future__ import annotations

import math
import numbers
from collections.abc import Collection
from typing import Any, TypeAlias

__all__ = [
    "Key",
    "Target",
    "check_function",
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


def seconds_of_call(timeout: float | None) -> float | None:
    """As `seconds`; who writes `call("add", [1, 2])` is told how it is meant.

    Raises:
        TypeError: It is no number.
    """
    try:
        return seconds(timeout)
    except TypeError as error:
        hint = "What the function is given stands in parentheses of its own: call('name')(1, 2)"
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
    """Raises `TypeError` where `func` cannot be called."""
    if not callable(func):
        raise TypeError(f"{what} is a function; got {func!r}")


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
    raise TypeError(f"target is a socket number, a collection of them, or None for all pages; got {target!r}")
