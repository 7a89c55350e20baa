"""Packets for the tests of outboxes."""

from __future__ import annotations

from jsmeets_local.protocol.codec import Packet, message_packet
from jsmeets_local.protocol.values import pack


def packet(kind: str, name: str, size: int, number: int) -> Packet:
    payload = pack([number, b"x" * size], "v")
    if kind == "call":
        return message_packet(["call", number, name], payload)
    return message_packet(["push", number, name], payload, order=("push", name))
