"""`JSStream`: a stream of a page that Python reads."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any, Self

from ...errors import CallTimeout
from ...protocol.arguments import seconds_of_call
from ...protocol.handles import ImportedStream
from ...protocol.references import Handle
from ...protocol.streams import Heavy, Incoming
from ..portal import Cancel, Done
from ..tracebacks import cut
from ..waiters import TIMED_OUT, add_waiter
from .base import Live

if TYPE_CHECKING:
    from ..bridge import Bridge

__all__ = ["JSStream"]


class _Arrival:
    """Operation that waits for items of a stream.

    Its outcome is `True` if there are some, `None` at the end, the error that has ended the stream, or `TIMED_OUT`.
    """

    __slots__ = ("_bridge", "_incoming", "_timeout")

    def __init__(self, bridge: Bridge, incoming: Incoming, timeout: float | None) -> None:
        self._bridge = bridge
        self._incoming = incoming
        self._timeout = timeout

    def __call__(self, done: Done[Any]) -> Cancel | None:
        incoming = self._incoming
        if incoming.items:
            done(True)
        elif incoming.is_over:
            error, incoming.error = incoming.error, None
            done(error)
        else:
            self._bridge.do(self._bridge.protocol.grant, incoming)
            return add_waiter(incoming.waiters, self._bridge.portal, self._timeout, done)
        return None


class JSStream(Live, ImportedStream):
    """Generator, async generator, other iterator or `ReadableStream` of a page, as an iterator.

    Both `for item in stream` and `async for item in stream` read it; the page then produces a limited number of items
    ahead. After the last item it raises the error that ended it in the page, or `PageClosed` if the page has left.

    `close()`, leaving a `with` block and the garbage collector close the iterator in the page. `break` alone does not:
    the next loop continues.
    """

    __slots__ = ("_incoming",)

    def __init__(self, bridge: Bridge, handle: Handle, detail: Any) -> None:
        super().__init__(bridge, handle, detail)
        self._incoming = bridge.protocol.stream_of(handle)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        try:
            item = self._take()
        except IndexError:
            pass
        else:
            return item if self._convert is None else self._convert(item)
        try:
            return self._wait(None)
        except BaseException as error:
            cut(error)
            raise

    def get(self, timeout: float | None = None) -> Any:
        """Return the next item, as `next()` does.

        Args:
            timeout: Seconds; `None`, 0 or negative mean no limit.

        Raises:
            CallTimeout: No item has arrived in time. The stream can still be read.
            StopIteration: The stream has ended.
        """
        seconds = seconds_of_call(timeout, "stream.get(timeout=2)")
        try:
            return self._wait(seconds)
        except BaseException as error:
            cut(error)
            raise

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        while True:
            try:
                item = self._take()
            except IndexError:  # also if another task or thread has taken it
                pass
            else:
                return item if self._convert is None else self._convert(item)
            try:
                outcome = await self._bridge.portal.awaitable(_Arrival(self._bridge, self._incoming, None))
                if outcome is None:
                    raise StopAsyncIteration
                if isinstance(outcome, Exception):
                    raise outcome
            except BaseException as error:
                cut(error)
                raise

    def close(self) -> None:
        """Close the iterator in the page. Items that have arrived are dropped. Closing twice has no effect."""
        if self._handle is not None:
            super().destroy()
            self._bridge.portal.post(self._bridge.do, self._bridge.protocol.leave_stream, self._incoming)

    def destroy(self) -> None:
        """Close the iterator in the page, as `close` does."""
        self.close()

    async def aclose(self) -> None:
        """Close the iterator in the page, for `contextlib.aclosing`."""
        self.close()

    def _take(self) -> Any:
        """Return an item that has arrived. Raises IndexError if there is none."""
        incoming = self._incoming
        item = incoming.items.popleft()
        if type(item) is Heavy:
            item = item.value
        if not incoming.is_asked and incoming.wants_more():
            incoming.is_asked = True
            self._bridge.portal.post(self._bridge.do, self._bridge.protocol.grant, incoming)
        return item

    def _wait(self, timeout: float | None) -> Any:
        """Return the next item, and wait for it in this thread."""
        deadline = None if timeout is None else monotonic() + timeout
        while True:
            left = None if deadline is None else max(0.0, deadline - monotonic())
            operation = _Arrival(self._bridge, self._incoming, left)
            outcome = self._bridge.portal.block(operation, "async for item in stream")
            if outcome is None:
                raise StopIteration
            if outcome is TIMED_OUT:
                raise CallTimeout(f"no item of the stream arrived within {timeout:g} s")
            if isinstance(outcome, Exception):
                raise outcome
            try:
                item = self._take()
            except IndexError:  # another thread has taken it
                continue
            return item if self._convert is None else self._convert(item)

    def __repr__(self) -> str:
        return "<JavaScript stream>"
