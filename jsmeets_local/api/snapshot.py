"""`Snapshot`: a picture of a page."""

from __future__ import annotations

import os
from typing import Any

from msgspec import Struct

from ..bridge.proxies.base import checked

__all__ = ["SNAPSHOT_BYTES", "Snapshot", "snapshot_of"]

SNAPSHOT_BYTES = 4 << 20  # largest picture that `page.snapshot()` returns


class Snapshot(Struct, frozen=True):
    """Picture of what a page shows, in PNG. A notebook displays it; `bytes(snapshot)` is the file.

    Attributes:
        data: The content of the PNG file.
        width: The width of the page in CSS pixels; the picture of a large page has fewer.
        height: The height of the visible part of the page in CSS pixels.
    """

    data: bytes
    width: int
    height: int

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture to a file.

        Args:
            path: The file, which is replaced; its name ends with `.png`.

        Raises:
            ValueError: The name does not end with `.png`.
            OSError: The file cannot be written.
        """
        if not os.fspath(path).lower().endswith(".png"):
            raise ValueError(f"a snapshot is a PNG image: name the file .png; got {os.fspath(path)!r}")
        with open(path, "wb") as file:
            file.write(self.data)

    def __bytes__(self) -> bytes:
        return self.data

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        return self.data, {"width": self.width, "height": self.height}

    def __repr__(self) -> str:
        return f"<Snapshot of {self.width} x {self.height} pixels, {len(self.data):,} bytes>"


class _Picture(Struct):
    data: bytes
    width: float
    height: float


def snapshot_of(answer: Any) -> Snapshot:
    """Convert the picture that a page has drawn.

    Raises:
        ProtocolError: The page has sent something else.
    """
    picture: _Picture = checked(answer, _Picture, "page.snapshot()")
    return Snapshot(picture.data, int(picture.width), int(picture.height))
