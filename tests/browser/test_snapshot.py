"""Pictures that pages draw of themselves."""

from __future__ import annotations

import asyncio
import base64
import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page as Tab

from jsmeets_local import JavaScriptError, JsMeetsPy, PageClosed

PAGE = """<!DOCTYPE html><style>
:root { --paint: rgb(10, 120, 30) } body { margin: 0; background: rgb(250, 240, 200) }
div { position: absolute; left: 0; top: 0; width: 50px; height: 50px; background: var(--paint); animation: come 9s }
canvas { position: absolute; left: 100px; top: 0; background: rgb(0, 90, 90); padding-bottom: 9px } img { position: absolute; left: 200px; top: 0 }
@keyframes come { from { opacity: 0 } }
</style>
<div onclick="1" @click="2">&#x1;&amp;nbsp;</div>
<canvas width=50 height=50></canvas>
<img width=50 height=50 src="data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'><rect width='99' height='99' fill='blue'/></svg>">
<input style="position: absolute; top: 100px" value="old"><textarea></textarea><iframe></iframe>
<script>
    const drawing = document.querySelector("canvas").getContext("2d");
    drawing.fillStyle = "red";
    drawing.fillRect(0, 0, 50, 40);
</script>"""

PIXELS = """async ([url, places]) => {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    return places.map(([x, y]) => [...context.getImageData(x, y, 1, 1).data].slice(0, 3));
}"""


def pixels(tab: Tab, data: bytes, *places: tuple[int, int]) -> list[list[int]]:
    url = "data:image/png;base64," + base64.b64encode(data).decode()
    found: list[list[int]] = tab.evaluate(PIXELS, [url, [list(place) for place in places]])
    return found


def test_a_snapshot_shows_what_the_page_shows(app: JsMeetsPy, tabs: Any, tmp_path: Path) -> None:
    page = app.launch(PAGE, mode="none")
    tab = tabs.open(page.url)
    taken = page.snapshot()
    assert taken.data.startswith(b"\x89PNG")
    assert struct.unpack(">II", taken.data[16:24]) == (taken.width, taken.height) == (1280, 720)
    assert pixels(tab, taken.data, (25, 25), (125, 25), (125, 45), (125, 55), (225, 25), (600, 600)) == [
        [10, 120, 30],
        [255, 0, 0],
        [0, 90, 90],  # of the canvas, where nothing is drawn
        [0, 90, 90],
        [0, 0, 255],
        [250, 240, 200],
    ]
    tab.locator("input").fill("███████")
    with ThreadPoolExecutor(1) as thread:  # Playwright keeps a loop running in this one
        again = thread.submit(asyncio.run, page.aio.snapshot()).result()
    assert again.data != taken.data
    assert page.snapshot().data == again.data
    again.save(tmp_path / "page.png")
    assert (tmp_path / "page.png").read_bytes() == bytes(again)
    with pytest.raises(ValueError, match=r"name the file .png"):
        again.save(tmp_path / "page.svg")
    assert tabs.errors == []


def test_a_scrolled_page_is_drawn_where_it_is(app: JsMeetsPy, tabs: Any) -> None:
    page = app.launch(
        "<body style='margin: 0'><p style='margin: 2000px 0 0; height: 900px; background: rgb(1, 2, 3)'>", mode="none"
    )
    tab = tabs.open(page.url)
    assert pixels(tab, page.snapshot().data, (9, 9)) == [[255, 255, 255]]
    tab.evaluate("scrollTo(0, 2000)")
    assert pixels(tab, page.snapshot().data, (9, 9)) == [[1, 2, 3]]


def test_a_picture_is_not_larger_than_its_limit(app: JsMeetsPy, tabs: Any) -> None:
    noise = """<canvas width=1280 height=720></canvas><script>
        const context = document.querySelector("canvas").getContext("2d"), image = context.createImageData(1280, 720);
        image.data.forEach((_, at) => { image.data[at] = at % 4 === 3 ? 255 : Math.random() * 256 });
        context.putImageData(image, 0, 0);
    </script>"""
    page = app.launch(noise, mode="none")
    tabs.open(page.url)
    whole = len(page.snapshot().data)
    smaller = page.call("$view")("snapshot", whole // 2)
    assert len(smaller["data"]) <= whole // 2
    with pytest.raises(JavaScriptError, match="this page cannot be drawn: its picture is larger than 1000 bytes"):
        page.call("$view")("snapshot", 1000)


def test_a_closed_page_has_no_picture(app: JsMeetsPy, tabs: Any) -> None:
    page = app.launch(PAGE, mode="none")
    tabs.open(page.url)
    page.snapshot()
    page.close()
    with pytest.raises(PageClosed):
        page.snapshot()


# HTML that has no form in XML. Each draws a square.
AWKWARD = {
    "comments": "<!-- ---- the square ---- --><!----->",
    "processing instruction": "<?php echo 1 ?>",
    "attributes of frameworks": "<b x-on:click='1' v-bind:title='a' xmlns:og='http://ogp.me/ns#' xmlns='x' og:a='1'></b>",
    "elements of Word": "<o:p style='color: red'>text<i>more</i></o:p><a-b@c></a-b@c>",
    "lone surrogates": "<script>document.body.append(String.fromCharCode(0xd800), 'x', String.fromCharCode(0xdc00))</script>",
    "vector graphics": """<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width=9 height=9>
        <defs><rect id=r width=9 height=9></rect></defs><use xlink:href="#r"></use></svg>""",
    "formulas": "<math><mi>x</mi></math>",
    "symbols": "&nbsp;&lt;&copy; ]]> 😀",
}
SQUARE = (
    "<div style='position: absolute; left: 300px; top: 300px; width: 99px; height: 99px; background: #010203'></div>"
)


def test_html_that_is_no_xml_is_drawn(app: JsMeetsPy, tab: Tab) -> None:
    page = app.launch("<title>T</title>", mode="none")
    tab.goto(page.url)
    failed = []
    for name, html in AWKWARD.items():
        tab.evaluate(
            "html => { document.body.replaceChildren(document.createRange().createContextualFragment(html)) }",
            html + SQUARE,
        )
        try:
            assert pixels(tab, page.snapshot().data, (350, 350)) == [[1, 2, 3]]
        except (AssertionError, JavaScriptError) as error:
            failed.append(f"{name}: {error}")
    assert failed == []
