"""`JSFile`: a File or Blob of a page, which Python reads like a file that is open in binary mode."""

from __future__ import annotations

import functools
import io
import math
from collections import deque
from collections.abc import Generator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct, field

from ...errors import Disconnected, JavaScriptError, JsPyError, PageClosed, ProtocolError, UnreadableFile
from ...protocol.files import safe_name
from ...protocol.references import BIGGEST, Handle
from ...protocol.values import pack
from ..portal import Cancel, Done, Operation
from ..tracebacks import cut
from .base import PageObject, Use

if TYPE_CHECKING:
    from ..bridge import Bridge

__all__ = ["AsyncJSFile", "JSFile"]

FIRST = 256 * 1024  # bytes of the first request at a position; sequential reading doubles them up to `MOST`
MOST = 4 * 1024 * 1024
AHEAD = 2  # pieces that are under way, or have arrived and were not read
PEEK = 8 * 1024  # most bytes of `peek`

# A piece of a file: the position of its first byte, and its bytes.
Piece: TypeAlias = tuple[int, bytes]


class _Request(Struct, eq=False):
    """Request for a piece, from `start` to `end`.

    The waiters have keys, so that the function that cancels one does not refer to it: as a cycle, they would keep the
    piece until the garbage collector runs.
    """

    start: int
    end: int
    outcome: Piece | JsPyError | None = None
    waiters: dict[object, Done[Piece | JsPyError]] = field(default_factory=dict)
    cancel: Cancel | None = None


