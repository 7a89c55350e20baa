"""`jsmeets-local types`: declare what Python exposes for TypeScript, and what a page exposes for Python."""

from __future__ import annotations

from pathlib import Path

import click

from ..app import JsMeetsPy
from .loading import Broken, find_target, load
from .pyi import CannotRead, protocols
from .typescript import declarations

__all__ = ["types", "write_types"]

_PAGE = (".d.ts", ".d.mts", ".js", ".mjs")


@click.command(short_help="Declare what Python exposes for TypeScript, or what a page exposes for Python.")
@click.argument("source", metavar="SOURCE")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="The file to write; else stdout.")
@click.option(
    "--module", default="jsmeets-local", show_default=True, help="The module from which pages import py (TypeScript)."
)
@click.pass_context
def types(context: click.Context, source: str, output: Path | None, module: str) -> None:
    """Declare what Python exposes for TypeScript, or what a page exposes for Python.

    SOURCE is a Python file with an application at its top level, or MODULE:APP: the result is TypeScript. With a .d.ts
    file, or a .js file with JSDoc, the result is Python: a Protocol for page.js.

    \b
        jsmeets-local types app.py -o api.d.ts
        jsmeets-local types page.d.ts -o page_api.pyi
    """
    try:
        if source.endswith(_PAGE):
            text = protocols(Path(source).read_text(encoding="utf-8"), Path(source).name)
        else:
            target = find_target(context, context.command.params[0], source)
            text = declarations(load(target).app, f"`jsmeets-local types {source}`", module)
    except Broken as error:
        raise click.ClickException(str(error)) from error
    except CannotRead as error:
        raise click.ClickException(f"{source}: {error}") from error
    except OSError as error:
        raise click.ClickException(f"cannot read {source}: {error.strerror}") from error
    if output is None:
        click.echo(text, nl=False)
    else:
        _write(output, text)


def write_types(app: JsMeetsPy, file: str) -> None:
    """Write the TypeScript declarations of an application for `run --types`.

    Raises:
        OSError: The file cannot be written.
    """
    _write(Path(file), declarations(app, "`jsmeets-local run --types`"))


def _write(file: Path, text: str) -> None:
    """Write a file, unless it has this text already: tools that watch it would start for nothing."""
    if not file.is_file() or file.read_text(encoding="utf-8") != text:
        file.write_text(text, encoding="utf-8")
        click.echo(f"written {file}", err=True)
