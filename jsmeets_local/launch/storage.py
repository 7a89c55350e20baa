"""Storage of an application: the folder for what its pages and windows keep from one start to the next.

Browsers keep `localStorage`, cookies and IndexedDB for each origin, and the port is a part of the origin. The folder
therefore also has the port at which the application is served. `window/kept.py` describes the rest of it.
"""

from __future__ import annotations

import hashlib
import logging
import os
import random
import re
import socket
import sys
from pathlib import Path

from ..notebook.cells import kernel_shell
from ..notebook.marimo import marimo_session
from ..server.thread import bind

__all__ = ["bind_kept_port", "storage_folder", "warn_of_use"]

PORTS = range(20_000, 32_768)  # below those that systems give to outgoing connections
ATTEMPTS = 20

_NAME = re.compile(r"\w([\w .-]*\w)?")

logger = logging.getLogger("jsmeets_local")


def storage_folder(storage: bool | str | os.PathLike[str]) -> str:
    """Return the folder that the `storage` of `launch()` stands for. Its first use creates it.

    Raises:
        TypeError: `storage` is neither a name, nor a path, nor a bool.
        ValueError: The name cannot be that of a folder, or the program has no name.
        NotADirectoryError: The path is that of a file.
    """
    if isinstance(storage, os.PathLike):
        folder = Path(storage)
    elif storage is True:
        folder = _user_data() / _name_of_program()
    elif not isinstance(storage, str):
        raise TypeError(f'storage must be a name such as "my-app", a pathlib.Path, or True; got {storage!r:.60}')
    elif not _NAME.fullmatch(storage):
        raise ValueError(
            f"storage must be a name of letters, digits, spaces, '-', '_' and '.'; got {storage!r}. "
            "For a folder, pass a pathlib.Path"
        )
    else:
        folder = _user_data() / storage
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"storage must be a folder; {folder} is a file")
    return str(folder.absolute())


def _user_data() -> Path:
    """Return the folder of this library for data of the user."""
    home = Path.home()
    if sys.platform == "win32":
        root = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        root = home / "Library" / "Application Support"
    else:
        root = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    return root / "jsmeets_local"


def _name_of_program() -> str:
    """Return a name for this program; for a script, one that depends on its folder."""
    if getattr(sys, "frozen", False):
        return Path(sys.executable).stem
    file = getattr(sys.modules["__main__"], "__file__", None)
    if file is None or kernel_shell() is not None or marimo_session():
        raise ValueError('storage=True is named after the script, and there is none; pass a name: storage="my-app"')
    script = Path(file).resolve()
    name = script.parent.name if script.stem == "__main__" else script.stem
    return f"{name}-{hashlib.sha256(os.fsencode(script)).hexdigest()[:8]}"


def warn_of_use(folder: str | None) -> None:
    """Log that a window starts empty, because another one uses the storage folder."""
    logger.warning("another window uses the storage in %s: this one starts empty and keeps nothing", folder)


def bind_kept_port(folder: str, host: str, port: int) -> socket.socket:
    """Return a listening socket; for port 0 at the port of a storage folder, or at a free one if that port is taken.

    Raises:
        TypeError: See `bind`; likewise `ValueError`.
        OSError: The host is unknown, or the folder cannot be written.
    """
    if port:
        return bind(host, port)
    record = Path(folder, "port")
    kept = _read(record)
    if kept is not None:
        try:
            return bind(host, kept)
        except (OSError, ValueError) as error:
            logger.warning(
                "port %d, at which pages keep their data in %s, is taken: %s. This time they are served at another "
                "port, and do not see that data",
                kept,
                folder,
                error,
            )
            return bind(host, 0)
    found = _bind_any(host)
    try:
        record.parent.mkdir(0o700, parents=True, exist_ok=True)
        record.write_text(f"{found.getsockname()[1]}\n", encoding="ascii")
    except OSError:
        found.close()
        raise
    return found


def _read(record: Path) -> int | None:
    try:
        text = record.read_text(encoding="ascii").strip()
    except (FileNotFoundError, UnicodeDecodeError):
        return None
    return int(text) if text.isdecimal() and 1024 <= int(text) <= 65_535 else None


def _bind_any(host: str) -> socket.socket:
    for port in random.sample(PORTS, ATTEMPTS):
        try:
            return bind(host, port)
        except (OSError, ValueError):  # taken, or one that browsers refuse
            continue
    return bind(host, 0)
