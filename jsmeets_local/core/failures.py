"""Why something ended: what pages and callers are told."""

from __future__ import annotations

from difflib import get_close_matches

from msgspec import Struct

from ..errors import ConnectionLost, Disconnected, JavaScriptError, JsPyError, PageUnavailable, UnknownFunction
from . import message as m
from .arguments import Key
from .codec import Packet, message_packet

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
    return m.ErrorInfo(
        "unknown", "UnknownFunction", f"Function key name is not registered @python: {key!r}{_instead(key, known)}"
    )


def _instead(key: str, known: list[str]) -> str:
    if not known:
        return " (Python exposes no function yet)"
    similar = get_close_matches(key, known, 1)
    meant = f", did you mean {similar[0]!r}?" if similar else ""
    more = f" and {len(known) - MOST_SHOWN} others" if len(known) > MOST_SHOWN else ""
    return f"{meant} (exposed: {', '.join(known[:MOST_SHOWN])}{more})"


def fault_text(socket: int, message: m.Fault) -> str:
    """An error in a page that no caller waits for, as the log tells it."""
    error = message.error
    trace = f"\n{error.trace.rstrip()}" if error.trace else ""
    return f"{message.what} in the page (socket {socket}) raised {error.name}: {error.message}{trace}"
