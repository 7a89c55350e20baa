"""Large frames in pieces: cutting them, and putting them together again."""

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
    "slices",
]

CHUNK = 2  # the frame type
CHUNK_BYTES = 256 * 1024
WINDOW = 16  # chunks of one stream that may be under way
CREDIT_EVERY = 4  # chunks that one credit is for
MAX_STREAMS = 64

_LAST = 1
_TEXT = 2
_OFFER = 4  # Python to the page alone
_HEADER = struct.Struct("<BBxxIQ")
HEADER_BYTES = _HEADER.size


def cut(parts: list[bytes | memoryview], is_text: bool, stream: int, size: int = CHUNK_BYTES) -> Iterator[bytes]:
    """The chunk frames of a frame that is given in pieces; copies each byte once."""
    total = sum(len(part) for part in parts)
    flags = _TEXT if is_text else 0
    done = 0
    for payload in slices(parts, size):
        done += sum(len(piece) for piece in payload)
        last = _LAST if done == total else 0
        yield b"".join([_HEADER.pack(CHUNK, flags | last, stream, total), *payload])


def offered(secret: bytes, total: int, is_text: bool, stream: int) -> Iterator[bytes]:
    """The two chunk frames of content that the page fetches: what to fetch, and that it counts from here."""
    flags = _OFFER | (_TEXT if is_text else 0)
    yield _HEADER.pack(CHUNK, flags, stream, total) + secret
    yield _HEADER.pack(CHUNK, flags | _LAST, stream, total)


def slices(parts: list[bytes | memoryview], size: int) -> Iterator[list[memoryview]]:
    """The same content in pieces of one size; each in pieces, which are not copied."""
    pieces: list[memoryview] = []
    room = size
    for part in parts:
        view = memoryview(part)
        while len(view):
            pieces.append(view[:room])
            view = view[room:]
            room -= len(pieces[-1])
            if not room:
                yield pieces
                pieces, room = [], size
    if pieces:
        yield pieces


class ReceivedChunk(NamedTuple):
    """A chunk whose piece is in its place already: its header, and the length of the piece."""

    header: bytes
    size: int


class _Stream:
    __slots__ = ("content", "flags", "taken", "total", "uncredited")

    def __init__(self, total: int, flags: int) -> None:
        self.content = fresh(total)
        self.taken = 0
        self.total = total
        self.flags = flags
        self.uncredited = 0  # chunks that the sender does not know to be taken


class Assembler:
    """Puts the chunks of one connection together.

    Args:
        max_bytes: The largest content it accepts.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._streams: dict[int, _Stream] = {}

    def is_empty(self) -> bool:
        """Whether no stream is open."""
        return not self._streams

    def feed(self, chunk: bytes) -> tuple[int, str | memoryview | None]:
        """Takes one chunk frame.

        Returns:
            The stream, and the whole content if this was its last chunk.

        Raises:
            ProtocolError: The chunk does not fit what came before.
        """
        header, piece = chunk[:HEADER_BYTES], memoryview(chunk)[HEADER_BYTES:]
        self.room(header, len(piece))[:] = piece
        return self.take(ReceivedChunk(header, len(piece)))

    def room(self, header: bytes, size: int) -> memoryview:
        """Where the piece of the next chunk belongs. Before any other comes, `take` is told that it is there.

        Args:
            header: What the chunk begins with.
            size: Bytes of its piece.

        Raises:
            ProtocolError: The chunk does not fit what came before.
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

    def take(self, landed: ReceivedChunk) -> tuple[int, str | memoryview | None]:
        """The piece that `room` was asked for is there; returns as `feed`.

        Raises:
            ProtocolError: That was the end of a text, which is none.
        """
        number: int = _HEADER.unpack(landed.header)[2]
        stream = self._streams[number]
        stream.taken += landed.size
        stream.uncredited += 1
        if stream.taken < stream.total:
            return number, None
        del self._streams[number]
        return number, _content(stream)

    def credit(self, stream_id: int) -> int:
        """How many chunks of a stream are to be credited now; 0 where that can wait, or the stream is complete."""
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
