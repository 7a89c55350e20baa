"""Errors of Python, with or without their traceback, as a page sees them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from jsmeets_local import Bridge, JsMeetsPy
from tests.plain_uvicorn import Served
from tests.raw import RawPage


def made(**options: Any) -> JsMeetsPy:
    app = JsMeetsPy(bridge=Bridge(), **options)

    @app.expose
    def plain() -> None:
        secret_name = 1
        raise ValueError(f"wrong {secret_name}")

    @app.expose
    async def coroutine() -> None:
        secret_name = 1
        raise ValueError(f"wrong {secret_name}")

    return app


def errors(url: str, **options: Any) -> Iterator[dict[str, str]]:
    page = RawPage(url, **options)
    for key in ("plain", "coroutine"):
        kind, _, error = page.ask("call", key, [])
        assert kind == "error"
        assert (error["kind"], error["name"], error["message"]) == ("raised", "ValueError", "wrong 1")
        yield error
    page.close()


def traces(url: str, **options: Any) -> list[bool]:
    """Return, for each function, whether the page receives a traceback; a partial one fails."""
    found = []
    for error in errors(url, **options):
        found.append("secret_name" in error["trace"])
        assert found[-1] or error["trace"] == ""
    return found


@pytest.mark.parametrize(
    ("options", "whole"),
    [
        ({}, False),
        ({"debug": True}, True),
        ({"expose_errors": True}, True),
        ({"expose_errors": False, "debug": True}, False),
    ],
)
@pytest.mark.parametrize("lifespan", ["on", "off"])
def test_errors_under_uvicorn(
    options: dict[str, bool], whole: bool, lifespan: str, caplog: pytest.LogCaptureFixture
) -> None:
    with Served(made(**options), lifespan) as url, caplog.at_level(logging.ERROR):
        assert traces(url) == [whole, whole]
    assert caplog.text.count('raise ValueError(f"wrong {secret_name}")') == 2, "the log has all of it"


def test_errors_of_a_mounted_application() -> None:
    with Served(Starlette(routes=[Mount("/lab", made())])) as url:
        assert traces(url, path="/lab/jsmeetspy/textsocket") == [False, False]


@pytest.mark.parametrize(("options", "whole"), [({}, True), ({"expose_errors": False}, False)])
def test_errors_of_a_launched_application(options: dict[str, bool], whole: bool) -> None:
    app = made(**options)
    try:
        assert traces(app.launch("<p>x</p>", mode="none").url) == [whole, whole]
    finally:
        app.stop()
    with Served(app) as url:
        assert traces(url, token=app._access.token or "") == [False, False], "served by somebody else now"
