"""Pages that the notebook's own channel carries, in a JupyterLab and a Notebook 7 whose browser cannot reach the port."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.notebook.cells import EXPOSE, LAUNCH, OpenNotebook
from tests.notebook.conftest import Notebook, Server
from tests.timing import scaled

# No browser finds this host, as it finds no port of a remote kernel.
COMM = LAUNCH.replace("height=150", "height=150, base_url='http://kernel.jsmeets.invalid:{port}/'")


@pytest.fixture(scope="module", params=["jupyterlab", "notebook"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server of a front end."""
    server = Server(tmp_path_factory.mktemp(request.param), request.param)
    yield server
    server.stop()


@pytest.fixture
def open_blocked(open_notebook: OpenNotebook, server: Server) -> Callable[..., Notebook]:
    """Open cells in a browser that reaches the Jupyter server and no other port."""

    def open_blocked(*cells: str) -> Notebook:
        return open_notebook(*cells, only_port=server.port)

    return open_blocked


def test_launch_call_callback_interrupt(open_blocked: Callable[..., Notebook]) -> None:
    notebook = open_blocked(
        "import time; began = time.monotonic()\n" + LAUNCH + "page.call('double')(21), time.monotonic() - began",
        EXPOSE,
        "page.call('down')(20, 'plain')",
        "await page.aio.call('double')(5)",
        "page.call('never')()",
        "page.js.double(4)",
        "page",
    )
    text = notebook.run(0)
    print(text)
    value, seconds = re.findall(r"\((\d+), ([\d.]+)\)", text)[0]
    assert value == "42"
    assert float(seconds) < scaled(6)
    assert notebook.frame(0).locator("#title").inner_text() == "Live"
    notebook.run(1)
    assert notebook.run(2) == "20"
    assert notebook.run(3) == "10"
    notebook.start(4)
    notebook.tab.wait_for_timeout(scaled(1000))
    start = time.monotonic()
    notebook.interrupt()
    notebook.wait_text(4, "KeyboardInterrupt")
    assert time.monotonic() - start < scaled(2)
    assert notebook.run(5) == "8"
    notebook.frame(0).locator("button").click()
    notebook.wait_text(1, "clicked 1")
    notebook.run(6)
    notebook.frame(6).locator("#title", has_text="Live").wait_for(timeout=scaled(10_000))


MEASURE = """
import time
def measure(count=200):
    times = []
    for n in range(count):
        began = time.perf_counter()
        page.call('double')(n)
        times.append(1000 * (time.perf_counter() - began))
    times.sort()
    return [round(times[count // 2], 1), round(times[count * 95 // 100], 1), round(times[0], 1)]
"""


def test_a_blocking_call_does_not_wait_for_tcp(open_notebook: OpenNotebook) -> None:
    """Nagle's algorithm in the Jupyter server would add 40 ms to each call."""
    notebook = open_notebook(COMM, MEASURE, "measure()")
    notebook.run(0)
    notebook.run(1)
    for _ in range(3):
        print("MEASURED", notebook.run(2, 60))
