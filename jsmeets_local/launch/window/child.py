"""A window of pywebview on the main thread of its process, and the process that owns one.

As a program of its own it is told by a first line of JSON on stdin what to show. More lines ask it to do something with
its window; answers and events leave on stdout. It ends with its window, or when stdin ends: then Python has closed the
window, or is gone. It can own a browser in the same way. It imports nothing of this package, whose server it does not
need, so that it starts quickly.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["NativeWindow", "main"]

STUBBORN = 2.0  # seconds that a toolkit or a browser gets to end by itself

Send = Callable[[dict[str, Any]], None]


class NativeWindow:
    """One window of pywebview. Its requests come from any thread, and are answered from threads of its own.

    Args:
        url: What it shows.
        look: What `launchers.window.look()` gives.
        heard: Told of "shown" and "closed", on any thread.
    """

    def __init__(self, url: str, look: dict[str, Any], heard: Callable[[str], None]) -> None:
        import webview  # only here: it takes a while, and whoever only steers a window does not need it

        # What it starts to talk to the page waits for ever where the window is closed meanwhile: it must not hold up
        # the end of the program.
        webview.util.Thread = functools.partial(threading.Thread, daemon=True)
        self._webview = webview
        self._icon = look["icon"]
        self._gui = look["gui"]
        self._resizable = look["resizable"]
        self._fullscreen = look["fullscreen"]
        self._titled = look["title"] is not None  # else the title is the page's
        x, y = look["position"] or (None, None)
        smallest = look["min_size"] if self._resizable else (look["width"], look["height"])  # Qt would let it shrink
        self._window = webview.create_window(
            look["title"] or look["program"],
            url,
            width=look["width"],
            height=look["height"],
            x=x,
            y=y,
            resizable=look["resizable"],
            fullscreen=look["fullscreen"],
            on_top=look["on_top"],
            min_size=tuple(smallest),
            text_select=True,
        )
        self._window.events.shown += lambda: heard("shown")
        self._window.events.closed += lambda: heard("closed")
        self._window.events.loaded += lambda: _thread(self._take_title)
        self._serial_queues: dict[bool, queue.SimpleQueue[tuple[str, list[Any], Send]]] = {
            is_dialog: queue.SimpleQueue() for is_dialog in (False, True)
        }

    def run(self, starting: Callable[[], None] | None = None) -> None:
        """Shows it and returns when it is closed. On the main thread only.

        Args:
            starting: Called on that thread just before the window appears.
        """
        if starting is not None:
            self._window.events.before_show += starting
        for serial_queue in self._serial_queues.values():
            _thread(self._serve, serial_queue)
        self._webview.start(gui=self._gui, icon=self._icon)

    def close(self) -> None:
        """Closes it, as soon as it is shown."""
        self._window.destroy()

    def request(self, method: str, args: list[Any], answer: Send) -> None:
        """Has one of the methods below called, after the earlier ones; a dialog holds up only other dialogs.

        Args:
            method: Its name.
            args: Its arguments.
            answer: Given `{"value": ...}` or `{"error": text}`, on another thread.
        """
        self._serial_queues[method.endswith("_dialog")].put((method, args, answer))

    def _serve(self, serial_queue: queue.SimpleQueue[tuple[str, list[Any], Send]]) -> None:
        self._window.events.shown.wait()
        while True:
            method, args, answer = serial_queue.get()
            try:
                value = getattr(self, f"do_{method}")(*args)
            except Exception as error:  # noqa: BLE001 - it belongs to whoever asked
                answer({"error": f"{type(error).__name__}: {error}"})
            else:
                answer({"value": value})

    def _take_title(self) -> None:
        title = None if self._titled else self._window.run_js("document.title")
        if title and not self._titled:  # it may have been given one meanwhile
            self._window.set_title(title)

    # What can be asked of it ---------------------------------------------------------------------------

    def do_get_title(self) -> str:
        return str(self._window.title)

    def do_set_title(self, title: str) -> None:
        self._titled = True
        self._window.set_title(title)
        self._settle()

    def do_get_size(self) -> list[int]:
        return [self._window.width, self._window.height]

    def do_resize(self, width: int, height: int) -> None:
        self._window.resize(width, height)
        if self._is("gtk") and not self._resizable:
            self._later(self._window.native.set_size_request, width, height)
        self._settle()

    def do_get_position(self) -> list[int]:
        if self._is("qt"):  # pywebview tells where the content is, and moves the frame
            return [self._window.native.x(), self._window.native.y()]
        return [self._window.x, self._window.y]

    def do_move(self, x: int, y: int) -> None:
        self._window.move(x, y)
        self._settle()

    def do_minimize(self) -> None:
        self._window.minimize()
        self._settle()

    def do_maximize(self) -> None:
        self._window.maximize()
        self._settle()

    def do_restore(self) -> None:
        self.do_fullscreen(False)
        self._window.restore()
        if self._is("gtk"):
            self._later(self._window.native.unmaximize)
        self._settle()

    def do_fullscreen(self, on: bool) -> None:
        if on != self._fullscreen:  # pywebview can only toggle it
            self._fullscreen = on
            self._window.toggle_fullscreen()
        self._settle()

    def do_bring_to_front(self) -> None:
        native = self._window.native
        if self._is("gtk"):
            self._later(native.present)
        elif self._is("qt"):
            self._later(_raise_qt, native)
        else:
            self._window.show()
        self._settle()

    def do_open_dialog(self, directory: str, multiple: bool, file_types: list[str]) -> list[str]:
        return self._ask_for_files("OPEN", directory=directory, allow_multiple=multiple, file_types=file_types)

    def do_save_dialog(self, directory: str, filename: str) -> str | None:
        return _first(self._ask_for_files("SAVE", directory=directory, save_filename=filename))

    def do_folder_dialog(self, directory: str) -> str | None:
        return _first(self._ask_for_files("FOLDER", directory=directory))

    def _ask_for_files(self, kind: str, **options: Any) -> list[str]:
        chosen = self._window.create_file_dialog(self._webview.FileDialog[kind], **options)
        return [chosen] if isinstance(chosen, str) else [str(path) for path in chosen or ()]

    # The toolkit ---------------------------------------------------------------------------------------

    def _is(self, toolkit: str) -> bool:
        return str(self._webview.renderer).startswith(toolkit)

    def _later(self, func: Callable[..., Any], *args: Any) -> None:
        """Has a function called on the main thread, where the toolkit lives (Qt and GTK)."""
        if self._is("qt"):
            self._window.native.create_window_trigger.emit(lambda: func(*args))
        elif self._is("gtk"):
            from gi.repository import GLib

            GLib.idle_add(lambda: func(*args) and False)  # False: once

    def _settle(self) -> None:
        """Waits until the toolkit has done what it was told before."""
        if self._is("qt") or self._is("gtk"):
            done = threading.Event()
            self._later(done.set)
            done.wait(STUBBORN)


def _raise_qt(window: Any) -> None:
    if window.isMinimized():
        window.showNormal()
    window.raise_()
    window.activateWindow()


def _first(paths: list[str]) -> str | None:
    return paths[0] if paths else None


def _thread(func: Callable[..., Any], *args: Any) -> None:
    threading.Thread(target=func, args=args, name="jsmeets-window", daemon=True).start()


# The process ---------------------------------------------------------------------------------------------------------


def main() -> None:
    """What the child process does; it does not return."""
    os.environ.pop("JSMEETS_LOCAL_WINDOW_CHILD", None)  # of a packaged program: not for what we start ourselves
    lines, send = _wire()
    task = json.loads(next(lines))
    try:
        if "browser" in task:
            own_browser(task["browser"], task["environment"], lines, send)
        else:
            sys.path[:] = task["path"]  # what Python can import, we can
            own_window(task, lines, send)
    except BaseException:  # noqa: BLE001 - this process ends with it
        traceback.print_exc()
        _end(1)
    _end(0)


def _wire() -> tuple[Iterator[bytes], Send]:
    """Lines that come, and a way to send some, out of reach of what toolkits read and print."""
    incoming, outgoing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb", buffering=0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    lock = threading.Lock()

    def send(message: dict[str, Any]) -> None:
        with lock, contextlib.suppress(OSError):  # Python is gone: the end of stdin tells it
            outgoing.write(json.dumps(message).encode() + b"\n")

    return iter(incoming), send


def _end(code: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # at once: toolkits crash where an interpreter takes them down


def own_window(task: dict[str, Any], lines: Iterator[bytes], send: Send) -> None:
    """Shows a window until it is closed, or `lines` ends."""
    sys.argv[:] = [task["look"]["program"]]  # what desktops know the window by
    window = NativeWindow(task["url"], task["look"], lambda event: send({"event": event}))

    def follow() -> None:
        for line in lines:
            request = json.loads(line)
            window.request(request["method"], request["args"], _answer(request["id"], send))
        _thread(_end_anyway)
        window.close()

    _thread(follow)
    window.run()


def _answer(number: int, send: Send) -> Send:
    return lambda outcome: send({"id": number, **outcome})


def _end_anyway() -> None:
    threading.Event().wait(STUBBORN)
    _end(0)


def own_browser(command: list[str], environment: dict[str, str], lines: Iterator[bytes], send: Send) -> None:
    """Runs a browser with a profile folder of its own until it ends, or `lines` does; nothing of it is left."""
    profile = tempfile.mkdtemp(prefix="jsmeets-browser-")
    try:
        browser = subprocess.Popen(
            [*command, f"--user-data-dir={profile}"],
            env=environment,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        send({"event": "started", "pid": browser.pid, "profile": profile})
        _thread(_end_with, lines, browser)
        browser.wait()
        send({"event": "closed"})
        end_group(browser.pid)
    finally:
        shutil.rmtree(profile, ignore_errors=True)


def _end_with(lines: Iterator[bytes], browser: subprocess.Popen[bytes]) -> None:
    for _ in lines:  # nothing is asked of a browser
        pass
    browser.terminate()
    threading.Event().wait(STUBBORN)
    browser.kill()


def end_group(leader: int) -> None:
    """Ends what is left of the processes that a process has started."""
    if sys.platform != "win32":  # there they are ended by the browser's own job
        with contextlib.suppress(ProcessLookupError):
            os.killpg(leader, signal.SIGKILL)


if __name__ == "__main__":
    main()
