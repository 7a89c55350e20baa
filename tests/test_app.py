"""The application: the promises of 2020 on today's Starlette."""

from __future__ import annotations

import functools
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.endpoints import WebSocketEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from jsmeets_local import Bridge, JsMeetsPy, JsPyTextSocket
from jsmeets_local.staticfiles import ASSETS, SCRIPTS


def make(**options: Any) -> JsMeetsPy:
    return JsMeetsPy(bridge=Bridge(), **options)


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "stat").mkdir()
    (tmp_path / "temp").mkdir()
    (tmp_path / "stat" / "a.txt").write_text("static text")
    (tmp_path / "temp" / "index.html").write_text(
        "<head>{{ jsmeets_scripts() }}</head>{{ name or 'nobody' }} {{ url_for('static', path='/a.txt') }}"
    )
    return {"static": str(tmp_path / "stat"), "templates": str(tmp_path / "temp")}


def test_routes() -> None:
    app = make(debug=True)

    @app.route("/", ["GET"])
    async def home(request: Request) -> JSONResponse:
        return JSONResponse({"hello": "world"})

    @app.route("/both", ("get", "post"))
    def both(request: Request) -> PlainTextResponse:
        return PlainTextResponse(request.method)

    @app.route("/item/{id:int}", methods="PUT", name="thing")
    async def item(request: Request) -> PlainTextResponse:
        return PlainTextResponse(str(request.url_for("thing", id=request.path_params["id"] + 1)))

    @app.route("/plain")
    def plain(request: Request) -> PlainTextResponse:
        return PlainTextResponse("plain")

    with TestClient(app) as client:
        assert client.get("/").json() == {"hello": "world"}
        assert client.post("/").status_code == 405
        assert client.get("/both").text == "GET"
        assert client.post("/both").text == "POST"
        assert client.put("/item/4").text == "http://testserver/item/5"
        assert client.get("/plain").text == "plain"
        assert client.get("/none").status_code == 404


def test_templates_with_and_without_request(folders: dict[str, str]) -> None:
    app = make(**folders)
    response = app.templates

    @app.route("/bare")
    async def bare(request: Request) -> Any:
        return app.templates.TemplateResponse("index.html")

    @app.route("/context")
    def context(request: Request) -> Any:
        return app.templates.TemplateResponse("index.html", {"name": "Mike"})

    @app.route("/in_context")
    async def in_context(request: Request) -> Any:
        return app.templates.TemplateResponse("index.html", {"name": "Mike", "request": request})

    @app.route("/starlette")
    async def starlette(request: Request) -> Any:
        return app.templates.TemplateResponse(request, "index.html", {"name": "Mike"}, status_code=201)

    @app.route("/keywords")
    async def keywords(request: Request) -> Any:
        return app.templates.TemplateResponse(name="index.html", context={"name": "Mike"})

    with TestClient(app) as client:
        bare_text = client.get("/bare").text
        assert "nobody http://testserver/static/a.txt" in bare_text
        assert '<script src="/jsmeetspy/jsmeets.js"></script>' in bare_text
        for path in ("/context", "/in_context", "/starlette", "/keywords"):
            assert "Mike http://testserver/static/a.txt" in client.get(path).text
        assert client.get("/starlette").status_code == 201
        assert client.get("/static/a.txt").text == "static text"
    with pytest.raises(RuntimeError, match="no request is being answered"):
        response.TemplateResponse("index.html")


def test_behind_a_prefix_scripts_and_urls_are_right(folders: dict[str, str]) -> None:
    app = make(**folders)

    @app.route("/page")
    async def page(request: Request) -> Any:
        return app.templates.TemplateResponse("index.html")

    with TestClient(app, root_path="/user/proxy/8000") as client:
        text = client.get("/page").text
    assert 'src="/user/proxy/8000/jsmeetspy/jsmeets.js"' in text


def test_mounted_in_another_application(folders: dict[str, str]) -> None:
    async def page(request: Request) -> Any:
        return inner.templates.TemplateResponse("index.html")

    routes = [Route("/page", page), Mount("/deep", routes=[Route("/page", page)])]
    inner = make(routes=routes, **folders)
    outer = JsMeetsPy(bridge=Bridge(), routes=[Mount("/inner", inner)])
    with TestClient(outer) as client:
        assert client.get("/inner/jsmeetspy/JsPyQueue.js").status_code == 200
        for path in ("/inner/page", "/inner/deep/page"):
            assert 'src="/inner/jsmeetspy/jsmeets.js"' in client.get(path).text
        assert client.get("/jsmeetspy/JsPyQueue.js").status_code == 200
        with client.websocket_connect("/inner/jsmeetspy/textsocket", subprotocols=["jsmeets.v1"]) as socket:
            socket.send_text('[["hello","d","",[]]]')
            assert socket.receive_text().startswith('[["welcome",1,')


