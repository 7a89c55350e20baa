"""A tab of the default browser."""

from __future__ import annotations

import webbrowser

from ..errors import LaunchError
from .environment import cleaned

__all__ = ["open_browser"]


def open_browser(url: str) -> None:
    """Opens a URL in the default browser (the environment variable BROWSER can name another).

    Raises:
        LaunchError: There is none. That the page really opened shows when it connects.
    """
    try:
        with cleaned():
            opened = webbrowser.open(url)
    except webbrowser.Error as error:
        raise LaunchError(f"the browser could not be started ({error}); open this yourself: {url}") from error
    if not opened:
        raise LaunchError(
            'no browser was found on this machine; launch(mode="none") opens nothing and gives you '
            f"page.url to open elsewhere. This page would have been {url}"
        )
