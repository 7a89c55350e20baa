"""Transcript of the demo, for the terminal and the page."""

from __future__ import annotations

import functools
import os
import sys
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

KINDS = {
    "call": ("Python calls JavaScript", "36"),
    "called": ("JavaScript calls Python", "33"),
    "queue": ("queue", "35"),
    "topic": ("topic", "32"),
}
OFTEN = 3  # how many times it tells of what happens with every beat


class Transcript:
    """Transcript that prints a line for each event, and publishes it for the page.

    Attributes:
        publish: Where the lines for the page go.
    """

    def __init__(self) -> None:
        self.publish: Callable[[Any], Any] = lambda line: None
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._colors = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def say(self, kind: str, what: str, answer: Any, *, often: bool = False) -> None:
        """Report an event; one that happens often, only the first times."""
        with self._lock:
            self._counts[kind] += 1
            count = self._counts[kind]
            if count <= OFTEN or not often:
                self._print(kind, what, _short(answer))
            elif count == OFTEN + 1 and kind == "topic":
                self._print("topic", "and so on with every beat", "what you do in the page is told here")

    def told(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Decorator: report the calls of a function."""

        @functools.wraps(func)
        def tells(*args: Any) -> Any:
            call = f"{func.__name__}({', '.join(map(_short, args))})"
            try:
                value = func(*args)
            except Exception as error:
                self.say("called", call, f"{type(error).__name__}: {error}")
                raise
            self.say("called", call, value)
            return value

        return tells

    def has_everything(self) -> bool:
        """Return whether there was an event of each kind."""
        return all(self._counts[kind] for kind in KINDS)

    def _print(self, kind: str, what: str, answer: str) -> None:
        title, color = KINDS[kind]
        label = f"{title:<23}"
        if self._colors:
            label = f"\033[{color}m{label}\033[0m"
        print(f"  {label}  {what:<34}  ->  {answer}", flush=True)
        self.publish({"kind": kind, "what": what, "answer": answer})


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_short(item)}" for key, item in value.items())
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."
