"""Limits on the size and the arrival time of HTTP request headers, which uvicorn does not have."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from .refusals import Refusals

__all__ = ["HttpProtocol", "answer", "refusals_of"]

# Browsers send the cookies of a host to all of its ports: up to 180 of 4 KiB, including those of other programs.
MAX_HEAD_BYTES = 2**20
HEAD_SECONDS = 10.0
LINGER_SECONDS = 2.0  # for a refused client to stop sending; closing at once would discard the response

if TYPE_CHECKING:
    from uvicorn import Config
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol as _Protocol
else:
    _Protocol = object


def refusals_of(config: Config) -> Refusals:
    """Return the log of refusals of a server. Its configuration holds it, because all of its protocols share that."""
    refusals: Refusals = vars(config).setdefault("jsmeets_refusals", Refusals())
    return refusals


def answer(status: HTTPStatus, text: str) -> bytes:
    """Return a complete response that announces the end of the connection."""
    body = f"{text}\n".encode()
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: text/plain; charset=utf-8\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body


class _Bounded(_Protocol):  # a mixin for uvicorn's HTTP protocols
    """Limits on the request headers that an HTTP protocol of uvicorn reads."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._head_bytes = 0
        self._is_refused = False
        self._timer: asyncio.TimerHandle | None = self.loop.call_later(HEAD_SECONDS, self._too_late)

    def data_received(self, data: bytes) -> None:
        """Parse received data, and refuse headers that exceed a limit."""
        if self._is_refused:
            return
        super().data_received(data)
        if not self._is_in_head():
            self._head_bytes = 0
            self._stop_timer()
            return
        self._head_bytes += len(data)
        if self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                f"its headers exceed {MAX_HEAD_BYTES} bytes; delete the cookies of this host",
            )
        elif self._timer is None:
            self._timer = self.loop.call_later(HEAD_SECONDS, self._too_late)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer."""
        self._stop_timer()
        super().connection_lost(exc)

    def _is_in_head(self) -> bool:
        """Return whether the first request's headers are outstanding, or a later one's are incomplete."""
        raise NotImplementedError

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_late(self) -> None:
        self._timer = None
        if self._is_refused or not self._head_bytes:
            self.transport.close()  # browsers open connections in advance without using all of them
        else:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, f"its headers did not arrive within {HEAD_SECONDS:g} s")

    def _refuse(self, status: HTTPStatus, reason: str) -> None:
        self._is_refused = True
        self._stop_timer()
        if self.transport.is_closing():
            return
        refusals_of(self.config).tell(f"refused a request from {(self.client or ('unknown',))[0]}: {reason}")
        if self.cycle is not None and not self.cycle.response_complete:
            self.transport.close()  # a response to an earlier request is incomplete
            return
        self.transport.write(answer(status, reason))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._timer = self.loop.call_later(LINGER_SECONDS, self._too_late)


try:
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
except ImportError:
    import h11
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class HttpProtocol(_Bounded, H11Protocol):  # type: ignore[misc]
        """uvicorn's h11 protocol with limits on request headers."""

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.conn: Any = h11.Connection(h11.SERVER, 2 * MAX_HEAD_BYTES)  # the default limit is 16 KiB

        def _is_in_head(self) -> bool:
            return self.conn.their_state is h11.IDLE and (self.cycle is None or self.conn.trailing_data[0] != b"")

else:

    class HttpProtocol(_Bounded, HttpToolsProtocol):  # type: ignore[no-redef]
        """uvicorn's httptools protocol with limits on request headers."""

        _in_head = True

        def on_message_begin(self) -> None:
            """Note that request headers begin."""
            self._in_head = True
            super().on_message_begin()

        def on_headers_complete(self) -> None:
            """Note that request headers are complete."""
            self._in_head = False
            super().on_headers_complete()

        def _is_in_head(self) -> bool:
            return self._in_head
