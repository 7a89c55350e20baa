"""A client without a browser, which shows the page of the application."""

from __future__ import annotations

import pytest

from jsmeets_local import Page
from tests.raw import RawPage, as_page


@pytest.fixture
def raw(page: Page) -> RawPage:
    """The document that the page shows."""
    return as_page(page)
