"""A window of pywebview in this process, on its main thread: what a packaged program runs with."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from ...bridge.portal import Portal
from ...errors import JsPyError, LaunchError, PageClosed
from ...notebook.cells import kernel_shell
from .checks import advice, toolkit
from .child import NativeWindow
from .requests import CommandableWindow

__all__ = ["InProcessWindow", "in_process_problem"]

_INSTEAD = 'launch(mode="window") opens one in a process of its own'

_has_run = False  # a window, in this process


def in_process_problem() -> str | None:
    """Why this process cannot show a window itself; `None` where it can."""
    if kernel_shell() is not None:
        return f"run() with a window would hold up the kernel of this notebook; {_INSTEAD}"
    if threading.current_thread() is not threading.main_thread():
        return f"run() with a window has to be called on the main thread; {_INSTEAD} from any thread"
    if toolkit() == "qt":
        if _has_run:
            return f"Qt shows windows by run() only once in a process, and has done so; {_INSTEAD} any number of times"
        return _missing_library()
    return None


def _missing_library() -> str | None:
    """Qt ends the process where its plugin for X11 cannot be loaded: so try that first."""
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


class InProcessWindow(CommandableWindow):
    """The window of this process.

    Args:
        portal: The portal of the bridge's loop.
        url: What it shows.
        look: What `look.look()` gives.
        ended: Called once when it is closed.
    """

    def __init__(self, portal: Portal, url: str, look: dict[str, Any], ended: Callable[[], None]) -> None:
        super().__init__(portal, self._send)
        self._ended: Callable[[], None] | None = ended
        self._lock = threading.Lock()
        self._interrupted = False
        self._native = NativeWindow(url, {**look, "gui": toolkit()}, self._heard)

    def run(self) -> None:
        """Shows it and returns when it is closed.

        Raises:
            KeyboardInterrupt: Ctrl-C has closed it.
            LaunchError: The toolkit could not be started.
        """
        global _has_run
        _has_run = True
        before = signal.getsignal(signal.SIGINT)
        try:
            self._native.run(self._listen_for_interrupts)
        except Exception as error:
            raise LaunchError(f"the window did not open: {error}. {advice(str(error))}") from error
        finally:
            signal.signal(signal.SIGINT, before or signal.default_int_handler)  # pywebview leaves its own handler
            self._end()
        if self._interrupted:
            raise KeyboardInterrupt

    def close(self) -> None:
        """Closes it, and returns at once."""
        if self._ended is not None:
            threading.Thread(target=self._native.close, name="jsmeets-window", daemon=True).start()

    def join(self) -> None:
        """Nothing to wait for: `run()` waits."""

    def failure(self) -> JsPyError:
        """Why it is closed, though its page has not come."""
        return PageClosed("the window was closed before its page had connected")

    def _listen_for_interrupts(self) -> None:
        """On the thread of the toolkit, whose loop lets handlers of signals run now and then."""
        if threading.current_thread() is threading.main_thread():  # on Windows it is another one
            signal.signal(signal.SIGINT, self._interrupt)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self._interrupted = True
        self.close()

    def _send(self, number: int, method: str, args: list[Any]) -> None:
        self._native.request(method, args, lambda outcome: self._requests.answer(number, outcome))

    def _heard(self, event: str) -> None:
        if event == "closed":
            self._end()

    def _end(self) -> None:
        with self._lock:  # the toolkit tells it on one thread, and run() on another
            ended, self._ended = self._ended, None
        if ended is not None:
            self._requests.end()
            ended()
