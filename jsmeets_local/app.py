"""`JsMeetsPy`: a Starlette application with a bridge and a launcher."""

from __future__ import annotations

import functools
import os
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Unpack, overload

import starlette.datastructures
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from .api.binarysocket import JsPyBinarySocket
from .api.exposure import functions_of
from .api.functions import Functions
from .api.pubsub import Pubsub
from .api.queues import QueuesApi
from .api.state import State, make_state
from .api.textsocket import TextSockets
from .bridge.bridge import Bridge, default_bridge
from .bridge.presence import GRACE
from .bridge.process_bound import ProcessBound
from .bridge.tracebacks import public
from .launch.launcher import Launcher
from .page import Page
from .protocol.arguments import check_flag, check_function, check_name
from .protocol.limits import Limits
from .server.access import Access
from .server.attached import Attached
from .server.departures import DepartureEndpoint
from .server.documents import Documents
from .server.downloads import BulkEndpoint
from .server.endpoint import Guarded, TextEndpoint, refuse
from .server.forwarded import with_prefix
from .server.lifespan import lifespan
from .server.one_time_urls import OneTimeUrls
from .server.resources import bundled
from .server.script_tags import enter_application
from .server.starlette_2020 import Handler, Handlers, answering_html, check_path, current_request
from .server.staticfiles import Assets, Files, revalidated
from .server.stats import StatsEndpoint

if TYPE_CHECKING:
    from .launch.window.options import WindowOptions
    from .server.templates import Templates

__all__ = ["Bridged", "JsMeetsPy", "attach"]

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")


class ApplicationState(starlette.datastructures.State):
    """Starlette's `app.state`, whose attributes are those of the program. Called, it shares data with pages."""

    def __init__(self, bridge: Bridge) -> None:
        super().__init__()
        object.__setattr__(self, "_make", functools.partial(make_state, bridge, ""))

    def __call__(self, model: Any = None, /, **fields: Any) -> State:
        """Share data with all pages: `state = app.state(freq=3.0, color="red")`.

        Pages use it by `const s = await state()`. A second call replaces the state, in all pages, too. All applications
        of a bridge share it.

        Args:
            model: A dataclass, or an object of one. Its annotations then check all changes, and pages get an error for
                an invalid one.
            **fields: The fields without a dataclass; or the arguments of the dataclass.

        Returns:
            The state: `state.freq = 4`.

        Raises:
            TypeError: `model` is no dataclass, there are no fields, or a value has a wrong type or cannot be sent.
            ValueError: A field has a name that is not allowed, or an invalid value.
        """
        make: Callable[..., State] = object.__getattribute__(self, "_make")
        return make(model, fields, "app.state()")


