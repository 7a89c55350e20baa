"""The pages of the notebooks, in browsers."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Page as Tab
from playwright.sync_api import expect

from jsmeets_local import JsMeetsPy

PAGES = Path(__file__).parents[2] / "notebooks" / "pages"
MIDDLE_OF_RING = """async () => {   // when two frames have it at the same place
    const place = () => {
        const box = document.querySelector(".ring").getBoundingClientRect();
        return [box.x + box.width / 2, box.y + box.height / 2];
    };
    for (let [before, now] = [null, place()]; String(before) !== String(now); [before, now] = [now, place()]) {
        await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    }
    return place();
}"""
TWO_FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def test_the_chart_hears_a_click_that_it_draws_in_the_middle_of(app: JsMeetsPy, tab: Tab) -> None:
    app.functions.expose("explain", lambda name, x, y: f"{name}, {x}, {y}")
    page = app.launch(str(PAGES / "chart.html"), mode="none")
    tab.goto(page.url)
    page.call("line")("steps", [1, 2, 3], [1.0, 5.0, 2.0])
    page.call("note")("steps", 2, "top")
    expect(tab.locator(".note")).to_have_text("top")
    left, top = tab.evaluate(MIDDLE_OF_RING)
    tab.mouse.move(left, top)
    tab.evaluate(TWO_FRAMES)
    tab.mouse.down()
    tab.mouse.move(left + 1, top)
    tab.evaluate(TWO_FRAMES)
    tab.mouse.up()
    expect(tab.locator(".note")).to_have_text(re.compile("^steps, 2, 5$"))
