"""Commands in their own processes."""

from __future__ import annotations

import os
import queue
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.desktop.conftest import screen  # noqa: F401 - a fixture
from tests.timing import scaled
from tests.tools import chromium

ROOT = Path(__file__).parents[2]
SECONDS = scaled(40.0)  # time limit for any step
COMMAND = [sys.executable, "-m", "jsmeets_local"]


class Program:
    """A process whose default browser prints the URL instead of opening it."""

    def __init__(self, command: list[str], folder: Path, **variables: str) -> None:
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
        env = {**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", "BROWSER": "echo opened %s", **variables}
        self.process = subprocess.Popen(
            command, cwd=folder, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self.said: list[str] = []
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self._lines.put(line)
        self._lines.put(None)

    def until(self, pattern: str) -> str:
        """Wait for a line that matches the pattern; return the match, or its first group if it has one."""
        while (line := self._lines.get(timeout=SECONDS)) is not None:
            self.said.append(line)
            if found := re.search(pattern, line):
                return found[found.re.groups]
        pytest.fail(f"it ended before it said {pattern!r}:\n{''.join(self.said)}")

    def url(self) -> str:
        """Wait for the next URL that the program opens or prints."""
        return self.until(r"http://\S+(?:#|/open/)\S+")

    def children(self) -> list[psutil.Process]:
        """Return all descendants of the process."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def ended(self, seconds: float = SECONDS) -> int:
        """Wait until the process has ended and its output is complete; return the exit code."""
        code = self.process.wait(seconds)
        while (line := self._lines.get(timeout=SECONDS)) is not None:
            self.said.append(line)
        return code

    @property
    def text(self) -> str:
        """The output read so far."""
        return "".join(self.said)

    def close(self) -> None:
        """Terminate the process if it still runs."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(SECONDS)


@pytest.fixture
def start() -> Iterator[Callable[..., Program]]:
    """Start programs, and end them when the test ends."""
    programs: list[Program] = []

    def start(command: list[str], folder: Path, **variables: str) -> Program:
        programs.append(Program(command, folder, **variables))
        return programs[-1]

    yield start
    for program in programs:
        program.close()


@pytest.fixture
def run(start: Callable[..., Program], tmp_path: Path) -> Callable[..., Program]:
    """Start `jsmeets-local` with some arguments in the folder of the test."""
    return lambda *arguments: start([*COMMAND, *arguments], tmp_path)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium for the module, because Playwright keeps an event loop running in this thread."""
    with chromium() as browser:
        yield browser


@pytest.fixture
def tab(browser: Any) -> Iterator[Any]:
    """A tab of the browser; an uncaught error in it fails the test."""
    context = browser.new_context()
    context.set_default_timeout(scaled(30_000))
    tab = context.new_page()
    errors: list[str] = []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    yield tab
    context.close()
    assert errors == []
