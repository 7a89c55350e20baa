"""Bounds on the head of an HTTP request: its size, and the time in which it has to arrive. uvicorn has neither."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from .refusals import Refusals

__all__ = ["MAX_HEAD_BYTES", "HttpProtocol", "answer", "refusals"]

# Cookies of a host go to all of its ports, those of other programs too: browsers send 180 of 4 KiB, 720 KiB, at most.
MAX_HEAD_BYTES = 2**20
HEAD_SECONDS = 10.0
LINGER_SECONDS = 2.0  # for which a refused peer may go on to send: closed at once, it would not read the answer

refusals = Refusals()

if TYPE_CHECKING:
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol as _Protocol
else:
    _Protocol = object


def answer(status: HTTPStatus, text: str) -> bytes:
    """A whole response, after which the connection is closed."""
    body = f"{text}\n".encode()
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: text/plain; charset=utf-8\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body


class _Bounded(_Protocol):  # a base beside uvicorn's protocol
    """Bounds of the heads that uvicorn's HTTP protocol reads."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._head_bytes = 0
        self._is_refused = False
        self._timer: asyncio.TimerHandle | None = self.loop.call_later(HEAD_SECONDS, self._too_late)

    def data_received(self, data: bytes) -> None:
        """Something came."""
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
                f"its headers take more than {MAX_HEAD_BYTES} bytes; delete cookies of this host",
            )
        elif self._timer is None:
            self._timer = self.loop.call_later(HEAD_SECONDS, self._too_late)

    def connection_lost(self, exc: Exception | None) -> None:
        """The end."""
        self._stop_timer()
        super().connection_lost(exc)

    def _is_in_head(self) -> bool:
        """Whether the head of the first request has not come yet, or that of another one in part."""
        raise NotImplementedError

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_late(self) -> None:
        self._timer = None
        if self._is_refused or not self._head_bytes:
            self.transport.close()  # browsers open connections in advance, and do not use all of them
        else:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, f"its headers did not come within {HEAD_SECONDS:g} s")

    def _refuse(self, status: HTTPStatus, reason: str) -> None:
        self._is_refused = True
        self._stop_timer()
        if self.transport.is_closing():
            return
        refusals.tell(f"refused a request of {(self.client or ('unknown',))[0]}: {reason}")
        if self.cycle is not None and not self.cycle.response_complete:
            self.transport.close()  # in the middle of an earlier answer
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
        """The protocol of h11, whose states tell whether a head has come."""

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.conn: Any = h11.Connection(h11.SERVER, 2 * MAX_HEAD_BYTES)  # its own limit is 16 KiB

        def _is_in_head(self) -> bool:
            return self.conn.their_state is h11.IDLE and (self.cycle is None or self.conn.trailing_data[0] != b"")

else:

    class HttpProtocol(_Bounded, HttpToolsProtocol):  # type: ignore[no-redef]
        """The protocol of httptools, which tells where a head begins and ends."""

        _in_head = True

        def on_message_begin(self) -> None:
            """A head begins."""
            self._in_head = True
            super().on_message_begin()

        def on_headers_complete(self) -> None:
            """A head has come."""
            self._in_head = False
            super().on_headers_complete()

        def _is_in_head(self) -> bool:
            return self._in_head
