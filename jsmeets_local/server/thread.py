"""Server for an ASGI application on a daemon thread.

The socket listens before the thread starts: clients that connect early wait in its backlog, and uvicorn is imported
while the browser starts.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from starlette.types import ASGIApp

from ..bridge.portal import abandon_loop, wait_for
from ..bridge.shutdown import after_fork
from ..bridge.tracebacks import is_users
from ..errors import BridgeBusy, LaunchError
from ..notebook.cells import current_cell, writing
from .lifespan import lifespan
from .loopback import is_loopback
from .switch_interval import set_switch_interval

if TYPE_CHECKING:
    from .uvicorn_server import Server

__all__ = ["ServerThread", "bind", "start_ended"]

GRACE_SECONDS = 2  # for requests and WebSockets to end when the server stops
EXIT_GRACE_SECONDS = 1  # the same at the end of the program
STOP_SECONDS = 10.0  # for the whole server to stop
SLOW_START_SECONDS = 30.0  # for the application to start, until a warning

# The ports that browsers block, except 0: https://fetch.spec.whatwg.org/#port-blocking
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

_GREEN = (
    "{0} has patched the threads of this process, and the server needs real ones. Call {1}, "
    "or launch in a process without {0}"
)

logger = logging.getLogger("jsmeets_local")

_servers: WeakSet[ServerThread] = WeakSet()


class ServerThread:
    """Server thread: `start()` starts an ASGI application, and `accept()` begins to serve it.

    It leaves signal handlers and the logging configuration of the program alone.

    Args:
        app: The application.
        host: The address to bind.
        port: The port; 0 for a free one.
        switch_interval: The switch interval in seconds while the server runs; see `set_switch_interval`.
        binding: Given the host and the port, returns a listening socket; by default `bind`.

    Raises:
        ValueError: `port` is not a valid port, or one that browsers refuse.
        OSError: The port is taken; the text names it.
        LaunchError: This process cannot run the thread.

    Attributes:
        host: The address, as given.
        port: The port.
        base_url: `http://host:port`, as a browser on this machine reaches it.
        is_local: Whether only this machine reaches the address.
        switch_interval: The switch interval, as given.
        state: The lifespan state of the application.
    """

    def __init__(
        self,
        app: ASGIApp,
        host: str = "127.0.0.1",
        port: int = 0,
        switch_interval: float | None = None,
        binding: Callable[[str, int], socket.socket] | None = None,
    ) -> None:
        _check_process()
        self._socket = (binding or bind)(host, port)
        self.host = host
        self.switch_interval = switch_interval
        self.port: int
        address, self.port = self._socket.getsockname()[:2]
        self.is_local = is_loopback(address)
        reachable = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "::1": "[::1]"}.get(host, host)
        self.base_url = f"http://{reachable}:{self.port}"
        self._ipv6_socket: socket.socket | None = None  # reserves the port, see owns_localhost()
        self._app = app
        self._loop: asyncio.AbstractEventLoop | None = None  # set by the thread
        self._starting: asyncio.Task[Any] | None = None  # while the application starts
        # Released when start-up has succeeded or failed. Not an Event: that is implemented in Python, and Ctrl-C could
        # interrupt it while it holds its internal lock.
        self._started = threading.Lock()
        self._started.acquire()
        self._proceed = asyncio.Event()  # to accept, or to stop
        self._stopping = False
        self._grace = GRACE_SECONDS
        self.state: dict[str, Any] = {}
        self._server: Server | None = None
        self._cell = current_cell()  # the notebook cell under which this thread logs
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="jsmeets-server", daemon=True)
        _servers.add(self)

    def start(self, limit: float | None = None) -> None:
        """Start the application, and wait until it has started.

        Args:
            limit: Seconds for the application to start; `None` for no limit.

        Raises:
            LaunchError: The application reports that it cannot start, or has not started in time, or `end_start` has
                ended its start.
            BaseException: The application raised it at start-up.
        """
        try:
            self._thread.start()
            is_in_time = self._wait_started(limit)
        except BaseException:  # Ctrl-C during a long start-up
            self.stop()
            self._abandon()
            raise
        if not is_in_time:
            raise self._late(limit)
        if self._stopping and (self._failure is None or isinstance(self._failure, asyncio.CancelledError)):
            self.end_start()  # the thread may not have ended yet
            raise start_ended() from self._failure
        if self._failure is not None:
            self._thread.join()
            raise self._failure

    def _wait_started(self, limit: float | None) -> bool:
        """Wait until the application has started or failed; return `False` if that takes longer than `limit`."""
        if limit is not None and limit <= SLOW_START_SECONDS:
            return wait_for(self._started, limit)
        if wait_for(self._started, SLOW_START_SECONDS):
            return True
        logger.warning(
            "launch() still waits for the lifespan or the start-up handlers of the application, after %g s%s",
            SLOW_START_SECONDS,
            "" if limit is not None else "; its argument timeout= limits the wait",
        )
        return wait_for(self._started, None if limit is None else limit - SLOW_START_SECONDS)

    def _late(self, limit: float | None) -> LaunchError:
        """Cancel the start of the application, and return the error that names the line at which it waits."""
        frame = sys._current_frames().get(self._thread.ident or 0)
        blocked = [] if frame is None else traceback.extract_stack(frame)
        self._stop_within(GRACE_SECONDS)
        self._abandon()
        cause = self._failure
        stack = blocked if cause is None else traceback.extract_tb(cause.__traceback__)
        lines = [line for line in stack if is_users(line.filename)]
        lines = [line for line in lines if "site-packages" not in line.filename] or lines
        where = f": it waits in {lines[-1].name}(), {lines[-1].filename}:{lines[-1].lineno}" if lines else ""
        error = LaunchError(
            f"the lifespan or a start-up handler of the application did not return within {limit:g} s{where}. If it "
            "needs longer, pass launch(timeout=(seconds for the start-up, seconds for the page))"
        )
        error.__cause__ = cause
        return error

    def _abandon(self) -> None:
        """Free the port and the bridge if the thread cannot end, because the application blocks it."""
        if self._thread.is_alive():
            self.release()
            if self._loop is not None:
                abandon_loop(self._loop)

    def accept(self) -> None:
        """Begin to serve, starting with the clients in the backlog."""
        self._call(self._proceed.set)

    def _call(self, func: Callable[[], object]) -> None:
        """Call a function on the loop, from any thread."""
        loop = self._loop
        if loop is None:  # only for stop() during an interrupted start; `_serve` will not wait
            return
        with suppress(RuntimeError):  # the loop is closed
            try:
                loop.call_soon_threadsafe(func)
            except KeyboardInterrupt:  # the callback may be queued and the loop not woken up
                loop.call_soon_threadsafe(func)
                raise

    def _cancel_start(self) -> None:
        if self._starting is not None:
            self._starting.cancel()

    def owns_localhost(self) -> bool:
        """Return whether the name `localhost` leads to this server only.

        Browsers also resolve `localhost` to `::1`, where another account may listen at the same port. This method
        reserves that port without listening.
        """
        if self.host != "127.0.0.1" or self._ipv6_socket is not None:
            return self._ipv6_socket is not None
        try:
            self._ipv6_socket = _reserve("::1", self.port)
        except OSError as error:
            return error.errno not in (errno.EADDRINUSE, errno.EACCES)  # other errors: this machine has no IPv6
        return True

    def was_reached(self) -> bool:
        """Return whether the server has answered an HTTP request since it started."""
        return self._server is not None and self._server.server_state.total_requests > 0

    def is_running(self) -> bool:
        """Return whether the thread is alive."""
        return self._thread.is_alive()

    def runs_here(self) -> bool:
        """Return whether the calling thread is that of the server."""
        return threading.current_thread() is self._thread

    def close_port(self) -> None:
        """Stop accepting connections immediately; `stop()` takes up to 0.1 s. Call it on the server's loop."""
        for server in self._server.servers if self._server is not None and self._server.started else ():
            server.close()

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Stop, and wait until the port is free and the thread has ended. On that thread, return at once."""
        if not self._stop_within(seconds):
            logger.error(
                "the server did not stop in %g s: an async function or a handler ignores its cancellation", seconds
            )

    def _stop_within(self, seconds: float) -> bool:
        """Stop; return `False` if the thread has not ended in time."""
        self._stopping = True
        if self._server is not None:
            self._server.should_exit = True
        self._call(self._cancel_start)
        self.accept()
        if self.runs_here():
            return True
        with suppress(RuntimeError):  # Ctrl-C prevented its start; if it still starts, it ends at once
            self._thread.join(seconds)
        return not self._thread.is_alive()

    def end_start(self) -> None:
        """Stop, and make `start()` raise `LaunchError` in the thread that waits, also if the application blocks."""
        if not self._stop_within(GRACE_SECONDS):
            self._abandon()
            self._report_started()

    def end(self, seconds: float) -> None:
        """Stop at the end of the program, with a shorter grace period; wait for at most `seconds`."""
        self._grace = EXIT_GRACE_SECONDS
        if self._server is not None:
            self._server.config.timeout_graceful_shutdown = EXIT_GRACE_SECONDS
        self.stop(seconds)

    def release(self) -> None:
        """Close the sockets while the thread does not: it is blocked, or this is a forked process without it."""
        for sock in filter(None, (self._socket, self._ipv6_socket)):
            if sock.fileno() >= 0:
                os.close(sock.detach())  # close() is deferred while the event loop, which does not run here, holds it

    def _run(self) -> None:
        try:
            with (
                writing(self._cell),
                set_switch_interval(self.switch_interval),
                asyncio.Runner(loop_factory=_new_loop) as runner,
            ):
                try:
                    runner.run(self._serve())
                except BaseException as error:  # before the runner waits for the threads of its executor
                    self._failure = error
                    raise
        except BaseException as error:
            is_cancelled = self._stopping and isinstance(error, asyncio.CancelledError)
            if not (is_cancelled or isinstance(error, BridgeBusy)):  # its text says everything
                logger.error("the server stopped with an error", exc_info=error)
            self._failure = error
        finally:
            self._socket.close()
            if self._ipv6_socket is not None:
                self._ipv6_socket.close()
            self._report_started()

    def _report_started(self) -> None:
        with suppress(RuntimeError):  # it is released
            self._started.release()

    async def _serve(self) -> None:
        self._starting = asyncio.current_task()
        self._loop = asyncio.get_running_loop()
        if self._stopping:  # read after `_loop` is set; stop() writes it before it reads `_loop`
            return
        async with lifespan(self._app) as state:
            self._starting = None
            self.state = state
            self._report_started()
            if not self._stopping:
                await self._proceed.wait()
            if self._stopping:
                return
            from .uvicorn_server import Server  # and uvicorn with it

            self._server = Server(self._app, state, self._grace)
            if self._stopping:
                self._server.should_exit = True
            await self._server.serve(sockets=[self._socket])


def start_ended() -> LaunchError:
    """Return the error of a `launch()` that `stop()` has ended."""
    return LaunchError("stop() was called before the application had started; call launch() again to serve it")


def _check_process() -> None:
    """Raise `LaunchError` if a server cannot run in a thread of this process."""
    processes: Any = sys.modules.get("multiprocessing.process")  # imported in the processes that it starts
    if processes is not None and getattr(processes.current_process(), "_inheriting", False):
        raise LaunchError(
            "launch() was called while multiprocessing imports the main module into a new process. Put the call, and "
            'all other code that must run once, under: if __name__ == "__main__":'
        )
    gevent, eventlet = sys.modules.get("gevent.monkey"), sys.modules.get("eventlet.patcher")
    if gevent is not None:
        # uvloop does not use the module `select`; asyncio's own loop does, and would wait forever.
        needed = ["threading"] if find_spec("uvloop") is not None else ["threading", "select"]
        if any(map(gevent.is_module_patched, needed)):
            raise LaunchError(_GREEN.format("gevent", "gevent.monkey.patch_all(thread=False, select=False)"))
    if eventlet is not None and eventlet.is_monkey_patched("thread"):
        raise LaunchError(_GREEN.format("eventlet", "eventlet.monkey_patch(thread=False)"))


def _new_loop() -> asyncio.AbstractEventLoop:
    """Return the event loop that uvicorn would choose, regardless of the event loop policy."""
    try:
        import uvloop
    except ImportError:
        if sys.platform == "win32":
            return asyncio.ProactorEventLoop()
        return asyncio.SelectorEventLoop()
    for descriptor in range(3):  # a daemon may have closed its standard streams, and libuv aborts if it is given one
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # returns the lowest free descriptor
    return uvloop.new_event_loop()


def _reserve(host: str, port: int) -> socket.socket:
    """Return an IPv6 socket that holds a port without listening."""
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
    """Return a listening socket.

    Raises:
        TypeError: `host` is not a str.
        ValueError: `host` is empty; `port` is not a valid port, or one that browsers refuse.
        OSError: The host is unknown, or the port is taken; the text names it.
    """
    if not isinstance(host, str):
        raise TypeError(f"host must be a name or address of this machine, such as '127.0.0.1'; got {host!r:.60}")
    if not host:  # sockets bind it to all interfaces, and it cannot occur in a URL
        raise ValueError("host is empty: use '127.0.0.1', the default, for this machine, or '0.0.0.0' for all networks")
    if isinstance(port, bool) or not isinstance(port, int) or not 0 <= port <= 65535:
        raise ValueError(f"port must be a number from 0 (a free port) to 65535; got {port!r:.60}")
    if port in _REFUSED:
        raise ValueError(
            f"browsers refuse to open port {port}, which belongs to another protocol; choose another port="
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    if sys.platform != "win32":  # on Windows it would let two programs share the port
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen(128)
    except OSError as error:
        sock.close()
        raise OSError(error.errno, _bind_problem(host, port, error)) from None
    if sock.getsockname()[1] in _REFUSED:  # the system may assign such a port
        with sock:  # kept open, so that the next port is a different one
            return bind(host, 0)
    return sock


def _bind_problem(host: str, port: int, error: OSError) -> str:
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return (
            f"host={host!r} is not a name or address of this machine ({error.strerror}). Use '127.0.0.1', the default, "
            "for this machine, or '0.0.0.0' for all of its networks"
        )
    where = f"port {port} of {host}" if port else f"a free port of {host}"
    if error.errno == errno.EACCES:
        return f"{where} is reserved by the system ({error.strerror}). Choose a port= of 1024 or above, or omit it"
    return (
        f"{where} cannot be used ({error.strerror}); another program may be using it. "
        "Choose another port=, or omit it for a free one"
    )


@after_fork
def _release_all() -> None:
    for server in list(_servers):
        server.release()
