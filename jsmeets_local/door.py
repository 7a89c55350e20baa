"""The door: from any thread into the bridge's event loop, values out.

Everything that touches the state of a bridge runs on its loop's thread. `post` hands work over in order and does
not wait; `ask` waits for a value; `block` and `awaitable` wait for an *operation*: a function that is started on the
loop with a callback `done`, calls it exactly once, now or later, and returns how to cancel it. While no loop runs, the
caller runs the work itself under the door's lock, so that a program can be set up before it is served.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import sys
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeAlias, TypeVar, cast
from weakref import WeakSet

from . import ending
from .errors import BridgeBusy, WouldDeadlock
from .processes import works_for_another
from .slow import BlockedLoops
from .workers import waiting

__all__ = ["Cancel", "Done", "Door", "Operation"]

T = TypeVar("T")
Done: TypeAlias = Callable[[T], None]
Cancel: TypeAlias = Callable[[], None]
Operation: TypeAlias = Callable[[Done[T]], Cancel | None]

_SLICE = 0.1  # seconds; on Windows an untimed wait for a lock cannot be interrupted by Ctrl-C

logger = logging.getLogger("jsmeets_local")

_doors: WeakSet[Door] = WeakSet()


class _Waiter(Generic[T]):
    """One value from the loop's thread to a waiting one."""

    __slots__ = ("_lock", "cancel", "error", "value")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()
        self.value: T | None = None
        self.error: BaseException | None = None
        self.cancel: Cancel | None = None

    def done(self, value: T) -> None:
        self.value = value
        self._lock.release()

    def failed(self, error: BaseException) -> None:
        self.error = error
        self._lock.release()

    def wait(self) -> T:
        with waiting():
            if sys.platform == "win32":
                while not self._lock.acquire(timeout=_SLICE):
                    pass
            else:
                self._lock.acquire()
        if self.error is not None:
            raise self.error
        return cast(T, self.value)


