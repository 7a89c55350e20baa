"""Missing requirements raise a sentence before a toolkit ends the process, and "auto-window" falls back."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from jsmeets_local.launch.window import requirements
from jsmeets_local.launch.window.requirements import advice, display_problem
from tests.desktop.conftest import Program
from tests.desktop.x11 import Screen
from tests.timing import scaled
from tests.tools import need

Start = Callable[..., Program]

TRIES = """
for attempt in (lambda: app.launch(PAGE, "window"), lambda: app.run(PAGE, "window")):
    try:
        attempt()
    except JsPyError as error:
        say(type(error).__name__, error)
"""

HIDDEN = """
import importlib.abc
class Hidden(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Hidden())
"""

BY_AUTO = """
page = app.launch(PAGE, "auto-window", title="Mine", grace=0.1)
say(app._launcher._mode, page.call("sum")(1, 2))
page.close()
"""


def both(program: Program) -> str:
    """Return the message of both attempts, which is the same."""
    first = program.line()
    assert program.line() == first
    assert program.ended() == 0
    return first


def test_no_display(start: Start, gui: str) -> None:
    said = both(start(TRIES, PYWEBVIEW_GUI=gui))
    assert said.startswith("LaunchError no display found: neither DISPLAY nor WAYLAND_DISPLAY is set")
    assert "xvfb-run" in said


@pytest.mark.parametrize("display", [":97", "localhost:97.0", "unix:97", "/tmp/no-such-socket"])
def test_a_display_that_is_gone(start: Start, gui: str, display: str) -> None:
    said = both(start(TRIES, PYWEBVIEW_GUI=gui, DISPLAY=display))
    assert f"the display is not responding (DISPLAY={display})" in said


def test_no_pywebview(start: Start, screen: Screen) -> None:
    said = both(start(HIDDEN.format(names=["webview"]) + TRIES, screen))
    assert said == "MissingExtra a window needs pywebview: pip install 'pywebview[qt6]'"


def test_no_toolkit(start: Start, screen: Screen, gui: str) -> None:
    said = both(start(HIDDEN.format(names=["qtpy", "gi"]) + TRIES, screen))
    assert said.startswith("LaunchError pywebview is installed, but no toolkit for it")
    assert "pip install" in said
    assert "apt install" in said


@pytest.mark.skipif(not requirements.is_root(), reason="the sandbox works for everybody but root")
def test_root_with_the_sandbox_of_qt(start: Start, screen: Screen, gui: str) -> None:
    program = start(TRIES, screen, PYWEBVIEW_GUI=gui, QTWEBENGINE_DISABLE_SANDBOX="")
    if gui == "qt":
        assert "QTWEBENGINE_DISABLE_SANDBOX=1" in both(program)
    else:
        program.kill()


@pytest.mark.skipif(not requirements.is_root(), reason="the sandbox works for everybody but root")
def test_root_with_the_sandbox_of_chromium(start: Start, screen: Screen) -> None:
    need("chromium")
    program = start('app.launch(PAGE, "app")', screen, JSMEETS_LOCAL_BROWSER_ARGS="")
    program.process.wait(scaled(30))
    program.join()
    assert 'JSMEETS_LOCAL_BROWSER_ARGS="--no-sandbox"' in program.errors


def test_a_window_that_cannot_be_opened_after_all(start: Start, screen: Screen, gui: str, tmp_path: Path) -> None:
    """The display answers, but refuses the client."""
    name = f"/tmp/.X11-unix/X{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind("\0" + name)
        deaf.listen()
        program = start(
            """
try:
    app.launch(PAGE, "window")
except LaunchError as error:
    say(str(error).replace("\\n", " | "))
""",
            PYWEBVIEW_GUI=gui,
            DISPLAY=f":{os.getpid()}",
        )

        def refuse() -> None:
            with contextlib.suppress(OSError):  # closed
                while True:
                    deaf.accept()[0].close()

        thread = threading.Thread(target=refuse)
        thread.start()
        said = program.line()
        deaf.shutdown(socket.SHUT_RDWR)
        thread.join(scaled(10))
    assert said.startswith("the window did not open; its output: | ")
    assert program.ended() == 0


def test_auto_window_takes_the_window(start: Start, screen: Screen, gui: str) -> None:
    program = start(BY_AUTO, screen, PYWEBVIEW_GUI=gui)
    assert program.line() == "window 3"
    assert program.ended() == 0


def test_auto_window_takes_the_browser_in_app_mode(start: Start, screen: Screen) -> None:
    need("chromium")
    program = start(HIDDEN.format(names=["webview"]) + BY_AUTO, screen)
    assert program.line() == "app 3"
    assert program.ended() == 0


def test_auto_window_takes_the_default_browser(start: Start, tmp_path: Path) -> None:
    chromium = need("chromium")
    program = start(
        BY_AUTO,
        BROWSER=f"{chromium} --headless --no-sandbox --disable-gpu --user-data-dir={tmp_path / 'profile'} %s &",
        JSMEETS_LOCAL_CHROMIUM="no-such-program",
    )
    assert program.line() == "browser 3"
    program.kill()


def test_auto_window_falls_back_if_the_window_fails(start: Start, screen: Screen, gui: str) -> None:
    """All checks pass, and the process of the window ends at once."""
    need("chromium")
    code = """
from jsmeets_local.launch import child_process as child
child._command = lambda: [sys.executable, "-c", "import sys; sys.stdin.readline(); sys.exit('xcb is missing')"]
real = child.Child.__init__
def init(self, task, *more):
    if "browser" in task:
        child._command = command
    real(self, task, *more)
child.Child.__init__ = init
"""
    code = "from jsmeets_local.launch import child_process as child; command = child._command\n" + code + BY_AUTO
    program = start(code, screen, PYWEBVIEW_GUI=gui)
    assert program.line() == "app 3"
    assert program.ended() == 0
    assert "xcb is missing" in program.errors
    assert "libxcb-cursor0" in program.errors


def test_run_by_auto_window(start: Start, screen: Screen, gui: str) -> None:
    code = """
def main(page):
    say(threading.current_thread().name, page.call("sum")(1, 2))
    page.close()
app.run(PAGE, "auto-window", main)
say("after")
"""
    program = start(code, screen, PYWEBVIEW_GUI=gui)
    assert program.line() == "jsmeets-main 3"
    assert program.line() == "after"
    assert program.ended() == 0


# In this process -----------------------------------------------------------------------------------------------------


def test_a_display_by_tcp_or_wayland_is_enough(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
        monkeypatch.setenv("DISPLAY", f"localhost:{server.getsockname()[1] - 6000}.0")
        assert display_problem() is None
    assert "is not responding" in str(display_problem())
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-5")
    assert "is not responding" in str(display_problem())
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "wayland-5"))
        server.listen()
        assert display_problem() is None


def test_the_advice_for_missing_requirements() -> None:
    assert "libxcb-cursor0" in advice('could not load the Qt platform plugin "xcb"')
    assert "QTWEBENGINE_DISABLE_SANDBOX" in advice("No usable sandbox!")
    assert "auto-window" in advice("Segmentation fault")
