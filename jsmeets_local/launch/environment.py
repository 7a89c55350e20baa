"""Environment variables for other programs, restored if PyInstaller packaged this one."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["clean_environment", "cleaned"]

_LIBRARIES = ("LD_LIBRARY_PATH", "LIBPATH")  # Linux and the BSDs; AIX


def clean_environment() -> dict[str, str]:
    """Return the environment for an installed program, such as a browser.

    A packaged program points the dynamic loader to its own libraries, which can crash other programs. PyInstaller saves
    the original values in `..._ORIG`.
    """
    environment = dict(os.environ)
    if getattr(sys, "frozen", False):
        for name in _LIBRARIES:
            environment.pop(name, None)
            original = environment.pop(name + "_ORIG", None)
            if original is not None:
                environment[name] = original
    return environment


@contextmanager
def cleaned() -> Iterator[None]:
    """Apply `clean_environment()` within a `with` block, for a function that takes no environment.

    Only the loader's variables change, because other threads may set others in the meantime.
    """
    before, after = dict(os.environ), clean_environment()
    names = {name for name, _ in set(before.items()) ^ set(after.items())}
    _become(after, names)
    try:
        yield
    finally:
        _become(before, names)


def _become(environment: dict[str, str], names: set[str]) -> None:
    for name in names:
        if name in environment:
            os.environ[name] = environment[name]
        else:
            os.environ.pop(name, None)
