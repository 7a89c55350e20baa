"""Producers: iterators of Python that pages read, sync ones in worker threads, async ones in tasks.

An item is packed when it has been produced, so that the iterator may change it afterwards. A worker returns to the pool
between batches. The task of an async iterator lives as long as its stream, as `asyncio.timeout` and task groups need.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextvars import Context
from math import inf
from time import monotonic
from typing import Any, TypeAlias

from ..errors import MessageTooBig
from ..notebook.cells import writing
from ..protocol.effects import CloseIterator
from ..protocol.messages import ErrorInfo
from ..protocol.references import Export, Reference
from ..protocol.state import ProtocolState
from ..protocol.streams import BATCH_BYTES, IN_FLIGHT_BYTES, LARGE_BATCH_BYTES, LARGE_BYTES, Outgoing
from ..protocol.text import error_name, error_text, function_name
from ..protocol.values import Payload
from .current_call import running
from .dispatcher import Dispatcher
from .portal import Portal
from .slow_callbacks import TimedAwaitable
from .workers import SerialQueue

__all__ = ["Producers"]

TIME_SLICE = 0.008  # seconds for which an iterator produces items before they are sent

logger = logging.getLogger("jsmeets_local")

_END = object()

# A packed item, and its size in bytes.
_Item: TypeAlias = tuple[Payload, int]


class Producers:
    """Readers of the iterators that pages read. Its methods are called on the loop.

    Args:
        portal: The portal to the loop.
        dispatcher: The dispatcher, which has the worker threads and tasks.
        protocol: The protocol state.
        do: Function that calls a function of the protocol state, on the loop, and carries out its effects.
        pack: Function that converts items for the wire, on any thread.
    """

    def __init__(
        self,
        portal: Portal,
        dispatcher: Dispatcher,
        protocol: ProtocolState,
        do: Callable[..., Any],
        pack: Callable[[Any, str], Payload],
    ) -> None:
        self.portal = portal
        self.dispatcher = dispatcher
        self.protocol = protocol
        self.do = do
        self.pack = pack

    def read(self, stream: Outgoing) -> None:
        """Read the items that were granted."""
        if stream.reader is None:
            stream.reader = self._reader(stream.export, stream)
        stream.reader.read()

    def close(self, effect: CloseIterator) -> None:
        """Close an iterator that no page reads any longer."""
        reader = None if effect.stream is None else effect.stream.reader
        if reader is None:
            reader = self._reader(effect.source, effect.stream)
        reader.close(effect.reason)

    def _reader(self, source: Export | Reference, stream: Outgoing | None) -> _Reader | _AsyncReader:
        is_async = isinstance(source.value, AsyncIterator)
        return _AsyncReader(self, source, stream) if is_async else _Reader(self, source, stream)


class _AnyReader:
    """Base class of the readers of iterators."""

    def __init__(self, owner: Producers, source: Export | Reference, stream: Outgoing | None) -> None:
        self._owner = owner
        self._iterator = source.value
        self._cell = source.cell
        self._context = Context() if source.context is None else source.context
        self._call = self._context.get(running)
        self._about = f"the iterator {function_name(source.value)!r}"
        self._stream_if_read = stream

    @property
    def _stream(self) -> Outgoing:
        assert self._stream_if_read is not None  # an iterator that was never read is only closed
        return self._stream_if_read

    def _pack(self, item: Any) -> Payload | ErrorInfo:
        """Convert an item, or return the error that ends the stream."""
        try:
            return self._owner.pack(item, "item")
        except BaseException as error:
            reason = error_text(error)
            if not isinstance(error, (TypeError, MessageTooBig)):
                reason = f"{error_name(error)}: {reason}"
            text = f"{self._about} has produced an item that cannot be sent: {reason}"
            logger.error("%s", text, exc_info=error.__cause__)
            return ErrorInfo("unserializable", error_name(error), text)

    def _failed(self, error: BaseException) -> ErrorInfo | None:
        """Report an error of the iterator, and return it for the page."""
        if self._owner.dispatcher.takes_exit(error, self._about):
            return None
        if self._stream_if_read is not None and self._stream_if_read.is_over:
            if not isinstance(error, (asyncio.CancelledError, GeneratorExit)):
                self._owner.dispatcher.report(error, "%s raised after the page had left it", self._about)
            return None
        return self._owner.dispatcher.report(error, "%s raised", self._about)

    def _send(self, items: list[_Item]) -> None:
        stream = self._stream
        most = self._owner.protocol.limits.message_bytes // 2
        for batch, count, extra in _batches(items, stream.unit, most):
            self._owner.do(self._owner.protocol.send_items, stream, batch, count, extra)

    def _end(self, error: ErrorInfo | None) -> None:
        close = error is not None and error.kind == "unserializable"
        self._owner.do(self._owner.protocol.end_stream, self._stream, error, close)


class _Reader(_AnyReader):
    """Reader of a sync iterator, in workers, one job at a time."""

    def __init__(self, owner: Producers, source: Export | Reference, stream: Outgoing | None) -> None:
        super().__init__(owner, source, stream)
        self._queue = SerialQueue(strict=True)
        self._items: deque[_Item] = deque()  # the worker appends on the right, and the loop takes from the left
        self._timer: asyncio.Handle | None = None
        self._until = inf  # the end of the time slice, once the worker has begun
        self._is_late = False  # the timer has fired, and the worker may not have begun

    def read(self) -> None:
        """Read items for a time slice, on the loop. They are sent in batches while the worker reads on."""
        self._until, self._is_late = inf, False
        self._start_timer(TIME_SLICE)
        stream = self._stream
        job = (self._about, self._context.run, (self._read, stream.credit, IN_FLIGHT_BYTES - stream.in_flight))
        if not self._owner.dispatcher.submit(self._queue, job):
            text = "too many functions wait for pages; increase Limits(waiting_threads=...)"
            self._owner.do(
                self._owner.protocol.end_stream, self._stream, ErrorInfo("refused", "TooManyWaiting", text), True
            )

    def close(self, reason: str) -> None:
        """Close the iterator, on the loop, after the job that runs."""
        if self._call is not None:
            self._call.cancelled = reason
            self._owner.dispatcher.cancel(self._call)  # ends its waits for pages
        if hasattr(self._iterator, "close"):
            self._owner.dispatcher.submit(self._queue, (self._about, self._context.run, (self._close,)))

    def _read(self, credit: int, room: int) -> None:
        """Read items, in a worker, until the time slice is over.

        Args:
            credit: The number at which to stop; a large item counts as several.
            room: The bytes at which to stop.
        """
        stream, iterator = self._stream, self._iterator
        unit = stream.unit
        count = used = size = sent = 0
        until = self._until = monotonic() + TIME_SLICE
        if self._is_late:
            self._owner.portal.post_or_run(self._slice_over)
        has_ended, error = False, None
        with writing(self._cell):
            try:
                while used < credit and size < room and not stream.is_over:
                    item = next(iterator, _END)
                    if item is _END:
                        has_ended = True
                        break
                    packed = self._pack(item)
                    if isinstance(packed, ErrorInfo):
                        has_ended, error = True, packed
                        break
                    more = _size(packed)
                    self._items.append((packed, more))
                    count += 1
                    used += 1 + more // unit
                    size += more
                    if monotonic() > until:
                        break
                    if size - sent >= _limit(size // count):
                        self._owner.portal.post_or_run(self._flush)
                        sent = size
            except BaseException as raised:  # noqa: BLE001 - sent to the page that reads
                has_ended, error = True, self._failed(raised)
        self._owner.portal.post_or_run(self._have_read, has_ended, error)

    def _start_timer(self, seconds: float) -> None:
        if (loop := self._owner.portal.loop) is not None:
            self._timer = loop.call_later(seconds, self._slice_over)

    def _slice_over(self) -> None:
        """Send what the worker has read, on the loop; again at the end of its time slice, if that has begun later."""
        self._is_late = True  # first: the worker sets `_until`, and then looks
        left = self._until - monotonic()
        self._flush()
        if 0 < left < inf:
            self._start_timer(left)

    def _flush(self) -> None:
        """Send what the worker has read so far, on the loop."""
        items = [self._items.popleft() for _ in range(len(self._items))]
        self._send(items)

    def _have_read(self, has_ended: bool, error: ErrorInfo | None) -> None:
        """Send the rest of what a worker has read, on the loop."""
        if self._timer is not None:
            self._timer.cancel()
        self._flush()
        if has_ended:
            self._end(error)
        else:
            self._owner.do(self._owner.protocol.produced, self._stream)

    def _close(self) -> None:
        if self._call is not None:
            self._call.stopped = True  # its `finally` may wait for pages
        with writing(self._cell):
            try:
                self._iterator.close()
            except BaseException as error:  # noqa: BLE001 - no page waits for it
                self._owner.dispatcher.report(error, "closing %s raised", self._about)


class _AsyncReader(_AnyReader):
    """Reader of an async iterator, in one task."""

    def __init__(self, owner: Producers, source: Export | Reference, stream: Outgoing | None) -> None:
        super().__init__(owner, source, stream)
        self._items: list[_Item] = []
        self._used = 0  # the credit that they take
        self._size = 0
        self._task: asyncio.Task[Any] | None = None
        self._granted: asyncio.Future[None] | None = None  # set while the task waits for its reader

    def read(self) -> None:
        """Read more items."""
        if self._task is None:
            self._owner.dispatcher.spawn(self._run(), self._context)
        elif self._granted is not None and not self._granted.done():
            self._granted.set_result(None)

    def close(self, reason: str) -> None:
        """Close the iterator: with `aclose` if it has yielded, or by cancelling its wait."""
        if self._call is not None:
            self._call.cancelled, self._call.stopped = reason, True
        if self._task is None:
            if hasattr(self._iterator, "aclose"):
                self._owner.dispatcher.spawn(self._close(), self._context)
        elif self._granted is None:
            self._task.cancel()
        elif not self._granted.done():
            self._granted.set_result(None)

    def _may_read(self) -> bool:
        """Return whether an item may be read in addition to those that are not sent yet."""
        stream = self._stream
        has_room = stream.in_flight + self._size < IN_FLIGHT_BYTES
        return has_room and stream.credit > self._used and not stream.is_over

    async def _run(self) -> None:
        self._task = asyncio.current_task()
        with writing(self._cell):
            has_ended, error = False, None
            try:
                has_ended, error = await self._read()
            except BaseException as raised:  # noqa: BLE001 - sent to the page that reads
                # A task that was cancelled while it waited for its reader has not closed the iterator.
                has_ended, error = not isinstance(raised, asyncio.CancelledError), self._failed(raised)
            self._flush()
            self._end(error)
            if not has_ended:
                await self._close()

    async def _read(self) -> tuple[bool, ErrorInfo | None]:
        """Read items until nothing more is wanted; return whether the iterator has ended, and the error."""
        until = monotonic() + TIME_SLICE
        while not self._stream.is_over:
            if not self._may_read():
                await self._wait()
                continue
            try:
                step = anext(self._iterator)
                item = await (TimedAwaitable(step, self._about) if self._owner.dispatcher.times_steps else step)
            except StopAsyncIteration:
                return True, None
            packed = self._pack(item)
            if isinstance(packed, ErrorInfo):
                return False, packed
            if not self._items:
                self._owner.portal.defer(self._flush)  # with the other items of this turn
            size = _size(packed)
            self._items.append((packed, size))
            self._used += 1 + size // self._stream.unit
            self._size += size
            if self._size >= _limit(self._size // len(self._items)):
                self._flush()
            if monotonic() > until:
                await asyncio.sleep(0)
                until = monotonic() + TIME_SLICE
        return False, None

    async def _wait(self) -> None:
        """Wait until the page grants items, or leaves the stream."""
        self._flush()
        granted = self._granted = asyncio.get_running_loop().create_future()
        try:
            self._owner.do(self._owner.protocol.produced, self._stream)
            if not self._stream.is_over:
                await granted
        finally:
            self._granted = None

    def _flush(self) -> None:
        items, self._items, self._used, self._size = self._items, [], 0, 0
        self._send(items)

    async def _close(self) -> None:
        try:
            if hasattr(self._iterator, "aclose"):
                await self._iterator.aclose()
        except BaseException as error:  # noqa: BLE001 - no page waits for it
            self._owner.dispatcher.report(error, "closing %s raised", self._about)


def _size(item: Payload) -> int:
    size = len(item.json)
    for buffer in item.buffers:
        size += len(buffer.data)
    return size


def _limit(item: int) -> int:
    """Return the size at which a batch of items ends, given the size of one."""
    return LARGE_BATCH_BYTES if item >= LARGE_BYTES else BATCH_BYTES


def _batches(items: list[_Item], unit: int, most: int) -> list[tuple[Payload, int, int]]:
    """Join items to lists of at most `BATCH_BYTES`, and large ones to lists that end at `LARGE_BATCH_BYTES`.

    Args:
        items: The items.
        unit: Bytes of an item that counts as one.
        most: Bytes of the largest list of several items.

    Returns:
        Each list with its length, and the number of further items that its large ones count as.
    """
    batches: list[tuple[Payload, int, int]] = []
    batch: list[Payload] = []
    size = extra = 0
    for item, more in items:
        if batch:
            limit = _limit(min(more, size // len(batch)))
            if (size if limit == LARGE_BATCH_BYTES else size + more) > limit or size + more > most:
                batches.append((_joined(batch), len(batch), extra))
                batch, size, extra = [], 0, 0
        batch.append(item)
        size += more
        extra += more // unit  # the further items that it counts as
    if batch:
        batches.append((_joined(batch), len(batch), extra))
    return batches


def _joined(items: list[Payload]) -> Payload:
    json = b"[" + b",".join([item.json for item in items]) + b"]"
    placed = [item.within(b"", b"", (i,)) for i, item in enumerate(items) if item.buffers or item.references]
    buffers = [buffer for item in placed for buffer in item.buffers]
    return Payload(json, tuple(buffers), tuple(reference for item in placed for reference in item.references))
