"""launch(private=True): HTTP answers only browsers with the cookie."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from starlette.responses import PlainTextResponse

from jsmeets_local import JsMeetsPy, LaunchError, Page
from tests.raw import RawPage, request
from tests.timing import scaled

PATHS = ["/", "/own", "/static/a.txt", "/jsmeetspy/JsPyQueue.js", "/jsmeetspy/favicon.svg", "/favicon.ico", "/nothing"]


@pytest.fixture
def app(make_app: Callable[..., JsMeetsPy], tmp_path: Path) -> JsMeetsPy:
    (tmp_path / "a.txt").write_text("text")
    app = make_app(static=str(tmp_path))

    @app.route("/own")
    async def own(request: Any) -> PlainTextResponse:
        return PlainTextResponse("own")

    app.functions.expose("add", lambda a, b: a + b)
    return app


@pytest.fixture
def page(app: JsMeetsPy) -> Page:
    return app.launch("<p>x</p>", mode="none", private=True)


class Browser:
    """An HTTP client that keeps the cookie."""

    def __init__(self, app: JsMeetsPy) -> None:
        self._port = app.port
        self.cookies: dict[str, str] = {}
        self.set_cookie = ""

    def get(self, url: str, method: str = "GET", **headers: str) -> tuple[int, str]:
        """Return the status, and the text of the response or the target of the redirect."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=scaled(10))
        cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        try:
            connection.request(method, urlsplit(url).path, headers={**(cookie if self.cookies else {}), **headers})
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        self.set_cookie = response.headers.get("set-cookie", "")
        if self.set_cookie:
            name, _, value = self.set_cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        location = response.headers.get("location")
        return response.status, urljoin(url, location) if location else text


def test_requests_without_the_cookie_are_refused(app: JsMeetsPy, page: Page) -> None:
    browser = Browser(app)
    for path in [*PATHS, "/jsmeetspy/open/wrong", "/jsmeetspy/open/", "/jsmeetspy/open/../JsPyQueue.js"]:
        for method in ("GET", "POST", "HEAD", "OPTIONS"):
            status, text = browser.get(path, method)
            assert status == 403, (method, path)
            assert "JsPyQueue" not in text
    assert "page is private" in browser.get("/")[1]
    assert "app.open" in browser.get("/")[1]
    for cookie in ("", "x", f"jsmeets-{browser._port}=", f"jsmeets-{browser._port}=wrong", "jsmeets-1=é"):
        assert request(browser._port, "/own", cookie=cookie)[0] == 403


def test_an_address_works_in_one_browser(app: JsMeetsPy, page: Page) -> None:
    first, second = Browser(app), Browser(app)
    assert app._access.token is not None
    assert app._access.token not in page.url
    status, location = first.get(page.url)
    assert status == 303
    assert location == f"http://127.0.0.1:{first._port}/#jsmeets={app._access.token}.{page._client.key}"
    name = f"jsmeets-{first._port}"
    assert first.set_cookie == f"{name}={first.cookies[name]}; Path=/; HttpOnly; SameSite=Strict"
    assert len(first.cookies[name]) == 43
    assert app._access.token not in first.set_cookie
    status, text = second.get(page.url)
    assert status == 403
    assert "no longer valid" in text
    assert second.cookies == {}
    assert first.get(page.url) == (303, location), "it knows the browser"
    for path in PATHS:
        assert first.get(path)[0] == (404 if path == "/nothing" else 200), path
        assert second.get(path)[0] == 403, path


def test_a_foreign_host_is_refused_first(app: JsMeetsPy, page: Page) -> None:
    browser = Browser(app)
    assert "allowed_hosts" in browser.get(page.url, Host="rebound.example")[1]
    assert browser.get(page.url)[0] == 303, "and has used nothing up"
    assert browser.get("/own", Host="rebound.example")[0] == 403
    assert browser.get("/own") == (200, "own")


def test_the_cookie_opens_no_websocket(app: JsMeetsPy, page: Page) -> None:
    browser = Browser(app)
    _, location = browser.get(page.url)
    assert RawPage(location, page=page._client.key).ask("call", "add", [1, 2]) == ["return", 1, 3]
    cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in browser.cookies.items())}
    with pytest.raises(Exception, match="403"):
        RawPage(location.partition("#")[0], additional_headers=cookie)


def test_another_launch_has_another_cookie(app: JsMeetsPy, page: Page) -> None:
    browser = Browser(app)
    browser.get(page.url)
    port = browser._port
    app.stop()
    app.launch("<p>x</p>", mode="none", private=True, port=port)
    assert browser.get("/own")[0] == 403
    app.stop()
    app.launch("<p>x</p>", mode="none", port=port)
    assert browser.get("/own")[0] == 200, "a launch that is not private"


def test_all_pages_of_a_server_are_private(app: JsMeetsPy, page: Page) -> None:
    browser = Browser(app)
    for other in (app.open("<p>y</p>"), app.launch("<p>z</p>", mode="none")):
        assert "/jsmeetspy/open/" in other.url
        assert browser.get(other.url)[0] == 303
    app.stop()
    app.launch("<p>x</p>", mode="none")
    with pytest.raises(LaunchError, match=r"already served without private=True; call stop\(\) first"):
        app.launch("<p>x</p>", mode="none", private=True)


def test_each_display_has_a_new_address_and_no_message_shows_it(app: JsMeetsPy, page: Page) -> None:
    first, second = page._view.html(), page._view.html()
    addresses = {line.split('"')[1] for text in (first, second) for line in text.splitlines() if "iframe src" in line}
    assert len(addresses) == 1 * 2
    assert page.url not in addresses
    assert repr(page) == f"<Page http://127.0.0.1:{Browser(app)._port}/ (waiting)>"
    for address in addresses:
        assert Browser(app).get(address)[0] == 303


def test_the_cookie_is_limited_to_the_path_of_a_proxy(app: JsMeetsPy) -> None:
    page = app.launch("<p>x</p>", mode="none", private=True, base_url="/user/ann/proxy/{port}/")
    browser = Browser(app)
    secure = {"X-Forwarded-Proto": "https"}
    status, location = browser.get(page.url, Host="hub.example.org", **secure)
    assert (status, location.partition("#")[0]) == (303, f"/user/ann/proxy/{browser._port}/")
    assert f"; Path=/user/ann/proxy/{browser._port}; HttpOnly; SameSite=Strict; Secure" in browser.set_cookie
    assert browser.get("/own", **secure) == (200, "own")
    forged = {"X-Forwarded-Prefix": "/a;Domain=example.org"}
    browser.get(page.url[page.url.index("/jsmeetspy/") :], Host="hub.example.org", **forged)
    assert "; Path=/; HttpOnly" in browser.set_cookie