class _Reader:
    """Requests for the pieces of a file. Their state is used on the loop of the bridge only."""

    def __init__(self, bridge: Bridge, handle: Handle, name: str, size: int) -> None:
        self._bridge = bridge
        self._handle: Handle | None = handle
        self._name = name
        self._size = size
        self._requests: deque[_Request] = deque()  # of consecutive pieces
        self._length = FIRST
        self._reads_ahead = False
        self._next = -1  # the end of the last piece that was read

    def fetch(self, position: int, wanted: int) -> Operation[Piece | JsPyError]:
        """Return an operation for the piece that contains a position.

        Args:
            position: The position, before the end of the file.
            wanted: Number of bytes that the caller will read from there.
        """

        def operation(done: Done[Piece | JsPyError]) -> Cancel | None:
            if self._handle is None:
                raise ValueError(_CLOSED)
            most = min(MOST, max(1, self._bridge.protocol.limits.message_bytes // 2))
            request = next((one for one in self._requests if one.start <= position < one.end), None)
            if request is None:
                self._drop()
                is_sequential = position == self._next
                self._length = min(most, max(2 * self._length if is_sequential else FIRST, wanted))
                self._reads_ahead = is_sequential or wanted > self._length
                request = self._ask(self._handle, position)
            else:
                while self._requests[0] is not request:
                    self._withdraw(self._requests.popleft())
                self._length = min(most, 2 * self._length)
                self._reads_ahead = True
            self._read_ahead()
            if request.outcome is not None:
                self._take(request)
                done(request.outcome)
                return None
            key = object()
            request.waiters[key] = done
            return functools.partial(self._leave, request, key)

        return operation

    def close(self) -> None:
        """Let the page forget the file. Reads in progress still receive their pieces."""
        self._handle = None
        self._drop()

    def _drop(self) -> None:
        """Forget all pieces, and cancel the requests without waiters."""
        while self._requests:
            self._withdraw(self._requests.popleft())

    def _ask(self, handle: Handle, start: int) -> _Request:
        request = _Request(start, min(self._size, start + self._length))
        self._requests.append(request)
        steps = pack([["read", request.start, request.end]], "steps")
        request.cancel = Use(self._bridge, handle, steps, self._name)(functools.partial(self._arrive, request))
        return request

    def _read_ahead(self) -> None:
        handle = self._handle
        if handle is None or not self._reads_ahead:
            return
        while len(self._requests) < AHEAD and (start := self._asked()) < self._size:
            self._ask(handle, start)

    def _asked(self) -> int:
        """Return the end of the last piece that was requested."""
        return self._requests[-1].end if self._requests else self._next

    def _arrive(self, request: _Request, value: Any) -> None:
        request.cancel = None
        request.outcome = outcome = self._checked(request, value)
        waiters, request.waiters = request.waiters, {}
        if waiters:
            self._take(request)
        for done in waiters.values():
            done(outcome)

    def _checked(self, request: _Request, value: Any) -> Piece | JsPyError:
        if isinstance(value, bytes) and len(value) == request.end - request.start:
            return request.start, value
        if isinstance(value, Disconnected):
            error: JsPyError = PageClosed(f"the page has left before its file {self._name!r} was read")
        elif isinstance(value, JavaScriptError):
            text = "it was changed, moved or deleted after the user had picked it; let the user pick it again"
            error = UnreadableFile(f"the page cannot read its file {self._name!r}: {text} ({value})")
        elif isinstance(value, JsPyError):
            return value
        else:
            error = UnreadableFile(
                f"the page answers {request.end - request.start} bytes of its file {self._name!r} with other data"
            )
        error.__cause__ = value if isinstance(value, JsPyError) else None
        return error

    def _take(self, request: _Request) -> None:
        """Remove a request whose outcome is delivered. After an error, the next read sends another one."""
        if request in self._requests:
            while self._requests.popleft() is not request:
                pass
        if isinstance(request.outcome, JsPyError):
            self._drop()
            return
        self._next = request.end
        self._read_ahead()

    def _leave(self, request: _Request, key: object) -> None:
        """Remove a waiter, and cancel a request without waiters."""
        if request.waiters.pop(key, None) is not None:
            if not any(one.waiters for one in self._requests):
                self._drop()
            self._withdraw(request)

    def _withdraw(self, request: _Request) -> None:
        if not request.waiters and request.cancel is not None:
            cancel, request.cancel = request.cancel, None
            cancel()


class JSFile(io.BufferedIOBase, PageObject):  # type: ignore[misc] # both have `__exit__`, which closes
    """File or Blob of a page, as a binary file object: what `open(path, "rb")` returns.

    It is read on demand: reading waits for the page, as `Page.call` does, and sequential reading requests the next
    pieces in advance. `pandas.read_csv(file)`, `PIL.Image.open(file)`, `zipfile.ZipFile(file)`,
    `shutil.copyfileobj(file, target)` and `io.TextIOWrapper(file)` accept it. A `with` statement or `close()` lets the
    page forget the file. Each read returns the bytes after the previous one, even if several threads read.

    Reading raises `PageClosed` if the page has left, and `UnreadableFile` if the page can no longer read the file. Both
    are `OSError`s.

    Attributes:
        name: The name, without folders; `""` for a Blob.
        size: Number of bytes.
        type: The media type that the page reports, or `""`.
        modified: The time of the last change in UTC; `None` for a Blob.
        aio: The awaitable twin: `await file.aio.read(100)`.
    """

    mode = "rb"

    def __init__(self, bridge: Bridge, handle: Handle, detail: Any) -> None:
        name, size, kind, modified = _facts(detail)
        PageObject.__init__(self, bridge, handle, detail)
        self.name = safe_name(name)
        self.size = size
        self.type = kind
        self.modified = _time(modified)
        self._position = 0
        self._piece: Piece = (0, b"")  # the last one that was read
        self._reader = _Reader(bridge, handle, self.name or "blob", size)
        bridge.portal.finalize(self, self._reader.close)

    @property
    def closed(self) -> bool:
        """Return whether the file was closed."""
        return self._handle is None

    def close(self) -> None:
        """Let the page forget the file, and cancel reads in progress. Closing twice has no effect."""
        if self._handle is not None:
            self._piece = (0, b"")
            self._bridge.portal.post(self._reader.close)
            PageObject.destroy(self)

    destroy = close

    def __del__(self) -> None:
        """Do nothing; `io` would close the file on any thread. The finalizer closes it on the loop."""

    def readable(self) -> bool:
        """Return `True`."""
        return self._check()

    def seekable(self) -> bool:
        """Return `True`."""
        return self._check()

    def tell(self) -> int:
        """Return the position of the next byte to read."""
        self._check()
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Set the position, which may be beyond the end, and return it. Nothing is read.

        Args:
            offset: Number of bytes.
            whence: `io.SEEK_SET` counts them from the start, `SEEK_CUR` from the position, `SEEK_END` from the end.
        """
        self._check()
        if whence not in (io.SEEK_SET, io.SEEK_CUR, io.SEEK_END):
            raise ValueError(f"whence must be 0, 1 or 2; got {whence!r}")
        position = int(offset) + (0, self._position, self.size)[whence]
        if position < 0:
            raise ValueError(f"negative position {position}")
        self._position = position
        return position

    def read(self, size: int | None = -1, /) -> bytes:
        """Read and return `size` bytes; fewer only at the end of the file, and all that follow if it is negative."""
        return self._block(size)

    def read1(self, size: int = -1, /) -> bytes:
        """Read and return up to `size` bytes, with at most one request to the page; any number if it is negative."""
        return self._block(size, True)

    def peek(self, size: int = 0, /) -> bytes:
        """Return some of the next bytes without advancing."""
        position = self._position
        try:
            return self._block(PEEK, True)
        finally:
            self._position = position

    def readline(self, size: int | None = -1, /) -> bytes:
        """Read and return a line, or its first `size` bytes."""
        position, (start, data) = self._position, self._piece
        offset = position - start
        if (size is None or size < 0) and 0 <= offset < len(data):
            end = data.find(b"\n", offset) + 1
            if end:
                self._check("readline")
                self._position = start + end
                return data[offset:end]
        return super().readline(size)

    @property
    def aio(self) -> AsyncJSFile:
        """Return the awaitable twin, which has the same position."""
        return AsyncJSFile(self)

    def _check(self, reads: str = "") -> bool:
        """Return `True`, or raise an error: `ValueError` for a closed file, `WouldDeadlock` for reading on the loop."""
        if self._handle is None:
            raise ValueError(_CLOSED)
        if reads and self._bridge.portal.is_loop_thread():
            self._bridge.portal.refuse(_TWIN)
        return True

    def _block(self, size: int | None, once: bool = False) -> bytes:
        position = self._position
        try:
            self._check("read")
            reading = self._reading(size, once)
            operation = next(reading)
            while True:
                operation = reading.send(self._bridge.portal.block(operation, _TWIN))
        except StopIteration as end:
            data: bytes = end.value
            return data
        except BaseException as error:
            self._position = position
            cut(error)
            raise

    def _reading(
        self, size: int | None, once: bool
    ) -> Generator[Operation[Piece | JsPyError], Piece | JsPyError, bytes]:
        """Read, and yield the operations to wait for.

        Args:
            size: Number of bytes; all if it is `None` or negative.
            once: True to wait at most once.
        """
        at = self._position
        end = self.size if size is None or size < 0 else min(self.size, at + size)
        if at >= end:
            return b""
        if not once:
            self._position = end  # before it waits: another thread reads what follows
        parts: list[bytes] = []
        while at < end:
            piece = self._piece
            if not piece[0] <= at < piece[0] + len(piece[1]):
                outcome = yield self._reader.fetch(at, 1 if once else end - at)
                if isinstance(outcome, JsPyError):
                    raise outcome
                self._piece = piece = outcome
                if self._handle is None:  # closed meanwhile
                    self._piece = (0, b"")
            start, data = piece
            parts.append(data[at - start : end - start])
            at += len(parts[-1])
            if once:
                self._position = at
                break
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def __repr__(self) -> str:
        state = ", closed" if self.closed else ""
        return f"<file {self.name!r} of a page, {self.size} bytes{state}>"


class AsyncJSFile:
    """Awaitable twin of a `JSFile`, usable on any event loop: `file.aio`. They share the position."""

    __slots__ = ("_file",)

    def __init__(self, file: JSFile) -> None:
        self._file = file

    async def read(self, size: int | None = -1, /) -> bytes:
        """Read and return `size` bytes; fewer only at the end of the file, and all that follow if it is negative."""
        file = self._file
        position = file._position
        try:
            file._check()
            reading = file._reading(size, False)
            operation = next(reading)
            while True:
                operation = reading.send(await file._bridge.portal.awaitable(operation))
        except StopIteration as end:
            data: bytes = end.value
            return data
        except BaseException as error:
            file._position = position
            cut(error)
            raise

    async def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Set the position and return it, as `JSFile.seek` does."""
        return self._file.seek(offset, whence)

    async def tell(self) -> int:
        """Return the position of the next byte to read."""
        return self._file.tell()

    def __repr__(self) -> str:
        return f"<awaitable twin of {self._file!r}>"


_CLOSED = "I/O operation on closed file"
_TWIN = "await file.aio.read(...)"


def _facts(detail: Any) -> tuple[str, int, str, Any]:
    """Return name, size, media type and time of the description of a file.

    Raises:
        ProtocolError: The description is invalid.
    """
    facts = detail if isinstance(detail, dict) else {}
    name, size, kind, modified = (facts.get(key) for key in ("name", "size", "type", "modified"))
    texts = isinstance(name, str) and isinstance(kind, str)
    sizes = type(size) is int and 0 <= size <= BIGGEST
    if not texts or not sizes or not isinstance(modified, (int, float, type(None))):
        raise ProtocolError(f"a file is described by name, size, type and modified; got {detail!r:.100}")
    return name, size, kind, modified  # type: ignore[return-value]


def _time(milliseconds: float | None) -> datetime | None:
    if milliseconds is None or not math.isfinite(milliseconds):
        return None
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (OverflowError, ValueError, OSError):  # a time that `datetime` cannot represent
        return None
