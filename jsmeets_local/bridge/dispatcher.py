"""Dispatcher of the user's exposed functions and callbacks, plain and async, in their documented order."""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
import sys
import threading
import traceback
import types
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import suppress
from contextvars import Context
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

from msgspec.structs import replace

from ..errors import Disconnected, MessageTooBig
from ..notebook.cells import Cell, direct_output, writing
from ..protocol.codec import Packet, Unbound, message_packet, outgoing
from ..protocol.conversions import Mismatch
from ..protocol.details import describe
from ..protocol.effects import Invoke
from ..protocol.failures import error_packet
from ..protocol.functions import Checked, Function
from ..protocol.messages import ErrorInfo
from ..protocol.references import BIGGEST, SMALLEST
from ..protocol.signatures import Signature
from ..protocol.text import error_name, error_text, error_trace, type_name
from ..protocol.uses import check_use
from ..protocol.values import NUMBERS, Payload
from . import shutdown
from .connection import spawn
from .current_call import cancelled_error, running
from .exclusive_generators import is_generator, resuming
from .exits import ExitRequests
from .portal import Portal
from .slow_callbacks import TimedAwaitable
from .workers import Job, SerialQueue, WorkerPool, suspend_queue, waiting

__all__ = ["Answer", "Dispatcher", "Listener"]

SLOTS = 32  # plain functions that run concurrently
CANCEL_SECONDS = 2.0  # time for cancelled coroutine functions to end
# Modules of frames between the loop and user functions.
_OWN = frozenset(
    {
        __name__,
        TimedAwaitable.__module__,
        f"{__package__}.producers",
        Function.__module__,
        Signature.__module__,
        check_use.__module__,
    }
)

logger = logging.getLogger("jsmeets_local")

_PLAIN_TYPES = frozenset({type(None), bool, int, float, str, bytes, list, dict, tuple})  # never awaitable

# A call of an exposed function that has ended, and its answer.
Answer: TypeAlias = tuple[Invoke, Packet | Unbound | None]


class _AsyncQueue:
    """Queue of coroutine functions that run one after another."""

    def __init__(self) -> None:
        self.pending: deque[Callable[[], Awaitable[None]]] = deque()
        self.busy = False
        self.suspended: asyncio.Future[None] | None = None  # the next function waits for it

    async def drain(self) -> None:
        while self.pending:
            try:
                await self.pending.popleft()()
            except Exception:  # must not stop the functions after it
                logger.exception("the bridge could not finish an async function")
            if self.suspended is not None:
                with suppress(asyncio.CancelledError):  # the bridge stops
                    await self.suspended
                self.suspended = None
        self.busy = False


class Listener(Checked):
    """Callback for topics, queues, sockets or protocols, whose calls do not overlap and keep their order.

    Args:
        func: A plain or async function.
        about: Its description, for the log.
        cell: The notebook cell that set it, or `None`.
        is_checked: Convert the arguments to the annotations of the function.
    """

    __slots__ = ("__weakref__", "about", "cell", "queue", "serial_queue")

    def __init__(
        self, func: Callable[..., Any], about: str, cell: Cell | None = None, is_checked: bool = False
    ) -> None:
        super().__init__(func, is_checked)
        self.about = about
        self.cell = cell
        self.serial_queue = SerialQueue(strict=True)
        self.queue = _AsyncQueue()


