"""The launcher: it serves any ASGI application, and `JsMeetsPy` has the same defaults."""

from __future__ import annotations

import http.client
import inspect
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute

from jsmeets_local import Bridge, JsMeetsPy, LaunchError
from jsmeets_local.api.functions import Functions
from jsmeets_local.bridge import shutdown
from jsmeets_local.launch.launcher import Launcher
from jsmeets_local.launch.options import check_options
from jsmeets_local.server.access import Access
from jsmeets_local.server.endpoint import TextEndpoint
from jsmeets_local.server.loopback import is_loopback
from jsmeets_local.server.one_time_urls import OneTimeUrls
from tests.raw import RawPage, key_of


def get(port: int, path: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode()
    finally:
        connection.close()


class Foreign:
    """A Starlette application that is not a JsMeetsPy, with a bridge and a launcher."""

    def __init__(self, fail: Exception | None = None) -> None:
        self.bridge = Bridge()
        self.log: list[str] = []
        self._fail = fail
        access, one_time_urls = Access(None), OneTimeUrls()
        self.app = Starlette(
            routes=[
                Route("/hello", self._hello),
                WebSocketRoute("/jsmeetspy/ws", TextEndpoint(self.bridge, access)),
                one_time_urls.route(),
            ],
            lifespan=self._lifespan,
        )
        self.launcher = Launcher(self.app, self.bridge, access, one_time_urls, lambda page: f"/{page}")

    async def _hello(self, request: Request) -> PlainTextResponse:
        return PlainTextResponse(request.state.word)

    @asynccontextmanager
    async def _lifespan(self, app: Any) -> AsyncIterator[dict[str, str]]:
        if self._fail is not None:
            raise self._fail
        self.bridge.start()
        self.log.append("started")
        yield {"word": "hello"}
        self.log.append("stopped")
        await self.bridge.stop()


def test_an_application_that_is_not_a_jsmeetspy() -> None:
    foreign = Foreign()
    Functions(foreign.bridge).expose("add", lambda a, b: a + b)
    page = foreign.launcher.launch("hello?x=1", "none")
    assert page.url.startswith(f"{foreign.launcher.url}/hello?x=1#jsmeets=")
    assert get(foreign.launcher.port, "/hello") == "hello"
    raw = RawPage(page.url, path="/jsmeetspy/ws", page=key_of(page))
    assert raw.ask("call", "add", [4, 7]) == ["return", 1, 11]
    assert page.is_connected()
    other = foreign.launcher.open("hello")
    assert foreign.launcher.pages == (page, other)
    raw.close()
    foreign.launcher.stop()
    assert foreign.launcher.wait()
    assert foreign.log == ["started", "stopped"]
    assert foreign.launcher.pages == ()


def test_what_its_lifespan_raises_comes_out_and_it_can_be_launched_again() -> None:
    error = OSError("no disk")
    foreign = Foreign(error)
    with pytest.raises(OSError, match="no disk") as caught:
        foreign.launcher.launch("hello", "none")
    assert caught.value is error
    assert not foreign.launcher.is_serving
    foreign._fail = None
    foreign.launcher.launch("hello", "none")
    assert get(foreign.launcher.port, "/hello") == "hello"
    foreign.launcher.stop()


def test_port_and_url(app: JsMeetsPy) -> None:
    def is_not_served() -> None:
        for name in ("port", "url"):
            with pytest.raises(LaunchError, match=r"this application is not served; call launch\(\) first"):
                getattr(app, name)

    is_not_served()
    page = app.launch("<p>x</p>", mode="none")
    assert app.url == f"http://127.0.0.1:{app.port}"
    assert page.url.startswith(f"{app.url}/#jsmeets=")
    assert "<p>x</p>" in get(app.port, "/")
    app.stop()
    is_not_served()
    app.launch("<p>x</p>", mode="none", host="::1")
    assert app.url == f"http://[::1]:{app.port}"


def test_launch_has_the_defaults_of_the_launcher() -> None:
    documented, checked = inspect.signature(JsMeetsPy.launch).parameters, inspect.signature(check_options).parameters
    shared = [name for name in checked if name != "mode"]
    assert list(documented) == ["self", "page", "mode", *shared]
    assert {name: documented[name] for name in shared} == {name: checked[name] for name in shared}
    for name in ("page", "mode"):
        assert documented[name] == inspect.signature(Launcher.launch).parameters[name]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"])
def test_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["", "127.evil.example", "0.0.0.0", "::", "::ffff:10.0.0.1", "10.0.0.1", "/run/x.sock"]
)
def test_not_loopback(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
def test_fork_hooks_run_in_the_child_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutdown, "_after_fork", [*shutdown._after_fork])
    reading, writing = os.pipe()
    for word in (b"first ", b"second "):
        shutdown.after_fork(lambda word=word: os.write(writing, word))  # type: ignore[misc]
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with open(reading, "rb") as pipe:
        assert pipe.read() == b"first second "
