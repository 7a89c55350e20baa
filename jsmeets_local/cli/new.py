"""`jsmeets-local new`: create a small project from the folder `project`, or `front_ends` for `--vite`."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import click

from ..staticfiles import ASSETS, CODE, DECLARATIONS, INTEGRATIONS, MODULE, STATE, VIEW

__all__ = ["new"]

TEMPLATE = Path(__file__).parent / "project"
VITE = Path(__file__).parent / "front_ends"
FRONT_ENDS = ("react", "svelte", "vanilla", "vue")
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
@click.option("--vite", "front_end", type=click.Choice(FRONT_ENDS), help="Make its page with Vite and TypeScript.")
def new(folder: Path, front_end: str | None) -> None:
    """Create a small project in the new folder NAME: Python, a page, its style sheet, and a test of all three.

    With --vite, the page is a front end in TypeScript that Vite builds, which needs Node.js.

    NAME consists of letters, digits, - and _; it may be a path. Nothing is overwritten.
    """
    if folder.exists():
        raise click.ClickException(f"{folder} already exists; choose another name, or remove it")
    if front_end is None:
        _copy(TEMPLATE, folder)
        steps = {
            "jsmeets-local run app.py --reload": "its page, which follows what you change",
            "python -m pytest": "its test",
        }
    else:
        _copy(VITE / "common", folder)
        _copy(VITE / front_end, folder)
        _copy_package(folder / "vendor" / "jsmeets-local")
        if front_end == "react":
            page = folder / "index.html"
            page.write_text(page.read_text(encoding="utf-8").replace("main.ts", "main.tsx"), encoding="utf-8")
        steps = {
            "npm install": "Vite, and the JavaScript side of this package",
            'jsmeets-local run app.py --dev "npm run dev" --reload': "its page, which follows what you change",
        }
    width = max(map(len, steps))
    lines = [f"    {step:{width}}    {about}" for step, about in steps.items()]
    click.echo("\n".join([f"Created {folder}. Try it:", "", f"    cd {folder}", *lines, ""]))


def _copy(source: Path, folder: Path) -> None:
    for file in sorted(source.rglob("*")):
        if file.is_file() and "__pycache__" not in file.parts:
            copy = folder / file.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(file.read_text(encoding="utf-8").replace(ITS_NAME, folder.name), encoding="utf-8")


def _copy_package(folder: Path) -> None:
    """Copy the npm package of this version, which the project then installs from the folder."""
    folder.mkdir(parents=True)
    for name in ("package.json", MODULE, CODE, STATE, VIEW, *DECLARATIONS, *INTEGRATIONS):
        shutil.copyfile(os.path.join(ASSETS, name), folder / name)
