"""Codec between messages and frames. An invalid frame raises `ProtocolError` and no other exception."""

# No `from __future__ import annotations`, for the reason given in messages.py.

import json
import math
import struct
import sys
from collections.abc import Sequence
from typing import Annotated, Any, NoReturn, TypeAlias

import msgspec
from msgspec.structs import replace

from ..errors import ProtocolError
from .messages import Message
from .references import Bound, Handle
from .values import Buffer, Payload, base

__all__ = ["Frame", "Packet", "Unbound", "decode", "encode", "frame_parts", "message_packet", "outgoing"]

Frame: TypeAlias = str | bytes
Path: TypeAlias = tuple[str | int, ...]

ENVELOPE = 1
_HEADER = struct.Struct("<B3xI")
_ITEM_SIZES = {
    "bytes": 1, "bool": 1, "int8": 1, "uint8": 1, "int16": 2, "uint16": 2, "int32": 4, "uint32": 4,
    "int64": 8, "uint64": 8, "float16": 2, "float32": 4, "float64": 8,
}  # fmt: skip
_FORMATS = {
    "bool": "?", "int8": "b", "uint8": "B", "int16": "h", "uint16": "H", "int32": "i", "uint32": "I",
    "int64": "q", "uint64": "Q", "float16": "e", "float32": "f", "float64": "d",
}  # fmt: skip
_MAX_BUFFERS = 100_000
_MIN_SHARED = 64 * 1024  # bytes; smaller arrays are copied, as a view would keep the whole message alive
_MAX_DIMENSIONS = 64  # numpy's own limit


def _plain(value: Any) -> Any:
    """Convert an instance of a subclass of str or a number, such as `numpy.str_`, which msgspec rejects."""
    if isinstance(value, (str, int, float)):
        return base(value)
    raise TypeError(f"a message cannot hold a {type(value)}")


_encoder = msgspec.json.Encoder(enc_hook=_plain)
_messages = msgspec.json.Decoder(list[Message])


class Packet(msgspec.Struct, frozen=True, gc=False, eq=False):
    """An encoded message. A message to many clients is encoded once.

    Attributes:
        json: The message.
        buffers: Its binary values, with paths relative to the message.
        order: Ordering key. Packets with the same key arrive in order, even if one of them is sent in chunks.
        size: Upper bound of its size in a frame, in bytes.
        exported: Numbers of the objects of Python that it carries.
        handles: Handles of the objects of the page that it carries, which keep them alive until it is written.
    """

    json: bytes
    buffers: tuple[Buffer, ...]
    order: tuple[str, Any] | None
    size: int
    exported: tuple[int, ...] = ()
    handles: tuple[Handle, ...] = ()


class Unbound(msgspec.Struct, frozen=True):
    """A message whose references have no numbers yet, which each session gives itself; see `message_packet`."""

    head: Sequence[Any]
    payload: Payload
    tail: Sequence[Any]
    order: Any
    handles: tuple[Handle, ...] = ()  # of objects of the page to which the message is addressed

    def bind(self, bound: Bound) -> Packet:
        """Encode the message for one session."""
        packet = message_packet(self.head, self.payload, self.tail, self.order, bound)
        return replace(packet, handles=(*self.handles, *packet.handles)) if self.handles else packet


class _BufferInfo(msgspec.Struct, array_like=True, frozen=True):
    path: list[str | Annotated[int, msgspec.Meta(ge=0)]]
    dtype: str
    length: int
    shape: list[int] | None


class _Envelope(msgspec.Struct, array_like=True, frozen=True):
    messages: list[Any]
    buffers: list[_BufferInfo]


_envelope = msgspec.json.Decoder(_Envelope)


NO_SPECIALS: list[Any] = []  # the place of the specials in a tail that goes on behind them


def outgoing(head: Sequence[Any], payload: Payload, tail: Sequence[Any] = (), order: Any = None) -> Packet | Unbound:
    """Encode the message `[*head, payload, *tail]`, unless its references differ from session to session."""
    if payload.references and not payload.is_bound():
        return Unbound(head, payload, tail, order)
    return message_packet(head, payload, tail, order)


