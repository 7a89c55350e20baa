"""Portal from any thread into the event loop of a bridge.

The state of a bridge is used only on the thread of its loop. `post` schedules a function, in order, and does not wait;
`call` waits for its value; `block` and `awaitable` wait for an *operation*: a function that is called on the loop with
a callback `done`, calls it exactly once, at once or later, and may return a function that cancels the operation. While
no loop runs, the caller runs the function itself under the portal's lock, so that a program can be set up before it is
served.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import sys
import threading
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeAlias, TypeVar
from weakref import WeakSet, ref

from msgspec import Struct, field

from ..errors import BridgeBusy, WouldDeadlock
from ..notebook.interrupts import wake_on_interrupt
from ..protocol.effects import Invoke
from . import shutdown
from .current_call import cancelled_error, running
from .processes import is_multiprocessing_worker
from .slow_callbacks import BlockedLoops
from .workers import this_thread, without_slot

if TYPE_CHECKING:
    from queue import SimpleQueue

__all__ = ["Cancel", "Done", "Operation", "Portal", "abandon_loop", "wait_for"]

T = TypeVar("T")
Done: TypeAlias = Callable[[T], None]
Cancel: TypeAlias = Callable[[], object]
Operation: TypeAlias = Callable[[Done[T]], Cancel | None]

# Seconds after which the main thread checks for signals; on Windows, a signal does not interrupt a wait for a lock.
_FIRST_SLICE = 0.05
_LAST_SLICE = 0.1 if sys.platform == "win32" else 0.8
_PAUSE = 0.02  # seconds after a wake-up for collected objects in which there is no second one

logger = logging.getLogger("jsmeets_local")

_portals: WeakSet[Portal] = WeakSet()


class _Pending(Struct, eq=False):
    """An operation that a thread or task waits for."""

    started: bool = False  # True also if it was abandoned before
    cancel: Cancel | None = None


class _Waiter(_Pending, Generic[T], eq=False):
    """An operation that a thread waits for, with its outcome. The thread acquires the lock before it starts."""

    lock: threading.Lock = field(default_factory=threading.Lock)  # released with the outcome
    value: T | None = None
    error: BaseException | None = None

    def done(self, value: T) -> None:
        self.value = value
        self.lock.release()

    def failed(self, error: BaseException) -> None:
        self.error = error
        self.lock.release()


class _CallWaiter(_Waiter[T], eq=False, kw_only=True):
    """An operation for which an exposed function waits. It ends when the call of the function is cancelled."""

    call: Invoke
    has_ended: bool = False

    def begin(self) -> bool:
        """Return whether to start the operation, on the loop. A cancelled function may wait again to clean up."""
        if self.call.cancelled and not self.call.stopped:
            self.call.stopped = True
            self.failed(cancelled_error(self.call))
        return not self.has_ended

    def listen(self) -> None:
        """End the operation, which has been started, when the call is cancelled."""
        if self.has_ended:
            return
        if self.call.stops is None:
            self.call.stops = []
        self.call.stops.append(self._stop)
        if self.call.cancelled and not self.call.stopped:  # by the start of the operation
            self.call.stopped = True
            self._stop()

    def _stop(self) -> None:
        cancel, self.cancel = self.cancel, None
        try:
            if cancel is not None:
                cancel()
        except Exception:  # must not keep the function waiting
            logger.exception("the bridge could not cancel %r", cancel)
        self.failed(cancelled_error(self.call))

    def done(self, value: T) -> None:
        if not self.has_ended:
            self._end()
            super().done(value)

    def failed(self, error: BaseException) -> None:
        if not self.has_ended:
            self._end()
            super().failed(error)

    def _end(self) -> None:
        self.has_ended = True
        if self.call.stops is not None and self._stop in self.call.stops:
            self.call.stops.remove(self._stop)


def wait_for(lock: threading.Lock, limit: float | None = None) -> bool:
    """Acquire a lock that another thread releases, without missing a signal. A worker gives its slot back meanwhile.

    Returns `False` if the lock was not released within `limit` seconds.

    An untimed wait misses a signal that arrives after Python has checked for signals and before the system call begins.
    On a busy machine, other threads run in between, for milliseconds. So the main thread, which runs signal handlers,
    waits in slices of increasing length and checks for signals after each.
    """
    if this_thread.worker is not None:
        if not lock.acquire(blocking=False):  # it is released already if no loop runs
            with without_slot(this_thread.worker):
                return lock.acquire(timeout=_longest_wait(limit))
        return True
    if threading.get_ident() != threading.main_thread().ident:
        return lock.acquire(timeout=_longest_wait(limit))
    end = None if limit is None else monotonic() + limit
    seconds = _FIRST_SLICE
    while not lock.acquire(timeout=seconds):
        seconds = min(2 * seconds, _LAST_SLICE)
        if end is not None:
            seconds = min(seconds, end - monotonic())
            if seconds <= 0:
                return False
    return True


def _longest_wait(limit: float | None) -> float:
    return -1 if limit is None else min(limit, threading.TIMEOUT_MAX)


def abandon_loop(loop: asyncio.AbstractEventLoop) -> None:
    """Close the portals into a loop that is blocked for good, so that their bridges can serve another one."""
    for portal in list(_portals):
        portal.abandon(loop)


class _Finalizer(ref[Any]):
    """Weak reference with a function to call once its object is collected.

    `signal` is a second reference, which wakes up the loop.
    """

    __slots__ = ("func", "signal")
    func: Callable[[], object]
    signal: ref[Any] | None


class _Collector:
    """Thread that calls a function soon after objects were collected, and not for each object of a burst.

    Args:
        wake: The function.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        from queue import SimpleQueue  # many programs use no objects of pages

        signals: SimpleQueue[object] = SimpleQueue()
        self.put = signals.put
        self._ended = threading.Event()
        threading.Thread(target=self._run, args=(signals, wake), name="jsmeets-collector", daemon=True).start()

    def end(self) -> None:
        """End the thread."""
        self._ended.set()
        self.put(None)

    def _run(self, signals: SimpleQueue[object], wake: Callable[[], None]) -> None:
        while not self._ended.is_set():
            signals.get()
            while not signals.empty():
                signals.get()
            wake()
            self._ended.wait(_PAUSE)


