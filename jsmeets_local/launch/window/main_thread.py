"""`run(mode="window")`: the main thread shows the window that another thread opens."""

from __future__ import annotations

import queue
from collections.abc import Callable
from typing import Any

from ...bridge.client import Surface
from ...bridge.portal import Portal
from .. import window_opener
from .in_process import InProcessWindow

__all__ = ["MainThreadWindows"]


class MainThreadWindows:
    """Where another thread opens a window that the main thread shows."""

    def __init__(self) -> None:
        self._wanted: queue.SimpleQueue[tuple[Any, ...] | None] = queue.SimpleQueue()
        self._opened: queue.SimpleQueue[InProcessWindow | BaseException] = queue.SimpleQueue()

    def open(self, portal: Portal, url: str, look: dict[str, Any], ended: Callable[[], None]) -> Surface:
        """Has the main thread open a window; the next one of this thread gets a process of its own."""
        window_opener.set(None)
        self._wanted.put((portal, url, look, ended))
        window = self._opened.get()
        if isinstance(window, BaseException):
            raise window
        return window

    def leave(self) -> None:
        """No window is wanted any more."""
        self._wanted.put(None)

    def show(self) -> None:
        """On the main thread: shows the window, if one is wanted, until it is closed."""
        wanted = self._wanted.get()
        if wanted is None:
            return
        try:
            window = InProcessWindow(*wanted)
        except BaseException as error:
            self._opened.put(error)
            raise
        self._opened.put(window)
        window.run()