class Bridged(ProcessBound):
    """Members that a bridge adds to an application, whose framework is the next base of its class."""

    templates: Templates
    router: Any  # of the framework, as is `state` before the bridge replaces it
    state: Any
    debug: bool
    mount: Callable[..., None]

    def _set_up(
        self,
        handlers: Handlers,
        *,
        static: str | os.PathLike[str] | None,
        templates: str | os.PathLike[str] | None,
        bridge: Bridge | None,
        token: str | None,
        allowed_hosts: Collection[str],
        allowed_origins: Collection[str],
        expose_errors: bool | None,
        limits: Limits | None,
        badge: bool,
    ) -> None:
        """Add the bridge and its routes to the application of the framework. `JsMeetsPy` documents the arguments."""
        check_flag("badge", badge)
        static, templates = _folder("static", static), _folder("templates", templates)
        _check(bridge=(bridge, Bridge), limits=(limits, Limits), token=(token, str))
        if expose_errors is not None:
            check_flag("expose_errors", expose_errors)
        self.bridge = bridge if bridge is not None else default_bridge()
        self.state = ApplicationState(self.bridge)
        self._access = Access(token, allowed_hosts, allowed_origins)
        self._one_time_urls = OneTimeUrls()
        self._expose_errors = expose_errors
        if limits is not None:
            self.bridge.call(self.bridge.protocol.set_limits, limits)
        self.functions = Functions(self.bridge)
        self.queues = QueuesApi(self.bridge)
        self.pubsub = Pubsub(self.bridge)
        self.sockets = TextSockets(self.bridge)
        self.bridge.portal.call(self.bridge.protocol.settings.update, {"badge": badge})
        self._handlers = handlers
        self.router.lifespan_context = self._run_lifespan
        if templates is not None:
            from .server.templates import Templates  # imports Jinja2

            self.templates = Templates(templates)
        self._documents = documents = Documents(self, static, templates)
        self._launcher = Launcher(
            self, self.bridge, self._access, self._one_time_urls, documents.locate, documents.answer_routes_by
        )
        endpoint = TextEndpoint(self.bridge, self._access)
        self.router.routes[:0] = [
            WebSocketRoute(self.sockets.url_path(), endpoint),
            self._one_time_urls.route(),
            BulkEndpoint(self.bridge, self._access).route(),
            DepartureEndpoint(self.bridge, self._access).route(),
            Route("/jsmeetspy/stats", StatsEndpoint(self.bridge, self._access).get),
            Mount("/jsmeetspy", Assets(), name="jsmeetspy"),
        ]
        if static is not None:
            self.mount("/static", Files(directory=static), name="static")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI request, as the ASGI application."""
        if scope["type"] != "lifespan":
            scope = with_prefix(scope, self._launcher.prefix)
        if scope["type"] == "http":
            refusal = self._access.refusal_of_request(scope)
            if refusal is not None:
                await PlainTextResponse(refusal, 403)(scope, receive, send)
                return
            access_cookie = self._one_time_urls.access_cookie
            if access_cookie is not None and not (access_cookie.admits(scope) or self._one_time_urls.answers(scope)):
                await access_cookie.refuse(scope, receive, send)
                return
            current_request.set(Request(scope, receive))
            enter_application(scope)
            if self.debug or self._launcher.is_serving:
                send = revalidated(send)
        elif scope["type"] == "websocket":
            if not self._access.admits_origin(scope):  # also for routes of the framework and of an attached application
                await refuse(receive, send)
                return
            self.bridge.expose_errors(self._exposes_errors())
            if self.debug:
                self.bridge.time_steps()
        await super().__call__(scope, receive, send)  # type: ignore[misc]  # of the framework

    def _exposes_errors(self) -> bool:
        if self._expose_errors is not None:
            return self._expose_errors
        return self.debug or self._launcher.is_serving

    # Launching -----------------------------------------------------------------------------------------

    @public
    def launch(
        self,
        page: str | os.PathLike[str] = "/",
        mode: str = "auto",
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        timeout: float | tuple[float | None, float | None] | None = (None, 30.0),
        width: int | str | None = None,
        height: int | str | None = None,
        grace: float | None = GRACE,
        base_url: str | None = None,
        private: bool = False,
        spa: bool = False,
        headless: bool | Literal["auto"] = "auto",
        switch_interval: float | None = None,
        dev_url: str | None = None,
        snapshot: bool = True,
        transport: str = "auto",
        storage: bool | str | os.PathLike[str] | None = None,
        **window: Unpack[WindowOptions],
    ) -> Page:
        """Serve the application from a background thread and open a page of it.

        Args:
            page: A route (`"/"`), the name of a template or static file, a path on disk, or HTML text. For a path on
                disk, its folder is served. The script tag of this package is added to HTML files of the folder and to
                HTML text that load none of its scripts.
            mode: "browser" opens a tab. "window" opens a desktop window. "app" opens a Chromium-family browser without
                tabs and address bar. "auto-window" tries "window", "app" and "browser", in this order. "notebook" shows
                an iframe under the cell. "none" opens nothing and returns at once: open `page.url` yourself; the first
                call waits for the page. "auto" is "notebook" in a Jupyter kernel or in marimo, otherwise "browser".
            host: The address to bind. The default is reachable only from this machine.
            port: The port; 0 for a free one.
            timeout: Seconds to wait for the application to start (its lifespan and start-up handlers), and then for the
                page to connect. A pair sets them separately. By default only the second is limited, to 30 seconds, so
                that a lifespan may load a large model. `None`, 0 or negative mean no limit.
            width: Width of the window in pixels (800), or of the iframe in a notebook in pixels or as a CSS length
                ("100%").
            height: Height, like `width` (600; 400 in a notebook).
            grace: Seconds for which the page may be disconnected (by a reload or a link) before it counts as closed.
                With `None`, and always in an iframe of a notebook, only Python closes it. A page in a window closes
                with the window.
            base_url: The address of the application behind a proxy, with `{port}` for its port: a path on the host of
                the notebook (`"/user/ann/proxy/{port}/"`) or a URL (`"https://example.org/{port}/"`). In a notebook the
                jupyter-server-proxy of JupyterHub, or of a server on another machine, is detected.
            private: Whether HTTP, too, serves only browsers that opened a one-time URL, for machines that several
                accounts share. The first browser that opens `page.url` receives a cookie, and the URL is invalid for
                all others. This applies to all pages of the server.
            spa: Whether the page has a client-side router. Paths that nothing else serves then return the page, so that
                a reload of `/settings` works. Missing files still return 404. The last page launched with it applies.
            headless: Whether a headless Chromium opens the page. "auto" does so where nothing shows the iframe of a
                notebook: in nbconvert, papermill, nbclient and `jupyter console`. `True` does so everywhere, for
                example in tests. The browser ends with the page.
            snapshot: In a notebook, keep a picture of the page in the file, for viewers without Python.
            switch_interval: The thread switch interval of Python in seconds (`sys.setswitchinterval`) while the server
                runs. With 0.0005, pages are answered sooner while the main thread computes. `None` leaves it unchanged.
            dev_url: The URL of a development server that serves the pages, such as Vite's `"http://localhost:5173"`.
                `page` is then a path there. It must forward `/jsmeetspy`, with WebSockets, to this application.
            transport: How the messages of a page in a notebook travel: "socket" through a WebSocket to the port, "comm"
                through the notebook's own channel, which needs no port. "auto" is "socket" where the browser reaches
                the port, otherwise "comm" if anywidget is installed.
            storage: The storage of the application, for `localStorage`, cookies and IndexedDB that last, and a window
                that reappears where it was: a name, `True` for that of the script, or the path of a folder. It also
                keeps the port. Without it, windows start empty.
            **window: Options of a window: `title` (by default the document's), `position` of its upper left corner,
                `icon` (the path of an image; Linux), `resizable`, `fullscreen`, `maximized`, `hidden` (until
                `page.window.show()`), `frameless`, `on_top`, `min_size`, `confirm_close` (`True` or a question that the
                user answers before the window closes), `devtools` (opened by F12 and the context menu), `menu` (a
                list of `Menu`), and `window_api`: whether the page itself may control it. Mode "app" uses `position`,
                `fullscreen` and `maximized`. Each mode ignores options that do not apply to it, so that `mode` can be
                the user's choice.

        Returns:
            The page, connected except in mode "none". A second launch opens another page of the same server. In a
            notebook, running the same cell again replaces its page.

        Raises:
            OSError: The port is taken, or the host is not an address of this machine.
            LaunchError: The application did not start in time (the text gives the line at which it waits), no page
                connected in time (it gives the URL), or the mode cannot work on this machine.
            PageClosed: The user closed the window before the page had connected.
            MissingExtra: The mode needs a package that is not installed.
            FileNotFoundError: There is no such page.
            NotADirectoryError: `storage` is a file.
            TypeError: An option does not exist, or is of a wrong type.
            ValueError: There is no such mode, a value is out of range, or browsers refuse the port.
            WouldDeadlock: Called on the bridge's event loop.
            Exception: A start-up handler or the lifespan raised it.
        """
        return self._launcher.launch(
            page,
            mode,
            host=host,
            port=port,
            timeout=timeout,
            width=width,
            height=height,
            grace=grace,
            base_url=base_url,
            private=private,
            spa=spa,
            headless=headless,
            switch_interval=switch_interval,
            dev_url=dev_url,
            snapshot=snapshot,
            transport=transport,
            storage=storage,
            **window,
        )

    @public
    def open(self, page: str | os.PathLike[str] = "/", mode: str | None = None, **options: Any) -> Page:
        """Open another page of the application that `launch()` serves.

        Args:
            page: See `launch`.
            mode: See `launch`; by default the mode of the last launch.
            **options: See `launch`.

        Returns:
            The new page, connected except in mode "none".

        Raises:
            LaunchError: The application is not served; call `launch` first. Also see `launch`.
        """
        return self._launcher.open(page, mode, **options)

    @public
    def run(
        self,
        page: str | os.PathLike[str] = "/",
        mode: str = "auto",
        main: Callable[[Page], Any] | None = None,
        **options: Any,
    ) -> None:
        """Launch a page, wait until the last page is closed or Ctrl-C is pressed, then stop everything.

        In mode "window", this process shows the window itself, on the main thread, and `main` runs on another thread.

        Args:
            page: See `launch`.
            mode: See `launch`.
            main: Called with the page when it has connected. An exception stops everything, and `run` raises it, except
                `Disconnected` after the page was closed, which ends `main` with its page.
            **options: See `launch`.

        Raises:
            SystemExit: An exposed function or a callback called `sys.exit()`; everything has been stopped.
            TypeError: `main` is not a function.
            LaunchError: See `launch`. In mode "window", also if this process cannot show a window: outside the main
                thread, in a notebook, or a second time with Qt.
        """
        self._launcher.run(page, mode, main, **options)

    @public
    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the last page is closed. A page that reconnects within its grace time is not closed.

        Args:
            timeout: Seconds; `None`, 0 or negative mean no limit.

        Returns:
            Whether all pages are closed; `False` also if the first one has not connected yet.

        Raises:
            SystemExit: An exposed function or a callback called `sys.exit()`; raised in the main thread, except in a
                notebook.
        """
        return self._launcher.wait(timeout)

    @public
    def stop(self) -> None:
        """Close all pages, stop the server that `launch()` started, and wait until its port and threads are released.

        Each `launch()` that still waits for the start of the application raises `LaunchError`. On the bridge's event
        loop `stop()` returns at once, and the server stops when the loop runs again.
        """
        self._launcher.stop()

    @property
    def pages(self) -> tuple[Page, ...]:
        """Return the pages that were launched or opened and are not closed, oldest first."""
        return self._launcher.pages

    @property
    @public
    def port(self) -> int:
        """Return the port at which `launch()` serves the application.

        Raises:
            LaunchError: `launch()` does not serve it.
        """
        return self._launcher.port

    @property
    @public
    def url(self) -> str:
        """Return the URL of the served application on this machine, such as `"http://127.0.0.1:8123"`.

        It does not carry the token that a page needs to connect; `page.url` does.

        Raises:
            LaunchError: `launch()` does not serve it.
        """
        return self._launcher.url

    def stats(self) -> dict[str, Any]:
        """Return counters of the bridge, which include all applications that share it.

        Returns:
            `pages`: for each page its `socket`, `page` name, whether it is `connected`, its `reconnects`, the
            `round_trip_seconds` that the last call of `stats` measured, the messages `waiting` to be sent and
            acknowledged (`waiting_bytes`), `dropped`, `sent` (`sent_bytes`) and `received` (`received_bytes`), and its
            `running_calls` in Python. `pending_calls`: calls from Python to pages. `ignored_answers`: responses that
            were late, duplicate, or from another page. `queues`: the number of items of each. `queue_items_dropped`.
            `topics`: the number of subscribers of each. `workers`: the number of `threads`, those `running`, those
            `waiting` for pages, and `serial_queues_waiting`, those that wait for a thread. `/jsmeetspy/stats` returns
            the same as JSON, with the token.
        """
        stats: dict[str, Any] = self.bridge.portal.call(self.bridge.stats)
        return stats

    # Routes and handlers -------------------------------------------------------------------------------

    @public
    def route(
        self,
        path: str,
        methods: Iterable[str] | str | None = None,
        name: str | None = None,
        include_in_schema: bool = True,
    ) -> Callable[[F], F]:
        """Decorator: serve a path with a function of the request, plain (run in a worker thread) or async.

        It returns a Starlette response, or HTML text, which loads the scripts of this package.

        Args:
            path: As in Starlette: `"/"`, `"/item/{id:int}"`.
            methods: HTTP methods, in any case; `None` for GET.
            name: The name for `url_for`; by default that of the function.
            include_in_schema: As in Starlette.

        Raises:
            TypeError: `path` is not a str (`@app.route` without a path), or the decorated object is not a function.
            ValueError: `path` does not begin with a slash.
        """
        check_path(path, "route", '@app.route("{}")')
        verbs = None if methods is None else [methods] if isinstance(methods, str) else list(methods)

        def decorate(func: F) -> F:
            check_function(func, f"the handler of {path!r}")
            self.router.add_route(path, answering_html(func), verbs, name, include_in_schema)
            return func

        return decorate

    @public
    def add_event_handler(self, event_type: str, func: Handler) -> None:
        """Call `func`, plain or async, at "startup" or "shutdown".

        Raises:
            ValueError: `event_type` is neither "startup" nor "shutdown".
        """
        self._handlers.add(event_type, func)

    @public
    def on_event(self, event_type: str) -> Callable[[F], F]:
        """Decorator: `add_event_handler`."""
        self._handlers.check_type(event_type)

        def decorate(func: F) -> F:
            self.add_event_handler(event_type, func)
            return func

        return decorate

    @public
    def websocket_route(self, path: str, name: str | None = None) -> Callable[[F], F]:
        """Decorator: serve WebSockets at a path with `async func(websocket)`; origins that are not allowed are refused.

        Raises:
            TypeError: `path` is not a str, or the decorated object is not a function.
            ValueError: `path` does not begin with a slash.
        """
        check_path(path, "websocket_route", '@app.websocket_route("{}")')

        def decorate(func: F) -> F:
            check_function(func, f"the WebSocket handler of {path!r}")
            self._add_websocket(path, func, self._access.without_token(), name)
            return func

        return decorate

    @public
    def add_socket(self, endpoint: Any) -> None:
        """Add a WebSocket endpoint.

        Args:
            endpoint: A `JsPyBinarySocket`, or a class (`starlette.endpoints.WebSocketEndpoint`) or an object with
                `url_path()` and `endpoint()`, and optionally `startup_handler()` and `shutdown_handler()`.

        Raises:
            TypeError: `endpoint` is none of these.
        """
        if isinstance(endpoint, TextSockets):
            return  # part of every application
        if endpoint is JsPyBinarySocket or not (hasattr(endpoint, "url_path") and hasattr(endpoint, "endpoint")):
            raise TypeError(
                'add_socket takes a socket, JsPyBinarySocket("/path"), or what has url_path() and endpoint(); '
                f"got {endpoint!r:.200}"
            )
        access = self._access.without_token()
        if isinstance(endpoint, JsPyBinarySocket):
            endpoint.bind(self.bridge)
            access = self._access
        self._add_websocket(endpoint.url_path(), endpoint.endpoint(), access)
        for event_type in ("startup", "shutdown"):
            handler = getattr(endpoint, f"{event_type}_handler", None)
            if handler is not None:
                self.add_event_handler(event_type, handler)

    def _add_websocket(self, path: str, endpoint: Any, access: Access, name: str | None = None) -> None:
        inner = WebSocketRoute(path, endpoint, name=name)
        inner.app = Guarded(inner.app, access)
        self.router.routes.insert(0, inner)  # before the mount of /jsmeetspy

    @asynccontextmanager
    async def _run_lifespan(self, app: Any) -> AsyncIterator[Any]:
        """Run the bridge around the user's start-up and shutdown."""
        self.bridge.start()
        try:
            async with self._handlers.run(app) as state:
                yield state
        finally:
            await self.bridge.stop()

    # Functions -----------------------------------------------------------------------------------------

    @overload
    def expose(self, key: F) -> F: ...
    @overload
    def expose(self, key: T, name: str, *, exclusive: bool = False, keep_running: bool = False) -> T: ...
    @overload
    def expose(
        self, key: str | None = None, *, exclusive: bool = False, keep_running: bool = False
    ) -> Callable[[F], F]: ...

    @public
    def expose(
        self, key: Any = None, name: str | None = None, *, exclusive: bool = False, keep_running: bool = False
    ) -> Any:
        """Expose a function, a class or an object to pages.

        `@app.expose` decorates a function or a class, and `@app.expose("name")` gives it a name;
        `app.expose(model, "model")` exposes an object. Pages call the public methods of a class or an object by
        `model.fit`, and the object itself by `model` if it can be called; names that begin with an underscore stay
        private. A class is instantiated once, without arguments; one without public methods, such as `int`, is a
        function that makes its objects.

        Args:
            key: The name; or the function, class or object itself. What has that name already is replaced.
            name: The name, if `key` is the object. Lambdas, callable objects and other objects need one.
            exclusive: Run its calls one at a time, in order of arrival, across all pages; also the body of a generator
                that it returns.
            keep_running: Do not cancel its calls when the page that called leaves.

        Raises:
            TypeError: The object cannot be called and has no public methods, has no name of its own, or is an unbound
                method; or the class needs arguments.
            RuntimeError: The earlier function of that name is running.
        """
        if name is not None:
            check_name(name, "key of an exposed function")
        elif key is None or isinstance(key, str):
            if key is not None:
                check_name(key, "key of an exposed function")
            return lambda exposed: self._expose(key, exposed, exclusive, keep_running)
        return self._expose(name, key, exclusive, keep_running)

    def _expose(self, name: str | None, exposed: Any, exclusive: bool, keep_running: bool) -> Any:
        for key, func in functions_of(exposed, name).items():
            if not self.functions.expose(key, func, exclusive, keep_running=keep_running):
                raise RuntimeError(f"the function exposed as {key!r} is running; replace it when it has finished")
        return exposed


class JsMeetsPy(Bridged, Starlette):
    """Starlette application whose pages exchange calls, queue items and publications with Python.

    Args:
        debug: Show tracebacks of errors in HTTP requests.
        routes: As in Starlette.
        middleware: As in Starlette.
        exception_handlers: As in Starlette.
        on_startup: Functions, plain or async, to call when the server starts.
        on_shutdown: Functions, plain or async, to call when the server stops.
        lifespan: As in Starlette.
        static: A folder to serve under `/static`.
        templates: A folder of Jinja2 templates for `app.templates.TemplateResponse(...)`.
        bridge: A separate bridge for functions, queues, topics and sockets. The default bridge is shared by all
            applications of the process, and by `jsmeets_local.JsPyFunction` and the other global objects.
        token: The token that a page needs to connect. By default `launch()` generates one, and under plain uvicorn
            none is required.
        allowed_hosts: Host names (`Host` header) in addition to the server's own.
        allowed_origins: Origins (`"https://example.org"`) in addition to the server's own.
        expose_errors: Whether pages receive the Python traceback of an error, or only its type and text. With `None`
            they receive it if `launch()` or `run()` serves them, or if `debug` is set.
        limits: Limits on the resources of pages, for the bridge and all applications that share it.
        badge: Whether pages show a small badge while their connection is lost. If applications share a bridge, the
            last one decides.

    Raises:
        TypeError: An argument is of a wrong type.
        RuntimeError: `static` or `templates` is not a folder.

    Attributes:
        templates: The Jinja2 templates (only if `templates` was given).
        bridge: The bridge.
        pages: The pages that were launched or opened and are not closed, oldest first.
        port: The port at which `launch()` serves the application.
        url: The URL of the served application on this machine.
        state: Starlette's state of the application. Called, it shares data with all pages: `app.state(freq=3.0)`.
        functions: `JsPyFunction` of this bridge.
        queues: `JsPyQueue` of this bridge.
        pubsub: `JsPyPubsub` of this bridge.
        sockets: `JsPyTextSocket` of this bridge.
    """

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
        static: str | os.PathLike[str] | None = None,
        templates: str | os.PathLike[str] | None = None,
        bridge: Bridge | None = None,
        token: str | None = None,
        allowed_hosts: Collection[str] = (),
        allowed_origins: Collection[str] = (),
        expose_errors: bool | None = None,
        limits: Limits | None = None,
        badge: bool = True,
    ) -> None:
        if isinstance(debug, str):  # a folder, meant for static=
            raise TypeError(f"debug must be True or False; got {debug!r}")
        super().__init__(debug, routes, middleware, exception_handlers)
        self._set_up(
            Handlers(on_startup, on_shutdown, lifespan),
            static=static,
            templates=templates,
            bridge=bridge,
            token=token,
            allowed_hosts=allowed_hosts,
            allowed_origins=allowed_origins,
            expose_errors=expose_errors,
            limits=limits,
            badge=badge,
        )


