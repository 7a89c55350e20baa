"""`JSStream`: a stream of a page that Python reads."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any, Self

import msgspec

from ...errors import CallTimeout
from ...protocol.arguments import seconds
from ...protocol.handles import ImportedStream
from ...protocol.messages import ErrorInfo
from ...protocol.references import Handle
from ...protocol.streams import Heavy, Incoming
from ...protocol.text import error_name, error_text
from ...protocol.values import Payload
from ..portal import Cancel, Done
from ..tracebacks import cut, public
from ..waiters import TIMED_OUT, add_waiter
from .base import PageObject, Use, checked, value_of
from .steps import joined, step, with_value

if TYPE_CHECKING:
    from ..bridge import Bridge

__all__ = ["JSStream"]


_DRIVEN = object()  # `send` resumes the generator of the page, so that no items arrive by themselves
_READ_AHEAD = object()  # the page has read items ahead
_RESUME = step("resume", "next")


class _Arrival:
    """Operation that waits for items of a stream.

    Its outcome is `True` if there are some, `None` at the end, the error that has ended the stream, `TIMED_OUT`, or
    `_DRIVEN`.
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
        elif incoming.is_driven:
            done(_DRIVEN)
        else:
            self._bridge.do(self._bridge.protocol.grant, incoming)
            return add_waiter(incoming.waiters, self._bridge.portal, self._timeout, done)
        return None


class _Resumption(Use):
    """Operation that resumes the generator of a stream, from which the page then reads nothing ahead.

    Its outcome is a pair of whether it has ended and the value; `None` if the generator has let the error pass that was
    thrown into it, or the stream is over; `_READ_AHEAD`; or the exception to raise.
    """

    __slots__ = ("_incoming",)

    def __init__(
        self, bridge: Bridge, handle: Handle, incoming: Incoming, steps: Payload, timeout: float | None
    ) -> None:
        super().__init__(bridge, handle, steps, "generator", timeout)
        self._incoming = incoming

    def __call__(self, done: Done[Any]) -> Cancel | None:
        incoming = self._incoming
        if incoming.is_granted:
            done(_READ_AHEAD)
        elif incoming.is_over:
            error, incoming.error = incoming.error, None
            done(error)
        else:
            incoming.is_driven = True
            return super().__call__(done)
        return None


class JSStream(PageObject, ImportedStream):
    """Generator, async generator, other iterator or `ReadableStream` of a page, as an iterator.

    Both `for item in stream` and `async for item in stream` read it; the page then produces a limited number of items
    ahead. After the last item it raises the error that ended it in the page, or `PageClosed` if the page has left.

    A generator that is resumed by `send` or `throw` before its first item was read produces nothing ahead: from then on
    each item, also in a loop, is one request. `asend` and `athrow` are their awaitable twins.

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
        try:
            return self._wait(seconds(timeout))
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
                if outcome is _DRIVEN:
                    return await self.asend(None)
            except BaseException as error:
                cut(error)
                raise

    @public
    def send(self, value: Any) -> Any:
        """Resume the generator, whose `yield` has the value, and return the next item.

        Args:
            value: The value; `None` is `undefined` in the page.

        Raises:
            StopIteration: The generator has returned; `error.value` is the value.
            RuntimeError: The stream was read before, so that the page has read items ahead.
        """
        return self._item(self._resume(self._sending(value)), StopIteration)

    @public
    def throw(self, error: BaseException | type[BaseException]) -> Any:
        """Raise an error at the `yield` of the generator, and return the next item.

        In the page it is a `JsPyError` of its name and message. If the generator does not catch it, the error itself is
        raised here.

        Raises:
            StopIteration: The generator has returned.
            RuntimeError: The stream was read before, so that the page has read items ahead.
        """
        raised = _instance(error)
        return self._item(self._resume(self._throwing(raised)), StopIteration, raised)

    @public
    async def asend(self, value: Any) -> Any:
        """Await what `send` does. At the end it raises `StopAsyncIteration`."""
        return self._item(await self._aresume(self._sending(value)), StopAsyncIteration)

    @public
    async def athrow(self, error: BaseException | type[BaseException]) -> Any:
        """Await what `throw` does. At the end it raises `StopAsyncIteration`."""
        raised = _instance(error)
        return self._item(await self._aresume(self._throwing(raised)), StopAsyncIteration, raised)

    def _sending(self, value: Any) -> Payload:
        return _RESUME if value is None else with_value(self._bridge, "resume", "next", value)

    def _throwing(self, error: BaseException) -> Payload:
        info = ErrorInfo("raised", error_name(error), error_text(error))
        return with_value(self._bridge, "resume", "throw", msgspec.to_builtins(info))

    def _resumption(self, resume: Payload, timeout: float | None) -> _Resumption | None:
        """Return the operation; `None` if the stream was closed."""
        handle = self._handle
        if handle is None:
            return None
        return _Resumption(self._bridge, handle, self._incoming, joined([resume]), timeout)

    # The stack frames of these two, which refer to the handle, are no part of the tracebacks of errors.

    def _resume(self, resume: Payload, timeout: float | None = None) -> Any:
        operation = self._resumption(resume, timeout)
        return operation and self._bridge.portal.block(operation, "await stream.asend(...)")

    async def _aresume(self, resume: Payload) -> Any:
        operation = self._resumption(resume, None)
        return operation and await self._bridge.portal.awaitable(operation)

    def _item(
        self,
        outcome: Any,
        end: type[StopIteration | StopAsyncIteration],
        thrown: BaseException | None = None,
    ) -> Any:
        """Return the item that a generator has produced, or raise `end`, or the error that it did not catch."""
        if outcome is None:
            raise end if thrown is None else thrown
        if outcome is _READ_AHEAD:
            raise RuntimeError(
                "this stream was read by next(), a loop or get(), so the page has produced items ahead: "
                "begin with stream.send(None); next() and loops work behind it"
            )
        is_over, value = checked(value_of(outcome), tuple[bool, Any], "generator")
        if is_over:
            self.close()
            raise end(value)
        return value if self._convert is None else self._convert(value)

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
            if outcome is _DRIVEN:
                return self._item(self._resume(_RESUME, left), StopIteration)
            try:
                item = self._take()
            except IndexError:  # another thread has taken it
                continue
            return item if self._convert is None else self._convert(item)

    def __repr__(self) -> str:
        return "<JavaScript stream>"


def _instance(error: Any) -> BaseException:
    raised = error() if isinstance(error, type) else error
    if not isinstance(raised, BaseException):
        raise TypeError(f"throw an exception, such as stream.throw(ValueError('no')); got {raised!r:.80}")
    return raised
