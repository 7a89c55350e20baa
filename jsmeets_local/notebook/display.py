"""Display of a page in an iframe under a notebook cell."""

from __future__ import annotations

import base64
import importlib.util
import numbers
import secrets
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
from .cells import Cell, current_cell, kernel_shell, writing
from .marimo import marimo_append, marimo_session

__all__ = [
    "SIZE",
    "Display",
    "Iframe",
    "Launches",
    "View",
    "check_side",
    "css_length",
    "launches",
    "require_kernel",
    "show",
]

SIZE: tuple[int | str, int | str] = ("100%", 400)  # width and height of an iframe
AUTO = "auto"  # the height follows the content
AUTO_BEGINS = 150  # pixels, until the page has told its height

# The iframe covers a text, which remains if the iframe is removed: by a notebook viewer that strips iframes and
# scripts, or by the error handler of a hidden image when the server does not answer. (Browsers report no load error of
# an iframe, but do for an image.) The image retries for a while first, because an editor that forwards the port of a
# remote kernel needs some time.
_HTML = Template("""\
<div style="width: $width; max-width: 100%; font-size: 12px; line-height: 1.6">
<div style="display: grid">
<div style="grid-area: 1 / 1; padding: 6px 0; opacity: .7">\
The kernel of this page was restarted or has ended. Run the cell again to restore it.</div>
<iframe src="$url" name="$name" title="$title" allow="loopback-network; local-network-access" style="$look" \
onload="$loaded"></iframe>
<img src="$probe" alt="" width="1" height="1" style="display: none" onload="$answered" onerror="$silent">
</div>
<a href="$url" target="_blank" rel="noopener" style="opacity: .7; text-decoration: none">$title &#8599;</a>
</div>""")

_PLAIN_HTML = Template("""\
<div style="width: $width; max-width: 100%; font-size: 12px; line-height: 1.6">
<iframe src="$url" title="$title" allow="loopback-network; local-network-access" style="$look"></iframe>
<a href="$url" target="_blank" rel="noopener" style="opacity: .7; text-decoration: none">$title &#8599;</a>
</div>""")

_LOOK = Template(
    "grid-area: 1 / 1; position: relative; box-sizing: border-box; width: 100%; height: $height; "
    "border: 1px solid rgba(128, 128, 128, .35); border-radius: 4px; background: #fff"
)

# A page tells its height when it changes, and on request: it may have told it before this handler runs.
_LOADED = (
    "const frame = this; if (frame.name.endsWith('-auto') && !frame.dataset.heard) { frame.dataset.heard = true; "
    "window.addEventListener('message', ({ source, data }) => { "
    "if (source === frame.contentWindow && data?.jsmeetsHeight >= 0) "
    "frame.style.height = Math.min(Math.max(data.jsmeetsHeight, 20), 10000) + 2 + 'px' }) } "
    "frame.contentWindow.postMessage('jsmeetsHeight?', '*')"
)

# The picture of the page is an output of its own, so that a new one does not reload the iframe. A style sheet hides it
# while the iframe is in the document: viewers that remove iframes remove style sheets, too.
_PICTURE = Template("""\
<style>body:has(iframe[name^="jsmeets-$id"]) .jsmeets-$id { display: none }</style>
<img class="jsmeets-$id" src="data:image/png;base64,$data" alt="$title" title="The page when it was last saved" \
width="$width" style="max-width: 100%; height: auto; border: 1px solid rgba(128, 128, 128, .35)">""")

