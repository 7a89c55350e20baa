"""Memory for large messages."""

from __future__ import annotations

import mmap
import sys

__all__ = ["fresh"]

_MAX_ALLOCATED = 2**25  # bytes; allocators keep memory of this size for the next allocation
_MIN_MAPPED = 2**22


def fresh(size: int) -> memoryview:
    """Return writable memory. It is released with its last view, and the system provides it on first write.

    Large memory is mapped without the huge pages that numpy requests: in a virtual machine, the host may have to
    provide them first, which takes four times as long as small pages.
    """
    empty = getattr(sys.modules.get("numpy"), "empty", None)
    if empty is not None and size <= _MAX_ALLOCATED:
        return memoryview(empty(size, "u1"))
    return memoryview(bytearray(size) if size < _MIN_MAPPED else _mapped(size))


def _mapped(size: int) -> mmap.mmap:
    if sys.platform == "win32":
        return mmap.mmap(-1, size)
    return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE)  # a child process must not share it
