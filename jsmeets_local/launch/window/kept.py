"""Contents of a storage folder: the profile of the browser, for one process at a time, and the place of the window.

A child process imports this module without its package, so it imports the standard library only.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
from collections.abc import Callable, Iterable
from typing import NamedTuple

__all__ = ["Place", "PlaceKeeper", "Profile"]

QUIET_SECONDS = 0.3  # without another move, after which a place is saved
GRIP = 40  # pixels of the upper edge of a window that must be on a screen, for its user to move it


class Profile:
    """Folder of a browser's data, locked until `release()` or the end of the process.

    Args:
        folder: The storage folder.
        kind: The kind of the browser, because the profiles of different browsers differ.

    Raises:
        BlockingIOError: Another process uses the profile.

    Attributes:
        path: The folder of the profile.
    """

    def __init__(self, folder: str, kind: str) -> None:
        self.path = os.path.join(folder, kind)
        os.makedirs(self.path, 0o700, exist_ok=True)
        self._lock = open(os.path.join(folder, f"{kind}.lock"), "ab")  # noqa: SIM115 - open as long as it is locked
        try:
            _lock(self._lock.fileno())
        except OSError as error:
            self._lock.close()
            raise BlockingIOError(error.errno, f"another window uses {self.path}") from error

    def release(self) -> None:
        """Let other processes use the profile."""
        self._lock.close()


if sys.platform == "win32":
    import msvcrt

    def _lock(number: int) -> None:
        msvcrt.locking(number, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(number: int) -> None:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)


class Place(NamedTuple):
    """Place of a window: its upper left corner and the size of its content in pixels, as it is or will be restored."""

    x: int
    y: int
    width: int
    height: int
    maximized: bool

    def is_reachable(self, screens: Iterable[tuple[int, int, int, int]]) -> bool:
        """Return whether the upper edge is on one of the screens (x, y, width, height)."""
        return any(
            min(self.x + self.width, x + width) - max(self.x, x) >= GRIP and y <= self.y <= y + height - GRIP
            for x, y, width, height in screens
        )


class PlaceKeeper:
    """Saves the place of a window in a storage folder soon after the window has moved, and when it closes.

    Args:
        folder: The storage folder.
        find: Given the last place, returns the present one; it runs as `call` runs it.
        call: Calls a function, perhaps later and on another thread: that of the toolkit.
    """

    def __init__(
        self, folder: str, find: Callable[[Place | None], Place | None], call: Callable[[Callable[[], None]], None]
    ) -> None:
        self._file = os.path.join(folder, "place.json")
        self._find = find
        self._call = call
        self._moved = threading.Event()
        self.place = self._read()

    def _read(self) -> Place | None:
        try:
            with open(self._file, encoding="utf-8") as file:
                given = json.load(file)
            place = Place(*(given[name] for name in Place._fields))
        except (OSError, ValueError, KeyError, TypeError):  # there is none yet, or another program wrote it
            return None
        if any(not isinstance(number, int) for number in place) or min(place.width, place.height) < 1:
            return None
        return place

    def moved(self) -> None:
        """Save the place soon; called after each change, on any thread."""
        self._moved.set()

    def follow(self) -> None:
        """Save the place whenever the window has moved and rests. It does not return."""
        while self._moved.wait():
            while self._moved.is_set():
                self._moved.clear()
                self._moved.wait(QUIET_SECONDS)
            self._call(self.save)

    def save(self) -> None:
        """Save the present place."""
        place = self._find(self.place)
        if place is None or place == self.place:
            return
        self.place = place
        with contextlib.suppress(OSError):  # such as a full disk: the window appears at its last place
            _replace(self._file, place._asdict())


def _replace(file: str, content: object) -> None:
    """Write a file of JSON so that it is complete at any time."""
    unfinished = f"{file}.{os.getpid()}"
    with open(unfinished, "w", encoding="utf-8") as text:
        json.dump(content, text)
    os.replace(unfinished, file)