_ENDED = Template(
    '<div style="padding: 6px 0; font-size: 12px; opacity: .7">$text Run the cell again to restore it.</div>'
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


class View(Protocol):
    """Output that shows a page in a notebook.

    Attributes:
        title: The address to display, without the token.
        snapshot: Whether to keep a picture of the page.
    """

    @property
    def title(self) -> str:
        """Return the attribute."""

    @property
    def snapshot(self) -> bool:
        """Return the attribute."""

    def sized(self, width: int | str | None, height: int | str | None) -> View:
        """Return a copy with another size; `None` keeps the width or height."""

    def bundle(self, plain: str, name: str = "") -> dict[str, Any]:
        """Return the output by its media types.

        Args:
            plain: The text.
            name: The name of the iframe; by default a random one.
        """

    def plain_html(self) -> str:
        """Return the output as HTML without scripts, for marimo."""


class Iframe(Struct, frozen=True):
    """Iframe that shows a page in a notebook.

    Attributes:
        addresses: Returns the URLs of the page and of an image on the same server.
        title: The address to display, without the token.
        width: Width in pixels, or as a CSS length (`"100%"`).
        height: Height in pixels, or as a CSS length; "auto" for that of the content.
        snapshot: Whether to keep a picture of the page.
    """

    addresses: Callable[[], tuple[str, str]]
    title: str
    width: int | str
    height: int | str
    snapshot: bool = True

    def sized(self, width: int | str | None, height: int | str | None) -> Iframe:
        """Return a copy for one display: its URLs stay the same.

        Args:
            width: Another width; `None` keeps it.
            height: Another height; `None` keeps it.

        Raises:
            TypeError: A size is neither a number of pixels nor a CSS length.
            ValueError: A size is less than 1.
        """
        given = {name: side for name, side in (("width", width), ("height", height)) if side is not None}
        for name, side in given.items():
            check_side(name, side)
        addresses = self.addresses()
        return replace(self, addresses=lambda: addresses, **given)

    def bundle(self, plain: str, name: str = "") -> dict[str, Any]:
        """Implement `View`."""
        return {"text/html": self.html(name), "text/plain": plain}

    def html(self, name: str = "") -> str:
        """Return the HTML: the iframe, a link to the page below it, and the text that it covers.

        Args:
            name: The name of the iframe; by default a random one.
        """
        url, probe = self.addresses()
        is_auto = self.height == AUTO
        height = AUTO_BEGINS if is_auto else self.height
        return _HTML.substitute(
            name=self.name(name),
            loaded=escape(_LOADED if is_auto else ""),
            url=escape(url),
            title=escape(self.title),
            width=escape(css_length(self.width)),
            look=escape(_LOOK.substitute(height=css_length(height))),
            probe=escape(probe),
            answered=escape(_ANSWERED),
            silent=escape(_SILENT),
        )

    def name(self, name: str = "") -> str:
        """Return the name of the iframe: the page finds in it that its height follows the content.

        Args:
            name: The part that the picture of the page knows; by default a random one.
        """
        return f"jsmeets-{name or secrets.token_hex(4)}{'-auto' if self.height == AUTO else ''}"

    def plain_html(self) -> str:
        """Return the HTML without scripts, for front ends that allow none: the iframe, and a link to the page."""
        url, _ = self.addresses()
        return _PLAIN_HTML.substitute(
            url=escape(url),
            title=escape(self.title),
            width=escape(css_length(self.width)),
            look=escape(_LOOK.substitute(height=css_length(self.height))),
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


def css_length(size: int | str) -> str:
    """Return a width or height as a CSS length."""
    return size if isinstance(size, str) else f"{size}px"


def require_kernel() -> Any:
    """Return the IPython shell of this kernel.

    Raises:
        MissingExtra: IPython is not installed.
        LaunchError: This process is not a kernel.
    """
    if "IPython" not in sys.modules and importlib.util.find_spec("IPython") is None:
        raise MissingExtra('mode="notebook" needs IPython: pip install ipython')
    shell = kernel_shell()
    if shell is None:
        raise LaunchError('mode="notebook" requires a Jupyter kernel; in other programs, use mode="browser"')
    return shell


class Display:
    """Output of a page under a cell, with its picture. Any thread may call the methods.

    Args:
        shell: The IPython shell.
        view: Shows the page.
        plain: The text in a front end that cannot show it.
    """

    def __init__(self, shell: Any, view: View, plain: str) -> None:
        self.keeps_picture = view.snapshot
        self._publish = shell.display_pub.publish
        self._cell = current_cell()
        self._title = view.title
        self._id = secrets.token_hex(4)
        self._picture = b""
        self._has_ended = False
        self._publish(view.bundle(plain, self._id), transient=self._transient("frame"))
        if view.snapshot:
            self._publish({"text/plain": ""}, transient=self._transient("picture"))

    def _transient(self, part: str) -> dict[str, str]:
        return {"display_id": f"jsmeets-{self._id}-{part}"}

    def replace(self, view: View, plain: str) -> None:
        """Show the page in another way, in the same place."""
        self.keeps_picture = view.snapshot
        with writing(self._cell):
            self._publish(view.bundle(plain, self._id), transient=self._transient("frame"), update=True)

    def replaces(self, other: Display) -> bool:
        """Return whether a new run of a cell has removed the output of the other display from it."""
        own, earlier = self._cell, other._cell
        return own is not None and earlier is not None and own.id == earlier.id != "" and own.run != earlier.run

    def keep(self, picture: dict[str, Any]) -> None:
        """Put the picture that the page has drawn into the notebook, unless it is there already."""
        data = bytes(picture["data"])
        if data == self._picture or self._has_ended:
            return
        self._picture = data
        html = _PICTURE.substitute(
            id=self._id,
            data=base64.b64encode(data).decode(),
            title=escape(self._title),
            width=int(picture["width"]),
        )
        self._update("picture", html, self._title)

    def end(self, text: str) -> None:
        """Replace the page by a text; the picture remains."""
        if not self._has_ended:
            self._has_ended = True
            self._update("frame", _ENDED.substitute(text=escape(text)), text)

    def _update(self, part: str, html: str, plain: str) -> None:
        with writing(self._cell):
            self._publish({"text/html": html, "text/plain": plain}, transient=self._transient(part), update=True)


def show(view: View, plain: str) -> Display | None:
    """Show a page under the running cell, or the text `plain` in a front end that cannot.

    Returns:
        The display; `None` in marimo, whose displays do not change.

    Raises:
        MissingExtra: IPython is not installed.
        LaunchError: See `require_kernel`.
    """
    if marimo_session():
        marimo_append(view.plain_html())
        return None
    return Display(require_kernel(), view, plain)


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
