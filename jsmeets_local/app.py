"""`JsMeetsPy`: the Starlette application with the bridge in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar, overload

from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send

from .api.binarysocket import JsPyBinarySocket
from .api.function import Functions
from .api.pubsub import Pubsub
from .api.queue import QueuesApi
from .api.textsocket import TextSockets
from .bridge import Bridge, default_bridge
from .bulk import BulkEndpoint
from .compat import Handler, Handlers, enter_request
from .core.limits import Limits
from .endpoint import Guarded, TextEndpoint
from .gate import Gate
from .prefix import with_prefix
from .resources import bundled
from .running import Running
from .staticfiles import Assets, files_of, revalidated
from .stats import StatsEndpoint
from .views import Views

if TYPE_CHECKING:
    from .templates import Templates

__all__ = ["JsMeetsPy"]

F = TypeVar("F", bound=Callable[..., Any])


class JsMeetsPy(Running):
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
        expose_errors: Whether pages get the Python traceback of an error; else its type and text. `None`: they do where
            `launch()` or `run()` serves them, or `debug` is set.
        limits: How much pages may take, of the bridge and all applications that share it.
        badge: Whether pages show a small badge while their connection is away. Of applications with one bridge, the
            last one decides.

    Raises:
        RuntimeError: `static` is no folder.

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
        expose_errors: bool | None = None,
        limits: Limits | None = None,
        badge: bool = True,
    ) -> None:
        super().__init__(debug, routes, middleware, exception_handlers, lifespan=self._run_lifespan)
        static, templates = (folder and bundled(folder) for folder in (static, templates))
        self._init_launching(
            bridge if bridge is not None else default_bridge(), Gate(token, allowed_hosts, allowed_origins)
        )
        self._expose_errors = expose_errors
        if limits is not None:
            self.bridge.ask(self.bridge.hub.set_limits, limits)
        self.functions = Functions(self.bridge)
        self.queues = QueuesApi(self.bridge)
        self.pubsub = Pubsub(self.bridge)
        self.sockets = TextSockets(self.bridge)
        self.bridge.door.ask(self.bridge.hub.settings.update, {"badge": badge})
        self._handlers = Handlers(on_startup, on_shutdown, lifespan)
        if templates is not None:
            from .templates import Templates  # and Jinja2 with it

            self.templates = Templates(templates)
        self._views = Views(self, static, templates)
        endpoint = TextEndpoint(self.bridge, self._gate)
        self.router.routes[:0] = [
            WebSocketRoute(self.sockets.url_path(), endpoint),
            self._openings.route(),
            BulkEndpoint(self.bridge, self._gate).route(),
            Route("/jsmeetspy/stats", StatsEndpoint(self.bridge, self._gate).get),
            Mount("/jsmeetspy", Assets(), name="jsmeetspy"),
        ]
        if static is not None:
            self.mount("/static", files_of(static), name="static")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        if scope["type"] != "lifespan":
            scope = with_prefix(scope, self._prefix)
        if scope["type"] == "http":
            refusal = self._gate.refusal_of_request(scope)
            if refusal is not None:
                await PlainTextResponse(refusal, 403)(scope, receive, send)
                return
            keeper = self._openings.keeper
            if keeper is not None and not (keeper.admits(scope) or self._openings.answers(scope)):
                await keeper.refuse(scope, receive, send)
                return
            enter_request(scope, receive)
            if self.debug or self._is_launched:
                send = revalidated(send)
        elif scope["type"] == "websocket":
            self.bridge.expose_errors(self._exposes_errors())
        await super().__call__(scope, receive, send)

    def _exposes_errors(self) -> bool:
        if self._expose_errors is not None:
            return self._expose_errors
        return self.debug or self._is_launched

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
