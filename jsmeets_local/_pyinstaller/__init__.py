"""PyInstaller hooks for programs that use this library; PyInstaller finds them by an entry point."""

from __future__ import annotations

from pathlib import Path

__all__ = ["get_hook_dirs"]


def get_hook_dirs() -> list[str]:
    """Return the folder of the hooks (entry point `pyinstaller40`)."""
    return [str(Path(__file__).parent)]
