"""How an application serves itself and shows its pages: `launch()`, `open()`, `run()`, `wait()`, `stop()`."""

from __future__ import annotations

import functools
import logging
import os
import secrets
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Unpack

from msgspec import Struct

from .. import launch as launchers
from ..bridge.bridge import STOPPED, Bridge
from ..bridge.client import Surface
from ..bridge.presence import GRACE, PresenceTracker, check_grace
from ..bridge.processes import check_launch
from ..bridge.tracebacks import cut, end_quietly
from ..errors import LaunchError, WouldDeadlock
from ..notebook.cells import current_cell
from ..notebook.display import SIZE, Frame, check_side, launches
from ..page import Page
from ..protocol.arguments import check_flag, seconds
from ..protocol.functions import Function
from ..server.access import Access
from ..server.access_cookie import AccessCookie
from ..server.documents import Documents
from ..server.one_time_urls import OneTimeUrls, PageUrls
from ..server.starlette_2020 import Starlette2020
from ..server.switch_interval import check_switch_interval
from .proxy import Site, base_url_of_notebook, check_base_url, is_shown_by_localhost, site_at
from .surface import NoWindow

if TYPE_CHECKING:
    from ..server.thread import ServerThread
    from .window.options import WindowOptions

__all__ = ["Launching"]

logger = logging.getLogger("jsmeets_local")

_REACHABLE = (
    "host=%r: whoever reaches port %d of this machine over the network can read its pages and files, and what goes to "
    "and fro; to connect they need page.url with its token. The default serves this machine alone"
)


class _Order(Struct, frozen=True):
    """What launch() was asked for, but for the mode."""

    path: str
    host: str
    port: int
    timeout: float | None
    size: tuple[int | str | None, int | str | None]
    grace: float | None
    base_url: str | None
    private: bool
    switch_interval: float | None
    window: dict[str, Any]


class _Look(Struct, frozen=True):
    """What a page shall be."""

    path: str
    size: tuple[int | str, int | str]
    grace: float | None
    base_url: str | None
    by_name: bool  # by "localhost", as the notebook is


