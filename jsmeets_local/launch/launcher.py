"""Launcher: serves an ASGI application from a background thread, opens pages of it, and stops both."""

from __future__ import annotations

import functools
import logging
import os
import secrets
import sys
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias
from weakref import WeakValueDictionary

from starlette.types import ASGIApp

from ..bridge.bridge import GOODBYE, STOPPED, Bridge
from ..bridge.client import Client, Surface
from ..bridge.presence import PresenceTracker
from ..bridge.shutdown import at_shutdown
from ..bridge.tracebacks import cut, end_quietly
from ..errors import Disconnected, LaunchError, WouldDeadlock
from ..notebook.cells import Cell, current_cell, how_kernel_ends
from ..notebook.display import Iframe, launches
from ..notebook.marimo import marimo_session, when_visitor_leaves
from ..page import DocumentPage, Page
from ..protocol.arguments import check_function, seconds
from ..protocol.files import safe_name
from ..protocol.functions import Function
from ..server.access import Access
from ..server.access_cookie import AccessCookie
from ..server.one_time_urls import OneTimeUrls, PageUrls
from .modes import NoWindow, choose_modes
from .options import LaunchOptions, check_options
from .proxy import REACHABLE, site_at
from .transport import UNREACHED, show_in_notebook

if TYPE_CHECKING:
    from ..server.thread import ServerThread

__all__ = ["Launcher", "to_open", "too_late"]

EXIT_SECONDS = 3.0  # for the server to stop when the program ends
EXIT_WORKER_SECONDS = 0.2  # for the worker threads; a running function of the user cannot be interrupted
LEFT_SECONDS = 1.0  # a page that left and is not closed after this time is expected to reconnect

OpenWindow: TypeAlias = Callable[[Page, str, dict[str, Any], Callable[[], None]], Surface]

logger = logging.getLogger("jsmeets_local")

_launchers: WeakValueDictionary[int, Launcher] = WeakValueDictionary()  # id -> launcher that has served


