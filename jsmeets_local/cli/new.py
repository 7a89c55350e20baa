"""`jsmeets-local new`: create a small project from the folder `project`, which runs as it is."""

from __future__ import annotations

import re
from pathlib import Path

import click

__all__ = ["new"]

TEMPLATE = Path(__file__).parent / "project"
ITS_NAME = "myapp"  # replaced by the name of the new project
_NAME = re.compile(r"[A-Za-z]([A-Za-z0-9_-]*[A-Za-z0-9])?")


def _checked(context: click.Context, parameter: click.Parameter, folder: Path) -> Path:
    if not _NAME.fullmatch(folder.name):
        raise click.BadParameter(
            f"{folder.name!r} is not a valid project name: letters, digits, - and _, a letter first, - and _ not last"
        )
    return folder


@click.command(short_help="Create a small project.")
@click.argument("folder", metavar="NAME", type=click.Path(path_type=Path), callback=_checked)
def new(folder: Path) -> None:
    """Create a small project in the new folder NAME: Python, a page, its style sheet, and a test of all three.

    NAME consists of letters, digits, - and _; it may be a path. Nothing is overwritten.
    """
    if folder.exists():
        raise click.ClickException(f"{folder} already exists; choose another name, or remove it")
    for file in _files():
        copy = folder / file.relative_to(TEMPLATE)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(file.read_text(encoding="utf-8").replace(ITS_NAME, folder.name), encoding="utf-8")
    click.echo(
        f"Created {folder}. Try it:\n\n"
        f"    cd {folder}\n"
        "    jsmeets-local run app.py --reload    its page, which follows what you change\n"
        "    python -m pytest                     its test\n"
    )


def _files() -> list[Path]:
    return sorted(file for file in TEMPLATE.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
