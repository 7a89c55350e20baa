"""A real JupyterLab in Chromium, used as a person uses it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from jsmeets_local import Bridge, JsMeetsPy
from jsmeets_local.notebook.display import Iframe
from tests.notebook.cells import EXPOSE, LAUNCH, OpenNotebook
from tests.timing import scaled


def test_launch_call_and_callbacks(open_notebook: OpenNotebook) -> None:
    """The iframe is live; the same cell and later ones receive values; callbacks nest to depth 50."""
    notebook = open_notebook(
        LAUNCH + "page.call('double')(21)",
        "page.js.double(4)",
        "await page.aio.call('double')(5)",
        EXPOSE,
        "page.call('down')(50, 'plain')",
        "page",
    )
    assert notebook.run(0).endswith("42")
    assert notebook.frames(0) == 1
    assert notebook.frame(0).locator("#title").inner_text() == "Live"
    assert notebook.run(1) == "8"
    assert notebook.run(2) == "10"
    notebook.run(3)
    assert notebook.run(4) == "50"
    notebook.run(5)
    assert notebook.frame(5).locator("#title").inner_text() == "Live"


def test_prints_and_errors_of_a_click_stand_under_the_exposing_cell(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(LAUNCH, EXPOSE, "print('another')")
    for number in range(3):
        notebook.run(number)
    button = notebook.frame(0).locator("button")
    button.click()
    notebook.wait_text(1, "clicked 1")
    button.click()
    notebook.wait_text(1, "ValueError: two clicks")
    assert notebook.text(2).strip() == "another"


def test_interrupt(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(LAUNCH, "page.call('never')()", "page.call('double')(3)")
    notebook.run(0)
    notebook.start(1)
    notebook.tab.wait_for_timeout(scaled(1000))
    start = time.monotonic()
    notebook.interrupt()
    notebook.wait_text(1, "KeyboardInterrupt")
    assert time.monotonic() - start < scaled(2), "most of it is the front end; test_kernel.py measures the kernel"
    assert notebook.run(2) == "6"


def test_running_the_launch_cell_again_replaces_the_page(open_notebook: OpenNotebook) -> None:
    count = "import psutil; sum(c.status == 'LISTEN' for c in psutil.Process().net_connections())"
    notebook = open_notebook(LAUNCH, count, "page.call('double')(3)")
    notebook.run(0)
    before = notebook.run(1)
    for _ in range(3):
        notebook.run(0)
    assert notebook.frames(0) == 1
    assert notebook.run(1) == before
    assert notebook.run(2) == "6"


def test_a_moved_cell_keeps_its_page(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(LAUNCH, "page.call('double')(3)")
    notebook.run(0)
    notebook.frame(0).locator("#title").evaluate("(title) => { title.textContent = 'Changed' }")
    notebook.cell(0).locator(".jp-InputArea-prompt").click()
    notebook.tab.keyboard.press("Control+Shift+ArrowDown")
    notebook.frame(1).locator("#title", has_text="Live").wait_for(timeout=scaled(10_000))
    assert notebook.run(0) == "6"


def test_a_private_page(open_notebook: OpenNotebook) -> None:
    """Each iframe has its own URL; a reloaded iframe is recognised by its cookie; no file contains the token."""
    private = LAUNCH.replace("height=150", "height=150, private=True")
    notebook = open_notebook(private, "page.call('double')(3)", "page", "page.url")
    notebook.run(0)
    assert notebook.run(1) == "6"
    notebook.run(2)
    for number in (0, 2):
        notebook.frame(number).locator("#title", has_text="Live").wait_for(timeout=scaled(10_000))
    assert "/jsmeetspy/open/" in notebook.run(3)
    assert "#jsmeets=" not in notebook.save()
    notebook.frame(0).locator("#title").evaluate("(title) => { title.textContent = 'Changed' }")
    notebook.cell(0).locator(".jp-InputArea-prompt").click()
    notebook.tab.keyboard.press("Control+Shift+ArrowDown")
    notebook.frame(1).locator("#title", has_text="Live").wait_for(timeout=scaled(10_000))
    assert notebook.run(0) == "6"


def test_a_saved_notebook_has_no_broken_frame(open_notebook: OpenNotebook, browser: Any, tmp_path: Path) -> None:
    """Without the server a text replaces the iframe; so it does in a viewer that removes iframes and scripts."""
    import nbconvert
    import nbformat

    notebook = open_notebook(LAUNCH, "app.stop()")
    notebook.run(0)
    picture = "img[class^=jsmeets]"
    notebook.cell(0).locator(picture).wait_for(state="attached", timeout=scaled(10_000))
    assert not notebook.cell(0).locator(picture).is_visible()
    live = notebook.save()
    assert "#jsmeets=" not in live
    saved = nbformat.reads(live, as_version=4)
    notebook.run(1)
    notebook.wait_text(0, "Stopped by Python.")
    assert notebook.frames(0) == 0
    assert notebook.cell(0).locator(picture).is_visible()
    text, _ = nbconvert.HTMLExporter().from_notebook_node(saved)
    (tmp_path / "export.html").write_text(text)
    tab = browser.new_page()
    tab.route("https://**", lambda route: route.abort())
    tab.goto(f"file://{tmp_path}/export.html", wait_until="domcontentloaded")
    tab.wait_for_selector("iframe", state="detached", timeout=scaled(20_000))
    assert tab.locator("text=The kernel of this page was restarted or has ended").is_visible()
    assert tab.locator("a[href*='jsmeetspy/open']").count() == 0
    assert tab.locator(picture).is_visible()
    tab.close()

    foreign = notebook.path.with_name("foreign.ipynb")  # what this server has not signed is not trusted
    foreign.write_text(live.replace("<h1 ", "<h1 lang='en' "))
    untrusted = open_notebook(file=foreign)
    untrusted.wait_text(0, "The kernel of this page was restarted or has ended")
    assert untrusted.frames(0) == 0
    assert untrusted.cell(0).locator("img[alt^='http']").is_visible()


def test_the_picture_and_an_automatic_height_follow_the_size_of_the_page(open_notebook: OpenNotebook) -> None:
    launch = """
