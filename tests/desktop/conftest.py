"""A virtual screen, and programs that open windows on it, each in its own process."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from jsmeets_local.launch.window import requirements
from tests.desktop.x11 import Screen
from tests.timing import scaled, until
from tests.tools import need

ROOT = Path(__file__).parents[2]
SECONDS = scaled(40.0)  # time limit for a line of a program
GUIS = [name for name, is_there in requirements._TOOLKITS.items() if requirements.has_pywebview() and is_there()]

HEAD = """
import os, sys, threading, time
from jsmeets_local import *
app = JsMeetsPy()
app.functions.expose("add", lambda a, b: a + b)
def say(*values):
    print(*values, flush=True)
PAGE = '''<title>The page</title><p>text</p><script>
JsPyFunction.expose("sum", async (a, b) => await JsPyFunction.call("add")(a, b));
</script>'''
"""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests with a `gui` argument once for each installed toolkit."""
    if "gui" in metafunc.fixturenames:
        metafunc.parametrize("gui", GUIS or ["none"], indirect=True)


@pytest.fixture
def gui(request: pytest.FixtureRequest) -> str:
    """The toolkit of this test."""
    if request.param == "none" and os.environ.get("CI"):
        pytest.fail("pywebview and its Qt are missing, and continuous integration must have them")
    if request.param == "none":
        pytest.skip("needs pywebview with Qt or GTK: ./scripts/test installs it")
    return str(request.param)


@pytest.fixture(scope="session")
def screen() -> Iterator[Screen]:
    """An X server with a window manager."""
    server_program, manager_program = need("Xvfb"), need("openbox")
    read, write = os.pipe()
    server = subprocess.Popen(
        [server_program, "-displayfd", str(write), "-screen", "0", "1024x768x24", "-nolisten", "tcp"],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with os.fdopen(read) as number:
        name = f":{number.readline().strip()}"
    manager = subprocess.Popen([manager_program], env={**os.environ, "DISPLAY": name}, stderr=subprocess.DEVNULL)
    screen = Screen(name)
    until(lambda: screen.property(screen.root, "_NET_SUPPORTING_WM_CHECK"))
    yield screen
    screen.display.close()
    for process in (manager, server):
        process.terminate()
        process.wait(scaled(10))


class Program:
    """A program with its output and every process that it starts."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            command,
            env=environment,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._read), threading.Thread(target=self._read_errors)]
        self.errors = ""
        self.family = [psutil.Process(self.process.pid)]
        for thread in self._threads:
            thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as lines:
            self.errors = "".join(lines)

    def line(self) -> str:
        """Return the next line that the program prints, or `""` at the end."""
        return self._lines.get(timeout=SECONDS) or ""

    def tell(self, line: str = "") -> None:
        """Write a line to the stdin of the program."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def know_family(self) -> list[psutil.Process]:
        """Record all current processes of the program, and return those below it."""
        self.family += [child for child in self.family[0].children(recursive=True) if child not in self.family]
        return self.family[1:]

    def child(self) -> psutil.Process:
        """Return the child process that owns the window."""
        return next(one for one in self.know_family() if "window/child.py" in " ".join(one.cmdline()))

    def left(self) -> list[psutil.Process]:
        """Return the recorded processes that still run."""
        return [one for one in self.family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]

    def ended(self, seconds: float = 15.0) -> int:
        """Wait until no recorded process runs any more; return the exit code of the program."""
        code = self.process.wait(SECONDS)
        deadline = time.monotonic() + scaled(seconds)
        while left := self.left():
            assert time.monotonic() < deadline, f"still there: {[one.cmdline()[:3] for one in left]}"
            time.sleep(0.02)
        self.join()
        return code

    def join(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        for thread in self._threads:
            thread.join(SECONDS)

    def kill(self) -> None:
        """Kill the processes that a failed test leaves."""
        if self.process.poll() is None:
            self.know_family()
            self.process.send_signal(signal.SIGKILL)
        for one in self.left():
            one.kill()
        self.process.wait(SECONDS)
        self.join()


def environment(screen: Screen | None, **more: str) -> dict[str, str]:
    """Return the environment of the programs of these tests."""
    names = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM", "PYWEBVIEW_GUI", "KDE_FULL_SESSION", "BROWSER")
    bare = {name: value for name, value in os.environ.items() if name not in names}
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    ours = {"PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}
    if screen is not None:
        ours["DISPLAY"] = screen.name
    if requirements.is_root():
        ours.update(QTWEBENGINE_DISABLE_SANDBOX="1", JSMEETS_LOCAL_BROWSER_ARGS="--no-sandbox")
    return {**bare, **ours, **more}


@pytest.fixture
def start() -> Iterator[Callable[..., Program]]:
    """Run Python code, after `HEAD`, as a program in its own process."""
    programs: list[Program] = []

    def start(code: str, screen: Screen | None = None, **more: str) -> Program:
        given = {name: value for name, value in environment(screen, **more).items() if value}
        programs.append(Program([sys.executable, "-c", HEAD + code], given))
        return programs[-1]

    yield start
    for program in programs:
        program.kill()
        if program.errors:
            sys.stderr.write(program.errors)


@pytest.fixture
def show(start: Callable[..., Program], screen: Screen, gui: str) -> Callable[..., Program]:
    """Start a program on the screen with the toolkit of this test."""
    until(lambda: not list(screen.windows()))  # windows of the last test
    return lambda code, **more: start(code, screen, PYWEBVIEW_GUI=gui, **more)
