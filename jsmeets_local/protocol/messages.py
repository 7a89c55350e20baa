"""Messages of the protocol (docs/reference/protocol.md), a tagged union of frozen structs."""

# No `from __future__ import annotations`: msgspec would have to evaluate the strings at each import.

from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

__all__ = [
    "Ack",
    "Call",
    "Cancel",
    "Close",
    "Credit",
    "Custom",
    "Decline",
    "End",
    "Error",
    "ErrorInfo",
    "Fault",
    "Follow",
    "Goodbye",
    "Hello",
    "Items",
    "Message",
    "Names",
    "Notify",
    "Patch",
    "Patched",
    "Ping",
    "Pong",
    "Publish",
    "Pull",
    "Push",
    "Release",
    "Retain",
    "Return",
    "Special",
    "State",
    "Stop",
    "Subscribe",
    "Unsubscribe",
    "Use",
    "UserObject",
    "Welcome",
]

MAX_ID = 2**53 - 1
Id: TypeAlias = Annotated[int, Meta(ge=1, le=MAX_ID)]
OptionalId: TypeAlias = Annotated[int, Meta(ge=0, le=MAX_ID)]
Count: TypeAlias = Annotated[int, Meta(ge=1, le=2**32 - 1)]
Name: TypeAlias = str | int | float | bool | None  # hashable


class _Message(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Base class of messages, arrays whose first element is the tag."""


class Special(msgspec.Struct, array_like=True, frozen=True):
    """A value of a message that JSON cannot hold.

    Attributes:
        path: Its place, which begins with the index in the message.
        kind: The kind of value.
        fact: The number of the reference, or the digits of an integer.
        detail: The name of a function or class, or the description of a file.
        trait: "array" or "map" for an object that is one.
    """

    path: Annotated[list[str | Annotated[int, Meta(ge=0)]], Meta(min_length=1)]
    kind: Literal["bigint", "map", "keywords", "function", "object", "stream", "file", "own"]
    fact: Any = None
    detail: Any = None
    trait: Any = None


class Hello(_Message, frozen=True, tag="hello"):
    document: str
    page: str
    topics: list[str]
    session: str = ""
    received: OptionalId = 0
    fetches: bool = False


class Welcome(_Message, frozen=True, tag="welcome"):
    socket_id: Id
    page: str
    settings: dict[str, Any]


class Goodbye(_Message, frozen=True, tag="goodbye"):
    pass


class Close(_Message, frozen=True, tag="close"):
    reason: str
    reconnect: bool


class Call(_Message, frozen=True, tag="call"):
    id: Id
    key: str
    args: list[Any]
    specials: tuple[Special, ...] = ()


class Notify(_Message, frozen=True, tag="notify"):
    key: str
    args: list[Any]
    specials: tuple[Special, ...] = ()


class Return(_Message, frozen=True, tag="return"):
    id: Id
    value: Any
    specials: tuple[Special, ...] = ()


class ErrorInfo(msgspec.Struct, frozen=True):
    """Description of a failure.

    Attributes:
        kind: The kind of failure.
        name: The type of the exception.
        message: Its text.
        trace: Its traceback or stack.
        fields: Its attributes that can be sent.
        cause: The error from which it was raised.
        errors: The members of a group.
    """

    kind: Literal["raised", "unknown", "unserializable", "unavailable", "refused", "uncaught"]
    name: str
    message: str
    trace: str = ""
    fields: dict[str, Any] | UnsetType = UNSET
    cause: "ErrorInfo | UnsetType" = UNSET
    errors: "list[ErrorInfo] | UnsetType" = UNSET


class Error(_Message, frozen=True, tag="error"):
    id: Id
    error: ErrorInfo


class Fault(_Message, frozen=True, tag="fault"):
    what: str
    error: ErrorInfo


class Push(_Message, frozen=True, tag="push"):
    id: OptionalId
    key: Name
    data: Any
    specials: tuple[Special, ...] = ()


class Subscribe(_Message, frozen=True, tag="subscribe"):
    id: Id
    topic: str


class Unsubscribe(_Message, frozen=True, tag="unsubscribe"):
    id: Id
    topic: str


class Publish(_Message, frozen=True, tag="publish"):
    id: OptionalId
    topic: str
    data: Any
    suppress: bool
    specials: tuple[Special, ...] = ()


class Retain(_Message, frozen=True, tag="retain"):
    id: OptionalId
    topic: str
    data: Any
    suppress: bool
    specials: tuple[Special, ...] = ()


class Follow(_Message, frozen=True, tag="follow"):
    name: str


class State(_Message, frozen=True, tag="state"):
    name: str
    version: OptionalId
    fields: dict[str, Any]
    specials: tuple[Special, ...] = ()


class Patch(_Message, frozen=True, tag="patch"):
    name: str
    version: OptionalId
    changes: list[list[Any]]
    specials: tuple[Special, ...] = ()


class Patched(_Message, frozen=True, tag="patched"):
    name: str
    version: OptionalId
    changes: list[list[Any]] | None = None
    error: ErrorInfo | None = None
    specials: tuple[Special, ...] = ()


class UserObject(msgspec.Struct, frozen=True):
    """Message of a user-defined protocol, with the five keys of the 2020 format."""

    protocol: Name
    key: Any
    id: Any
    data: Any
    exception: Any


class Custom(_Message, frozen=True, tag="custom"):
    object: UserObject


class Credit(_Message, frozen=True, tag="credit"):
    stream: Annotated[int, Meta(ge=0, le=2**32 - 1)]
    count: Annotated[int, Meta(ge=1, le=16)]


class Decline(_Message, frozen=True, tag="decline"):
    stream: Annotated[int, Meta(ge=0, le=2**32 - 1)]


class Use(_Message, frozen=True, tag="use"):
    id: OptionalId
    number: OptionalId
    steps: Annotated[list[list[Any]], Meta(min_length=1)]
    specials: tuple[Special, ...] = ()


class Cancel(_Message, frozen=True, tag="cancel"):
    id: Id


class Release(_Message, frozen=True, tag="release"):
    counts: list[tuple[Id, Count]]


class Pull(_Message, frozen=True, tag="pull"):
    number: Id
    count: Count


class Items(_Message, frozen=True, tag="items"):
    number: Id
    items: list[Any]
    specials: tuple[Special, ...] = ()
    extra: Annotated[int, Meta(ge=0, le=2**31)] = 0


class End(_Message, frozen=True, tag="end"):
    number: Id
    error: ErrorInfo | None = None


class Stop(_Message, frozen=True, tag="stop"):
    number: Id


class Names(_Message, frozen=True, tag="names"):
    names: list[str]


class Ack(_Message, frozen=True, tag="ack"):
    received: OptionalId


class Ping(_Message, frozen=True, tag="ping"):
    sent: float


class Pong(_Message, frozen=True, tag="pong"):
    sent: float


Message: TypeAlias = (
    Hello
    | Welcome
    | Goodbye
    | Close
    | Call
    | Notify
    | Return
    | Error
    | Fault
    | Push
    | Subscribe
    | Unsubscribe
    | Publish
    | Retain
    | Follow
    | State
    | Patch
    | Patched
    | Custom
    | Credit
    | Decline
    | Use
    | Cancel
    | Release
    | Pull
    | Items
    | End
    | Stop
    | Names
    | Ack
    | Ping
    | Pong
)
