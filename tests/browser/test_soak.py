"""A scaled-down `scripts/soak`."""

from __future__ import annotations

from tests.stress.soak import soak
from tests.tools import chromium


def test_nothing_is_left_behind_by_tabs_that_come_go_reload_and_sleep() -> None:
    with chromium() as browser:
        report = soak(browser, 8)
    assert report.is_good(), f"\n{report}"
    assert report.done["opened"] >= 2
    assert report.done["closed"] == report.done["opened"], "all, at the end"
