"""Limits on the resources that pages use. Beyond a limit, messages wait or fail with an error that names it."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias, get_args

import msgspec

from .values import MAX_MESSAGE_BYTES

__all__ = ["Limits", "Overflow", "check_overflow"]

Overflow: TypeAlias = Literal["drop_oldest", "latest", "block", "disconnect"]

_LEAST = {"message_bytes": 64 * 1024, "outbox_bytes": 2**20, "outbox_messages": 1000, "pages": 0, "resume_seconds": 0}


def check_overflow(policy: object) -> None:
    """Raise `ValueError` unless `policy` is an overflow policy."""
    if policy not in get_args(Overflow):
        raise ValueError(f"overflow must be one of {', '.join(map(repr, get_args(Overflow)))}; got {policy!r}")


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits for `JsMeetsPy(limits=Limits(...))`. Programs rarely reach the defaults.

    Args:
        pages: Simultaneous connections; 0 means no limit.
        message_bytes: Bytes of one message in either direction, 65,536 to 268,435,456 (256 MiB). A quarter of it, at
            most 65,536, is reserved for the envelope of a value. Larger values raise `MessageTooBig` in the sender.
        outbox_bytes: Bytes that wait for one page, or that it has not acknowledged. Messages over 256 KiB, which are
            sent in chunks, have a separate limit of the same size, so that small ones do not wait.
        outbox_messages: Messages that wait for one page, or that it has not acknowledged.
        overflow: Policy for publications to a page whose outbox is full, unless `pubsub.set_overflow` sets another one
            for the topic: "drop_oldest" drops the oldest waiting publication; "latest" keeps only the newest waiting
            one of a topic, even while there is room; "block" blocks the publishing thread until there is room;
            "disconnect" closes the connection. Calls and acknowledged pushes always wait for room until their timeout;
            other messages close the connection.
        calls: Calls of one page that run or are queued in Python.
        topics: Subscriptions of one page.
        queue_items: Items in one queue in Python, unless `queues.set_limit` sets another number. The same number may
            wait for room in it.
        references: Objects that one page and Python hold of each other: functions, objects, streams and files.
        stream_items: Items of one stream that are produced ahead of its reader, in either direction.
        stream_bytes: Bytes of these items. The item with which a stream exceeds it is still sent.
        resume_seconds: Seconds that a page has to reconnect after its connection broke; its session then continues.
            0 disables this.
        waiting_threads: Exposed plain functions that wait for pages at the same time, each in its own thread.

    Raises:
        TypeError: A value is not a number.
        ValueError: A value is out of range.
    """

    pages: int = 0
    message_bytes: int = MAX_MESSAGE_BYTES
    outbox_bytes: int = 64 * 2**20
    outbox_messages: int = 250_000
    overflow: Overflow = "drop_oldest"
    calls: int = 250_000
    topics: int = 250_000
    queue_items: int = 1_000_000
    references: int = 250_000
    stream_items: int = 256
    stream_bytes: int = 32 * 2**20
    resume_seconds: float = 10.0
    waiting_threads: int = 2_000

    def __post_init__(self) -> None:
        check_overflow(self.overflow)
        for name in self.__struct_fields__:
            if name != "overflow":
                _check(name, getattr(self, name), float if name == "resume_seconds" else int)
        if self.message_bytes > MAX_MESSAGE_BYTES:
            raise ValueError(f"message_bytes must be at most {MAX_MESSAGE_BYTES}; got {self.message_bytes}")


def _check(name: str, value: object, kind: type) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, kind)):
        raise TypeError(f"{name} must be a number; got {value!r}")
    least = _LEAST.get(name, 1)
    if not least <= value < math.inf:  # type: ignore[operator]
        raise ValueError(f"{name} must be at least {least}; got {value!r}")