class Dispatcher:
    """Runner of the user's functions: async ones on the portal's loop, plain ones in worker threads.

    Its methods are called on the loop.

    Args:
        portal: The portal to the loop.
        answer: Called with the answers of functions that have ended, on the loop.
        pack: Function that converts results for the wire.
        exits: The requests to end the program.

    Attributes:
        exposes_errors: True if clients receive tracebacks.
        times_steps: True if async functions that block the loop are logged.
    """

    def __init__(
        self,
        portal: Portal,
        answer: Callable[[list[Answer]], None],
        pack: Callable[[Any, str], Payload],
        exits: ExitRequests,
    ) -> None:
        self._exits = exits
        self._portal = portal
        self._pack = pack
        self._answer = answer
        self._pool: WorkerPool | None = None
        self._serial_queues: dict[int, SerialQueue] = {}
        self._exclusive: WeakKeyDictionary[Function, SerialQueue | _AsyncQueue] = WeakKeyDictionary()
        self._tasks: set[asyncio.Task[None]] = set()
        self._burst: dict[SerialQueue, list[Job]] = {}
        self._stopping = False
        self.exposes_errors = False
        self.times_steps = False

    def start(self, max_waiting: int) -> None:
        """Create the worker pool, whose first thread starts with the first plain function.

        Args:
            max_waiting: Plain functions that may wait for pages at once.
        """
        self._stopping = False
        deliver = functools.partial(self._portal.post_or_run, self._answer)
        self._pool = WorkerPool(SLOTS, deliver, self._after, _report_stuck, max_waiting, _failed_job)

    async def stop(self) -> list[threading.Thread]:
        """Cancel the async functions, and let plain ones end on their own.

        Returns:
            The worker threads, which end now or after their job.
        """
        self._stopping = True
        # On Python 3.11 tasks begin in a later turn of the loop, and those that they start in the one after. A task
        # that is cancelled before it begins would not answer its call.
        for _ in range(2):
            await asyncio.sleep(0)
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=CANCEL_SECONDS)
        threads = self._pool.close() if self._pool is not None else []
        self._pool = None
        self._serial_queues.clear()
        return threads

    def leave(self, socket: int) -> None:
        """Remove the serial queue of a client that has left."""
        self._serial_queues.pop(socket, None)

    def cancel(self, call: Invoke) -> None:
        """Stop what a cancelled call does, once. If it has not begun, it ends without running."""
        if call.stops and not call.stopped:
            call.stopped = True
            for stop in call.stops.copy():
                stop()

    def invoke(self, call: Invoke) -> None:
        """Run an exposed function; a plain one with the next `submit_burst`."""
        function = call.function
        if function.is_async and self._burst:
            self.submit_burst()  # the first step of an async function may take long
        if function.exclusive:
            queue = self._exclusive.get(function)
            if queue is None:
                queue = _AsyncQueue() if function.is_async else SerialQueue(strict=True)
                self._exclusive[function] = queue
            if isinstance(queue, _AsyncQueue):
                self._enqueue(queue, functools.partial(self._run_queued, call))
                return
        elif function.is_async:
            self._start_async(call)
            return
        else:
            queue = self._serial_queues.get(call.socket)
            if queue is None:
                queue = self._serial_queues[call.socket] = SerialQueue()
        job = (function.key, function.context.copy().run, (self._run_plain, call))
        jobs = self._burst.get(queue)
        if jobs is None:
            self._burst[queue] = [job]
        else:
            jobs.append(job)

    def submit_burst(self) -> None:
        """Run the plain functions that `invoke` has collected: a burst of calls takes the lock of the pool once."""
        burst, self._burst = self._burst, {}
        for queue, jobs in burst.items():
            try:
                if not self.submit(queue, *jobs):
                    self._answer([_too_many_waiting(call) for _, _, (_, call) in jobs])
            except Exception:  # no thread could start, for example; must not stop the others
                logger.exception("the bridge failed to run %s", jobs[0][0])

    def tell(self, listener: Listener, args: tuple[Any, ...]) -> None:
        """Call a listener, after its earlier calls."""
        if listener.is_async:
            self._enqueue(listener.queue, functools.partial(self._tell_async, listener, args))
        else:
            job = (listener.about, Context().run, (self._tell_plain, listener, args))
            self.submit(listener.serial_queue, job)

    def forget(self, function: Function) -> None:
        """Remove the queue of an exposed function that was replaced or removed."""
        self._exclusive.pop(function, None)

    def stats(self) -> dict[str, int]:
        """Return counters of the worker threads."""
        return {} if self._pool is None else self._pool.stats()

    def submit(self, serial_queue: SerialQueue, *jobs: Job) -> bool:
        """Run jobs in a worker; return `False`, and log it, if too many functions wait for pages."""
        if self._pool is None:
            logger.warning("dropped a call: the bridge has stopped")
            return True
        taken = self._pool.submit(serial_queue, *jobs)
        if not taken:
            for about, _, _ in jobs:
                logger.error("%s was not called: too many functions wait for pages", about)
        return taken

    def _enqueue(self, queue: _AsyncQueue, start: Callable[[], Awaitable[None]]) -> None:
        queue.pending.append(start)
        if not queue.busy:
            queue.busy = True
            self.spawn(queue.drain(), Context())  # not in the context of the caller, who may be an exposed function

    def spawn(self, coroutine: Coroutine[Any, Any, None], context: Context | None = None) -> asyncio.Task[None]:
        """Run a coroutine as a task that is cancelled when the bridge stops."""
        task = spawn(coroutine, context)
        if not task.done():
            self._keep(task)
        return task

    def _keep(self, task: asyncio.Task[None]) -> None:
        """Keep a task until it ends."""
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Forget a task, whose last objects of pages may just have been collected."""
        self._tasks.discard(task)
        self._portal.run_deferred()

    async def _run_queued(self, call: Invoke) -> None:
        """Run an async function in a task of its own, so that cancelling the call does not cancel those behind it."""
        if self._stopping:
            _note_stopped(call)
            self._answer([(call, None)])
            return
        # The bridge stops, or the function has ended before its cancellation took effect.
        with suppress(asyncio.CancelledError):
            await self._start_async(call)

    def _start_async(self, call: Invoke) -> asyncio.Task[None]:
        """Run an async function in a task. Most functions end at once; others are stopped by cancelling the task."""
        task = spawn(self._run_async(call), call.function.context.copy())
        if not task.done():
            self._keep(task)
            call.stops = [*(call.stops or ()), functools.partial(_stop_task, task)]
            if call.cancelled:  # by its own first step
                self.cancel(call)
        return task

    async def _run_async(self, call: Invoke) -> None:
        if call.cancelled:
            self._answer([(call, None)])
            return
        function = call.function
        running.set(call)
        packet: Packet | Unbound | None
        try:
            restore_output = None if function.cell is None else direct_output(function.cell)
            try:
                if self._stopping:
                    raise asyncio.CancelledError("Python stops")
                is_plain = call.keywords is None and not function.is_checked  # as most calls are
                awaitable = (
                    function.func(*call.args) if is_plain else _called(function, function.key, call.args, call.keywords)
                )
                if self.times_steps:
                    awaitable = TimedAwaitable(awaitable, f"the async function {function.key!r}")
                value = await awaitable
                if function.exclusive and call.call_id and is_generator(value):
                    value = resuming(value, self._suspend(function))
            except BaseException as error:  # noqa: BLE001 - sent to the client that called
                packet = self._failure(call, error)
            else:
                packet = _success(call, value, self._pack)
            finally:
                if restore_output is not None:
                    restore_output()
        except BaseException as error:  # noqa: BLE001 - raised while the outcome was reported
            packet = _last_resort(call, error)
        if call.stops is not None:  # the task has waited
            call.stops = None
            running.set(None)  # the context lives as long as the task, and the arguments with it
        self._portal.drain()  # what the function has pushed or published precedes its answer
        self._answer([(call, packet)])

    def _suspend(self, function: Function) -> Callable[[], None]:
        """Suspend the queue of an exclusive async function. Return the function that resumes it, in any thread."""
        queue = self._exclusive[function]
        assert isinstance(queue, _AsyncQueue)
        future = queue.suspended = asyncio.get_running_loop().create_future()
        return functools.partial(self._portal.post_or_run, _resume, future)

    async def _tell_async(self, listener: Listener, args: tuple[Any, ...]) -> None:
        if self._stopping:
            return
        with writing(listener.cell):
            try:
                awaitable = _called(listener, listener.about, args)
                await (TimedAwaitable(awaitable, listener.about) if self.times_steps else awaitable)
            except BaseException as error:  # noqa: BLE001 - no caller waits for it
                if not (self._stopping and isinstance(error, asyncio.CancelledError)):
                    self._tell_failure(listener, error)

    # On a worker thread -------------------------------------------------------------------------------

    def _run_plain(self, call: Invoke) -> Answer:
        if call.cancelled:
            return call, None
        function = call.function
        running.set(call)
        restore_output = None if function.cell is None else direct_output(function.cell)
        try:
            is_plain = call.keywords is None and not function.is_checked  # as most calls are
            value = function.func(*call.args) if is_plain else _called(function, function.key, call.args, call.keywords)
            if type(value) not in _PLAIN_TYPES and _is_awaitable(value):
                value = self._resolve(value, call)
            if function.exclusive and call.call_id and is_generator(value):
                value = resuming(value, suspend_queue())
        except BaseException as error:  # noqa: BLE001 - sent to the client that called
            return call, self._failure(call, error)
        else:
            return call, _success(call, value, self._pack)
        finally:
            if restore_output is not None:
                restore_output()

    def _tell_plain(self, listener: Listener, args: tuple[Any, ...]) -> None:
        with writing(listener.cell):
            try:
                value = _called(listener, listener.about, args)
                if type(value) not in _PLAIN_TYPES and _is_awaitable(value):
                    self._resolve(value, None)
            except BaseException as error:  # noqa: BLE001 - no caller waits for it
                self._tell_failure(listener, error)

    def _failure(self, call: Invoke, error: BaseException) -> Packet | None:
        """Return the answer to a call whose function has raised."""
        if isinstance(error, SystemExit) and not shutdown.has_begun():
            self._exits.add(error, f"the exposed function {call.function.key!r}")
            return message_packet(["return", call.call_id, None]) if call.call_id else None
        is_end = isinstance(error, asyncio.CancelledError) and (call.cancelled or self._stopping)
        if is_end or (call.cancelled and isinstance(error, Disconnected)):  # the page has left
            if is_end:
                _note_stopped(call)
            return None
        info = self.report(error, "the exposed function %r raised", call.function.key)
        return error_packet(call.call_id, info) if call.call_id else None

    def takes_exit(self, error: BaseException, about: str) -> bool:
        """End the program if the user's code has raised `SystemExit` outside the call of a function."""
        if not isinstance(error, SystemExit) or shutdown.has_begun():
            return False
        self._exits.add(error, about)
        self._portal.post_or_run(self._exits.carry_out)
        return True

    def report(self, error: BaseException, text: str, about: str) -> ErrorInfo:
        """Log an error of the user's code, and return it for a page.

        Args:
            error: The error.
            text: The text of the log, with `%s` or `%r` for `about`.
            about: The description of what has raised.
        """
        if isinstance(error, Mismatch):
            logger.error("%s", error_text(error))
            return ErrorInfo("refused", "TypeError", error_text(error))
        frames = error.__traceback__
        while frames is not None and frames.tb_frame.f_globals.get("__name__") in _OWN:
            frames = frames.tb_next
        error = error.with_traceback(frames)  # without stack frames of this library
        if "jsmeets_logged" not in error.__dict__:  # see _FileReader; hasattr() would run the user's `__getattr__`
            _log(error, text, about)
        info = ErrorInfo("raised", error_name(error), error_text(error))
        if self.exposes_errors:
            info = describe(replace(info, trace=error_trace(error)), error)
        return info

    def _tell_failure(self, listener: Listener, error: BaseException) -> None:
        if isinstance(error, Mismatch):
            logger.error("%s", error_text(error))
        elif not self.takes_exit(error, listener.about):
            _log(error, "%s raised", listener.about)

    def _resolve(self, value: Any, call: Invoke | None) -> Any:
        """Await the coroutine that a plain function (a lambda, for example) has returned, on the loop."""
        if (loop := self._portal.loop) is None:
            return value
        with waiting():
            outcome, error = asyncio.run_coroutine_threadsafe(_outcome(value, call), loop).result()
        if error is not None:
            raise error
        return outcome

    def _after(self, seconds: float, func: Callable[..., object], *args: Any) -> None:
        self._portal.post(self._call_later, seconds, func, args)

    def _call_later(self, seconds: float, func: Callable[..., object], args: tuple[Any, ...]) -> None:
        loop = self._portal.loop
        if loop is not None:
            loop.call_later(seconds, func, *args)


