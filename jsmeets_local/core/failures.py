"""Why something ended: what pages and callers are told."""

from __future__ import annotations

from msgspec import Struct

from ..errors import ConnectionLost, Disconnected, JavaScriptError, JsPyError, PageUnavailable, UnknownFunction
from . import message as m
from .arguments import Key
from .codec import Packet, message_packet
from .text import on_one_line, on_own_lines

__all__ = ["About", "as_exception", "close_packet", "error_packet", "fault_text", "parting", "unknown"]

MOST_SHOWN = 30  # names of functions in an error


class About(Struct, frozen=True):
    """What a call was, for its errors."""

    protocol: str
    key: Key


def close_packet(reason: str, reconnect: bool) -> Packet:
    """What a page hears before its connection is closed."""
    return message_packet(["close", reason, reconnect])


def parting(lost: bool, protocol: str, key: Key, call_id: int, socket: int) -> Disconnected:
    """What the caller hears of a page that has gone."""
    if lost:
        text = f"the connection to the page (socket {socket}) was lost: {key!r} may or may not have run"
        return ConnectionLost(text, protocol, key, call_id, socket)
    return Disconnected(f"The page (socket {socket}) left before it answered {key!r}", protocol, key, call_id, socket)


def error_packet(call_id: int, error: m.ErrorInfo) -> Packet:
    """The failure of a request."""
    return message_packet(["error", call_id, error])


def as_exception(error: m.ErrorInfo, about: About, call_id: int, socket: int) -> JsPyError:
    """What a page's error is in Python."""
    if error.kind == "unknown":
        return UnknownFunction(error.message, about.protocol, about.key, call_id, socket)
    if error.kind in ("unavailable", "refused"):
        return PageUnavailable(error.message, about.protocol, about.key, call_id, socket)
    return JavaScriptError(
        error.message,
        name=error.name,
        stack=error.trace,
        protocol=about.protocol,
        key=about.key,
        id=call_id,
        socket_id=socket,
    )


def unknown(key: str, known: list[str]) -> m.ErrorInfo:
    """Nothing is exposed by this name."""
    shown = ", ".join(known[:MOST_SHOWN]) or "nothing"
    more = f" and {len(known) - MOST_SHOWN} others" if len(known) > MOST_SHOWN else ""
    text = f"Function key name is not registered @python: {key!r} (exposed: {shown}{more})"
    return m.ErrorInfo("unknown", "UnknownFunction", text)


def fault_text(socket: int, message: m.Fault) -> str:
    """An error in a page that no caller waits for, as the log tells it."""
    error = message.error
    trace = f"\n{error.trace.rstrip()}" if error.trace else ""
    what, name = on_one_line(message.what), on_one_line(error.name)
    return f"{what} in the page (socket {socket}) raised {name}: {on_own_lines(error.message + trace)}"
