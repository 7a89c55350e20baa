"""Current call: the call of an exposed function that this thread or task handles."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context, ContextVar, copy_context
from typing import TYPE_CHECKING, Any

from ..protocol.effects import Invoke

if TYPE_CHECKING:
    from ..page import Page

__all__ = [
    "Call",
    "Cancelled",
    "call_context",
    "cancelled_error",
    "current_call",
    "current_page",
    "on_page",
    "running",
    "stream_context",
]

running: ContextVar[Invoke | None] = ContextVar("jsmeets_call", default=None)
_bridge: ContextVar[Any] = ContextVar("jsmeets_bridge")  # set in the contexts of exposed functions
_page: ContextVar[Page | None] = ContextVar("jsmeets_page", default=None)  # set by `on_page`


class Cancelled(asyncio.CancelledError):
    """The page that called no longer waits for the answer.

    Like `asyncio.CancelledError`, its base class, it is not an `Exception`, so that an `except Exception` around one
    step of the work does not swallow it. Let it propagate after cleaning up.
    """


def cancelled_error(call: Invoke) -> Cancelled:
    """Return the error to raise in the function of a cancelled call."""
    return Cancelled(f"the call of {call.function.key!r} is cancelled: {call.cancelled}")


def call_context(bridge: Any) -> Context:
    """Return a copy of the current context for the calls of a function that is exposed on `bridge`."""
    context = copy_context()
    context.run(_bridge.set, bridge)
    return context


def stream_context() -> Context:
    """Return a copy of the current context for an iterator that a page will read.

    The iterator has a call of its own, which is cancelled when the page no longer reads it.
    """
    context = copy_context()
    call = running.get()
    if call is not None:
        context.run(running.set, Invoke(call.socket, 0, call.function, []))
    return context


class Call:
    """Call of an exposed function, as `current_call()` returns it.

    Attributes:
        key: The name by which the page has called the function.
        socket_id: The number of the page's socket.
        page: The page that has called.
    """

    __slots__ = ("_bridge", "_call")

    def __init__(self, bridge: Any, call: Invoke) -> None:
        self._bridge = bridge
        self._call = call

    @property
    def key(self) -> str:
        """Return the name by which the page has called the function."""
        return self._call.function.key

    @property
    def socket_id(self) -> int:
        """Return the number of the page's socket, as in `JsPyTextSocket`."""
        return self._call.socket

    @property
    def page(self) -> Page:
        """Return the `Page` of the document that has called, on any thread.

        Its methods go to this document, even if the page is open in other tabs, too. It is closed when the document
        leaves, also by a reload.
        """
        page: Page = self._bridge.portal.call(self._bridge.page_of, self._call.socket)
        return page

    @property
    def cancelled(self) -> bool:
        """Return whether the page no longer waits for the answer: it has cancelled the call, or has left."""
        return bool(self._call.cancelled)

    def raise_if_cancelled(self) -> None:
        """End the function if its call is cancelled.

        Raises:
            Cancelled: The page has cancelled the call, or has left.
        """
        if self._call.cancelled:
            self._call.stopped = True
            raise cancelled_error(self._call)

    def __repr__(self) -> str:
        state = ", cancelled" if self.cancelled else ""
        return f"<call of {self.key!r} by socket {self.socket_id}{state}>"


def current_call() -> Call:
    """Return the call that the running function handles.

    Threads see it if they run in a copy of the context: `asyncio.to_thread(f)`, or
    `Thread(target=contextvars.copy_context().run, args=(f,))`.

    Raises:
        RuntimeError: This code runs outside a call.
    """
    call = running.get()
    if call is None:
        raise _outside("current_call()")
    return Call(_bridge.get(), call)


def current_page() -> Page:
    """Return the page of the document that has called the running function: `current_call().page`.

    In a function that a window calls, such as that of a menu item, it returns the page of the window.

    Raises:
        RuntimeError: This code runs outside a call.
    """
    if running.get() is not None:
        return current_call().page
    page = _page.get()  # functions that the `func` of `on_page` exposes inherit its context
    if page is None:
        raise _outside("current_page()")
    return page


def _outside(function: str) -> RuntimeError:
    return RuntimeError(
        f"{function} is for functions that a page calls, and for threads that they start in a copy of their context: "
        "Thread(target=contextvars.copy_context().run, args=(f,)). Elsewhere, use the page that launch() returns, or "
        "app.pages"
    )


def on_page(page: Page, func: Callable[..., Any], *args: Any) -> Any:
    """Call a function for which `current_page()` is `page`, in a context of its own."""
    _page.set(page)
    return func(*args)
