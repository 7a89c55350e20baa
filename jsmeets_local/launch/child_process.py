"""Child process that owns a window or a browser, so that neither outlives the program."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, cast
from weakref import WeakSet

from ..bridge.shutdown import after_fork, at_shutdown
from ..errors import LaunchError
from .window.child import end_group

__all__ = ["Child"]

END_SECONDS = 4.0  # for a child to exit; longer than it waits for its toolkit
GRANDCHILD_SECONDS = 1.0  # for the child's own children to exit; they hold its stderr open

logger = logging.getLogger("jsmeets_local")

_children: WeakSet[Child] = WeakSet()


class Child:
    """Process that runs `window/child.py`.

    It exits when its stdin closes: by `close()`, or because this process has ended for any reason.

    Args:
        task: The window or the browser to open, sent as the first line.
        on_message: Called with each message from the process, on the thread that reads them.
        on_exit: Called on that thread when the process has exited, after its last message.

    Raises:
        LaunchError: The process could not be started.
    """

    def __init__(
        self, task: dict[str, Any], on_message: Callable[[dict[str, Any]], None], on_exit: Callable[[], None]
    ) -> None:
        self._on_message = on_message
        self._on_exit = on_exit
        self._lock = threading.Lock()
        self._output: deque[str] = deque(maxlen=40)  # the last lines of its stderr
        self._process = _start()
        self._stdin = cast(IO[bytes], self._process.stdin)
        self._stdout_reader = self._thread("jsmeets-window", self._read_stdout)
        self._stderr_reader = self._thread("jsmeets-window-log", self._read_stderr)
        _children.add(self)
        self.send(task)

    def send(self, message: dict[str, Any]) -> None:
        """Send a message; do nothing if the child has ended."""
        with self._lock, contextlib.suppress(OSError, ValueError):  # the reader of stdout notices the end
            self._stdin.write(json.dumps(message).encode() + b"\n")

    def close(self) -> None:
        """Tell the child to end, and return at once."""
        with self._lock, contextlib.suppress(OSError):
            self._stdin.close()

    def join(self) -> None:
        """Wait until the child has exited after `close()`; kill it after `END_SECONDS`."""
        if threading.current_thread() in (self._stdout_reader, self._stderr_reader):
            return
        self._stdout_reader.join(END_SECONDS)
        if self._stdout_reader.is_alive():
            end_group(self._process.pid)
            self._process.kill()
            self._stdout_reader.join(END_SECONDS)
        self._stderr_reader.join(GRANDCHILD_SECONDS)

    def output(self) -> str:
        """Return the last lines that the child has written to stderr."""
        self._stderr_reader.join(GRANDCHILD_SECONDS)
        return "\n".join(self._output)

    def release(self) -> None:
        """Close the pipe in a forked process, which would otherwise keep it open."""
        self._stdin.close()

    def _thread(self, name: str, target: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=target, name=name, daemon=True)
        thread.start()
        return thread

    def _read_stdout(self) -> None:
        with cast(IO[bytes], self._process.stdout) as lines:
            for line in lines:
                self._on_message(json.loads(line))
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self.close()
        self._on_exit()

    def _read_stderr(self) -> None:
        with cast(IO[bytes], self._process.stderr) as lines:
            for line in lines:
                text = line.decode(errors="replace").rstrip()
                self._output.append(text)
                logger.debug("window: %s", text)


def _start() -> subprocess.Popen[bytes]:
    """Start the child in a process group of its own, so that Ctrl-C and a kernel interrupt do not reach it."""
    group: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        group = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    pipe = subprocess.PIPE
    try:
        return subprocess.Popen(
            _command(), bufsize=0, stdin=pipe, stdout=pipe, stderr=pipe, env=_environment(), **group
        )
    except OSError as error:
        raise LaunchError(f"the process of the window could not be started: {error}") from error


def _command() -> list[str]:
    if getattr(sys, "frozen", False):  # the packaged program, whose run-time hook reads the environment
        return [sys.executable]
    if not sys.executable:
        raise LaunchError("sys.executable is empty, so the process of a window cannot be started")
    return [sys.executable, "-P", str(Path(__file__).with_name("window") / "child.py")]


def _environment() -> dict[str, str] | None:
    return {**os.environ, "JSMEETS_LOCAL_WINDOW_CHILD": "1"} if getattr(sys, "frozen", False) else None


@at_shutdown
def _end_all() -> None:
    children = list(_children)
    for child in children:
        child.close()
    for child in children:
        child.join()


@after_fork
def _release_all() -> None:
    for child in list(_children):
        child.release()
    _children.clear()
