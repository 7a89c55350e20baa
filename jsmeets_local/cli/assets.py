"""`jsmeets-local assets`: copy the JavaScript files."""

from __future__ import annotations

from pathlib import Path

import click

from ..staticfiles import ASSETS, CODE, MODULE, SCRIPTS, STATE, VIEW

__all__ = ["assets"]

FILES = (*SCRIPTS, MODULE, CODE, STATE, VIEW, "jsmeets.d.mts")


@click.command(short_help="Copy the JavaScript files into a folder.")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace files that differ.")
def assets(folder: Path, force: bool) -> None:
    """Copy the JavaScript files of this version into a folder, which is created if needed.

    Pages need no copies: the application serves these files at /jsmeetspy/. Copies are for pages that another server
    serves, for editors (jsmeets.d.mts has the types), and for programs of 2020.
    """
    contents = {name: Path(ASSETS, name).read_bytes() for name in FILES}
    different = [name for name in FILES if _differs(folder / name, contents[name])]
    if different and not force:
        raise click.ClickException(
            f"{folder} has other versions of {', '.join(different)}; nothing was written. Replace them with --force"
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        if (folder / name).is_file() and name not in different:
            click.echo(f"unchanged {folder / name}")
        else:
            (folder / name).write_bytes(content)
            click.echo(f"written   {folder / name}")


def _differs(file: Path, content: bytes) -> bool:
    return file.exists() and (not file.is_file() or file.read_bytes() != content)
