"""Plan of a run: the arguments of `run`, the messages it prints, and the call of the program's `main`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import PageClosed
from ..page import Page
from .loading import Broken, Program, Target, user_traceback

__all__ = ["Plan", "call_main", "whereabouts"]


class Plan(NamedTuple):
    """Arguments of `run`, and for `--reload` the state that survives a restart.

    Attributes:
        target: The target to run.
        mode: See `JsMeetsPy.launch`.
        page: The route or page to open; `None` for the target's default.
        host: The address to bind.
        port: The port to bind.
        token: The launch token of all restarts.
        name: The prefix of all page keys, the same for all restarts.
        returns: Whether a page of an earlier run is expected to reconnect.
        dev_url: The URL of a development server that serves the pages; `""` if the application does.
        title: The title of the window, if any.
        size: The width and height of the window in pixels, if any.
        types: The file for TypeScript declarations, or "".
        storage: The name of the storage, or "".
        devtools: Whether the window has developer tools.
    """

    target: Target
    mode: str
    page: str | None
    host: str
    port: int
    token: str = ""
    name: str = ""
    returns: bool = False
    dev_url: str = ""
    title: str | None = None
    size: tuple[int, int] | None = None
    types: str = ""
    storage: str = ""
    devtools: bool = False

    @property
    def options(self) -> dict[str, Any]:
        """Return the options of `launch()`, except page and mode."""
        options: dict[str, Any] = {"host": self.host, "port": self.port, "dev_url": self.dev_url or None}
        if self.storage:
            options["storage"] = self.storage
        if self.devtools:
            options["devtools"] = True
        if self.title is not None:
            options["title"] = self.title
        if self.size is not None:
            options["width"], options["height"] = self.size
        return options

    def __repr__(self) -> str:
        return f"<Plan {self.mode} of {self.target}>"  # without the token

    def to_json(self) -> str:
        """Return the plan as one line of text."""
        return json.dumps(self, default=str)  # str converts the path

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """Parse the result of `to_json()`."""
        (file, module, attribute), *rest = json.loads(text)
        return cls(Target(file and Path(file), module, attribute), *rest)


def whereabouts(page: Page) -> str:
    """Return the message for a served page: its URL, without the token."""
    return f"Serving {page.url.partition('#')[0]}: close the page, or press Ctrl-C, to end."


def call_main(program: Program, page: Page) -> None:
    """Call `main(page)` of the program, if it has one. `PageClosed` after the page was closed is ignored.

    Raises:
        Broken: `main` raised an exception.
    """
    if program.main is not None:
        try:
            program.main(page)
        except PageClosed as error:
            if not page.is_closed():
                raise Broken(user_traceback(error)) from error
        except Exception as error:
            raise Broken(user_traceback(error)) from error
