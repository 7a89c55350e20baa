"""File lookup and inherited environments, in a packaged program and outside of one."""

from __future__ import annotations

import os
import sys
import urllib.request
from pathlib import Path

import pytest

from jsmeets_local import Bridge, JsMeetsPy
from jsmeets_local.launch.environment import clean_environment, cleaned
from jsmeets_local.server.resources import bundled


@pytest.fixture
def packaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a packaged program, which this process pretends to run from."""
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    for folder in (inside, outside):
        folder.mkdir()
    monkeypatch.chdir(outside)
    monkeypatch.setattr(sys, "_MEIPASS", str(inside), raising=False)
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    return inside


def fetch(app: JsMeetsPy, page: str, path: str) -> str:
    url = app.launch(page, mode="none").url.partition("#")[0].rpartition("/")[0]
    with urllib.request.urlopen(url + path) as response:
        return str(response.read().decode())


def test_bundled_files_come_first(packaged: Path, tmp_path: Path) -> None:
    for folder in (packaged, tmp_path / "outside"):
        (folder / "both.html").write_text(folder.name)
    (tmp_path / "outside" / "only.html").write_text("")
    assert bundled("both.html") == str(packaged / "both.html")
    assert bundled("only.html") == "only.html"
    assert bundled(tmp_path / "outside" / "both.html") == str(tmp_path / "outside" / "both.html")


def test_static_templates_and_pages_are_found_in_the_program(packaged: Path) -> None:
    for name in ("static/a.txt", "templates/b.html", "pages/c.html"):
        (packaged / name).parent.mkdir()
        (packaged / name).write_text(f"this is {name}")
    app = JsMeetsPy(bridge=Bridge(), static="static", templates="templates")
    try:
        assert fetch(app, "b.html", "/b.html") == "this is templates/b.html"
        assert fetch(app, "b.html", "/static/a.txt") == "this is static/a.txt"
        assert fetch(app, "pages/c.html", "/c.html").endswith("this is pages/c.html")
    finally:
        app.stop()


def test_outside_of_a_packaged_program_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/of/the/user")
    assert bundled("index.html") == "index.html"
    assert clean_environment() == dict(os.environ)


@pytest.mark.parametrize("original", ["/of/the/user", None])
def test_started_programs_do_not_inherit_the_bundled_libraries(
    original: str | None, packaged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", str(packaged))
    if original is None:
        monkeypatch.delenv("LD_LIBRARY_PATH_ORIG", raising=False)
    else:
        monkeypatch.setenv("LD_LIBRARY_PATH_ORIG", original)
    before, clean = dict(os.environ), clean_environment()
    assert clean.get("LD_LIBRARY_PATH") == original
    assert "LD_LIBRARY_PATH_ORIG" not in clean
    with pytest.raises(KeyError), cleaned():
        assert dict(os.environ) == clean
        raise KeyError
    assert dict(os.environ) == before
