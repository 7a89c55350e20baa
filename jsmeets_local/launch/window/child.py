"""The child process that owns a window or a browser.

The program reads lines of JSON from stdin: first the window or the browser to open, then requests to the window. It
writes responses and events to stdout. It exits when its window closes, or when stdin ends because its parent has closed
the window or has died. It does not import this package, so that it starts quickly, only modules beside it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
import types
from collections.abc import Iterator
from typing import Any

if not __package__:  # this file runs as a script: a package without `__init__.py` gives access to the modules beside it
    __package__ = "jsmeets_window"
    beside = sys.modules[__package__] = types.ModuleType(__package__)
    beside.__path__ = [os.path.dirname(__file__)]

from .kept import Profile
from .native_window import NativeWindow, Send
from .threads import start_thread

__all__ = ["end_group", "main"]

END_SECONDS = 2.0  # for a toolkit or a browser to exit by itself


def main() -> None:
    """Run the child process; does not return."""
    os.environ.pop("JSMEETS_LOCAL_WINDOW_CHILD", None)  # marks this process; its children must not inherit it
    lines, send = _take_pipes()
    task = json.loads(next(lines))
    try:
        if "browser" in task:
            own_browser(task, lines, send)
        else:
            sys.path[:] = task["path"]  # of the parent
            own_window(task, lines, send)
    except BaseException:  # noqa: BLE001 - this process ends with it
        traceback.print_exc()
        _end(1)
    _end(0)


def _take_pipes() -> tuple[Iterator[bytes], Send]:
    """Return the lines of stdin and a function that writes to stdout, and redirect both streams for the toolkits."""
    incoming, outgoing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb", buffering=0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    lock = threading.Lock()

    def send(message: dict[str, Any]) -> None:
        with lock, contextlib.suppress(OSError):  # the parent has died; the end of stdin reports it too
            outgoing.write(json.dumps(message).encode() + b"\n")

    return iter(incoming), send


def _end(code: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # toolkits crash in the finalization of the interpreter


def own_window(task: dict[str, Any], lines: Iterator[bytes], send: Send) -> None:
    """Show a window until it is closed or `lines` ends."""
    sys.argv[:] = [task["window"]["program"]]  # desktops identify windows by the program name
    window = NativeWindow(task["url"], task["window"], lambda event, *args: send({"event": event, "args": args}))

    def follow() -> None:
        for line in lines:
            request = json.loads(line)
            window.request(request["method"], request["args"], _answer(request["id"], send))
        start_thread(_end_later)
        window.close()

    start_thread(follow)
    window.run()
    start_thread(_end_later)
    window.finish_storage()


def _answer(number: int, send: Send) -> Send:
    return lambda outcome: send({"id": number, **outcome})


def _end_later() -> None:
    threading.Event().wait(END_SECONDS)
    _end(0)


def own_browser(task: dict[str, Any], lines: Iterator[bytes], send: Send) -> None:
    """Run a browser until it exits or `lines` ends. Its profile is kept in a storage folder, or temporary."""
    profile: Profile | None = None
    if task["storage"] is not None:
        try:
            profile = Profile(task["storage"], "app")
        except BlockingIOError:
            send({"event": "in use"})
    temporary = tempfile.mkdtemp(prefix="jsmeets-browser-") if profile is None else None
    try:
        browser = subprocess.Popen(
            [*task["browser"], f"--user-data-dir={temporary if profile is None else profile.path}"],
            env=task["environment"],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        send({"event": "started", "pid": browser.pid, "profile": temporary})
        start_thread(_end_with, lines, browser)
        browser.wait()
        send({"event": "closed"})
        end_group(browser.pid)
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def _end_with(lines: Iterator[bytes], browser: subprocess.Popen[bytes]) -> None:
    for _ in lines:  # wait for the end of stdin; a browser accepts no requests
        pass
    browser.terminate()
    threading.Event().wait(END_SECONDS)
    browser.kill()


def end_group(leader: int) -> None:
    """Kill the remaining processes of a process group."""
    if sys.platform != "win32":  # on Windows the job of the browser ends them
        with contextlib.suppress(ProcessLookupError):
            os.killpg(leader, signal.SIGKILL)


if __name__ == "__main__":
    main()
