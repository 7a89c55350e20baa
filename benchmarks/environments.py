"""Interpreters of the systems. Other libraries have environments of their own, made on first use."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from .catalogue import CATALOGUE, System

__all__ = ["ENVIRONMENTS", "Missing", "python_of"]

ENVIRONMENTS = Path(__file__).parents[1] / ".venvs"


class Missing(Exception):
    """A system is not available here; the text says why."""


def python_of(system: str) -> str:
    """Return the interpreter that runs a system.

    Raises:
        Missing: Its environment could not be made.
    """
    wanted = CATALOGUE[system]
    if not wanted.packages and not wanted.npm:
        return sys.executable
    folder = ENVIRONMENTS / f"bench-{system}"
    python, stamp = folder / "bin" / "python", folder / ".stamp"
    order = "\n".join([wanted.python or sys.version, wanted.npm or "", *wanted.packages])
    if not stamp.exists() or stamp.read_text() != order:
        print(f"installing {', '.join([*wanted.packages, wanted.npm or ''])} into {folder}", file=sys.stderr)
        _make(folder, wanted)
        stamp.write_text(order)
    return str(python)


def _make(folder: Path, wanted: System) -> None:
    uv = shutil.which("uv") or str(ENVIRONMENTS / "tools" / "bin" / "uv")
    _run(uv, "venv", "--quiet", "--clear", "--python", _interpreter(wanted.python), str(folder))
    if wanted.packages:
        _run(uv, "pip", "install", "--quiet", "--python", str(folder / "bin" / "python"), *wanted.packages)
    if wanted.npm:
        _run("npm", "install", "--silent", "--no-save", "--no-package-lock", "--prefix", str(folder), wanted.npm)


def _interpreter(version: str | None) -> str:
    """Find an interpreter: of pyenv, whose names on the path work only where they are selected, or else by uv."""
    if version is None:
        return sys.executable
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    return next((str(path) for path in sorted(pyenv.glob(f"versions/{version}.*/bin/python"))), version)


def _run(*command: str) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except FileNotFoundError:
        raise Missing(f"{Path(command[0]).name} is needed") from None
    except subprocess.CalledProcessError as error:
        raise Missing(f"{' '.join(command[1:3])}: {error.stderr.strip().splitlines()[0][:160]}") from None
