"""Runs the JavaScript of a cell in a page; what it raises tells the lines of the cell."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from ..errors import JavaScriptError
from ..page import Page
from ..staticfiles import CODE

__all__ = ["CellError", "Frame", "run_cell"]

_RUNNER = f"/jsmeetspy/{CODE}"  # runs cells
_OURS = re.compile(r"/jsmeetspy/|\bJsPy\w+\.js")
_CHROMIUM = re.compile(r"\s+at (?:async )?(?:(.*?) \()?(.*?):(\d+):(\d+)\)?")
_FIREFOX = re.compile(r"(?:async\*)?([^@]*)@(.*):(\d+):(\d+)")
_NAMELESS = ("eval", "anonymous")  # what Chromium calls code that is in no function

_FRAMES = 10  # that are shown, as in Chromium
_CONTEXT = 2  # lines around the one of a frame
_RED, _GREEN, _PLAIN = "\x1b[31m", "\x1b[32m", "\x1b[0m"


class Frame(NamedTuple):
    """One line of a JavaScript stack.

    Attributes:
        file: The name of a cell, or an address.
        line: From 1.
        column: From 1.
        function: `""` where it is in none.
    """

    file: str
    line: int
    column: int
    function: str

    def place(self, cells: Mapping[str, str]) -> str:
        """Where it is, in words."""
        file = f"Cell {self.file}" if self.file in cells else self.file
        return f"{file}, line {self.line}, column {self.column}"


class CellError(JavaScriptError):
    """What the JavaScript of a cell raised; IPython shows it in a few lines.

    Args:
        error: As the page told it.
        cells: Name -> text of the cells that have run.
        colored: Whether the display may have colors.

    Attributes:
        frames: The stack, the innermost first, without the frames of this library.
    """

    def __init__(self, error: JavaScriptError, cells: Mapping[str, str], colored: bool = False) -> None:
        stack, _, self._python = error.stack.partition("\n\nIn Python:\n")
        frames = _frames(stack.removeprefix(str(error)))
        self.frames = [frame for frame in frames if frame.line > 1 or frame.file not in cells]  # 1 is %%js: ours
        self._cells = cells
        self._colored = colored
        lines = [f"{error}", *(f"    at {self._called(frame)}" for frame in self.frames)]
        python = ["", "In Python:", self._python] if self._python else []
        facts = {name: getattr(error, name) for name in ("protocol", "key", "id", "socket_id")}
        stack_text = "\n".join(lines + python)
        super().__init__(
            error.msg, name=error.name, stack=stack_text, fields=error.fields, errors=error.errors, **facts
        )

    def _called(self, frame: Frame) -> str:
        place = frame.place(self._cells)
        return f"{frame.function} ({place})" if frame.function else place

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in place of its own traceback, which would show the insides of this library."""
        shown = [line for frame in reversed(self.frames[:_FRAMES]) for line in self._shown(frame)]
        python = ["In Python:", *self._python.rstrip().splitlines(), ""] if self._python else []
        return [*shown, *python, str(self).replace(self.name, self._color(_RED, self.name), 1)]

    def _shown(self, frame: Frame) -> list[str]:
        where = frame.place(self._cells) + (f", in {frame.function}" if frame.function else "")
        lines = self._cells.get(frame.file, "").split("\n")
        first = max(1, frame.line - _CONTEXT)
        near = enumerate(lines[first - 1 : frame.line + _CONTEXT], first)
        source = [self._source_line(number, text, frame) for number, text in near] if frame.file in self._cells else []
        return [self._color(_GREEN, where), *source, ""]

    def _source_line(self, number: int, text: str, frame: Frame) -> str:
        if number != frame.line:
            return f"{number:7} {text}".rstrip()
        return self._color(_GREEN, "-" * (5 - len(str(number))) + f"> {number}") + f" {text}"

    def _color(self, color: str, text: str) -> str:
        return f"{color}{text}{_PLAIN}" if self._colored else text


def _frames(stack: str) -> list[Frame]:
    found = []
    for line in stack.splitlines():
        match = _CHROMIUM.fullmatch(line) or _FIREFOX.fullmatch(line)
        if match is None:
            continue
        function, file = match[1] or "", match[2]
        if file.endswith(_RUNNER):
            break  # the rest is how the cell came to run
        if not _OURS.search(file):
            found.append(Frame(file, int(match[3]), int(match[4]), "" if function in _NAMELESS else function))
    return found


def run_cell(page: Page, code: str, name: str, first_line: int, timeout: float | None = None) -> object:
    """Runs JavaScript in a page and waits for it.

    Args:
        page: Where.
        code: Statements; `await` is allowed. What they declare at the top later cells see.
        name: What stacks call it; without spaces and quotes.
        first_line: The number of its first line in the editor, which is what errors tell.
        timeout: Seconds; `None`, 0 or negative mean no limit.

    Returns:
        The value of the last statement if that is an expression, else `None`.

    Raises:
        JavaScriptError: It raised, or does not parse.
        CallTimeout: No answer in time.
        Disconnected: The page left, or is closed.
    """
    return page.call("$cell", timeout)(code, name, first_line - 1)
