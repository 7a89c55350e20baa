"""python -m pytest: without a window, and in headless Chromium where there is one."""

import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from app import app, count

from jsmeets_local import Page

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)


@pytest.fixture
def page() -> Iterator[Page]:
    """The program, served; nothing opens its page."""
    with app.launch(mode="none") as page:
        yield page


def test_count() -> None:
    assert count("three little words") == {"words": 3, "letters": 16, "longest": "little"}
    assert count("") == {"words": 0, "letters": 0, "longest": "-"}


@pytest.mark.parametrize("path", ["/", "/static/app.js", "/static/style.css"])
def test_the_page_and_its_files_are_served(page: Page, path: str) -> None:
    with urllib.request.urlopen(page.url.partition("/#")[0] + path) as response:
        assert response.status == 200


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium or Chrome")
def test_python_and_the_page_call_each_other(page: Page, tmp_path: Path) -> None:
    flags = ["--headless=new", "--no-first-run", "--no-sandbox", f"--user-data-dir={tmp_path}"]  # the page is our own
    browser = subprocess.Popen([str(CHROMIUM), *flags, page.url], stderr=subprocess.DEVNULL)
    try:
        page.call("write", timeout=30)("three little words")
        assert page.eval("['words', 'longest'].map((id) => document.getElementById(id).textContent)") == ["3", "little"]
    finally:
        browser.terminate()
        browser.wait(10)
