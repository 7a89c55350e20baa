"""Names of Starlette in 2020 that Starlette 1.0 dropped: start-up and shutdown handlers, and the current request."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from typing import Any, TypeAlias

from starlette.requests import Request

from ..protocol.arguments import check_function

__all__ = ["Handler", "Handlers", "check_path", "current_request"]

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


def check_path(path: Any, decorator: str) -> None:
    """Check the path of a route.

    Args:
        path: The path.
        decorator: The name of the method that received it, for the error.

    Raises:
        TypeError: `path` is not a str.
        ValueError: `path` does not begin with a slash.
    """
    if not isinstance(path, str):
        raise TypeError(f'{decorator} needs a path: @app.{decorator}("/"); got {path!r:.200}')
    if not path.startswith("/"):
        raise ValueError(f'the path of a route must begin with a slash: @app.{decorator}("/{path}")')