def message_packet(
    head: Sequence[Any],
    payload: Payload | None = None,
    tail: Sequence[Any] = (),
    order: Any = None,
    bound: Bound | None = None,
) -> Packet:
    """Encode the message `[*head, payload, *tail]`.

    Args:
        head: The elements before the payload: kind, numbers, names.
        payload: The user's packed value.
        tail: The elements after the payload.
        order: See `Packet.order`.
        bound: The references of the payload, if there are other ones than integers.
    """
    message: Sequence[Any]
    if payload is None:  # as in most answers
        message = [*head, *tail] if tail else head
    else:
        message = [*head, msgspec.Raw(payload.json), *tail]
        place = len(head)
        if payload.references:
            specials = [[reference.path, reference.kind, *reference.facts] for reference in payload.references]
            placed = [[[place, *path], *rest] for path, *rest in (specials if bound is None else bound.specials)]
            if tail and tail[0] == NO_SPECIALS:
                message[place + 1] = placed
            else:
                message.append(placed)
    try:
        text = _encoder.encode(message)
    except UnicodeEncodeError:  # a lone surrogate in a name
        text = _dump_surrogates(message)
    if payload is None or not (payload.references or payload.buffers):
        return Packet(text, (), order, len(text) + 1)
    exported, handles = ((), ()) if bound is None else (bound.numbers, bound.handles)
    buffers = tuple(replace(b, path=(place, *b.path)) for b in payload.buffers)
    return Packet(text, buffers, order, _size(text, buffers), exported, handles)


def _dump_surrogates(message: Sequence[Any]) -> bytes:
    """Encode a message that contains lone surrogates, escaping them."""
    plain = [json.loads(bytes(e)) if isinstance(e, msgspec.Raw) else msgspec.to_builtins(e) for e in message]
    return json.dumps(plain, separators=(",", ":")).encode()


def _size(text: bytes, buffers: tuple[Buffer, ...]) -> int:
    size = len(text) + 1
    for buffer in buffers:
        path = sum(len(step) * 6 if isinstance(step, str) else 21 for step in buffer.path)
        size += len(buffer.data) + path + 21 * len(buffer.shape or ()) + 80
    return size


def encode(packets: Sequence[Packet]) -> Frame:
    """Encode packets as one frame."""
    for packet in packets:
        if packet.buffers:
            return b"".join(frame_parts(packets)[0])
    return f"[{b','.join([packet.json for packet in packets]).decode()}]"


def frame_parts(packets: Sequence[Packet]) -> tuple[list[bytes | memoryview], bool]:
    """Return the parts of one frame of all packets, without copying them, and whether it is a text frame."""
    texts = b"[" + b",".join([packet.json for packet in packets]) + b"]"
    if not any(packet.buffers for packet in packets):
        return [texts], True
    table = [
        [[i, *buffer.path], buffer.dtype, len(buffer.data), buffer.shape]
        for i, packet in enumerate(packets)
        for buffer in packet.buffers
    ]
    header = b"[" + texts + b"," + _dump_table(table) + b"]"
    parts: list[bytes | memoryview] = [_HEADER.pack(ENVELOPE, len(header)), header, _pad(len(header))]
    for packet in packets:
        for buffer in packet.buffers:
            parts += [buffer.data, _pad(len(buffer.data))]
    return parts, False


def _dump_table(table: list[Any]) -> bytes:
    try:
        return _encoder.encode(table)
    except UnicodeEncodeError:  # a lone surrogate in a path
        return _dump_surrogates(table)


def _pad(length: int) -> bytes:
    return bytes(-length % 8)


def decode(frame: Frame | memoryview) -> list[Message]:
    """Decode the messages of a text frame (`str`) or of a binary frame of type 1 (`bytes`).

    Raises:
        ProtocolError: The frame does not follow the protocol.
    """
    if not isinstance(frame, str):
        return _decode_binary(memoryview(frame))
    try:
        return _messages.decode(frame)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        if "\\ud" not in frame and "\\uD" not in frame:
            _refuse(error)
    return _convert(_lenient(frame))


