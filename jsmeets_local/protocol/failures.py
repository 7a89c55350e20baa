"""Errors on the wire: packets for clients, exceptions for callers."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ..errors import (
    ConnectionLost,
    Disconnected,
    JavaScriptError,
    JsPyError,
    PageClosed,
    PageUnavailable,
    TooManyReferences,
    UnknownFunction,
    UnknownProperty,
    UnknownReference,
)
from . import messages as m
from .arguments import Key
from .codec import Packet, message_packet
from .details import MOST_ERRORS
from .text import on_one_line, on_own_lines

__all__ = [
    "About",
    "as_exception",
    "as_refusal",
    "close_packet",
    "disconnection",
    "error_packet",
    "fault_text",
    "stream_disconnection",
    "unknown",
]

MOST_SHOWN = 30  # names of functions in an error

_KINDS: dict[str, type[JsPyError]] = {  # kind of error, or name of one of these kinds
    "unknown": UnknownFunction,
    "unavailable": PageUnavailable,
    "refused": PageUnavailable,
    "UnknownProperty": UnknownProperty,
    "UnknownReference": UnknownReference,
    "TooManyReferences": TooManyReferences,
}


class About(Struct, frozen=True):
    """Kind and name of a request, for its errors."""

    protocol: str
    key: Key


def close_packet(reason: str, reconnect: bool) -> Packet:
    """Return the message that precedes the end of a connection."""
    return message_packet(["close", reason, reconnect])


def disconnection(lost: bool, protocol: str, key: Key, call_id: int, socket: int) -> Disconnected:
    """Return the error for a call whose client has left."""
    if lost:
        text = f"the connection to the page (socket {socket}) was lost: {key!r} may or may not have run"
        return ConnectionLost(text, protocol, key, call_id, socket)
    return Disconnected(f"The page (socket {socket}) left before it answered {key!r}", protocol, key, call_id, socket)


def stream_disconnection(lost: bool, socket: int) -> Disconnected:
    """Return the error for the reader of a stream whose client has left."""
    kind, what = (ConnectionLost, "was lost") if lost else (PageClosed, "left")
    return kind(f"the page (socket {socket}) {what} before its stream had ended", "stream", "", 0, socket)


def error_packet(call_id: int, error: m.ErrorInfo) -> Packet:
    """Return the answer to a request that has failed."""
    return message_packet(["error", call_id, error])


def as_exception(error: m.ErrorInfo, about: About, call_id: int, socket: int) -> JsPyError:
    """Convert an error reported by a client to an exception."""
    kind = _KINDS.get(error.name, _KINDS.get(error.kind)) if error.kind in _KINDS else None
    if kind is not None:
        return kind(error.message, about.protocol, about.key, call_id, socket)
    return _javascript_error(error, 0, protocol=about.protocol, key=about.key, id=call_id, socket_id=socket)


def as_refusal(error: m.ErrorInfo, about: About, call_id: int, socket: int) -> JsPyError:
    """Convert the reason that a value of a client cannot be used to an exception.

    It is a `JavaScriptError`, as for a value that the client cannot send, unless the error has a class of its own.
    """
    if error.kind == "refused" and error.name not in _KINDS:
        error = replace(error, kind="unserializable")
    return as_exception(error, about, call_id, socket)


def _javascript_error(error: m.ErrorInfo, depth: int, **facts: Any) -> JavaScriptError:
    """Convert an error with its cause and members. The bundled client nests errors less deeply than the limit."""
    nested = [error.cause, *(error.errors or ())] if depth < MOST_ERRORS else [None]
    cause, *members = [_javascript_error(one, depth + 1, **facts) if one else None for one in nested]
    made = JavaScriptError(
        error.message,
        name=error.name,
        stack=error.trace,
        fields=error.fields or {},
        errors=[member for member in members if member is not None],
        **facts,
    )
    made.__cause__ = cause
    return made


def unknown(key: str, known: list[str]) -> m.ErrorInfo:
    """Return the error for a name that Python does not expose."""
    return m.ErrorInfo("unknown", "UnknownFunction", f"Python exposes no function {key!r}{_instead(key, known)}")


def _instead(key: str, known: list[str]) -> str:
    if not known:
        return "; it exposes none yet"
    similar = get_close_matches(key, known, 1)
    meant = f"; did you mean {similar[0]!r}?" if similar else ""
    more = f" and {len(known) - MOST_SHOWN} others" if len(known) > MOST_SHOWN else ""
    return f"{meant} (exposed: {', '.join(known[:MOST_SHOWN])}{more})"


def fault_text(socket: int, message: m.Fault) -> str:
    """Format an error in a client for which no caller waits, for the log."""
    error = message.error
    trace = f"\n{error.trace.rstrip()}" if error.trace else ""
    said = ":" if error.kind == "uncaught" else " raised"
    what, name = on_one_line(message.what), on_one_line(error.name)
    text = on_own_lines(f"{error.message}{_more(error)}{trace}")
    return f"{what} in the page (socket {socket}){said} {name}: {text}"


def _more(error: m.ErrorInfo, depth: int = 0) -> str:
    """Format the fields and causes of an error, for the log."""
    fields = f"\n  fields: {error.fields}"[:1000] if error.fields else ""
    nested = [("caused by", error.cause), *(("with", member) for member in error.errors or ())]
    lines = [f"\n  {how} {one.name}: {one.message}{_more(one, depth + 1)}" for how, one in nested if one]
    return fields + "".join(lines if depth < MOST_ERRORS else ())
