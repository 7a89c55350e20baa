"""The command line: `jsmeets-local run | new | package | types | doctor | assets`."""

from __future__ import annotations

import click

from .. import __version__
from .assets import assets
from .doctor import doctor
from .new import new
from .package import package
from .run import run
from .types import types

__all__ = ["main"]


@click.group(
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Each command has its own help: jsmeets-local run --help",
)
@click.version_option(__version__, "-V", "--version", prog_name="jsmeets-local")
@click.pass_context
def main(context: click.Context) -> None:
    """Python programs whose window is a web page: create one, run it, package it."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for command in (new, run, package, types, doctor, assets):
    main.add_command(command)
