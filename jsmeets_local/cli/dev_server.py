"""Development server of a front end, such as Vite, run beside the program: `run --dev "npm run dev"`."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO
from urllib.parse import urlsplit

import click

from ..errors import LaunchError

__all__ = ["dev_server"]

START_SECONDS = 60.0  # for the server to print its URL
END_SECONDS = 5.0  # for its processes to exit
_SLICE = 0.1 if sys.platform == "win32" else 1.0  # seconds; on Windows, Ctrl-C does not interrupt a longer wait
_STYLE = re.compile(r"\x1b\[[0-9;]*m")  # colors (ECMA-48, SGR)
_URL = re.compile(r"https?://(?:localhost|127\.0\.0\.1|\[::1\]):\d+[\w/.-]*")


@contextmanager
def dev_server(command: str, folder: Path, python: str) -> Iterator[str]:
    """Run a development server within a `with` block, and print its output.

    Args:
        command: The command line, such as `npm run dev`.
        folder: The folder to run it in.
        python: The URL of the Python server, which the command gets as the environment variable `JSMEETS_URL`.

    Yields:
        The URL of the development server: the first one on this machine that it prints.

    Raises:
        LaunchError: The command does not exist, ends, or prints no URL in time.
    """
    words = shlex.split(command, posix=sys.platform != "win32")
    program = shutil.which(words[0]) if words else None
    if program is None:
        raise LaunchError(f"--dev: there is no command {words[0] if words else ''!r}; is Node.js installed?")
    process = subprocess.Popen(
        [program, *words[1:]],
        cwd=folder,
        env={**os.environ, "JSMEETS_URL": python, "FORCE_COLOR": os.environ.get("FORCE_COLOR", "1")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,  # npm starts a shell, which starts the server: they end together
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )
    assert process.stdout is not None
    urls: SimpleQueue[str | None] = SimpleQueue()
    last: deque[str] = deque(maxlen=20)
    arguments = (process.stdout, urls, last)
    output = threading.Thread(target=_show, args=arguments, name="jsmeets-dev-server", daemon=True)
    try:
        output.start()
        yield _first(urls, urlsplit(python).port, command, last)
    finally:
        _end(process, output)


def _show(lines: IO[str], urls: SimpleQueue[str | None], last: deque[str]) -> None:
    """Print the output, and report the URLs in it, then `None`."""
    with lines:
        for line in lines:
            click.echo(line.rstrip("\n"), err=True)
            plain = _STYLE.sub("", line)
            last.append(plain)
            for url in _URL.findall(plain):
                urls.put(url)
    urls.put(None)


def _first(urls: SimpleQueue[str | None], python: int | None, command: str, last: deque[str]) -> str:
    """Return the first URL that is not that of Python, at whose port the command may report to forward requests."""
    waited = 0.0
    while waited < START_SECONDS:
        try:
            url = urls.get(timeout=_SLICE)
        except Empty:
            waited += _SLICE
            continue
        if url is None:
            raise LaunchError(f"--dev: {command!r} ended before it printed a URL:\n{''.join(last)}")
        parts = urlsplit(url)
        if parts.port != python:
            return f"{parts.scheme}://{parts.netloc}"
    raise LaunchError(f"--dev: {command!r} printed no URL within {START_SECONDS:.0f} s")


def _end(process: subprocess.Popen[str], output: threading.Thread) -> None:
    """End the command and the processes that it has started, those that ignore SIGTERM after `END_SECONDS`.

    The thread of the output ends with the last process that writes to it. The command is awaited only then: until its
    exit code is read, no other process group can have its number.
    """
    if sys.platform == "win32":
        subprocess.run(["taskkill", "/T", "/F", "/PID", str(process.pid)], check=False, capture_output=True)
        process.wait()
        return
    try:
        _signal(process, signal.SIGTERM)
        output.join(END_SECONDS)
    finally:  # also after a second Ctrl-C
        _signal(process, signal.SIGKILL)
        process.wait()


def _signal(process: subprocess.Popen[str], number: signal.Signals) -> None:
    # macOS refuses signals to a group that has only processes whose exit codes nobody has read.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
