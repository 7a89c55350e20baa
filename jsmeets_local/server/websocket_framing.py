"""The outer form of WebSocket frames (RFC 6455, section 5.2): where they begin and end."""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

__all__ = ["BINARY", "CONTROL", "FINAL", "MASK_BYTES", "TEXT", "Head", "NotAFrame", "frame_head", "head_of"]

FINAL, CONTROL = 0x80, 0x08  # bits of the first byte
TEXT, BINARY = 0x1, 0x2  # kinds of messages
MASK_BYTES = 4

_KIND, _RESERVED = 0x0F, 0x70
_MASKED, _LENGTH = 0x80, 0x7F  # bits of the second byte
_TWO_BYTES, _EIGHT_BYTES = 126, 127  # lengths that say how the real one is told
_KINDS = frozenset({0x0, TEXT, BINARY, 0x8, 0x9, 0xA})

_SHORT, _MIDDLE, _LONG = Struct("!BB"), Struct("!BBH"), Struct("!BBQ")


class NotAFrame(Exception):
    """What came is no frame of a client without extensions, or too long a one."""


class Head(NamedTuple):
    """What a masked frame begins with.

    Attributes:
        first: Its first byte.
        body: Where its payload begins; the mask is right before it.
        end: Where the next frame begins.
    """

    first: int
    body: int
    end: int


def head_of(data: bytes | bytearray, at: int, max_bytes: int) -> Head | None:
    """The head of the frame of a client that begins at `at`; `None` if not all of it has come.

    Raises:
        NotAFrame: That is none, or its payload is longer than `max_bytes`.
    """
    size = len(data) - at
    if size < 2:
        return None
    first, second = data[at], data[at + 1]
    length = second & _LENGTH
    body = at + 2 + MASK_BYTES
    if first & _RESERVED or first & _KIND not in _KINDS or not second & _MASKED:
        raise NotAFrame("its first two bytes")
    if first & CONTROL and (length >= _TWO_BYTES or not first & FINAL):
        raise NotAFrame("a control frame that is long or in fragments")
    if length >= _TWO_BYTES:
        form = _MIDDLE if length == _TWO_BYTES else _LONG
        if size < form.size:
            return None
        length = form.unpack_from(data, at)[2]
        body = at + form.size + MASK_BYTES
    if length > max_bytes:
        raise NotAFrame(f"{length} bytes, {max_bytes} allowed")
    return Head(first, body, body + length)


def frame_head(kind: int, size: int) -> bytes:
    """What a server writes before the payload of a whole message.

    Args:
        kind: `TEXT` or `BINARY`.
        size: Bytes of the payload.
    """
    if size < _TWO_BYTES:
        return _SHORT.pack(FINAL | kind, size)
    if size < 1 << 16:
        return _MIDDLE.pack(FINAL | kind, _TWO_BYTES, size)
    return _LONG.pack(FINAL | kind, _EIGHT_BYTES, size)
