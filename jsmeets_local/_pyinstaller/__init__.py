"""What PyInstaller needs to know to package a program that uses this library; it finds it by an entry point."""

from __future__ import annotations

from pathlib import Path

__all__ = ["get_hook_dirs"]


def get_hook_dirs() -> list[str]:
    """The folder of the hooks (entry point `pyinstaller40`)."""
    return [str(Path(__file__).parent)]
