"""Execution of JavaScript cells in a page, and errors that refer to the lines of the cell."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from ..errors import JavaScriptError
from ..page import Page
from ..staticfiles import CODE

__all__ = ["CellError", "run_cell"]

_RUNNER = f"/jsmeetspy/{CODE}"  # runs cells
_OURS = re.compile(r"/jsmeetspy/|\bJsPy\w+\.js")
_CHROMIUM = re.compile(r"\s+at (?:async )?(?:(.*?) \()?(.*?):(\d+):(\d+)\)?")
_FIREFOX = re.compile(r"(?:async\*)?([^@]*)@(.*):(\d+):(\d+)")
_NAMELESS = ("eval", "anonymous")  # Chromium's names for code outside functions

_FRAMES = 10  # shown, as in Chromium
_CONTEXT = 2  # lines shown before and after that of a frame
_RED, _GREEN, _PLAIN = "\x1b[31m", "\x1b[32m", "\x1b[0m"


class _StackFrame(NamedTuple):
    """A JavaScript stack frame.

    Attributes:
        file: The name of a cell, or a URL.
        line: The line, from 1.
        column: The column, from 1.
        function: The function; `""` outside of functions.
    """

    file: str
    line: int
    column: int
    function: str

    def place(self, cells: Mapping[str, str]) -> str:
        """Return file, line and column as text."""
        file = f"Cell {self.file}" if self.file in cells else self.file
        return f"{file}, line {self.line}, column {self.column}"


class CellError(JavaScriptError):
    """Error in the JavaScript of a cell, which IPython displays without a Python traceback.

    Args:
        error: The error from the page.
        cells: The text of each cell that has run, by name.
        colored: Whether to color the display.

    Attributes:
        frames: The stack, innermost frame first, without the frames of this library.
    """

    def __init__(self, error: JavaScriptError, cells: Mapping[str, str], colored: bool = False) -> None:
        stack, _, self._python = error.stack.partition("\n\nIn Python:\n")
        frames = _frames(stack.removeprefix(str(error)))
        self.frames = [
            frame for frame in frames if frame.line > 1 or frame.file not in cells
        ]  # line 1 is %%js, which the runner takes
        self._cells = cells
        self._colored = colored
        lines = [f"{error}", *(f"    at {self._called(frame)}" for frame in self.frames)]
        python = ["", "In Python:", self._python] if self._python else []
        facts = {name: getattr(error, name) for name in ("protocol", "key", "id", "socket_id")}
        stack_text = "\n".join(lines + python)
        super().__init__(
            error.msg, name=error.name, stack=stack_text, fields=error.fields, errors=error.errors, **facts
        )

    def _called(self, frame: _StackFrame) -> str:
        place = frame.place(self._cells)
        return f"{frame.function} ({place})" if frame.function else place

    def _render_traceback_(self) -> list[str]:
        """Return the lines that IPython displays instead of a traceback."""
        shown = [line for frame in reversed(self.frames[:_FRAMES]) for line in self._shown(frame)]
        python = ["In Python:", *self._python.rstrip().splitlines(), ""] if self._python else []
        return [*shown, *python, str(self).replace(self.name, self._color(_RED, self.name), 1)]

    def _shown(self, frame: _StackFrame) -> list[str]:
        where = frame.place(self._cells) + (f", in {frame.function}" if frame.function else "")
        lines = self._cells.get(frame.file, "").split("\n")
        first = max(1, frame.line - _CONTEXT)
        near = enumerate(lines[first - 1 : frame.line + _CONTEXT], first)
        source = [self._source_line(number, text, frame) for number, text in near] if frame.file in self._cells else []
        return [self._color(_GREEN, where), *source, ""]

    def _source_line(self, number: int, text: str, frame: _StackFrame) -> str:
        if number != frame.line:
            return f"{number:7} {text}".rstrip()
        return self._color(_GREEN, "-" * (5 - len(str(number))) + f"> {number}") + f" {text}"

    def _color(self, color: str, text: str) -> str:
        return f"{color}{text}{_PLAIN}" if self._colored else text


def _frames(stack: str) -> list[_StackFrame]:
    found = []
    for line in stack.splitlines():
        match = _CHROMIUM.fullmatch(line) or _FIREFOX.fullmatch(line)
        if match is None:
            continue
        function, file = match[1] or "", match[2]
        if file.endswith(_RUNNER):
            break  # the remaining frames are those of the runner
        if not _OURS.search(file):
            found.append(_StackFrame(file, int(match[3]), int(match[4]), "" if function in _NAMELESS else function))
    return found


def run_cell(page: Page, code: str, name: str, first_line: int, timeout: float | None = None) -> object:
    """Run JavaScript in a page and wait for its value.

    Args:
        page: The page.
        code: Statements; `await` is allowed. Later cells see their top-level declarations.
        name: The name of the cell in stacks, without spaces and quotes.
        first_line: The number of its first line in the editor, to which errors refer.
        timeout: Seconds; `None`, 0 or negative mean no limit.

    Returns:
        The value of the last statement if that is an expression, else `None`.

    Raises:
        JavaScriptError: The code raised an error, or does not parse.
        CallTimeout: No answer in time.
        Disconnected: The page has left, or is closed.
    """
    return page.call("$cell", timeout)(code, name, first_line - 1)
