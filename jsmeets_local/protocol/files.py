"""Descriptions of files that are sent by reference."""

from __future__ import annotations

import io
import mimetypes
import os
from typing import Any
from weakref import WeakKeyDictionary

from .arrays import Unsendable, loaded
from .text import plain

__all__ = ["MAX_READ", "describe_file", "is_path", "safe_name", "unwrapped"]

MAX_READ = 8 * 1024 * 1024  # bytes of one request

_ADVICE = "send its read(), or a generator of its parts: iter(lambda: file.read(65536), b'')"

_sizes: WeakKeyDictionary[Any, int] = WeakKeyDictionary()  # of files whose size only a seek reveals


def safe_name(name: str) -> str:
    """Return a file name without folders, so that a page cannot choose where a program writes: `folder / name`."""
    base = os.path.basename(name.replace("\0", ""))
    return "" if base in (".", "..") else base


def is_path(value: Any) -> bool:
    """Return whether a value is a `pathlib.Path`."""
    return isinstance(value, loaded("pathlib", "Path"))


def unwrapped(value: Any) -> Any:
    """Return the file of a `NamedTemporaryFile`; other values as they are."""
    return value.file if isinstance(value, loaded("tempfile", "_TemporaryFileWrapper")) else value


def describe_file(value: Any, where: str) -> dict[str, Any] | None:
    """Return name, size, type and time of a path or an open binary file; return `None` for other values.

    Raises:
        Unsendable: The file is open as text or for writing, or cannot seek; the error message begins with `where`.
        OSError: There is no such file.
    """
    if is_path(value):
        if value.is_dir():
            raise Unsendable(f"{where}: {value.name!r} is a folder; send the files in it")
        found = value.stat()
        return _facts(value.name, found.st_size, found.st_mtime)
    value = unwrapped(value)
    if not isinstance(value, io.IOBase):
        return None
    if isinstance(value, io.TextIOBase):
        raise Unsendable(f"{where}: the file is open as text; open it with mode 'rb'")
    if not value.readable():
        raise Unsendable(f"{where}: the file is open for writing; open it with mode 'rb'")
    if not value.seekable():
        raise Unsendable(f"{where}: a page reads a file in any order, and this one cannot seek; {_ADVICE}")
    given = getattr(value, "name", "")
    name = os.path.basename(given) if isinstance(given, str) else ""
    try:
        modified = os.fstat(value.fileno()).st_mtime
    except io.UnsupportedOperation:  # in memory
        modified = 0.0
    return _facts(name, _size(value), modified)


def _size(file: Any) -> int:
    """Return the size, without a seek where possible: another page may be reading the file."""
    if isinstance(file, io.BytesIO):
        return len(file.getbuffer())
    if isinstance(getattr(file, "raw", file), io.FileIO):  # not a GzipFile, whose `fileno` is that of packed data
        if file.writable():
            file.flush()
        return os.fstat(file.fileno()).st_size
    size = _sizes.get(file)
    if size is None:
        place = file.tell()
        size = _sizes[file] = file.seek(0, io.SEEK_END)
        file.seek(place)
    return size


def _facts(name: str, size: int, modified: float) -> dict[str, Any]:
    kind = mimetypes.guess_type(name)[0] or ""
    return {"name": plain(name), "size": size, "type": kind, "modified": int(modified * 1000)}
