"""Thread switch interval of Python while a server runs: `launch(switch_interval=)`."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["check_switch_interval", "set_switch_interval"]

LEAST, MOST = 1e-6, 1.0  # seconds

_lock = threading.Lock()
_requested: list[float] = []  # by the running servers; the shortest applies
_original: float | None = None  # the interval of the program before the first request
_applied: float | None = None  # the interval that was set, as Python reports it


def check_switch_interval(seconds: float) -> float:
    """Return a switch interval as a float.

    Raises:
        TypeError: `seconds` is not a number.
        ValueError: `seconds` is not between `LEAST` and `MOST`.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise TypeError(f"switch_interval must be a number of seconds, or None to leave it unchanged; got {seconds!r}")
    if not LEAST <= seconds <= MOST:
        raise ValueError(
            f"switch_interval must be from {LEAST:.6f} to {MOST:g} seconds (Python's default is 0.005); got {seconds!r}"
        )
    return float(seconds)


@contextmanager
def set_switch_interval(seconds: float | None) -> Iterator[None]:
    """Set the switch interval of the process within a `with` block.

    While several blocks are active, the shortest interval applies; the end of the last one restores the original.
    """
    if seconds is None:
        yield
        return
    with _lock:
        _requested.append(seconds)
        _apply()
    try:
        yield
    finally:
        with _lock:
            _requested.remove(seconds)
            _apply()


def _apply() -> None:
    """Set the requested interval. If the program has set another one in the meantime, that one is restored later."""
    global _original, _applied
    if _applied is None or sys.getswitchinterval() != _applied:
        _original = sys.getswitchinterval()
    if _requested:
        sys.setswitchinterval(min(_requested))
        _applied = sys.getswitchinterval()
    elif _original is not None:
        sys.setswitchinterval(_original)
        _original = _applied = None
