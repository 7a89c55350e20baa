"""A pywebview window on the main thread of this process, for `run(mode="window")`."""

from __future__ import annotations

import queue
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from ...bridge.client import Surface
from ...errors import JsPyError, LaunchError, PageClosed
from ...notebook.cells import kernel_shell
from ...page import Page
from .native_window import NativeWindow
from .requests import CommandableWindow
from .requirements import advice, toolkit

__all__ = ["MainThreadWindow", "in_process_problem"]

_INSTEAD = 'launch(mode="window") opens one in its own process'

_has_run = False  # a window has run in this process


def in_process_problem() -> str | None:
    """Return why `run()` cannot show a window in this process, or `None`."""
    if kernel_shell() is not None:
        return f"run() with a window would block the kernel of this notebook; {_INSTEAD}"
    if threading.current_thread() is not threading.main_thread():
        return f"run() with a window must be called on the main thread; {_INSTEAD} from any thread"
    if toolkit() == "qt":
        if _has_run:
            return f"Qt can show a window with run() only once per process; {_INSTEAD} any number of times"
        return _missing_library()
    return None


def _missing_library() -> str | None:
    """Try to load Qt's X11 plugin and return the problem: Qt aborts the process if that fails."""
    import ctypes

    try:
        from qtpy.QtCore import QLibraryInfo

        plugins = QLibraryInfo.path(QLibraryInfo.LibraryPath.PluginsPath)
        plugin = Path(plugins, "platforms", "libqxcb.so")
        if plugin.exists():
            ctypes.CDLL(str(plugin))
    except (ImportError, OSError) as error:
        return f"Qt cannot be loaded: {error}. {advice(str(error))}"
    return None


class _InProcessWindow(CommandableWindow):
    """Window on the main thread of this process.

    Args:
        page: The page that it shows.
        url: The URL to show.
        parameters: The result of `window_parameters()`.
        on_closed: Called once when the window is closed.
    """

    def __init__(self, page: Page, url: str, parameters: dict[str, Any], on_closed: Callable[[], None]) -> None:
        super().__init__(page, parameters, self._send_request, on_closed)
        self._interrupted = False
        self._native = NativeWindow(url, self.parameters, self._handle_event)

    def run(self) -> None:
        """Show the window and return when it is closed.

        Raises:
            KeyboardInterrupt: Ctrl-C closed the window.
            LaunchError: The toolkit could not be started.
        """
        global _has_run
        _has_run = True
        before = signal.getsignal(signal.SIGINT)
        try:
            self._native.run(self._install_interrupt_handler)
        except Exception as error:
            raise LaunchError(f"the window did not open: {error}. {advice(str(error))}") from error
        finally:
            signal.signal(signal.SIGINT, before or signal.default_int_handler)  # pywebview leaves its own handler
            self._native.leave_storage()
            self._end()
        if self._interrupted:
            raise KeyboardInterrupt

    def close(self) -> None:
        """Close the window and return at once."""
        if not self.is_closed():
            threading.Thread(target=self._native.close, name="jsmeets-window", daemon=True).start()

    def join(self) -> None:
        """Do nothing: `run()` waits."""

    def failure(self) -> JsPyError:
        """Return the exception for a window that was closed before its page had connected."""
        return PageClosed("the window was closed before its page connected")

    def _install_interrupt_handler(self) -> None:
        """Install a SIGINT handler on the toolkit's thread; its loop runs Python signal handlers periodically."""
        if threading.current_thread() is threading.main_thread():  # on Windows it is another thread
            signal.signal(signal.SIGINT, self._interrupt)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self._interrupted = True
        self.close()

    def _send_request(self, number: int, method: str, args: list[Any]) -> None:
        self._native.request(method, args, lambda outcome: self._answer(number, outcome))


class MainThreadWindow:
    """Window that another thread opens and the main thread shows."""

    def __init__(self) -> None:
        self._requested: queue.SimpleQueue[tuple[Any, ...] | None] = queue.SimpleQueue()
        self._opened: queue.SimpleQueue[_InProcessWindow | BaseException] = queue.SimpleQueue()

    def open(self, page: Page, url: str, parameters: dict[str, Any], on_closed: Callable[[], None]) -> Surface:
        """Open the window on the main thread; the arguments are those of `_InProcessWindow`."""
        self._requested.put((page, url, parameters, on_closed))
        window = self._opened.get()
        if isinstance(window, BaseException):
            raise window
        return window

    def leave(self) -> None:
        """Make `show()` return if no window was opened."""
        self._requested.put(None)

    def show(self) -> None:
        """Show the window until it is closed, on the main thread. Return without a window after `leave()`."""
        requested = self._requested.get()
        if requested is None:
            return
        try:
            window = _InProcessWindow(*requested)
        except BaseException as error:
            self._opened.put(error)
            raise
        self._opened.put(window)
        window.run()