class Launcher:
    """Launcher of one ASGI application.

    Args:
        app: The application. It routes the WebSocket of the bridge and the one-time URLs; its lifespan starts and stops
            the bridge.
        bridge: The bridge that its pages connect to.
        access: Access rules of the application; the launcher sets their token.
        one_time_urls: The one-time URLs that the application serves.
        locate: Given the `page` argument of `launch()`, returns its path in the application.
        answer_routes: Given a path, makes the document there answer all paths that nothing else serves; `None` if the
            application does not support `spa=True`.

    Attributes:
        prefix: The path at which a proxy serves the application, for requests without the header that carries it.
    """

    def __init__(
        self,
        app: ASGIApp,
        bridge: Bridge,
        access: Access,
        one_time_urls: OneTimeUrls,
        locate: Callable[[Any], str],
        answer_routes: Callable[[str], None] | None = None,
    ) -> None:
        self._app = app
        self._bridge = bridge
        bridge.page_factory = DocumentPage
        self._access = access
        self._one_time_urls = one_time_urls
        self._locate = locate
        self._answer_routes = answer_routes
        self.prefix = ""
        self._server: ServerThread | None = None
        self._starting: ServerThread | None = None  # the server that starts, until it serves or `stop` ends it
        self._ended_starts = 0  # the number of starts that `stop` has ended
        self._stopping: ServerThread | None = None  # the server that was stopped last
        self._presence: PresenceTracker | None = None  # of all pages together, while the application is served
        self._pages: list[Page] = []
        self._keys: Iterator[str] = iter(())  # for new pages, before random ones
        self._mode = "auto"  # of the last launch, the default of open()
        self._headless = False  # likewise
        self._base_url: str | None = None  # likewise
        self._dev_url: str | None = None  # likewise
        self._lock = threading.Lock()  # guards the server and the list of pages, which any thread may change
        self._start_lock = threading.RLock()  # held while a server starts

    # Serving and opening -------------------------------------------------------------------------------

    def launch(
        self,
        page: str | os.PathLike[str] = "/",
        mode: str = "auto",
        *,
        open_window: OpenWindow | None = None,
        **options: Any,
    ) -> Page:
        """Serve the application if it is not served yet, open a page, and wait until it has connected.

        `JsMeetsPy.launch` documents the other arguments, the returned page, and the exceptions.

        Args:
            page: See `JsMeetsPy.launch`.
            mode: See `JsMeetsPy.launch`.
            open_window: Opens the window in mode "window"; by default in a child process.
            **options: See `JsMeetsPy.launch`.
        """
        given = check_options(mode, **options)
        if self._bridge.portal.is_loop_thread():
            raise WouldDeadlock("launch() waits for the bridge's event loop and cannot be called on it")
        path = self._locate(page) if given.dev_url is None else "/" + os.fspath(page).lstrip("/")
        if given.spa:
            if self._answer_routes is None:
                raise TypeError("spa=True needs a JsMeetsPy; this application has its own router")
            self._answer_routes(path)
        modes = list(given.modes)
        while True:
            chosen = given.for_mode(modes.pop(0))
            handle = self._add_page(path, chosen)
            self._mode, self._dev_url, self._headless = chosen.mode, given.dev_url, chosen.headless
            self._base_url = None if given.dev_url is not None else given.base_url
            try:
                if chosen.mode != "none":
                    self.connect(handle, chosen, open_window)
            except BaseException as error:
                handle.close()
                if not modes or not isinstance(error, NoWindow):
                    raise
                logger.warning("%s", error)
            else:
                return handle

    def open(self, page: str | os.PathLike[str] = "/", mode: str | None = None, **options: Any) -> Page:
        """Open another page; see `JsMeetsPy.open`."""
        server = self._running_server()
        if not {"base_url", "dev_url"} & set(options):
            options |= {"base_url": self._base_url, "dev_url": self._dev_url}
        if mode is None and self._headless:
            options.setdefault("headless", True)
        options.setdefault("private", self._one_time_urls.access_cookie is not None)
        return self.launch(page, mode or self._mode, host=server.host, **options)

    def restore(self, token: str | None, keys: Iterator[str]) -> None:
        """Take over the pages of an earlier process, which reconnect with its token and keys.

        Args:
            token: The launch token of that process; a token that the user has set takes precedence.
            keys: The keys of pages in the order of their launch.
        """
        self._access.token = self._access.token or token
        self._keys = keys

    def connect(self, page: Page, options: LaunchOptions, open_window: OpenWindow | None = None) -> None:
        """Show a page and wait until it has connected.

        Args:
            page: The page.
            options: Options for one mode, except "none".
            open_window: Opens the window in mode "window"; by default in a child process.

        Raises:
            LaunchError: The page did not connect in time, or could not be shown.
            PageClosed: The user closed the window before the page had connected.
        """
        surface: Surface | None = None
        # All accounts of the machine can read command lines, so these never carry the token.
        if options.mode == "notebook":
            if options.headless:
                page.show()
            elif not show_in_notebook(page, options, self._app, self._running_server()):
                return
        if options.headless or options.mode == "app":
            from .chromium import BrowserWindow, app_command  # each mode is imported on first use
            from .headless import headless_command

            url, size = page._urls.fresh(), options.size
            command = headless_command(url, size) if options.headless else app_command(url, options.window)
            storage = None if options.headless else options.storage
            surface = BrowserWindow(command, storage, lambda: self._window_closed(page))
            page._client.put_on(surface, options.window.get("window_api", False))
        elif options.mode == "browser":
            from .browser import BrowserTab

            failed = functools.partial(self._bridge.portal.post_or_run, page._client.give_up)
            surface = BrowserTab(page._urls.fresh(), failed)
        elif options.mode == "window":
            from .window.out_of_process import WindowProcess

            url, closed = page._urls.told(), lambda: self._window_closed(page)  # a pipe carries this URL
            surface = (open_window or WindowProcess)(page, url, options.window, closed)
            page._client.put_on(surface, options.window.get("window_api", False))
        connected = page._client.presence.wait_until_connected(options.timeout)
        if not self._bridge.portal.block(connected, "await asyncio.to_thread(app.launch, ...)"):
            if surface is not None and page.is_closed():
                raise surface.failure()
            if options.timeout is None or page.is_closed():
                raise LaunchError("the page was closed before it had connected")
            raise LaunchError(too_late(page._urls.address, options.mode, options.timeout))

    def _add_page(self, path: str, options: LaunchOptions) -> Page:
        """Serve the application and return a new page of it. In a notebook, close the pages that it replaces."""
        cell = current_cell()
        replaced = self._close_earlier(cell) if cell is not None else []
        server = self._serve(options)
        by_name = options.by_localhost and server.owns_localhost()
        root = public = f"http://localhost:{server.port}/" if by_name else f"{server.base_url}/"
        if options.base_url is not None:
            site = site_at(options.base_url, server.port)
            root, public = site.root, site.public
            self.prefix = site.prefix or self.prefix
            self._access.open_to_proxy(site.origin)
        key = next(self._keys, None) or secrets.token_hex(8)
        path, _, fragment = path.partition("#")
        rest = f";{fragment}" if fragment else ""
        place = f"{path.removeprefix('/')}#jsmeets={self._access.token}.{key}{rest}"
        urls = PageUrls(self._one_time_urls, root, public, place, is_proxied=options.base_url is not None)
        iframe = Iframe(urls.framed, urls.title, *options.size, options.snapshot)
        page = Page(Client(self._bridge, key, urls.address, options.grace), urls.url, iframe, self._page_closed)
        page._urls = urls
        self._bridge.pages[key] = page
        self._bridge.portal.finalize(page, functools.partial(self._bridge.protocol.states.forget, key))
        with self._lock:  # drop closed pages, which may have no other reference
            self._pages = [*(known for known in self._pages if not known.is_closed()), page]
            if self._presence is not None:
                self._presence.grace = _longest_grace(self._pages)
        server.accept()
        launches.add(cell, page)
        for earlier in replaced:
            earlier.close()
        return page

    def _close_earlier(self, cell: Cell) -> list[Page]:
        """Close the pages that earlier runs of a cell launched, and stop other applications served with this bridge.

        Returns:
            The pages of this application. Close them once it has a new page, so that the server keeps running.
        """
        replaced = launches.replaced_by(cell)
        for earlier in set(replaced).difference(self._pages):
            earlier.close()
        if marimo_session() == "run":  # other applications may be those of other visitors
            return replaced
        for other in _served():
            if other is not self and other._bridge is self._bridge and other.is_serving:
                other.stop()
        return replaced

    def _serve(self, options: LaunchOptions) -> ServerThread:
        from ..server.thread import ServerThread, start_ended  # imported on first use

        ended_starts = self._ended_starts
        with self._start_lock:  # not self._lock: start-up handlers of the user may call stop() or close()
            if self._ended_starts != ended_starts:  # stop() has ended the start that this one waited for
                raise start_ended()
            server = self._server
            if server is not None and server.is_running():
                self._check_same(server, options)
                return server
            if self._stopping is not None:
                self._wait_stopped(self._stopping)
            if server is not None or self._stopping is not None:  # it may have been behind a proxy
                self._access.forget_proxies()
                self.prefix = ""
            self._access.token = self._access.token or secrets.token_urlsafe(32)
            self._one_time_urls.begin(AccessCookie() if options.private else None)
            _launchers[id(self)] = self  # before the server starts, so that an interrupted launch is stopped at exit
            binding = None
            if options.storage is not None:
                from .storage import bind_kept_port  # likewise

                binding = functools.partial(bind_kept_port, options.storage)
            server = ServerThread(self._app, options.host, options.port, options.switch_interval, binding)
            try:
                self._starting = server
                server.start(options.start_timeout)
                self._use(server)
            finally:
                self._starting = None
            when_visitor_leaves(self._stop_soon)
            return server

    def _use(self, server: ServerThread) -> None:
        """Make a server that has started the one of this application, unless `stop` has ended it."""
        try:
            if not server.is_local:
                logger.warning(_REACHABLE, server.host, server.port)
            presence = self._bridge.portal.call(self._begin, undo=PresenceTracker.end)
            with self._lock:
                is_ended = self._starting is not server
                if not is_ended:
                    self._starting, self._server, self._presence = None, server, presence
            if is_ended:
                from ..server.thread import start_ended

                self._bridge.portal.call(presence.end)
                raise start_ended()
        except BaseException:  # Ctrl-C before `stop` can see the server
            server.stop()
            raise

    def _stop_soon(self) -> None:
        """Stop on a thread of its own, for callers that must not wait."""
        self._bridge.portal.post_or_run(threading.Thread(target=self.stop, name="jsmeets-stop", daemon=True).start)

    def _begin(self) -> PresenceTracker:
        """Offer `$window` and `$save` to the pages, and return the presence of all of them. Runs on the loop."""
        for name, func in (("$window", self._command_window), ("$save", self._save_file)):
            self._bridge.protocol.functions.builtins[name] = Function(name, func, False)
        return PresenceTracker(self._bridge)

    def _check_same(self, server: ServerThread, options: LaunchOptions) -> None:
        host, port = options.host, options.port
        if host != server.host or port not in (0, server.port):
            raise LaunchError(
                f"this application is already served at {server.base_url}; call stop() to serve it at {host}:{port}"
            )
        if options.switch_interval not in (None, server.switch_interval):
            raise LaunchError("this application is already served with another switch_interval; call stop() first")
        if options.private and self._one_time_urls.access_cookie is None:
            raise LaunchError("this application is already served without private=True; call stop() first")

    # While it is served --------------------------------------------------------------------------------

    @property
    def is_serving(self) -> bool:
        """Return whether `launch()` serves the application, until `stop()`."""
        return self._server is not None

    @property
    def port(self) -> int:
        """Return the port; see `JsMeetsPy.port`."""
        return self._running_server().port

    @property
    def url(self) -> str:
        """Return the address of the application; see `JsMeetsPy.url`."""
        return self._running_server().base_url

    def _running_server(self) -> ServerThread:
        server = self._server
        if server is None or not server.is_running():
            raise LaunchError("this application is not served; call launch() first")
        return server

    @property
    def pages(self) -> tuple[Page, ...]:
        """Return the pages that are not closed, oldest first."""
        with self._lock:
            return tuple(page for page in self._pages if not page.is_closed())

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the last page is closed; see `JsMeetsPy.wait`."""
        limit, presence = seconds(timeout), self._presence
        self._bridge.exits.check()
        if presence is None:
            return True
        try:
            return self._bridge.exits.block(presence.wait_closed(limit), "await page.aio.wait()")
        except BaseException as error:
            cut(error)
            end_quietly(error)
            raise

    def _command_window(self, key: str, method: str, *args: Any) -> Any:
        """Run a `$window` call: a command of the page with this key to its own window."""
        page = self._page_with_window(key)
        page._client.check_accepts_commands()
        return page.window.request(method, *args)

    def _save_file(self, key: str, name: str, file: Any) -> bool:
        """Run a `$save` call: save a file that the page with this key downloads, if its user agrees in the dialog."""
        from .window.saving import save  # imported on first use

        path = self._page_with_window(key).window.save_dialog(safe_name(name) or "file")
        if path is None:
            return False
        save(file, path)
        return True

    def _page_with_window(self, key: str) -> Page:
        page = next((known for known in self.pages if known._client.key == key), None)
        if page is None:
            raise LaunchError("this page has no window to control")
        return page

    def _window_closed(self, page: Page) -> None:
        """Close the page of a window that has closed. The server keeps running, as when a tab is closed."""
        page._leave()
        with self._lock:
            if page in self._pages:
                self._pages.remove(page)
            presence, grace = self._presence, _longest_grace([page for page in self._pages if not page.is_closed()])
        if presence is not None:
            self._bridge.portal.post_or_run(presence.set_grace, grace)

    def _page_closed(self, page: Page) -> None:
        with self._lock:
            if page in self._pages:
                self._pages.remove(page)
            is_last = self._server is not None and all(known.is_closed() for known in self._pages)
        if is_last:
            self._stop_serving()

    # A whole program -----------------------------------------------------------------------------------

    def run(
        self,
        page: str | os.PathLike[str] = "/",
        mode: str = "auto",
        main: Callable[[Page], Any] | None = None,
        **options: Any,
    ) -> None:
        """Launch a page, wait until the last page is closed, and stop; see `JsMeetsPy.run`."""
        if main is not None:
            check_function(main, "main")
        try:
            with self._bridge.exits.on_request(self.stop):  # stop() also ends the waits of main() and the window
                if _shows_in_this_process(mode):
                    self._run_on_main_thread(page, main, options)
                else:
                    self._run_main(main, lambda: self._launch_and_tell(page, mode, options))
                    self.wait()
        except KeyboardInterrupt:
            pass  # the usual way to end a program that waits for its pages
        finally:
            self.stop()

    def _launch_and_tell(self, page: str | os.PathLike[str], mode: str, options: dict[str, Any]) -> Page:
        """Launch a page, and print its address if nothing opens it."""
        handle = self.launch(page, mode, **options)
        if mode == "none":
            print(to_open(handle), file=sys.stderr, flush=True)  # noqa: T201 - the user needs it
        return handle

    def _run_main(self, main: Callable[[Page], Any] | None, launch: Callable[[], Page]) -> None:
        handle: Page | None = None
        try:
            handle = launch()
            if main is not None:
                main(handle)
        except Disconnected as error:
            while handle is not None and not handle.wait(LEFT_SECONDS + (handle.grace or 0.0)):
                if handle.is_connected() or handle.grace is None:
                    raise
            logger.info("%s has ended with its page: %s", "launch()" if handle is None else "main()", error)

    def _run_on_main_thread(
        self, page: str | os.PathLike[str], main: Callable[[Page], Any] | None, options: dict[str, Any]
    ) -> None:
        """Show the window on this thread; launch it and run `main` on another."""
        from .window.in_process import MainThreadWindow

        window = MainThreadWindow()
        failures: list[BaseException] = []

        def run_main() -> None:
            try:
                self._run_main(main, lambda: self.launch(page, "window", open_window=window.open, **options))
            except BaseException as error:  # noqa: BLE001 - run() raises it
                failures.append(error)
                self.stop()
            finally:
                window.leave()

        thread = threading.Thread(target=run_main, name="jsmeets-main", daemon=True)
        thread.start()
        window.show()
        thread.join()
        if failures:
            raise failures[0]
        self.wait()

    # Stopping ------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Close all pages, and stop the server, also one that starts; see `JsMeetsPy.stop`."""
        with self._lock:
            starting = self._starting
            if starting is not None and starting.runs_here():  # a start-up handler of the user
                starting = None
            if starting is not None:
                self._starting = None
                self._ended_starts += 1
        if starting is not None:
            starting.end_start()
        self._stop_serving()

    def _stop_serving(self) -> None:
        """Close all pages and stop the server."""
        with self._lock:
            server, self._server = self._server, None
            self._stopping = server or self._stopping
            presence, self._presence = self._presence, None
            pages, self._pages = self._pages, []
        for page in pages:
            page._end()
        if presence is not None:
            self._bridge.portal.call(presence.end)
        if server is not None and self._bridge.portal.is_open():
            self._bridge.portal.post(server.close_port)  # first, or disconnected clients reconnect at once
            self._bridge.portal.post(self._bridge.close_all, STOPPED)
        stopping = self._stopping
        if stopping is not None:
            self._wait_stopped(stopping)
        for page in pages:
            page._join()

    def _wait_stopped(self, server: ServerThread) -> None:
        """Wait until a server has stopped, even if another thread is stopping it."""
        server.stop()
        self._bridge.join(timeout=1.0)

    def _stop_at_exit(self) -> None:
        """Stop at the end of the program, without waiting for a loop that may be blocked."""
        server, portal = self._starting or self._server or self._stopping, self._bridge.portal
        if server is None or not server.is_running():
            return
        for page in self._pages:
            portal.post_or_run(page._client.presence.end)
        if self._presence is not None:
            portal.post_or_run(self._presence.end)
        if portal.is_open():
            portal.post(server.close_port)
            portal.post(self._bridge.close_all, how_kernel_ends() or GOODBYE)
        server.end(EXIT_SECONDS)
        self._bridge.join(EXIT_WORKER_SECONDS)


