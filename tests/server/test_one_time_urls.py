"""One-time URLs, which open a page from the command line of a browser."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import threading
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest

from jsmeets_local import JsMeetsPy, Page
from jsmeets_local.server import one_time_urls as opening
from jsmeets_local.server.one_time_urls import OneTimeUrls
from tests.raw import RawPage, follow, key_of, token_of
from tests.timing import scaled


def ask(url: str, method: str = "GET", headers: dict[str, str] | None = None) -> http.client.HTTPResponse:
    """Send one request and return the response, without following a redirect."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=scaled(10))
    try:
        connection.request(method, parts.path, headers=headers or {})
        response = connection.getresponse()
        response.text = response.read().decode()  # type: ignore[attr-defined]
        return response
    finally:
        connection.close()


def test_a_url_opens_the_page_once(page: Page) -> None:
    url = page._urls.fresh()
    assert "jsmeets=" not in url
    assert page.url.partition("=")[2].partition(".")[0] not in url
    response = ask(url)
    assert response.status == 303
    assert urljoin(url, response.headers["location"]) == page.url
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["referrer-policy"] == "no-referrer"
    again: Any = ask(url)
    assert again.status == 403
    assert "location" not in again.headers
    assert "call <code>launch()</code> again" in again.text
    assert "page.url" in again.text


def test_other_urls_are_refused(page: Page) -> None:
    url = page._urls.fresh()
    assert ask(url[:-1]).status == 403
    assert ask(url.rpartition("/")[0] + "/x").status == 403
    assert ask(url, "HEAD").status == 404, "whoever only looks uses nothing up"
    assert ask(url, "POST").status == 405
    assert ask(url).status == 303


def test_a_url_expires(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    url = page._urls.fresh()
    now = opening.monotonic()
    monkeypatch.setattr(opening, "monotonic", lambda: now + opening.OPEN_SECONDS + 1)
    assert ask(url).status == 403
    assert ask(page._urls.fresh()).status == 303


def test_the_number_of_urls_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    one_time_urls = OneTimeUrls()
    nonces = [one_time_urls.make("").removeprefix(opening.PATH) for _ in range(opening.MAX_OPEN + 10)]
    assert len(set(nonces)) == len(nonces)
    assert len(one_time_urls._all) == opening.MAX_OPEN
    assert nonces[9] not in one_time_urls._all
    assert nonces[10] in one_time_urls._all
    now = opening.monotonic()
    monkeypatch.setattr(opening, "monotonic", lambda: now + opening.OPEN_SECONDS + 1)
    one_time_urls.make("")
    assert len(one_time_urls._all) == 1, "those that are over are forgotten"


def test_one_of_many_simultaneous_requests_wins(page: Page) -> None:
    url = page._urls.fresh()
    states: list[int] = []
    threads = [threading.Thread(target=lambda: states.append(ask(url).status)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(scaled(10))
    assert sorted(states) == [303] + [403] * 19


def test_urls_end_with_the_server(app: JsMeetsPy, page: Page) -> None:
    old = urlsplit(page._urls.fresh()).path
    app.stop()
    url = app.launch("<p>x</p>", mode="none").url
    assert ask(urljoin(url, old)).status == 403


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/", "/#jsmeets={}"),
        ("/deep/er?a=1&b=%2F#part", "/deep/er?a=1&b=%2F#jsmeets={};part"),
        ("/süß dir/x", "/s%C3%BC%C3%9F%20dir/x#jsmeets={}"),
    ],
)
@pytest.mark.parametrize("prefix", ["", "/user/ann%40lab/proxy/1"])
def test_the_url_redirects_to_the_path_of_the_page(app: JsMeetsPy, path: str, wanted: str, prefix: str) -> None:
    app.route("/")(print)
    app.route("/{rest:path}")(print)
    page = app.launch(path, mode="none", base_url=f"http://public.example{prefix}/")
    public = page._urls.fresh()
    assert public.startswith(f"http://public.example{prefix}/jsmeetspy/open/")
    local = app.url + urlsplit(public).path.removeprefix(prefix)
    token = f"{token_of(page)}.{key_of(page)}"
    location = urljoin(public, ask(local, headers={"Host": "public.example"}).headers["location"])
    assert location == f"http://public.example{prefix}{wanted.format(token)}"


def test_the_page_connects_through_the_url(page: Page) -> None:
    url = follow(page._urls.fresh())
    assert RawPage(url, page=url.rpartition(".")[2]).page == key_of(page)
    assert page.wait_connected(5)


# Other accounts ------------------------------------------------------------------------------------------------------


def ask_as_another_account(url: str, forwarded: str = "") -> str:
    """Send a request from another account and return the first line of the response."""
    parts = urlsplit(url)
    header = f"X-Forwarded-For: {forwarded}\\r\\n" if forwarded else ""
    code = (
        f"exec 3<>/dev/tcp/127.0.0.1/{parts.port}; "
        f"printf 'GET {parts.path} HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\n{header}Connection: close\\r\\n\\r\\n' >&3; cat <&3"
    )
    done = subprocess.run(
        ["bash", "-c", code], user=65534, cwd="/", capture_output=True, timeout=scaled(10), check=True
    )
    return done.stdout.decode().partition("\r\n")[0]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells whose a connection is")
@pytest.mark.parametrize("forwarded", ["", "203.0.113.5", "127.0.0.1:1"])
def test_another_account_is_refused(
    page: Page, forwarded: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    url = page._urls.fresh()
    if os.getuid() == 0:
        assert "403" in ask_as_another_account(url, forwarded)
    else:  # tests cannot change their account, so the server pretends to have another one
        with monkeypatch.context() as patch:
            for name in ("getuid", "geteuid"):
                patch.setattr(os, name, lambda: 65534)
            assert ask(url, headers={"X-Forwarded-For": forwarded} if forwarded else None).status == 403
    assert "another account than" in caplog.text
    assert url.rpartition("/")[2] not in caplog.text
    assert ask(url).status == 303, "it was not used up"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells whose a connection is")
def test_the_owner_of_a_connection() -> None:
    from jsmeets_local.server.peer_credentials import _uid

    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_INET6) as mapped:
        here = server.getsockname()
        with socket.create_connection(here) as plain:
            assert _uid(plain.getsockname(), here) == os.getuid()
            assert _uid(plain.getsockname(), ("127.0.0.1", 1)) is None
        mapped.connect(("::ffff:127.0.0.1", here[1]))
        assert _uid(("127.0.0.1", mapped.getsockname()[1]), here) == os.getuid()
    if socket.has_ipv6:
        with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
            with socket.create_connection(server.getsockname()[:2]) as six:
                assert _uid(six.getsockname()[:2], server.getsockname()[:2]) == os.getuid()


def test_behind_a_proxy_accounts_are_not_distinguished(app: JsMeetsPy, monkeypatch: pytest.MonkeyPatch) -> None:
    page = app.launch("<p>x</p>", mode="none", base_url="http://127.0.0.1:{port}/")
    for name in ("getuid", "geteuid"):
        monkeypatch.setattr(os, name, lambda: 65534)
    assert ask(page._urls.fresh()).status == 303
