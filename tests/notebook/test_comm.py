"""Pages that the notebook's own channel carries, in a JupyterLab and a Notebook 7 whose browser cannot reach the port."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

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


ARRAY = """
page.eval("window.given = null; JsPyFunction.expose('keep', (array) => { given = array; return array.length }); "
          "JsPyFunction.expose('give', () => given); null")
import numpy
sent = numpy.arange(30_000_000 // 8, dtype="float64")
page.call("keep")(sent), bool((page.call("give")() == sent).all())
"""


def test_an_array_of_30_mb_in_both_directions(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(COMM + ARRAY)
    assert notebook.run(0, scaled(60)).endswith("(3750000, True)")


def test_a_front_end_that_is_reloaded_and_a_launch_cell_that_runs_again(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(
        COMM, "page.call('double')(3)", "app.sockets.number_of_connections()", "page", "app.stop()"
    )
    notebook.run(0)
    assert notebook.run(1) == "6"
    picture = "img[class^=jsmeets]"
    notebook.cell(0).locator(picture).wait_for(state="attached", timeout=scaled(10_000))
    assert not notebook.cell(0).locator(picture).is_visible()
    assert "data:image/png;base64," in notebook.save()
    notebook.tab.reload()
    notebook.tab.wait_for_selector(notebook.is_idle, timeout=scaled(60_000))
    notebook.frame(0).locator("#title", has_text="Live").wait_for(timeout=scaled(20_000))
    assert notebook.run(1) == "6"
    notebook.run(0)
    assert notebook.frames(0) == 1
    assert notebook.run(1) == "6"
    assert notebook.run(2) == "1"
    notebook.run(3)
    notebook.cell(3).locator(picture).wait_for(state="attached", timeout=scaled(10_000))
    saved = notebook.save()
    assert "#jsmeets=" not in saved
    assert len(saved) < 60_000, "the parser is no part of the file"
    assert saved.count("data:image/png;base64,") == 2
    notebook.run(4)
    for number in (0, 3):
        notebook.wait_text(number, "Stopped by Python.")
    assert notebook.cell(3).locator(picture).is_visible()


def test_a_front_end_whose_kernel_no_widget_reaches(open_notebook: OpenNotebook) -> None:
    """The messages of the widget carry the page, as in Google Colab; Lab's widgets hide the kernel here."""
    hide = (
        "from jsmeets_local.launch.comm import view\nwidget = view._widget_class()\n"
        "widget._esm = widget._esm.replace('widget_manager', 'absent')\n"
    )
    launch = COMM.replace("height=150", "height='auto'").replace("<h1 ", "<div style='height: 321px'></div><h1 ")
    array = ARRAY.replace("page.", "await page.aio.").replace("30_000_000", "800_000")
    notebook = open_notebook(hide + launch, "await page.aio.call('double')(5)", array)
    assert "await page.aio" in notebook.run(0)
    notebook.frame(0).locator("#title", has_text="Live").wait_for(timeout=scaled(10_000))
    assert notebook.run(1) == "10"
    assert notebook.run(2).endswith("(100000, True)")
    expect(notebook.cell(0).locator("iframe")).to_have_css("height", re.compile(r"(3[4-9]|4\d)\dpx"))


def test_a_page_with_its_files(open_notebook: OpenNotebook, server: Server) -> None:
    """Scripts, modules that import, styles, images, fetch, a link, and an element that a script adds."""
    folder = server.folder / "site"
    folder.mkdir(exist_ok=True)
    dot = '<svg xmlns="http://www.w3.org/2000/svg" width="7" height="7"/>'
    for name, text in {
        "index.html": """<link rel="stylesheet" href="style.css"><h1 id="title">Live</h1><img id="first" src="dot.svg">
            <script src="classic.js"></script><script type="module" src="app.mjs"></script><a href="second.html">go</a>""",
        "style.css": "h1 { color: rgb(1, 2, 3); background: url(dot.svg) }",
        "dot.svg": dot,
        "classic.js": "globalThis.classic = 1",
        "app.mjs": """import { expose } from "/jsmeetspy/jsmeets.mjs"; import { name } from "./deep/part.mjs";
            const later = await import("./deep/later.mjs");
            const told = await (await fetch("told.json")).json();
            const image = document.createElement("img"); image.src = "dot.svg?again";
            const size = await new Promise((resolve) => { image.onload = () => resolve(image.naturalWidth); document.body.append(image) });
            expose("facts", () => [name, later.url, told, size, globalThis.classic, first.naturalWidth,
                getComputedStyle(title).color, getComputedStyle(title).backgroundImage.slice(0, 9)]);""",
        "deep/part.mjs": "import { name as inner } from '../other.mjs'; export const name = inner + 1",
        "deep/later.mjs": "export const url = import.meta.url",
        "other.mjs": "export const name = 'part'",
        "told.json": '{"a": 1}',
        "second.html": "<h1 id=title>Second</h1><img src=missing.png><script>JsPyFunction.expose('where', () => 'second')</script>",
    }.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    launch = f"""
from jsmeets_local import JsMeetsPy
app = JsMeetsPy()
page = app.launch({str(folder / "index.html")!r}, transport="comm")
page.wait_for("facts", timeout=10)
import json
print(json.dumps(page.js.facts()))
"""
    notebook = open_notebook(launch, "page.wait_for('where', timeout=10); page.call('where')()")
    facts = notebook.run(0)
    expected = ["part1", "https://page.jsmeets.invalid/deep/later.mjs", {"a": 1}, 7, 1, 7, "rgb(1, 2, 3)", 'url("blob']
    assert json.loads(facts.splitlines()[-1]) == expected
    notebook.frame(0).locator("a").click()
    notebook.wait_text(0, "cannot load /missing.png by the notebook's channel: Python answers 404")  # no cell runs
    assert notebook.run(1) == "'second'"
