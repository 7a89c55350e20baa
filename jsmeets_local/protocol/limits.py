"""How much pages may take: what is beyond it waits, or ends with an error that says so."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias, get_args

import msgspec

from .values import MAX_MESSAGE_BYTES

__all__ = ["Limits", "Overflow", "check_overflow"]

Overflow: TypeAlias = Literal["drop_oldest", "latest", "block", "disconnect"]

_LEAST = {"message_bytes": 64 * 1024, "outbox_bytes": 2**20, "outbox_messages": 1000, "pages": 0, "resume_seconds": 0}


def check_overflow(policy: object) -> None:
    """Raises `ValueError` for what is no policy of publications."""
    if policy not in get_args(Overflow):
        raise ValueError(f"overflow is one of {', '.join(map(repr, get_args(Overflow)))}; got {policy!r}")


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What `JsMeetsPy(limits=Limits(...))` lets pages take. Each has a default that a program rarely meets.

    Args:
        pages: Connections at once; 0 means no limit.
        message_bytes: Bytes of one message in either direction, 65,536 to 268,435,456 (256 MiB). A quarter of them,
            65,536 at most, is left for what travels around a value. Larger ones raise `MessageTooBig` in the sender.
        outbox_bytes: Bytes that wait for one page, or that it has not confirmed yet. Messages over 256 KiB, which
            travel in chunks, have the same room once more: the small ones do not wait for them.
        outbox_messages: How many messages wait for one page, or are not confirmed yet.
        overflow: What happens to publications for a page whose outbox is full, where `pubsub.set_overflow` does not
            say another thing: "drop_oldest" drops the oldest publication that waits; "latest" lets only the newest one
            of a topic wait, also while there is room; "block" lets the publisher's thread wait for room; "disconnect"
            sends the page away. Calls and acknowledged pushes always wait for room, as long as their timeout allows;
            other messages, which nobody waits for, send the page away.
        calls: Calls of one page that run in Python at once, or wait for their turn there.
        topics: Subscriptions of one page.
        queue_items: Items in one queue of Python's, where `queues.set_limit` does not say another number. No more than
            that wait for room in it.
        resume_seconds: Seconds for which a page whose connection broke is waited for; until then all goes on over its
            next connection. 0: not at all.
        waiting_threads: Exposed plain functions that wait for pages at once, each in a thread of its own.

    Raises:
        TypeError: A value is no number.
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
    resume_seconds: float = 10.0
    waiting_threads: int = 2_000

    def __post_init__(self) -> None:
        check_overflow(self.overflow)
        for name in self.__struct_fields__:
            if name != "overflow":
                _check(name, getattr(self, name), float if name == "resume_seconds" else int)
        if self.message_bytes > MAX_MESSAGE_BYTES:
            raise ValueError(f"message_bytes is {MAX_MESSAGE_BYTES} at most; got {self.message_bytes}")


def _check(name: str, value: object, kind: type) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, kind)):
        raise TypeError(f"{name} is a number; got {value!r}")
    least = _LEAST.get(name, 1)
    if not least <= value < math.inf:  # type: ignore[operator]
        raise ValueError(f"{name} is {least} or more; got {value!r}")
