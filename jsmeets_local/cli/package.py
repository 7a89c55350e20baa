"""`jsmeets-local package`: build an executable of a program and its pages with PyInstaller."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from .._pyinstaller.collect import MissingFiles, belongs, page_files

__all__ = ["package"]


@click.command(short_help="Build an executable with PyInstaller.")
@click.argument("script", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[-- PYINSTALLER-ARGUMENTS...]")
@click.option("--name", metavar="NAME", help="The name of the program; by default that of the script.")
@click.option(
    "--onefile", is_flag=True, help="Build one file, which unpacks itself at each start, instead of a folder."
)
@click.option(
    "--windowed", is_flag=True, help="Build without a console window (Windows), or an application bundle (macOS)."
)
@click.option(
    "--icon",
    type=click.Path(exists=True, dir_okay=False, resolve_path=True),
    help="The icon of the program file: .ico (Windows), .icns (macOS), or with Pillow any image.",
)
@click.option("--output", default="dist", show_default=True, metavar="DIR", help="The folder for the result.")
@click.option("-v", "--verbose", is_flag=True, help="Show the output of PyInstaller even if it succeeds.")
def package(
    script: Path,
    arguments: tuple[str, ...],
    name: str | None,
    onefile: bool,
    windowed: bool,
    icon: str | None,
    output: str,
    verbose: bool,
) -> None:
    """Build a program that runs without Python: SCRIPT, its imports, its pages and their files.

    SCRIPT is the file that you would start with python; it has to launch its page itself, as with app.run(). The
    folders and files that it names for its pages are found and included, and so are static/ and templates/ beside it.
    A folder that a build tool has made, such as dist/, is included whole. Files that a page refers to must exist.
    The program runs on the kind of system that it is built on.

    \b
        jsmeets-local package app.py --name MyTool
        jsmeets-local package app.py --onefile --windowed --icon tool.ico
        jsmeets-local package app.py -- --add-data sounds:sounds
    """
    if importlib.util.find_spec("PyInstaller") is None:
        raise click.ClickException("package needs PyInstaller: pip install pyinstaller")
    folder = script.resolve().parent
    modules = [file for file in folder.rglob("*.py") if belongs(file, folder)]
    try:  # before PyInstaller, which takes a minute to come to the pages
        page_files(folder, [script.resolve()], modules)
    except MissingFiles as error:
        raise click.ClickException(str(error)) from error
    except SyntaxError:
        pass  # PyInstaller reports it
    name = name or script.stem
    options = ["--name", name, "--onefile" if onefile else "--onedir"]
    options += ["--windowed"] if windowed else []
    options += ["--icon", icon] if icon else []
    click.echo(f"Packaging {script}; this takes a minute or so.")
    with tempfile.TemporaryDirectory(prefix="jsmeets-package-") as scratch:
        spec = str(Path.cwd()) if arguments else scratch  # paths in PyInstaller's own arguments are relative to it
        places = ["--distpath", output, "--workpath", scratch, "--specpath", spec]
        _build([*options, *places, *arguments, str(script.resolve())], verbose)
    click.echo(_ready(_program(Path(output), name, onefile)))


def _build(options: list[str], verbose: bool) -> None:
    command = [sys.executable, "-m", "PyInstaller", "--noconfirm", *options]
    output = None if verbose else subprocess.PIPE
    done = subprocess.run(command, check=False, stdout=output, stderr=output and subprocess.STDOUT, text=True)
    if done.returncode != 0:
        click.echo(done.stdout or "", err=True)
        raise click.ClickException("PyInstaller failed; its output is above")


def _program(output: Path, name: str, onefile: bool) -> Path:
    """Return the result: a bundle, a file, or the file of the same name in a folder."""
    bundle = output / f"{name}.app"
    if bundle.exists():
        return bundle
    file = f"{name}.exe" if sys.platform == "win32" else name
    return output / file if onefile else output / name / file


def _ready(program: Path) -> str:
    """Return a message with the place of the program, its size and how to start it."""
    whole = program.parent if program.parent.name == program.stem else program
    start = f"open {program}" if program.suffix == ".app" else str(program.resolve())
    return f"Created {whole} ({_size(whole) / 1e6:.0f} MB). Start it:\n\n    {start}\n"


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.lstat().st_size for file in files if file.is_symlink() or file.is_file())
