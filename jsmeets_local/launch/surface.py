"""What shows a page and goes with it: a window."""

from __future__ import annotations

from typing import Protocol

from ..errors import JsPyError, LaunchError

__all__ = ["NoWindow", "Surface"]


class NoWindow(LaunchError):
    """The window could not be opened, which shows only when it is tried."""


class Surface(Protocol):
    """A window of any kind. It tells by a callback when it is closed, and its page is closed with it."""

    def close(self) -> None:
        """Closes it, and returns at once."""

    def join(self) -> None:
        """Waits until nothing of it is left after `close()`."""

    def failure(self) -> JsPyError:
        """Why it is closed, though its page has not come: `NoWindow`, or `PageClosed` by the user."""
