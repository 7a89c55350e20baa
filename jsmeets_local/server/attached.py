"""Application of another framework, served by an application with a bridge."""

from __future__ import annotations

from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["Attached"]

_OF_OUTER = ("app", "router", "route", "endpoint", "path_params")  # what Starlette has added to the scope


class Attached:
    """ASGI application that calls another as a server does, without the outer application in its scope.

    Otherwise, `request.url_for` of a Starlette or FastAPI application would search the routes of the outer one.

    Args:
        app: The other application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request or WebSocket."""
        inner = {name: value for name, value in scope.items() if name not in _OF_OUTER}
        inner["app_root_path"] = scope.get("root_path", "")
        await self._app(inner, receive, send)

    def routes(self) -> list[BaseRoute] | None:
        """Return the routes of a Starlette or FastAPI application; `None` for other frameworks."""
        found = getattr(self._app, "routes", None)
        if isinstance(found, list) and all(isinstance(route, BaseRoute) for route in found):
            return found
        return None
