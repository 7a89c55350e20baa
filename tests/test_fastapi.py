"""`JsMeetsFastAPI`: FastAPI's routes, documentation and dependencies beside the bridge."""

import asyncio
import http.client
import importlib
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, BackgroundTasks, Depends, Header, HTTPException, Request
from fastapi.testclient import TestClient

from jsmeets_local import Bridge, MissingExtra, current_call
from jsmeets_local.fastapi import JsMeetsFastAPI
from tests.plain_uvicorn import Served
from tests.raw import RawPage, as_page
from tests.timing import scaled, until


@pytest.fixture
def make() -> Iterator[Callable[..., JsMeetsFastAPI]]:
    made: list[JsMeetsFastAPI] = []

    def make(**options: Any) -> JsMeetsFastAPI:
        made.append(JsMeetsFastAPI(bridge=Bridge(), **options))
        return made[-1]

    yield make
    for app in made:
        app.stop()


@pytest.fixture
def app(make: Callable[..., JsMeetsFastAPI]) -> JsMeetsFastAPI:
    return make(title="Shop")


@pytest.fixture
def ask(app: JsMeetsFastAPI) -> Iterator[Callable[..., Any]]:
    """Call a function as a page does; return the whole answer."""
    pages: list[RawPage] = []

    def ask(key: str, *args: Any) -> Any:
        if not pages:
            pages.append(as_page(app.launch("<p>x</p>", mode="none")))
        return pages[0].ask("call", key, list(args))

    yield ask
    for page in pages:
        page.close()


