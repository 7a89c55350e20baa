"""The `transport` of `launch()`, outside a notebook."""

from __future__ import annotations

import pytest

from jsmeets_local import Bridge, JsMeetsPy, LaunchError


def test_an_unknown_transport() -> None:
    app = JsMeetsPy(bridge=Bridge())
    with pytest.raises(ValueError, match="transport must be one of 'auto', 'socket', 'comm'; got 'carrier pigeon'"):
        app.launch("<p>here</p>", mode="none", transport="carrier pigeon")


def test_a_comm_needs_a_notebook() -> None:
    app = JsMeetsPy(bridge=Bridge())
    with pytest.raises(LaunchError, match='transport="comm" is for mode="notebook" in a Jupyter kernel'):
        app.launch("<p>here</p>", mode="none", transport="comm")


@pytest.mark.parametrize("transport", ["auto", "socket"])
def test_other_modes_have_a_port(transport: str) -> None:
    app = JsMeetsPy(bridge=Bridge())
    page = app.launch("<p>here</p>", mode="none", transport=transport)
    assert page.url.startswith("http://127.0.0.1:")
    page.close()
