"""A scaled-down `scripts/chaos`."""

from __future__ import annotations

from playwright.sync_api import Page as Tab

from jsmeets_local import JsMeetsPy
from tests.stress.chaos import chaos

COUNT = 3000


def test_nothing_is_lost_over_a_wire_that_misbehaves(app: JsMeetsPy, tab: Tab) -> None:
    outcome = chaos(app, tab, COUNT, every=1, delay=0.005)
    assert outcome.is_good(), f"\n{outcome}"
    assert [row.sent for row in outcome.rows] == [COUNT] * 10
    assert outcome.reconnects > 0, f"the wire did nothing\n{outcome}"