def get(app: JsMeetsFastAPI, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", app.port, timeout=scaled(10))
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


class Database:
    """A resource that tells when it is closed."""

    opened = 0
    closed: list[str] = []


async def database() -> AsyncIterator[Database]:
    Database.opened += 1
    try:
        yield Database()
    except ValueError:
        Database.closed.append("rolled back")
        raise
    else:
        Database.closed.append("committed")


Db = Annotated[Database, Depends(database)]


@pytest.fixture(autouse=True)
def _fresh() -> None:
    Database.opened, Database.closed = 0, []


def test_routes_documentation_and_the_bridge_live_together(app: JsMeetsFastAPI, ask: Any) -> None:
    @app.get("/items/{number}")
    def item(number: int, db: Db) -> dict[str, int]:
        return {"number": number}

    @app.route("/")
    def home(request: Request) -> str:
        return "<h1>Shop</h1>"

    @app.expose
    def add(a: int, b: int) -> int:
        return a + b

    router = APIRouter(prefix="/admin")
    router.add_api_route("/users", lambda: ["ann"])
    app.include_router(router)

    assert ask("add", 1, 2) == ["return", 1, 3]
    assert get(app, "/items/7") == (200, '{"number":7}')
    assert get(app, "/items/x")[0] == 422
    assert get(app, "/admin/users") == (200, '["ann"]')
    assert "Shop - Swagger UI" in get(app, "/docs")[1]
    assert '"/items/{number}"' in get(app, "/openapi.json")[1]
    assert "jsmeetspy" not in get(app, "/openapi.json")[1]
    status, html = get(app, "/")
    assert status == 200
    assert "<h1>Shop</h1>" in html
    assert "/jsmeetspy/jsmeets.js" in html


@pytest.mark.parametrize("path", ["/", "/page"])
def test_the_test_client_of_fastapi(app: JsMeetsFastAPI, path: str) -> None:
    app.get(path)(lambda: {"a": 1})
    with TestClient(app, base_url="http://localhost") as client:
        assert client.get(path).json() == {"a": 1}


def plain(a: int, db: Db, b: int = 1) -> list[Any]:
    return [a, b, type(db).__name__, threading.current_thread().name == "jsmeets-server"]


async def on_the_loop(a: int, b: int = 1, *, db: Db) -> list[Any]:
    return [a, b, type(db).__name__, threading.current_thread().name == "jsmeets-server"]


def old_style(a: int, b: int = 1, db: Database = Depends(database)) -> list[Any]:  # noqa: B008 - FastAPI's first style
    return [a, b, type(db).__name__, threading.current_thread().name == "jsmeets-server"]


@pytest.mark.parametrize(("func", "on_loop"), [(plain, False), (on_the_loop, True), (old_style, False)])
def test_dependencies_of_exposed_functions(app: JsMeetsFastAPI, ask: Any, func: Any, on_loop: bool) -> None:
    assert app.expose(func, "f") is func
    assert ask("f", 5, 6) == ["return", 1, [5, 6, "Database", on_loop]]
    assert ask("f", 5) == ["return", 1, [5, 1, "Database", on_loop]]
    assert Database.closed == ["committed", "committed"]


def test_dependencies_of_functions_that_are_exposed_as_in_2020(app: JsMeetsFastAPI, ask: Any) -> None:
    app.functions.expose("f", old_style)
    app.functions.callable(plain)
    assert ask("f", 5) == ["return", 1, [5, 1, "Database", False]]
    assert ask("plain", 5) == ["return", 1, [5, 1, "Database", False]]


@pytest.mark.parametrize("is_async", [False, True])
def test_an_error_reaches_the_dependency_and_the_page(app: JsMeetsFastAPI, ask: Any, is_async: bool) -> None:
    def fail(db: Db) -> None:
        raise ValueError("sold out")

    async def fail_async(db: Db) -> None:
        raise ValueError("sold out")

    app.expose(fail_async if is_async else fail, "f")
    kind, _, error = ask("f")
    assert kind == "error"
    assert "sold out" in str(error)
    assert Database.closed == ["rolled back"]


@pytest.mark.parametrize("is_async", [False, True])
def test_a_dependency_cannot_swallow_an_error(app: JsMeetsFastAPI, ask: Any, is_async: bool) -> None:
    def swallowing() -> Iterator[None]:
        with suppress(ValueError):
            yield

    def fail(_: Annotated[None, Depends(swallowing)]) -> None:
        raise ValueError("sold out")

    async def fail_async(_: Annotated[None, Depends(swallowing)]) -> None:
        raise ValueError("sold out")

    app.expose(fail_async if is_async else fail, "f")
    assert ask("f")[2]["message"] == "sold out"


@pytest.mark.parametrize("is_async", [False, True])
def test_background_tasks_run_after_the_answer(
    app: JsMeetsFastAPI, ask: Any, is_async: bool, caplog: pytest.LogCaptureFixture
) -> None:
    answered, ran = threading.Event(), threading.Event()

    def task(number: int) -> None:
        assert answered.wait(scaled(10))
        ran.set()
        raise ValueError(f"no {number}")

    def add(number: int, tasks: BackgroundTasks) -> int:
        tasks.add_task(task, number)
        return number

    async def add_async(number: int, tasks: BackgroundTasks) -> int:
        return add(number, tasks)

    app.expose(add_async if is_async else add, "add")
    assert ask("add", 3) == ["return", 1, 3]
    answered.set()
    assert ran.wait(scaled(10))
    until(lambda: "a background task raised" in caplog.text and "ValueError: no 3" in caplog.text)


@pytest.mark.parametrize("is_async", [False, True])
def test_a_dependency_that_refuses(app: JsMeetsFastAPI, ask: Any, is_async: bool) -> None:
    ran: list[int] = []

    def refuse() -> None:
        raise HTTPException(403, "not for you")

    def secret(x: Annotated[None, Depends(refuse)]) -> None:
        ran.append(1)

    async def secret_async(x: Annotated[None, Depends(refuse)]) -> None:
        ran.append(1)

    app.expose(secret_async if is_async else secret, "f")
    kind, _, error = ask("f")
    assert kind == "error"
    assert "not for you" in str(error)
    assert ran == []


def test_a_dependency_reads_the_handshake_and_the_call(app: JsMeetsFastAPI, ask: Any) -> None:
    def agent(host: Annotated[str, Header()], request: Request, tasks: BackgroundTasks) -> list[str]:
        tasks.add_task(done.append, "later")
        return [host.partition(":")[0], request.url.path, current_call().key]

    done: list[str] = []
    app.expose(lambda about: about, "none")

    @app.expose
    def about(facts: Annotated[list[str], Depends(agent)]) -> list[str]:
        return facts

    assert ask("about") == ["return", 1, ["127.0.0.1", "/jsmeetspy/textsocket", "about"]]
    until(lambda: done == ["later"])


def test_a_missing_header_is_named(app: JsMeetsFastAPI, ask: Any) -> None:
    def needs(x_user: Annotated[str, Header()]) -> str:
        return x_user

    @app.expose
    def who(user: Annotated[str, Depends(needs)]) -> str:
        return user

    kind, _, error = ask("who")
    assert kind == "error"
    assert "x-user" in str(error)


def test_dependencies_are_overridden_and_nested(app: JsMeetsFastAPI, ask: Any) -> None:
    def first() -> int:
        return 1

    def second(one: Annotated[int, Depends(first)]) -> int:
        return one + 1

    @app.expose
    def value(two: Annotated[int, Depends(second)]) -> int:
        return two

    assert ask("value") == ["return", 1, 2]
    app.dependency_overrides[first] = lambda: 10
    assert ask("value") == ["return", 1, 11]


def test_too_many_arguments_are_an_error_in_the_page(app: JsMeetsFastAPI, ask: Any) -> None:
    app.expose(plain, "f")
    kind, _, error = ask("f", 1, 2, 3)
    assert kind == "error"
    assert "too many positional arguments" in str(error) or "takes" in str(error)
    assert Database.opened == 0


@pytest.mark.parametrize("is_async", [False, True])
def test_streams_keep_their_dependencies_until_they_end(app: JsMeetsFastAPI, is_async: bool) -> None:
    def rows(n: int, db: Db) -> Iterator[list[Any]]:
        for i in range(n):
            yield [i, list(Database.closed)]

    async def rows_async(n: int, db: Db) -> AsyncIterator[list[Any]]:
        for i in range(n):
            yield [i, list(Database.closed)]

    app.expose(rows_async if is_async else rows, "rows")
    page = as_page(app.launch("<p>x</p>", mode="none"))
    page.send(["call", 1, "rows", [3]])
    answer = page.receive()
    number = answer[3][0][2]
    page.send(["pull", number, 10])
    items: list[Any] = []
    while (message := page.receive())[0] == "items":
        items += message[2]
    assert items == [[0, []], [1, []], [2, []]]
    assert message[0] == "end"
    assert Database.closed == ["committed"]
    page.close()


def test_lifespans_and_handlers(make: Any) -> None:
    events: list[str] = []

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[dict[str, int]]:
        events.append("lifespan")
        yield {"size": 3}
        events.append("end")

    app = make(lifespan=lifespan, on_startup=[lambda: events.append("startup")])
    app.on_event("shutdown")(lambda: events.append("shutdown"))
    app.get("/size")(read_size)
    app.launch("<p>x</p>", mode="none")
    assert get(app, "/size") == (200, "3")
    app.stop()
    assert events == ["lifespan", "startup", "shutdown", "end"]


def read_size(request: Request) -> int:
    return int(request.state.size)


def test_under_uvicorn_itself(app: JsMeetsFastAPI) -> None:
    app.expose(plain, "f")
    app.get("/x")(lambda: 1)
    with Served(app) as url:
        page = RawPage(url)
        assert page.ask("call", "f", [5]) == ["return", 1, [5, 1, "Database", False]]
        page.close()
    assert Database.closed == ["committed"]


def test_without_fastapi_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "fastapi"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "fastapi", None)
    monkeypatch.delitem(sys.modules, "jsmeets_local.fastapi")
    with pytest.raises(MissingExtra, match="JsMeetsFastAPI needs FastAPI: pip install fastapi"):
        importlib.import_module("jsmeets_local.fastapi")


