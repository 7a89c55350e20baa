"""The portal: from any thread into the bridge's event loop, values out.

Everything that touches the state of a bridge runs on its loop's thread. `post` hands work over in order and does
not wait; `call` waits for a value; `block` and `awaitable` wait for an *operation*: a function that is started on the
loop with a callback `done`, calls it exactly once, now or later, and returns how to cancel it. While no loop runs, the
caller runs the work itself under the portal's lock, so that a program can be set up before it is served.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import sys
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeAlias, TypeVar
from weakref import WeakSet, ref

from ..errors import BridgeBusy, WouldDeadlock
from . import shutdown
from .processes import works_for_another
from .slow_callbacks import BlockedLoops
from .workers import waiting

__all__ = ["Cancel", "Done", "Operation", "Portal", "wait_for"]

T = TypeVar("T")
Done: TypeAlias = Callable[[T], None]
Cancel: TypeAlias = Callable[[], object]
Operation: TypeAlias = Callable[[Done[T]], Cancel | None]

# Seconds after which the main thread looks for signals; on Windows no wait for a lock ends with one.
_FIRST_SLICE = 0.05
_LAST_SLICE = 0.1 if sys.platform == "win32" else 0.8

logger = logging.getLogger("jsmeets_local")

_portals: WeakSet[Portal] = WeakSet()


class _Started:
    """An operation on the loop."""

    __slots__ = ("begun", "cancel")

    def __init__(self) -> None:
        self.begun = False  # or given up before
        self.cancel: Cancel | None = None


class _Waiter(_Started, Generic[T]):
    """One value from the loop's thread to a waiting one."""

    __slots__ = ("_lock", "error", "value")

    def __init__(self) -> None:
        self.begun = False
        self.cancel = None
        self._lock = threading.Lock()
        self._lock.acquire()
        self.value: T | None = None
        self.error: BaseException | None = None

    def done(self, value: T) -> None:
        self.value = value
        self._lock.release()

    def failed(self, error: BaseException) -> None:
        self.error = error
        self._lock.release()

    def wait(self) -> None:
        with waiting():
            wait_for(self._lock)


def wait_for(lock: threading.Lock) -> None:
    """Acquires a lock that another thread releases; a signal that comes on the way into the wait is noticed.

    An untimed wait misses a signal that arrives after Python has looked for one and before the system call has begun,
    which on a busy machine takes milliseconds: the interpreter changes hands in between. So the main thread, where
    handlers run, looks again after a short time, then after longer ones.
    """
    if threading.get_ident() != threading.main_thread().ident:
        lock.acquire()
        return
    seconds = _FIRST_SLICE
    while not lock.acquire(timeout=seconds):
        seconds = min(2 * seconds, _LAST_SLICE)


class _Tracked(ref[Any]):
    """A reference that knows what to do when its object is gone."""

    __slots__ = ("func",)
    func: Callable[[], object]


