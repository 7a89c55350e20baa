"""The examples with native dialogs, in windows; tests/browser runs them in browsers."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.desktop.conftest import ROOT, Program, environment
from tests.desktop.x11 import Screen, WindowOnScreen, active
from tests.pictures import png
from tests.timing import scaled, until

Run = Callable[..., Program]


@pytest.fixture
def run(screen: Screen, gui: str, tmp_path: Path) -> Iterator[Run]:
    """Start an example in a window."""
    programs: list[Program] = []

    def run(name: str, *arguments: str) -> Program:
        command = [sys.executable, str(ROOT / "examples" / name / "main.py"), "--window", *arguments]
        programs.append(Program(command, environment(screen, PYWEBVIEW_GUI=gui, HOME=str(tmp_path))))
        return programs[-1]

    until(lambda: not list(screen.windows()))
    yield run
    for program in programs:
        program.kill()


def choose(screen: Screen, behind: WindowOnScreen, path: Path) -> None:
    """Type a path into the next dialog."""
    screen.dialog(behind)
    screen.keys("Control_L", "a")
    screen.type(str(path))
    time.sleep(scaled(0.5))  # let the dialog complete the path
    screen.keys("Return")


def test_desktop_todo(run: Run, screen: Screen, tmp_path: Path) -> None:
    """Open, change, save elsewhere; closed with changes, it asks."""
    (tmp_path / "old.json").write_text('[{"text": "Weed", "done": true}]', encoding="utf-8")
    program = run("desktop_todo")
    window = active(screen, "todo.json")
    screen.keys("Control_L", "o")
    choose(screen, window, tmp_path / "old.json")
    active(screen, "old.json")
    screen.type("Water")
    screen.keys("Return")
    active(screen, "• old.json")
    screen.keys("Control_L", "Shift_L", "s")
    choose(screen, window, tmp_path / "new.json")
    active(screen, "new.json")
    saved = [{"text": "Weed", "done": True}, {"text": "Water", "done": False}]
    assert json.loads((tmp_path / "new.json").read_text(encoding="utf-8")) == saved
    assert json.loads((tmp_path / "old.json").read_text(encoding="utf-8")) == saved[:1]

    screen.type("Sow")
    screen.keys("Return")
    active(screen, "• new.json").close()
    until(lambda: not list(screen.windows()))
    active(screen, "• new.json")  # the window stays open and asks
    program.know_family()
    screen.keys("Return")  # the button Save has the focus
    until(lambda: "Sow" in (tmp_path / "new.json").read_text(encoding="utf-8"))
    assert program.ended() == 0


def test_image_viewer(run: Run, screen: Screen, tmp_path: Path) -> None:
    (tmp_path / "tiny.png").write_bytes(png([[(250, 120, 40)] * 30] * 20))
    program = run("image_viewer")
    window = active(screen, "A sunset, calculated")
    screen.keys("o")
    choose(screen, window, tmp_path / "tiny.png")
    active(screen, "tiny.png").close()
    program.know_family()
    assert program.ended() == 0
