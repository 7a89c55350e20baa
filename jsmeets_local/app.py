"""`JsMeetsPy`: the Starlette application with the bridge in it."""

from __future__ import annotations

import inspect
import os
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar, overload

from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send

from .api.binarysocket import JsPyBinarySocket
from .api.functions import Functions
from .api.pubsub import Pubsub
from .api.queues import QueuesApi
from .api.textsocket import TextSockets
from .bridge.bridge import Bridge, default_bridge
from .launch.run import Running
from .protocol.arguments import check_flag, check_function, check_name
from .protocol.limits import Limits
from .server.access import Access
from .server.documents import Documents
from .server.downloads import BulkEndpoint
from .server.endpoint import Guarded, TextEndpoint
from .server.forwarded import with_prefix
from .server.resources import bundled
from .server.starlette_2020 import Handler, Handlers, check_path, enter_request
from .server.staticfiles import Assets, files_of, revalidated
from .server.stats import StatsEndpoint

if TYPE_CHECKING:
    from .server.templates import Templates

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
        TypeError: An argument is of a wrong kind.
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
        if isinstance(debug, str):  # the folder that static= is for
            raise TypeError(f"debug is True or False; got {debug!r}")
        check_flag("badge", badge)
        static, templates = _folder("static", static), _folder("templates", templates)
        _check(bridge=(bridge, Bridge), limits=(limits, Limits), token=(token, str))
        if expose_errors is not None:
            check_flag("expose_errors", expose_errors)
        super().__init__(debug, routes, middleware, exception_handlers, lifespan=self._run_lifespan)
        self._init_launching(
            bridge if bridge is not None else default_bridge(), Access(token, allowed_hosts, allowed_origins)
        )
        self._expose_errors = expose_errors
        if limits is not None:
            self.bridge.call(self.bridge.protocol.set_limits, limits)
        self.functions = Functions(self.bridge)
        self.queues = QueuesApi(self.bridge)
        self.pubsub = Pubsub(self.bridge)
        self.sockets = TextSockets(self.bridge)
        self.bridge.portal.call(self.bridge.protocol.settings.update, {"badge": badge})
        self._handlers = Handlers(on_startup, on_shutdown, lifespan)
        if templates is not None:
            from .server.templates import Templates  # and Jinja2 with it

            self.templates = Templates(templates)
        self._documents = Documents(self, static, templates)
        endpoint = TextEndpoint(self.bridge, self._access)
        self.router.routes[:0] = [
            WebSocketRoute(self.sockets.url_path(), endpoint),
            self._one_time_urls.route(),
            BulkEndpoint(self.bridge, self._access).route(),
            Route("/jsmeetspy/stats", StatsEndpoint(self.bridge, self._access).get),
            Mount("/jsmeetspy", Assets(), name="jsmeetspy"),
        ]
        if static is not None:
            self.mount("/static", files_of(static), name="static")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        if scope["type"] != "lifespan":
            scope = with_prefix(scope, self._prefix)
        if scope["type"] == "http":
            refusal = self._access.refusal_of_request(scope)
            if refusal is not None:
                await PlainTextResponse(refusal, 403)(scope, receive, send)
                return
            access_cookie = self._one_time_urls.access_cookie
            if access_cookie is not None and not (access_cookie.admits(scope) or self._one_time_urls.answers(scope)):
                await access_cookie.refuse(scope, receive, send)
                return
            enter_request(scope, receive)
            if self.debug or self._is_launched:
                send = revalidated(send)
        elif scope["type"] == "websocket":
            self.bridge.expose_errors(self._exposes_errors())
            if self.debug:
                self.bridge.time_steps()
        await super().__call__(scope, receive, send)

    def _exposes_errors(self) -> bool:
        if self._expose_errors is not None:
            return self._expose_errors
        return self.debug or self._is_launched

    # WebSockets ----------------------------------------------------------------------------------------

    def websocket_route(self, path: str, name: str | None = None) -> Callable[[F], F]:
        """Decorator: serves WebSockets at a path by `async func(websocket)`; foreign origins are refused."""
        check_path(path, "websocket_route")

        def decorate(func: F) -> F:
            check_function(func, f"what serves the WebSockets of {path!r}")
            self._add_websocket(path, func, self._access.without_token(), name)
            return func

        return decorate

    def add_socket(self, endpoint: Any) -> None:
        """Adds a WebSocket endpoint.

        Args:
            endpoint: A `JsPyBinarySocket`; or a class (`starlette.endpoints.WebSocketEndpoint`) or an object with
                `url_path()` and `endpoint()`, and where needed `startup_handler()` and `shutdown_handler()`.

        Raises:
            TypeError: It is none of these.
        """
        if isinstance(endpoint, TextSockets):
            return  # every application has it
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
            key: The name; an earlier function of that name is replaced. Lambdas, objects that can be called and classes
                need one.
            exclusive: Run its calls one at a time, first come first served, across all pages.

        Raises:
            TypeError: What is decorated is no function, has no name of its own, or is a method without its object.
            RuntimeError: The old function of that name is running.
        """
        if key is not None and not isinstance(key, str):
            return self._expose(None, key, exclusive)
        if key is not None:
            check_name(key, "key of an exposed function")
        return lambda func: self._expose(key, func, exclusive)

    def _expose(self, key: str | None, func: F, exclusive: bool) -> F:
        try:
            check_function(func, "what app.expose exposes")
        except TypeError as error:
            raise TypeError(f'{error}. A method of an object is one: app.expose("name")(thing.method)') from None
        key = key if key is not None else _name_of(func)
        if not self.functions.expose(key, func, exclusive):
            raise RuntimeError(f"the function exposed as {key!r} is running; it can be replaced when it has ended")
        return func


def _folder(name: str, folder: str | os.PathLike[str] | None) -> str | None:
    if folder is not None and not isinstance(folder, (str, os.PathLike)):
        raise TypeError(f"{name} is the path of a folder; got {folder!r:.60}")
    return bundled(folder) if folder else None


def _check(**options: tuple[Any, type]) -> None:
    for name, (value, kind) in options.items():
        if value is not None and not isinstance(value, kind):
            made = "" if kind is str else f"; write {name}={kind.__name__}(...)"
            raise TypeError(f"{name} is a {kind.__name__}, or None; got {value!r:.60}{made}")


def _name_of(func: Callable[..., Any]) -> str:
    """The name that a function was defined with.

    Raises:
        TypeError: It has none, or can be no function of pages under it.
    """
    name = getattr(func, "__name__", None)
    if name is None or name == "<lambda>":
        what = repr(func) if name is None else "a lambda"
        raise TypeError(f'{what} has no name of its own; give it one: app.expose("name")(...)')
    if isinstance(func, type):
        raise TypeError(
            f"{name} is a class, and pages call functions: expose a method of an object of it, "
            f'app.expose("name")(thing.method); or app.expose("{name}")({name}) where what it makes can be sent'
        )
    if _lacks_its_object(func):
        raise TypeError(
            f"{func.__qualname__} is a method, and app.expose has no object to call it on: "
            f'app.expose("{name}")(thing.{name}) when there is one'
        )
    return str(name)


def _lacks_its_object(func: Callable[..., Any]) -> bool:
    """Whether it was defined in a class and begins with `self`."""
    if not inspect.isfunction(func):  # a bound method has its object
        return False
    owner = func.__qualname__.rpartition(".")[0]
    return owner != "" and not owner.endswith("<locals>") and func.__code__.co_varnames[:1] in (("self",), ("cls",))
