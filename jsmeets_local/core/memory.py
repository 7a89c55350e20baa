"""Memory for large content."""

from __future__ import annotations

import mmap

from .arrays import loaded

__all__ = ["fresh"]

_KEPT = 2**25  # bytes: allocators keep that much for the next time, when it need not be asked of the system again
_WORTH_MAPPING = 2**22
_PRIVATE = {"flags": mmap.MAP_PRIVATE} if hasattr(mmap, "MAP_PRIVATE") else {}  # else a child would share it


def fresh(size: int) -> memoryview:
    """Writable memory, which is released with the last view of it; much of it takes none before it is written to.

    Beyond what is kept it is mapped without the huge pages that numpy asks for: in a virtual machine they may have to
    be fetched from the host first, which takes four times as long as to be given the small ones.
    """
    empty = loaded("numpy", "empty")
    if empty and size <= _KEPT:
        return memoryview(empty(size, "u1"))
    return memoryview(bytearray(size) if size < _WORTH_MAPPING else mmap.mmap(-1, size, **_PRIVATE))
