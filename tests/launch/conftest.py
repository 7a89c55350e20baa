"""A page of an application that is served; a file of tests that needs another one says so itself."""

from __future__ import annotations

import pytest

from jsmeets_local import JsMeetsPy, Page


@pytest.fixture
def page(app: JsMeetsPy) -> Page:
    """A page that nothing opens."""
    return app.launch("<p>x</p>", mode="none")
