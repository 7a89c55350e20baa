"""`run()`: a program that is its page, and ends with it."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .door import Door
from .errors import Disconnected, LaunchError
from .launchers import choose_modes, here
from .launchers.surface import Surface
from .launching import Launching
from .page import Page

if TYPE_CHECKING:
    from .launchers.window_here import WindowHere

__all__ = ["Running"]

SURE = 1.0  # seconds after which a page that left, and is not closed by then, is one that comes back

logger = logging.getLogger("jsmeets_local")


class Running(Launching):
    """An application that can be the whole of a program."""

    def run(
        self,
        page: str = "/",
        mode: str = "auto",
        main: Callable[[Page], Any] | None = None,
        **options: Any,
    ) -> None:
        """Launches a page and waits until the last page is closed, or Ctrl-C; then stops everything.

        In mode "window" this process shows the window itself, on its main thread, and `main` runs in another one.

        Args:
            page: As for `launch`.
            mode: As for `launch`.
            main: Called with the page when it is connected; what it raises stops everything and comes out of here. Only
                where the page has been closed, `Disconnected` is no error, but the way in which `main` ends with it.
            **options: As for `launch`.

        Raises:
            LaunchError: As `launch`; in mode "window" also where this process cannot show one: not on the main thread,
                in a notebook, or a second time with Qt.
        """
        try:
            if _shows_here(mode):
                self._run_here(page, main, options)
            else:
                self._play(page, mode, main, options)
                self.wait()
        except KeyboardInterrupt:
            pass  # the way to end a program that waits for its user
        finally:
            self.stop()

    def _play(self, page: str, mode: str, main: Callable[[Page], Any] | None, options: dict[str, Any]) -> None:
        handle: Page | None = None
        try:
            handle = self.launch(page, mode, **options)
            if main is not None:
                main(handle)
        except Disconnected as error:
            if handle is not None and not handle.wait(SURE + (handle.grace or 0.0)):
                raise
            logger.info("%s has ended with its page: %s", "launch()" if handle is None else "main()", error)

    def _run_here(self, page: str, main: Callable[[Page], Any] | None, options: dict[str, Any]) -> None:
        """The window belongs to this thread; launching it, and `main`, to another one."""
        stage = _Stage()
        failures: list[BaseException] = []

        def play() -> None:
            here.set(stage.open)
            try:
                self._play(page, "window", main, options)
            except BaseException as error:  # noqa: BLE001 - it belongs to who has called run()
                failures.append(error)
                self.stop()
            finally:
                stage.leave()

        thread = threading.Thread(target=play, name="jsmeets-main", daemon=True)
        thread.start()
        stage.show()
        thread.join()
        if failures:
            raise failures[0]
        self.wait()


def _shows_here(mode: str) -> bool:
    if mode not in ("window", "auto-window") or choose_modes(mode)[0] != "window":
        return False
    from .launchers.window_here import here_problem  # loaded with the first window, as below

    problem = here_problem()
    if problem is not None and mode == "window":
        raise LaunchError(problem)
    return problem is None


class _Stage:
    """Where another thread opens a window that the main thread shows."""

    def __init__(self) -> None:
        self._wanted: queue.SimpleQueue[tuple[Any, ...] | None] = queue.SimpleQueue()
        self._opened: queue.SimpleQueue[WindowHere | BaseException] = queue.SimpleQueue()

    def open(self, door: Door, url: str, look: dict[str, Any], ended: Callable[[], None]) -> Surface:
        """Has the main thread open a window; the next one of this thread gets a process of its own."""
        here.set(None)
        self._wanted.put((door, url, look, ended))
        window = self._opened.get()
        if isinstance(window, BaseException):
            raise window
        return window

    def leave(self) -> None:
        """No window is wanted any more."""
        self._wanted.put(None)

    def show(self) -> None:
        """On the main thread: shows the window, if one is wanted, until it is closed."""
        from .launchers.window_here import WindowHere

        wanted = self._wanted.get()
        if wanted is None:
            return
        try:
            window = WindowHere(*wanted)
        except BaseException as error:
            self._opened.put(error)
            raise
        self._opened.put(window)
        window.run()
