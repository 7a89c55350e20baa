"""Exception hierarchy.

::

    JsPyError                     the root: `except JsPyError` catches all of them
    ├── JavaScriptError           the page's code raised
    ├── UnknownFunction           the page has no function of that name
    │   └── UnknownProperty       an object has no such property        (also an AttributeError)
    ├── PageUnavailable           the page has not loaded the script that answers
    ├── CallTimeout               no answer in time                     (also a TimeoutError)
    ├── Disconnected              the page left, or is not connected    (also a ConnectionError)
    │   ├── ConnectionLost        the connection broke and was not resumed
    │   └── PageClosed            the `Page` object's page is closed
    ├── WouldDeadlock             a blocking call on the bridge's loop  (also a RuntimeError)
    ├── CellBlocksAnswers         a blocking call in a cell, which ends first  (also a RuntimeError)
    ├── UnknownReference          the page no longer holds the object
    ├── UnreadableFile            the page cannot read its file         (also an OSError)
    ├── WrongPage                 the object belongs to another page    (also a TypeError)
    ├── TooManyReferences         the page holds too many references    (also a RuntimeError)
    ├── MessageTooBig             the value is larger than the limit    (also a ValueError)
    ├── ProtocolError             an invalid frame
    ├── BridgeBusy                the bridge already serves another app (also a RuntimeError)
    ├── LaunchError               the server or the page did not start  (also a RuntimeError)
    └── MissingExtra              an optional package is not installed  (also an ImportError)

A value that cannot be sent is a plain `TypeError` in the caller.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = [
    "BridgeBusy",
    "CallTimeout",
    "CellBlocksAnswers",
    "ConnectionLost",
    "Disconnected",
    "JavaScriptError",
    "JsPyError",
    "LaunchError",
    "MessageTooBig",
    "MissingExtra",
    "PageClosed",
    "PageUnavailable",
    "ProtocolError",
    "TooManyReferences",
    "UnknownFunction",
    "UnknownProperty",
    "UnknownReference",
    "UnreadableFile",
    "WouldDeadlock",
    "WrongPage",
]


class JsPyError(Exception):
    """Base class of all errors of this library. In the answers of a call, an instance is the answer of a failed page.

    Attributes:
        msg: The explanation.
        protocol: The kind of message (`"call"`, `"push"`, ...), or `""`.
        key: The name of the function, queue or topic, or `""`.
        id: The number of the request, or 0.
        socket_id: The socket of the page, or 0.
    """

    def __init__(self, msg: str = "", protocol: str = "", key: Any = "", id: int = 0, socket_id: int = 0) -> None:
        super().__init__(msg)
        self.msg = msg
        self.protocol = protocol
        self.key = key
        self.id = id
        self.socket_id = socket_id

    def message(self) -> str:
        """Return the explanation."""
        return self.msg

    def report(self) -> str:
        """Return the explanation with its protocol, key, id and socket."""
        where = f"protocol: {self.protocol}, key: {self.key}, id: {self.id}, socket_id: {self.socket_id}"
        return f"{self.msg} in {{{where}}}"

    def get_socket_id(self) -> int:
        """Return the number of the socket, from 1; 0 if there is none."""
        return self.socket_id

    class JSONEncoder(json.JSONEncoder):
        """Encoder for answers that contain exceptions: `json.dumps(answers, cls=JsPyError.JSONEncoder)`."""

        def default(self, o: Any) -> Any:
            """Encode an exception as `"<Type>: text"`, other values as `json` does."""
            if isinstance(o, JsPyError):
                return f"<JsPyError>: {o.report()}"
            if isinstance(o, BaseException):
                return f"<{type(o).__name__}>: {o.args}"
            return super().default(o)


class JavaScriptError(JsPyError):
    """A function or an expression in the page raised an error.

    Attributes:
        name: The name of the JavaScript error (`"TypeError"`), or the type of the thrown value.
        stack: The JavaScript stack; it is also a note of this exception.
        fields: The error's own properties that could be sent (`code`, ...). Its `cause` is the `__cause__`.
        errors: The members of an `AggregateError`.
    """

    def __init__(
        self,
        msg: str = "",
        *,
        name: str = "Error",
        stack: str = "",
        fields: Mapping[str, Any] | None = None,
        errors: Iterable[JavaScriptError] = (),
        **facts: Any,
    ) -> None:
        super().__init__(msg, **facts)
        self.name = name
        self.stack = stack
        self.fields = dict(fields or {})
        self.errors = list(errors)
        if stack:
            self.add_note("JavaScript: " + stack.rstrip())

    def __str__(self) -> str:
        return f"{self.name}: {self.msg}" if self.name else self.msg


class UnknownFunction(JsPyError):
    """The page has not exposed a function of that name."""


class UnknownProperty(UnknownFunction, AttributeError):
    """An object of the page, or the page itself, has no property of that name."""

    def __init__(self, msg: str = "", *facts: Any, **named: Any) -> None:
        super().__init__(msg, *facts, **named)
        self.name = ""  # otherwise a traceback would ask the page for similar names, which `msg` has


class PageUnavailable(JsPyError):
    """The page has not loaded the script that handles the request, or refuses the request."""


class CallTimeout(JsPyError, TimeoutError):
    """No answer within the timeout."""


class Disconnected(JsPyError, ConnectionError):
    """The page left before it answered, or is not connected."""


class ConnectionLost(Disconnected):
    """The connection broke and was not resumed within the grace time: the call may or may not have run."""


class PageClosed(Disconnected):
    """The page of this `Page` object is closed: by Python, or away for longer than the grace time.

    Methods that wait for an answer raise it; `publish`, `push` and `call_nowait` return `False`.
    """


class WouldDeadlock(JsPyError, RuntimeError):
    """A blocking call on the bridge's own event loop, where it would wait for itself."""


class CellBlocksAnswers(JsPyError, RuntimeError):
    """A blocking call in a cell of a notebook whose front end is answered only when the cell has ended."""


class UnknownReference(JsPyError):
    """The other side does not hold the object of a reference, or not as this kind of object."""


class UnreadableFile(JsPyError, OSError):
    """The page cannot read its file: it was changed, moved or deleted after the user had picked it."""


class WrongPage(JsPyError, TypeError):
    """An object of one page was passed to another page, or to a page of another application."""


class TooManyReferences(JsPyError, RuntimeError):
    """More objects are held by reference for one page than `Limits(references=...)` allows; nothing was sent."""


class MessageTooBig(JsPyError, ValueError):
    """A value is larger than the limit; nothing was sent."""


class ProtocolError(JsPyError):
    """A frame does not follow the protocol (docs/reference/protocol.md)."""


class BridgeBusy(JsPyError, RuntimeError):
    """The bridge runs on another application's event loop, or the pages belong to the process that started this one."""


class LaunchError(JsPyError, RuntimeError):
    """The server could not be started, or no page connected in time."""


class MissingExtra(JsPyError, ImportError):
    """An optional package is needed; the message names it."""
