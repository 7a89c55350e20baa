"""`jsmeets-local doctor`: report what works on this machine and what to install for the rest."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import sys
import urllib.request
import webbrowser
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import NamedTuple

import click

from ..app import JsMeetsPy
from ..bridge.bridge import Bridge
from ..errors import JsPyError
from ..launch.chromium import app_problem, find_chromium
from ..launch.window.requirements import window_problem

__all__ = ["doctor"]

COLORS = {"ok": "green", "missing": "yellow", "note": "cyan", "broken": "red"}


class Finding(NamedTuple):
    """The result of one check.

    Attributes:
        state: "ok", "missing" (optional, can be installed), "note", or "broken" (nothing works without it).
        what: The subject of the check.
        text: The result, and what to do about it.
    """

    state: str
    what: str
    text: str


@click.command(short_help="Report what works on this machine and what to install.")
def doctor() -> None:
    """Report what works on this machine and what to install for the rest.

    The exit code is 0 unless pages cannot be served at all; missing optional parts are not errors.
    """
    findings = [check() for check in CHECKS]
    for finding in findings:
        click.echo(f"{click.style(f'{finding.state:8}', fg=COLORS[finding.state])}{finding.what:12}{finding.text}")
    if any(finding.state == "broken" for finding in findings):
        raise SystemExit(1)


def _python() -> Finding:
    return Finding("ok", "Python", f"{platform.python_version()}, {platform.platform(terse=True)}, {sys.executable}")


def _library() -> Finding:
    names = ("jsmeets-local", "starlette", "uvicorn", "websockets", "msgspec", "jinja2")
    return Finding("ok", "packages", ", ".join(f"{name} {_version(name) or '(not installed)'}" for name in names))


def _server() -> Finding:
    """Serve a page and fetch it."""
    app = JsMeetsPy(bridge=Bridge())
    try:
        page = app.launch("<p>", mode="none")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(page.url, timeout=10) as response:
            response.read()
    except (OSError, JsPyError) as error:
        return Finding("broken", "server", f"cannot serve or fetch a page at 127.0.0.1: {error}")
    finally:
        app.stop()
    return Finding("ok", "server", "served and fetched a page at 127.0.0.1")


def _display() -> Finding:
    if sys.platform in ("win32", "darwin"):
        return Finding("ok", "display", "the desktop")
    names = [name for name in ("WAYLAND_DISPLAY", "DISPLAY") if os.environ.get(name)]
    if names:
        return Finding("ok", "display", ", ".join(f"{name}={os.environ[name]}" for name in names))
    return Finding("note", "display", 'none: only mode="none" works; xvfb-run (apt install xvfb xauth) provides one')


def _tab() -> Finding:
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        text = 'mode="browser": no browser found; install one, or set the environment variable BROWSER'
        return Finding("missing", "browser", text)
    return Finding("ok", "browser", f'mode="browser" opens {getattr(browser, "name", "") or type(browser).__name__}')


def _app_window() -> Finding:
    problem = app_problem()
    if problem is not None:
        return Finding("missing", "app", problem)
    return Finding("ok", "app", f'mode="app" opens {find_chromium()}')


def _window() -> Finding:
    problem = window_problem()
    if problem is not None:
        return Finding("missing", "window", problem)
    return Finding("ok", "window", f'mode="window" opens a window of pywebview {_version("pywebview")}')


def _notebook() -> Finding:
    if _version("ipython") is None:
        return Finding("missing", "notebook", "IPython: pip install ipython ipykernel")
    kernel = _version("ipykernel")
    if kernel is None:
        return Finding("missing", "notebook", f"IPython {_version('ipython')}, but no kernel: pip install ipykernel")
    return Finding("ok", "notebook", f"IPython {_version('ipython')}, ipykernel {kernel}")


def _packaging() -> Finding:
    if importlib.util.find_spec("PyInstaller") is None:
        return Finding("missing", "package", "PyInstaller: pip install pyinstaller")
    if sys.platform.startswith("linux") and shutil.which("objdump") is None:
        return Finding("missing", "package", "PyInstaller needs objdump: apt install binutils")
    return Finding("ok", "package", f"PyInstaller {_version('pyinstaller')}")


def _arrays() -> Finding:
    numpy = _version("numpy")
    if numpy is None:
        text = "arrays arrive as memoryview; for numpy arrays: pip install numpy"
        return Finding("note", "numpy", text)
    return Finding("ok", "numpy", numpy)


def _account() -> Finding:
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        text = "root: browsers don't run sandboxed as root; use a normal account for desktop programs"
        return Finding("note", "account", text)
    return Finding("ok", "account", "not root")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


CHECKS: tuple[Callable[[], Finding], ...] = (
    _python,
    _library,
    _server,
    _display,
    _tab,
    _app_window,
    _window,
    _notebook,
    _arrays,
    _packaging,
    _account,
)
