"""What a protocol state wants done. The protocol state decides, its shell does."""

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


class _Effect(msgspec.Struct, frozen=True, gc=False):
    """Several go with each call: structs are made faster than named tuples, and the garbage collector skips them."""


class Wake(_Effect, frozen=True, gc=False):
    """There is something to write in the outbox of a socket."""

    socket: int


class Invoke(_Effect, frozen=True, gc=False):
    """Run a function and give its outcome to `ProtocolState.answer`; `call_id` 0 wants no answer."""

    socket: int
    call_id: int
    function: Function
    args: list[Any]


class Settle(_Effect, frozen=True, gc=False):
    """Hand the answers to whoever called."""

    finished: Finished


class Deliver(_Effect, frozen=True, gc=False):
    """Hand a publication to a subscriber in this process."""

    subscriber: Hashable
    topic: str
    data: Any


class Stored(_Effect, frozen=True, gc=False):
    """An item has arrived in a queue."""

    key: Hashable


class UserMessage(_Effect, frozen=True, gc=False):
    """Hand a message of the user's own protocol over."""

    socket: int
    object: dict[str, Any]


class Connected(_Effect, frozen=True, gc=False):
    """A page is there: it has received its welcome."""

    socket: int
    page: str


class Lost(_Effect, frozen=True, gc=False):
    """The connection of a page is lost; it may come back within the grace time."""

    socket: int
    page: str


class Resumed(_Effect, frozen=True, gc=False):
    """A page has come back and goes on where it was."""

    socket: int
    page: str


class Room(_Effect, frozen=True, gc=False):
    """A page that had no room for more has some, or has gone: who waits for that may look again."""


class Ponged(_Effect, frozen=True, gc=False):
    """A page has answered a ping that was sent at that time, in the seconds of the shell's clock."""

    socket: int
    sent: float


class Left(_Effect, frozen=True, gc=False):
    """A page has gone; `lost` if it was waited for, and did not come back."""

    socket: int
    page: str
    lost: bool = False


class Drop(_Effect, frozen=True, gc=False):
    """Close the connection of a socket after what is in its outbox has been written."""

    socket: int
    code: int
    reason: str


class Report(_Effect, frozen=True, gc=False):
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
