"""`JsMeetsFastAPI`: a FastAPI application with a bridge, and FastAPI's dependencies for exposed functions."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
import os
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    aclosing,
    asynccontextmanager,
    contextmanager,
)
from typing import Any, TypeAlias

from starlette.background import BackgroundTasks
from starlette.requests import HTTPConnection, Request

from .api.functions import Functions
from .app import Bridged
from .bridge.bridge import Bridge
from .bridge.current_call import current_call
from .bridge.dispatcher import Listener
from .bridge.portal import Cancel, Done
from .bridge.tracebacks import public
from .errors import MissingExtra, PageClosed
from .protocol.limits import Limits
from .server.starlette_2020 import Handler, Handlers

try:
    from fastapi import FastAPI, params
    from fastapi.dependencies.utils import get_dependant, get_typed_signature, solve_dependencies
    from fastapi.exceptions import RequestValidationError
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] != "fastapi":
        raise
    raise MissingExtra("JsMeetsFastAPI needs FastAPI: pip install fastapi") from error

__all__ = ["JsMeetsFastAPI"]

Values: TypeAlias = dict[str, Any]

_AWAITABLE = "an exposed async def"


class JsMeetsFastAPI(Bridged, FastAPI):
    """FastAPI application whose pages exchange calls, queue items and publications with Python.

    It has the members of `JsMeetsPy` and those of `FastAPI`, with FastAPI's own routes and documentation. An exposed
    function may have parameters with `Depends(...)`, which the page does not pass. Their request is the handshake of
    the page's WebSocket, with its headers and cookies. `@app.route` is that of `JsMeetsPy`.

    Args:
        on_startup: Functions, plain or async, to call when the server starts.
        on_shutdown: Functions, plain or async, to call when the server stops.
        lifespan: As in FastAPI.
        static: See `JsMeetsPy`.
        templates: See `JsMeetsPy`.
        bridge: See `JsMeetsPy`.
        token: See `JsMeetsPy`.
        allowed_hosts: See `JsMeetsPy`.
        allowed_origins: See `JsMeetsPy`.
        expose_errors: See `JsMeetsPy`.
        limits: See `JsMeetsPy`.
        badge: See `JsMeetsPy`.
        **options: Other arguments of `FastAPI`.

    Raises:
        TypeError: An argument is of a wrong type.
        RuntimeError: `static` or `templates` is not a folder.
    """

    def __init__(
        self,
        *,
        on_startup: Sequence[Handler] | None = None,
        on_shutdown: Sequence[Handler] | None = None,
        lifespan: Callable[[Any], AbstractAsyncContextManager[Any]] | None = None,
        static: str | os.PathLike[str] | None = None,
        templates: str | os.PathLike[str] | None = None,
        bridge: Bridge | None = None,
        token: str | None = None,
        allowed_hosts: Collection[str] = (),
        allowed_origins: Collection[str] = (),
        expose_errors: bool | None = None,
        limits: Limits | None = None,
        badge: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(**options)
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
        self.functions = _Functions(self)


class _Functions(Functions):
    """`JsPyFunction` of an application, which provides the dependencies of the functions that it exposes."""

    def __init__(self, app: JsMeetsFastAPI) -> None:
        super().__init__(app.bridge)
        self._app = app

    @public
    def expose(
        self, key: str, func: Callable[..., Any], exclusive: bool = False, *, keep_running: bool = False
    ) -> bool:
        return super().expose(key, _with_dependencies(self._app, func), exclusive, keep_running=keep_running)


def _with_dependencies(app: JsMeetsFastAPI, func: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function without the parameters that FastAPI provides, or `func` itself if it has none of them."""
    try:
        signature = get_typed_signature(func)
    except (TypeError, ValueError):  # a built-in function without a signature
        return func
    provided = [parameter for parameter in signature.parameters.values() if _is_provided(parameter)]
    if not provided:
        return func
    dependencies = _Dependencies(app, provided)
    visible = signature.replace(parameters=[one for one in signature.parameters.values() if one not in provided])

    def call(given: inspect.BoundArguments, values: Values) -> Any:
        arguments = {**given.arguments, **values}
        ordered = {name: arguments[name] for name in signature.parameters if name in arguments}
        bound = inspect.BoundArguments(signature, ordered)
        return func(*bound.args, **bound.kwargs)

    wrapper: Callable[..., Any]
    if inspect.isasyncgenfunction(func):

        async def stream_async(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
            given = visible.bind(*args, **kwargs)
            async with dependencies.values() as values, aclosing(call(given, values)) as items:
                async for item in items:
                    yield item

        wrapper = stream_async

    elif inspect.iscoroutinefunction(func):

        async def run_async(*args: Any, **kwargs: Any) -> Any:
            given = visible.bind(*args, **kwargs)
            async with dependencies.values() as values:
                return await call(given, values)

        wrapper = run_async

    elif inspect.isgeneratorfunction(func):

        def stream(*args: Any, **kwargs: Any) -> Iterator[Any]:
            given = visible.bind(*args, **kwargs)
            with dependencies.values_in_worker() as values:
                yield from call(given, values)

        wrapper = stream

    else:

        def run(*args: Any, **kwargs: Any) -> Any:
            given = visible.bind(*args, **kwargs)
            with dependencies.values_in_worker() as values:
                return call(given, values)

        wrapper = run

    functools.update_wrapper(wrapper, func)
    vars(wrapper)["__signature__"] = visible
    return wrapper


def _is_provided(parameter: inspect.Parameter) -> bool:
    metadata = getattr(parameter.annotation, "__metadata__", ())
    if any(isinstance(one, params.Depends) for one in (parameter.default, *metadata)):
        return True
    kind = parameter.annotation
    return isinstance(kind, type) and issubclass(kind, (HTTPConnection, BackgroundTasks))


class _Dependencies:
    """Dependencies of an exposed function.

    FastAPI has no public function that solves dependencies outside a route. `get_dependant` and `solve_dependencies`
    are those of its routes.

    Args:
        app: The application, which may override dependencies.
        provided: The parameters that they fill.
    """

    def __init__(self, app: JsMeetsFastAPI, provided: list[inspect.Parameter]) -> None:
        def provide(**values: Any) -> None:
            """Stand for a route that only has these parameters."""

        keywords = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in provided]
        provide.__signature__ = inspect.Signature(keywords)  # type: ignore[attr-defined]
        self._app = app
        self._dependant = get_dependant(path="/", call=provide)

    @asynccontextmanager
    async def values(self) -> AsyncIterator[Values]:
        """Provide the values for the running call, on the bridge's loop. Clean up at the end of the block.

        Background tasks run afterwards, if the block has not raised an exception.

        Raises:
            RequestValidationError: The handshake lacks a header or cookie that a dependency needs.
            PageClosed: The page has left before the function began.
            Exception: A dependency raised it.
        """
        call = current_call()
        handshake = self._app.bridge.handshakes.get(call.socket_id)
        if handshake is None:  # the function has keep_running=True, and its call was queued
            raise PageClosed(f"the page of {call.key!r} has left, and with it the request for its dependencies")
        failure: BaseException | None = None
        async with AsyncExitStack() as stack:
            scope = {
                **handshake.scope,
                "type": "http",
                "method": "GET",
                "app": self._app,
                "path_params": {},
                "fastapi_inner_astack": stack,
                "fastapi_function_astack": stack,
            }
            solved = await solve_dependencies(
                request=Request(scope),
                dependant=self._dependant,
                dependency_overrides_provider=self._app,
                async_exit_stack=stack,
                embed_body_fields=False,
            )
            if solved.errors:
                raise RequestValidationError(solved.errors)
            try:
                yield solved.values
            except BaseException as error:
                failure = error
                raise
        if failure is not None:  # a dependency has caught the error of the function, which has no result
            raise failure
        if solved.background_tasks is not None:
            self._app.bridge.tell(Listener(solved.background_tasks.__call__, "a background task"))

    @contextmanager
    def values_in_worker(self) -> Iterator[Values]:
        """Provide the values for a plain function, which runs in a worker thread. See `values` for the exceptions."""
        portal, provision = self._app.bridge.portal, _Provision(self.values)
        outcome = portal.block(provision.begin, _AWAITABLE)
        if isinstance(outcome, BaseException):
            raise outcome
        failure: BaseException | None = None
        try:
            yield outcome
        except BaseException as error:
            failure = error
            raise
        finally:
            ended = portal.block(functools.partial(provision.end, failure), _AWAITABLE)
            if ended is not None and ended is not failure:
                raise ended


