"""A real Notebook 7 in Chromium: one complete session, and the launch cell again and again."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from tests.notebook.cells import EXPOSE, LAUNCH, OpenNotebook
from tests.notebook.conftest import Server
from tests.timing import scaled

# Starlette reads files on threads of AnyIO's, as many as the browser asks for at once; they end with their server.
COUNT = """
import gc, psutil, threading
def count():
    gc.collect()
    me = psutil.Process()
    pool = sum(thread.name.startswith("AnyIO") for thread in threading.enumerate())
    ports = sum(c.status == "LISTEN" for c in me.net_connections())
    return [me.num_fds(), me.num_threads() - pool, ports, max(pool, 8)]
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A Notebook 7 server at its usual address, instead of JupyterLab."""
    server = Server(tmp_path_factory.mktemp("notebook7"), "notebook", host="localhost", ip="localhost")
    yield server
    server.stop()


def test_launch_call_callbacks_and_interrupt(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(
        LAUNCH + "page.call('double')(21)",
        "page.js.double(4)",
        "await page.aio.call('double')(5)",
        EXPOSE,
        "page.call('down')(50, 'plain')",
        "page.call('never')()",
        "page.call('double')(6)",
        "page",
    )
    assert notebook.run(0).endswith("42")
    assert notebook.frames(0) == 1
    title = notebook.frame(0).locator("#title")
    assert title.inner_text() == "Live"
    address, stored = title.evaluate("() => [location.href, Object.keys(sessionStorage)]")
    assert address.startswith("http://localhost:"), "at another name Chromium gives it no storage"
    assert "jsmeets=" not in address
    assert stored == ["jsmeets_local"]
    assert notebook.run(1) == "8"
    assert notebook.run(2) == "10"
    notebook.run(3)
    assert notebook.run(4) == "50"
    notebook.start(5)
    notebook.tab.wait_for_timeout(scaled(1000))
    start = time.monotonic()
    notebook.interrupt()
    notebook.wait_text(5, "KeyboardInterrupt")
    assert time.monotonic() - start < scaled(2), "most of it is the front end; test_kernel.py measures the kernel"
    assert notebook.run(6) == "12"
    notebook.frame(0).locator("button").click()
    notebook.wait_text(3, "clicked 1")
    notebook.run(7)
    assert notebook.frame(7).locator("#title").inner_text() == "Live"


def test_running_the_launch_cell_20_times_leaks_nothing(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(LAUNCH, COUNT + "count()", "page.call('double')(3)")
    notebook.run(0)
    before = json.loads(notebook.run(1))
    for _ in range(20):
        notebook.run(0)
    assert notebook.frames(0) == 1
    assert notebook.run(2) == "6"
    for _ in range(20):  # sockets close a moment after the server
        after = json.loads(notebook.run(1))
        if all(now <= then for now, then in zip(after, before, strict=True)):
            break
        notebook.tab.wait_for_timeout(scaled(250))
    else:
        pytest.fail(f"descriptors, threads, ports: {before} at first, {after} in the end")
