"""Fast path for WebSocket frames between uvicorn's connection and the bridge, without a task or a queue.

ASGI passes a received frame through a queue, which wakes a task, and a sent frame through a coroutine. For a single
call, this is most of the work in Python. `FastPathProtocol` extends uvicorn's WebSocket protocol: it can also pass
frames to a function as they arrive, and write frames at once. Applications find it as the ASGI extension `FAST_PATH`.
uvicorn and websockets handle the handshake, control frames, fragments, invalid frames and the close. With other
servers, plain ASGI is used.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode
from websockets.protocol import State

from ..bridge.connection import FAST_PATH, ReceiveBuffers
from ..protocol.chunks import HEADER_BYTES, ReceivedChunk
from ..protocol.codec import Frame
from .request_head import answer, refusals_of
from .websocket_framing import BINARY, CONTROL, FINAL, MASK_BYTES, TEXT, Head, InvalidFrame, frame_head, head_of

try:
    from websockets.speedups import apply_mask
except ImportError:  # no C extension on this platform
    from websockets.utils import apply_mask

__all__ = ["FastPathProtocol"]

CLOSE_SECONDS = 2.0  # time for a client to answer a close frame (RFC 6455, section 7.1.1); uvicorn waits for 10

_MESSAGES = frozenset({FINAL | TEXT, FINAL | BINARY})
# Private attributes in use. With a version that lacks one of them, plain ASGI is used.
_UVICORN_ATTRIBUTES = ("config", "conn", "queue", "read_paused", "response", "scope", "transport", "writable")
_WEBSOCKETS_ATTRIBUTES = ("reader", "state")
# The header fields that websockets needs. It accepts 128 fields of 8 KiB, and the cookies of a browser may be larger.
_HANDSHAKE_FIELDS = frozenset({b"host", b"upgrade", b"connection", b"content-length", b"transfer-encoding"})
_HEAD_END = b"\r\n\r\n"
_MAX_JOINED = 16 * 1024  # bytes; for smaller frames, joining header and payload is faster than two writes
_MIN_ZERO_COPY = 64 * 1024
_BETWEEN_BYTES = 2**16  # maximum size of one read between chunks that arrive without a copy
_ZERO_COPY_HEAD = 14 + HEADER_BYTES  # most bytes before the content of a chunk: frame header and chunk header


class FastPathProtocol(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket protocol with a fast path. It closes unresponsive clients after `CLOSE_SECONDS`.

    After the handshake, it splits the received bytes into frames. It passes complete frames to the sink, or else to
    websockets.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.close_timeout = CLOSE_SECONDS
        self._fields: list[tuple[bytes, bytes]] | None = None  # header fields of the handshake, for the application
        self._splits = False
        self._rest = bytearray()  # the start of a frame that is not complete
        self._fragments = 0  # bytes of the fragments of a message
        self._in_fragments = False
        self._sink: Callable[[list[Frame | ReceivedChunk]], None] | None = None
        self._buffers: ReceiveBuffers | None = None
        self._receiver: _ZeroCopyReceiver | None = None
        self._zero_copies = False  # the transport reads into `_receiver`

    # FastPath ------------------------------------------------------------------------------------------

    def hand_over(self, sink: Callable[[list[Frame | ReceivedChunk]], None], buffers: ReceiveBuffers) -> None:
        self._sink = sink
        self._buffers = buffers
        self._empty_queue(sink)

    def pause(self) -> None:
        if not self.read_paused:
            self.read_paused = True
            self.transport.pause_reading()

    def resume(self) -> None:
        if self.read_paused and not self.transport.is_closing():
            self.read_paused = False
            self.transport.resume_reading()

    def write(self, take: Callable[[], Frame | None]) -> bool:
        while self.writable.is_set() and self.conn.state is State.OPEN and not self.transport.is_closing():
            frame = take()
            if frame is None:
                return True
            data, kind = (frame.encode(), TEXT) if isinstance(frame, str) else (frame, BINARY)
            size = len(data)
            head = bytes((FINAL | kind, size)) if size < 126 else frame_head(kind, size)
            if size < _MAX_JOINED:
                self.transport.write(head + data)
            else:
                self.transport.writelines((head, data))
        return False

    # uvicorn's protocol --------------------------------------------------------------------------------

    def handle_connect(self, event: Any) -> None:
        """Offer the fast path in the handshake."""
        super().handle_connect(event)
        if self._fields is not None and self.response.status_code == 101:
            self.scope["headers"] = self._fields
        if self._is_known_inside() and self.response.status_code == 101:
            extensions: dict[str, Any] = self.scope["extensions"]
            extensions[FAST_PATH] = self

    def data_received(self, data: bytes) -> None:
        """Split the received bytes into frames, or continue the handshake."""
        if self._splits:
            self._split(data)
            return
        super().data_received(data if self.handshake_initiated else self._reduce_handshake(data))
        if self.conn.handshake_exc is not None and not self.close_sent:
            self._refuse_handshake(self.conn.handshake_exc)
        # The request is complete and nothing follows it: the next byte begins a frame.
        self._splits = self.handshake_initiated and self._is_known_inside() and not self.conn.reader.buffer

    def _reduce_handshake(self, head: bytes) -> bytes:
        """Keep only the header fields that websockets needs. uvicorn's HTTP protocol passes a complete head."""
        if not head.endswith(_HEAD_END):
            return head
        request, *lines = head.removesuffix(_HEAD_END).split(b"\r\n")
        fields = [(name, value.strip(b" \t")) for name, _, value in (line.partition(b":") for line in lines)]
        self._fields = [(name.lower(), value) for name, value in fields]
        kept = [
            name + b": " + value
            for name, value in self._fields
            if name in _HANDSHAKE_FIELDS or name.startswith(b"sec-websocket-")
        ]
        return b"\r\n".join([request, *kept]) + _HEAD_END

    def _refuse_handshake(self, error: Exception) -> None:
        """Answer a handshake that uvicorn would leave unanswered, with the connection open."""
        reason = f"{error}: {error.__cause__}" if error.__cause__ is not None else str(error)
        refusals_of(self.config).tell(f"refused a WebSocket of {(self.client or ('unknown',))[0]}: {reason}")
        given = b"".join(self.conn.data_to_send())
        self.transport.write(
            given or answer(HTTPStatus.BAD_REQUEST, f"Failed to open a WebSocket connection: {reason}")
        )
        self.close_sent = self.handshake_complete = True
        self.transport.close()

    def _is_known_inside(self) -> bool:
        here = all(hasattr(self, name) for name in _UVICORN_ATTRIBUTES)
        return (
            here
            and all(hasattr(self.conn, name) for name in _WEBSOCKETS_ATTRIBUTES)
            and hasattr(self.conn.reader, "buffer")
        )

    def send_receive_event_to_app(self) -> None:
        """Handle a message that websockets has completed."""
        if self.curr_msg_data_type == "text" and not _is_text(self.frames):
            self._refuse_text()
            return
        super().send_receive_event_to_app()
        if self._sink is not None:
            self._empty_queue(self._sink)

    def _refuse_text(self) -> None:
        """Close the connection, as uvicorn would log a traceback that contains the message."""
        self.frames = []
        if not self.close_sent:
            refusals_of(self.config).tell(
                f"closed a WebSocket of {(self.client or ('unknown',))[0]}: a text message is not UTF-8"
            )
            self.conn.fail(CloseCode.INVALID_DATA, "invalid UTF-8")
            self.handle_parser_exception()

    # Frames --------------------------------------------------------------------------------------------

    def _empty_queue(self, sink: Callable[[list[Frame | ReceivedChunk]], None]) -> None:
        frames: list[Frame | ReceivedChunk] = []
        for event in [self.queue.get_nowait() for _ in range(self.queue.qsize())]:
            if event["type"] == "websocket.receive":
                text = event.get("text")
                frames.append(text if text is not None else event.get("bytes") or b"")
            else:
                self.queue.put_nowait(event)
        self.resume()
        if frames:
            sink(frames)

    def _split(self, data: bytes | bytearray) -> None:
        if self._rest:
            self._rest += data
            data = self._rest
        at = 0
        frames: list[Frame | ReceivedChunk] = []
        try:
            max_bytes = self.config.ws_max_size
            while (head := head_of(data, at, max_bytes - self._fragments)) and head.end <= len(data):
                frame = self._message(data, head)
                if frame is not None:
                    frames.append(frame)
                else:
                    self._deliver(frames)
                    frames = []
                    self._pass_on(data, at, head)
                at = head.end
        except InvalidFrame:  # websockets reports it, and closes the connection
            self._splits = False
        if at or not self._rest:
            self._rest = bytearray(memoryview(data)[at:] if at < len(data) else b"")
        self._deliver(frames)
        if not self._splits:
            super().data_received(bytes(self._rest))
        if self._rest or self._zero_copies:
            self._choose_reader()

    def _head(self, data: bytes | bytearray, at: int) -> Head | None:
        return head_of(data, at, self.config.ws_max_size - self._fragments)

    def _message(self, data: bytes | bytearray, head: Head) -> Frame | None:
        """Return the content of a frame for the sink; `None` for other frames, and after a close frame."""
        is_open = self._sink is not None and self.conn.state is State.OPEN
        if not is_open or head.first not in _MESSAGES or self._in_fragments:
            return None
        body = memoryview(data)[head.body : head.end]
        payload = apply_mask(body, data[head.body - MASK_BYTES : head.body])
        if head.first & BINARY:
            return payload
        try:
            return payload.decode()
        except UnicodeDecodeError:
            return None

    def _pass_on(self, data: bytes | bytearray, at: int, head: Head) -> None:
        if not head.first & CONTROL:
            self._in_fragments = not head.first & FINAL
            self._fragments = self._fragments + head.end - head.body if self._in_fragments else 0
        super().data_received(bytes(memoryview(data)[at : head.end]))

    def _deliver(self, frames: list[Frame | ReceivedChunk]) -> None:
        if frames and self._sink is not None:
            self._sink(frames)

    # Zero-copy receive ---------------------------------------------------------------------------------

    def _choose_reader(self) -> None:
        """Direct the transport to read the next chunk into its memory, or frames into this protocol."""
        chunk = self._partial_chunk() if self._splits else None
        if chunk is not None:
            self._receiver = self._receiver or _ZeroCopyReceiver(self)
            self._receiver.chunk = chunk
            self._read_by(self._receiver, True)
        elif self._zero_copies and (not self._splits or self._buffers is None or self._buffers.is_empty()):
            self._read_by(self, False)

    def _read_by(self, reader: asyncio.BaseProtocol, zero_copies: bool) -> None:
        if zero_copies is not self._zero_copies:
            self._zero_copies = zero_copies
            self.transport.set_protocol(reader)

    def _partial_chunk(self) -> _PartialChunk | None:
        """Return the chunk that has begun to arrive, if there is memory for it, else `None`."""
        rest = self._rest
        if len(rest) < _ZERO_COPY_HEAD or self._in_fragments or self.conn.state is not State.OPEN:
            return None
        head = self._head(rest, 0)
        if head is None or head.first != FINAL | BINARY or head.end - head.body < _MIN_ZERO_COPY:
            return None
        start = head.body + HEADER_BYTES  # a multiple of the mask: the content begins with its first byte
        mask = bytes(rest[head.body - MASK_BYTES : head.body])
        received = ReceivedChunk(apply_mask(rest[head.body : start], mask), head.end - start)
        room = self._buffers.room(*received) if self._buffers is not None else None
        if room is None:
            return None
        chunk = _PartialChunk(received, room, mask)
        chunk.put(memoryview(rest)[start:])
        self._rest = bytearray()
        return chunk

    def wanted(self) -> int:
        """Return how many bytes complete the next chunk header, or the current frame, for `_ZeroCopyReceiver`."""
        short = _ZERO_COPY_HEAD - len(self._rest)
        head = self._head(self._rest, 0) if short <= 0 else None
        return short if head is None else head.end - len(self._rest)

    def chunk_received(self, chunk: ReceivedChunk) -> None:
        """Pass a chunk to the sink, for `_ZeroCopyReceiver`; drop chunks after a close frame."""
        if self.conn.state is State.OPEN:
            self._deliver([chunk])
        self._choose_reader()

    def connection_lost(self, exc: Exception | None) -> None:
        """Release the receiver."""
        self._receiver = None
        super().connection_lost(exc)


