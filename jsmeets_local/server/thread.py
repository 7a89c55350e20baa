"""A server in a thread of its own: bound before it starts, ready without polling, stopped completely.

Whoever connects waits in the queue of the socket until uvicorn is there. So nobody else waits for uvicorn: it is loaded
while the browser starts.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import logging
import os
import socket
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from ..bridge.portal import wait_for
from ..errors import LaunchError
from ..notebook.cells import current_cell, writing
from .lifespan import Lifespan
from .switch_interval import switching

if TYPE_CHECKING:
    from .uvicorn_server import Server

__all__ = ["ServerThread", "bind"]

GRACE_SECONDS = 2  # what requests and sockets get to end when the server stops
HASTE_SECONDS = 1  # the same where the program ends
STOP_SECONDS = 10.0  # what everything gets

# The ports that browsers do not open, but for 0: https://fetch.spec.whatwg.org/#port-blocking
_REFUSED = frozenset(
    map(
        int,
        """
        1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 53 69 77 79 87 95 101 102 103 104 109 110 111 113 115 117 119 123
        135 137 139 143 161 179 389 427 465 512 513 514 515 526 530 531 532 540 548 554 556 563 587 601 636 989 990 993
        995 1719 1720 1723 2049 3659 4045 4190 5060 5061 6000 6566 6665 6666 6667 6668 6669 6679 6697 10080
        """.split(),  # noqa: SIM905 - as the standard lists them
    )
)

logger = logging.getLogger("jsmeets_local")

_servers: WeakSet[ServerThread] = WeakSet()


class ServerThread:
    """Starts an ASGI application on a local port from a daemon thread; `accept` lets it serve.

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
        self._app = app
        self._loop = _new_loop()
        # Released when it has started, or failed to. Ctrl-C could leave an Event locked, as it is written in Python.
        self._ready = threading.Lock()
        self._ready.acquire()
        self._goes_on = asyncio.Event()  # accepting, or stopping
        self._stopping = False
        self._grace = GRACE_SECONDS
        self._server: Server | None = None
        self._cell = current_cell()  # of a notebook: where the log of this thread is seen
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="jsmeets-server", daemon=True)
        _servers.add(self)
        try:
            self._thread.start()
            wait_for(self._ready)
        except BaseException:  # Ctrl-C during a long start-up
            self.stop()
            raise
        if self._failure is not None:
            self._thread.join()
            raise LaunchError(f"the server did not start: {self._failure}") from self._failure

    def accept(self) -> None:
        """Serves, from now on; those who have connected already wait for that."""
        with suppress(RuntimeError):  # the loop has ended
            try:
                self._loop.call_soon_threadsafe(self._goes_on.set)
            except KeyboardInterrupt:  # asyncio's loop may have it, and not be awake
                self._loop.call_soon_threadsafe(self._goes_on.set)
                raise

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
        for server in self._server.servers if self._server is not None and self._server.started else ():
            server.close()

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Stops, and waits until the port is free and the thread has ended (not on the server's own thread)."""
        self._stopping = True
        if self._server is not None:
            self._server.should_exit = True
        self.accept()
        if threading.current_thread() is not self._thread:
            with suppress(RuntimeError):  # Ctrl-C came before it has begun; if it begins, it ends at once
                self._thread.join(seconds)
            if self._thread.is_alive():
                logger.error("the server does not end: an async function or a handler ignores its cancellation")

    def end(self, seconds: float) -> None:
        """Stops with the program: quickly, and waits no longer than this."""
        self._grace = HASTE_SECONDS
        if self._server is not None:
            self._server.config.timeout_graceful_shutdown = HASTE_SECONDS
        self.stop(seconds)

    def disown(self) -> None:
        """After a fork, in the new process: that one must not hold the port."""
        for sock in filter(None, (self._socket, self._twin)):
            if sock.fileno() >= 0:
                os.close(sock.detach())  # not close(): the event loop, which is not here, has marked it as in use

    def _run(self) -> None:
        try:
            with (
                writing(self._cell),
                switching(self.switch_interval),
                asyncio.Runner(loop_factory=lambda: self._loop) as runner,
            ):
                runner.run(self._serve())
        except BaseException as error:
            logger.error("the server has ended", exc_info=error)
            self._failure = error
        finally:
            self._socket.close()
            if self._twin is not None:
                self._twin.close()
            self._tell_ready()

    def _tell_ready(self) -> None:
        if self._ready.locked():
            self._ready.release()

    async def _serve(self) -> None:
        lifespan = Lifespan(self._app)
        await lifespan.begin()
        self._tell_ready()
        await self._goes_on.wait()
        if self._stopping:
            await lifespan.shutdown()
            return
        from .uvicorn_server import Server  # and uvicorn with it

        self._server = Server(self._app, lifespan, self._grace)
        if self._stopping:
            self._server.should_exit = True
        await self._server.serve(sockets=[self._socket])


def _new_loop() -> asyncio.AbstractEventLoop:
    """The one that uvicorn would take, whatever policy a notebook has set."""
    try:
        import uvloop
    except ImportError:
        if sys.platform == "win32":
            return asyncio.ProactorEventLoop()
        return asyncio.SelectorEventLoop()
    _fill_standard_streams()
    return uvloop.new_event_loop()


def _fill_standard_streams() -> None:
    """Opens the standard streams that a daemon has closed: libuv aborts where a file of its own gets such a number."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free


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
        TypeError: `host` is no str.
        ValueError: `host` is empty; `port` is no port, or one that browsers refuse.
        OSError: The host is unknown, or the port is taken; the text names it.
    """
    if not isinstance(host, str):
        raise TypeError(f"host is the name or address of this machine to serve at, as '127.0.0.1'; got {host!r:.60}")
    if not host:  # sockets take it for all networks, and no URL has it
        raise ValueError("host is empty: the default, '127.0.0.1', serves this machine alone; '0.0.0.0' all networks")
    if isinstance(port, bool) or not isinstance(port, int) or not 0 <= port <= 65535:
        raise ValueError(f"port is a number from 0 (a free one) to 65535; got {port!r:.60}")
    if port in _REFUSED:
        raise ValueError(
            f"browsers refuse to open port {port}, which belongs to another protocol; choose another port="
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    if sys.platform != "win32":  # there it would let two programs share the port
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen(128)
    except OSError as error:
        sock.close()
        raise OSError(error.errno, _bind_problem(host, port, error)) from None
    if sock.getsockname()[1] in _REFUSED:  # where the system hands out low ports, too
        with sock:  # held meanwhile, so that the next one is another
            return bind(host, 0)
    return sock


def _bind_problem(host: str, port: int, error: OSError) -> str:
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return (
            f"host={host!r} is no name or address of this machine ({error.strerror}). The default, '127.0.0.1', serves "
            "this machine alone; '0.0.0.0' all networks that it is in"
        )
    where = f"port {port} of {host}" if port else f"a free port of {host}"
    if error.errno == errno.EACCES:
        return f"{where} cannot be used ({error.strerror}); the system keeps it. Choose a port= from 1024 on, or none"
    return (
        f"{where} cannot be used ({error.strerror}); another program may have it. "
        "Choose another port=, or none for a free one"
    )


def _disown_all() -> None:
    for server in list(_servers):
        server.disown()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_disown_all)
