"""Many calls of one function of a page: cut into parts, each of which travels as one message, and their outcomes."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from ..errors import JsPyError
from ..protocol.failures import About, as_exception
from ..protocol.messages import ErrorInfo
from ..protocol.values import Payload
from .portal import Done

__all__ = ["PART", "Parts", "joined", "parts_of"]

PART = 512  # calls: while the page makes these, Python prepares the next ones, and the page has time for other things


class _Failure(msgspec.Struct):
    """The first call of a part that failed, by the page."""

    place: int
    error: ErrorInfo


class Parts:
    """Waits for the outcomes of all parts, on the loop.

    Args:
        count: How many there are, at least one.
        done: Gets them in their order.
    """

    def __init__(self, count: int, done: Done[list[Any]]) -> None:
        self._outcomes: list[Any] = [None] * count
        self._missing = count
        self._done = done

    def taker(self, place: int) -> Done[Any]:
        """Who takes the outcome of one part."""
        return functools.partial(self._take, place)

    def _take(self, place: int, outcome: Any) -> None:
        self._outcomes[place] = outcome
        self._missing -= 1
        if not self._missing:
            self._done(self._outcomes)


def parts_of(key: str, calls: Sequence[list[Any]], pack: Callable[[Any, str], Payload]) -> list[Payload]:
    """The arguments of the page's `$map` for each part.

    Args:
        key: The name of the function.
        calls: The arguments of each call.
        pack: Converts values for the wire.

    Raises:
        TypeError: An argument cannot be sent; the text names the path to it, `args[3][0]` for the first of call 3.
        MessageTooBig: A part is too large.
    """
    return [_packed(key, calls[start : start + PART], start, pack) for start in range(0, len(calls), PART)]


def _packed(key: str, calls: Sequence[list[Any]], start: int, pack: Callable[[Any, str], Payload]) -> Payload:
    try:
        return pack([*calls, key], "args")
    except TypeError:
        for place, args in enumerate(calls, start):
            pack(args, f"args[{place}]")  # the one that cannot be sent, by its own place
        raise


def joined(key: str, outcomes: Sequence[Any]) -> list[Any]:
    """The values of all calls.

    Args:
        key: The name of the function.
        outcomes: What became of each part: values, what the page says of a failure, or an exception.

    Raises:
        JsPyError: The first one that failed.
    """
    values: list[Any] = []
    for outcome in outcomes:
        if isinstance(outcome, JsPyError):
            raise outcome
        if not isinstance(outcome, list):
            raise _failed(key, outcome, len(values))
        values += outcome
    return values


def _failed(key: str, outcome: Any, before: int) -> JsPyError:
    failure = msgspec.convert(outcome, _Failure)
    error = as_exception(failure.error, About("map", key), 0, 0)
    error.add_note(f"(in call {before + failure.place} of those that were made together)")
    return error
