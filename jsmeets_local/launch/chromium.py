"""A browser of Chromium's family as the window of a page: its "app" mode, without tabs and address bar."""

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
from .surface import NoWindow
from .window.checks import display_problem, is_root
from .window.child import end_group

__all__ = ["BrowserWindow", "app_problem", "find_chromium"]

PROGRAM = "JSMEETS_LOCAL_CHROMIUM"  # environment variables: which program to use,
ARGUMENTS = "JSMEETS_LOCAL_BROWSER_ARGS"  # and more arguments for it

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
    """Chrome, Chromium, Edge or Brave; where it is set, what the environment variable JSMEETS_LOCAL_CHROMIUM names."""
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


def app_problem() -> str | None:
    """Why mode "app" cannot work here, and what to do about it; `None` where it can."""
    if find_chromium() is None:
        named = os.environ.get(PROGRAM)
        if named:
            return f"the environment variable {PROGRAM} names {named!r}, and there is no such program"
        return (
            'mode="app" needs a browser of Chromium\'s family, and none was found: install Chrome, Chromium, Edge or '
            f"Brave, or name its program in the environment variable {PROGRAM}"
        )
    arguments = _more_arguments()
    if is_root() and "--no-sandbox" not in arguments:
        return (
            "Chromium does not run as root with its sandbox: run this program as another user, or set the environment "
            f'variable {ARGUMENTS}="--no-sandbox" where you trust every page that it shows'
        )
    is_headless = any(argument.startswith("--headless") for argument in arguments)
    return None if is_headless else display_problem()


def _more_arguments() -> list[str]:
    return shlex.split(os.environ.get(ARGUMENTS, ""))


def command(url: str, look: dict[str, Any]) -> list[str]:
    """The program with its arguments, but for the profile folder."""
    position = look["position"]
    return [
        str(find_chromium()),
        f"--app={url}",
        "--no-first-run",
        "--no-default-browser-check",
        f"--window-size={look['width']},{look['height']}",
        *([f"--window-position={position[0]},{position[1]}"] if position else []),
        *(["--start-fullscreen"] if look["fullscreen"] else []),
        *_more_arguments(),
    ]


class BrowserWindow:
    """The browser, with a process of ours that owns it and removes its profile folder, however this one ends.

    Args:
        url: What it shows.
        look: What `look.look()` gives.
        ended: Called once, on another thread, when it has ended.

    Raises:
        LaunchError: The process could not be started.
    """

    takes_commands = False

    def __init__(self, url: str, look: dict[str, Any], ended: Callable[[], None]) -> None:
        self._ended: Callable[[], None] | None = ended
        self._leftovers: tuple[int, str] | None = None  # the browser and its profile folder
        task = {"browser": command(url, look), "environment": clean_environment()}
        self._child = Child(task, self._heard, self._clean_up)

    def close(self) -> None:
        """Ends it, and returns at once."""
        self._child.close()

    def join(self) -> None:
        """Waits until it has ended after `close()`."""
        self._child.join()

    def failure(self) -> JsPyError:
        """Why it has ended, though its page has not come."""
        return NoWindow(f"the browser ended before its page had connected; it has said:\n{self._child.last_words()}")

    def _heard(self, message: dict[str, Any]) -> None:
        if message["event"] == "started":
            self._leftovers = message["pid"], message["profile"]
        else:
            self._leftovers = None  # our process cleans up by itself
            self._end()

    def _clean_up(self) -> None:
        """Our process has ended; where it was killed, the browser and its profile are still there."""
        if self._leftovers is not None:
            browser, profile = self._leftovers
            end_group(browser)
            shutil.rmtree(profile, ignore_errors=True)
        self._end()

    def _end(self) -> None:
        ended, self._ended = self._ended, None
        if ended is not None:
            ended()
