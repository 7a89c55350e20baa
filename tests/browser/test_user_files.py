"""Files of the user in real browsers: edits, links, other encodings, and a page with a router."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page as Tab

from jsmeets_local import JsMeetsPy
from tests.timing import scaled

from .conftest import Tabs

HTML = '<!DOCTYPE html><head><meta charset="utf-8"><title>T</title><script type="module" src="app.js"></script><p>page'


@pytest.fixture
def app(make_app: Callable[..., JsMeetsPy], tmp_path: Path) -> JsMeetsPy:
    (tmp_path / "static").mkdir()
    app = make_app(static=str(tmp_path / "static"))
    app.functions.expose("add", lambda a, b: a + b)
    return app


def program(number: int) -> str:
    return f'import "/static/more.mjs"; globalThis.version = {number};'


def write(folder: Path, number: int) -> None:
    (folder / "app.js").write_text(program(number))
    (folder / "static" / "more.mjs").write_text(f"globalThis.more = {number};")
    (folder / "style.css").write_text(f"p {{ margin-left: {number}px }}")


def seen(tab: Tab) -> list[object]:
    tab.wait_for_function("globalThis.version !== undefined && globalThis.more !== undefined")
    return [*tab.evaluate("[version, more, getComputedStyle(document.querySelector('p')).marginLeft]")]


def test_what_was_edited_runs_after_a_reload(
    app: JsMeetsPy, tabs: Tabs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This holds also where the machine maps scripts to plain text, and in a later launch on the same port."""
    monkeypatch.setattr(mimetypes, "_db", mimetypes.MimeTypes())
    for ending in (".js", ".mjs", ".css", ".html"):
        mimetypes.add_type("text/x-wrong", ending)
    (tmp_path / "page.html").write_text(HTML + '<link rel="stylesheet" href="style.css">')
    write(tmp_path, 1)
    page = app.launch(str(tmp_path / "page.html"), mode="none")
    tab = tabs.open(page.url)
    assert seen(tab) == [1, 1, "1px"]
    write(tmp_path, 2)
    tab.reload()
    assert seen(tab) == [2, 2, "2px"]
    assert tab.evaluate("JsPyFunction.call('add')(1, 2)") == 3
    port = int(page.url.split(":")[2].split("/")[0])
    app.stop()
    write(tmp_path, 3)
    (tmp_path / "page.html").write_text(HTML.replace("page", "edited") + '<link rel="stylesheet" href="style.css">')
    tab = tabs.open(app.launch(str(tmp_path / "page.html"), mode="none", port=port).url)
    assert seen(tab) == [3, 3, "3px"]
    assert "edited" in tab.inner_text("p")


ENCODINGS = ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le"]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_pages_in_other_encodings(app: JsMeetsPy, tabs: Tabs, tmp_path: Path, encoding: str) -> None:
    said = "<meta charset='windows-1252'>" if encoding == "cp1252" else ""
    script = '<script src="letters.js"></script>'
    for name in ("a#1.html", "b?2.html"):
        (tmp_path / name).write_text(f"<html><head>{said}{script}<p id=p>ÄÖ€ {name}<a href='b%3F2.html'>b", encoding)
    (tmp_path / "letters.js").write_text("globalThis.letters = 'ÄÖ€';", encoding if said else "utf-8")
    page = app.launch(str(tmp_path / "a#1.html"), mode="none")
    tab = tabs.open(page.url)
    for name in ("a#1.html", "b?2.html"):
        assert tab.inner_text("#p").startswith(f"ÄÖ€ {name}")
        assert tab.evaluate("letters") == "ÄÖ€"
        assert tab.evaluate("JsPyFunction.call('add')(1, 2)") == 3
        tab.click("a")
        tab.wait_for_url("**/b%3F2.html")


def test_a_link_to_a_second_page_keeps_the_page_open(app: JsMeetsPy, tab: Tab, tmp_path: Path) -> None:
    (tmp_path / "one.html").write_text("<title>One</title><a href=two.html>two</a>")
    (tmp_path / "two.html").write_text("<title>Two</title><script>JsPyFunction.expose('here', () => 'two')</script>")
    page = app.launch(str(tmp_path / "one.html"), mode="none", grace=1.0)
    tab.goto(page.url)
    assert page.eval("document.title", timeout=scaled(10)) == "One"
    tab.click("a")
    tab.wait_for_url("**/two.html")
    assert tab.evaluate("JsPyFunction.call('add')(1, 2)") == 3
    assert page.call("here", timeout=scaled(10))() == "two"
    assert not page.wait(scaled(2.0)), "longer than the grace time"


def test_a_reload_of_a_route_that_the_page_has_made(app: JsMeetsPy, tab: Tab, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<!DOCTYPE html><script src='/router.js'></script><p>the program")
    (tmp_path / "router.js").write_text("globalThis.route = location.pathname;")
    page = app.launch(str(tmp_path / "index.html"), mode="none", spa=True)
    tab.goto(page.url)
    tab.evaluate("history.pushState({}, '', '/settings/profile')")
    tab.reload()
    assert tab.evaluate("[route, document.querySelector('p').textContent]") == ["/settings/profile", "the program"]
    assert tab.evaluate("JsPyFunction.call('add')(1, 2)") == 3
    assert page.eval("location.pathname", timeout=scaled(10)) == "/settings/profile"
    assert tab.evaluate("fetch('/missing.js').then((answer) => answer.status)") == 404
