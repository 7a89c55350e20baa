"""How long a thread of Python keeps the others waiting, while a server runs: `launch(switch_interval=)`."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["check_switch_interval", "switching"]

LEAST, MOST = 1e-6, 1.0  # seconds

_lock = threading.Lock()
_wanted: list[float] = []  # by the servers that run; the shortest counts
_before: float | None = None  # what the program had when the first of them came
_set: float | None = None  # what they have made of it, as Python tells it


def check_switch_interval(seconds: float | None) -> float | None:
    """Seconds between `LEAST` and `MOST`; `None` leaves it as it is.

    Raises:
        TypeError: It is no number.
        ValueError: It is out of range.
    """
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise TypeError(f"switch_interval is a number of seconds, or None to leave it alone; got {seconds!r}")
    if not LEAST <= seconds <= MOST:
        raise ValueError(
            f"switch_interval is from {LEAST:.6f} to {MOST:g} seconds (Python's own is 0.005); got {seconds!r}"
        )
    return float(seconds)


@contextmanager
def switching(seconds: float | None) -> Iterator[None]:
    """Sets the switch interval of this process for a while. Of several the shortest counts; the last one restores."""
    if seconds is None:
        yield
        return
    with _lock:
        _wanted.append(seconds)
        _apply()
    try:
        yield
    finally:
        with _lock:
            _wanted.remove(seconds)
            _apply()


def _apply() -> None:
    """Sets what is wanted. What the program itself has set in the meantime is what it gets back."""
    global _before, _set
    if _set is None or sys.getswitchinterval() != _set:
        _before = sys.getswitchinterval()
    if _wanted:
        sys.setswitchinterval(min(_wanted))
        _set = sys.getswitchinterval()
    elif _before is not None:
        sys.setswitchinterval(_before)
        _before = _set = None
