"""Programs that tests need: a machine of a user may lack one, continuous integration may not."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import sync_playwright

__all__ = ["chromium", "need", "need_module"]


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
