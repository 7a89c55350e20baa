"""What a hub wants done. The hub decides, its shell does.

Structs are made several times faster than tuples with names are, and several go with each call.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, TypeAlias

import msgspec

from .calls import Finished
from .functions import Function

__all__ = [
    "Connected",
    "Deliver",
    "Drop",
    "Effect",
    "Invoke",
    "Left",
    "Lost",
    "Ponged",
    "Report",
    "Resumed",
    "Room",
    "Settle",
    "Stored",
    "UserMessage",
    "Wake",
]


class Wake(msgspec.Struct, frozen=True):
    """There is something to write in the outbox of a socket."""

    socket: int


class Invoke(msgspec.Struct, frozen=True):
    """Run a function and give its outcome to `Hub.answer`; `call_id` 0 wants no answer."""

    socket: int
    call_id: int
    function: Function
    args: list[Any]


class Settle(msgspec.Struct, frozen=True):
    """Hand the answers to whoever called."""

    finished: Finished


class Deliver(msgspec.Struct, frozen=True):
    """Hand a publication to a subscriber in this process."""

    subscriber: Hashable
    topic: str
    data: Any


class Stored(msgspec.Struct, frozen=True):
    """An item has arrived in a queue."""

    key: Hashable


class UserMessage(msgspec.Struct, frozen=True):
    """Hand a message of the user's own protocol over."""

    socket: int
    object: dict[str, Any]


class Connected(msgspec.Struct, frozen=True):
    """A page is there."""

    socket: int
    page: str


class Lost(msgspec.Struct, frozen=True):
    """The connection of a page is lost; it may come back within the grace time."""

    socket: int
    page: str


class Resumed(msgspec.Struct, frozen=True):
    """A page has come back and goes on where it was."""

    socket: int
    page: str


class Room(msgspec.Struct, frozen=True):
    """A page that had no room for more has some, or has gone: who waits for that may look again."""


class Ponged(msgspec.Struct, frozen=True):
    """A page has answered a ping that was sent at that time, in the seconds of the shell's clock."""

    socket: int
    sent: float


class Left(msgspec.Struct, frozen=True):
    """A page has gone; `lost` if it was waited for, and did not come back."""

    socket: int
    page: str
    lost: bool = False


class Drop(msgspec.Struct, frozen=True):
    """Close the connection of a socket after what is in its outbox has been written."""

    socket: int
    code: int
    reason: str


class Report(msgspec.Struct, frozen=True):
    """Tell the user by the log; `level` is a method name of `logging.Logger`."""

    level: str
    text: str


Effect: TypeAlias = (
    Wake
    | Invoke
    | Settle
    | Deliver
    | Stored
    | UserMessage
    | Connected
    | Lost
    | Resumed
    | Room
    | Ponged
    | Left
    | Drop
    | Report
)