from jsmeets_local import JsMeetsPy
page = JsMeetsPy().launch("<style>body { margin: 0 }</style><div id=box style='height: 60px'>", height="auto")
"""
    notebook = open_notebook(
        launch, "page.eval(\"box.style.height = '640px'\")", "page.eval('[innerWidth, innerHeight]')"
    )
    notebook.run(0)
    frame, picture = notebook.cell(0).locator("iframe"), notebook.cell(0).locator("img[class^=jsmeets]")
    expect(frame).to_have_css("height", "62px")  # with its border
    notebook.run(1)
    expect(frame).to_have_css("height", "642px")
    expect(picture).to_have_js_property("naturalHeight", 640, timeout=scaled(10_000))
    notebook.tab.set_viewport_size({"width": 900, "height": 900})  # changes nothing in the document of the page
    width, height = json.loads(notebook.run(2))
    assert height == 640
    notebook.tab.set_viewport_size({"width": 800, "height": 900})
    expect(picture).not_to_have_js_property("naturalWidth", width, timeout=scaled(10_000))
    expect(picture).to_have_js_property("naturalWidth", int(frame.evaluate("(frame) => frame.clientWidth")))


def test_each_iframe_has_a_picture_of_its_own_view(open_notebook: OpenNotebook) -> None:
    """A cell that ends before its iframe has connected keeps no picture of an earlier view."""
    launch = "from jsmeets_local import JsMeetsPy\npage = JsMeetsPy().launch('<h1>View</h1>', height=200)"
    size = "page.call('$view')('snapshot', 1 << 20)['height']"
    notebook = open_notebook(launch, "page.show(height=100)", size, "page")
    notebook.run(0)
    notebook.run(1)
    notebook.frame(1).locator("h1").wait_for(timeout=scaled(10_000))
    while notebook.run(2) != "98":
        notebook.tab.wait_for_timeout(50)
    for number, height in ((0, 198), (1, 98)):
        notebook.frame(number).locator("h1").evaluate("(title) => { title.textContent = 'Changed' }")
        picture = notebook.cell(number).locator("img[class^=jsmeets]")
        expect(picture).to_have_js_property("naturalHeight", height, timeout=scaled(10_000))
    notebook.run(3)  # no cell ends after the iframe of this one has connected
    picture = notebook.cell(3).locator("img[class^=jsmeets]")
    expect(picture).to_have_js_property("naturalHeight", 198, timeout=scaled(10_000))
    saved = notebook.save()
    assert saved.count("data:image/png;base64,") == 3
    assert "#jsmeets=" not in saved


def test_an_iframe_whose_server_starts_late(browser: Any, tmp_path: Path) -> None:
    """An editor may show the iframe before it forwards the port."""
    app = JsMeetsPy(bridge=Bridge())
    page = app.launch("<h1>Late</h1>", mode="none")
    root = page.url.partition("#")[0]
    (tmp_path / "cell.html").write_text(
        f"<!DOCTYPE html>{Iframe(page._urls.framed, page._urls.title, '100%', 200).html()}"
    )
    tab = browser.new_page()
    try:
        tab.route(f"{root}**", lambda route: route.abort("connectionrefused"))
        tab.goto(f"file://{tmp_path}/cell.html")
        tab.wait_for_selector("iframe", state="hidden")
        tab.unroute(f"{root}**")
        tab.wait_for_selector("iframe", state="visible", timeout=scaled(10_000))
        tab.frame_locator("iframe").locator("h1", has_text="Late").wait_for(timeout=scaled(10_000))
        assert not tab.locator("text=The kernel of this page").is_visible()
    finally:
        app.stop()
        tab.close()
