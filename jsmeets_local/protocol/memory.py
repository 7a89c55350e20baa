"""Memory for large content."""

from __future__ import annotations

import mmap
import sys

__all__ = ["fresh"]

_KEPT = 2**25  # bytes: allocators keep that much for the next time, when it need not be asked of the system again
_WORTH_MAPPING = 2**22


def fresh(size: int) -> memoryview:
    """Writable memory, which is released with the last view of it; much of it takes none before it is written to.

    Beyond what is kept it is mapped without the huge pages that numpy asks for: in a virtual machine they may have to
    be fetched from the host first, which takes four times as long as to be given the small ones.
    """
    empty = getattr(sys.modules.get("numpy"), "empty", None)
    if empty is not None and size <= _KEPT:
        return memoryview(empty(size, "u1"))
    return memoryview(bytearray(size) if size < _WORTH_MAPPING else _mapped(size))


def _mapped(size: int) -> mmap.mmap:
    if sys.platform == "win32":
        return mmap.mmap(-1, size)
    return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE)  # else a child process would share it
