"""The error of a window that does not open."""

from __future__ import annotations

from ..errors import LaunchError

__all__ = ["NoWindow"]


class NoWindow(LaunchError):
    """The window could not be opened, which shows only when it is tried."""