_REACHABLE = (
    "host=%r exposes port %d to the network: anyone who reaches it can read pages, files and traffic; to connect, they "
    "need the token in page.url. The default host serves only this machine"
)


def to_open(page: Page) -> str:
    """Return the message for a page that its user opens."""
    return f"Open this in a browser on this machine: {page.url}\nCtrl-C ends it."


def too_late(address: str, mode: str, timeout: float) -> str:
    """Return the error text for a page that did not connect within the timeout; `address` carries no token."""
    text = f"no page connected within {timeout:g} s at {address}. "
    if mode == "notebook":
        text += f"{REACHABLE} {UNREACHED}"
    elif mode == "browser":
        text += 'Check that a browser has opened it; launch(mode="none") gives you page.url to open elsewhere. '
    return text + (
        "Check that the page loads the scripts: {{ jsmeets_scripts() }} in a template, "
        '<script src="/jsmeetspy/jsmeets.js"></script> in other HTML'
    )


def _shows_in_this_process(mode: str) -> bool:
    """Return whether `run()` shows the window in this process.

    Raises:
        LaunchError: Mode "window" cannot work in this process.
    """
    if mode not in ("window", "auto-window") or choose_modes(mode)[0] != "window":
        return False
    from .window.in_process import in_process_problem

    problem = in_process_problem()
    if problem is not None and mode == "window":
        raise LaunchError(problem)
    return problem is None


def _longest_grace(pages: list[Page]) -> float | None:
    """Return the longest grace time of the pages; `None` if one of them has no limit."""
    graces = [page.grace for page in pages]
    return None if None in graces else max(filter(None, graces), default=0.0)


def _served() -> list[Launcher]:
    """Return the launchers that have served and still exist."""
    return [launcher for reference in _launchers.valuerefs() if (launcher := reference()) is not None]


@at_shutdown
def _stop_all() -> None:
    for launcher in _served():
        launcher._stop_at_exit()