def _decode_binary(frame: memoryview) -> list[Message]:
    if len(frame) < _HEADER.size or frame[0] != ENVELOPE:
        raise ProtocolError("binary frame of an unknown type")
    _, length = _HEADER.unpack_from(frame)
    end = _HEADER.size + length
    if end > len(frame):
        raise ProtocolError(f"binary frame ends inside its header ({len(frame)} bytes, {end} announced)")
    messages, infos = _decode_header(bytes(frame[_HEADER.size : end]))
    if len(infos) > _MAX_BUFFERS:
        raise ProtocolError(f"more than {_MAX_BUFFERS} buffers in a frame")
    offset = end + -end % 8
    for info in infos:
        if not 0 <= info.length <= len(frame) - offset:
            raise ProtocolError(f"buffer of {info.length} bytes does not fit into its frame")
        _place(messages, info.path, _revive(info, frame[offset : offset + info.length]))
        offset += info.length + -info.length % 8
    return _convert(messages)


def _decode_header(header: bytes) -> tuple[list[Any], list[_BufferInfo]]:
    try:
        envelope = _envelope.decode(header)
        return envelope.messages, envelope.buffers
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        if b"\\ud" not in header and b"\\uD" not in header:
            _refuse(error)
    try:
        envelope = msgspec.convert(_lenient(header), _Envelope)
    except msgspec.MsgspecError as error:
        _refuse(error)
    return envelope.messages, envelope.buffers


def _lenient(text: str | bytes) -> Any:
    """Decode JSON with lone surrogates, which JavaScript strings may contain and msgspec rejects."""
    try:
        return json.loads(text, parse_constant=_constant)
    except (ValueError, RecursionError) as error:
        _refuse(error)


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _convert(messages: Any) -> list[Message]:
    try:
        return msgspec.convert(messages, list[Message])
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        _refuse(error)


def _refuse(error: Exception) -> NoReturn:
    reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
    raise ProtocolError(f"invalid frame: {reason}") from None


def _place(messages: Any, path: list[str | int], value: Any) -> None:
    """Store a binary value at its path inside a message, where the JSON has `null`."""
    place = messages
    try:
        for step in path[:-1]:
            place = place[step]
        if len(path) < 2 or not isinstance(place, (list, dict)) or place[path[-1]] is not None:  # type: ignore[index]
            raise KeyError
        place[path[-1]] = value  # type: ignore[index]
    except (KeyError, IndexError, TypeError):
        raise ProtocolError(f"buffer path {str(path)[:100]} does not lead to a null of a message") from None


def _revive(info: _BufferInfo, data: memoryview) -> Any:
    item = _ITEM_SIZES.get(info.dtype)
    if item is None:
        raise ProtocolError(f"buffer of unknown dtype {info.dtype!r:.40}")
    if info.length % item:
        raise ProtocolError(f"{info.length} bytes are not a whole number of {info.dtype} items")
    if info.shape is not None and not _fits(info.shape, info.length // item):
        raise _wrong_shape(info)
    if info.dtype == "bytes":
        return bytes(data)
    try:
        return _as_array(info, data)
    except (ValueError, OverflowError):  # no items, but more rows or dimensions than an array can have
        raise _wrong_shape(info) from None


def _fits(shape: list[int], items: int) -> bool:
    return len(shape) <= _MAX_DIMENSIONS and min(shape, default=0) >= 0 and math.prod(shape) == items


def _wrong_shape(info: _BufferInfo) -> ProtocolError:
    return ProtocolError(f"shape {info.shape!r:.60} does not fit {info.length} bytes of {info.dtype}")


def _as_array(info: _BufferInfo, data: memoryview) -> Any:
    # The content of chunks needs no copy, but a small array must not keep a large message alive.
    if data.readonly or len(data) < _MIN_SHARED:
        data = memoryview(bytearray(data))
    try:
        import numpy
    except ImportError:
        typed = data.cast("B").cast(_FORMATS[info.dtype])  # type: ignore[call-overload]
        if info.shape is None or not data:  # a memoryview without items has one dimension
            return typed
        return typed.cast("B").cast(_FORMATS[info.dtype], info.shape)
    dtype = numpy.dtype(info.dtype).newbyteorder("<")
    array = numpy.frombuffer(data, dtype=dtype).astype(info.dtype, copy=False)
    return array if info.shape is None else array.reshape(info.shape)


if sys.byteorder != "little":  # pragma: no cover
    raise ImportError("jsmeets_local needs a little-endian machine: the memoryview fallback assumes one")
