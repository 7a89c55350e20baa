"""A real marimo server in Chromium: notebooks that are edited, and apps."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.notebook.conftest import ROOT, scratch
from tests.timing import scaled
from tests.tools import chromium

NOTEBOOK = ROOT / "notebooks" / "08_marimo.py"

HEAD = """
import marimo
app = marimo.App()
"""
TAIL = """
if __name__ == "__main__":
    app.run()
"""
# Each cell gives its names to the later ones. The page says when it was made.
LAUNCH = """
@app.cell
def _():
    import time
    from jsmeets_local import JsMeetsPy
    served = JsMeetsPy()
    PAGE = "<p id=it>Live</p><script>const made = `${Math.random()}`; JsPyFunction.expose('made', () => made);</script>"
    start = time.monotonic()
    page = served.launch(PAGE, height=150)
    seconds = time.monotonic() - start
    made = page.call("made", timeout=20)()
    page
    return made, page, seconds, served
"""
LATER = """
@app.cell
def _(made, page, seconds, served):
    f"took {seconds:.1f} s, same document: {page.call('made', timeout=20)() == made}, sockets: {len(served.sockets.get_socket_id())}"
    return
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


@contextmanager
def serving(mode: str, file: Path, folder: Path) -> Iterator[str]:
    """A marimo server; `mode` is "edit" or "run"."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "marimo", mode, str(file), "--headless", "--no-token", f"--port={port}"]
    if mode == "run":
        command.append("--session-ttl=1")  # seconds until the session of a visitor who has left ends
    settings = folder / "config" / "marimo" / "marimo.toml"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text("[runtime]\nauto_instantiate = true\n")  # all cells run when a notebook is opened
    environment = {**scratch(folder), "XDG_CONFIG_HOME": str(folder / "config")}
    with (folder / "marimo.log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            deadline = time.monotonic() + scaled(60)
            url = f"http://127.0.0.1:{port}"
            while True:
                try:
                    urllib.request.urlopen(f"{url}/health", timeout=scaled(5)).close()
                    break
                except (urllib.error.URLError, ConnectionError):
                    assert time.monotonic() < deadline, (folder / "marimo.log").read_text()
                    assert process.poll() is None, (folder / "marimo.log").read_text()
                    time.sleep(0.2)
            yield url
        finally:
            process.terminate()
            process.wait(scaled(20))


@pytest.fixture
def visit(browser: Any, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """Open a notebook file in a new tab, on a server of its own, which runs all cells."""
    contexts = []
    servers: dict[str, str] = {}

    def visit(mode: str, file: Path) -> Any:
        if mode not in servers:
            manager = serving(mode, file, tmp_path)
            servers[mode] = manager.__enter__()
            request.addfinalizer(lambda: manager.__exit__(None, None, None))
        context = browser.new_context(viewport={"width": 1100, "height": 1600})
        contexts.append(context)
        context.set_default_timeout(scaled(30_000))
        tab = context.new_page()
        tab.goto(servers[mode])
        return tab

    yield visit
    for context in contexts:
        context.close()


def written(folder: Path, *cells: str) -> Path:
    path = folder / "notebook.py"
    path.write_text(HEAD + "".join(cells) + TAIL)
    return path


@pytest.mark.parametrize("mode", ["edit", "run"])
def test_08_marimo(visit: Callable[..., Any], mode: str) -> None:
    """The notebook, as it is edited and as an app."""
    tab = visit(mode, NOTEBOOK)
    expect(tab.get_by_text("The page draws 12 bars.")).to_be_visible(timeout=scaled(30_000))
    expect(tab.get_by_text("had drawn 3 bars")).to_be_visible()
    expect(tab.locator("iframe")).to_have_count(1)
    page = tab.frame_locator("iframe")
    expect(page.locator("#bars div")).to_have_count(12)
    page.locator("#count").click()
    expect(page.locator("#note")).to_have_text("Python heard of 12 bars")
    slider = tab.locator('[role="slider"]')
    slider.focus()
    slider.press("ArrowRight")
    expect(tab.get_by_text("The page draws 13 bars.")).to_be_visible()
    expect(page.locator("#bars div")).to_have_count(13)
    assert tab.get_by_text("Traceback").count() == 0


def test_visitors_of_an_app_have_pages_of_their_own(visit: Callable[..., Any]) -> None:
    tabs = [visit("run", NOTEBOOK) for _ in range(2)]
    sources = set()
    for tab in tabs:
        expect(tab.get_by_text("The page draws 12 bars.")).to_be_visible(timeout=scaled(30_000))
        sources.add(tab.locator("iframe").get_attribute("src").partition("#")[0])
    assert len(sources) == 2
    tabs[0].locator('[role="slider"]').press("ArrowRight")
    expect(tabs[0].frame_locator("iframe").locator("#bars div")).to_have_count(13)
    expect(tabs[1].frame_locator("iframe").locator("#bars div")).to_have_count(12)


def test_the_application_of_a_visitor_ends_with_the_session(visit: Callable[..., Any]) -> None:
    tabs = [visit("run", NOTEBOOK) for _ in range(2)]
    ports = []
    for tab in tabs:
        expect(tab.get_by_text("The page draws 12 bars.")).to_be_visible(timeout=scaled(30_000))
        ports.append(int(tab.locator("iframe").get_attribute("src").split(":")[2].partition("/")[0]))
    tabs[0].context.close()
    deadline = time.monotonic() + scaled(30)
    while listens(ports[0]):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    tabs[1].locator('[role="slider"]').press("ArrowRight")
    expect(tabs[1].get_by_text("The page draws 13 bars.")).to_be_visible()


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), scaled(5)).close()
    except ConnectionRefusedError:
        return False
    return True


def test_the_page_is_there_before_its_cell_ends(visit: Callable[..., Any], tmp_path: Path) -> None:
    """The frame stays the same when the cell ends with the page as its value."""
    tab = visit("edit", written(tmp_path, LAUNCH, LATER))
    said = tab.get_by_text(re.compile(r"^'?took .* s, same document: True, sockets: 1'?$"))
    expect(said).to_be_visible(timeout=scaled(30_000))
    assert float(said.inner_text().split()[1]) < scaled(5)
    expect(tab.locator("iframe")).to_have_count(1)
    expect(tab.frame_locator("iframe").locator("#it")).to_have_text("Live")
    assert tab.get_by_text("blocks the event loop").count() == 0


def test_a_launch_cell_that_runs_again_replaces_its_page(visit: Callable[..., Any], tmp_path: Path) -> None:
    tab = visit("edit", written(tmp_path, LAUNCH, LATER))
    expect(tab.get_by_text(re.compile("same document: True"))).to_be_visible(timeout=scaled(30_000))
    before = tab.locator("iframe").get_attribute("src")
    tab.locator('[data-testid="cell-editor"], .cm-content').first.click()
    tab.keyboard.press("Control+Enter")
    expect(tab.locator("iframe")).not_to_have_attribute("src", before)
    expect(tab.get_by_text(re.compile("same document: True, sockets: 1"))).to_be_visible(timeout=scaled(30_000))
    expect(tab.locator("iframe")).to_have_count(1)
    assert tab.get_by_text("BridgeBusy").count() == 0


def test_a_script_of_marimo_opens_a_browser(tmp_path: Path) -> None:
    """`python notebook.py` runs without a session: the mode is that of a program."""
    file = written(tmp_path, LAUNCH.replace("height=150", "headless=True"), LATER)
    environment = {**scratch(tmp_path), "JSMEETS_LOCAL_BROWSER_ARGS": "--no-sandbox"}
    done = subprocess.run(
        [sys.executable, str(file)], env=environment, capture_output=True, text=True, timeout=scaled(60)
    )
    assert done.returncode == 0, done.stderr
