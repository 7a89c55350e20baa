"""PyInstaller hooks for programs that use this library; PyInstaller finds them by an entry point.

The hooks in `unused` keep libraries that serve developers and other frameworks, and that bring whole toolkits along,
out of programs that do not import them.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["get_hook_dirs"]


def get_hook_dirs() -> list[str]:
    """Return the folders of the hooks (entry point `pyinstaller40`)."""
    folder = Path(__file__).parent
    return [str(folder), str(folder / "unused")]
