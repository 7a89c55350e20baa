"""How a program shall be run: what `run` was asked for, and the two sentences it says meanwhile."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from ..errors import PageClosed
from ..page import Page
from .loading import Broken, Program, Target, user_traceback

__all__ = ["Plan", "call_main", "whereabouts"]


class Plan(NamedTuple):
    """What `run` was asked for; and for `--reload` what outlives a restart.

    Attributes:
        target: What shall run.
        mode: As for `launch`.
        page: The route or page to begin with; `None` for the target's own.
        host: The address to serve at.
        port: The port to serve at.
        token: The launch token of all restarts.
        name: What the names of all restarts' pages begin with.
        returns: Whether a page of an earlier start is expected to come back.
    """

    target: Target
    mode: str
    page: str | None
    host: str
    port: int
    token: str = ""
    name: str = ""
    returns: bool = False

    def __repr__(self) -> str:
        return f"<Plan {self.mode} of {self.target}>"  # without the token

    def to_json(self) -> str:
        """One line of text."""
        return json.dumps(self, default=str)  # a path as text

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """The plan in such a line."""
        (file, module, attribute), *rest = json.loads(text)
        return cls(Target(file and Path(file), module, attribute), *rest)


def whereabouts(page: Page, mode: str) -> str:
    """What to say once the page is there: its address, with the token only where somebody has to open it."""
    if mode == "none":
        return f"Open this in a browser on this machine: {page.url}\nCtrl-C ends it."
    return f"Serving {page.url.partition('#')[0]}: close the page, or press Ctrl-C, to end."


def call_main(program: Program, page: Page) -> None:
    """The program's own `main(page)`, if it has one. That the page is closed may end it.

    Raises:
        Broken: It raised.
    """
    if program.main is not None:
        try:
            program.main(page)
        except PageClosed as error:
            if not page.is_closed():
                raise Broken(user_traceback(error)) from error
        except Exception as error:
            raise Broken(user_traceback(error)) from error
