"""IPython magics: `%%js` and `%jsmeets`. No other file imports IPython at its top level."""

from __future__ import annotations

from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, cell_magic, line_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring
from IPython.display import display

from ..errors import CallTimeout, JavaScriptError
from ..page import Page
from .run_cell import CellError, run_cell
from .status import open_pages, status_table

__all__ = ["load", "unload"]


@magics_class
class JsMagics(Magics):
    """`%%js` and `%jsmeets`.

    Args:
        shell: The IPython shell.
    """

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self.earlier = shell.find_cell_magic("js")  # IPython's own magic, which unload() restores
        self._cells: dict[str, str] = {}  # name -> text, to show the source lines of errors

    @cell_magic
    @magic_arguments()
    @argument("-o", "--out", metavar="NAME", help="store the value under this name, and do not show it")
    @argument("-t", "--timeout", metavar="SECONDS", type=float, help="timeout in seconds (default: no limit)")
    @argument("-p", "--page", metavar="EXPR", help="the page (default: the open page that was launched last)")
    def js(self, line: str, cell: str) -> Any:
        """Run the cell as JavaScript in a page of jsmeets_local.

        `await` is allowed. The value of the cell is that of its last expression. Later cells see its top-level
        declarations. Errors name lines of the cell, counted from `%%js` as line 1.
        """
        options = parse_argstring(self.js, line)
        if options.out is not None and not options.out.isidentifier():
            raise UsageError(f"%%js -o: {options.out!r} is not a variable name")
        page = self._page(options.page)
        value = self._run(page, cell, options.timeout)
        if options.out is None:
            return value
        self.shell.push({options.out: value})
        return None

    @line_magic
    def jsmeets(self, line: str) -> None:
        """Show the open pages of jsmeets_local, the functions of both sides, the queues and the topics."""
        display(status_table())

    def _page(self, expression: str | None) -> Page:
        if expression is None:
            pages = open_pages()
            if not pages:
                raise UsageError("%%js needs an open page; call launch() first")
            return pages[-1]
        page = self.shell.ev(expression)
        if not isinstance(page, Page):
            raise UsageError(f"%%js -p: {expression} is not a page: {page!r}")
        return page

    def _run(self, page: Page, code: str, timeout: float | None) -> Any:
        name = f"In[{self.shell.displayhook.prompt_count}]"  # execution_count may already be that of the next cell
        first_line = self._first_line(code)
        self._cells[name] = "\n" * (first_line - 2) + "%%js\n" + code.rstrip("\n")
        try:
            return run_cell(page, code, name, first_line, timeout)
        except JavaScriptError as error:
            raise CellError(error, self._cells, self.shell.colors != "nocolor") from error.__cause__
        except CallTimeout:
            raise CallTimeout(f"the cell did not finish within {timeout} s; it continues in the page") from None

    def _first_line(self, code: str) -> int:
        """Return the editor's line where the JavaScript begins; empty lines or another magic may precede `%%js`."""
        typed = self.shell.history_manager.input_hist_raw[-1].rstrip()
        above = typed.removesuffix(code.rstrip())
        return above.count("\n") + 1 if len(above) < len(typed) else 2


def load(shell: Any) -> None:
    """Register the magics; `%%js` replaces IPython's alias of `%%javascript`."""
    shell.register_magics(JsMagics(shell))


def unload(shell: Any) -> None:
    """Remove the magics."""
    magics = shell.magics_manager.magics
    ours = getattr(magics["cell"].get("js"), "__self__", None)
    if isinstance(ours, JsMagics):
        magics["cell"]["js"] = ours.earlier
        magics["line"].pop("jsmeets", None)
