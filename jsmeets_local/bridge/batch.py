"""Batches: many calls of one function of a page, sent as a few messages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from ..errors import JsPyError
from ..protocol.failures import About, as_exception
from ..protocol.messages import ErrorInfo
from ..protocol.values import Payload
from .portal import Done

__all__ = ["PART", "Batch", "join_batch", "split_batch"]

PART = 512  # calls in one message; between the parts a page does other work, and Python packs the next ones


class _Failure(msgspec.Struct):
    """First failed call of a part, as the page reports it."""

    place: int
    error: ErrorInfo


class Batch:
    """Outcomes of the parts of a batch, on the loop.

    Args:
        count: Number of parts, at least one.
        done: Called with all outcomes, in the order of the parts.
    """

    def __init__(self, count: int, done: Done[list[Any]]) -> None:
        self._outcomes: list[Any] = [None] * count
        self._missing = count
        self._done = done

    def set_outcome(self, place: int, outcome: Any) -> None:
        """Store the outcome of one part."""
        self._outcomes[place] = outcome
        self._missing -= 1
        if not self._missing:
            self._done(self._outcomes)


def split_batch(key: str, calls: Sequence[list[Any]], pack: Callable[[Any, str], Payload]) -> list[Payload]:
    """Pack the arguments of the page's `$map` for each part.

    Args:
        key: The name of the function.
        calls: The arguments of each call.
        pack: Converts values for the wire.

    Raises:
        TypeError: An argument cannot be sent; the text names the path to it, `args[3][0]` for the first of call 3.
        MessageTooBig: A part is too large.
    """
    return [_pack_part(key, calls[start : start + PART], start, pack) for start in range(0, len(calls), PART)]


def _pack_part(key: str, calls: Sequence[list[Any]], start: int, pack: Callable[[Any, str], Payload]) -> Payload:
    try:
        return pack([*calls, key], "args")
    except TypeError:
        for place, args in enumerate(calls, start):
            pack(args, f"args[{place}]")  # raises for the argument that cannot be sent, with its place
        raise


def join_batch(key: str, outcomes: Sequence[Any]) -> list[Any]:
    """Return the values of all calls.

    Args:
        key: The name of the function.
        outcomes: For each part its values, the failure that the page reports, or an exception.

    Raises:
        JsPyError: The first failure.
    """
    values: list[Any] = []
    for outcome in outcomes:
        if isinstance(outcome, JsPyError):
            raise outcome
        if not isinstance(outcome, list):
            raise _failure_error(key, outcome, len(values))
        values += outcome
    return values


def _failure_error(key: str, outcome: Any, before: int) -> JsPyError:
    failure = msgspec.convert(outcome, _Failure)
    error = as_exception(failure.error, About("map", key), 0, 0)
    error.add_note(f"(in call {before + failure.place} of this map)")
    return error
