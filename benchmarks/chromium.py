"""Headless Chromium without its background tasks, for benchmarks and tests."""

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
    """Launch a browser with `playwright.chromium`."""
    return chromium.launch(executable_path=shutil.which("chromium"), chromium_sandbox=False, args=ARGUMENTS)
