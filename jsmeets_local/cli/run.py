"""`jsmeets-local run`: show a page, or run a program with its page."""

from __future__ import annotations

import re
import signal
import socket
from contextlib import ExitStack
from typing import Any

import click

from ..errors import JsPyError
from ..launch.storage import bind_kept_port, storage_folder
from ..page import Page
from ..server.thread import bind
from .dev_server import dev_server
from .loading import Broken, Target, find_target, load, user_traceback
from .plan import Plan, call_main, whereabouts
from .reload import supervise
from .types import write_types

__all__ = ["run"]


class Traceback(click.ClickException):
    """Exception whose message is printed without the prefix "Error:"."""

    def show(self, file: Any = None) -> None:
        """Print the message unchanged."""
        click.echo(self.message, err=True)


def _size(context: click.Context, parameter: click.Parameter, text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    match = re.fullmatch(r"([1-9]\d{0,4})[xX]([1-9]\d{0,4})", text)
    if match is None:
        raise click.BadParameter(f"{text!r} is no size in pixels, such as 800x600")
    return int(match[1]), int(match[2])


def _name(context: click.Context, parameter: click.Parameter, text: str) -> str:
    if text:
        try:
            storage_folder(text)
        except (ValueError, OSError) as error:
            raise click.BadParameter(str(error)) from error
    return text


@click.command(short_help="Show a page, or run a program with its page.")
@click.argument("target", callback=find_target)
@click.option("--window", "mode", flag_value="window", help="Show it in a window of its own (pip extra: window).")
@click.option("--app", "mode", flag_value="app", help="Show it in a Chromium-family browser without toolbars.")
@click.option(
    "--browser", "mode", flag_value="browser", help="Show it in a tab of the default browser; this is the default."
)
@click.option("--none", "mode", flag_value="none", help="Open nothing and print the address to open.")
@click.option("--title", metavar="TEXT", help="The title of the window; by default that of the page.")
@click.option("--size", metavar="WIDTHxHEIGHT", callback=_size, help="The size of the window in pixels: 800x600.")
@click.option(
    "--storage", default="", metavar="NAME", callback=_name, help="Keep the port, and what pages store in windows."
)
@click.option("--devtools", is_flag=True, help="Let F12 and the context menu open the developer tools of a window.")
@click.option("--page", metavar="PAGE", help="Open this route or page instead of /.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to bind.")
@click.option("--port", default=0, type=click.IntRange(0, 65535), help="The port to bind; a free one by default.")
@click.option("--dev", metavar="COMMAND", help="Run a development server, such as 'npm run dev', and open its page.")
@click.option(
    "--types", default="", metavar="FILE", help="Write TypeScript of what Python exposes, also after each restart."
)
@click.option("--reload", is_flag=True, help="Follow changes: restart Python and reload the pages.")
def run(
    target: Target,
    mode: str | None,
    title: str | None,
    size: tuple[int, int] | None,
    storage: str,
    devtools: bool,
    page: str | None,
    host: str,
    port: int,
    dev: str | None,
    types: str,
    reload: bool,
) -> None:
    """Show a page, or run a program with its page, until the page is closed or Ctrl-C is pressed.

    TARGET is a page (page.html, or a folder with an index.html), a Python file with an application at its top level
    (app = JsMeetsPy()), or MODULE:APP. A function main(page) in the program is called with the page.

    \b
        jsmeets-local run page.html
        jsmeets-local run app.py --reload
        jsmeets-local run mypackage.gui:app --window

    With --dev the page is that of a front end with a build tool, such as Vite: its server is started in the folder of
    TARGET, opened once it has printed its URL, and ended with the program. The package jsmeets-local from npm has the
    plugin that forwards the connection to Python.

    With --reload a change of a Python file restarts the program, and its page reloads. The page also reloads when a
    template, a style sheet or another of its files changes.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends cleanly, as Ctrl-C does
    plan = Plan(target, mode or "auto", page, host, port, title=title, size=size, types=types)
    plan = plan._replace(storage=storage, devtools=devtools)
    try:
        if not reload and dev is None:
            _play(plan)
            return
        with _bind(plan) as sock:  # the same port for all restarts
            plan = plan._replace(port=sock.getsockname()[1])
        with ExitStack() as stack:
            if dev is not None:
                server = dev_server(dev, target.folder, f"http://{host}:{plan.port}")
                plan = plan._replace(dev_url=stack.enter_context(server))
            if reload:
                raise SystemExit(supervise(plan))
            _play(plan)
    except KeyboardInterrupt:  # before the page has connected
        raise SystemExit(0) from None
    except Broken as error:
        raise Traceback(str(error)) from error
    except (JsPyError, OSError) as error:
        raise click.ClickException(getattr(error, "strerror", None) or str(error)) from error


def _bind(plan: Plan) -> socket.socket:
    if plan.storage:
        return bind_kept_port(storage_folder(plan.storage), plan.host, plan.port)
    return bind(plan.host, plan.port)


def _play(plan: Plan) -> None:
    program = load(plan.target)
    if plan.types:
        write_types(program.app, plan.types)

    def main(page: Page) -> None:
        if plan.mode != "none":  # run() prints its address
            click.echo(whereabouts(page))
        call_main(program, page)

    try:
        program.app.run(plan.page or program.page, plan.mode, main, **plan.options)
    except (Broken, JsPyError, OSError):
        raise
    except Exception as error:  # raised by a start-up handler
        raise Broken(user_traceback(error)) from error
