"""Child process of `run --reload`: one run of a program, which takes over the pages of the previous run.

It reads its plan from stdin, and exits as with Ctrl-C when stdin closes. Pages keep their address, token and keys. A
document that reconnects reloads itself (`reload` in docs/reference/protocol.md).
"""

from __future__ import annotations

import _thread
import itertools
import os
import signal
import sys
import threading
from pathlib import Path

import click
import watchfiles
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..app import JsMeetsPy
from ..errors import LaunchError, MissingExtra
from ..launch.launcher import to_open
from ..launch.options import check_options
from ..page import Page
from .loading import Broken, load, user_traceback
from .plan import Plan, call_main, whereabouts
from .reload import End, watched
from .types import write_types

__all__: list[str] = []

RETURN_SECONDS = 10.0  # a page retries at least every 5 s
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
    """Middleware that makes browsers revalidate every file, because it may have changed."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI request."""

        async def send_uncached(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["cache-control"] = "no-cache"
            await send(message)

        await self._app(scope, receive, send_uncached if scope["type"] == "http" else send)


class SourceFilter(watchfiles.DefaultFilter):
    """Filter that accepts Python files and page files by suffix, and all files in the given folders."""

    def __init__(self, folders: list[Path]) -> None:
        super().__init__()
        self._folders = tuple(f"{folder}{os.sep}" for folder in folders)

    def __call__(self, change: watchfiles.Change, path: str) -> bool:
        """Return whether to report a change."""
        counts = path.lower().endswith((".py", *PAGE_FILES)) or path.startswith(self._folders)
        return counts and super().__call__(change, path)


def main() -> int:
    """Run the program and return an `End` as exit code."""
    plan = Plan.from_json(sys.stdin.readline())
    threading.Thread(target=_end_with_stdin, name="jsmeets-lifeline", daemon=True).start()
    sys.dont_write_bytecode = True  # bytecode would hide a second change of a file within one second
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
    except Exception as error:  # noqa: BLE001 - the next change may fix the program
        click.echo(user_traceback(error), err=True)
    else:
        return End.CLOSED
    return End.RAISED if opened else End.BROKEN


def _end_with_stdin() -> None:
    os.read(0, 1)  # returns when the parent closes the pipe; sys.stdin.read() would hold a lock that delays the exit
    if sys.platform == "win32":
        _thread.interrupt_main()
    else:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


def _serve(plan: Plan, opened: list[Page]) -> None:
    program = load(plan.target)
    app = program.app
    if plan.types:
        write_types(app, plan.types)
    _continue(app, plan)
    folder = plan.target.folder
    pages = [other for other in map(Path, app._documents.folders()) if not folder.is_relative_to(other)]
    try:
        with watched([folder, *pages], SourceFilter(pages), lambda paths: _reload_pages(app, paths, plan)):
            page = _open(app, plan.page or program.page, plan)
            opened.append(page)
            call_main(program, page)
            app.wait()
    finally:
        app.stop()


def _continue(app: JsMeetsPy, plan: Plan) -> None:
    app._launcher.restore(plan.token, (f"{plan.name}{number:04}" for number in itertools.count(1)))
    if not plan.dev_url:  # a development server follows the files of the page itself
        app.bridge.portal.call(app.bridge.protocol.settings.update, {"reload": True})
        app.add_middleware(Uncached)


def _reload_pages(app: JsMeetsPy, paths: set[Path], plan: Plan) -> None:
    """Disconnect all pages; each reloads itself when it has reconnected."""
    if plan.dev_url or any(path.suffix == ".py" for path in paths):
        return  # the development server updates the pages; or Python restarts, and they would reload without it
    click.echo(f"{', '.join(sorted(path.name for path in paths))} changed: reloading the pages", err=True)
    app.bridge.portal.post(app.bridge.close_all, "a file of the page has changed")


def _open(app: JsMeetsPy, path: str, plan: Plan) -> Page:
    """Return the page of the previous run if it reconnects, else a new one."""
    if plan.mode not in ("auto", "browser") or not plan.returns:
        page = app.launch(path, plan.mode, **plan.options)
        click.echo(to_open(page) if plan.mode == "none" else whereabouts(page), err=True)
        return page
    page = app.launch(path, "none", **plan.options)
    if not page.wait_connected(RETURN_SECONDS):
        app._launcher.connect(page, check_options("browser", timeout=OPEN_SECONDS))
    return page


if __name__ == "__main__":
    sys.exit(main())
