"""A document reports over HTTP that it has left, while its last messages are still under way on its WebSocket."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from jsmeets_local import Disconnected, JsMeetsPy, Page
from tests.raw import RawPage, as_page
from tests.timing import scaled, until

DOCUMENT = "5f" * 16


def leave(page: Page, document: str = DOCUMENT, method: str = "POST", **headers: str) -> int:
    """Send the beacon of a document, and return the status of the response."""
    connection = http.client.HTTPConnection("127.0.0.1", int(page.url.split(":")[2].split("/")[0]), timeout=scaled(10))
    try:
        connection.request(method, f"/jsmeetspy/left/{document}", headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as pool:
        yield pool


@pytest.fixture
def page(app: JsMeetsPy) -> Page:
    app.bridge.protocol.resume_seconds = 1000.0
    return app.launch("<p>", mode="none")


def begun(pool: ThreadPoolExecutor, page: Page, raw: RawPage) -> Future[BaseException | None]:
    """Begin a call that the page does not answer; the value is the error that ends it."""
    future = pool.submit(lambda: page.call("never")())
    assert raw.receive()[0] == "call"
    return pool.submit(lambda: future.exception(scaled(20)))


def test_a_connection_that_breaks_after_the_beacon_is_not_waited_for(
    app: JsMeetsPy, page: Page, pool: ThreadPoolExecutor
) -> None:
    said: list[str] = []
    app.functions.expose("say", said.append)
    raw = as_page(page, DOCUMENT)
    error = begun(pool, page, raw)
    assert leave(page, Origin=page.url.partition("/#")[0]) == 204
    assert raw.ask("call", "say", ["the last word"]) == ["return", 1, None], "its messages count as long as they arrive"
    assert said == ["the last word"]
    raw.socket.socket.close()
    assert type(error.result(scaled(20))) is Disconnected


def test_the_beacon_ends_the_wait_for_a_broken_connection(app: JsMeetsPy, page: Page, pool: ThreadPoolExecutor) -> None:
    raw, other = as_page(page, DOCUMENT), as_page(page, "other")
    error = begun(pool, page, other)
    other.socket.socket.close()
    raw.socket.socket.close()
    until(lambda: [client["connected"] for client in app.stats()["pages"]] == [False, False])
    assert leave(page) == 204
    assert [client["socket"] for client in app.stats()["pages"]] == [other.id], "only the session of that document"
    assert leave(page, "other") == 204
    assert type(error.result(scaled(20))) is Disconnected
    assert leave(page) == 204, "nothing tells whether a document is known"


def test_a_beacon_of_another_site_is_refused(page: Page, app: JsMeetsPy) -> None:
    raw = as_page(page, DOCUMENT)
    assert leave(page, Origin="https://evil.example") == 403
    assert leave(page, Host="evil.example") == 403
    assert leave(page, method="GET") in (404, 405)
    raw.socket.socket.close()
    until(lambda: [client["connected"] for client in app.stats()["pages"]] == [False])


def test_a_beacon_needs_the_cookie_of_a_private_application(app: JsMeetsPy) -> None:
    page = app.launch("<p>", mode="none", private=True)
    assert leave(page) == 403