def attach(app: ASGIApp, path: str = "/", **options: Any) -> JsMeetsPy:
    """Give the pages of another ASGI application a bridge: Starlette, FastAPI, Litestar, Django, Quart and others.

    The result serves the WebSocket and the scripts of this package, then its own routes, then `app`. It starts and
    stops `app` through its lifespan.

    Args:
        app: The application.
        path: The path below which `app` is served. `"/"` gives it every path that nothing else serves.
        **options: Arguments of `JsMeetsPy`.

    Returns:
        The application to launch, or to serve with uvicorn in the place of `app`.

    Raises:
        TypeError: `app` is not an ASGI application, or already has a bridge.
        ValueError: `path` does not begin with a slash.
    """
    if isinstance(app, Bridged):
        raise TypeError(f"{type(app).__name__} has a bridge already: launch it, or expose functions on it")
    if not callable(app):
        raise TypeError(f"attach() needs an ASGI application; got {app!r:.60}")
    check_path(path, "attach", 'attach(app, "{}")')
    inner, lifespan_of_user = Attached(app), options.pop("lifespan", None)

    @asynccontextmanager
    async def run_both(outer: Any) -> AsyncIterator[Mapping[str, Any]]:
        async with AsyncExitStack() as stack:
            state = dict(await stack.enter_async_context(lifespan(app, is_required=False)))
            if lifespan_of_user is not None:
                state.update(await stack.enter_async_context(lifespan_of_user(outer)) or {})
            yield state

    application = JsMeetsPy(lifespan=run_both, **options)
    path = path.rstrip("/")
    if path:
        application.mount(path, inner)
    else:
        application._documents.attached = inner
    return application


def _folder(name: str, folder: str | os.PathLike[str] | None) -> str | None:
    if folder is not None and not isinstance(folder, (str, os.PathLike)):
        raise TypeError(f"{name} must be the path of a folder; got {folder!r:.60}")
    if not folder:
        return None
    found = bundled(folder)
    if not os.path.isdir(found):
        raise RuntimeError(
            f"{name}={os.fspath(folder)!r}: there is no folder {os.path.abspath(found)}. Relative paths start at the "
            f"working directory; for a folder beside the program, pass {name}=Path(__file__).with_name({name!r})"
        )
    return found


def _check(**options: tuple[Any, type]) -> None:
    for name, (value, kind) in options.items():
        if value is not None and not isinstance(value, kind):
            made = "" if kind is str else f"; write {name}={kind.__name__}(...)"
            raise TypeError(f"{name} must be a {kind.__name__} or None; got {value!r:.60}{made}")
