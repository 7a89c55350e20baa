"""Fast path for WebSocket frames between uvicorn's connection and the bridge, without a task or a queue.

ASGI passes a received frame through a queue, which wakes a task, and takes a sent one through a coroutine. For a page
that makes one call at a time that is most of the work of Python. `FastPathProtocol` is uvicorn's own WebSocket protocol
that can also pass the frames of a connection to a function as they arrive, and write frames at once. Applications find
it as the ASGI extension `FAST_PATH`. The handshake, control frames, fragments, invalid frames and the close stay with
uvicorn and websockets. Under another server, plain ASGI carries the frames.
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
from .request_head import answer, refusals
from .websocket_framing import BINARY, CONTROL, FINAL, MASK_BYTES, TEXT, Head, NotAFrame, frame_head, head_of
from .zero_copy import PartialChunk, ZeroCopyReceiver, apply_mask

__all__ = ["FastPathProtocol"]

CLOSE_SECONDS = 2.0  # what a page gets to answer the end of its WebSocket (RFC 6455, section 7.1.1); uvicorn gives 10

_MESSAGES = frozenset({FINAL | TEXT, FINAL | BINARY})
# What is used of their inside: where one of these is gone in another version, there is ASGI alone.
_OF_UVICORN = ("config", "conn", "queue", "read_paused", "response", "scope", "transport", "writable")
_OF_WEBSOCKETS = ("reader", "state")
# The fields that websockets looks at: it takes 128 of 8 KiB each, and browsers send more than that in cookies.
_OF_HANDSHAKES = frozenset({b"host", b"upgrade", b"connection", b"content-length", b"transfer-encoding"})
_HEAD_END = b"\r\n\r\n"
_WORTH_JOINING = 16 * 1024  # bytes that are copied behind their head faster than written in two parts
_WORTH_LANDING = 64 * 1024
_LANDING_HEAD = 14 + HEADER_BYTES  # what a piece that is worth it begins with


class FastPathProtocol(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket protocol with a short way, and less patience.

    Whoever does not read keeps a connection, and its memory: it gets `CLOSE_SECONDS` to answer the end.

    From the handshake on it cuts what comes into frames itself, so that it always knows where one begins; those that it
    does not hand over go to websockets, whole.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.close_timeout = CLOSE_SECONDS
        self._fields: list[tuple[bytes, bytes]] | None = None  # all fields of the handshake, for the application
        self._cuts = False
        self._rest = bytearray()  # of a frame that has not come in whole
        self._fragments = 0  # bytes of those that have come of a message
        self._in_fragments = False
        self._sink: Callable[[list[Frame | ReceivedChunk]], None] | None = None
        self._buffers: ReceiveBuffers | None = None
        self._receiver: ZeroCopyReceiver | None = None
        self._lands = False  # whether it reads in our place

    # What an application uses: connection.Direct -------------------------------------------------------

    def hand_over(self, sink: Callable[[list[Frame | ReceivedChunk]], None], buffers: ReceiveBuffers) -> None:
        self._sink = sink
        self._buffers = buffers
        self._empty_queue(sink)

    def pause(self) -> None:
        if not self.read_paused:
            self.read_paused = True
            self.transport.pause_reading()

    def go_on(self) -> None:
        if self.read_paused and not self.transport.is_closing():
            self.read_paused = False
            self.transport.resume_reading()

    def is_free(self) -> bool:
        return self.writable.is_set() and self.conn.state is State.OPEN and not self.transport.is_closing()

    def write(self, frame: Frame) -> None:
        data, kind = (frame.encode(), TEXT) if isinstance(frame, str) else (frame, BINARY)
        head = frame_head(kind, len(data))
        if len(data) < _WORTH_JOINING:
            self.transport.write(head + data)
        else:
            self.transport.writelines((head, data))

    # What uvicorn uses ---------------------------------------------------------------------------------

    def handle_connect(self, event: Any) -> None:
        """The handshake: offers the short way."""
        super().handle_connect(event)
        if self._fields is not None and self.response.status_code == 101:
            self.scope["headers"] = self._fields
        if self._is_known_inside() and self.response.status_code == 101:
            extensions: dict[str, Any] = self.scope["extensions"]
            extensions[FAST_PATH] = self

    def data_received(self, data: bytes) -> None:
        """Something came."""
        if self._cuts:
            self._cut(data)
            return
        super().data_received(data if self.handshake_initiated else self._of_handshake(data))
        if self.conn.handshake_exc is not None and not self.close_sent:
            self._refuse_handshake(self.conn.handshake_exc)
        # The whole request has come and nothing behind it: the next byte begins a frame.
        self._cuts = self.handshake_initiated and self._is_known_inside() and not self.conn.reader.buffer

    def _of_handshake(self, head: bytes) -> bytes:
        """The part of a handshake that is for websockets. uvicorn's HTTP protocol hands over a whole head at once."""
        if not head.endswith(_HEAD_END):
            return head
        request, *lines = head.removesuffix(_HEAD_END).split(b"\r\n")
        fields = [(name, value.strip(b" \t")) for name, _, value in (line.partition(b":") for line in lines)]
        self._fields = [(name.lower(), value) for name, value in fields]
        kept = [
            name + b": " + value
            for name, value in self._fields
            if name in _OF_HANDSHAKES or name.startswith(b"sec-websocket-")
        ]
        return b"\r\n".join([request, *kept]) + _HEAD_END

    def _refuse_handshake(self, error: Exception) -> None:
        """Answers where uvicorn would give no answer and leave the connection open."""
        reason = f"{error}: {error.__cause__}" if error.__cause__ is not None else str(error)
        refusals.tell(f"refused a WebSocket of {(self.client or ('unknown',))[0]}: {reason}")
        given = b"".join(self.conn.data_to_send())
        self.transport.write(
            given or answer(HTTPStatus.BAD_REQUEST, f"Failed to open a WebSocket connection: {reason}")
        )
        self.close_sent = self.handshake_complete = True
        self.transport.close()

    def _is_known_inside(self) -> bool:
        here = all(hasattr(self, name) for name in _OF_UVICORN)
        return here and all(hasattr(self.conn, name) for name in _OF_WEBSOCKETS) and hasattr(self.conn.reader, "buffer")

    def send_receive_event_to_app(self) -> None:
        """A message that websockets has read is complete."""
        if self.curr_msg_data_type == "text" and not _is_text(self.frames):
            self._refuse_text()
            return
        super().send_receive_event_to_app()
        if self._sink is not None:
            self._empty_queue(self._sink)

    def _refuse_text(self) -> None:
        """Ends the connection where uvicorn would log a traceback with the whole of the message."""
        self.frames = []
        if not self.close_sent:
            refusals.tell(f"closed a WebSocket of {(self.client or ('unknown',))[0]}: a text message is not UTF-8")
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
        self.go_on()
        if frames:
            sink(frames)

    def _cut(self, data: bytes | bytearray) -> None:
        if self._rest:
            self._rest += data
            data = self._rest
        at = 0
        frames: list[Frame | ReceivedChunk] = []
        try:
            while (head := self._head(data, at)) and head.end <= len(data):
                frame = self._message(data, head)
                if frame is not None:
                    frames.append(frame)
                else:
                    self._deliver(frames)
                    frames = []
                    self._pass_on(data, at, head)
                at = head.end
        except NotAFrame:  # websockets says what is wrong, and ends the connection
            self._cuts = False
        if at or not self._rest:
            self._rest = bytearray(memoryview(data)[at:] if at < len(data) else b"")
        self._deliver(frames)
        if not self._cuts:
            super().data_received(bytes(self._rest))
        if self._rest or self._lands:
            self._choose_reader()

    def _head(self, data: bytes | bytearray, at: int) -> Head | None:
        return head_of(data, at, self.config.ws_max_size - self._fragments)

    def _message(self, data: bytes | bytearray, head: Head) -> Frame | None:
        """A message that can be handed over; none is behind the end (RFC 6455, section 5.5.1)."""
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

    # Pieces of large messages --------------------------------------------------------------------------

    def _choose_reader(self) -> None:
        """Whether what comes next is read right into its place."""
        piece = self._piece() if self._cuts else None
        if piece is not None:
            self._receiver = self._receiver or ZeroCopyReceiver(self)
            self._receiver.piece = piece
            self._read_by(self._receiver, True)
        elif self._lands and (not self._cuts or self._buffers is None or self._buffers.is_empty()):
            self._read_by(self, False)

    def _read_by(self, reader: asyncio.BaseProtocol, lands: bool) -> None:
        if lands is not self._lands:
            self._lands = lands
            self.transport.set_protocol(reader)

    def _piece(self) -> PartialChunk | None:
        """What has begun to come, if it has a place."""
        rest = self._rest
        if len(rest) < _LANDING_HEAD or self._in_fragments or self.conn.state is not State.OPEN:
            return None
        head = self._head(rest, 0)
        if head is None or head.first != FINAL | BINARY or head.end - head.body < _WORTH_LANDING:
            return None
        behind = head.body + HEADER_BYTES  # the header is four masks long: the piece begins with the first byte of one
        mask = bytes(rest[head.body - MASK_BYTES : head.body])
        landed = ReceivedChunk(apply_mask(rest[head.body : behind], mask), head.end - behind)
        room = self._buffers.room(*landed) if self._buffers is not None else None
        if room is None:
            return None
        piece = PartialChunk(landed, room, mask)
        piece.put(memoryview(rest)[behind:])
        self._rest = bytearray()
        return piece

    def wanted(self) -> int:
        """Return the bytes until the end of the next chunk head, or of the frame under way; for `ZeroCopyReceiver`."""
        short = _LANDING_HEAD - len(self._rest)
        head = self._head(self._rest, 0) if short <= 0 else None
        return short if head is None else head.end - len(self._rest)

    def chunk_received(self, landed: ReceivedChunk) -> None:
        """For the `ZeroCopyReceiver`; behind the end nothing is heard."""
        if self.conn.state is State.OPEN:
            self._deliver([landed])
        self._choose_reader()

    def connection_lost(self, exc: Exception | None) -> None:
        """The end."""
        self._receiver = None
        super().connection_lost(exc)


def _is_text(parts: list[bytes]) -> bool:
    try:
        b"".join(parts).decode()
    except UnicodeDecodeError:
        return False
    return True
