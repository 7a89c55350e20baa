"""`jsmeets-local run`: show a page, or run a program with its page."""

from __future__ import annotations

import signal
from typing import Any

import click

from ..errors import JsPyError
from ..page import Page
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


@click.command(short_help="Show a page, or run a program with its page.")
@click.argument("target", callback=find_target)
@click.option("--window", "mode", flag_value="window", help="Show it in a window of its own (pip extra: window).")
@click.option("--app", "mode", flag_value="app", help="Show it in a Chromium-family browser without toolbars.")
@click.option(
    "--browser", "mode", flag_value="browser", help="Show it in a tab of the default browser; this is the default."
)
@click.option("--none", "mode", flag_value="none", help="Open nothing and print the address to open.")
@click.option("--page", metavar="PAGE", help="Open this route or page instead of /.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to bind.")
@click.option("--port", default=0, type=click.IntRange(0, 65535), help="The port to bind; a free one by default.")
@click.option(
    "--types", default="", metavar="FILE", help="Write TypeScript of what Python exposes, also after each restart."
)
@click.option("--reload", is_flag=True, help="Follow changes: restart Python and reload the pages.")
def run(target: Target, mode: str | None, page: str | None, host: str, port: int, types: str, reload: bool) -> None:
    """Show a page, or run a program with its page, until the page is closed or Ctrl-C is pressed.

    TARGET is a page (page.html, or a folder with an index.html), a Python file with an application at its top level
    (app = JsMeetsPy()), or MODULE:APP. A function main(page) in the program is called with the page.

    \b
        jsmeets-local run page.html
        jsmeets-local run app.py --reload
        jsmeets-local run mypackage.gui:app --window

    With --reload a change of a Python file restarts the program, and its page reloads. The page also reloads when a
    template, a style sheet or another of its files changes.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends cleanly, as Ctrl-C does
    plan = Plan(target, mode or "auto", page, host, port, types=types)
    try:
        if reload:
            raise SystemExit(supervise(plan))
        _play(plan)
    except KeyboardInterrupt:  # before the page has connected
        raise SystemExit(0) from None
    except Broken as error:
        raise Traceback(str(error)) from error
    except (JsPyError, OSError) as error:
        raise click.ClickException(getattr(error, "strerror", None) or str(error)) from error


def _play(plan: Plan) -> None:
    program = load(plan.target)
    if plan.types:
        write_types(program.app, plan.types)

    def main(page: Page) -> None:
        click.echo(whereabouts(page, plan.mode))
        call_main(program, page)

    try:
        program.app.run(plan.page or program.page, plan.mode, main, host=plan.host, port=plan.port)
    except (Broken, JsPyError, OSError):
        raise
    except Exception as error:  # raised by a start-up handler
        raise Broken(user_traceback(error)) from error
