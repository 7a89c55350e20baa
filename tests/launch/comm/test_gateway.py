"""Requests and WebSockets that a notebook's front end sends as messages."""

from __future__ import annotations

import json
import queue
from collections.abc import Callable, Iterator, Sequence
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from jsmeets_local import Bridge, JsMeetsPy
from jsmeets_local.launch.comm.gateway import FRAMES, HOST, ROOM, Gateway
from tests.timing import scaled


class Front:
    """The front end's end of a gateway."""

    def __init__(self, app: JsMeetsPy) -> None:
        self.portal = app.bridge.portal
        self.messages: queue.Queue[tuple[list[Any], list[bytes]]] = queue.Queue()
        self.gateway = Gateway(app, self._take, {}, SimpleCookie())

    def _take(self, message: list[Any], buffers: Sequence[bytes]) -> None:
        self.messages.put((json.loads(json.dumps(message)), [*buffers]))

    def send(self, *message: Any, buffers: Sequence[bytes] = ()) -> None:
        self.portal.call(self.gateway.receive, [*message], [memoryview(buffer) for buffer in buffers])

    def next(self) -> tuple[list[Any], list[bytes]]:
        return self.messages.get(timeout=scaled(10))

    def fetch(self, path: str, method: str = "GET", headers: Any = (), body: bytes = b"") -> tuple[list[Any], bytes]:
        self.send("fetch", 7, method, path, [*headers], buffers=[body] if body else [])
        (kind, number, *rest), buffers = self.next()
        assert (kind, number) == ("response", 7), rest
        return rest, buffers[0]


@pytest.fixture
def app() -> Iterator[JsMeetsPy]:
    app = JsMeetsPy(bridge=Bridge())

    @app.route("/told", methods=["POST"])
    async def told(request: Request) -> JSONResponse:
        body = (await request.body()).decode()
        return JSONResponse([str(request.url), request.headers["x-a"], body, request.cookies.get("seen")])

    @app.route("/enter")
    async def enter(request: Request) -> RedirectResponse:
        response = RedirectResponse("/place?x=1")
        response.set_cookie("seen", "yes")
        return response

    @app.route("/place")
    async def place(request: Request) -> PlainTextResponse:
        return PlainTextResponse(f"{request.query_params['x']} {request.cookies.get('seen')}")

    @app.route("/broken")
    async def broken(request: Request) -> PlainTextResponse:
        raise LookupError("nothing")

    @app.websocket_route("/echo")
    async def echo(websocket: WebSocket) -> None:
        await websocket.accept()
        try:
            while True:
                event = await websocket.receive()
                if event.get("text") == "flood":
                    for n in range(2 * FRAMES):
                        await websocket.send_text(str(n))
                elif event.get("text") == "large":
                    for _ in range(8):
                        await websocket.send_bytes(bytes(ROOM // 4))
                elif event.get("bytes") is not None:
                    await websocket.send_bytes(event["bytes"][::-1])
                elif event["type"] == "websocket.disconnect":
                    ended.put(event["code"])
                    return
                else:
                    await websocket.send_text(event["text"].upper())
        except WebSocketDisconnect as error:
            ended.put(error.code)

    ended: queue.Queue[int] = queue.Queue()
    app.state.ended = ended
    app.launch("<p>here</p>", mode="none")
    yield app
    app.stop()


@pytest.fixture
def front(app: JsMeetsPy) -> Front:
    return Front(app)


def test_a_request(front: Front) -> None:
    (status, _, path), body = front.fetch("/told?q=%20a", "POST", [["X-A", "1"]], b"text")
    assert (status, path) == (200, "/told?q=%20a")
    assert json.loads(body) == [f"https://{HOST}/told?q=%20a", "1", "text", None]


def test_redirects_keep_cookies_and_the_fragment(front: Front) -> None:
    (status, _, path), body = front.fetch("/enter#part")
    assert (status, path, body) == (200, "/place?x=1#part", b"1 yes")
    assert front.fetch("/place?x=2")[1] == b"2 yes"


def test_errors_of_the_application(front: Front) -> None:
    (status, *_), body = front.fetch("/broken")
    assert (status, body) == (500, b"Internal Server Error")
    assert front.fetch("/nowhere")[0][0] == 404


def test_files_and_assets(front: Front, app: JsMeetsPy) -> None:
    from jsmeets_local.staticfiles import ASSETS

    (status, headers, _), body = front.fetch("/jsmeetspy/jsmeets.mjs")
    assert status == 200
    assert body == (Path(ASSETS) / "jsmeets.mjs").read_bytes()
    assert dict(headers)["content-type"].startswith("text/javascript")


def test_a_websocket(front: Front, app: JsMeetsPy) -> None:
    front.send("connect", 1, "/echo", [])
    assert front.next()[0] == ["accept", 1, ""]
    front.send("text", 1, "hello")
    assert front.next()[0] == ["text", 1, "HELLO"]
    front.send("bytes", 1, buffers=[b"abc"])
    assert front.next() == (["bytes", 1], [b"cba"])
    front.send("close", 1, 1000, "")
    assert front.next()[0] == ["closed", 1, 1000, ""]
    assert app.state.ended.get(timeout=scaled(5)) == 1000


def test_a_front_end_that_goes(front: Front, app: JsMeetsPy) -> None:
    front.send("connect", 1, "/echo", [])
    front.next()
    app.bridge.portal.call(front.gateway.end)
    assert app.state.ended.get(timeout=scaled(5)) == 1001


@pytest.mark.parametrize(("word", "limit"), [("flood", FRAMES), ("large", 4)])
def test_a_front_end_that_does_not_acknowledge(front: Front, word: str, limit: int) -> None:
    """The application waits, and goes on with each acknowledgement."""
    front.send("connect", 1, "/echo", [])
    front.next()
    front.send("text", 1, word)
    for _ in range(limit):
        front.next()
    assert front.fetch("/nowhere")[0][0] == 404, "requests do not wait for the WebSocket"
    assert front.messages.empty()
    front.send("ack", 1, limit)
    for _ in range(limit):
        front.next()


def test_the_launch_token_is_needed(front: Front) -> None:
    front.send("connect", 1, "/jsmeetspy/textsocket", ["jsmeets.v1"])
    assert front.next()[0][:3] == ["closed", 1, 1006]


def test_a_page(app: JsMeetsPy, front: Front, answer: Callable[..., Any]) -> None:
    """The bridge serves a page that a gateway carries like any other."""
    page = app.pages[0]
    token, key = page.url.partition("#jsmeets=")[2].split(".")
    front.send("connect", 1, "/jsmeetspy/textsocket", ["jsmeets.v1", f"jsmeets.token.{token}"])
    assert front.next()[0] == ["accept", 1, "jsmeets.v1"]
    front.send("text", 1, json.dumps([["hello", "document", key, [], "", 0]]))
    assert json.loads(front.next()[0][2])[0][0] == "welcome"
    front.send("text", 1, json.dumps([["ack", 0]]))
    result = answer(lambda: page.call("double")(21))
    ((kind, number, name, args, *_),) = json.loads(front.next()[0][2])
    assert (kind, name, args) == ("call", "double", [21])
    front.send("text", 1, json.dumps([["return", number, 42]]))
    assert result() == 42


@pytest.fixture
def answer() -> Callable[..., Any]:
    from concurrent.futures import ThreadPoolExecutor

    def start(call: Callable[[], Any]) -> Callable[[], Any]:
        pool = ThreadPoolExecutor(1)
        future = pool.submit(call)
        pool.shutdown(wait=False)
        return lambda: future.result(scaled(10))

    return start