def _too_many_waiting(call: Invoke) -> Answer:
    text = "too many functions wait for pages; increase Limits(waiting_threads=...)"
    error = ErrorInfo("refused", "TooManyWaiting", text)
    return call, error_packet(call.call_id, error) if call.call_id else None


def _called(function: Checked, about: str, args: Sequence[Any], keywords: Mapping[str, Any] | None = None) -> Any:
    """Call a function with converted arguments and keywords. The log tells which arguments are not checked."""
    is_first = function.is_checked and function.signature is None
    try:
        return function.call(about, args, keywords or {})
    finally:
        if is_first and function.signature is not None:
            for name, reason in function.signature.unchecked.items():
                logger.debug("%s: argument %r is not checked: %s", about, name, reason)


def _report_stuck(thread: threading.Thread, seconds: float) -> None:
    """Log the stack of a function that does not end."""
    frame = sys._current_frames().get(thread.ident or 0)
    where = "".join(traceback.format_stack(frame)[-10:]) if frame is not None else ""
    logger.warning(
        "the thread %r has been busy with one call for %.0f s; its stack is\n%s", thread.name, seconds, where
    )


def _is_awaitable(value: Any) -> bool:
    """Return whether a value can be awaited, as `inspect.isawaitable` does, without running code of its class."""
    kind = type(value)
    if kind is types.GeneratorType:
        return inspect.isawaitable(value)
    try:
        type.__getattribute__(kind, "__await__")
    except AttributeError:
        return False
    return True


