"""A stand-in for a front end: opens the iframes that cells display in a headless Chromium.

It is for the kernel, whose `IPYTHONDIR` has a start-up file that calls `open_frames()`.
"""

from __future__ import annotations

import atexit
import queue
import re
import threading
from html import unescape
from pathlib import Path
from typing import Any

from tests.tools import chromium

__all__ = ["install", "open_frames"]

STARTUP = "from tests.notebook.frontend import open_frames\n\nopen_frames()\n"


def install(ipython_folder: Path) -> None:
    """Make every kernel with this `IPYTHONDIR` open its iframes."""
    startup = ipython_folder / "profile_default" / "startup" / "frontend.py"
    startup.parent.mkdir(parents=True)
    startup.write_text(STARTUP, encoding="utf-8")


def open_frames() -> None:
    """Open the iframes in everything that this thread displays from now on."""
    from IPython import get_ipython

    urls: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    thread = threading.Thread(target=_open_all, args=(urls,), name="front end", daemon=True)

    def look(message: dict[str, Any]) -> dict[str, Any]:
        html = message["content"].get("data", {}).get("text/html", "")
        for url in re.findall(r'<iframe src="([^"]+)"', html):
            urls.put(unescape(url))
        return message

    def end() -> None:
        urls.put(None)
        thread.join()

    get_ipython().display_pub.register_hook(look)
    thread.start()
    atexit.register(end)


def _open_all(urls: queue.SimpleQueue[str | None]) -> None:
    with chromium() as browser:
        for url in iter(urls.get, None):
            browser.new_page().goto(url)
