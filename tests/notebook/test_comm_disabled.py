"""A page that the notebook's own channel carries, in a JupyterLab that is answered only between cells."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.notebook.cells import LAUNCH, OpenNotebook
from tests.notebook.conftest import Server
from tests.timing import scaled


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A JupyterLab that sends the messages of comms to the main shell."""
    kernels = {"@jupyterlab/apputils-extension:kernels-settings": {"commsOverSubshells": "disabled"}}
    server = Server(tmp_path_factory.mktemp("disabled"), overrides=kernels)
    yield server
    server.stop()


def test_a_blocking_call_raises_at_once_and_awaiting_works(open_notebook: OpenNotebook) -> None:
    launch = LAUNCH.replace("height=150", "height=150, transport='comm'")
    notebook = open_notebook(
        launch + "page.call('double')(1)",
        "import time; began = time.monotonic()\ntry: page.call('double')(2)\n"
        "except Exception as e: print(type(e).__name__, time.monotonic() - began < 0.5, e)",
        "await page.aio.call('double')(3)",
    )
    assert "CellBlocksAnswers" in notebook.run(0)
    notebook.frame(0).locator("#title", has_text="Live").wait_for(timeout=scaled(10_000))
    text = notebook.run(1)
    assert text.startswith("CellBlocksAnswers True")
    assert "await page.aio.call('double')(...)" in text
    assert notebook.run(2) == "6"