async def _outcome(value: Awaitable[Any], call: Invoke | None) -> tuple[Any, BaseException | None]:
    """Return the value or the error of an awaitable; raising `SystemExit` in the task would end the loop."""
    stop = _current_task().cancel
    try:
        if call is not None and call.call_id:
            if call.cancelled:
                call.stopped = True
                raise cancelled_error(call)
            call.stops = [*(call.stops or ()), stop]
        return await value, None
    except BaseException as error:  # noqa: BLE001 - it belongs to the thread that waits
        return None, error
    finally:
        if call is not None and call.stops is not None and stop in call.stops:
            call.stops.remove(stop)


def _current_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None
    return task


def _stop_task(task: asyncio.Task[None]) -> None:
    """Cancel the task of a call, unless it has not begun: it then ends without running its function."""
    coroutine = task.get_coro()
    if inspect.iscoroutine(coroutine) and inspect.getcoroutinestate(coroutine) != inspect.CORO_CREATED:
        task.cancel()


def _note_stopped(call: Invoke) -> None:
    """Log that the stop of the bridge has ended a call that the end of its page must not end."""
    if call.function.keep_running and not call.cancelled:
        logger.warning(
            "cancelled a call of %r, which is exposed with keep_running=True: the server stops, and with run() that is "
            "when the last page is closed",
            call.function.key,
        )


