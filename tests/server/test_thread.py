"""The server thread, which starts the application and serves it with uvicorn once it may accept."""

from __future__ import annotations

import asyncio
import http.client
import logging
import re
import socket
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from jsmeets_local.bridge.portal import wait_for
from jsmeets_local.errors import LaunchError
from jsmeets_local.server import thread
from jsmeets_local.server.thread import ServerThread
from tests.timing import scaled


class Program:
    """An application that logs its startup and shutdown."""

    def __init__(self, on_exit: Callable[[], Any] = lambda: None) -> None:
        self.log: list[str] = []
        self._on_exit = on_exit
        self.app = Starlette(routes=[Route("/", self._answer)], lifespan=self._lifespan)

    async def _answer(self, request: Request) -> PlainTextResponse:
        return PlainTextResponse(request.state.word)

    @asynccontextmanager
    async def _lifespan(self, app: Any) -> AsyncIterator[dict[str, str]]:
        self.log.append("begun")
        yield {"word": "hello"}
        self.log.append("ended")
        self._on_exit()


def asked(port: int) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=scaled(20))
    try:
        connection.request("GET", "/")
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def test_early_requests_wait_for_accept() -> None:
    program = Program()
    server = ServerThread(program.app)
    server.start()
    try:
        assert program.log == ["begun"]
        early = http.client.HTTPConnection("127.0.0.1", server.port, timeout=scaled(20))
        early.request("GET", "/")  # connected and sent, but not accepted yet
        server.accept()
        assert early.getresponse().read() == b"hello"
        early.close()
        assert asked(server.port) == "hello"
        server.accept()  # a second time changes nothing
        assert asked(server.port) == "hello"
    finally:
        server.stop()
    assert program.log == ["begun", "ended"]


@pytest.mark.parametrize("accepts", [False, True])
def test_stopping_right_after_the_start(accepts: bool) -> None:
    program = Program()
    server = ServerThread(program.app)
    server.start()
    if accepts:
        server.accept()
    server.stop()
    assert not server.is_running()
    assert program.log == ["begun", "ended"]
    with socket.create_server(("127.0.0.1", server.port)):
        pass  # the port is free
    server.accept()
    server.stop()


