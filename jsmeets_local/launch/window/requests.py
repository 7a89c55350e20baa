"""Requests to a pywebview window and their responses."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from ...bridge.portal import Cancel, Done, Operation, Portal
from ...errors import JsPyError, PageClosed
from .handle import AsyncWindow, Window

__all__ = ["CommandableWindow"]


class CommandableWindow:
    """Base class of pywebview windows in this process and in a child process.

    Each request completes exactly once, at the latest when the window closes. Pending requests belong to the bridge's
    loop.

    Args:
        portal: The portal of the bridge's loop.
        send: Given a number, a method and its arguments, sends a request without waiting for the response.
        on_closed: Called once, on any thread, when the window is closed.
    """

    takes_commands = True

    def __init__(
        self, portal: Portal, send: Callable[[int, str, list[Any]], None], on_closed: Callable[[], None]
    ) -> None:
        self._portal = portal
        self._send = send
        self._on_closed: Callable[[], None] | None = on_closed
        self._closed_lock = threading.Lock()
        self._pending: dict[int, Done[Any]] = {}
        self._last = 0
        self._over = False

    def request(self, method: str, args: list[Any]) -> Operation[Any]:
        """Return an operation whose result is the response to a request, or the exception to raise."""

        def operation(done: Done[Any]) -> Cancel | None:
            if self._over:
                done(_closed())
                return None
            self._last += 1
            number = self._last
            self._pending[number] = done
            self._send(number, method, args)

            def cancel() -> None:
                self._pending.pop(number, None)

            return cancel

        return operation

    def handle(self) -> Window:
        """Return the blocking handle, `page.window`."""
        return Window(self._portal, self.request)

    def async_handle(self) -> AsyncWindow:
        """Return the awaitable handle, `page.aio.window`."""
        return AsyncWindow(self._portal, self.request)

    def is_closed(self) -> bool:
        """Return whether the window is closed."""
        return self._on_closed is None

    def _answer(self, number: int, outcome: dict[str, Any]) -> None:
        """Complete a request with `{"value": ...}` or `{"error": text}`, from any thread."""
        error = outcome.get("error")
        value = outcome.get("value") if error is None else JsPyError(f"the window rejected the command: {error}")
        self._portal.post_or_run(self._finish, number, value)

    def _end(self) -> None:
        """Fail the pending requests and report that the window is closed, once even if several threads call it."""
        with self._closed_lock:
            on_closed, self._on_closed = self._on_closed, None
        if on_closed is not None:
            self._portal.post_or_run(self._end_requests)
            on_closed()

    def _finish(self, number: int, value: Any) -> None:
        done = self._pending.pop(number, None)
        if done is not None:
            done(value)

    def _end_requests(self) -> None:
        self._over = True
        for number in list(self._pending):
            self._finish(number, _closed())


def _closed() -> PageClosed:
    return PageClosed("this window and its page are closed; launch() opens another one")
