"""launch(mode="app"): a browser with its own profile as the window of a page."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from jsmeets_local.launch import chromium
from tests.desktop.conftest import Program
from tests.desktop.x11 import Screen
from tests.timing import until
from tests.tools import need

Start = Callable[..., Program]

WAITS = """
page = app.launch(PAGE, mode="app", width=500, height=400, position=(30, 40))
say("ready", page.call("sum")(1, 2))
say(page.wait(), len(app.pages))
"""


@pytest.fixture
def open_app(start: Start, screen: Screen, tmp_path: Path) -> Callable[..., Program]:
    """Start a program on the screen; profiles go into `tmp_path`."""
    need("chromium")
    until(lambda: not list(screen.windows()))
    return lambda code, **more: start(code, screen, TMPDIR=str(tmp_path), **more)


def profiles(folder: Path) -> list[Path]:
    return list(folder.glob("jsmeets-browser-*"))


def test_the_window_of_a_browser_in_app_mode(open_app: Start, screen: Screen, tmp_path: Path) -> None:
    program = open_app(WAITS)
    assert program.line() == "ready 3"
    window = screen.window("The page")
    until(lambda: window.size()[0] == 500)
    assert len(profiles(tmp_path)) == 1
    program.know_family()
    window.close()
    assert program.line() == "True 0"
    assert program.ended() == 0
    assert profiles(tmp_path) == []


@pytest.mark.parametrize("end", ["page.close()", "app.stop()", "os._exit(0)", "pass"])
def test_python_closes_the_window(open_app: Start, tmp_path: Path, end: str) -> None:
    program = open_app(f"""
page = app.launch(PAGE, mode="app")
say("ready")
sys.stdin.readline()
{end}
""")
    assert program.line() == "ready"
    assert len(program.know_family()) > 2
    program.tell()
    assert program.ended() == 0
    until(lambda: profiles(tmp_path) == [], 5)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("victim", ["program", "owner", "browser"])
def test_ending_the_program_its_helper_or_the_browser_ends_all(
    open_app: Start, tmp_path: Path, victim: str, number: signal.Signals
) -> None:
    program = open_app(WAITS)
    assert program.line() == "ready 3"
    owner = program.child()
    browser = next(one for one in program.know_family() if one.ppid() == owner.pid)
    {"program": program.family[0], "owner": owner, "browser": browser}[victim].send_signal(number)
    if victim != "program":
        assert program.line() == "True 0"
    assert program.ended() == (-number if victim == "program" else 0)
    until(lambda: profiles(tmp_path) == [], 5)


def test_without_a_screen(start: Start, tmp_path: Path) -> None:
    need("chromium")
    arguments = "--no-sandbox --headless=new --disable-gpu"
    program = start(WAITS, TMPDIR=str(tmp_path), JSMEETS_LOCAL_BROWSER_ARGS=arguments)
    assert program.line() == "ready 3"
    program.know_family()
    program.process.terminate()
    program.ended()
    until(lambda: profiles(tmp_path) == [], 5)


def test_a_browser_that_exits_immediately(open_app: Start, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho it is broken >&2\n")
    broken.chmod(0o755)
    code = """
try:
    app.launch(PAGE, mode="app")
except LaunchError as error:
    say(str(error).replace("\\n", " | "))
"""
    program = open_app(code, JSMEETS_LOCAL_CHROMIUM=str(broken))
    assert program.line() == "the browser exited before its page connected; its output: | it is broken"
    assert program.ended() == 0
    assert profiles(tmp_path) == []


def test_a_page_in_app_mode_has_no_window_api(open_app: Start) -> None:
    program = open_app("""
page = app.launch(PAGE, mode="app")
try:
    page.window
except LaunchError as error:
    say(error)
""")
    assert 'open it with launch(mode="window")' in program.line()


def test_the_choice_of_the_browser(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JSMEETS_LOCAL_CHROMIUM", raising=False)
    assert chromium.find_chromium() is None
    assert "install Chrome, Chromium, Edge or Brave" in str(chromium.app_problem())
    for name in ("brave-browser", "chromium", "google-chrome"):
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(0o755)
        assert chromium.find_chromium() == tmp_path / name
    monkeypatch.setenv("JSMEETS_LOCAL_CHROMIUM", str(tmp_path / "chromium"))
    assert chromium.find_chromium() == tmp_path / "chromium"
    monkeypatch.setenv("JSMEETS_LOCAL_CHROMIUM", "missing")
    assert "names 'missing', which does not exist" in str(chromium.app_problem())


@pytest.mark.parametrize(
    ("system", "place"),
    [
        ("Windows", "Microsoft/Edge/Application/msedge.exe"),
        ("Darwin", "Applications/Brave Browser.app/Contents/MacOS/Brave Browser"),
    ],
)
def test_programs_of_other_systems(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, system: str, place: str) -> None:
    monkeypatch.setattr("platform.system", lambda: system)
    monkeypatch.delenv("JSMEETS_LOCAL_CHROMIUM", raising=False)
    monkeypatch.setenv("ProgramFiles(x86)", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(chromium, "_WINDOWS", [path.replace("\\", "/") for path in chromium._WINDOWS])
    assert chromium.find_chromium() is None
    (tmp_path / place).parent.mkdir(parents=True)
    (tmp_path / place).write_text("")
    assert chromium.find_chromium() == tmp_path / place
