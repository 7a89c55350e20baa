"""Chromium, headless, without what it does in the background by itself; for the tests too."""

from __future__ import annotations

import shutil

from playwright.sync_api import Browser, BrowserType

__all__ = ["launch_chromium"]

ARGUMENTS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def launch_chromium(chromium: BrowserType) -> Browser:
    """A browser; `playwright.chromium` makes it."""
    return chromium.launch(executable_path=shutil.which("chromium"), chromium_sandbox=False, args=ARGUMENTS)