class Launching(Starlette2020):
    """An application that can serve itself from a background thread."""

    _documents: Documents

    def _init_launching(self, bridge: Bridge, access: Access) -> None:
        self.bridge = bridge
        self._access = access
        self._one_time_urls = OneTimeUrls()
        self._failure: BaseException | None = None  # of the lifespan
        self._server: ServerThread | None = None
        self._is_launched = False  # or served by somebody else
        self._pages: list[Page] = []
        self._tracker: PresenceTracker | None = None  # all pages, from launch() to stop()
        self._new_key: Callable[[], str] = lambda: secrets.token_hex(8)  # the name of a page
        self._mode = "auto"  # of the last launch: what open() repeats
        self._base_url: str | None = None  # and this
        self._prefix = ""  # the path at which a proxy serves us, where no header tells it
        self._ending: ServerThread | None = None  # the server that was stopped last
        self._lock = threading.Lock()  # the server and the list of pages, which any thread may change
        self._launching = threading.RLock()  # one server is started at a time

    def launch(
        self,
        page: str | os.PathLike[str] = "/",
        mode: str = "auto",
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        timeout: float | None = 30.0,
        width: int | str | None = None,
        height: int | str | None = None,
        grace: float | None = GRACE,
        base_url: str | None = None,
        private: bool = False,
        spa: bool = False,
        switch_interval: float | None = None,
        **window: Unpack[WindowOptions],
    ) -> Page:
        """Serves the application from a background thread and opens a page of it.

        Args:
            page: A route (`"/"`), the name of a template or static file, a path on disk, or a text of HTML. The folder
                of a path on disk is served; its HTML files, and the text, get our scripts if they load none.
            mode: "browser" opens a tab; "window" a desktop window; "app" a browser of Chromium's family without its
                bars; "auto-window" what can be had of "window", "app" and "browser", in this order; "notebook" shows a
                frame under the cell; "none" opens nothing and returns at once: `page.url` is what to open, and the
                first call waits for it; "auto" is "notebook" in a Jupyter kernel, else "browser".
            host: The address to bind; only this machine can reach the default.
            port: The port; 0 for a free one.
            timeout: Seconds to wait for the page to connect; `None`, 0 or negative mean no limit.
            width: Of the window in pixels (800), or of the frame in a notebook in pixels or as a CSS length ("100%").
            height: As `width` (600; 400 in a notebook).
            grace: Seconds for which the page may be away (a reload, a link) before it counts as closed; `None` where
                only Python closes it, as is always so in a frame of a notebook. A page in a window is closed with it.
            base_url: Where a proxy serves the application, with `{port}` for its port: a path on the host of the
                notebook (`"/user/ann/proxy/{port}/"`) or a URL (`"https://example.org/{port}/"`). In a notebook the
                jupyter-server-proxy of JupyterHub, or of a server on another machine, is found without.
            private: Whether HTTP too answers only browsers that were led here: for machines that accounts share.
                `page.url` is good for the first browser that opens it, which gets a cookie. It holds for all pages of
                the server.
            spa: The page has a router of its own: addresses that nothing else serves lead to it, so that a reload of
                `/settings` opens the page there. Files that are missing stay missing. Of several such pages, the last
                one decides.
            switch_interval: Seconds after which a thread that computes in Python lets the server go on, while it runs,
                in all of the process: 0.0005 answers pages sooner beside a busy main thread. `None` leaves it alone.
            **window: Of a window: `title` (the page's by default), `position` of its upper left corner, `icon` (the
                path of an image; Linux), `resizable`, `fullscreen`, `on_top`, `min_size`, and `window_api`: whether the
                page itself may steer it. Mode "app" uses `position` and `fullscreen`. Each mode ignores the ones that
                it has no use for, so that `mode` can be the user's choice.

        Returns:
            The page, connected (but for "none"). A second launch opens another page of the same server; in a notebook
            the same cell, run again, replaces its page.

        Raises:
            OSError: The port is taken, or the host is none of this machine.
            LaunchError: No page connected in time (the text says at which URL), or the mode cannot work here.
            PageClosed: The user has closed the window before the page had connected.
            MissingExtra: The mode needs a package that is not installed.
            FileNotFoundError: There is no such page.
            TypeError: An option is of a wrong type, or there is none of that name.
            ValueError: There is no such mode, a value is out of range, or browsers refuse the port.
            Exception: What a start-up handler or the lifespan raised.
        """
        check_launch()
        modes, options = launchers.choose_modes(mode), launchers.window_options(window)
        seconds(timeout)
        check_flag("private", private)
        for name, side in (("width", width), ("height", height)):
            check_side(name, side)
        interval = check_switch_interval(switch_interval)
        check_base_url(base_url, whole=modes[0] not in ("notebook", "none"))
        if self.bridge.portal.is_loop_thread():
            raise WouldDeadlock("launch() waits for the bridge's event loop and cannot be called on it")
        path, grace = self._documents.locate(page), check_grace(grace)
        if spa:
            self._documents.answer_routes_by(path)
        order = _Order(path, host, port, timeout, (width, height), grace, base_url, private, interval, options)
        for able in modes[:-1]:
            try:
                return self._launch(able, order)
            except NoWindow as error:
                logger.warning("%s", error)
        return self._launch(modes[-1], order)

    def _launch(self, mode: str, order: _Order) -> Page:
        looks = launchers.window_look(mode, order.size, order.window)
        handle = self._replace(_look(mode, order), order)
        self._mode, self._base_url = mode, order.base_url
        try:
            surface = self._show(handle, mode, looks, order.window.get("window_api", False))
            if mode != "none" and not self._wait_connected(handle, order.timeout):
                if surface is not None and handle.is_closed():
                    raise surface.failure()
                raise LaunchError(launchers.too_late(handle._urls.address, mode, order.timeout))
        except BaseException:
            handle.close()
            raise
        return handle

    def _wait_connected(self, handle: Page, timeout: float | None) -> bool:
        operation = handle._client.presence.wait_until_connected(seconds(timeout))
        return self.bridge.portal.block(operation, "await asyncio.to_thread(app.launch, ...)")

    def _show(self, handle: Page, mode: str, looks: dict[str, Any], window_api: bool) -> Surface | None:
        if mode in ("window", "app"):
            # All accounts can read the arguments of a program. The process of a window is told by a pipe.
            url = handle._urls.told() if mode == "window" else handle._urls.fresh()
            surface = launchers.open_window(mode, self.bridge.portal, url, looks, lambda: self._window_closed(handle))
            handle._client.put_on(surface, window_api)
            return surface
        if mode == "browser":
            failed = functools.partial(self.bridge.portal.post_or_run, handle._client.give_up)
            return launchers.open_browser(handle._urls.fresh(), failed)
        if mode == "notebook":
            handle.show()
        return None

    def open(self, page: str | os.PathLike[str] = "/", mode: str | None = None, **options: Any) -> Page:
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
        options.setdefault("base_url", self._base_url)
        options.setdefault("private", self._one_time_urls.access_cookie is not None)
        return self.launch(page, mode or self._mode, host=server.host, **options)

    @property
    def pages(self) -> tuple[Page, ...]:
        """The pages that were launched or opened and are not closed, oldest first."""
        with self._lock:
            return tuple(page for page in self._pages if not page.is_closed())

    def wait(self, timeout: float | None = None) -> bool:
        """Waits until the last page is closed: gone for the grace time, so that a reload is not a close.

        Args:
            timeout: Seconds; `None`, 0 or negative mean no limit.

        Returns:
            Whether no page is open any more; `False` also while the first one has not come yet.

        Raises:
            SystemExit: In the main thread: an exposed function or a callback called `sys.exit()`. Not in a notebook.
        """
        limit, tracker = seconds(timeout), self._tracker
        self.bridge.exits.check()
        if tracker is None:
            return True
        try:
            return self.bridge.exits.block(tracker.wait_closed(limit), "await page.aio.wait()")
        except BaseException as error:
            cut(error)
            end_quietly(error)
            raise

    def stats(self) -> dict[str, Any]:
        """What is there and what has been, in numbers: of the bridge, and so of all applications that share it.

        Returns:
            `pages`: for each its `socket`, `page` name, whether it is `connected`, its `reconnects`, the
            `round_trip_seconds` that the last look has found, what is `waiting` to be sent and confirmed
            (`waiting_bytes`), `dropped`, `sent` (`sent_bytes`) and `received` (`received_bytes`), and its
            `running_calls` in Python. `pending_calls` of Python in pages; `ignored_answers`, which came late, twice, or
            from another page; `queues` with the number of their items; `queue_items_dropped`; `topics` with the number
            of their subscribers; `workers`: `threads`, how many are `running` and `waiting` for pages, and
            `lanes_waiting` for a thread. Pages get it as JSON from `/jsmeetspy/stats`, with the token.
        """
        stats: dict[str, Any] = self.bridge.portal.call(self.bridge.stats)
        return stats

    def stop(self) -> None:
        """Closes all pages and stops the server that `launch()` started; returns when port and threads are free.

        On the bridge's own loop it returns at once, and the server stops as soon as the loop can.
        """
        with self._lock:
            server, self._server = self._server, None
            self._is_launched = False
            self._ending = server or self._ending
            if self.bridge.owner is self:
                self.bridge.owner = None
            tracker, self._tracker = self._tracker, None
            pages, self._pages = self._pages, []
        for page in pages:
            page._end()
        if tracker is not None:
            self.bridge.portal.call(tracker.end)
        if server is not None and self.bridge.portal.is_open():
            self.bridge.portal.post(server.close_port)  # or those who are sent away would come back for a moment
            self.bridge.portal.post(self.bridge.close_all, STOPPED)
        self._wait_for_end()
        for page in pages:
            page._join()

    def _wait_for_end(self) -> None:
        """Waits until the server that is being stopped, by whomever, has ended."""
        ending = self._ending
        if ending is not None:
            ending.stop()
            self.bridge.join(timeout=1.0)

    def _serve(self, order: _Order) -> ServerThread:
        with self._launching:  # not under the lock: the start-up handlers of the user may stop() or close()
            server = self._server
            if server is not None and server.is_running():
                self._check_same(server, order)
                return server
            self._wait_for_end()
            self._access.token = self._access.token or secrets.token_urlsafe(32)
            self._access.forget_proxies()
            self._prefix = ""
            self._is_launched = True
            self._one_time_urls.begin(AccessCookie() if order.private else None)
            server = self._start_server(order)
            try:
                tracker = self.bridge.portal.call(PresenceTracker, self.bridge, undo=PresenceTracker.end)
                self.bridge.protocol.functions.builtins["$window"] = Function(
                    "$window", self._run_window_command, exclusive=False
                )
                with self._lock:
                    self._server, self._tracker, self.bridge.owner = server, tracker, self
            except BaseException:  # Ctrl-C, before `stop` knows of it
                server.stop()
                raise
            return server

    def _start_server(self, order: _Order) -> ServerThread:
        from ..server.thread import ServerThread  # loaded to serve, not before

        try:
            server = ServerThread(self, order.host, order.port, order.switch_interval)
        except LaunchError:
            if self._failure is not None:
                raise self._failure from None
            raise
        if not server.is_local:
            logger.warning(_REACHABLE, order.host, server.port)
        return server

    def _check_same(self, server: ServerThread, order: _Order) -> None:
        host, port = order.host, order.port
        if host != server.host or port not in (0, server.port):
            raise LaunchError(
                f"this application is served at {server.base_url} already; stop() it to serve it at {host}:{port}"
            )
        if order.switch_interval not in (None, server.switch_interval):
            raise LaunchError("this application is served already, with another switch_interval; stop() it first")
        if order.private and self._one_time_urls.access_cookie is None:
            raise LaunchError("this application is served already, and not in private; stop() it first")

    def _replace(self, look: _Look, order: _Order) -> Page:
        """Opens a page. In a notebook, what the same cell launched before goes, and the bridge changes hands."""
        earlier = launches.replaced_by(cell := current_cell())
        for page in set(earlier).difference(self._pages):
            page.close()
        if cell is not None and self.bridge.owner not in (None, self):
            self.bridge.owner.stop()
        handle = self._make_page(server := self._serve(order), look)
        server.accept()
        launches.add(cell, handle)
        for page in earlier:  # now, so that our own server goes on
            page.close()
        return handle

    def _make_page(self, server: ServerThread, look: _Look) -> Page:
        key = self._new_key()
        path, _, fragment = look.path.partition("#")
        rest = f";{fragment}" if fragment else ""
        place = f"{path.removeprefix('/')}#jsmeets={self._access.token}.{key}{rest}"
        site = self._site(server, look)
        urls = PageUrls(self._one_time_urls, site.root, site.public, place, site.is_proxied)
        page = Page(self.bridge, key, urls, self._page_closed, Frame(urls.framed, urls.title(), *look.size), look.grace)
        with self._lock:  # closed ones are forgotten here: their tabs are gone, and their handles may be
            self._pages = [*(known for known in self._pages if not known.is_closed()), page]
            if self._tracker is not None:
                self._tracker.grace = _most_patient(self._pages)
        return page

    def _site(self, server: ServerThread, look: _Look) -> Site:
        """Where browsers find us; what a proxy changes for those who come by it."""
        by_name = look.by_name and server.owns_localhost()
        local = f"http://localhost:{server.port}" if by_name else server.base_url
        site = site_at(local, server.port, look.base_url)
        self._prefix = site.prefix or self._prefix
        if site.is_proxied:
            self._access.open_to_proxy(site.origin)
        return site

    def _window_closed(self, page: Page) -> None:
        """The page has gone with its window, at once; the server goes on, as it does when a tab is closed."""
        page._leave()
        with self._lock:
            if page in self._pages:
                self._pages.remove(page)
            tracker, grace = self._tracker, _most_patient([known for known in self._pages if not known.is_closed()])
        if tracker is not None:
            self.bridge.portal.post_or_run(tracker.set_grace, grace)

    def _run_window_command(self, name: str, method: str, *args: Any) -> Any:
        """What pages call as `$window`: a request to the window of the page of that name."""
        page = next((known for known in self.pages if known._client.key == name), None)
        if page is None:
            raise LaunchError("this page has no window that it could steer")
        page._client.check_accepts_commands()
        return page.window.request(method, *args)

    def _page_closed(self, page: Page) -> None:
        with self._lock:
            if page in self._pages:
                self._pages.remove(page)
            last = all(known.is_closed() for known in self._pages) and self._server is not None
        if last:
            self.stop()


def _look(mode: str, order: _Order) -> _Look:
    in_notebook = mode == "notebook"
    base_url = base_url_of_notebook() if in_notebook and order.base_url is None else order.base_url
    width, height = (default if asked is None else asked for asked, default in zip(order.size, SIZE, strict=True))
    by_name = in_notebook and is_shown_by_localhost()
    grace = order.grace if launchers.is_closed_by_absence(mode) else None
    return _Look(order.path, (width, height), grace, base_url, by_name)


def _most_patient(pages: list[Page]) -> float | None:
    """The grace time of all pages together."""
    graces = [page.grace for page in pages]
    return None if None in graces else max(filter(None, graces), default=0.0)
