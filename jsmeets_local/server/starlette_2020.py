"""Handlers in the style of 2020: start-up and shutdown, the current request, and routes that return HTML text."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from typing import Any, TypeAlias

from starlette.requests import Request
from starlette.responses import HTMLResponse

from ..protocol.arguments import check_function
from .script_tags import with_scripts

__all__ = ["Handler", "Handlers", "answering_html", "check_path", "current_request"]

Handler: TypeAlias = Callable[[], Any] | Callable[[], Awaitable[Any]]

current_request: ContextVar[Request] = ContextVar("current_request")  # for `TemplateResponse(name, context)`


class Handlers:
    """Start-up and shutdown handlers, run as a lifespan inside the user's own.

    Args:
        on_startup: Called in order when the server starts.
        on_shutdown: Called in order when the server stops.
        lifespan: The lifespan of the user, or `None`.
    """

    def __init__(
        self,
        on_startup: Sequence[Handler] | None,
        on_shutdown: Sequence[Handler] | None,
        lifespan: Callable[[Any], AbstractAsyncContextManager[Any]] | None,
    ) -> None:
        self._handlers: dict[str, list[Handler]] = {
            "startup": list(on_startup or ()),
            "shutdown": list(on_shutdown or ()),
        }
        self._lifespan = lifespan

    def add(self, event_type: str, func: Handler) -> None:
        """Add a handler.

        Raises:
            ValueError: `event_type` is neither "startup" nor "shutdown".
        """
        self.check_type(event_type)
        check_function(func, f"the {event_type!r} handler")
        self._handlers[event_type].append(func)

    def check_type(self, event_type: str) -> None:
        """Raise `ValueError` for an unknown event."""
        if event_type not in self._handlers:
            raise ValueError(f'event_type must be "startup" or "shutdown"; got {event_type!r}')

    @asynccontextmanager
    async def run(self, app: Any) -> AsyncIterator[MutableMapping[str, Any] | None]:
        """Run the handlers as a lifespan."""
        async with AsyncExitStack() as stack:
            state = None
            if self._lifespan is not None:
                state = await stack.enter_async_context(self._lifespan(app))
            await self._run_all("startup")
            stack.push_async_callback(self._run_all, "shutdown")
            yield state

    async def _run_all(self, event_type: str) -> None:
        for handler in self._handlers[event_type]:
            result = handler()
            if inspect.isawaitable(result):
                await result


def answering_html(func: Callable[..., Any]) -> Callable[..., Any]:
    """Return a handler of requests that turns HTML text, the result of `func`, into a response.

    Raises:
        TypeError: Later, in the request: the result is neither a response nor text.
    """
    plain = func
    while isinstance(plain, functools.partial):
        plain = plain.func
    if not inspect.isroutine(plain):  # Starlette calls it as an ASGI application
        return func

    def answer(result: Any) -> Any:
        if isinstance(result, str):
            return HTMLResponse(with_scripts(result))
        if callable(result):  # a response is an ASGI application
            return result
        raise TypeError(
            f"{plain.__qualname__} must return a response or HTML text; got {result!r:.60}. "
            "For JSON: return JSONResponse(value), from starlette.responses"
        )

    if inspect.iscoroutinefunction(func):

        @functools.wraps(func)
        async def handle_async(request: Request) -> Any:
            return answer(await func(request))

        return handle_async

    @functools.wraps(func)
    def handle(request: Request) -> Any:
        return answer(func(request))

    return handle


def check_path(path: Any, what: str, call: str) -> None:
    """Check the path of a route.

    Args:
        path: The path.
        what: The name of the function that received it, for the error.
        call: How it is called, with `{}` for the path, for the error.

    Raises:
        TypeError: `path` is not a str.
        ValueError: `path` does not begin with a slash.
    """
    if not isinstance(path, str):
        raise TypeError(f"{what} needs a path: {call.format('/')}; got {path!r:.200}")
    if not path.startswith("/"):
        raise ValueError(f"the path of a route must begin with a slash: {call.format('/' + path)}")
