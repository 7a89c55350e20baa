"""Files of Python that a page reads."""

from __future__ import annotations

import os
import threading
from typing import Any
from weakref import WeakKeyDictionary

from ...protocol.files import is_path, unwrapped

__all__ = ["read_part"]

_locks: WeakKeyDictionary[Any, threading.Lock] = WeakKeyDictionary()  # of open files, which have one position
_locks_lock = threading.Lock()


def read_part(value: Any, facts: dict[str, Any], start: int, end: int) -> bytes:
    """Return the bytes of a file from `start` to `end`, or up to its end, in a worker.

    Args:
        value: A path or an open binary file.
        facts: Its description when it was sent; see `describe_file`.
        start: The position of the first byte.
        end: The position behind the last byte.

    Raises:
        OSError: The file cannot be read, or a path leads to other content than when it was sent.
        ValueError: The file was closed.
    """
    if is_path(value):
        with value.open("rb", buffering=0) as opened:
            found = os.fstat(opened.fileno())
            if [found.st_size, int(found.st_mtime * 1000)] != [facts["size"], facts["modified"]]:
                raise OSError(f"the file {facts['name']!r} has changed since it was sent; send ref(Path(...)) again")
            return _read(opened, start, end)
    file = unwrapped(value)
    if file.closed:
        text = "was closed before the page had read it; keep it open, or send ref(Path(...))"
        raise ValueError(f"the file {facts['name']!r} {text}")
    with _lock(file):
        place = file.tell()
        try:
            return _read(file, start, end)
        finally:
            file.seek(place)


def _lock(file: Any) -> threading.Lock:
    with _locks_lock:
        return _locks.setdefault(file, threading.Lock())


def _read(file: Any, start: int, end: int) -> bytes:
    """Read up to the end of the part or of the file: an unbuffered file may return fewer bytes at once."""
    file.seek(start)
    parts: list[bytes] = []
    while start < end and (part := file.read(end - start)):
        parts.append(part)
        start += len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)
