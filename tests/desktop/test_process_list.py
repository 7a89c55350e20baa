"""The process list, which all accounts can read, does not contain the launch token."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from tests.desktop.conftest import Program
from tests.desktop.x11 import Screen
from tests.tools import need

Start = Callable[..., Program]

CODE = """
page = app.launch(PAGE, mode={mode!r})
say("ready", page.call("sum")(1, 2))
say(page.url)
sys.stdin.readline()
"""


def command_lines() -> Iterator[str]:
    """Yield the command lines of all processes."""
    for process in psutil.process_iter(["cmdline"]):
        yield " ".join(process.info["cmdline"] or ())


def watch(program: Program) -> list[str]:
    """Read the command lines of all processes while the page of the program is open."""
    assert program.line() == "ready 3"
    url = program.line()
    token = url.partition("#jsmeets=")[2].partition(".")[0]
    assert len(token) == 43
    lines = list(command_lines())
    assert [line for line in lines if token in line] == []
    family = program.know_family()
    assert not any(token in " ".join(one.environ().values()) for one in family if one.is_running())
    program.tell()
    return lines


def test_a_tab_shows_no_token(start: Start, tmp_path: Path) -> None:
    chromium, profile = need("chromium"), tmp_path / "profile"
    program = start(
        CODE.format(mode="browser"),
        BROWSER=f"{chromium} --headless --no-sandbox --disable-gpu --user-data-dir={profile} %s &",
    )
    assert [line for line in watch(program) if str(profile) in line and "/jsmeetspy/open/" in line]
    program.kill()


def test_a_browser_as_the_window_shows_no_token(start: Start, screen: Screen, tmp_path: Path) -> None:
    need("chromium")
    program = start(CODE.format(mode="app"), screen, TMPDIR=str(tmp_path))
    assert [line for line in watch(program) if "--app=http" in line and "/jsmeetspy/open/" in line]
    assert program.ended() == 0


def test_a_window_shows_no_token(show: Start) -> None:
    """The process of the window receives the URL through a pipe."""
    program = show(CODE.format(mode="window"))
    assert [line for line in watch(program) if "window/child.py" in line]
    assert program.ended() == 0
