"""Requirements of windows, checked before a toolkit is loaded, because a toolkit may abort the process.

Each `..._problem()` function returns a text that says what to install or to set, or `None`.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import socket
import sys
from collections.abc import Callable

__all__ = ["advice", "display_problem", "has_pywebview", "is_root", "toolkit", "window_problem"]

# The package, not the extra of jsmeets-local, which may have been installed from a folder or a repository.
INSTALL = "pip install 'pywebview[qt6]'" if sys.platform.startswith("linux") else "pip install pywebview"
LIBRARIES = "sudo apt install libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxkbcommon-x11-0 libnss3 libasound2"
SANDBOX = (
    "Qt's browser does not run sandboxed as root: run this program as another user, or set the environment "
    "variable QTWEBENGINE_DISABLE_SANDBOX=1 if you trust every page it shows"
)
ANSWER_SECONDS = 2.0  # for a display to answer

_WITHOUT_DISPLAY = ("offscreen", "minimal", "minimalegl", "vnc", "eglfs", "linuxfb", "vkkhrdisplay")  # Qt's
_QT_BINDINGS = ("PyQt6", "PySide6", "PyQt5", "PySide2")


def window_problem() -> str | None:
    """Return why no window can be opened on this machine, or `None`."""
    if not has_pywebview():
        return f"a window needs pywebview: {INSTALL}"
    return _linux_problem() if sys.platform.startswith("linux") else None


def has_pywebview() -> bool:
    """Return whether pywebview is installed."""
    return _is_there("webview")


def _linux_problem() -> str | None:
    chosen = toolkit()
    if chosen is None:
        return (
            f"pywebview is installed, but no toolkit for it: {INSTALL} installs Qt; or use Debian's GTK "
            "(sudo apt install python3-gi gir1.2-webkit2-4.1) in an environment created with --system-site-packages"
        )
    if not (chosen == "qt" and os.environ.get("QT_QPA_PLATFORM", "").partition(":")[0] in _WITHOUT_DISPLAY):
        problem = display_problem()
        if problem is not None:
            return problem
    return SANDBOX if chosen == "qt" and is_root() and not _sandbox_is_off() else None


def is_root() -> bool:
    """Return whether the program runs as root on Linux, where the sandbox of a browser does not work."""
    return sys.platform.startswith("linux") and os.geteuid() == 0


def _sandbox_is_off() -> bool:
    flags = os.environ.get("QTWEBENGINE_CHROMIUM_FLAGS", "").split()
    return os.environ.get("QTWEBENGINE_DISABLE_SANDBOX") == "1" or "--no-sandbox" in flags


# Toolkits ------------------------------------------------------------------------------------------------------------


def toolkit() -> str | None:
    """Return the toolkit that pywebview would choose; `None` if none is installed, or outside Linux."""
    if not sys.platform.startswith("linux"):
        return None
    wanted = os.environ.get("PYWEBVIEW_GUI", "").lower()
    if wanted not in ("qt", "gtk"):
        wanted = "qt" if "KDE_FULL_SESSION" in os.environ else "gtk"
    order = sorted(_TOOLKITS, key=lambda name: name != wanted)
    return next((name for name in order if _TOOLKITS[name]()), None)


def _has_gtk() -> bool:
    if not _is_there("gi"):
        return False
    try:
        import gi

        versions = gi.Repository.get_default().enumerate_versions("WebKit2")
    except (ImportError, AttributeError):  # built for another Python version, or incomplete
        return False
    return "4.1" in versions or "4.0" in versions


def _has_qt() -> bool:
    return _is_there("qtpy") and any(_is_there(f"{binding}.QtWebEngineWidgets") for binding in _QT_BINDINGS)


_TOOLKITS: dict[str, Callable[[], bool]] = {"gtk": _has_gtk, "qt": _has_qt}


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):  # its package is missing or broken
        return False


# Displays ------------------------------------------------------------------------------------------------------------


def display_problem() -> str | None:
    """Return why no window can be shown on this display, or `None`; Linux only."""
    if not sys.platform.startswith("linux"):
        return None
    display, wayland = os.environ.get("DISPLAY", ""), os.environ.get("WAYLAND_DISPLAY", "")
    if not display and not wayland:
        return (
            "no display found: neither DISPLAY nor WAYLAND_DISPLAY is set. Run this on a desktop; over ssh with -X; "
            "or on a virtual screen: xvfb-run -a python ..."
        )
    if (wayland and _wayland_answers(wayland)) or (display and _x_answers(display)):
        return None
    name = f"DISPLAY={display}" if display else f"WAYLAND_DISPLAY={wayland}"
    return f"the display is not responding ({name}): check that it is running and that this account may use it"


def _wayland_answers(name: str) -> bool:
    folder = os.environ.get("XDG_RUNTIME_DIR", f"/run/user/{os.getuid()}")
    return _connects(socket.AF_UNIX, os.path.join(folder, name))  # join() keeps an absolute name


def _x_answers(display: str) -> bool:
    found = re.fullmatch(r"(?:unix)?(?:(.*)/)?([^/]*):(\d+)(?:\.\d+)?", display)
    if found is None:
        return os.path.exists(display)  # the path of a socket
    host, number = found[2].removeprefix("unix"), int(found[3])
    path = f"/tmp/.X11-unix/X{number}"
    local = [(socket.AF_UNIX, "\0" + path), (socket.AF_UNIX, path)] if not host else []
    tcp = (host or "127.0.0.1", 6000 + number)
    return any(_connects(family, address) for family, address in local) or _connects(socket.AF_INET, tcp)


def _connects(family: int, address: str | tuple[str, int]) -> bool:
    with contextlib.suppress(OSError):
        if isinstance(address, tuple):
            socket.create_connection(address, ANSWER_SECONDS).close()
            return True
        with socket.socket(family) as client:
            client.settimeout(ANSWER_SECONDS)
            client.connect(address)
            return True
    return False


# After a failure ----------------------------------------------------------------------------------------------------


def advice(output: str) -> str:
    """Return advice on the output of a window process that failed."""
    if "xcb" in output or "cannot open shared object file" in output:
        return f"Some desktop libraries are missing. On Debian and Ubuntu: {LIBRARIES}"
    if "sandbox" in output:
        return SANDBOX
    return 'mode="auto-window" opens a browser if no window can open.'
