"""`jsmeets-local run`: shows a page, or runs a program with its page."""

from __future__ import annotations

import signal
from typing import Any

import click

from ..errors import JsPyError
from ..page import Page
from .loading import Broken, Target, find_target, load, user_traceback
from .plan import Plan, call_main, whereabouts
from .reload import supervise

__all__ = ["run"]


class Traceback(click.ClickException):
    """What needs no "Error:" before it."""

    def show(self, file: Any = None) -> None:
        """Prints it as it is."""
        click.echo(self.message, err=True)


@click.command(short_help="Show a page, or run a program with its page.")
@click.argument("target", callback=find_target)
@click.option("--window", "mode", flag_value="window", help="In a window of its own (pip extra: window).")
@click.option("--app", "mode", flag_value="app", help="In a Chromium-family browser, without its bars.")
@click.option("--browser", "mode", flag_value="browser", help="In a tab of the default browser; this is the default.")
@click.option("--none", "mode", flag_value="none", help="Open nothing, and print the address to open.")
@click.option("--page", metavar="PAGE", help="Begin with this route or page instead of /.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to serve at.")
@click.option("--port", default=0, type=click.IntRange(0, 65535), help="The port to serve at; a free one by default.")
@click.option("--reload", is_flag=True, help="Follow changes: restart Python, and reload the pages.")
def run(target: Target, mode: str | None, page: str | None, host: str, port: int, reload: bool) -> None:
    """Shows a page, or runs a program with its page, until the page is closed or Ctrl-C.

    TARGET is a page (page.html, or a folder with an index.html), a Python file whose top level has an application
    (app = JsMeetsPy()), or MODULE:APP. A function main(page) in the program is called with the page.

    \b
        jsmeets-local run page.html
        jsmeets-local run app.py --reload
        jsmeets-local run mypackage.gui:app --window

    With --reload a change of a Python file restarts the program, and its page loads itself anew; so does the page when
    a template, a style sheet or another file of the page changes.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does: cleanly
    plan = Plan(target, mode or "auto", page, host, port)
    try:
        if reload:
            raise SystemExit(supervise(plan))
        _play(plan)
    except KeyboardInterrupt:  # before the page was there
        raise SystemExit(0) from None
    except Broken as error:
        raise Traceback(str(error)) from error
    except (JsPyError, OSError) as error:
        raise click.ClickException(getattr(error, "strerror", None) or str(error)) from error


def _play(plan: Plan) -> None:
    program = load(plan.target)

    def main(page: Page) -> None:
        click.echo(whereabouts(page, plan.mode))
        call_main(program, page)

    try:
        program.app.run(plan.page or program.page, plan.mode, main, host=plan.host, port=plan.port)
    except (Broken, JsPyError, OSError):
        raise
    except Exception as error:  # of a start-up handler
        raise Broken(user_traceback(error)) from error
