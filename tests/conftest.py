"""What all tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from jsmeets_local import Bridge, JsMeetsPy

settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("default"), max_examples=200)
settings.load_profile("ci" if os.environ.get("CI") else "default")


@pytest.fixture
def app() -> Iterator[JsMeetsPy]:
    """An application with a bridge of its own."""
    app = JsMeetsPy(bridge=Bridge())
    yield app
    app.stop()
