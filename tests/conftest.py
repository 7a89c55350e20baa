"""Applications and pages for all tests."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from jsmeets_local import Bridge, JsMeetsPy, Page
from tests.timing import scaled

settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("default"), max_examples=200)
settings.register_profile("older Python", parent=settings.get_profile("default"), max_examples=30)
settings.load_profile("ci" if os.environ.get("CI") else "default")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Scale the time that a test may take."""
    if config.option.timeout is None:
        config.option.timeout = scaled(float(config.getini("timeout")))


@pytest.fixture
def make_app() -> Iterator[Callable[..., JsMeetsPy]]:
    """Make applications with a bridge of their own, and stop them when the test ends."""
    apps: list[JsMeetsPy] = []

    def make_app(**options: Any) -> JsMeetsPy:
        apps.append(JsMeetsPy(bridge=Bridge(), **options))
        return apps[-1]

    yield make_app
    for app in apps:
        app.stop()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain functions keep their order, on a machine that may stop any thread for longer than one may run before others."""
    monkeypatch.setattr("jsmeets_local.bridge.workers.PATIENCE", 3600.0)


@pytest.fixture
def app(make_app: Callable[..., JsMeetsPy]) -> JsMeetsPy:
    """An application without options; files of tests that need some have an `app` of their own."""
    return make_app()


@pytest.fixture
def page(app: JsMeetsPy) -> Page:
    """A page of the application, which no browser opens."""
    return app.launch("<p>x</p>", mode="none")
