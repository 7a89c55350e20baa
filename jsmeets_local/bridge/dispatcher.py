"""Runs the user's Python: exposed functions and callbacks, plain and async, each in the order it is promised."""

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
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeAlias

from msgspec.structs import replace

from ..errors import Disconnected, MessageTooBig
from ..notebook.cells import Cell, writing
from ..protocol.codec import Packet, message_packet
from ..protocol.details import describe
from ..protocol.effects import Invoke
from ..protocol.failures import error_packet
from ..protocol.functions import Function, is_async
from ..protocol.messages import ErrorInfo
from ..protocol.text import error_name, error_text, error_trace, type_name
from ..protocol.values import NUMBERS, Payload
from . import shutdown
from .exits import Exits
from .portal import Portal
from .slow_callbacks import Timed
from .tasks import spawn
from .workers import Job, SerialQueue, WorkerPool, waiting

__all__ = ["Answer", "Dispatcher", "Listener"]

SLOTS = 32  # plain functions that run at once
_OWN = frozenset({__name__, Timed.__module__})  # modules whose frames are between the loop and a user's function
STUBBORN = 2.0  # seconds that a cancelled coroutine function gets to end

logger = logging.getLogger("jsmeets_local")


Answer: TypeAlias = tuple[Invoke, Packet | None]  # the end of one call of an exposed function


class _AsyncQueue:
    """Coroutine functions that run one after another."""

    def __init__(self) -> None:
        self.pending: deque[Callable[[], Awaitable[None]]] = deque()
        self.busy = False

    async def drain(self) -> None:
        while self.pending:
            try:
                await self.pending.popleft()()
            except Exception:  # those behind it must not suffer
                logger.exception("the bridge could not finish an async function")
        self.busy = False


class Listener:
    """A callback for topics, queues, sockets or protocols: its calls do not overlap and keep their order.

    Args:
        func: Plain or async.
        about: What it is, for the log.
        cell: The cell of a notebook that it comes from, or `None`.
    """

    __slots__ = ("__weakref__", "about", "cell", "func", "is_async", "queue", "serial_queue")

    def __init__(self, func: Callable[..., Any], about: str, cell: Cell | None = None) -> None:
        self.func = func
        self.about = about
        self.cell = cell
        self.is_async = is_async(func)
        self.serial_queue = SerialQueue(strict=True)
        self.queue = _AsyncQueue()


