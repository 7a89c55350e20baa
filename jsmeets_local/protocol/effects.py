"""Effects: work that the protocol state asks its owner to do."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, TypeAlias

import msgspec

from .calls import Finished
from .functions import Function

__all__ = [
    "CallFinished",
    "Connected",
    "Deliver",
    "Drop",
    "Effect",
    "Invoke",
    "ItemStored",
    "Left",
    "Lost",
    "Ponged",
    "Releasing",
    "Report",
    "Resumed",
    "UserMessage",
    "Wake",
    "Writable",
]


class _Effect(msgspec.Struct, frozen=True, gc=False):
    """Base class of effects. Each call creates several, so they are structs, which the garbage collector ignores."""


class Wake(_Effect, frozen=True, gc=False):
    """Write the outbox of a socket."""

    socket: int


class Invoke(_Effect, frozen=True, gc=False):
    """Run a function and pass its outcome to `ProtocolState.answer`; `call_id` 0 expects no answer."""

    socket: int
    call_id: int
    function: Function
    args: list[Any]


class CallFinished(_Effect, frozen=True, gc=False):
    """Pass the answers of a call to its caller."""

    finished: Finished


class Deliver(_Effect, frozen=True, gc=False):
    """Pass a publication to a subscriber in this process."""

    subscriber: Hashable
    topic: str
    data: Any


class ItemStored(_Effect, frozen=True, gc=False):
    """Serve the readers of a queue to which an item was added."""

    key: Hashable


class UserMessage(_Effect, frozen=True, gc=False):
    """Pass a message of a user-defined protocol to its handler."""

    socket: int
    object: dict[str, Any]


class Connected(_Effect, frozen=True, gc=False):
    """Report a new client, which has received its welcome."""

    socket: int
    page: str


class Lost(_Effect, frozen=True, gc=False):
    """Report a lost connection, which the client may resume within the grace time."""

    socket: int
    page: str


class Resumed(_Effect, frozen=True, gc=False):
    """Report a client that has resumed its session."""

    socket: int
    page: str


class Writable(_Effect, frozen=True, gc=False):
    """Wake the publishers that wait for room: a full outbox has room again, or its client has left."""


class Ponged(_Effect, frozen=True, gc=False):
    """Measure the round-trip time of a ping that was sent at `sent`, in seconds of the owner's clock."""

    socket: int
    sent: float


class Releasing(_Effect, frozen=True, gc=False):
    """Call `ProtocolState.send_releases` at the end of the turn."""


class Left(_Effect, frozen=True, gc=False):
    """Report a client that has left; `lost` is true if it did not resume a lost connection."""

    socket: int
    page: str
    lost: bool = False


class Drop(_Effect, frozen=True, gc=False):
    """Close the connection of a socket after its outbox has been written."""

    socket: int
    code: int
    reason: str


class Report(_Effect, frozen=True, gc=False):
    """Log a text; `level` is a method name of `logging.Logger`."""

    level: str
    text: str


Effect: TypeAlias = (
    Wake
    | Invoke
    | CallFinished
    | Deliver
    | ItemStored
    | UserMessage
    | Connected
    | Lost
    | Resumed
    | Writable
    | Ponged
    | Releasing
    | Left
    | Drop
    | Report
)
