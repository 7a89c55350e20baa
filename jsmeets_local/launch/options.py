"""Options of `launch()`, checked once before anything is started."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Literal, Unpack

from msgspec import Struct
from msgspec.structs import replace

from ..bridge.presence import GRACE, check_grace
from ..notebook.display import SIZE, check_side
from ..notebook.front_ends import front_end
from ..protocol.arguments import check_flag, seconds
from ..server.switch_interval import check_switch_interval
from .headless import is_headless
from .modes import choose_modes, choose_transport
from .proxy import base_url_of_notebook, check_base_url, is_shown_by_localhost

if TYPE_CHECKING:
    from .window.options import WindowOptions

__all__ = ["LaunchOptions", "check_options"]


class LaunchOptions(Struct, frozen=True):
    """Checked options of one launch.

    Attributes:
        mode: The mode, as the user gave it; in the result of `for_mode`, the mode that shows the page.
        modes: The modes to try, best first.
        host: The address to bind.
        port: The port to bind; 0 for a free one.
        timeout: Seconds to wait for the page; `None` for no limit.
        start_timeout: Seconds to wait for the start-up of the application; `None` for no limit.
        size: Width and height of the window or the iframe, as the user gave them; in the result of `for_mode`, those of
            the iframe that `page.show()` creates.
        grace: Seconds for which the page may be disconnected; `None` if only Python or its window closes it.
        base_url: The address of the application behind a proxy, or `None`.
        private: Whether HTTP answers only browsers that opened a one-time URL.
        spa: Whether the page answers addresses that nothing else serves.
        switch_interval: Thread switch interval in seconds, or `None`.
        dev_url: The URL of a development server that serves the pages, or `None`.
        window: Options of windows, JSON-serializable; in the result of `for_mode`, all parameters of the window.
        headless: Whether a headless browser opens the page.
        snapshot: Whether a notebook keeps a picture of the page.
        transport: How the messages of a page in a notebook travel: "auto", "socket" or "comm".
        storage: The folder for what pages and windows keep, or `None`.
        by_localhost: Whether the page is addressed as "localhost", like the notebook that embeds it.
    """

    mode: str
    modes: list[str]
    host: str
    port: int
    timeout: float | None
    start_timeout: float | None
    size: tuple[Any, Any]
    grace: float | None
    base_url: str | None
    private: bool
    spa: bool
    switch_interval: float | None
    dev_url: str | None
    window: dict[str, Any]
    headless: bool = False
    snapshot: bool = True
    transport: str = "auto"
    storage: str | None = None
    by_localhost: bool = False

    def for_mode(self, mode: str) -> LaunchOptions:
        """Return the options that apply if `mode` shows the page.

        Raises:
            LaunchError: The notebook needs a proxy that is not installed.
            TypeError: The size of a window is not in pixels.
            ValueError: A size is less than 1.
        """
        # A page in a window closes with it. On macOS a browser keeps running after its last window has closed.
        closes_by_absence = mode in ("browser", "none") or (mode == "app" and sys.platform == "darwin")
        closes_by_absence = closes_by_absence and not self.headless
        width, height = self.size
        changes: dict[str, Any] = {
            "mode": mode,
            "grace": self.grace if closes_by_absence else None,
            "size": (SIZE[0] if width is None else width, SIZE[1] if height is None else height),
        }
        if mode in ("window", "app"):
            from .window.options import window_parameters  # imported on first use

            changes["window"] = window_parameters(width, height, {**self.window, "storage": self.storage})
        elif self.headless:
            changes["base_url"] = self.dev_url  # the browser runs on this machine
        elif mode == "notebook":
            changes["by_localhost"] = is_shown_by_localhost()
            changes["base_url"] = base_url_of_notebook() if self.base_url is None else self.base_url
        return replace(self, **changes)


def check_options(
    mode: str,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    timeout: float | tuple[float | None, float | None] | None = (None, 30.0),
    width: int | str | None = None,
    height: int | str | None = None,
    grace: float | None = GRACE,
    base_url: str | None = None,
    private: bool = False,
    spa: bool = False,
    headless: bool | Literal["auto"] = "auto",
    switch_interval: float | None = None,
    dev_url: str | None = None,
    snapshot: bool = True,
    transport: str = "auto",
    storage: bool | str | os.PathLike[str] | None = None,
    **window: Unpack[WindowOptions],
) -> LaunchOptions:
    """Check the arguments of `JsMeetsPy.launch`, which documents them.

    Raises:
        LaunchError: The mode cannot work on this machine.
        MissingExtra: The mode needs a package that is not installed.
        TypeError: An option does not exist, or is of a wrong type.
        ValueError: There is no such mode, or a value is out of range.
        FileNotFoundError: The icon does not exist.
        NotADirectoryError: The storage is a file.
    """
    modes = choose_modes(mode)
    checked: dict[str, Any] = {}
    if window:
        from .window.options import check_window_options  # imported on first use

        checked = check_window_options(window)
    check_flag("private", private)
    check_flag("spa", spa)
    check_flag("snapshot", snapshot)
    for name, side in (("width", width), ("height", height)):
        if side is not None:
            check_side(name, side)
    folder: str | None = None
    if storage is not None and storage is not False:
        from .storage import storage_folder  # imported on first use

        folder = storage_folder(storage)
    unseen = is_headless(headless, modes[0])
    if headless is True and modes == ["notebook"] and front_end().shows_frames:
        modes = ["browser"]  # an iframe would be a second client
    transport = choose_transport(transport, modes[0])
    if dev_url is not None:
        if base_url is not None:
            raise ValueError("dev_url and base_url both give the address of the pages; pass one of them")
        check_base_url(dev_url, whole=True, name="dev_url")
        base_url = dev_url
    elif base_url is not None:
        check_base_url(base_url, whole=modes[0] not in ("notebook", "none"))
    interval = None if switch_interval is None else check_switch_interval(switch_interval)
    start_timeout, page_timeout = map(seconds, _pair(timeout))
    return LaunchOptions(
        mode,
        modes,
        host,
        port,
        page_timeout,
        start_timeout,
        (width, height),
        check_grace(grace),
        base_url,
        private,
        spa,
        interval,
        dev_url,
        checked,
        unseen,
        snapshot,
        transport,
        folder,
    )


def _pair(timeout: Any) -> tuple[Any, Any]:
    if not isinstance(timeout, tuple):
        return timeout, timeout
    if len(timeout) != 2:
        raise TypeError(f"timeout must be a number, or two: for the start-up, and for the page; got {timeout!r:.60}")
    return timeout
