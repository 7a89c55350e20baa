"""Facts of files that are sent by reference."""

from __future__ import annotations

import io
import mimetypes
import os
from typing import Any

from .arrays import Unsendable, loaded
from .text import plain

__all__ = ["describe_file"]


def describe_file(value: Any, where: str) -> dict[str, Any] | None:
    """Return name, size, type and time of a path or an open binary file; return `None` for other values.

    Raises:
        Unsendable: The file is open as text; the error message begins with `where`.
        OSError: There is no such file.
    """
    if isinstance(value, loaded("pathlib", "Path")):
        found = value.stat()
        return _facts(value.name, found.st_size, found.st_mtime)
    if not isinstance(value, io.IOBase):
        return None
    if isinstance(value, io.TextIOBase):
        raise Unsendable(f"{where}: the file is open as text; open it with mode 'rb'")
    given = getattr(value, "name", "")
    name = os.path.basename(given) if isinstance(given, str) else ""
    try:
        found = os.fstat(value.fileno())
        return _facts(name, found.st_size, found.st_mtime)
    except io.UnsupportedOperation:  # in memory
        place = value.tell()
        size = value.seek(0, io.SEEK_END)
        value.seek(place)
        return _facts(name, size, 0.0)


def _facts(name: str, size: int, modified: float) -> dict[str, Any]:
    kind = mimetypes.guess_type(name)[0] or ""
    return {"name": plain(name), "size": size, "type": kind, "modified": int(modified * 1000)}