class Portal:
    """Scheduler of functions on one event loop.

    A signal may raise `KeyboardInterrupt` in the main thread before and after every call. So scheduling on an open loop
    takes no lock, and may be interrupted after any step; `deque.append` is one step. An interrupted wake-up does not
    count: `_woken_for`, the number of the requested drain, is set after the request, and only the loop counts drains. A
    thread abandons an operation by an `append` that precedes any other call, so that no interrupt can prevent it.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()  # guards opening, closing, and the state of a bridge that does not run
        self._items: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self._abandoned: deque[_Pending] = deque()
        self._finalizers: set[_Finalizer] = set()
        self._collected: deque[_Finalizer] = deque()  # finalizers of collected objects
        self._collector: _Collector | None = None  # wakes up the loop for collected objects
        self._drains = 0
        self._woken_for = -1  # the value of `_drains` at the last wake-up
        self._thread: int | None = None
        self._was_open = False  # in this process
        self._forked = False  # since it was open
        self.loop: asyncio.AbstractEventLoop | None = None
        # Raises an error if a thread must not wait; called with the awaitable equivalent of its call.
        self.check_wait: Callable[[str], None] | None = None
        # These are used on the loop only.
        self.in_callback = False  # of the loop, which will call `run_deferred`
        self._deferred: list[Callable[[], object]] = []
        self._bundles: dict[asyncio.AbstractEventLoop, list[tuple[_Pending, Callable[[], object]]]] = {}
        self._blocked = BlockedLoops()
        _portals.add(self)

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start scheduling on `loop`; called on its thread.

        Raises:
            BridgeBusy: The portal is open to another loop, which is not closed.
        """
        with self._lock:
            if self.loop is not None and self.loop is not loop and not self.loop.is_closed():
                raise BridgeBusy(
                    "this bridge already serves another running application; call stop() of that one first, "
                    "or give this one a bridge of its own: JsMeetsPy(bridge=Bridge())"
                )
            self.loop = loop
            self._thread = threading.get_ident()
            self._forked = False
            self._was_open = True
            self._drains += 1  # a wake-up of an earlier loop that was closed does not count
            loop.call_soon(self._drain_on, loop)

    def close(self) -> None:
        """Stop, after running the posted functions; called on the loop's thread."""
        with self._lock:
            if self._collector is not None:
                self._collector.end()
                self._collector = None
            self.drain()
            self.loop = None
            self._thread = None
            self.drain()  # functions of threads that saw the portal open

    def abandon(self, loop: asyncio.AbstractEventLoop) -> None:
        """Forget `loop`, which does not return from a callback. What was posted runs on the next loop."""
        with self._lock:
            if self.loop is loop:
                self.loop = self._thread = None

    def disown(self) -> None:
        """Forget the loop after a fork, in the child: the parent keeps the loop and the pages."""
        self._lock = threading.RLock()  # a thread of the parent may have held it
        self._collector = None
        if self.loop is not None:
            self._items.clear()
        self._forked, self._was_open = True, False
        self.loop = self._thread = None

    def check_own(self) -> None:
        """Raise `BridgeBusy` if the pages belong to another process, so that messages to them would be lost.

        A child process cannot know whether its parent serves pages, and has none itself before it serves some.
        """
        if self._was_open:
            return
        if self._forked or is_multiprocessing_worker():
            raise BridgeBusy(
                "the pages belong to the process that started this one: put the data into a multiprocessing.Queue, "
                "and send it from there, or call launch() in this process to give it pages of its own"
            )

    def is_loop_thread(self) -> bool:
        """Return whether this is the thread of the loop."""
        return self._thread == threading.get_ident() and self.is_open()

    def is_open(self) -> bool:
        """Return whether a loop runs the posted functions."""
        loop = self.loop
        return loop is not None and not loop.is_closed()

    def post(self, func: Callable[..., object], *args: Any) -> bool:
        """Schedule `func(*args)` on the loop, in the order of posting; without a loop, it runs when one starts.

        If this is interrupted before it has woken up the loop, the next call does.

        Returns:
            True if a loop runs it.
        """
        self._items.append((func, args))
        drain, loop = self._drains, self.loop
        if loop is None:
            return False
        if self._woken_for != drain:
            try:
                loop.call_soon_threadsafe(self._drain_on, loop)
            except RuntimeError:  # closed without `close`: the next `open` drains
                return False
            self._woken_for = drain
        return loop is self.loop and not loop.is_closed()  # `close` will drain

    def post_or_run(self, func: Callable[..., object], *args: Any) -> None:
        """Post a function, or run it at once if no loop runs, for bookkeeping that must not wait for the next loop."""
        self._submit(_run_once, [func, args])

    def _submit(self, func: Callable[..., object], *args: Any) -> None:
        """Run a function on the loop, or in this thread if none runs.

        The function may run twice if the loop ends at the same time; a second run must have no effect.
        """
        loop = self.loop
        if loop is None or loop.is_closed() or not self.post(func, *args):
            self._run(func, *args)

    def _run(self, func: Callable[..., object], *args: Any) -> None:
        """Run a function in this thread, unless a loop has started."""
        with self._lock:
            if self.is_open():
                self.post(func, *args)
            else:
                self._clean_up()
                func(*args)

    def _drain_on(self, loop: asyncio.AbstractEventLoop) -> None:
        if loop is self.loop:  # it was not abandoned
            self.drain(True)

    def drain(self, is_callback: bool = False) -> None:
        """Run the posted functions, on the loop. Code on the loop calls this first, to keep the order.

        Args:
            is_callback: True in a callback of the loop that does only this. It then calls the deferred functions, too.
        """
        if not (is_callback or self._items or self._abandoned or self._collected):
            return  # after most calls of functions
        self._drains += 1  # before the length is read: later posts wake the loop again
        if is_callback:
            self.in_callback = True
        try:
            if self._abandoned or self._collected:
                self._clean_up()
            for _ in range(len(self._items)):
                try:
                    func, args = self._items.popleft()
                except IndexError:  # a posted function has drained the rest
                    return
                try:
                    func(*args)
                except Exception:
                    logger.exception("the bridge could not finish %r", func)
                del func, args  # objects of pages that nothing else uses are released in this turn
        finally:
            if is_callback:
                self.run_deferred()

    def finalize(self, obj: object, func: Callable[[], object], wakes: bool = False) -> None:
        """Call `func()` on the loop, once `obj` is collected; on the loop only.

        A finalizer in Python would swallow a `KeyboardInterrupt` that is raised in it; `append` and `put` cannot be
        interrupted. The newer of two weak references to one object is told first.

        Args:
            obj: The object.
            func: The function.
            wakes: True to wake up an idle loop, which otherwise calls the function in one of its next callbacks.
        """
        signal = None
        if wakes and self.loop is not None:
            if self._collector is None:
                self._collector = _Collector(self._wake_for_collected)
            signal = ref(obj, self._collector.put)
        finalizer = _Finalizer(obj, self._collected.append)
        finalizer.func, finalizer.signal = func, signal
        self._finalizers.add(finalizer)

    def _wake_for_collected(self) -> None:
        if self._collected:  # the loop has not seen them in a callback of its own
            self.wake_up()

    def wake_up(self) -> None:
        """Wake up the loop, which then calls the finalizers of collected objects."""
        self.post(_do_nothing)

    def _clean_up(self) -> None:
        """Cancel abandoned operations, and call the finalizers of collected objects."""
        while self._abandoned:
            self._cancel(self._abandoned.popleft())
        while self._collected:
            finalizer = self._collected.popleft()
            self._finalizers.discard(finalizer)
            try:
                finalizer.func()
            except Exception:
                logger.exception("the bridge could not finish %r", finalizer.func)

    def defer(self, func: Callable[[], object]) -> None:
        """Call `func()` at the end of this callback of the loop, or in the next one; on the loop only."""
        self._deferred.append(func)
        if not self.in_callback and len(self._deferred) == 1 and self.loop is not None:
            self.loop.call_soon(self.run_deferred)

    def run_deferred(self) -> None:
        """End a callback of the loop: call the deferred functions."""
        self.in_callback = False
        deferred, self._deferred = self._deferred, []
        for func in deferred:
            try:
                func()
            except Exception:  # must not stop the other functions
                logger.exception("the bridge could not finish %r", func)
        if self._collected:
            self._clean_up()

    def call(self, func: Callable[..., T], *args: Any, undo: Callable[[T], object] | None = None) -> T:
        """Run `func(*args)` on the loop and return its value. On the loop itself, run it at once.

        Args:
            func: The function.
            *args: Its arguments.
            undo: Called with the value, on the loop, if Ctrl-C comes before this thread has received the value.
        """
        if self.is_loop_thread():
            self.drain()
            return func(*args)

        def operation(done: Done[T]) -> Cancel | None:
            value = func(*args)
            done(value)
            return None if undo is None else functools.partial(undo, value)

        return self.block(operation)

    def block(self, operation: Operation[T], awaitable: str | None = None) -> T:
        """Wait in this thread for an operation. Ctrl-C cancels it, even if its value has been sent already.

        Between the arrival of the value and the return to the caller, no function may be called: a signal in it would
        lose the value.

        Args:
            operation: The operation.
            awaitable: The awaitable equivalent, for errors and warnings. `None` for an operation that completes at
                once: any thread but that of the loop may wait for it.

        Raises:
            WouldDeadlock: The call is on the loop, which would wait for itself, or within a change of a state.
            BridgeBusy: The pages belong to another process.
            CellBlocksAnswers: The thread runs a cell of a notebook and would keep its front end from being answered.
        """
        if awaitable is not None:
            if not self._was_open:
                self.check_own()
            if self._thread == threading.get_ident() and self.is_open():
                self.refuse(awaitable)
            if self.check_wait is not None:
                self.check_wait(awaitable)
            if asyncio._get_running_loop() is not None:
                self._blocked.check(awaitable)
        if this_thread.is_changing_state:
            raise WouldDeadlock(
                "code that runs during a change of a state, such as a key of sort() or __post_init__, cannot wait for "
                "a page, which may wait for the state: make the new value first, then assign it"
            )
        call = running.get() if awaitable is not None else None
        waiter: _Waiter[T] = _Waiter() if call is None else _CallWaiter(call=call)
        waiter.lock.acquire()
        try:
            loop = self.loop
            if loop is None or loop.is_closed() or not self.post(self._start, waiter, operation):  # `_submit`, inlined
                self._run(self._start, waiter, operation)
            wait_for(waiter.lock)
            if awaitable is not None:
                shutdown.leave()
        except BaseException:
            self._abandoned.append(waiter)  # the first call here: see the class
            self._submit(self._clean_up)
            raise
        if waiter.error is not None:
            raise waiter.error
        return waiter.value  # type: ignore[return-value] # it has arrived; `cast` would be a call

    @staticmethod
    def refuse(awaitable: str) -> NoReturn:
        """Raise the error of a blocking call on the loop.

        Args:
            awaitable: The awaitable equivalent.
        """
        raise WouldDeadlock(
            f"a blocking call on the bridge's own event loop would never return; in an async function use {awaitable}"
        )

    def _start(self, waiter: _Waiter[T], operation: Operation[T]) -> None:
        if waiter.started:
            return
        waiter.started = True
        for_call = waiter if isinstance(waiter, _CallWaiter) else None
        if for_call is not None and not for_call.begin():
            return
        try:
            waiter.cancel = operation(waiter.done)
        except BaseException as error:  # noqa: BLE001 - it belongs to the thread that waits
            waiter.failed(error)
        if for_call is not None:
            for_call.listen()

    def _cancel(self, pending: _Pending) -> None:
        pending.started = True
        cancel, pending.cancel = pending.cancel, None
        if cancel is None:
            return
        try:
            cancel()
        except Exception:  # must not stop the other operations
            logger.exception("the bridge could not cancel %r", cancel)

    async def awaitable(self, operation: Operation[T]) -> T:
        """Await an operation on any event loop. Cancelling the task cancels the operation.

        Raises:
            BridgeBusy: The pages belong to another process.
        """
        self.check_own()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        pending = _Pending()
        try:
            if loop is self.loop:
                if self._items or self._abandoned:
                    self.drain()
                pending.started = True
                pending.cancel = operation(functools.partial(_set_result, future))
            else:
                wake_on_interrupt(loop)
                self._submit(self._start_for_future, pending, operation, future)
            return await future
        except BaseException:  # as in a thread: the value may have been sent already
            self._abandoned.append(pending)
            self._submit(self._clean_up)
            raise

    def _start_for_future(self, pending: _Pending, operation: Operation[T], future: asyncio.Future[T]) -> None:
        if pending.started:
            return
        pending.started = True
        loop = future.get_loop()

        def done(value: T) -> None:
            self._call_in_bundle(loop, pending, functools.partial(_set_result, future, value))

        try:
            pending.cancel = operation(done)
        except BaseException as error:  # noqa: BLE001 - it belongs to the task that waits
            self._call_on_loop(loop, pending, _set_exception, future, error)

    def _call_in_bundle(self, loop: asyncio.AbstractEventLoop, pending: _Pending, func: Callable[[], object]) -> None:
        """Call a function on another loop. All functions of one callback share one wake-up."""
        if not self.in_callback:
            self._call_on_loop(loop, pending, func)
            return
        bundle = self._bundles.get(loop)
        if bundle is None:
            bundle = self._bundles[loop] = []
            self.defer(functools.partial(self._send_bundle, loop))
        bundle.append((pending, func))

    def _send_bundle(self, loop: asyncio.AbstractEventLoop) -> None:
        bundle = self._bundles.pop(loop)
        try:
            loop.call_soon_threadsafe(_call_all, [func for _, func in bundle])
        except RuntimeError:
            for pending, func in bundle:
                self._call_on_loop(loop, pending, func)

    def _call_on_loop(
        self, loop: asyncio.AbstractEventLoop, pending: _Pending, func: Callable[..., object], *args: Any
    ) -> None:
        try:
            loop.call_soon_threadsafe(func, *args)
        except RuntimeError:  # that loop is closed, so no task waits
            logger.debug("dropped a result: the event loop that waited for it is closed")
            self._abandoned.append(pending)  # its `cancel` may not be set yet
            self.defer(self._clean_up)


def _do_nothing() -> None:
    """Do nothing: each callback of the loop calls the finalizers of collected objects."""


def _run_once(work: list[Any]) -> None:
    if work:
        func, args = work
        work.clear()
        func(*args)


def _call_all(funcs: list[Callable[[], object]]) -> None:
    for func in funcs:
        func()


def _set_result(future: asyncio.Future[T], value: T) -> None:
    if not future.done():
        future.set_result(value)


def _set_exception(future: asyncio.Future[Any], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)


@shutdown.after_fork
def _disown_all() -> None:
    for portal in list(_portals):
        portal.disown()