class _PartialChunk:
    """Chunk that has arrived in part.

    Args:
        received: The chunk to report when it is complete.
        room: Memory for its content.
        mask: The masking key of its content (RFC 6455, section 5.3).
    """

    def __init__(self, received: ReceivedChunk, room: memoryview, mask: bytes) -> None:
        self.received = received
        self._room = room
        self._mask = mask
        self._size = 0

    def put(self, start: memoryview) -> None:
        """Copy the content that arrived with the header."""
        self._room[: len(start)] = start
        self._size = len(start)

    def rest(self) -> memoryview:
        """Return the memory for the rest of the content."""
        return self._room[self._size :]

    def grow(self, count: int) -> bool:
        """Count bytes that were read; unmask the content and return `True` if it is complete."""
        self._size += count
        if self._size < len(self._room):
            return False
        self._room[:] = apply_mask(self._room, self._mask)
        return True


class _ZeroCopyReceiver(asyncio.BufferedProtocol):
    """Protocol of the transport while large chunks arrive: it reads them into their final memory."""

    def __init__(self, owner: FastPathProtocol) -> None:
        self.chunk: _PartialChunk | None = None
        self._owner = owner
        self._buffer = memoryview(bytearray(_BETWEEN_BYTES))

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return the memory to read into."""
        return self._buffer[: self._owner.wanted()] if self.chunk is None else self.chunk.rest()

    def buffer_updated(self, nbytes: int) -> None:
        """Handle the bytes that were read."""
        chunk = self.chunk
        if chunk is None:
            self._owner.data_received(bytes(self._buffer[:nbytes]))
        elif chunk.grow(nbytes):
            self.chunk = None
            self._owner.chunk_received(chunk.received)

    # Forwarded to the owner ----------------------------------------------------------------------------

    def pause_writing(self) -> None:
        self._owner.pause_writing()

    def resume_writing(self) -> None:
        self._owner.resume_writing()

    def eof_received(self) -> None:
        self._owner.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._owner.connection_lost(exc)


def _is_text(parts: list[bytes]) -> bool:
    try:
        b"".join(parts).decode()
    except UnicodeDecodeError:
        return False
    return True
