"""A pywebview window in a separate process, so that the program, or the kernel of a notebook, keeps running."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from ...errors import JsPyError, PageClosed
from ...page import Page
from ..child_process import Child
from ..modes import NoWindow
from .requests import CommandableWindow
from .requirements import advice

__all__ = ["WindowProcess"]


class WindowProcess(CommandableWindow):
    """Window in a child process.

    Args:
        page: The page that it shows.
        url: The URL to show.
        parameters: The result of `window_parameters()`.
        on_closed: Called once, on another thread, when the window is closed.

    Raises:
        LaunchError: The process could not be started.
    """

    def __init__(self, page: Page, url: str, parameters: dict[str, Any], on_closed: Callable[[], None]) -> None:
        super().__init__(page, parameters, self._send_request, on_closed)
        self._was_shown = False
        task = {"path": list(map(str, sys.path)), "url": url, "window": self.parameters}
        self._child = Child(task, self._receive, self._end)

    def close(self) -> None:
        """Close the window and return at once."""
        self._child.close()

    def join(self) -> None:
        """Wait until the process has ended after `close()`."""
        self._child.join()

    def failure(self) -> JsPyError:
        """Return the exception for a window that was closed before its page had connected."""
        if self._was_shown:
            return PageClosed("the window was closed before its page connected")
        output = self._child.output()
        return NoWindow(f"the window did not open; its output:\n{output}\n{advice(output)}")

    def _send_request(self, number: int, method: str, args: list[Any]) -> None:
        self._child.send({"id": number, "method": method, "args": args})

    def _receive(self, message: dict[str, Any]) -> None:
        if "id" in message:
            self._answer(message["id"], message)
        else:
            self._was_shown |= message["event"] == "shown"
            self._handle_event(message["event"], *message["args"])
