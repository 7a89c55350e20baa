"""Processor time and memory of a process and its children, as the operating system reports them."""

from __future__ import annotations

import sys
import time

import psutil

__all__ = ["cpu_seconds", "resident_bytes"]


def _tree(pid: int) -> list[psutil.Process]:
    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]


def _of_one(process: psutil.Process) -> float:
    """Return user and system time: on Linux in nanoseconds, elsewhere in ticks of the system clock."""
    if sys.platform == "linux":
        return time.clock_gettime((~process.pid << 3) | 2)
    times = process.cpu_times()
    return float(times.user + times.system)


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process and its children have used."""
    return sum(_of_one(process) for process in _tree(pid))


def resident_bytes(pid: int) -> int:
    """Return their resident memory."""
    return sum(process.memory_info().rss for process in _tree(pid))
