"""Programs that end while their server runs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.raw import RawPage
from tests.timing import scaled

ROOT = Path(__file__).parents[2]

# Keep the process alive for a while after Python has finalised, where C allows it: a thread that still runs then crashes
# the process, which otherwise takes luck.
HEAD = """
import atexit, ctypes, sys, threading, time
if sys.platform == "linux":
    libc = ctypes.CDLL(None)
    libc.__cxa_atexit(ctypes.cast(libc.usleep, ctypes.c_void_p), ctypes.c_void_p(300_000), None)
from jsmeets_local import Bridge, JsMeetsPy
app = JsMeetsPy(bridge=Bridge())
app.functions.expose("echo", lambda value: value)
def launch():
    global page
    page = app.launch("<p>", mode="none")
    print(page.url, flush=True)
"""


class Program:
    """A program that prints the URL of its page and continues when a line arrives on its stdin."""

    def __init__(self, code: str, first: str = "") -> None:
        pipe = subprocess.PIPE
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))}
        self.process = subprocess.Popen(
            [sys.executable, "-c", first + HEAD + code], env=env, text=True, stdin=pipe, stdout=pipe, stderr=pipe
        )
        self.url = self.out.readline().strip()

    @property
    def out(self) -> Any:
        assert self.process.stdout is not None
        return self.process.stdout

    def page(self) -> RawPage:
        """Connect a client as the page of the program."""
        return RawPage(self.url, page=self.url.rpartition(".")[2])

    def end(self) -> tuple[int, str, str]:
        """Let the program end; return its exit code, and what it printed since on stdout and stderr."""
        out, errors = self.process.communicate("\n", timeout=scaled(30))
        return self.process.returncode, out, errors


@pytest.fixture
def start() -> Iterator[Any]:
    """Start programs, and kill them when the test ends."""
    programs: list[Program] = []

    def start(*code: str) -> Program:
        programs.append(Program(*code))
        return programs[-1]

    yield start
    for program in programs:
        program.process.kill()
        program.process.communicate()
