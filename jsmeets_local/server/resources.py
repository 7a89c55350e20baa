"""Paths of files bundled by PyInstaller."""

from __future__ import annotations

import os
import sys

__all__ = ["bundled"]


def bundled(path: str | os.PathLike[str]) -> str:
    """Resolve a relative path against the files bundled in a packaged program.

    Return the path unchanged if it is absolute, not bundled, or the program is not packaged.
    """
    path = os.fspath(path)
    folder = getattr(sys, "_MEIPASS", None)  # set by PyInstaller's bootloader
    if folder is None or os.path.isabs(path):
        return path
    inside = os.path.join(folder, path)
    return inside if os.path.exists(inside) else path
