"""Uncaught errors of a page appear in the log of Python and in the errors of calls."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from jsmeets_local import CallTimeout, JavaScriptError, JsMeetsPy, Page, UnknownFunction
from tests.timing import scaled

from .conftest import Tabs


@pytest.fixture
def tabs(tabs: Tabs) -> Iterator[Tabs]:
    """Tabs whose uncaught errors do not fail the test."""
    yield tabs
    tabs.close()  # receive what is still on its way
    tabs.errors.clear()


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.ERROR, "jsmeets_local")
    return caplog


def errors(said: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in said.records if record.levelno == logging.ERROR]


def opened(app: JsMeetsPy, tabs: Tabs, folder: Path, **files: str) -> Page:
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    page = app.launch(str(folder / "page.html"), mode="none")
    tabs.open(page.url)
    return page


def test_a_script_that_does_not_parse_is_why_nothing_is_exposed(
    app: JsMeetsPy, tabs: Tabs, tmp_path: Path, said: pytest.LogCaptureFixture
) -> None:
    page = opened(
        app,
        tabs,
        tmp_path,
        page__html='<!DOCTYPE html><title>T</title><script src="app.js"></script>',
        app__js='JsPyFunction.expose("f", () => 1;',
    )
    with pytest.raises(UnknownFunction) as caught:
        page.call("f", 10)()
    [note] = caught.value.__notes__
    assert note.startswith("Uncaught errors of the page:\n  SyntaxError: ")
    assert "/app.js:1:" in note
    [text] = errors(said)
    assert text.startswith("an uncaught error in the page (socket 1): SyntaxError: ")
    assert "jsmeets=" not in text


def test_rejections_and_files_that_are_not_there(
    app: JsMeetsPy, tabs: Tabs, tmp_path: Path, said: pytest.LogCaptureFixture
) -> None:
    page = opened(
        app,
        tabs,
        tmp_path,
        page__html="""<!DOCTYPE html><title>T</title><script src="missing.js"></script>
        <script type="module">import { x } from "./missing.mjs";</script>
        <link rel="stylesheet" href="missing.css"><script>
        JsPyFunction.expose("never", () => new Promise(() => undefined));
        JsPyFunction.expose("fail", () => { throw new Error("answered"); });
        for (let n = 0; n < 3; n += 1) setTimeout(() => { throw new RangeError("thrice"); });
        Promise.reject(Object.assign(new TypeError("no"), { code: 5 }));
        Promise.reject("a text");
        import("./missing-too.mjs");
        addEventListener("load", () => setTimeout(() => JsPyQueue.push_nowait("loaded")(1), 100));
        </script>""",
    )
    assert page.queue("loaded").get(scaled(20)) == 1
    with pytest.raises(JavaScriptError, match="answered"):
        page.call("fail", 10)()
    with pytest.raises(CallTimeout) as caught:
        page.call("never", 0.5)()
    [note] = caught.value.__notes__
    assert len(note.splitlines()) == 6
    texts = errors(said)
    for part in (
        "cannot load http",
        "/missing.js",
        "imports: ./missing.mjs",
        "/missing.css",
        "missing-too.mjs",
        "RangeError: thrice",
        "an unhandled rejection in the page (socket 1): TypeError: no\n      fields: {'code': 5}",
        "String: a text",
    ):
        assert len([text for text in texts if part in text]) >= 1, (part, texts)
    assert len([text for text in texts if "thrice" in text]) == 1
    assert not [text for text in texts if "answered" in text], "the caller has it"


def test_errors_of_python_are_logged_once(
    app: JsMeetsPy, tabs: Tabs, tmp_path: Path, said: pytest.LogCaptureFixture
) -> None:
    @app.expose
    def wrong() -> None:
        raise ValueError("of Python")

    html = """<!DOCTYPE html><title>T</title><script>
    JsPyFunction.call("wrong")();
    setTimeout(() => JsPyFunction.call("nothing")(), 50);
    addEventListener("unhandledrejection", ({ reason }) => JsPyQueue.push_nowait("seen")(reason.name));
    </script>"""
    page = opened(app, tabs, tmp_path, page__html=html)
    assert {page.queue("seen").get(scaled(10)), page.queue("seen").get(scaled(10))} == {"ValueError", "UnknownFunction"}
    texts = errors(said)
    assert len(texts) == 2
    assert "the exposed function 'wrong' raised" in texts
    assert any("UnknownFunction: Python exposes no function 'nothing'" in text for text in texts)


def test_a_flood_of_errors_is_cut(app: JsMeetsPy, tabs: Tabs, tmp_path: Path, said: pytest.LogCaptureFixture) -> None:
    html = """<!DOCTYPE html><title>T</title><script>
    for (let n = 0; n < 300; n += 1) setTimeout(() => { throw new Error(n + "x".repeat(5000)); });
    setTimeout(() => JsPyQueue.push_nowait("done")(1), 500);
    </script>"""
    page = opened(app, tabs, tmp_path, page__html=html)
    assert page.queue("done").get(scaled(20)) == 1
    texts = errors(said)
    assert len(texts) == 50
    assert max(map(len, texts)) < 12_000