class Portal:
    """Hands work to one event loop.

    A signal may raise `KeyboardInterrupt` in the main thread before and after every call, so that no hand-over to an
    open loop takes a lock, and each of its steps may be the last one. `deque.append` is one step. A wake-up that was
    not finished counts as none: `_woken` is the turn that was woken, set after that was done, and the loop alone counts
    its turns. A wait that is given up is told by `append`, first of all, so that nothing can come in between.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()  # opening, closing, and the state of a bridge that does not run
        self._items: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self._given_up: deque[_Started] = deque()
        self._tracked: set[_Tracked] = set()
        self._gone: deque[_Tracked] = deque()
        self._turns = 0  # of draining
        self._woken = -1  # the last of them that the loop was woken for
        self._thread: int | None = None
        self._was_open = False  # in this process
        self._forked = False  # this process was, and has not opened it since
        self.loop: asyncio.AbstractEventLoop | None = None
        self._in_turn = False  # this, and what follows, on the loop only
        self._ends: list[Callable[[], object]] = []  # what is to be done when the turn ends
        self._bundles: dict[
            asyncio.AbstractEventLoop, list[tuple[_Started, Callable[[], object]]]
        ] = {}  # for other loops
        self._blocked = BlockedLoops()
        _portals.add(self)

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Starts handing work to `loop`; called on its thread.

        Raises:
            BridgeBusy: It is open to another loop that still runs.
        """
        with self._lock:
            if self.loop is not None and self.loop is not loop and not self.loop.is_closed():
                raise BridgeBusy(
                    "this bridge already serves another running application; "
                    "give this one its own: JsMeetsPy(bridge=Bridge())"
                )
            self.loop = loop
            self._thread = threading.get_ident()
            self._forked = False
            self._was_open = True
            self._turns += 1  # a loop that was closed before its turn leaves nothing that counts
            loop.call_soon(self.turn, self.drain)

    def close(self) -> None:
        """Stops, after doing what was posted; called on the loop's thread."""
        with self._lock:
            self.drain()
            self.loop = None
            self._thread = None
            self.drain()  # of those who have seen it open until now

    def disown(self) -> None:
        """After a fork, in the new process: the loop and the pages stay with the other one."""
        self._lock = threading.RLock()  # a thread that is not here may have held it
        if self.loop is not None:
            self._items.clear()
        self._forked, self._was_open = True, False
        self.loop = self._thread = None

    def check_own(self) -> None:
        """Raises `BridgeBusy` where what is sent to pages would get lost, as another process has them.

        A child process cannot know whether its parent has pages. Before it serves some itself, it has none to send to.
        """
        if self._was_open:
            return
        if self._forked or works_for_another():
            raise BridgeBusy(
                "the pages belong to the process that started this one: put what they shall get into a "
                "multiprocessing.Queue, and send it there. Pages of its own a process has after launch()"
            )

    def is_loop_thread(self) -> bool:
        """Whether this is the thread of the loop."""
        return self._thread == threading.get_ident() and self.is_open()

    def is_open(self) -> bool:
        """Whether a loop takes the work."""
        loop = self.loop
        return loop is not None and not loop.is_closed()

    def post(self, func: Callable[..., object], *args: Any) -> None:
        """Has `func(*args)` run on the loop, in the order of posting; before the loop runs, when it starts."""
        self._items.append((func, args))
        self._wake()

    def _wake(self) -> None:
        """Has the loop drain, where that is not under way; the one who is interrupted here leaves it to the next."""
        turn = self._turns
        if self._woken == turn or (loop := self.loop) is None:
            return
        try:
            loop.call_soon_threadsafe(self.turn, self.drain)
        except RuntimeError:  # it was closed without `close`: the next one to open does it
            return
        self._woken = turn

    def settle(self, func: Callable[..., object], *args: Any) -> None:
        """`post`, but at once where no loop runs: bookkeeping that must not wait until one starts again."""
        self._hand_in(_do_once, [func, args])

    def _hand_in(self, func: Callable[..., object], *args: Any) -> None:
        """Has the loop do something, or where none runs this thread, now.

        It may be done twice, where the loop ends at the same time: the second one has to find nothing to do.
        """
        if self.is_open():
            self._items.append((func, args))
            self._wake()
            if self.is_open():
                return  # what closes it will drain
        with self._lock:
            if self.is_open():
                self._items.append((func, args))
                self._wake()
            else:
                self._tidy()
                func(*args)

    def drain(self) -> None:
        """Does what was posted so far, on the loop: before what is asked for there directly, to keep the order."""
        self._turns += 1  # before it looks: what comes from now on wakes the loop again
        self._tidy()
        for _ in range(len(self._items)):
            try:
                func, args = self._items.popleft()
            except IndexError:  # one of them has drained the rest
                return
            try:
                func(*args)
            except Exception:
                logger.exception("the bridge could not finish %r", func)

    def when_gone(self, thing: object, func: Callable[[], object]) -> None:
        """Has `func()` called on the loop, in one of its next turns, once nobody holds a thing any more.

        A finalizer in Python would swallow a `KeyboardInterrupt` that comes while it runs, and end there: `append` is
        no place for one.
        """
        tracked = _Tracked(thing, self._gone.append)
        tracked.func = func
        self._tracked.add(tracked)

    def _tidy(self) -> None:
        """Gives up what was given up, and forgets what is gone."""
        while self._given_up:
            self._give_up(self._given_up.popleft())
        while self._gone:
            tracked = self._gone.popleft()
            self._tracked.discard(tracked)
            try:
                tracked.func()
            except Exception:
                logger.exception("the bridge could not finish %r", tracked.func)

    def turn(self, work: Callable[..., object], *args: Any) -> None:
        """Does what one callback of the loop has to do, and then what was put off to its end."""
        self._in_turn = True
        try:
            work(*args)
        finally:
            self._in_turn = False
            self._end_turn()

    def at_end(self, func: Callable[[], object]) -> None:
        """Puts something off to the end of this turn, on the loop; where there is none, to the next callback."""
        self._ends.append(func)
        if not self._in_turn and len(self._ends) == 1 and self.loop is not None:
            self.loop.call_soon(self._end_turn)

    def _end_turn(self) -> None:
        ends, self._ends = self._ends, []
        for func in ends:
            try:
                func()
            except Exception:  # the others must not suffer
                logger.exception("the bridge could not finish %r", func)
        if self._gone:
            self._tidy()

    def call(self, func: Callable[..., T], *args: Any, undo: Callable[[T], object] | None = None) -> T:
        """The value of `func(*args)`, run on the loop; at once where it is called there.

        Args:
            func: What to run.
            *args: Its arguments.
            undo: Takes the value back, on the loop, where Ctrl-C comes before this thread has got it.
        """
        if self.is_loop_thread():
            self.drain()
            return func(*args)
        if undo is None and not self.is_open():
            with self._lock:
                if not self.is_open():
                    self._tidy()
                    return func(*args)

        def operation(done: Done[T]) -> Cancel | None:
            value = func(*args)
            done(value)
            return None if undo is None else functools.partial(undo, value)

        return self._wait_for(operation)

    def block(self, operation: Operation[T], twin: str) -> T:
        """Waits in this thread for an operation; Ctrl-C cancels it, also where its value is on the way already.

        From here to the caller nothing may call a function once the value is there: a signal could take it away.

        Args:
            operation: Started on the loop.
            twin: What to use on the loop instead, for the error.

        Raises:
            WouldDeadlock: Called on the loop, which would wait for itself for ever.
            BridgeBusy: Another process has the pages.
        """
        self.check_own()
        if self.is_loop_thread():
            raise WouldDeadlock(
                f"this would block the bridge's own event loop for ever; in an async function use {twin}"
            )
        self._blocked.check(twin)
        return self._wait_for(operation, shutdown.leave)

    def _wait_for(self, operation: Operation[T], then: Callable[[], object] | None = None) -> T:
        waiter: _Waiter[T] = _Waiter()
        try:
            self._hand_in(self._start, waiter, operation)
            waiter.wait()
            if then is not None:
                then()
        except BaseException:
            self._given_up.append(waiter)  # the first call here: see above
            self._hand_in(self._tidy)
            raise
        if waiter.error is not None:
            raise waiter.error
        return waiter.value  # type: ignore[return-value] # it is there; `cast` would be a call

    def _start(self, waiter: _Waiter[T], operation: Operation[T]) -> None:
        if waiter.begun:
            return
        waiter.begun = True
        try:
            waiter.cancel = operation(waiter.done)
        except BaseException as error:  # noqa: BLE001 - it belongs to the thread that waits
            waiter.failed(error)

    def _give_up(self, waiter: _Started) -> None:
        waiter.begun = True
        cancel, waiter.cancel = waiter.cancel, None
        if cancel is None:
            return
        try:
            cancel()
        except Exception:  # the others must not suffer
            logger.exception("the bridge could not cancel %r", cancel)

    async def awaitable(self, operation: Operation[T]) -> T:
        """Awaits an operation on any event loop; cancelling the task cancels it.

        Raises:
            BridgeBusy: Another process has the pages.
        """
        self.check_own()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        started = _Started()
        try:
            if loop is self.loop:
                if self._items or self._given_up:
                    self.drain()
                started.begun = True
                started.cancel = operation(functools.partial(_fulfil, future))
            else:
                self._hand_in(self._start_there, started, operation, future)
            return await future
        except BaseException:  # as in a thread: the value may be on the way already
            self._given_up.append(started)
            self._hand_in(self._tidy)
            raise

    def _start_there(self, started: _Started, operation: Operation[T], future: asyncio.Future[T]) -> None:
        if started.begun:
            return
        started.begun = True
        loop = future.get_loop()

        def done(value: T) -> None:
            self._send_back(loop, started, functools.partial(_fulfil, future, value))

        try:
            started.cancel = operation(done)
        except BaseException as error:  # noqa: BLE001 - it belongs to the task that waits
            self._call_there(loop, started, _fail, future, error)

    def _send_back(self, loop: asyncio.AbstractEventLoop, started: _Started, func: Callable[[], object]) -> None:
        """Has another loop do something: what one turn has for it costs one wake-up."""
        if not self._in_turn:
            self._call_there(loop, started, func)
            return
        bundle = self._bundles.get(loop)
        if bundle is None:
            bundle = self._bundles[loop] = []
            self.at_end(functools.partial(self._send_bundle, loop))
        bundle.append((started, func))

    def _send_bundle(self, loop: asyncio.AbstractEventLoop) -> None:
        bundle = self._bundles.pop(loop)
        try:
            loop.call_soon_threadsafe(_do_all, [func for _, func in bundle])
        except RuntimeError:
            for started, func in bundle:
                self._call_there(loop, started, func)

    def _call_there(
        self, loop: asyncio.AbstractEventLoop, started: _Started, func: Callable[..., object], *args: Any
    ) -> None:
        try:
            loop.call_soon_threadsafe(func, *args)
        except RuntimeError:  # that loop is closed: nobody waits there any more
            logger.debug("an answer came after the event loop that waited for it was closed")
            self._given_up.append(started)  # which may not know yet how it is cancelled
            self.at_end(self._tidy)


def _do_once(work: list[Any]) -> None:
    if work:
        func, args = work
        work.clear()
        func(*args)


def _do_all(funcs: list[Callable[[], object]]) -> None:
    for func in funcs:
        func()


def _fulfil(future: asyncio.Future[T], value: T) -> None:
    if not future.done():
        future.set_result(value)


def _fail(future: asyncio.Future[Any], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)


@shutdown.after_fork
def _disown_all() -> None:
    for portal in list(_portals):
        portal.disown()
