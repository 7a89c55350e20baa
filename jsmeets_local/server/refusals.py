"""Logs who was refused, and why."""

from __future__ import annotations

import logging
from time import monotonic

from ..protocol.text import on_one_line

__all__ = ["Refusals"]

QUIET_SECONDS = 60.0  # for which the same refusal is not logged again
MAX_LINES = 100  # refusals that are logged in that time

logger = logging.getLogger("jsmeets_local")


class Refusals:
    """Logs each refusal once a minute: a page that was left open tries again and again."""

    def __init__(self) -> None:
        self._told: dict[str, float] = {}

    def tell(self, text: str) -> None:
        """Logs a line; what it quotes from outside cannot break it."""
        now = monotonic()
        self._told = {old: when for old, when in self._told.items() if now - when < QUIET_SECONDS}
        if text not in self._told and len(self._told) < MAX_LINES:
            self._told[text] = now
            logger.warning("%s", on_one_line(text))
