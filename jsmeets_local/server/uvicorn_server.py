"""uvicorn, as our own thread runs it."""

from __future__ import annotations

import asyncio
import functools
import socket
from typing import Any, cast

import uvicorn

from .lifespan import Lifespan
from .peer_credentials import PeerCredentials
from .request_head import HttpProtocol

__all__ = ["Server"]

PREPARE_SECONDS = 0.005  # in which a document is served that was waited for; then its browser starts a process


@functools.cache
def _websockets() -> Any:
    """The WebSockets of uvicorn: no document need wait for them."""
    from .fastpath import FastPathProtocol

    return FastPathProtocol


def _websocket(**options: Any) -> Any:
    return _websockets()(**options)


class Server(uvicorn.Server):
    """Serves an application that has started.

    Args:
        app: The application.
        lifespan: Of the application; ends with the server.
        grace: Seconds that requests and sockets get to end when it stops.
    """

    def __init__(self, app: Any, lifespan: Lifespan, grace: int) -> None:
        config = uvicorn.Config(
            PeerCredentials(app),
            proxy_headers=False,  # they are read by Peers
            log_config=None,
            log_level="warning",
            access_log=False,
            lifespan="off",  # uvicorn's own
            http=HttpProtocol,
            ws=cast(Any, _websocket),
            ws_per_message_deflate=False,  # on one machine compressing costs more than it saves
            timeout_graceful_shutdown=grace,
        )
        super().__init__(config)
        self._lifespan = lifespan

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's."""
        self.lifespan = cast(Any, self._lifespan)
        await super().startup(sockets=sockets)
        asyncio.get_running_loop().call_later(PREPARE_SECONDS, _websockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's, but that it does not wait for those who stopped reading."""
        await super().shutdown(sockets=sockets)
        for connection in list(self.server_state.connections):
            # A peer that stopped reading: closing would wait for it to take what is still to be written.
            connection.transport.abort()
