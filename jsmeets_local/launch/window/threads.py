"""Threads of a window. Like `child.py`, this module does not import the package."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

__all__ = ["start_thread"]


def start_thread(func: Callable[..., Any], *args: Any) -> None:
    """Call a function on a new daemon thread."""
    threading.Thread(target=func, args=args, name="jsmeets-window", daemon=True).start()
