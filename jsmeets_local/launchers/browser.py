"""A tab of the default browser."""

from __future__ import annotations

from ..errors import LaunchError
from .environment import cleaned

__all__ = ["open_browser"]

_ELSE = 'launch(mode="none") opens nothing and gives you page.url to open elsewhere'


def open_browser(url: str) -> None:
    """Opens a URL in the default browser (the environment variable BROWSER can name another).

    It stands in the list of processes for a while, which all accounts of the machine can read: no token may be in it.

    Raises:
        LaunchError: There is none. That the page really opened shows when it connects.
    """
    import webbrowser

    try:
        with cleaned():
            opened = webbrowser.open(url)
    except webbrowser.Error as error:
        raise LaunchError(f"the browser could not be started ({error}). {_ELSE}") from error
    if not opened:
        raise LaunchError(f"no browser was found on this machine. {_ELSE}")
