"""Tasks that cost nothing where there is nothing to wait for."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any

__all__ = ["spawn"]

_EAGER: dict[str, Any] = {"eager_start": True} if sys.version_info >= (3, 12) else {}


def spawn(coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Runs it as a task of the running loop; begun at once (Python 3.12), what ends at once is never scheduled."""
    return asyncio.Task(coroutine, loop=asyncio.get_running_loop(), **_EAGER)
