"""The child of `run --reload`: one run of a program, which takes over the pages of the one before.

It reads its plan from its standard input, and ends as by Ctrl-C when that is closed. The pages keep their address,
token and names; a document that comes back loads itself anew (`reload` in docs/reference/protocol.md).
"""

from __future__ import annotations

import _thread
import functools
import itertools
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import click
import watchfiles
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..app import JsMeetsPy
from ..errors import LaunchError, MissingExtra
from ..launch import too_late
from ..launch.browser import BrowserTab
from ..page import Page
from .loading import Broken, load, user_traceback
from .plan import Plan, call_main, whereabouts
from .reload import End, watched

__all__: list[str] = []

RETURN_SECONDS = 10.0  # a page tries to come back every 5 s at least
OPEN_SECONDS = 30.0
PAGE_FILES = (
    ".html",
    ".htm",
    ".jinja",
    ".jinja2",
    ".j2",
    ".css",
    ".js",
    ".mjs",
    ".wasm",
    ".svg",
    ".png",
    ".jpg",
    ".webp",
)


class Uncached:
    """Middleware: the browser asks anew for each file, which may have changed a moment ago."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""

        async def send_uncached(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["cache-control"] = "no-cache"
            await send(message)

        await self._app(scope, receive, send_uncached if scope["type"] == "http" else send)


class SourceFilter(watchfiles.DefaultFilter):
    """Python files, and those of which pages consist: by their suffix, and all in the folders that hold such only."""

    def __init__(self, folders: list[Path]) -> None:
        super().__init__()
        self._folders = tuple(f"{folder}{os.sep}" for folder in folders)

    def __call__(self, change: watchfiles.Change, path: str) -> bool:
        """Whether a change counts."""
        counts = path.lower().endswith((".py", *PAGE_FILES)) or path.startswith(self._folders)
        return counts and super().__call__(change, path)


def main() -> int:
    """Runs the program; the exit code is an `End`."""
    plan = Plan.from_json(sys.stdin.readline())
    threading.Thread(target=_end_with_stdin, name="jsmeets-lifeline", daemon=True).start()
    sys.dont_write_bytecode = True  # it would hide a second change of a file within one second
    opened: list[Page] = []
    try:
        _serve(plan, opened)
    except KeyboardInterrupt:
        return End.CLOSED
    except (LaunchError, MissingExtra) as error:
        click.echo(f"Error: {error}", err=True)
        return End.FAILED
    except Broken as error:
        click.echo(str(error), err=True)
    except Exception as error:  # noqa: BLE001 - whatever the program raises, the next change may mend it
        click.echo(user_traceback(error), err=True)
    else:
        return End.CLOSED
    return End.RAISED if opened else End.BROKEN


def _end_with_stdin() -> None:
    os.read(0, 1)  # returns when the other end is closed; not by sys.stdin, whose lock would hold up the exit
    if sys.platform == "win32":
        _thread.interrupt_main()
    else:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


def _serve(plan: Plan, opened: list[Page]) -> None:
    program = load(plan.target)
    app = program.app
    _take_over(app, plan)
    folder = plan.target.folder
    pages = [other for other in map(Path, app._documents.folders()) if not folder.is_relative_to(other)]
    try:
        with watched([folder, *pages], SourceFilter(pages), lambda paths: _show_anew(app, paths)):
            page = _open(app, plan.page or program.page, plan)
            opened.append(page)
            call_main(program, page)
            app.wait()
    finally:
        app.stop()


def _take_over(app: JsMeetsPy, plan: Plan) -> None:
    app._access.token = app._access.token or plan.token
    names = (f"{plan.name}{number:04}" for number in itertools.count(1))
    app._new_key = names.__next__
    app.bridge.portal.call(app.bridge.protocol.settings.update, {"reload": True})
    app.add_middleware(Uncached)


def _show_anew(app: JsMeetsPy, paths: set[Path]) -> None:
    """Each page loses its connection, and loads itself anew when it has got another one."""
    if any(path.suffix == ".py" for path in paths):
        return  # Python starts again, and would be gone while the pages load
    click.echo(f"{', '.join(sorted(path.name for path in paths))} changed: the pages load it", err=True)
    app.bridge.portal.post(app.bridge.close_all, "a file of the page has changed")


def _open(app: JsMeetsPy, path: str, plan: Plan) -> Page:
    """The page of the run before where it comes back, else a new one."""
    address: dict[str, Any] = {"host": plan.host, "port": plan.port}
    if plan.mode not in ("auto", "browser") or not plan.returns:
        page = app.launch(path, plan.mode, **address)
        click.echo(whereabouts(page, plan.mode), err=True)
        return page
    page = app.launch(path, "none", **address)
    if not page.wait_connected(RETURN_SECONDS):
        tab = BrowserTab(page._urls.fresh(), functools.partial(app.bridge.portal.post_or_run, page._client.give_up))
        if not page.wait_connected(OPEN_SECONDS):
            if page.is_closed():
                raise tab.failure()
            raise LaunchError(too_late(page._urls.address, "browser", OPEN_SECONDS))
    return page


if __name__ == "__main__":
    sys.exit(main())
