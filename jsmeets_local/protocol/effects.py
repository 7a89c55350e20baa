"""Effects: work that the protocol state leaves to its owner."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeAlias

import msgspec

from .calls import Finished
from .functions import Function
from .references import Export, Reference
from .streams import Incoming, Outgoing

__all__ = [
    "CallFinished",
    "Cancelled",
    "CloseConnection",
    "CloseIterator",
    "Connected",
    "Deliver",
    "Effect",
    "Invoke",
    "ItemStored",
    "ItemsArrived",
    "Left",
    "Lost",
    "Named",
    "Ponged",
    "Produce",
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


class Invoke(msgspec.Struct, eq=False, gc=False):
    """Run a function and pass its outcome to `ProtocolState.answer`; `call_id` 0 expects no answer.

    Attributes:
        keywords: Keyword arguments, or `None` for most calls.
        cancelled: The reason for the cancellation, or empty.
        stops: Functions that stop what the call does, set and called on the loop by the owner of the protocol state.
        stopped: True once `stops` have been called, or the function has been stopped otherwise.
    """

    socket: int
    call_id: int
    function: Function
    args: list[Any]
    keywords: dict[str, Any] | None = None
    cancelled: str = ""
    stops: list[Callable[[], object]] | None = None
    stopped: bool = False


class Cancelled(_Effect, frozen=True, gc=False):
    """Cancel a call. It still ends with `ProtocolState.answer`."""

    call: Invoke


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


class Produce(_Effect, frozen=True, gc=False):
    """Ask an iterator for the items that its reader has granted; see `ProtocolState.produced`."""

    stream: Outgoing


class CloseIterator(_Effect, frozen=True, gc=False):
    """Close an iterator of Python that no page reads any longer.

    Attributes:
        source: The iterator, with its context.
        stream: The stream, if the page has begun to read it.
        reason: Why nothing more is read.
    """

    source: Export | Reference
    stream: Outgoing | None
    reason: str


class ItemsArrived(_Effect, frozen=True, gc=False):
    """Wake those who wait for the items of a stream of a page: items have arrived, or the stream is over."""

    stream: Incoming


class Named(_Effect, frozen=True, gc=False):
    """Wake those who wait for the name of a function of a client, which has announced its names."""

    socket: int


class Releasing(_Effect, frozen=True, gc=False):
    """Call `ProtocolState.send_releases` at the end of the turn."""


class Left(_Effect, frozen=True, gc=False):
    """Report a client that has left; `lost` is true if it did not resume a lost connection."""

    socket: int
    page: str
    lost: bool = False


class CloseConnection(_Effect, frozen=True, gc=False):
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
    | Cancelled
    | CallFinished
    | Deliver
    | ItemStored
    | UserMessage
    | Connected
    | Lost
    | Resumed
    | Writable
    | Ponged
    | Named
    | Releasing
    | Produce
    | CloseIterator
    | ItemsArrived
    | Left
    | CloseConnection
    | Report
)
