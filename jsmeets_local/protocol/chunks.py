"""Chunks: parts of large frames, which one side cuts and the other assembles."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from ..errors import ProtocolError
from .memory import fresh

__all__ = [
    "CHUNK",
    "CHUNK_BYTES",
    "HEADER_BYTES",
    "MAX_STREAMS",
    "WINDOW",
    "Assembler",
    "ReceivedChunk",
    "cut",
    "offered",
]

CHUNK = 2  # the frame type
CHUNK_BYTES = 256 * 1024
WINDOW = 16  # chunks of one stream that may be sent without a credit
CREDIT_EVERY = 4  # chunks received before a credit is sent
MAX_STREAMS = 64

_LAST = 1
_TEXT = 2
_OFFER = 4  # from Python only
_HEADER = struct.Struct("<BBxxIQ")
HEADER_BYTES = _HEADER.size


def cut(parts: list[bytes | memoryview], is_text: bool, stream: int, size: int = CHUNK_BYTES) -> Iterator[bytes]:
    """Cut a frame, given in parts, into chunk frames, copying each byte once."""
    total = sum(len(part) for part in parts)
    flags = _TEXT if is_text else 0
    done = 0
    for payload in _slices(parts, size):
        done += sum(len(view) for view in payload)
        last = _LAST if done == total else 0
        yield b"".join([_HEADER.pack(CHUNK, flags | last, stream, total), *payload])


def offered(secret: bytes, total: int, is_text: bool, stream: int) -> Iterator[bytes]:
    """Yield the two frames of a download: the offer, and the end, which fixes the place of the content in the order."""
    flags = _OFFER | (_TEXT if is_text else 0)
    yield _HEADER.pack(CHUNK, flags, stream, total) + secret
    yield _HEADER.pack(CHUNK, flags | _LAST, stream, total)


def _slices(parts: list[bytes | memoryview], size: int) -> Iterator[list[memoryview]]:
    """Yield lists of views of the parts, `size` bytes per list, without copying."""
    views: list[memoryview] = []
    room = size
    for part in parts:
        view = memoryview(part)
        while len(view):
            views.append(view[:room])
            view = view[room:]
            room -= len(views[-1])
            if not room:
                yield views
                views, room = [], size
    if views:
        yield views


class ReceivedChunk(NamedTuple):
    """Header and content size of a chunk whose content is already in the memory of its stream."""

    header: bytes
    size: int


class _Stream:
    __slots__ = ("content", "flags", "taken", "total", "uncredited")

    def __init__(self, total: int, flags: int) -> None:
        self.content = fresh(total)
        self.taken = 0
        self.total = total
        self.flags = flags
        self.uncredited = 0  # chunks received and not credited yet


class Assembler:
    """Assembler of the chunks of one connection.

    Args:
        max_bytes: The size of the largest content to accept.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._streams: dict[int, _Stream] = {}

    def is_empty(self) -> bool:
        """Return whether no stream is open."""
        return not self._streams

    def feed(self, chunk: bytes) -> tuple[int, str | memoryview | None]:
        """Handle one chunk frame.

        Returns:
            The number of the stream, and its complete content after the last chunk, else `None`.

        Raises:
            ProtocolError: The chunk contradicts the earlier ones.
        """
        header, content = chunk[:HEADER_BYTES], memoryview(chunk)[HEADER_BYTES:]
        self.room(header, len(content))[:] = content
        return self.take(ReceivedChunk(header, len(content)))

    def room(self, header: bytes, size: int) -> memoryview:
        """Return the memory for the content of the next chunk. Call `take` after writing it, before the next chunk.

        Args:
            header: The header of the chunk.
            size: Bytes of its content.

        Raises:
            ProtocolError: The chunk contradicts the earlier ones.
        """
        if not size:
            raise ProtocolError("chunk without content")
        kind, flags, number, total = _HEADER.unpack(header)
        if kind != CHUNK or flags & ~(_LAST | _TEXT):
            raise ProtocolError(f"chunk of unknown flags {flags}")
        if size > CHUNK_BYTES:
            raise ProtocolError(f"chunk of {size} bytes, {CHUNK_BYTES} allowed")
        stream = self._stream(number, total, flags)
        end = stream.taken + size
        _check_end(end, total, bool(flags & _LAST))
        return stream.content[stream.taken : end]

    def take(self, received: ReceivedChunk) -> tuple[int, str | memoryview | None]:
        """Handle a chunk whose content is in the memory that `room` returned; return the same as `feed`.

        Raises:
            ProtocolError: The complete content is text and not valid UTF-8.
        """
        number: int = _HEADER.unpack(received.header)[2]
        stream = self._streams[number]
        stream.taken += received.size
        stream.uncredited += 1
        if stream.taken < stream.total:
            return number, None
        del self._streams[number]
        return number, _content(stream)

    def credit(self, stream_id: int) -> int:
        """Return the number of chunks to credit now, or 0 if the credit can wait or the stream is complete."""
        stream = self._streams.get(stream_id)
        if stream is None or stream.uncredited < CREDIT_EVERY:
            return 0
        count, stream.uncredited = stream.uncredited, 0
        return count

    def _stream(self, stream_id: int, total: int, flags: int) -> _Stream:
        stream = self._streams.get(stream_id)
        if stream is None:
            if total > self.max_bytes:
                raise ProtocolError(f"message of {total} bytes, {self.max_bytes} allowed")
            if len(self._streams) >= MAX_STREAMS:
                raise ProtocolError(f"more than {MAX_STREAMS} streams at once")
            stream = self._streams[stream_id] = _Stream(total, flags & _TEXT)
        elif stream.total != total or stream.flags != flags & _TEXT:
            raise ProtocolError("chunks of one stream disagree about its content")
        return stream


def _check_end(end: int, total: int, is_last: bool) -> None:
    if end > total:
        raise ProtocolError("chunks are longer than the content they announced")
    if is_last and end < total:
        raise ProtocolError(f"last chunk came after {end} of {total} bytes")
    if end == total and not is_last:
        raise ProtocolError("the chunk that completes its content is not marked as the last")


def _content(stream: _Stream) -> str | memoryview:
    if not stream.flags:
        return stream.content
    try:
        return str(stream.content, "utf-8")
    except UnicodeDecodeError:
        raise ProtocolError("text in chunks is not UTF-8") from None
