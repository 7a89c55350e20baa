"""A process of our own that owns a window: started, listened to, ended, and never left behind."""

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

from ..bridge.shutdown import at_end
from ..errors import LaunchError
from .window.child import end_group

__all__ = ["Child"]

PATIENCE = 4.0  # seconds that a child gets to end: what it gives its toolkit, and some
GRANDCHILDREN = 1.0  # seconds for the processes that it has started, which hold its stderr until they have ended

logger = logging.getLogger("jsmeets_local")

_children: WeakSet[Child] = WeakSet()


class Child:
    """The process that `window/child.py` is.

    It ends when it is told to, or when this process does, however that ends: both see the end of a pipe.

    Args:
        task: What it shall do: its first line.
        heard: Given what it sends, on a thread of this child.
        ended: Called there when it has ended, after which it sends nothing.

    Raises:
        LaunchError: It could not be started.
    """

    def __init__(
        self, task: dict[str, Any], heard: Callable[[dict[str, Any]], None], ended: Callable[[], None]
    ) -> None:
        self._heard = heard
        self._ended = ended
        self._lock = threading.Lock()
        self._said: deque[str] = deque(maxlen=40)  # the last lines of its stderr
        self._process = _start()
        self._stdin = cast(IO[bytes], self._process.stdin)
        self._listener = self._thread("jsmeets-window", self._listen)
        self._overhearer = self._thread("jsmeets-window-log", self._overhear)
        _children.add(self)
        self.send(task)

    def send(self, message: dict[str, Any]) -> None:
        """Sends a line; nothing happens where the child has ended."""
        with self._lock, contextlib.suppress(OSError, ValueError):  # its end is noticed where it is listened to
            self._stdin.write(json.dumps(message).encode() + b"\n")

    def close(self) -> None:
        """Tells it to end, and returns at once."""
        with self._lock, contextlib.suppress(OSError):
            self._stdin.close()

    def join(self) -> None:
        """Waits until it has ended after `close()`, and makes it."""
        if threading.current_thread() in (self._listener, self._overhearer):
            return
        self._listener.join(PATIENCE)
        if self._listener.is_alive():
            end_group(self._process.pid)
            self._process.kill()
            self._listener.join(PATIENCE)
        self._overhearer.join(GRANDCHILDREN)

    def last_words(self) -> str:
        """What it has written to stderr at last."""
        self._overhearer.join(GRANDCHILDREN)
        return "\n".join(self._said)

    def disown(self) -> None:
        """After a fork, in the new process: that one must not hold the pipe open."""
        self._stdin.close()

    def _thread(self, name: str, target: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=target, name=name, daemon=True)
        thread.start()
        return thread

    def _listen(self) -> None:
        with cast(IO[bytes], self._process.stdout) as lines:
            for line in lines:
                self._heard(json.loads(line))
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self.close()
        self._ended()

    def _overhear(self) -> None:
        with cast(IO[bytes], self._process.stderr) as lines:
            for line in lines:
                text = line.decode(errors="replace").rstrip()
                self._said.append(text)
                logger.debug("window: %s", text)


def _start() -> subprocess.Popen[bytes]:
    """With pipes, and apart from this process: Ctrl-C and the interrupt of a kernel are not for it."""
    apart: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        apart = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    pipe = subprocess.PIPE
    try:
        return subprocess.Popen(
            _command(), bufsize=0, stdin=pipe, stdout=pipe, stderr=pipe, env=_environment(), **apart
        )
    except OSError as error:
        raise LaunchError(f"the process of the window could not be started: {error}") from error


def _command() -> list[str]:
    if getattr(sys, "frozen", False):  # the program itself, which looks into the environment
        return [sys.executable]
    if not sys.executable:
        raise LaunchError("this Python does not know its own program (sys.executable), and cannot start a window")
    return [sys.executable, "-P", str(Path(__file__).with_name("window") / "child.py")]


def _environment() -> dict[str, str] | None:
    return {**os.environ, "JSMEETS_LOCAL_WINDOW_CHILD": "1"} if getattr(sys, "frozen", False) else None


@at_end
def _end_all() -> None:
    children = list(_children)
    for child in children:
        child.close()
    for child in children:
        child.join()


def _disown_all() -> None:
    for child in list(_children):
        child.disown()
    _children.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_disown_all)
