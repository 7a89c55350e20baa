"""Mode "browser": a tab of the default browser."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from ..errors import JsPyError, LaunchError
from .environment import cleaned
from .window.requirements import display_problem

__all__ = ["BrowserTab"]

_ELSE = 'launch(mode="none") opens nothing and gives you page.url to open elsewhere'


def _open(url: str) -> None:
    """Open a URL in the default browser; the environment variable BROWSER can name another one.

    Raises:
        LaunchError: There is none, or it cannot be started. Success does not imply that the page opened.
    """
    import webbrowser

    try:
        with cleaned():
            opened = webbrowser.open(url)
    except (webbrowser.Error, OSError) as error:
        raise LaunchError(f"the browser could not be started ({error}). {_ELSE}") from error
    if not opened:
        problem = None if os.environ.get("BROWSER") else display_problem()  # BROWSER may name one for a terminal
        raise LaunchError(f"{problem or 'no browser was found on this machine'}. {_ELSE}")


class BrowserTab:
    """Browser tab, opened on a thread, because some browser commands return only when the user closes the browser.

    Args:
        url: The address to open, without a token: all accounts of the machine can read it in the process list.
        failed: Called once, on that thread, if the tab could not be opened.
    """

    takes_commands = False

    def __init__(self, url: str, failed: Callable[[], None]) -> None:
        self._url = url
        self._failed = failed
        self._failure: JsPyError = LaunchError("the page was closed before it connected")
        threading.Thread(target=self._run, name="jsmeets-browser", daemon=True).start()

    def close(self) -> None:
        """Do nothing: a program cannot close a tab of the user's browser."""

    def join(self) -> None:
        """Do nothing: the command may run as long as the browser is open."""

    def failure(self) -> JsPyError:
        """Return why the tab could not be opened."""
        return self._failure

    def _run(self) -> None:
        try:
            _open(self._url)
        except LaunchError as error:
            self._failure = error
            self._failed()
