"""`run()`: a program that is its page, and ends with it."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from ..bridge.bridge import GOODBYE
from ..bridge.shutdown import at_end
from ..errors import Disconnected, LaunchError
from ..page import Page
from ..protocol.arguments import check_function
from . import choose_modes, window_opener
from .launcher import Launching

if TYPE_CHECKING:
    from ..server.thread import ServerThread

__all__ = ["Running"]

END_SECONDS = 3.0  # what a server gets to stop at the end of the program
WORKERS = 0.2  # seconds for the worker threads; one that is in a function of the user's cannot be hurried
SURE = 1.0  # seconds after which a page that left, and is not closed by then, is one that comes back

logger = logging.getLogger("jsmeets_local")

_apps: WeakSet[Running] = WeakSet()  # those that have been served


class Running(Launching):
    """An application that can be the whole of a program."""

    def run(
        self,
        page: str | os.PathLike[str] = "/",
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
            SystemExit: An exposed function or a callback called `sys.exit()`; everything has been stopped then.
            LaunchError: As `launch`; in mode "window" also where this process cannot show one: not on the main thread,
                in a notebook, or a second time with Qt.
            TypeError: `main` is no function.
        """
        if main is not None:
            check_function(main, "main")
        try:
            with self.bridge.exits.told_to(self.stop):  # which also ends what main() and the window wait for
                if _shows_here(mode):
                    self._run_here(page, main, options)
                else:
                    self._play(page, mode, main, options)
                    self.wait()
        except KeyboardInterrupt:
            pass  # the way to end a program that waits for its user
        finally:
            self.stop()

    def _play(
        self, page: str | os.PathLike[str], mode: str, main: Callable[[Page], Any] | None, options: dict[str, Any]
    ) -> None:
        handle: Page | None = None
        try:
            handle = self.launch(page, mode, **options)
            if main is not None:
                main(handle)
        except Disconnected as error:
            if handle is not None and not handle.wait(SURE + (handle.grace or 0.0)):
                raise
            logger.info("%s has ended with its page: %s", "launch()" if handle is None else "main()", error)

    def _run_here(
        self, page: str | os.PathLike[str], main: Callable[[Page], Any] | None, options: dict[str, Any]
    ) -> None:
        """The window belongs to this thread; launching it, and `main`, to another one."""
        from .window.main_thread import MainThreadWindows  # loaded with the first window, as below

        main_thread = MainThreadWindows()
        failures: list[BaseException] = []

        def play() -> None:
            window_opener.set(main_thread.open)
            try:
                self._play(page, "window", main, options)
            except BaseException as error:  # noqa: BLE001 - it belongs to who has called run()
                failures.append(error)
                self.stop()
            finally:
                main_thread.leave()

        thread = threading.Thread(target=play, name="jsmeets-main", daemon=True)
        thread.start()
        main_thread.show()
        thread.join()
        if failures:
            raise failures[0]
        self.wait()

    def _start_server(self, order: Any) -> ServerThread:
        _apps.add(self)  # before: Ctrl-C must find the server in the hands of who stops it
        return super()._start_server(order)

    def _end_with_program(self) -> None:
        """As `stop()`, but that nothing here waits for a loop that may be busy for ever."""
        server, portal = self._server or self._ending, self.bridge.portal
        if server is None or not server.is_running():
            return
        for ends in [page._client.presence.end for page in self._pages] + (
            [self._tracker.end] if self._tracker else []
        ):
            portal.post_or_run(ends)
        if portal.is_open():
            portal.post(server.close_port)
            portal.post(self.bridge.close_all, GOODBYE)
        server.end(END_SECONDS)
        self.bridge.join(WORKERS)


def _shows_here(mode: str) -> bool:
    if mode not in ("window", "auto-window") or choose_modes(mode)[0] != "window":
        return False
    from .window.in_process import in_process_problem

    problem = in_process_problem()
    if problem is not None and mode == "window":
        raise LaunchError(problem)
    return problem is None


@at_end
def _end_all() -> None:
    for app in list(_apps):
        app._end_with_program()
