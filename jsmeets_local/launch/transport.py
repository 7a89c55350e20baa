"""Transport of a page in a notebook: the WebSocket to its port, or a comm where the front end cannot reach the port."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp

from ..notebook.cells import current_cell
from ..notebook.display import Iframe
from ..page import Page
from .modes import INSTALL_ANYWIDGET, has_anywidget
from .options import LaunchOptions

if TYPE_CHECKING:
    from ..server.thread import ServerThread

__all__ = ["UNREACHED", "show_in_notebook"]

REACH_SECONDS = 1.0  # for a front end to request the iframe, which takes 0.1 s
ANSWER_SECONDS = 3.0  # for a front end to open a comm, which takes 0.1 s
UNREACHED = (
    f"Where the browser cannot reach a port, the notebook's own channel can carry the page: {INSTALL_ANYWIDGET}. "
)

logger = logging.getLogger("jsmeets_local")


def show_in_notebook(page: Page, options: LaunchOptions, app: ASGIApp, server: ServerThread) -> bool:
    """Show a page under the running cell, and wait until it is known by which transport it connects.

    Args:
        page: The page.
        options: The options of its launch.
        app: The application.
        server: The server of the application.

    Returns:
        False if the page can connect only when the cell has ended.
    """
    iframe = page._view
    assert isinstance(iframe, Iframe)
    if options.transport != "comm":
        page.show()
        if (
            page._display is None
            or options.transport == "socket"
            or _connects(page, REACH_SECONDS, options)
            or server.was_reached()
        ):
            return True
        if not has_anywidget():
            return True
    from .comm.carrier import Carrier  # most notebooks need none
    from .comm.view import CommView

    def offer() -> dict[str, Any]:
        url, probe = iframe.addresses()
        is_open = options.transport == "auto" and not page.is_closed()
        return {"place": page._urls.carried(), "url": url, "probe": probe if is_open else ""}

    carrier = Carrier(page._client, app, server.state, offer)
    page._view = view = CommView(carrier, iframe)
    if page._display is None:
        page.show()
    else:
        page._display.replace(view, repr(page))
    if _connects(page, ANSWER_SECONDS, options) or carrier.answers:
        return True
    cell = current_cell()
    if cell is None or not cell.id:  # nbclient, papermill and consoles do not name their cells
        return True
    carrier.is_left = True
    logger.warning(
        "no front end has answered while this cell runs, so that %s connects when it has ended: "
        "call it in the next cells by `await page.aio...`",
        page._client.address,
    )
    return False


def _connects(page: Page, limit: float, options: LaunchOptions) -> bool:
    """Wait until a page has connected; return `False` if it has not in time."""
    left = limit if options.timeout is None else min(limit, options.timeout)
    operation = page._client.presence.wait_until_connected(left)
    return page._client.bridge.portal.block(operation, None)