class _Provision:
    """Dependencies of one call of a plain function, entered and exited by one task of the bridge's loop."""

    def __init__(self, values: Callable[[], AbstractAsyncContextManager[Values]]) -> None:
        self._values = values
        self._context = contextvars.copy_context()  # of the call
        self._entered: Done[Values | BaseException] | None = None
        self._exited: Done[BaseException | None] | None = None

    def begin(self, done: Done[Values | BaseException]) -> Cancel:
        """Enter the dependencies; the outcome is their values, or an error."""
        self._entered = done
        loop = asyncio.get_running_loop()
        self._result: asyncio.Future[BaseException | None] = loop.create_future()
        self._task = loop.create_task(self._run(), context=self._context)
        return self._task.cancel

    def end(self, failure: BaseException | None, done: Done[BaseException | None]) -> Cancel:
        """Exit the dependencies after the function has ended; the outcome is the error that one of them raised."""
        self._exited = done
        self._result.set_result(failure)
        return self._task.cancel

    async def _run(self) -> None:
        outcome: BaseException | None = None
        try:
            async with self._values() as values:
                assert self._entered is not None
                self._entered(values)
                self._entered = None
                failure = await self._result
                if failure is not None:
                    raise failure
        except BaseException as error:  # noqa: BLE001 - raised in the worker
            outcome = error
        if self._entered is not None:
            assert outcome is not None
            self._entered(outcome)
        elif self._exited is not None:
            self._exited(outcome)
