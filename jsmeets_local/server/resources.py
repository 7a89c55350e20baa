"""Where the files of a program are once PyInstaller has packaged it."""

from __future__ import annotations

import os
import sys

__all__ = ["bundled"]


def bundled(path: str | os.PathLike[str]) -> str:
    """A relative path that is in the packaged program leads there, whatever the working directory.

    Outside of a packaged program, and for what is not in it, the path as it is.
    """
    path = os.fspath(path)
    folder = getattr(sys, "_MEIPASS", None)  # set by PyInstaller's start-up, in packaged programs only
    if folder is None or os.path.isabs(path):
        return path
    inside = os.path.join(folder, path)
    return inside if os.path.exists(inside) else path
