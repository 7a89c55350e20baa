"""Rate-limited log of refused connections and requests."""

from __future__ import annotations

import logging
from time import monotonic

from ..protocol.text import on_one_line

__all__ = ["Refusals"]

QUIET_SECONDS = 60.0  # until the same line is logged again
MAX_LINES = 100  # different lines logged in that time

logger = logging.getLogger("jsmeets_local")


class Refusals:
    """Log that repeats a refusal only after `QUIET_SECONDS`, because refused clients keep retrying."""

    def __init__(self) -> None:
        self._logged: dict[str, float] = {}

    def tell(self, text: str) -> None:
        """Log `text` as one line, with control characters escaped."""
        now = monotonic()
        self._logged = {old: when for old, when in self._logged.items() if now - when < QUIET_SECONDS}
        if text not in self._logged and len(self._logged) < MAX_LINES:
            self._logged[text] = now
            logger.warning("%s", on_one_line(text))