def test_a_call_that_is_cancelled_ends_its_dependency(app: JsMeetsFastAPI) -> None:
    entered, left = threading.Event(), threading.Event()

    async def slow() -> AsyncIterator[int]:
        try:
            entered.set()
            await asyncio.sleep(scaled(60))
            yield 1
        finally:
            left.set()

    app.expose(_taking(slow), "f")
    page = as_page(app.launch("<p>x</p>", mode="none"))
    page.send(["call", 1, "f", []])
    assert entered.wait(scaled(10))
    page.send(["cancel", 1])
    assert left.wait(scaled(10))
    page.close()


def test_a_function_that_begins_after_its_page_has_left(app: JsMeetsFastAPI, caplog: pytest.LogCaptureFixture) -> None:
    begun, go = threading.Event(), threading.Event()

    def wait(_: Db) -> None:
        begun.set()
        go.wait(scaled(10))

    app.expose(wait, "wait", exclusive=True, keep_running=True)
    page = app.launch("<p>x</p>", mode="none")
    raw = as_page(page)
    raw.send(["call", 1, "wait", []], ["call", 2, "wait", []])
    assert begun.wait(scaled(10))
    raw.send(["goodbye"])
    until(lambda: app.stats()["pages"] == [])
    go.set()
    until(lambda: "the page of 'wait' has left, and with it the request for its dependencies" in caplog.text)


def _taking(dependency: Callable[..., Any]) -> Callable[..., Any]:
    def takes(value: Annotated[int, Depends(dependency)]) -> int:
        return value

    return takes
