"""Pending requests to a window, and the part that windows of this process and of another one share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...bridge.portal import Cancel, Done, Operation, Portal
from ...errors import JsPyError, PageClosed
from .api import AsyncWindow, Window

__all__ = ["CommandableWindow", "PendingRequests"]


class PendingRequests:
    """Requests that a window has not answered. Each ends once, at the latest when the window closes.

    The bridge's loop owns the state.

    Args:
        portal: The portal of that loop.
        send: Given a number, a method and its arguments, sends a request and does not wait.
    """

    def __init__(self, portal: Portal, send: Callable[[int, str, list[Any]], None]) -> None:
        self._portal = portal
        self._send = send
        self._waiting: dict[int, Done[Any]] = {}
        self._last = 0
        self._over = False

    def request(self, method: str, args: list[Any]) -> Operation[Any]:
        """An operation: the answer to a request, or the exception to raise."""

        def operation(done: Done[Any]) -> Cancel | None:
            if self._over:
                done(_closed())
                return None
            self._last += 1
            number = self._last
            self._waiting[number] = done
            self._send(number, method, args)

            def cancel() -> None:
                self._waiting.pop(number, None)

            return cancel

        return operation

    def answer(self, number: int, outcome: dict[str, Any]) -> None:
        """Takes an answer, from any thread: `{"value": ...}` or `{"error": text}`."""
        error = outcome.get("error")
        value = outcome.get("value") if error is None else JsPyError(f"the window could not do it: {error}")
        self._portal.post_or_run(self._finish, number, value)

    def end(self) -> None:
        """The window is closed; from any thread."""
        self._portal.post_or_run(self._end)

    def _finish(self, number: int, value: Any) -> None:
        done = self._waiting.pop(number, None)
        if done is not None:
            done(value)

    def _end(self) -> None:
        self._over = True
        for number in list(self._waiting):
            self._finish(number, _closed())


class CommandableWindow:
    """A window of pywebview, which Python steers by requests.

    Args:
        portal: The portal of the bridge's loop.
        send: Sends a request, given its number, method and arguments; does not wait.
    """

    takes_commands = True

    def __init__(self, portal: Portal, send: Callable[[int, str, list[Any]], None]) -> None:
        self._portal = portal
        self._requests = PendingRequests(portal, send)

    def request(self, method: str, args: list[Any]) -> Operation[Any]:
        """Return an operation: the answer to a request, or the exception to raise."""
        return self._requests.request(method, args)

    def handle(self) -> Window:
        """Return the `page.window` of blocking code."""
        return Window(self._portal, self)

    def async_handle(self) -> AsyncWindow:
        """Return the `page.aio.window` of async code."""
        return AsyncWindow(self._portal, self)


def _closed() -> PageClosed:
    return PageClosed("this window is closed, and its page with it; launch() opens another one")
