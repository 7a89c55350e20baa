"""Display of a page in an iframe under a notebook cell."""

from __future__ import annotations

import importlib.util
import numbers
import sys
from collections.abc import Callable
from html import escape
from itertools import count
from string import Template
from typing import Any, Protocol
from weakref import WeakSet, WeakValueDictionary

from msgspec import Struct
from msgspec.structs import replace

from ..errors import LaunchError, MissingExtra
from .cells import Cell, kernel_shell

__all__ = ["SIZE", "Frame", "Launches", "Shown", "check_side", "launches", "require_kernel", "show"]

SIZE: tuple[int | str, int | str] = ("100%", 400)  # width and height of an iframe

# The iframe covers a text, which remains if the iframe is removed: by a notebook viewer that strips iframes and
# scripts, or by the error handler of a hidden image when the server does not answer. (Browsers report no load error of
# an iframe, but do for an image.) The image retries for a while first, because an editor that forwards the port of a
# remote kernel needs some time.
_HTML = Template("""\
<div style="width: $width; max-width: 100%; font-size: 12px; line-height: 1.6">
<div style="display: grid">
<div style="grid-area: 1 / 1; padding: 6px 0; opacity: .7">\
This page was available while Python was running. Run the cell again to restore it.</div>
<iframe src="$url" title="$title" allow="loopback-network; local-network-access" style="$look"></iframe>
<img src="$probe" alt="" style="display: none" onload="$answered" onerror="$silent">
</div>
<a href="$url" target="_blank" rel="noopener" style="opacity: .7; text-decoration: none">$title &#8599;</a>
</div>""")

_LOOK = Template(
    "grid-area: 1 / 1; position: relative; box-sizing: border-box; width: 100%; height: $height; "
    "border: 1px solid rgba(128, 128, 128, .35); border-radius: 4px; background: #fff"
)

_PARTS = "const image = this, frame = image.previousElementSibling, text = frame.previousElementSibling; "
_ANSWERED = _PARTS + (
    "text.hidden = true; if (image.dataset.tries) { frame.style.visibility = ''; frame.replaceWith(frame.cloneNode()) }"
)
_SILENT = _PARTS + (
    "const tries = image.dataset.tries = 1 + Number(image.dataset.tries || 0); frame.style.visibility = 'hidden'; "
    "if (tries < 5) { setTimeout(() => { image.src = image.src }, 400) } "
    "else { image.parentNode.nextElementSibling.remove(); frame.remove(); image.remove() }"
)


class Shown(Protocol):
    """Interface of what shows a page in a notebook."""

    def sized(self, width: int | str | None, height: int | str | None) -> Shown:
        """Return a copy with another size; `None` keeps the width or height."""

    def bundle(self, plain: str) -> dict[str, Any]:
        """Return the output by its media types, of which `plain` is the text."""


class Frame(Struct, frozen=True):
    """Iframe that shows a page in a notebook.

    Attributes:
        addresses: Returns the URLs of the page and of an image on the same server.
        title: The address to display, without the token.
        width: Width in pixels, or as a CSS length (`"100%"`).
        height: Height in pixels, or as a CSS length.
    """

    addresses: Callable[[], tuple[str, str]]
    title: str
    width: int | str
    height: int | str

    def sized(self, width: int | str | None, height: int | str | None) -> Frame:
        """Return a copy with another size; `None` keeps the width or height.

        Raises:
            TypeError: A size is neither a number of pixels nor a CSS length.
            ValueError: A size is less than 1.
        """
        given = {name: side for name, side in (("width", width), ("height", height)) if side is not None}
        for name, side in given.items():
            check_side(name, side)
        return replace(self, **given)

    def bundle(self, plain: str) -> dict[str, Any]:
        """Implement `Shown`."""
        return {"text/html": self.html(), "text/plain": plain}

    def html(self) -> str:
        """Return the HTML: the iframe, a link to the page below it, and the text that it covers."""
        url, probe = self.addresses()
        return _HTML.substitute(
            url=escape(url),
            title=escape(self.title),
            width=escape(_length(self.width)),
            look=escape(_LOOK.substitute(height=_length(self.height))),
            probe=escape(probe),
            answered=escape(_ANSWERED),
            silent=escape(_SILENT),
        )


def check_side(name: str, size: Any) -> None:
    """Check a width or height.

    Raises:
        TypeError: `size` is neither a number of pixels nor a CSS length.
        ValueError: `size` is less than 1.
    """
    if isinstance(size, bool) or not isinstance(size, (str, numbers.Integral)):
        raise TypeError(
            f'{name} must be a whole number of pixels, or a CSS length ("50%") in a notebook; got {size!r:.60}'
        )
    if isinstance(size, numbers.Integral) and int(size) < 1:
        raise ValueError(f"{name} must be 1 or more pixels; got {size!r}")


def _length(size: int | str) -> str:
    return size if isinstance(size, str) else f"{size}px"


def require_kernel() -> Any:
    """Return the IPython shell of this kernel.

    Raises:
        MissingExtra: IPython is not installed.
        LaunchError: This process is not a kernel, or the front end of the notebook does not carry WebSockets.
    """
    if "IPython" not in sys.modules and importlib.util.find_spec("IPython") is None:
        raise MissingExtra("mode=\"notebook\" needs IPython: pip install 'jsmeets-local[notebook]'")
    shell = kernel_shell()
    if shell is None:
        raise LaunchError('mode="notebook" requires a Jupyter kernel; in other programs, use mode="browser"')
    if "google.colab" in sys.modules:
        raise LaunchError(
            "Google Colab does not forward WebSockets to the kernel, so pages cannot connect; "
            "run this notebook in JupyterLab, Notebook 7 or VS Code"
        )
    return shell


def show(frame: Shown, plain: str, display_id: str = "", update: bool = False) -> None:
    """Show a page under the running cell, or the text `plain` in a front end that cannot.

    Args:
        frame: Shows the page.
        plain: The text.
        display_id: The name by which the output can be replaced; `""` for none.
        update: Whether to replace the output of that name.

    Raises:
        MissingExtra: IPython is not installed.
        LaunchError: See `require_kernel`.
    """
    transient = {"display_id": display_id} if display_id else {}
    require_kernel().display_pub.publish(frame.bundle(plain), transient=transient, update=update)


class Launches:
    """Registry of launched pages by cell, so that the next run of a cell can replace its pages."""

    def __init__(self) -> None:
        self._by_cell: dict[str, tuple[str, WeakSet[Any]]] = {}
        self._all: WeakValueDictionary[int, Any] = WeakValueDictionary()
        self._numbers = count()

    def replaced_by(self, cell: Cell) -> list[Any]:
        """Remove and return the pages that earlier runs of this cell launched."""
        if not cell.id or self._by_cell.get(cell.id, (cell.run,))[0] == cell.run:
            return []
        return list(self._by_cell.pop(cell.id)[1])

    def add(self, cell: Cell | None, page: Any) -> None:
        """Register a page that a run of a cell, or the program, has launched."""
        self._all[next(self._numbers)] = page
        if cell is not None and cell.id:
            self._by_cell.setdefault(cell.id, (cell.run, WeakSet()))[1].add(page)

    def pages(self) -> list[Any]:
        """Return the launched pages that still exist, oldest first."""
        held = [reference() for reference in self._all.valuerefs()]
        return [page for page in held if page is not None]


launches = Launches()  # one for the process, which is one kernel
