"""Uvicorn configured for a server thread. The module imports uvicorn, so it is loaded after the application started."""

from __future__ import annotations

import asyncio
import functools
import socket
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp

from .peer_credentials import PeerCredentials
from .request_head import HttpProtocol

__all__ = ["Server"]

PRELOAD_SECONDS = 0.005  # the browser has received its first document by then, and starts a renderer process


@functools.cache
def _websocket_protocol() -> Any:
    """Return the WebSocket protocol class, imported on first use so that no document waits for it."""
    from .fastpath import FastPathProtocol

    return FastPathProtocol


def _make_websocket_protocol(**options: Any) -> Any:
    return _websocket_protocol()(**options)


class Server(uvicorn.Server):
    """Serve an application whose lifespan has started.

    Args:
        app: The application.
        state: The lifespan state of the application.
        grace: Seconds for requests and WebSockets to end when the server stops.
    """

    def __init__(self, app: ASGIApp, state: dict[str, Any], grace: int) -> None:
        config = uvicorn.Config(
            PeerCredentials(app),
            proxy_headers=False,  # PeerCredentials reads them
            log_config=None,
            log_level="warning",
            access_log=False,
            lifespan="off",
            http=HttpProtocol,
            ws=cast(Any, _make_websocket_protocol),
            ws_per_message_deflate=False,  # on loopback, compression costs more time than it saves
            timeout_graceful_shutdown=grace,
        )
        super().__init__(config)
        self._state = state

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start as uvicorn does, with the state of the lifespan, then load the WebSocket protocol."""
        self.lifespan.state.update(self._state)
        await super().startup(sockets=sockets)
        asyncio.get_running_loop().call_later(PRELOAD_SECONDS, _websocket_protocol)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Shut down as uvicorn does, then abort the connections whose peer has stopped reading."""
        await super().shutdown(sockets=sockets)
        for connection in list(self.server_state.connections):
            connection.transport.abort()  # close() would wait until the peer has read what is buffered
