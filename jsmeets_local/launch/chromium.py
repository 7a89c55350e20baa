"""Chromium-family browsers: mode "app", a window without tabs and address bar, and the process of a browser."""

from __future__ import annotations

import os
import platform
import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..errors import JsPyError
from .child_process import Child
from .environment import clean_environment
from .modes import NoWindow
from .storage import warn_of_use
from .window.child import end_group
from .window.requirements import display_problem, is_root

__all__ = ["BrowserWindow", "app_command", "app_problem", "browser_problem", "find_chromium", "more_arguments"]

PROGRAM = "JSMEETS_LOCAL_CHROMIUM"  # environment variable for the program to use
ARGUMENTS = "JSMEETS_LOCAL_BROWSER_ARGS"  # environment variable for additional arguments

_LINUX = (
    "google-chrome",
    "google-chrome-stable",
    "chromium",
    "chromium-browser",
    "microsoft-edge",
    "microsoft-edge-stable",
    "brave-browser",
    "brave",
)
_MACOS = ("Google Chrome", "Chromium", "Microsoft Edge", "Brave Browser")
_WINDOWS = (
    r"Google\Chrome\Application\chrome.exe",
    r"Chromium\Application\chrome.exe",
    r"Microsoft\Edge\Application\msedge.exe",
    r"BraveSoftware\Brave-Browser\Application\brave.exe",
)


def find_chromium() -> Path | None:
    """Return the program that JSMEETS_LOCAL_CHROMIUM names, or an installed Chrome, Chromium, Edge or Brave."""
    named = os.environ.get(PROGRAM)
    candidates = [shutil.which(named)] if named else _candidates()
    return next((Path(path) for path in candidates if path is not None), None)


def _candidates() -> Iterator[str | None]:
    system = platform.system()
    if system == "Windows":
        roots = [os.environ.get(name, "") for name in ("ProgramFiles", "ProgramFiles(x86)", "LocalAppData")]
        paths = [Path(root, program) for program in _WINDOWS for root in roots if root]
    elif system == "Darwin":
        roots = ["/Applications", str(Path.home() / "Applications")]
        paths = [Path(root, f"{name}.app", "Contents/MacOS", name) for name in _MACOS for root in roots]
    else:
        paths = []
        yield from map(shutil.which, _LINUX)
    yield from (str(path) for path in paths if path.is_file())


def browser_problem(wanted_by: str) -> str | None:
    """Return why no Chromium-family browser can run on this machine and what to do about it, or `None`.

    Args:
        wanted_by: What needs the browser, for the text: the option of `launch()`.
    """
    if find_chromium() is None:
        named = os.environ.get(PROGRAM)
        if named:
            return f"the environment variable {PROGRAM} names {named!r}, which does not exist"
        return (
            f"{wanted_by} needs a Chromium-family browser, and none was found: install Chrome, Chromium, Edge or "
            f"Brave, or set the environment variable {PROGRAM} to its program"
        )
    if is_root() and "--no-sandbox" not in more_arguments():
        return (
            "Chromium does not run sandboxed as root: run this program as another user, or set the environment "
            f'variable {ARGUMENTS}="--no-sandbox" if you trust every page it shows'
        )
    return None


def app_problem() -> str | None:
    """Return why mode "app" cannot work on this machine and what to do about it, or `None`."""
    problem = browser_problem('mode="app"')
    if problem is not None or any(argument.startswith("--headless") for argument in more_arguments()):
        return problem
    return display_problem()


def more_arguments() -> list[str]:
    """Return the additional arguments that JSMEETS_LOCAL_BROWSER_ARGS contains."""
    return shlex.split(os.environ.get(ARGUMENTS, ""))


def app_command(url: str, parameters: dict[str, Any]) -> list[str]:
    """Return the command line of mode "app", without the profile folder."""
    position = parameters["position"]
    return [
        str(find_chromium()),
        f"--app={url}",
        "--no-first-run",
        "--no-default-browser-check",
        "--hide-crash-restore-bubble",
        f"--window-size={parameters['width']},{parameters['height']}",
        *([f"--window-position={position[0]},{position[1]}"] if position else []),
        *(["--start-maximized"] if parameters["maximized"] else []),
        *(["--start-fullscreen"] if parameters["fullscreen"] else []),
        *more_arguments(),
    ]


class BrowserWindow:
    """Browser whose process a child of this process owns, with a window or headless.

    The child ends the browser with this process, and removes its profile folder unless it is kept.

    Args:
        command: The command line of the browser, without the profile folder.
        storage: The storage folder for its profile, or `None` for a temporary profile.
        on_closed: Called once, on another thread, when the browser has ended.

    Raises:
        LaunchError: The child could not be started.
    """

    takes_commands = False

    def __init__(self, command: list[str], storage: str | None, on_closed: Callable[[], None]) -> None:
        self._on_closed: Callable[[], None] | None = on_closed
        self._leftovers: tuple[int, str | None] | None = None  # process id and temporary profile folder of the browser
        self._storage = storage
        task = {"browser": command, "environment": clean_environment(), "storage": storage}
        self._child = Child(task, self._receive, self._clean_up)

    def close(self) -> None:
        """End the browser and return at once."""
        self._child.close()

    def join(self) -> None:
        """Wait until the browser has ended after `close()`."""
        self._child.join()

    def failure(self) -> JsPyError:
        """Return the exception for a browser that exited before its page had connected."""
        return NoWindow(f"the browser exited before its page connected; its output:\n{self._child.output()}")

    def _receive(self, message: dict[str, Any]) -> None:
        if message["event"] == "started":
            self._leftovers = message["pid"], message["profile"]
        elif message["event"] == "in use":
            warn_of_use(self._storage)
        else:
            self._leftovers = None  # the child cleans up by itself
            self._end()

    def _clean_up(self) -> None:
        """Clean up after the child has exited; if it was killed, the browser and its profile folder remain."""
        if self._leftovers is not None:
            browser, profile = self._leftovers
            end_group(browser)
            if profile is not None:
                shutil.rmtree(profile, ignore_errors=True)
        self._end()

    def _end(self) -> None:
        on_closed, self._on_closed = self._on_closed, None
        if on_closed is not None:
            on_closed()
