"""View of a page that a comm carries: a widget whose JavaScript module shows the page."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ...notebook.display import Iframe, css_length
from .carrier import Carrier

__all__ = ["CommView"]

_ASSETS = Path(__file__).parents[2] / "assets"
_VIEW = "application/vnd.jupyter.widget-view+json"


class CommView(Struct, frozen=True):
    """Output that shows a carried page in a notebook.

    Attributes:
        carrier: The carrier of the page.
        iframe: The iframe that would show it at its port, for its size.
    """

    carrier: Carrier
    iframe: Iframe

    @property
    def snapshot(self) -> bool:
        """Return whether to keep a picture of the page."""
        return self.iframe.snapshot

    @property
    def title(self) -> str:
        """Return the title of the iframe."""
        return self.iframe.title

    def plain_html(self) -> str:
        """Return the HTML of the iframe."""
        return self.iframe.plain_html()

    def sized(self, width: int | str | None, height: int | str | None) -> CommView:
        """Return a copy with another size; see `Iframe.sized`."""
        return replace(self, iframe=self.iframe.sized(width, height))

    def bundle(self, plain: str, name: str = "") -> dict[str, Any]:
        """Return the output: a new widget, and the text `plain`.

        The state of the widget is saved with the notebook, so that it carries neither the token nor an address.
        """
        size = [css_length(side) for side in (self.iframe.width, self.iframe.height)]
        widget = _widget_class()(page=self.carrier.name, name=self.iframe.name(name), size=size)
        self.carrier.serve(widget)
        return {_VIEW: {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}, "text/plain": plain}


@functools.cache
def _widget_class() -> Any:
    """Return the class of the widgets. anywidget imports ipywidgets, which takes a tenth of a second."""
    import anywidget
    import traitlets

    return type(
        "JsMeetsPage",
        (anywidget.AnyWidget,),
        {
            "_esm": (_ASSETS / "jsmeets-notebook.mjs").read_text(encoding="utf-8"),
            "page": traitlets.Unicode().tag(sync=True),
            "name": traitlets.Unicode().tag(sync=True),
            "size": traitlets.List(traitlets.Unicode()).tag(sync=True),
        },
    )
