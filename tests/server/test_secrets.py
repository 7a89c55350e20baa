"""The launch token appears in no `repr` and no log."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from jsmeets_local import JsMeetsPy, LaunchError, Page
from jsmeets_local.cli.plan import Plan
from jsmeets_local.launch.launcher import too_late
from tests.raw import RawPage, follow, key_of, open_socket, request


@pytest.fixture(params=[{}, {"base_url": "/user/ann/proxy/{port}/"}], ids=["here", "proxy"])
def page(request: pytest.FixtureRequest, make_app: Callable[..., JsMeetsPy]) -> Page:
    app = make_app()
    page = app.launch("<p>x</p>", mode="none", **request.param)
    page.app = app  # type: ignore[attr-defined]
    return page


def token_of(page: Any) -> str:
    token: str = page.app._access.token
    assert len(token) == 43
    return token


def objects(page: Any) -> Iterator[Any]:
    """Yield the objects that a debugger or a traceback with variables may show."""
    app = page.app
    yield from (
        app,
        page,
        page.aio,
        page.js,
        app.bridge,
        app._access,
        app._launcher,
        app._launcher._server,
        app.pages,
        app._one_time_urls,
    )
    yield from (
        page._client,
        page._view,
        page._urls,
        page._view.sized(1, 2),
        app.routes,
        app._documents,
        app._launcher._presence,
    )
    for one in (app, app._launcher, page, page._client, app._launcher._server):
        yield vars(one)


def test_no_repr_shows_the_token(page: Any) -> None:
    token, nonce = token_of(page), page._urls.fresh().rpartition("/")[2]
    texts = [show(one) for one in objects(page) for show in (repr, str)]
    others = {key: value for key, value in vars(page).items() if key != "url"}
    assert token in page.url
    assert token in repr(vars(page)), "which has page.url; nothing else in it has"
    assert token not in repr(others)
    for text in texts:
        assert token not in text or text == repr(vars(page))
        assert nonce not in text


def test_a_plan_of_the_command_line() -> None:
    plan = Plan(("a.py", None, "app"), "auto", None, "127.0.0.1", 0, token="very-secret")  # type: ignore[arg-type]
    assert "very-secret" not in repr(plan)
    assert "very-secret" not in str(plan)
    assert "very-secret" in plan.to_json()


def test_no_log_shows_the_token(page: Any, caplog: pytest.LogCaptureFixture) -> None:
    """This holds at the level DEBUG too (of uvicorn at WARNING)."""
    token, fresh = token_of(page), page._urls.fresh()
    path = fresh[fresh.index("/jsmeetspy") :]
    port = page.app.port
    local = f"http://127.0.0.1:{port}/#jsmeets={token}.{key_of(page)}"
    with caplog.at_level(logging.DEBUG):
        request(port, path, "")
        assert follow(f"http://127.0.0.1:{port}{path}").endswith(local.partition("#")[2])
        RawPage(local, page=key_of(page)).close()
        page.wait()
        for options in ({"origin": "http://evil.example"}, {"token": token[:-1]}, {"path": f"/x?{token}"}):
            with pytest.raises(InvalidStatus):
                open_socket(local, **options)
        page.app.stop()
    told = [record.getMessage() for record in caplog.records if not record.name.startswith("websockets.client")]
    assert any("evil.example" in line for line in told)
    assert any("page connected" in line for line in told)
    assert not [line for line in told if token[:-1] in line]
    assert not [line for line in told if path.rpartition("/")[2] in line]


def test_errors_of_a_launch_do_not_show_the_token(page: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert token_of(page) not in too_late(page._urls.address, "browser", 1)
    monkeypatch.setattr("webbrowser._tryorder", [])
    monkeypatch.setattr("jsmeets_local.launch.browser.display_problem", lambda: None)
    with pytest.raises(LaunchError, match=r"no browser was found on this machine. launch\(mode=.none.\)") as caught:
        page.app.open("<p>y</p>", "browser", base_url=None)
    assert token_of(page) not in str(caught.value)
    assert "/open/" not in str(caught.value)