def test_an_interrupt_before_the_thread_has_its_loop_ends_the_thread(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stopping = threading.Event()
    make_loop, join = thread._new_loop, threading.Thread.join

    def make_loop_late() -> asyncio.AbstractEventLoop:
        assert stopping.wait(scaled(20))
        return make_loop()

    def announced_join(self: threading.Thread, timeout: float | None = None) -> None:
        stopping.set()  # stop() has found no loop
        join(self, timeout)

    def interrupted(lock: Any, limit: float | None) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(thread, "_new_loop", make_loop_late)
    monkeypatch.setattr(thread, "wait_for", interrupted)
    monkeypatch.setattr(threading.Thread, "join", announced_join)
    program = Program()
    with pytest.raises(KeyboardInterrupt):
        ServerThread(program.app).start()
    assert program.log == []
    assert "jsmeets-server" not in [running.name for running in threading.enumerate()]
    assert not caplog.records


def test_an_interrupt_cancels_the_start_of_the_application(
    make_app: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    begun, log, is_hanging = threading.Event(), [], [True]

    @asynccontextmanager
    async def hanging(app: Any) -> AsyncIterator[None]:
        begun.set()
        try:
            if is_hanging:
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            log.append("cancelled")
            raise
        yield

    def interrupted(lock: Any, limit: float | None) -> None:
        assert begun.wait(scaled(10))
        raise KeyboardInterrupt

    app = make_app(lifespan=hanging)
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(thread, "wait_for", interrupted)
        app.launch("<p>", mode="none")
    assert log == ["cancelled"]
    assert "jsmeets-server" not in [running.name for running in threading.enumerate()]
    assert not caplog.records
    is_hanging.clear()
    app.launch("<p>", mode="none")  # the bridge is free again


class Hanging:
    """A start-up that hangs once, in one of the ways in which user code does."""

    def __init__(self) -> None:
        self.hangs = True
        self.begun = threading.Event()
        self.release = threading.Event()

    def wait_blocking(self) -> None:
        self.begun.set()
        if self.hangs:
            assert self.release.wait(scaled(60))  # the line that blocks

    async def wait_in_thread(self) -> None:
        await asyncio.to_thread(self.wait_blocking)

    async def wait(self) -> None:
        self.begun.set()
        if self.hangs:
            await asyncio.Event().wait()  # the line that waits

    async def ignore_cancellation(self) -> None:
        with suppress(asyncio.CancelledError):
            await self.wait()


@pytest.mark.parametrize(
    ("name", "has_ended"),
    [("wait", True), ("ignore_cancellation", True), ("wait_in_thread", False), ("wait_blocking", False)],
)
def test_a_start_that_hangs_ends_in_time(
    name: str, has_ended: bool, make_app: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(thread, "GRACE_SECONDS", 0.2 if not has_ended else scaled(20))
    hanging = Hanging()

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        waited = getattr(hanging, name)()
        if waited is not None:
            await waited
        yield

    app = make_app(lifespan=lifespan)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    def late(lock: Any, limit: float | None) -> bool:
        assert hanging.begun.wait(scaled(20))
        return wait_for(lock, limit)

    text = r"lifespan or a start-up handler .* within 0\.05 s"
    with monkeypatch.context() as patched, pytest.raises(LaunchError, match=text) as raised:
        patched.setattr(thread, "wait_for", late)
        app.launch("<p>", mode="none", port=port, timeout=0.05)
    if name != "ignore_cancellation":  # what ignores it raises nothing that would have its line
        assert re.search(rf"it waits in {name}\(\), {re.escape(__file__)}:\d+\.", str(raised.value))
    assert not caplog.records
    left = [running for running in threading.enumerate() if running.name == "jsmeets-server"]
    assert bool(left) is not has_ended
    hanging.hangs = False
    assert app.launch("<p>", mode="none", port=port, timeout=scaled(20)).url  # the port and the bridge are free
    hanging.release.set()
    for running in left:
        running.join(scaled(20))
        assert not running.is_alive()
    assert app.bridge.portal.is_open()  # to the second loop


@pytest.mark.parametrize("name", ["wait", "ignore_cancellation", "wait_in_thread", "wait_blocking"])
def test_stop_ends_a_start_that_hangs_and_the_launches_that_wait_for_it(
    name: str, make_app: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(thread, "GRACE_SECONDS", 0.2 if name in ("wait_in_thread", "wait_blocking") else scaled(20))
    hanging, failures, is_waiting = Hanging(), list[BaseException](), threading.Event()

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        waited = getattr(hanging, name)()
        if waited is not None:
            await waited
        yield

    app = make_app(lifespan=lifespan)

    class Announced:
        """The lock of a start, which says when the second launch asks for it."""

        def __init__(self, lock: Any) -> None:
            self.lock = lock

        def __enter__(self) -> None:
            if hanging.begun.is_set():
                is_waiting.set()
            self.lock.acquire()

        def __exit__(self, *_: object) -> None:
            self.lock.release()

    monkeypatch.setattr(app._launcher, "_start_lock", Announced(app._launcher._start_lock))

    def launch() -> None:
        try:
            app.launch("<p>", mode="none")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=launch) for _ in range(2)]
    threads[0].start()
    assert hanging.begun.wait(scaled(20))
    threads[1].start()
    assert is_waiting.wait(scaled(20))
    app.stop()
    for launching in threads:
        launching.join(scaled(20))
        assert not launching.is_alive()
    assert [type(error) for error in failures] == [LaunchError] * 2
    assert {str(error) for error in failures} == {
        "stop() was called before the application had started; call launch() again to serve it"
    }
    assert not caplog.records
    left = [running for running in threading.enumerate() if running.name == "jsmeets-server"]
    hanging.hangs = False
    assert app.launch("<p>", mode="none", timeout=scaled(20)).url  # the bridge is free
    hanging.release.set()
    for running in left:
        running.join(scaled(20))
        assert not running.is_alive()


def test_a_slow_start_has_no_limit_by_default_but_is_logged(
    make_app: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(thread, "SLOW_START_SECONDS", 0.1)
    hanging = Hanging()

    def release(*_: object) -> bool:
        hanging.release.set()
        return True

    monkeypatch.setattr(thread.logger, "filters", [release])
    app = make_app(on_startup=[hanging.wait_in_thread])
    app.launch("<p>", mode="none")
    assert "still waits for the lifespan or the start-up handlers of the application, after 0.1 s" in caplog.text


def test_errors_at_shutdown_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise ValueError("at the end")

    program = Program(fail)
    server = ServerThread(program.app)
    server.start()
    server.accept()
    assert asked(server.port) == "hello"
    server.stop()
    assert not server.is_running()
    [record] = [record for record in caplog.records if record.name == "jsmeets_local"]
    assert record.levelno == logging.ERROR
    assert record.exc_info is not None
    assert str(record.exc_info[1]) == "at the end"


async def without_lifespan(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        await PlainTextResponse("plain")(scope, receive, send)


async def refusing(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "no disk"})
    await receive()


async def raising(scope: Any, receive: Any, send: Any) -> None:
    raise ValueError("no disk")


def test_an_application_without_a_lifespan() -> None:
    server = ServerThread(without_lifespan)
    server.start()
    server.accept()
    assert asked(server.port) == "plain"
    server.stop()
    assert not server.is_running()


@pytest.mark.parametrize(
    ("app", "error", "text"),
    [(refusing, LaunchError, "^the application did not start: no disk$"), (raising, ValueError, "^no disk$")],
)
def test_errors_at_startup_are_raised(
    app: Any, error: type[Exception], text: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(error, match=text):
        ServerThread(app).start()
    assert "the server stopped with an error" in caplog.text
    assert "no disk" in caplog.text
