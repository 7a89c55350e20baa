"""A window of pywebview in a process of its own, so that the program, or the kernel of a notebook, goes on."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from ...bridge.portal import Portal
from ...errors import JsPyError, PageClosed
from ..child_process import Child
from ..surface import NoWindow
from .checks import advice, toolkit
from .requests import CommandableWindow

__all__ = ["WindowProcess"]


class WindowProcess(CommandableWindow):
    """The program's side of it.

    Args:
        portal: The portal of the bridge's loop.
        url: What it shows.
        look: What `look.look()` gives.
        ended: Called once, on another thread, when it is closed.

    Raises:
        LaunchError: The process could not be started.
    """

    def __init__(self, portal: Portal, url: str, look: dict[str, Any], ended: Callable[[], None]) -> None:
        super().__init__(portal, self._send)
        self._ended: Callable[[], None] | None = ended
        self._was_shown = False
        task = {"path": list(map(str, sys.path)), "url": url, "look": {**look, "gui": toolkit()}}
        self._child = Child(task, self._heard, self._end)

    def close(self) -> None:
        """Closes it, and returns at once."""
        self._child.close()

    def join(self) -> None:
        """Waits until its process has ended after `close()`."""
        self._child.join()

    def failure(self) -> JsPyError:
        """Why it is closed, though its page has not come."""
        if self._was_shown:
            return PageClosed("the window was closed before its page had connected")
        words = self._child.last_words()
        return NoWindow(f"the window did not open; this is what its process has said:\n{words}\n{advice(words)}")

    def _send(self, number: int, method: str, args: list[Any]) -> None:
        self._child.send({"id": number, "method": method, "args": args})

    def _heard(self, message: dict[str, Any]) -> None:
        if "id" in message:
            self._requests.answer(message["id"], message)
        elif message["event"] == "shown":
            self._was_shown = True
        else:
            self._end()

    def _end(self) -> None:
        """On the thread of the child, when it tells that it is closed, and when it has ended."""
        ended, self._ended = self._ended, None
        if ended is not None:
            self._requests.end()
            ended()