class Dispatcher:
    """Everything here but the jobs runs on the portal's loop.

    Args:
        door: The way back to the loop.
        answered: Takes the answers of functions that have ended, on the loop.
        pack: Converts results for the wire.
        exits: Hears of functions that end the program.
    """

    def __init__(
        self,
        portal: Portal,
        answered: Callable[[list[Answer]], None],
        pack: Callable[[Any, str], Payload],
        exits: Exits,
    ) -> None:
        self._exits = exits
        self._portal = portal
        self._pack = pack
        self._answered = answered
        self._pool: WorkerPool | None = None
        self._serial_queues: dict[int, SerialQueue] = {}
        self._exclusive: dict[Function, SerialQueue | _AsyncQueue] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        self.exposes_errors = False  # pages get tracebacks
        self.times_steps = False  # of async functions, and warns of those that block the loop

    def start(self, max_waiting: int) -> None:
        """Makes ready; the first thread starts with the first plain function.

        Args:
            max_waiting: How many plain functions may wait for pages at once.
        """
        self._stopping = False
        self._pool = WorkerPool(SLOTS, self._hand_back, self._after, _report_stuck, max_waiting, _failed_job)

    async def stop(self) -> list[threading.Thread]:
        """Cancels what is async and lets plain functions end on their own.

        Returns:
            The worker threads, which end now or after their job.
        """
        self._stopping = True
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=STUBBORN)
        threads = self._pool.close() if self._pool is not None else []
        self._pool = None
        self._serial_queues.clear()
        return threads

    def leave(self, socket: int) -> None:
        """A page has gone; what it called still runs."""
        self._serial_queues.pop(socket, None)

    def invoke(self, call: Invoke) -> None:
        """Runs an exposed function."""
        if call.function.exclusive:
            self._invoke_exclusive(call)
        elif call.function.is_async:
            self._spawn(self._start_async(call))
        else:
            serial_queue = self._serial_queues.get(call.socket)
            if serial_queue is None:
                serial_queue = self._serial_queues[call.socket] = SerialQueue()
            self._submit_call(serial_queue, call)

    def _invoke_exclusive(self, call: Invoke) -> None:
        queue = self._exclusive.get(call.function)
        if queue is None:
            queue = _AsyncQueue() if call.function.is_async else SerialQueue(strict=True)
            self._exclusive[call.function] = queue
        if isinstance(queue, SerialQueue):
            self._submit_call(queue, call)
        else:
            self._add(queue, functools.partial(self._start_async, call))

    def tell(self, listener: Listener, *args: Any) -> None:
        """Calls a listener, after its earlier calls."""
        if listener.is_async:
            self._add(listener.queue, functools.partial(self._tell_async, listener, args))
        else:
            self._submit(listener.serial_queue, (listener.about, self._tell_plain, (listener, args)))

    def forget(self, function: Function) -> None:
        """An exposed function was replaced or removed."""
        self._exclusive.pop(function, None)

    # On the loop ---------------------------------------------------------------------------------------

    def stats(self) -> dict[str, int]:
        """The worker threads, in numbers."""
        return {} if self._pool is None else self._pool.stats()

    def _submit_call(self, serial_queue: SerialQueue, call: Invoke) -> None:
        run = self._run_plain if call.function.cell is None else self._run_plain_under
        if not self._submit(serial_queue, (call.function.key, run, (call,))):
            text = "too many functions wait for pages; Limits(waiting_threads=...) allows more"
            packet = error_packet(call.call_id, ErrorInfo("refused", "TooManyWaiting", text)) if call.call_id else None
            self._answered([(call, packet)])

    def _submit(self, serial_queue: SerialQueue, job: Job) -> bool:
        if self._pool is None:
            logger.warning("dropped a call that came after the bridge was stopped")
            return True
        taken = self._pool.submit(serial_queue, job)
        if not taken:
            logger.error("%s was not called: too many functions wait for pages", job[0])
        return taken

    def _add(self, queue: _AsyncQueue, start: Callable[[], Awaitable[None]]) -> None:
        queue.pending.append(start)
        if not queue.busy:
            queue.busy = True
            self._spawn(queue.drain())

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = spawn(coroutine)
        if not task.done():
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _start_async(self, call: Invoke) -> Coroutine[Any, Any, None]:
        return self._run_async(call) if call.function.cell is None else self._run_async_under(call)

    async def _run_async_under(self, call: Invoke) -> None:
        with writing(call.function.cell):
            await self._run_async(call)

    async def _run_async(self, call: Invoke) -> None:
        try:
            try:
                if self._stopping:
                    raise asyncio.CancelledError("Python stops")
                if self.times_steps:
                    value = await Timed(call.function.func(*call.args), f"the async function {call.function.key!r}")
                else:
                    value = await call.function.func(*call.args)
            except BaseException as error:  # noqa: BLE001 - the page that called gets it
                stopped = self._stopping and isinstance(error, asyncio.CancelledError)
                packet = None if stopped else self._failure(call, error)
            else:
                packet = _success(call, value, self._pack)
        except BaseException as error:  # noqa: BLE001 - of an error that cannot even be told
            packet = _last_resort(call, error)
        self._portal.drain()  # what it pushed or published goes before its answer
        self._answered([(call, packet)])

    async def _tell_async(self, listener: Listener, args: tuple[Any, ...]) -> None:
        if self._stopping:
            return
        with writing(listener.cell):
            try:
                if self.times_steps:
                    await Timed(listener.func(*args), listener.about)
                else:
                    await listener.func(*args)
            except BaseException as error:  # noqa: BLE001 - nobody waits for it
                if not (self._stopping and isinstance(error, asyncio.CancelledError)):
                    self._tell_failure(listener, error)

    # On a worker's thread ------------------------------------------------------------------------------

    def _run_plain_under(self, call: Invoke) -> Answer:
        with writing(call.function.cell):
            return self._run_plain(call)

    def _run_plain(self, call: Invoke) -> Answer:
        try:
            value = call.function.func(*call.args)
            if _is_awaitable(value):
                value = self._resolve(value)
        except BaseException as error:  # noqa: BLE001 - the page that called gets it
            packet = self._failure(call, error)
        else:
            packet = _success(call, value, self._pack)
        return call, packet

    def _tell_plain(self, listener: Listener, args: tuple[Any, ...]) -> None:
        with writing(listener.cell):
            try:
                value = listener.func(*args)
                if _is_awaitable(value):
                    self._resolve(value)
            except BaseException as error:  # noqa: BLE001 - nobody waits for it
                self._tell_failure(listener, error)

    def _failure(self, call: Invoke, error: BaseException) -> Packet | None:
        """The answer to a call of a function that has raised."""
        if isinstance(error, SystemExit) and not shutdown.has_begun():
            self._exits.ask(error, f"the exposed function {call.function.key!r}")
            return message_packet(["return", call.call_id, None]) if call.call_id else None
        frames = error.__traceback__
        while frames is not None and frames.tb_frame.f_globals.get("__name__") in _OWN:
            frames = frames.tb_next
        error = error.with_traceback(frames)  # without our own frames
        _log(error, "the exposed function %r raised", call.function.key)
        if not call.call_id:
            return None
        info = ErrorInfo("raised", error_name(error), error_text(error))
        if self.exposes_errors:
            info = describe(replace(info, trace=error_trace(error)), error)
        return error_packet(call.call_id, info)

    def _tell_failure(self, listener: Listener, error: BaseException) -> None:
        if isinstance(error, SystemExit) and not shutdown.has_begun():
            self._exits.ask(error, listener.about)
            self._portal.settle(self._exits.carry_out)
        else:
            _log(error, "%s raised", listener.about)

    def _resolve(self, value: Any) -> Any:
        """A plain function may return a coroutine (a lambda around one): it runs on the loop."""
        if (loop := self._portal.loop) is None:
            return value
        with waiting():
            outcome, error = asyncio.run_coroutine_threadsafe(_outcome(value), loop).result()
        if error is not None:
            raise error
        return outcome

    def _hand_back(self, answers: list[Answer]) -> None:
        self._portal.settle(self._answered, answers)

    def _after(self, seconds: float, func: Callable[..., object], *args: Any) -> None:
        self._portal.post(self._call_later, seconds, func, args)

    def _call_later(self, seconds: float, func: Callable[..., object], args: tuple[Any, ...]) -> None:
        loop = self._portal.loop
        if loop is not None:
            loop.call_later(seconds, func, *args)


