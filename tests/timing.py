"""Patience of the tests: one factor for all their waits.

Each timeout, deadline and pause of a test is `scaled(seconds)`. `JSMEETS_TEST_SLOW=3 ./scripts/test` gives a slow or busy
machine three times as long; the default is 1.0. Not scaled are times that a test is about, such as the timeout of a call
that has to time out.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TypeVar

__all__ = ["scaled", "until"]

T = TypeVar("T")
FACTOR = float(os.environ.get("JSMEETS_TEST_SLOW", "1.0"))


def scaled(time_to_wait: float) -> float:
    """Return the time to wait on this machine, in the unit of the argument."""
    return time_to_wait * FACTOR


def until(happened: Callable[[], T], seconds: float = 15.0) -> T:
    """Wait until a condition is true, and return its value."""
    deadline = time.monotonic() + scaled(seconds)
    pause = 0.0005
    while not (value := happened()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(pause)
        pause = min(2 * pause, 0.01)
    return value
