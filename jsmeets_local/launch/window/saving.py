"""Saving of a file that a page downloads, where its user wants it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...bridge.proxies.js_file import JSFile
from ...bridge.proxies.shared_files import read_part
from ...protocol.files import describe_file

__all__ = ["save"]

_PIECE = 4 * 1024 * 1024


def save(file: Any, path: str) -> None:
    """Write a file of the page, or one that Python has sent to it, in pieces.

    An earlier file at `path` is replaced once all is written.

    Raises:
        TypeError: `file` is not a file.
        OSError: It cannot be read or written.
    """
    pieces = _pieces(file)
    unfinished = Path(f"{path}.{secrets.token_hex(4)}.part")
    try:
        with unfinished.open("xb") as target:
            for piece in pieces:
                target.write(piece)
        os.replace(unfinished, path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def _pieces(file: Any) -> Iterator[bytes]:
    if isinstance(file, JSFile):
        return iter(lambda: file.read(_PIECE), b"")
    facts = describe_file(file, "file")
    if facts is None:
        raise TypeError(f"only files can be saved; the page passed {file!r:.100}")
    return (read_part(file, facts, start, start + _PIECE) for start in range(0, facts["size"], _PIECE))