def _is_awaitable(value: Any) -> bool:
    """As `inspect.isawaitable`, which takes longer than most functions."""
    return hasattr(type(value), "__await__") or (isinstance(value, types.GeneratorType) and inspect.isawaitable(value))


def _report_stuck(thread: threading.Thread, seconds: float) -> None:
    """Says where a function is that does not end."""
    frame = sys._current_frames().get(thread.ident or 0)
    where = "".join(traceback.format_stack(frame)[-10:]) if frame is not None else ""
    logger.warning("the thread %r has been busy for %.0f s with one call; it is at\n%s", thread.name, seconds, where)


async def _outcome(value: Awaitable[Any]) -> tuple[Any, BaseException | None]:
    """What an awaitable gives or raises. `SystemExit` would end the loop if a task let it out."""
    try:
        return await value, None
    except BaseException as error:  # noqa: BLE001 - it belongs to the thread that waits
        return None, error


def _success(call: Invoke, value: Any, pack: Callable[[Any, str], Payload]) -> Packet | None:
    if not call.call_id:
        return None
    try:
        if type(value) in NUMBERS:  # what most functions return
            return message_packet(["return", call.call_id, value])
        return message_packet(["return", call.call_id], pack(value, "result"))
    except BaseException as error:  # noqa: BLE001 - code of the user's runs while its objects are converted
        return _unsendable(call, value, error)


def _unsendable(call: Invoke, value: Any, error: BaseException) -> Packet:
    reason = error_text(error)
    if not isinstance(error, (TypeError, MessageTooBig)):  # which name the path
        reason = f"result: object of type {type_name(value)} cannot be sent to a page: {error_name(error)}: {reason}"
    text = f"{call.function.key!r} returned what cannot be sent: {reason}"
    logger.error("%s", text, exc_info=error.__cause__)
    return error_packet(call.call_id, ErrorInfo("unserializable", error_name(error), text))


def _failed_job(job: Job | None, error: BaseException) -> Answer | None:
    """The answer of a job that has raised although it may not."""
    args = job[2] if job is not None else ()
    if args and isinstance(args[0], Invoke):
        return args[0], _last_resort(args[0], error)
    logger.critical("a worker thread could not go on, and is replaced: %s", error_trace(error))
    return None


def _last_resort(call: Invoke, error: BaseException) -> Packet | None:
    """The answer where the error, or a handler of the log, makes it impossible to tell more."""
    text = f"the outcome of {call.function.key!r} cannot be told: {error_name(error)}"
    try:
        logger.critical("%s", f"{text}\n{error_trace(error)}")
    except BaseException:  # noqa: BLE001 - a handler that raises SystemExit, say; the page hears of it
        text += ", and the log raised"
    return error_packet(call.call_id, ErrorInfo("raised", error_name(error), text)) if call.call_id else None


def _log(error: BaseException, text: str, about: str) -> None:
    ends = shutdown.has_begun() and isinstance(error, (Disconnected, SystemExit))  # what it does to those who wait
    logger.log(logging.INFO if ends else logging.ERROR, text, about, exc_info=error)