def test_start_and_stop_handlers_in_order() -> None:
    order: list[str] = []

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[dict[str, int]]:
        order.append("lifespan in")
        yield {"answer": 42}
        order.append("lifespan out")

    async def started() -> None:
        order.append("on_startup")

    app = make(lifespan=lifespan, on_startup=[started], on_shutdown=[lambda: order.append("on_shutdown")])
    app.add_event_handler("startup", lambda: order.append("added"))

    @app.on_event("shutdown")
    async def stopped() -> None:
        order.append("decorated")

    @app.route("/")
    async def home(request: Request) -> JSONResponse:
        return JSONResponse(request.state.answer)

    with TestClient(app) as client:
        assert client.get("/").json() == 42
    assert order == ["lifespan in", "on_startup", "added", "on_shutdown", "decorated", "lifespan out"]
    with pytest.raises(ValueError, match='"startup" or "shutdown"'):
        app.add_event_handler("start", stopped)


def test_starlette_arguments_pass_through() -> None:
    async def home(request: Request) -> PlainTextResponse:
        raise KeyError("handled")

    async def handle(request: Request, error: Exception) -> PlainTextResponse:
        return PlainTextResponse(f"handled {error}")

    app = JsMeetsPy(False, [Route("/", home)], None, {KeyError: handle}, bridge=Bridge())
    with TestClient(app) as client:
        assert client.get("/").text == "handled 'handled'"


def test_both_kinds_of_socket_endpoints() -> None:
    order: list[str] = []

    class Echo(WebSocketEndpoint):
        encoding = "text"

        @classmethod
        def url_path(cls) -> str:
            return "/socket_url1"

        @classmethod
        def endpoint(cls) -> Any:
            return cls

        @classmethod
        async def startup_handler(cls) -> None:
            order.append("startup")

        async def on_receive(self, websocket: Any, data: Any) -> None:
            await websocket.send_text(data * 2)

    class Plain:
        def url_path(self) -> str:
            return "/socket_url2"

        def endpoint(self) -> Any:
            return self.serve

        async def serve(self, websocket: Any) -> None:
            await websocket.accept()
            await websocket.send_text("served")
            await websocket.close()

        async def shutdown_handler(self) -> None:
            order.append("shutdown")

    app = make()
    app.add_socket(Echo)
    app.add_socket(Plain())
    app.add_socket(JsPyTextSocket)
    with TestClient(app) as client:
        with client.websocket_connect("/socket_url1") as socket:
            socket.send_text("ab")
            assert socket.receive_text() == "abab"
        with client.websocket_connect("/socket_url2") as socket:
            assert socket.receive_text() == "served"
    assert order == ["startup", "shutdown"]


def test_the_files_are_served_with_their_types() -> None:
    app = make()
    with TestClient(app) as client:
        for name in (
            *SCRIPTS,
            "jsmeets.js",
            "jsmeets.mjs",
            "jsmeets-code.mjs",
            "jsmeets-state.mjs",
            "jsmeets-view.mjs",
        ):
            response = client.get(f"/jsmeetspy/{name}")
            assert response.status_code == 200
            assert response.headers["content-type"] == "text/javascript; charset=utf-8"
            assert response.headers["cache-control"] == "no-cache"
        assert client.get("/jsmeetspy/jsmeets.d.mts").status_code == 200
        assert client.get("/favicon.ico").headers["content-type"] == "image/svg+xml"
        assert client.get("/jsmeetspy/none.js").status_code == 404


def test_scripts_are_served_unchanged_and_only_read() -> None:
    app = make()
    with TestClient(app) as client:
        whole = client.get("/jsmeetspy/jsmeets.js")
        assert whole.content == Path(ASSETS, "jsmeets.js").read_bytes()
        assert client.head("/jsmeetspy/jsmeets.js").headers["content-length"] == str(len(whole.content))
        assert client.post("/jsmeetspy/jsmeets.js").status_code == 405


def test_pages_of_other_origins_may_import_what_the_scripts_import() -> None:
    app = make()
    with TestClient(app) as client:
        allowed = {
            name: client.get(f"/jsmeetspy/{name}").headers.get("access-control-allow-origin")
            for name in os.listdir(ASSETS)
        }
    assert {name for name, origin in allowed.items() if origin is not None} == {"jsmeets-code.mjs", "jsmeets-view.mjs"}
    assert allowed["jsmeets-code.mjs"] == "*"


@pytest.mark.parametrize("name", ["jsmeets.js", "JsPyQueue.js", "favicon.svg"])
def test_cached_files_are_not_sent_again(name: str) -> None:
    app = make()
    with TestClient(app) as client:
        etag = client.get(f"/jsmeetspy/{name}").headers["etag"]
        again = client.get(f"/jsmeetspy/{name}", headers={"if-none-match": etag})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
        assert client.get(f"/jsmeetspy/{name}", headers={"if-none-match": '"other"'}).status_code == 200


