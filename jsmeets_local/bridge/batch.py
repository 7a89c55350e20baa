"""Batches: many calls of one function of a client, sent as a few messages."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from ..errors import JsPyError
from ..protocol.failures import About, as_exception
from ..protocol.messages import ErrorInfo
from ..protocol.values import Payload
from .portal import Cancel, Done, Operation
from .proxies.base import checked

__all__ = ["PART", "Batch", "join_batch", "split_batch"]

PART = 512  # calls in one message; the client does other work between the parts


class _Failure(msgspec.Struct):
    """First failed call of a part, as the client reports it."""

    place: int
    error: ErrorInfo


class Batch:
    """Operation that starts others at once. Its outcome is the list of theirs, in order.

    Args:
        parts: The operations.
    """

    def __init__(self, parts: Sequence[Operation[Any]]) -> None:
        self._parts = parts
        self._outcomes: list[Any] = [None] * len(parts)
        self._missing = len(parts)

    def __call__(self, done: Done[list[Any]]) -> Cancel:
        """Start the parts."""

        def set_outcome(place: int, outcome: Any) -> None:
            self._outcomes[place] = outcome
            self._missing -= 1
            if not self._missing:
                done(self._outcomes)

        if not self._parts:
            done([])
        cancels = [part(functools.partial(set_outcome, place)) for place, part in enumerate(self._parts)]

        def cancel_all() -> None:
            for cancel in cancels:
                if cancel is not None:
                    cancel()

        return cancel_all


def split_batch(key: str, calls: Sequence[list[Any]], pack: Callable[[Any, str], Payload]) -> list[Payload]:
    """Pack the arguments of the client's `$map` for each part.

    Args:
        key: The name of the function.
        calls: The arguments of each call.
        pack: Function that converts values for the wire.

    Raises:
        TypeError: An argument cannot be sent; the error message contains its path, `args[3][0]` for example.
        MessageTooBig: A part is too large.
    """
    return [_pack_part(key, calls[start : start + PART], start, pack) for start in range(0, len(calls), PART)]


def _pack_part(key: str, calls: Sequence[list[Any]], start: int, pack: Callable[[Any, str], Payload]) -> Payload:
    try:
        return pack([*calls, key], "args")
    except TypeError:
        for place, args in enumerate(calls, start):
            pack(args, f"args[{place}]")  # raises for the argument that cannot be sent, with its path
        raise


def join_batch(key: str, outcomes: Sequence[Any]) -> list[Any]:
    """Return the values of all calls, in order.

    Args:
        key: The name of the function.
        outcomes: For each part, its values, the failure that the client reports, or an exception.

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
    failure: _Failure = checked(outcome, _Failure, key)
    error = as_exception(failure.error, About("map", key), 0, 0)
    error.add_note(f"(in call {before + failure.place} of this map)")
    return error
