"""`JsMeetsPy`: the Starlette application with the bridge in it, and `launch()`."""

from __future__ import annotations

import secrets
import threading
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeVar, overload

from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Mount, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from .api.binarysocket import JsPyBinarySocket
from .api.function import Functions
from .api.pubsub import Pubsub
from .api.queue import QueuesApi
from .api.textsocket import TextSockets
from .bridge import Bridge, default_bridge
from .cells import here
from .compat import Handler, Handlers, Starlette2020, Templates, enter_request
from .core.arguments import seconds
from .endpoint import Guarded, TextEndpoint
from .errors import LaunchError, WouldDeadlock
from .gate import Gate
from .launchers import choose_mode, open_browser, too_late
from .launchers.notebook import SIZE, launches
from .page import Page
from .presence import Crowd
from .server import ServerThread
from .staticfiles import Assets
from .views import Views

__all__ = ["JsMeetsPy"]

F = TypeVar("F", bound=Callable[..., Any])


class JsMeetsPy(Starlette2020):
    """A Starlette application whose pages and Python call, push and publish to each other.

    Args:
        debug: Show tracebacks on errors of HTTP requests.
        routes: As Starlette's.
        middleware: As Starlette's.
        exception_handlers: As Starlette's.
        on_startup: Functions, plain or async, to run when the server starts.
        on_shutdown: Functions, plain or async, to run when it stops.
        lifespan: As Starlette's.
        static: A folder that is served under `/static`.
        templates: A folder of Jinja2 templates for `app.templates.TemplateResponse(...)`.
        bridge: Functions, queues, topics and sockets of its own; the default is shared by all applications of the
            process, and by `jsmeets_local.JsPyFunction` and its siblings.
        token: What a page must know to connect. `launch()` makes one; served by plain uvicorn the default is none.
        allowed_hosts: Host names (`Host` header) beyond the server's own.
        allowed_origins: Origins (`"https://example.org"`) beyond the server's own.

    Attributes:
        templates: The Jinja2 templates (only where `templates` was given).
        bridge: The bridge.
        functions: `JsPyFunction` of this bridge.
        queues: `JsPyQueue` of this bridge.
        pubsub: `JsPyPubsub` of this bridge.
        sockets: `JsPyTextSocket` of this bridge.
    """

    templates: Templates

    def __init__(
        self,
        debug: bool = False,
        routes: Sequence[BaseRoute] | None = None,
        middleware: Sequence[Middleware] | None = None,
        exception_handlers: Mapping[Any, Any] | None = None,
        on_startup: Sequence[Handler] | None = None,
        on_shutdown: Sequence[Handler] | None = None,
        lifespan: Callable[[Any], AbstractAsyncContextManager[Any]] | None = None,
        *,
        static: str | None = None,
        templates: str | None = None,
        bridge: Bridge | None = None,
        token: str | None = None,
        allowed_hosts: Collection[str] = (),
        allowed_origins: Collection[str] = (),
    ) -> None:
        super().__init__(debug, routes, middleware, exception_handlers, lifespan=self._run_lifespan)
        self.bridge = bridge if bridge is not None else default_bridge()
        self.functions = Functions(self.bridge)
        self.queues = QueuesApi(self.bridge)
        self.pubsub = Pubsub(self.bridge)
        self.sockets = TextSockets(self.bridge)
        self._handlers = Handlers(on_startup, on_shutdown, lifespan)
        self._gate = Gate(token, allowed_hosts, allowed_origins)
        self._failure: BaseException | None = None
        self._server: ServerThread | None = None
        self._pages: list[Page] = []
        self._crowd: Crowd | None = None  # all pages, from launch() to stop()
        self._ending: ServerThread | None = None  # the server that was stopped last
        self._lock = threading.Lock()  # the server and the list of pages, which any thread may change
        self._launching = threading.RLock()  # one server is started at a time
        if templates is not None:
            self.templates = Templates(templates)
        self._views = Views(self, static, templates)
        endpoint = TextEndpoint(self.bridge, self._gate)
        self.router.routes[:0] = [
            WebSocketRoute(self.sockets.url_path(), endpoint),
            Mount("/jsmeetspy", Assets(), name="jsmeetspy"),
        ]
        if static is not None:
            self.mount("/static", StaticFiles(directory=static), name="static")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        if scope["type"] == "http":
            enter_request(scope, receive)
        await super().__call__(scope, receive, send)

    # WebSockets ----------------------------------------------------------------------------------------

    def websocket_route(self, path: str, name: str | None = None) -> Callable[[F], F]:
        """Decorator: serves WebSockets at a path by `async func(websocket)`; foreign origins are refused."""

        def decorate(func: F) -> F:
            self._add_websocket(path, func, self._gate.without_token(), name)
            return func

        return decorate

    def add_socket(self, endpoint: Any) -> None:
        """Adds a WebSocket endpoint.

        Args:
            endpoint: A `JsPyBinarySocket`; or a class (`starlette.endpoints.WebSocketEndpoint`) or an object with
                `url_path()` and `endpoint()`, and where needed `startup_handler()` and `shutdown_handler()`.
        """
        gate = self._gate.without_token()
        if isinstance(endpoint, TextSockets):
            return  # every application has it
        if isinstance(endpoint, JsPyBinarySocket):
            endpoint.bind(self.bridge)
            gate = self._gate
        self._add_websocket(endpoint.url_path(), endpoint.endpoint(), gate)
        for event_type in ("startup", "shutdown"):
            handler = getattr(endpoint, f"{event_type}_handler", None)
            if handler is not None:
                self.add_event_handler(event_type, handler)

    def _add_websocket(self, path: str, endpoint: Any, gate: Gate, name: str | None = None) -> None:
        inner = WebSocketRoute(path, endpoint, name=name)
        inner.app = Guarded(inner.app, gate)
        self.router.routes.insert(0, inner)  # before the mount of our own files

    @asynccontextmanager
    async def _run_lifespan(self, app: Any) -> AsyncIterator[Any]:
        """The bridge around the user's start-up and shutdown; what fails is kept for `launch()`."""
        self._failure = None
        try:
            self.bridge.start()
            try:
                async with self._handlers.run(app) as state:
                    yield state
            finally:
                await self.bridge.stop()
        except BaseException as error:
            self._failure = error
            raise

    # Functions -----------------------------------------------------------------------------------------

    @overload
    def expose(self, key: F) -> F: ...
    @overload
    def expose(self, key: str | None = None, *, exclusive: bool = False) -> Callable[[F], F]: ...

    def expose(self, key: Any = None, *, exclusive: bool = False) -> Any:
        """Decorator: lets pages call a function, `@app.expose` by its own name or `@app.expose("name")`.

        Args:
            key: The name; an earlier function of that name is replaced.
            exclusive: Run its calls one at a time, first come first served, across all pages.

        Raises:
            RuntimeError: The old function of that name is running.
        """
        if callable(key):
            return self._expose(None, key, exclusive)
        return lambda func: self._expose(key, func, exclusive)

    def _expose(self, key: str | None, func: F, exclusive: bool) -> F:
        key = key or getattr(func, "__name__", None)
        if key is None:
            raise TypeError(f'{func!r} has no name of its own; give it one: app.expose("name")(...)')
        if not self.functions.expose(key, func, exclusive):
            raise RuntimeError(f"the function exposed as {key!r} is running; it can be replaced when it has ended")
        return func

    # Launching -----------------------------------------------------------------------------------------

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
    ) -> Page:
        """Serves the application from a background thread and opens a page of it.

        Args:
            page: A route (`"/"`), the name of a template or static file, a path on disk (its folder is served), or a
                text of HTML (which gets our scripts if it loads none).
            mode: "browser" opens a tab; "notebook" shows a frame under the cell; "none" opens nothing and returns at
                once: `page.url` is what to open, and the first call waits for it; "auto" is "notebook" in a Jupyter
                kernel, else "browser".
            host: The address to bind; only this machine can reach the default.
            port: The port; 0 for a free one.
            timeout: Seconds to wait for the page to connect; `None`, 0 or negative mean no limit.
            width: Of the frame in a notebook, in pixels or as a CSS length.
            height: As `width`.

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
        if self.bridge.door.is_here():
            raise WouldDeadlock("launch() waits for the bridge's event loop and cannot be called on it")
        path = self._views.locate(page)
        handle = self._replace(path, host, port, (width, height))
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
        """Waits until the last page is closed: gone for two seconds, so that a reload is not a close.

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

    def _replace(self, path: str, host: str, port: int, size: tuple[int | str, int | str]) -> Page:
        """Opens a page. In a notebook, what the same cell launched before goes, and the bridge changes hands."""
        cell = here()
        earlier = launches.replaced_by(cell)
        for page in set(earlier).difference(self._pages):
            page.close()
        if cell is not None and self.bridge.owner not in (None, self):
            self.bridge.owner.stop()
        handle = self._open(self._serve(host, port), path, size)
        launches.add(cell, handle)
        for page in earlier:  # now, so that our own server goes on
            page.close()
        return handle

    def _open(self, server: ServerThread, path: str, size: tuple[int | str, int | str]) -> Page:
        key = secrets.token_hex(8)
        path, _, fragment = path.partition("#")
        rest = f";{fragment}" if fragment else ""
        url = f"{server.base_url}{path}#jsmeets={self._gate.token}.{key}{rest}"
        page = Page(self.bridge, key, url, self._page_closed, size)
        with self._lock:  # closed ones are forgotten here: their tabs are gone, and their handles may be
            self._pages = [*(known for known in self._pages if not known.is_closed()), page]
        return page

    def _page_closed(self, page: Page) -> None:
        with self._lock:
            if page in self._pages:
                self._pages.remove(page)
            last = all(known.is_closed() for known in self._pages) and self._server is not None
        if last:
            self.stop()
