"""The iframes of notebooks, in a document of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from jsmeets_local import JsMeetsPy
from jsmeets_local.notebook.display import Iframe

PAGE = """<!DOCTYPE html><body style="margin: 0"><div id="box" style="height: 321px"></div>
<script>JsPyFunction.expose("grow", (height) => { box.style.height = `${height}px` })</script>"""


def test_the_height_follows_the_content(app: JsMeetsPy, tabs: Any, tmp_path: Path) -> None:
    page = app.launch(PAGE, mode="none")
    frame = Iframe(page._urls.framed, page._urls.title, "100%", "auto")
    (tmp_path / "cell.html").write_text(f"<!DOCTYPE html>{frame.html()}", encoding="utf-8")
    tab = tabs.open(f"file://{tmp_path}/cell.html")
    iframe = tab.locator("iframe")
    expect(iframe).to_have_css("height", "323px")  # and the border
    for height in (500, 90):
        page.call("grow")(height)
        expect(iframe).to_have_css("height", f"{height + 2}px")
    assert tabs.errors == []


def test_another_height_stays(app: JsMeetsPy, tabs: Any, tmp_path: Path) -> None:
    page = app.launch(PAGE, mode="none")
    frame = Iframe(page._urls.framed, page._urls.title, "100%", 200)
    (tmp_path / "cell.html").write_text(f"<!DOCTYPE html>{frame.html()}", encoding="utf-8")
    tab = tabs.open(f"file://{tmp_path}/cell.html")
    page.call("grow")(500)
    expect(tab.locator("iframe")).to_have_css("height", "200px")
