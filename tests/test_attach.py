"""`attach`: applications of other frameworks with a bridge."""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.sync.client import connect

from jsmeets_local import Bridge, JsMeetsPy, LaunchError, Page, attach
from tests.raw import as_page
from tests.timing import scaled


@pytest.fixture
def make() -> Iterator[Callable[..., JsMeetsPy]]:
    """Attach an application, and stop it when the test ends."""
    made: list[JsMeetsPy] = []

    def make(app: Any, path: str = "/", **options: Any) -> JsMeetsPy:
        made.append(attach(app, path, bridge=Bridge(), **options))
        return made[-1]

    yield make
    for app in made:
        app.stop()


def get(app: JsMeetsPy, path: str, **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", app.port, timeout=scaled(10))
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def other(**options: Any) -> Starlette:
    """A Starlette application with a route, an address, and a WebSocket."""

    async def home(request: Request) -> JSONResponse:
        return JSONResponse([str(request.url_for("home")), request.scope["root_path"], dict(request.state._state)])

    async def echo(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text((await websocket.receive_text()).upper())
        await websocket.close()

    routes = [Route("/", home, name="home"), WebSocketRoute("/echo", echo)]
    return Starlette(routes=[*routes, Route("/sub", PlainTextResponse("below"))], **options)


def call(page: Page, key: str, *args: Any) -> Any:
    raw = as_page(page)
    try:
        return raw.ask("call", key, list(args))
    finally:
        raw.close()


@pytest.mark.parametrize(("path", "root"), [("/", ""), ("/api", "/api"), ("/api/", "/api")])
def test_the_application_answers_below_its_path_with_its_own_addresses(make: Any, path: str, root: str) -> None:
    app = make(other(), path)
    page = app.launch("<p>x</p>", mode="none")
    status, body = get(app, root + "/")
    assert (status, body) == (
        200,
        f'["http://127.0.0.1:{app.port}/{root.lstrip("/")}{"/" if root else ""}","{root}",{{}}]',
    )
    assert get(app, f"{root}/sub") == (200, "below")
    with connect(f"ws://127.0.0.1:{app.port}{root}/echo") as socket:
        socket.send("abc")
        assert socket.recv() == "ABC"
    assert get(app, page.url.partition(str(app.port))[2].partition("#")[0])[0] == 200
    assert get(app, "/jsmeetspy/jsmeets.js")[0] == 200
    assert get(app, "/nothing")[0] == 404


def test_exposed_functions_and_the_routes_of_the_outer_application(make: Any) -> None:
    app = make(other())
    app.expose(lambda a, b: a + b, "add")

    @app.route("/mine")
    def mine(request: Request) -> str:
        return "<p>mine</p>"

    page = app.launch("/", mode="none")  # the page of the attached application
    assert page.url.partition("#")[0].endswith(f":{app.port}/")
    assert call(page, "add", 1, 2) == ["return", 1, 3]
    status, body = get(app, "/mine")
    assert status == 200
    assert "jsmeetspy/jsmeets.js" in body


def test_a_document_is_served_and_hides_no_route(make: Any, tmp_path: Path) -> None:
    for name in ("index.html", "app.js", "sub"):
        (tmp_path / name).write_text(f"<p>{name}</p>")
    app = make(other())
    page = app.launch(tmp_path / "index.html", mode="none")
    path = page.url.partition(str(app.port))[2].partition("#")[0]
    assert "<p>index.html</p>" in get(app, path)[1]
    assert get(app, path.replace("index.html", "app.js")) == (200, "<p>app.js</p>")
    assert get(app, "/sub") == (200, "below")


def test_a_page_with_a_router_answers_what_the_application_does_not(make: Any, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<p>router</p>")
    app = make(other())
    app.launch(tmp_path / "index.html", mode="none", spa=True)

    def visit(path: str) -> tuple[int, str]:
        return get(app, path, Accept="text/html")

    assert visit("/sub") == (200, "below")
    status, body = visit("/settings/user")
    assert (status, "<p>router</p>" in body) == (200, True)
    assert visit("/missing.js")[0] == 404
    assert get(app, "/settings/user")[0] == 404, "not the navigation of a browser"


def test_a_route_of_the_application_answers_the_paths_of_its_router(make: Any) -> None:
    app = make(other())
    app.launch("/sub", mode="none", spa=True)
    assert get(app, "/settings", Accept="text/html") == (200, "below")


def test_the_lifespans_run_inside_each_other_and_share_their_state(make: Any) -> None:
    events: list[str] = []

    def lifespan(name: str) -> Any:
        @asynccontextmanager
        async def run(app: Any) -> AsyncIterator[dict[str, Any]]:
            events.append(f"{name} starts")
            yield {name: 1}
            events.append(f"{name} stops")

        return run

    app = make(other(lifespan=lifespan("inner")), lifespan=lifespan("outer"))
    app.launch("/", mode="none")
    assert get(app, "/")[1].endswith('{"inner":1,"outer":1}]')
    app.stop()
    assert events == ["inner starts", "outer starts", "outer stops", "inner stops"]


def test_an_application_that_does_not_start_fails_the_launch(make: Any) -> None:
    @asynccontextmanager
    async def broken(app: Any) -> AsyncIterator[None]:
        raise OSError("no database")
        yield

    app = make(other(lifespan=broken))
    with pytest.raises(OSError, match="no database"):
        app.launch("/", mode="none")


def test_an_application_that_reports_its_failure(make: Any) -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "lifespan"
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no disk"})

    with pytest.raises(LaunchError, match="no disk"):
        make(broken).launch("/", mode="none")


def test_bad_arguments() -> None:
    with pytest.raises(TypeError, match="has a bridge already"):
        attach(JsMeetsPy(bridge=Bridge()))
    with pytest.raises(TypeError, match=r"attach\(\) needs an ASGI application; got 5"):
        attach(5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r'must begin with a slash: attach\(app, "/api"\)'):
        attach(other(), "api")
    with pytest.raises(TypeError, match=r'attach needs a path: attach\(app, "/"\); got None'):
        attach(other(), None)  # type: ignore[arg-type]


def test_a_middleware_around_the_attached_application_sees_its_requests(make: Any) -> None:
    paths: list[str] = []
    inner = other()

    async def count(scope: Any, receive: Any, send: Any) -> None:
        paths.append(scope.get("path", scope["type"]))
        await inner(scope, receive, send)

    app = make(count)
    app.launch("/", mode="none")
    assert get(app, "/sub") == (200, "below")
    app.stop()
    assert paths == ["lifespan", "/sub"]


# Other frameworks --------------------------------------------------------------------------------------


def litestar() -> Any:
    from litestar import Litestar
    from litestar import get as route

    @route("/items/{number:int}")
    async def item(number: int) -> dict[str, int]:
        return {"number": number}

    return Litestar([item], logging_config=None)  # its default sets the level and the handlers of the root logger


def quart() -> Any:
    from quart import Quart

    app = Quart("shop")

    @app.get("/items/<int:number>")
    async def item(number: int) -> dict[str, int]:
        return {"number": number}

    return app


def django() -> Any:
    import django
    from django.conf import settings
    from django.core.asgi import get_asgi_application
    from django.http import HttpRequest, JsonResponse
    from django.urls import path

    def item(request: HttpRequest, number: int) -> JsonResponse:
        return JsonResponse({"number": number})

    if not settings.configured:
        settings.configure(ROOT_URLCONF=(path("items/<int:number>", item),), ALLOWED_HOSTS=["*"], SECRET_KEY="x")
        django.setup()
    return get_asgi_application()


def fastapi() -> Any:
    from fastapi import FastAPI

    app = FastAPI()

    @app.get("/items/{number}")
    def item(number: int) -> dict[str, int]:
        return {"number": number}

    return app


@pytest.mark.parametrize("framework", [litestar, quart, django, fastapi])
@pytest.mark.parametrize("path", ["/", "/shop"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the frameworks
def test_other_frameworks(make: Any, framework: Callable[[], Any], path: str) -> None:
    app = make(framework(), path)
    app.expose(lambda a: 2 * a, "twice")
    page = app.launch("<p>x</p>", mode="none")
    root = path.rstrip("/")
    status, body = get(app, f"{root}/items/7")
    assert (status, body.replace(" ", "").strip()) == (200, '{"number":7}')
    assert get(app, f"{root}/none")[0] == 404
    assert call(page, "twice", 4) == ["return", 1, 8]
    if framework is fastapi:
        assert "swagger" in get(app, f"{root}/docs")[1]
        assert f'"{root}/openapi.json"'.replace('"', "'") in get(app, f"{root}/docs")[1].replace('"', "'")


def test_an_attached_application_runs_on_the_loop_of_the_bridge(make: Any) -> None:
    loops: list[Any] = []

    async def here(request: Request) -> PlainTextResponse:
        loops.append(asyncio.get_running_loop())
        return PlainTextResponse("x")

    app = make(Starlette(routes=[Route("/", here)]))
    app.launch("/", mode="none")
    assert get(app, "/") == (200, "x")
    assert loops == [app.bridge.portal.loop]
