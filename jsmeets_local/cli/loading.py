"""Target of `run`: a page, a program in a file, or an application in a module."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from functools import reduce
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import click

from ..app import JsMeetsPy
from ..page import Page

__all__ = ["Broken", "Program", "Target", "find_target", "load", "user_traceback"]

_MODULE = re.compile(r"([\w.]+):([\w.]+)")
_PAGES = (".html", ".htm")
_NOT_THE_USERS = (str(Path(__file__).parents[1]), str(Path(click.__file__).parent), "<frozen ")


class Broken(Exception):
    """Failure of the user's program; the text gives the reason, with a traceback if the program raised an exception."""


class Target(NamedTuple):
    """Target of `run`: a file, or an attribute of a module."""

    file: Path | None
    module: str
    attribute: str

    @property
    def folder(self) -> Path:
        """Return the folder that is searched for its modules and pages."""
        return Path.cwd() if self.file is None else self.file.parent

    def is_page(self) -> bool:
        """Return whether it is a page without a program."""
        return self.file is not None and self.file.suffix.lower() in _PAGES


class Program(NamedTuple):
    """Loaded program."""

    app: JsMeetsPy
    page: str
    main: Callable[[Page], Any] | None


def find_target(context: click.Context, parameter: click.Parameter, text: str) -> Target:
    """Return the target that an argument names, or raise a usage error."""
    path = Path(text)
    if path.is_dir():
        path /= "index.html"
    if path.is_file():
        if path.suffix.lower() in (*_PAGES, ".py"):
            return Target(path.resolve(), path.stem, "")
        raise click.BadParameter(f"{text} is neither a page (.html) nor a program (.py)")
    module = _MODULE.fullmatch(text)
    if module and module[1].endswith(".py"):
        raise click.BadParameter(f"{text} names a file and an application; write {text.replace('.py:', ':')}")
    if module:
        return Target(None, module[1], module[2])
    raise click.BadParameter(f"{path} does not exist; the target must be a page, a Python file or module:app")


def load(target: Target) -> Program:
    """Import the program and find its application.

    Raises:
        Broken: The import failed, or the program has no application.
    """
    if target.is_page():
        return Program(JsMeetsPy(), str(target.file), None)
    module = _imported(target)
    app = _attribute(module, target.attribute) if target.attribute else _only_app(module)
    if app.pages:
        app.stop()
        raise Broken(
            f"{_name(module)} calls launch() while it is imported. Put the call under "
            '`if __name__ == "__main__":`, or run the file directly: python ' + _name(module)
        )
    return Program(app, "/", _main(module))


def _imported(target: Target) -> ModuleType:
    sys.path.insert(0, str(target.folder))
    try:
        return importlib.import_module(target.module) if target.file is None else _import_file(target.file)
    except Exception as error:
        is_target = isinstance(error, ModuleNotFoundError) and f"{target.module}.".startswith(f"{error.name}.")
        if is_target and target.file is None:
            raise Broken(
                f"no module {target.module!r} in {target.folder}; name a page, a file or module:app"
            ) from error
        raise Broken(user_traceback(error)) from error


def _import_file(file: Path) -> ModuleType:
    """Import a file by its path, even if a module of the same name is loaded."""
    name = file.stem if file.stem not in sys.modules else f"{file.stem}_of_the_user"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot import {file}")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _name(module: ModuleType) -> str:
    file = getattr(module, "__file__", None)
    return os.path.relpath(file) if file else module.__name__


def _attribute(module: ModuleType, name: str) -> JsMeetsPy:
    try:
        app = reduce(getattr, name.split("."), module)
    except AttributeError as error:
        raise Broken(f"{_name(module)} has no {name}: {error}") from error
    if not isinstance(app, JsMeetsPy):
        raise Broken(f"{name} in {_name(module)} is not a JsMeetsPy: {app!r:.100}")
    return app


def _only_app(module: ModuleType) -> JsMeetsPy:
    apps = {name: value for name, value in vars(module).items() if isinstance(value, JsMeetsPy)}
    if "app" in apps:
        return apps["app"]
    if not apps:
        raise Broken(f"{_name(module)} has no application at its top level: write app = JsMeetsPy()")
    if len(set(map(id, apps.values()))) > 1:
        choice = f"jsmeets-local run {module.__name__}:{min(apps)}"
        raise Broken(f"{_name(module)} has several applications; choose one: {choice}")
    return next(iter(apps.values()))


def _main(module: ModuleType) -> Callable[[Page], Any] | None:
    """Return the program's function `main(page)`, which `run` calls with the launched page, or `None`."""
    main = getattr(module, "main", None)
    if not inspect.isfunction(main) or list(inspect.signature(main).parameters)[:1] != ["page"]:
        return None
    return main


def user_traceback(error: BaseException) -> str:
    """Return a traceback that begins with the user's code."""
    summary = traceback.TracebackException.from_exception(error)
    summary.stack = traceback.StackSummary.from_list(list(_from_the_user_on(summary.stack)))
    return "".join(summary.format(chain=True)).rstrip()


def _from_the_user_on(frames: list[traceback.FrameSummary]) -> Iterator[traceback.FrameSummary]:
    ours = True
    for frame in frames:
        ours = ours and frame.filename.startswith(_NOT_THE_USERS)
        if not ours:
            yield frame
