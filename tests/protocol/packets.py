"""Packets for the tests of outboxes."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from jsmeets_local.protocol.codec import Packet, decode, encode, message_packet
from jsmeets_local.protocol.messages import Special
from jsmeets_local.protocol.specials import revive
from jsmeets_local.protocol.values import pack


def revived(message: Any) -> Any:
    """Return a message with its integers in place and without specials; it has no references."""
    if not getattr(message, "specials", ()):
        return message
    return replace(revive(message, _no_reference), specials=())


def _no_reference(special: Special) -> Any:
    raise AssertionError(special)


def travelled(value: Any) -> Any:
    """Return a value after the wire, as the receiver in Python has it."""
    (message,) = decode(encode([message_packet(["return", 1], pack(value, "result"))]))
    return revived(message).value


def packet(kind: str, name: str, size: int, number: int) -> Packet:
    payload = pack([number, b"x" * size], "v")
    if kind == "call":
        return message_packet(["call", number, name], payload)
    return message_packet(["push", number, name], payload, order=("push", name))