def test_expose_as_a_decorator() -> None:
    app = make()

    @app.expose
    def one() -> int:
        return 1

    @app.expose("second", exclusive=True)
    def two() -> int:
        return 2

    @app.expose()
    async def three() -> int:
        return 3

    assert one() == 1
    assert two() == 2
    assert app.functions.get_keys() == ["one", "second", "three"]
    function = app.bridge.protocol.functions.get("second")
    assert function is not None
    assert function.exclusive
    app.expose(one)
    function = app.bridge.protocol.functions.get("one")
    assert function is not None
    function.running = 1
    with pytest.raises(RuntimeError, match="'one' is running"):
        app.expose(one)
    assert three is not None


class Base:
    def inherited(self) -> str:
        return "inherited"


class Shape(Base):
    made = 0

    def __init__(self, size: int = 2) -> None:
        Shape.made += 1
        self.size = size
        self.attribute = lambda: 1

    def area(self) -> int:
        return self.size**2

    async def later(self) -> int:
        return self.size

    @classmethod
    def kind(cls) -> str:
        return cls.__name__

    @staticmethod
    def zero() -> int:
        return 0

    @property
    def boom(self) -> int:
        raise AssertionError("a property is not evaluated")

    def _private(self) -> None: ...


METHODS = ["area", "inherited", "kind", "later", "zero"]


def test_expose_an_object_exposes_its_public_methods() -> None:
    app = make()
    shape = Shape(3)
    assert app.expose(shape, "shape", exclusive=True) is shape
    assert app.functions.get_keys() == [f"shape.{name}" for name in METHODS]
    area, later = (app.bridge.protocol.functions.get(f"shape.{name}") for name in ("area", "later"))
    assert area is not None
    assert later is not None
    assert (area.func(), area.exclusive, area.is_async, later.is_async) == (9, True, False, True)


def test_expose_a_class_exposes_the_methods_of_one_object() -> None:
    app = make()
    before = Shape.made
    assert app.expose(Shape) is Shape
    assert app.expose("other")(Shape) is Shape
    assert Shape.made == before + 2
    names = [f"{key}.{name}" for key in ("Shape", "other") for name in METHODS]
    assert app.functions.get_keys() == names
    function = app.bridge.protocol.functions.get("other.area")
    assert function is not None
    assert function.func() == 4


def test_expose_a_callable_object_exposes_its_call_and_its_methods() -> None:
    app = make()

    class Adder:
        def __call__(self, a: int, b: int) -> int:
            return a + b

        def other(self) -> None: ...

        def _private(self) -> None: ...

    app.expose(Adder(), "add")
    assert app.functions.get_keys() == ["add", "add.other"]
    app.expose(Adder)
    assert app.functions.get_keys() == ["add", "add.other", "Adder", "Adder.other"]


def test_expose_what_wraps_a_function_exposes_its_call_only() -> None:
    app = make()

    class Wrapper:
        def __init__(self, func: Any) -> None:
            functools.update_wrapper(self, func)

        def __call__(self) -> None: ...

        def retry(self) -> None: ...

    class Call:
        def __call__(self) -> None: ...

    app.expose(functools.lru_cache(abs), "cached")
    app.expose(functools.partial(int, "5"), "part")
    app.expose(Wrapper(abs), "wrapped")
    app.expose(Call(), "call")
    assert app.functions.get_keys() == ["cached", "part", "wrapped", "call"]


def test_routes_return_html_text() -> None:
    app = make()

    @app.route("/")
    def home(request: Request) -> str:
        return "<h1>Hello</h1>"

    @app.route("/later")
    async def later(request: Request) -> str:
        return f"<p>{request.url.path}</p>"

    @app.route("/whole")
    def whole(request: Request) -> str:
        return '<head><script src="/jsmeetspy/jsmeets.js"></script></head>'

    @app.route("/wrong")
    def wrong(request: Request) -> Any:
        return {"a": 1}

    with TestClient(app, base_url="http://localhost") as client:
        answer = client.get("/")
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert "<h1>Hello</h1>" in answer.text
        assert answer.text.count("/jsmeetspy/jsmeets.js") == 1
        assert "<p>/later</p>" in client.get("/later").text
        assert client.get("/whole").text.count("jsmeets.js") == 1
        with pytest.raises(TypeError, match=r"wrong must return a response or HTML text; got \{'a': 1\}\. For JSON: "):
            client.get("/wrong")


def test_applications_that_share_the_default_bridge_are_told_once(caplog: pytest.LogCaptureFixture) -> None:
    first, second, alone = JsMeetsPy(), JsMeetsPy(), make()
    bridge = first.bridge
    shared = Bridge()
    for outer in (
        (first, second),
        (first, second),
        (first, alone),
        (JsMeetsPy(bridge=shared), JsMeetsPy(bridge=shared)),
    ):

        @asynccontextmanager
        async def both(app: Any, outer: Any = outer) -> AsyncIterator[None]:
            async with outer[0].router.lifespan_context(outer[0]), outer[1].router.lifespan_context(outer[1]):
                yield

        with TestClient(Starlette(lifespan=both)):
            pass
    assert [record.getMessage()[:45] for record in caplog.records].count(
        "two applications share the default bridge, so"
    ) == 1
    assert second.bridge is bridge
