"""Memory for large content."""

from __future__ import annotations

import mmap

from .arrays import loaded

__all__ = ["fresh"]

_WORTH_MAPPING = 2**22  # bytes
_PRIVATE = {"flags": mmap.MAP_PRIVATE} if hasattr(mmap, "MAP_PRIVATE") else {}  # else a child would share it


def fresh(size: int) -> memoryview:
    """Writable memory, which is released with the last view of it; much of it takes none before it is written to.

    numpy's is best: it asks for huge pages, and has the allocator keep some for the next time. To be given memory by
    4 KiB takes longer than to write to it.
    """
    empty = loaded("numpy", "empty")
    if empty:
        return memoryview(empty(size, "u1"))
    if size < _WORTH_MAPPING:
        return memoryview(bytearray(size))
    return memoryview(mmap.mmap(-1, size, **_PRIVATE))
