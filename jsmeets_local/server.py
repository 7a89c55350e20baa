"""uvicorn in a thread of its own: bound before it starts, ready without polling, stopped completely."""

from __future__ import annotations

import asyncio
import errno
import functools
import ipaddress
import logging
import os
import socket
import sys
import threading
from typing import Any, cast
from weakref import WeakSet

import uvicorn

from .cells import here, writing
from .errors import LaunchError
from .peers import Peers
from .switching import switching

__all__ = ["ServerThread", "bind"]

GRACE_SECONDS = 2  # what requests and sockets get to end when the server stops
HASTE_SECONDS = 1  # the same where the program ends
STOP_SECONDS = 10.0  # what everything gets
LAUNCH_SECONDS = 0.02  # in which launch() has returned; a page that is faster loads what it needs itself

logger = logging.getLogger("jsmeets_local")

_servers: WeakSet[ServerThread] = WeakSet()


@functools.cache
def _websockets() -> Any:
    """The WebSockets of uvicorn, loaded while the browser starts: `launch()` need not wait for them."""
    from .direct import DirectProtocol

    return DirectProtocol


def _websocket(**options: Any) -> Any:
    return _websockets()(**options)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()  # started, or failed to

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if not self.should_exit:
            self.ready.set()
            asyncio.get_running_loop().call_later(LAUNCH_SECONDS, _websockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets=sockets)
        for connection in list(self.server_state.connections):
            # A peer that stopped reading: closing would wait for it to take what is still to be written.
            connection.transport.abort()


class ServerThread:
    """Serves an ASGI application on a local port from a daemon thread.

    Signals stay with the host program, and so does its logging.

    Args:
        app: The application.
        host: The address to bind.
        port: The port; 0 for a free one.
        switch_interval: Seconds, while it runs; see `switching`.

    Raises:
        ValueError: `port` is no port.
        OSError: The port is taken; the text names it.
        LaunchError: The server did not start.
    """

    def __init__(self, app: Any, host: str = "127.0.0.1", port: int = 0, switch_interval: float | None = None) -> None:
        self._socket = bind(host, port)
        self.host = host
        self.switch_interval = switch_interval
        self.port: int
        address, self.port = self._socket.getsockname()[:2]
        self.is_local: bool = ipaddress.ip_address(address).is_loopback
        self._twin: socket.socket | None = None
        config = uvicorn.Config(
            Peers(app),
            proxy_headers=False,  # they are read by Peers
            log_config=None,
            log_level="warning",
            access_log=False,
            lifespan="on",
            ws=cast(Any, _websocket),
            ws_per_message_deflate=False,  # on one machine compressing costs more than it saves
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        self._server = _Server(config)
        self._cell = here()  # of a notebook: where the log of this thread is seen
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="jsmeets-server", daemon=True)
        self._thread.start()
        _servers.add(self)
        try:
            self._server.ready.wait()
        except BaseException:  # Ctrl-C during a long start-up
            self.stop()
            raise
        if self._failure is not None or not self._server.started:
            self._thread.join()
            raise LaunchError("the server did not start; the log says why") from self._failure

    @property
    def base_url(self) -> str:
        """`http://host:port`, as a browser on this machine reaches it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "::1": "[::1]"}.get(self.host, self.host)
        return f"http://{host}:{self.port}"

    def owns_localhost(self) -> bool:
        """Whether the name `localhost` leads here and nowhere else.

        Browsers try it by IPv6 too, where another account may have the same port: it is taken here, and not used.
        """
        if self.host != "127.0.0.1" or self._twin is not None:
            return self._twin is not None
        try:
            self._twin = _taken("::1", self.port)
        except OSError as error:
            return error.errno not in (errno.EADDRINUSE, errno.EACCES)  # else there is no IPv6 here
        return True

    def is_running(self) -> bool:
        """Whether it serves."""
        return self._thread.is_alive()

    def close_port(self) -> None:
        """Accepts nobody any more, at once (`stop` begins up to 0.1 s later); on the server's own loop only."""
        for server in self._server.servers:
            server.close()

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Stops, and waits until the port is free and the thread has ended (not on the server's own thread)."""
        self._server.should_exit = True
        if threading.current_thread() is not self._thread:
            self._thread.join(seconds)
            if self._thread.is_alive():
                logger.error("the server does not end: an async function or a handler ignores its cancellation")

    def end(self, seconds: float) -> None:
        """Stops with the program: quickly, and waits no longer than this."""
        self._server.config.timeout_graceful_shutdown = HASTE_SECONDS
        self.stop(seconds)

    def disown(self) -> None:
        """After a fork, in the new process: that one must not hold the port."""
        for sock in filter(None, (self._socket, self._twin)):
            if sock.fileno() >= 0:
                os.close(sock.detach())  # not close(): the event loop, which is not here, has marked it as in use

    def _run(self) -> None:
        try:
            with writing(self._cell), switching(self.switch_interval):
                self._server.run(sockets=[self._socket])
        except BaseException as error:  # noqa: BLE001 - SystemExit(3) when the lifespan fails
            self._failure = error
        finally:
            self._socket.close()
            if self._twin is not None:
                self._twin.close()
            self._server.ready.set()


def _taken(host: str, port: int) -> socket.socket:
    """A socket of IPv6 that does not listen; nobody else gets the port."""
    sock = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    try:
        if sys.platform == "win32":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        ValueError: `port` is no port.
        OSError: The port is taken; the text names it.
    """
    if not isinstance(port, int) or not 0 <= port <= 65535:
        raise ValueError(f"port is a number from 0 (a free one) to 65535; got {port!r}")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    if sys.platform != "win32":  # there it would let two programs share the port
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen(128)
    except OSError as error:
        sock.close()
        raise OSError(
            error.errno,
            f"port {port} of {host} cannot be used ({error.strerror}); another program may have it. "
            "Choose another port=, or none for a free one",
        ) from None
    return sock


def _disown_all() -> None:
    for server in list(_servers):
        server.disown()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_disown_all)