def _resume(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _success(call: Invoke, value: Any, pack: Callable[[Any, str], Payload]) -> Packet | Unbound | None:
    if not call.call_id:
        return None
    if call.cancelled and not isinstance(value, (Iterator, AsyncIterator)):  # it is dropped and counted
        return message_packet(["return", call.call_id, None])
    try:
        kind = type(value)
        if kind in NUMBERS and (kind is not int or SMALLEST <= value <= BIGGEST):  # the result of most functions
            return message_packet(["return", call.call_id, value])
        return outgoing(["return", call.call_id], pack(value, "result"))
    except BaseException as error:  # noqa: BLE001 - the user's code runs during the conversion
        return _unsendable(call, value, error)


def _unsendable(call: Invoke, value: Any, error: BaseException) -> Packet:
    reason = error_text(error)
    if not isinstance(error, (TypeError, MessageTooBig)):  # their messages contain the path
        reason = f"result: object of type {type_name(value)} cannot be sent to a page: {error_name(error)}: {reason}"
    text = f"{call.function.key!r} returned a value that cannot be sent: {reason}"
    logger.error("%s", text, exc_info=error.__cause__)
    return error_packet(call.call_id, ErrorInfo("unserializable", error_name(error), text))


def _failed_job(job: Job | None, error: BaseException) -> Answer | None:
    """Log the error of a job that failed unexpectedly, and return its answer."""
    args = job[2] if job is not None else ()
    if args and isinstance(args[-1], Invoke):
        return args[-1], _last_resort(args[-1], error)
    logger.critical("replaced a worker thread that failed: %s", error_trace(error))
    return None


def _last_resort(call: Invoke, error: BaseException) -> Packet | None:
    """Log an error that cannot be reported in full, for example because a log handler raised it; return the answer."""
    text = f"cannot report the outcome of {call.function.key!r}: {error_name(error)}"
    try:
        logger.critical("%s", f"{text}\n{error_trace(error)}")
    except BaseException:  # noqa: BLE001 - a log handler that raises SystemExit, for example; the answer mentions it
        text += ", and logging failed"
    return error_packet(call.call_id, ErrorInfo("raised", error_name(error), text)) if call.call_id else None


def _log(error: BaseException, text: str, about: str) -> None:
    ends = shutdown.has_begun() and isinstance(error, (Disconnected, SystemExit))  # caused by the shutdown
    logger.log(logging.INFO if ends else logging.ERROR, text, about, exc_info=error)
