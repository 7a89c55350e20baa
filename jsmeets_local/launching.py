"""How an application serves itself and shows its pages: `launch()`, `open()`, `run()`, `wait()`, `stop()`."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

from .bridge import Bridge
from .cells import here
from .compat import Starlette2020
from .core.arguments import seconds
from .errors import LaunchError, WouldDeadlock
from .gate import Gate
from .launchers import choose_mode, open_browser, too_late
from .launchers.notebook import SIZE, launches
from .page import Page
from .presence import GRACE, Crowd, check_grace
from .server import ServerThread
from .views import Views

__all__ = ["Launching"]


class _Look(NamedTuple):
    """What a page shall be."""

    path: str
    size: tuple[int | str, int | str]
    grace: float | None


class Launching(Starlette2020):
    """An application that can serve itself from a background thread."""

    _views: Views

    def _init_launching(self, bridge: Bridge, gate: Gate) -> None:
        self.bridge = bridge
        self._gate = gate
        self._failure: BaseException | None = None  # of the lifespan
        self._server: ServerThread | None = None
        self._pages: list[Page] = []
        self._crowd: Crowd | None = None  # all pages, from launch() to stop()
        self._new_key: Callable[[], str] = lambda: secrets.token_hex(8)  # the name of a page
        self._mode = "auto"  # of the last launch: what open() repeats
        self._ending: ServerThread | None = None  # the server that was stopped last
        self._lock = threading.Lock()  # the server and the list of pages, which any thread may change
        self._launching = threading.RLock()  # one server is started at a time

    def launch(
        self,
        page: str = "/",
        mode: str = "auto",
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        timeout: float | None = 30.0,
        width: int | str = SIZE[0],
        height: int | str = SIZE[1],
        grace: float | None = GRACE,
    ) -> Page:
        """Serves the application from a background thread and opens a page of it.

        Args:
            page: A route (`"/"`), the name of a template or static file, a path on disk (its folder is served), or a
                text of HTML; these two get our scripts if they load none.
            mode: "browser" opens a tab; "notebook" shows a frame under the cell; "none" opens nothing and returns at
                once: `page.url` is what to open, and the first call waits for it; "auto" is "notebook" in a Jupyter
                kernel, else "browser".
            host: The address to bind; only this machine can reach the default.
            port: The port; 0 for a free one.
            timeout: Seconds to wait for the page to connect; `None`, 0 or negative mean no limit.
            width: Of the frame in a notebook, in pixels or as a CSS length.
            height: As `width`.
            grace: Seconds for which the page may be away (a reload, a link) before it counts as closed; `None` where
                only Python closes it, as is always so in a frame of a notebook.

        Returns:
            The page, connected (but for "none"). A second launch opens another page of the same server; in a notebook
            the same cell, run again, replaces its page.

        Raises:
            OSError: The port is taken.
            LaunchError: No page connected in time (the text says at which URL), or the mode cannot work here.
            MissingExtra: The mode needs a package that is not installed.
            FileNotFoundError: There is no such page.
            Exception: What a start-up handler or the lifespan raised.
        """
        mode = choose_mode(mode)
        seconds(timeout)
        check_grace(grace)
        if self.bridge.door.is_here():
            raise WouldDeadlock("launch() waits for the bridge's event loop and cannot be called on it")
        path = self._views.locate(page)
        view = _Look(path, (width, height), None if mode == "notebook" else check_grace(grace))
        handle = self._replace(view, host, port)
        self._mode = mode
        try:
            if mode == "browser":
                open_browser(handle.url)
            elif mode == "notebook":
                handle.show()
            if mode != "none" and not handle.wait_connected(timeout):
                raise LaunchError(too_late(handle.url, mode, timeout))
        except BaseException:
            handle.close()
            raise
        return handle

    def open(self, page: str = "/", mode: str | None = None, **options: Any) -> Page:
        """Opens another page of the application that is being served.

        Args:
            page: As for `launch`.
            mode: As for `launch`; by default what the last launch had.
            **options: As for `launch`.

        Returns:
            The new page, connected (but for "none").

        Raises:
            LaunchError: The application is not served: `launch` comes first. Also as for `launch`.
        """
        server = self._server
        if server is None or not server.is_running():
            raise LaunchError("this application is not served yet, or any more: launch() it first, then open() others")
        return self.launch(page, mode or self._mode, host=server.host, **options)

    @property
    def pages(self) -> tuple[Page, ...]:
        """The pages that were launched or opened and are not closed, oldest first."""
        with self._lock:
            return tuple(page for page in self._pages if not page.is_closed())

    def run(
        self,
        page: str = "/",
        mode: str = "auto",
        main: Callable[[Page], Any] | None = None,
        **options: Any,
    ) -> None:
        """Launches a page and waits until the last page is closed, or Ctrl-C; then stops everything.

        Args:
            page: As for `launch`.
            mode: As for `launch`.
            main: Called with the page when it is connected; what it raises stops everything and comes out of here.
            **options: As for `launch`.
        """
        handle = self.launch(page, mode, **options)
        try:
            if main is not None:
                main(handle)
            self.wait()
        except KeyboardInterrupt:
            pass  # the way to end a program that waits for its user
        finally:
            self.stop()

    def wait(self, timeout: float | None = None) -> bool:
        """Waits until the last page is closed: gone for the grace time, so that a reload is not a close.

        Args:
            timeout: Seconds; `None`, 0 or negative mean no limit.

        Returns:
            Whether no page is open any more; `False` also while the first one has not come yet.
        """
        limit, crowd = seconds(timeout), self._crowd
        if crowd is None:
            return True
        return self.bridge.door.block(crowd.wait_closed(limit), "await page.aio.wait()")

    def stop(self) -> None:
        """Closes all pages and stops the server that `launch()` started; returns when port and threads are free.

        On the bridge's own loop it returns at once, and the server stops as soon as the loop can.
        """
        with self._lock:
            server, self._server = self._server, None
            self._ending = server or self._ending
            if self.bridge.owner is self:
                self.bridge.owner = None
            crowd, self._crowd = self._crowd, None
            pages, self._pages = self._pages, []
        for page in pages:
            page._end()
        if crowd is not None:
            self.bridge.door.ask(crowd.end)
        if server is not None and self.bridge.door.is_open():
            self.bridge.door.post(self.bridge.close_all, "the Python program has ended")
        self._wait_for_end()

    def _wait_for_end(self) -> None:
        """Waits until the server that is being stopped, by whomever, has ended."""
        ending = self._ending
        if ending is not None:
            ending.stop()
            self.bridge.join(timeout=1.0)

    def _serve(self, host: str, port: int) -> ServerThread:
        with self._launching:  # not under the lock: the start-up handlers of the user may stop() or close()
            server = self._server
            if server is not None and server.is_running():
                self._check_same(server, host, port)
                return server
            self._wait_for_end()
            self._gate.token = self._gate.token or secrets.token_urlsafe(32)
            server = self._start_server(host, port)
            crowd = self.bridge.door.ask(Crowd, self.bridge)
            with self._lock:
                self._server, self._crowd, self.bridge.owner = server, crowd, self
            return server

    def _start_server(self, host: str, port: int) -> ServerThread:
        try:
            return ServerThread(self, host, port)
        except LaunchError:
            if self._failure is not None:
                raise self._failure from None
            raise

    def _check_same(self, server: ServerThread, host: str, port: int) -> None:
        if host != server.host or port not in (0, server.port):
            raise LaunchError(
                f"this application is served at {server.base_url} already; stop() it to serve it at {host}:{port}"
            )

    def _replace(self, look: _Look, host: str, port: int) -> Page:
        """Opens a page. In a notebook, what the same cell launched before goes, and the bridge changes hands."""
        cell = here()
        earlier = launches.replaced_by(cell)
        for page in set(earlier).difference(self._pages):
            page.close()
        if cell is not None and self.bridge.owner not in (None, self):
            self.bridge.owner.stop()
        handle = self._make_page(self._serve(host, port), look)
        launches.add(cell, handle)
        for page in earlier:  # now, so that our own server goes on
            page.close()
        return handle

    def _make_page(self, server: ServerThread, look: _Look) -> Page:
        key = self._new_key()
        path, _, fragment = look.path.partition("#")
        rest = f";{fragment}" if fragment else ""
        url = f"{server.base_url}{path}#jsmeets={self._gate.token}.{key}{rest}"
        page = Page(self.bridge, key, url, self._page_closed, look.size, look.grace)
        with self._lock:  # closed ones are forgotten here: their tabs are gone, and their handles may be
            self._pages = [*(known for known in self._pages if not known.is_closed()), page]
            if self._crowd is not None:
                self._crowd.grace = _most_patient(self._pages)
        return page

    def _page_closed(self, page: Page) -> None:
        with self._lock:
            if page in self._pages:
                self._pages.remove(page)
            last = all(known.is_closed() for known in self._pages) and self._server is not None
        if last:
            self.stop()


def _most_patient(pages: list[Page]) -> float | None:
    """The grace time of all pages together."""
    graces = [page.grace for page in pages]
    return None if None in graces else max(filter(None, graces), default=0.0)
