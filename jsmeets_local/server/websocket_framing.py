"""Framing of the WebSocket protocol (RFC 6455, section 5.2)."""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

__all__ = ["BINARY", "CONTROL", "FINAL", "MASK_BYTES", "TEXT", "Head", "InvalidFrame", "frame_head", "head_of"]

FINAL, CONTROL = 0x80, 0x08  # bits of the first byte
TEXT, BINARY = 0x1, 0x2  # opcodes of messages
MASK_BYTES = 4

_KIND, _RESERVED = 0x0F, 0x70
_MASKED, _LENGTH = 0x80, 0x7F  # bits of the second byte
_TWO_BYTES, _EIGHT_BYTES = 126, 127  # the payload length follows, in 2 or 8 bytes
_KINDS = frozenset({0x0, TEXT, BINARY, 0x8, 0x9, 0xA})

_SHORT, _MIDDLE, _LONG = Struct("!BB"), Struct("!BBH"), Struct("!BBQ")


class InvalidFrame(Exception):
    """Bytes that are not a valid client frame without extensions, or a frame that is too long."""


class Head(NamedTuple):
    """Header of a masked frame.

    Attributes:
        first: Its first byte.
        body: Offset of the payload, which follows the masking key.
        end: Offset of the next frame.
    """

    first: int
    body: int
    end: int


def head_of(data: bytes | bytearray, at: int, max_bytes: int) -> Head | None:
    """Parse the header of the frame that begins at `at`; return `None` if it is not complete.

    Raises:
        InvalidFrame: The header is invalid, or the payload is longer than `max_bytes`.
    """
    size = len(data) - at
    if size < 2:
        return None
    first, second = data[at], data[at + 1]
    length = second & _LENGTH
    body = at + 2 + MASK_BYTES
    if first & _RESERVED or first & _KIND not in _KINDS or not second & _MASKED:
        raise InvalidFrame("its first two bytes")
    if first & CONTROL and (length >= _TWO_BYTES or not first & FINAL):
        raise InvalidFrame("a control frame that is long or in fragments")
    if length >= _TWO_BYTES:
        form = _MIDDLE if length == _TWO_BYTES else _LONG
        if size < form.size:
            return None
        length = form.unpack_from(data, at)[2]
        body = at + form.size + MASK_BYTES
    if length > max_bytes:
        raise InvalidFrame(f"{length} bytes, {max_bytes} allowed")
    return Head(first, body, body + length)


def frame_head(kind: int, size: int) -> bytes:
    """Return the header of a server's frame for a complete message.

    Args:
        kind: `TEXT` or `BINARY`.
        size: Bytes of the payload.
    """
    if size < _TWO_BYTES:
        return _SHORT.pack(FINAL | kind, size)
    if size < 1 << 16:
        return _MIDDLE.pack(FINAL | kind, _TWO_BYTES, size)
    return _LONG.pack(FINAL | kind, _EIGHT_BYTES, size)
