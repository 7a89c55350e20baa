"""Requests to a pywebview window and their responses."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...bridge.current_call import on_page
from ...bridge.dispatcher import Listener
from ...bridge.portal import Cancel, Done, Operation
from ...errors import JsPyError, PageClosed
from ...notebook.cells import current_cell
from ...page import Page
from ..storage import warn_of_use
from .handle import AsyncWindow, Window
from .menus import MenuItem, number_items
from .requirements import toolkit

__all__ = ["CommandableWindow"]


class CommandableWindow:
    """Base class of pywebview windows in this process and in a child process.

    Each request completes exactly once, at the latest when the window closes. Pending requests belong to the bridge's
    loop.

    Args:
        page: The page that it shows.
        parameters: The result of `window_parameters()`.
        send: Given a number, a method and its arguments, sends a request without waiting for the response.
        on_closed: Called once, on any thread, when the window is closed.

    Attributes:
        parameters: The parameters of a `NativeWindow`.
    """

    takes_commands = True

    def __init__(
        self,
        page: Page,
        parameters: dict[str, Any],
        send: Callable[[int, str, list[Any]], None],
        on_closed: Callable[[], None],
    ) -> None:
        self._bridge = page._client.bridge
        self._portal = self._bridge.portal
        items: list[MenuItem] = []
        self.parameters = {**parameters, "gui": toolkit(), "menu": number_items(parameters["menu"], items)}
        self._items = [_listener(page, item.func, f"the menu item {item.title!r}") for item in items]
        self._drop_listener: Listener | None = None
        self._page = page
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
        return Window(self._portal, self.request, self.listen_to_drops)

    def async_handle(self) -> AsyncWindow:
        """Return the awaitable handle, `page.aio.window`."""
        return AsyncWindow(self._portal, self.request, self.listen_to_drops)

    def is_closed(self) -> bool:
        """Return whether the window is closed."""
        return self._on_closed is None

    def _handle_event(self, event: str, *args: Any) -> None:
        """Handle an event of the window, from any thread."""
        if event == "closed":
            self._end()
        elif event == "in use":
            warn_of_use(self.parameters["storage"])
        elif event == "chosen":
            self._portal.post(self._bridge.tell, self._items[args[0]])
        elif event == "dropped" and self._drop_listener is not None:
            self._portal.post(self._bridge.tell, self._drop_listener, [Path(path) for path in args[0]])

    def listen_to_drops(self, func: Callable[[list[Path]], Any]) -> None:
        """Set the function that is called with the paths of dropped files."""
        self._drop_listener = _listener(self._page, func, "the function of on_drop()")

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


def _listener(page: Page, func: Callable[..., Any], about: str) -> Listener:
    """Return a listener that calls a user's function with `current_page()`."""
    return Listener(functools.partial(on_page, page, func), about, current_cell())


def _closed() -> PageClosed:
    return PageClosed("this window and its page are closed; launch() opens another one")