class Door:
    """Hands work to one event loop."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # opening, closing, and the state of a bridge that does not run
        self._items: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self._woken = False
        self._thread: int | None = None
        self._was_open = False  # in this process
        self._forked = False  # this process was, and has not opened it since
        self.loop: asyncio.AbstractEventLoop | None = None
        self._in_turn = False  # this, and what follows, on the loop only
        self._ends: list[Callable[[], object]] = []  # what is to be done when the turn ends
        self._bundles: dict[asyncio.AbstractEventLoop, list[Callable[[], object]]] = {}  # for other loops
        self._blocked = BlockedLoops()
        _doors.add(self)

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
            self._woken = True
            loop.call_soon(self.turn, self.drain)

    def close(self) -> None:
        """Stops, after doing what was posted; called on the loop's thread."""
        with self._lock:
            self.drain()
            self.loop = None
            self._thread = None

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

    def is_here(self) -> bool:
        """Whether this is the thread of the loop."""
        return self._thread == threading.get_ident() and self.is_open()

    def is_open(self) -> bool:
        """Whether a loop takes the work."""
        loop = self.loop
        return loop is not None and not loop.is_closed()

    def post(self, func: Callable[..., object], *args: Any) -> None:
        """Has `func(*args)` run on the loop, in the order of posting; before the loop runs, when it starts."""
        with self._lock:
            self._add(func, args)

    def _add(self, func: Callable[..., object], args: tuple[Any, ...]) -> None:
        self._items.append((func, args))
        if self._woken or self.loop is None or self.loop.is_closed():
            return
        self._woken = True
        self.loop.call_soon_threadsafe(self.turn, self.drain)

    def settle(self, func: Callable[..., object], *args: Any) -> None:
        """`post`, but at once where no loop runs: bookkeeping that must not wait until one starts again."""
        with self._lock:
            if not self.is_open():
                func(*args)
                return
            self._add(func, args)

    def drain(self) -> None:
        """Does what was posted so far, on the loop: before what is asked for there directly, to keep the order."""
        self._woken = False
        for _ in range(len(self._items)):  # what is posted meanwhile has its own wake-up
            try:
                func, args = self._items.popleft()
            except IndexError:  # one of them has drained the rest
                return
            try:
                func(*args)
            except Exception:
                logger.exception("the bridge could not finish %r", func)

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

    def ask(self, func: Callable[..., T], *args: Any) -> T:
        """The value of `func(*args)`, run on the loop; at once where it is called there."""
        if self.is_here():
            self.drain()
            return func(*args)
        with self._lock:
            if not self.is_open():
                return func(*args)
            waiter: _Waiter[T] = _Waiter()
            self._add(self._answer, (waiter, func, args))
        return waiter.wait()

    def _answer(self, waiter: _Waiter[T], func: Callable[..., T], args: tuple[Any, ...]) -> None:
        try:
            value = func(*args)
        except BaseException as error:  # noqa: BLE001 - it belongs to the thread that asked
            waiter.failed(error)
        else:
            waiter.done(value)

    def block(self, operation: Operation[T], twin: str) -> T:
        """Waits in this thread for an operation; Ctrl-C cancels it.

        Args:
            operation: Started on the loop.
            twin: What to use on the loop instead, for the error.

        Raises:
            WouldDeadlock: Called on the loop, which would wait for itself for ever.
            BridgeBusy: Another process has the pages.
        """
        self.check_own()
        if self.is_here():
            raise WouldDeadlock(
                f"this would block the bridge's own event loop for ever; in an async function use {twin}"
            )
        self._blocked.check(twin)
        waiter: _Waiter[T] = _Waiter()
        with self._lock:
            if self.is_open():
                self._add(self._start, (waiter, operation))
            else:
                self._start(waiter, operation)
        try:
            value = waiter.wait()
        except BaseException:
            self.post(self._give_up, waiter)
            raise
        ending.leave()
        return value

    def _start(self, waiter: _Waiter[T], operation: Operation[T]) -> None:
        try:
            waiter.cancel = operation(waiter.done)
        except BaseException as error:  # noqa: BLE001 - it belongs to the thread that waits
            waiter.failed(error)

    def _give_up(self, waiter: _Waiter[Any]) -> None:
        if waiter.cancel is not None:
            waiter.cancel()

    async def awaitable(self, operation: Operation[T]) -> T:
        """Awaits an operation on any event loop; cancelling the task cancels it.

        Raises:
            BridgeBusy: Another process has the pages.
        """
        self.check_own()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        cancel: list[Cancel | None] = []
        if loop is self.loop:
            if self._items:
                self.drain()
            cancel.append(operation(functools.partial(_fulfil, future)))
        else:
            self._start_there(operation, future, cancel)
        try:
            return await future
        except asyncio.CancelledError:
            self.post(_cancel, cancel)
            raise

    def _start_there(self, operation: Operation[T], future: asyncio.Future[T], cancel: list[Cancel | None]) -> None:
        def done(value: T) -> None:
            self._send_back(future.get_loop(), functools.partial(_fulfil, future, value))

        def start() -> None:
            try:
                cancel.append(operation(done))
            except BaseException as error:  # noqa: BLE001 - it belongs to the task that waits
                _call_there(future.get_loop(), _fail, future, error)

        with self._lock:
            if self.is_open():
                self._add(start, ())
            else:
                start()

    def _send_back(self, loop: asyncio.AbstractEventLoop, func: Callable[[], object]) -> None:
        """Has another loop do something: what one turn has for it costs one wake-up."""
        if not self._in_turn:
            _call_there(loop, func)
            return
        bundle = self._bundles.get(loop)
        if bundle is None:
            bundle = self._bundles[loop] = []
            self.at_end(functools.partial(self._send_bundle, loop))
        bundle.append(func)

    def _send_bundle(self, loop: asyncio.AbstractEventLoop) -> None:
        _call_there(loop, _do_all, self._bundles.pop(loop))


def _do_all(funcs: list[Callable[[], object]]) -> None:
    for func in funcs:
        func()


def _cancel(cancel: list[Cancel | None]) -> None:
    for give_up in filter(None, cancel):
        give_up()


def _call_there(loop: asyncio.AbstractEventLoop, func: Callable[..., object], *args: Any) -> None:
    try:
        loop.call_soon_threadsafe(func, *args)
    except RuntimeError:  # that loop is closed: nobody waits there any more
        logger.debug("an answer came after the event loop that waited for it was closed")


def _fulfil(future: asyncio.Future[T], value: T) -> None:
    if not future.done():
        future.set_result(value)


def _fail(future: asyncio.Future[Any], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)


def _disown_all() -> None:
    for door in list(_doors):
        door.disown()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_disown_all)
