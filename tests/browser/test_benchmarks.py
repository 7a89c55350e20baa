"""The benchmarks in a real Chromium against real servers, with every answer checked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Error

from benchmarks.lab import Lab, open_lab
from benchmarks.rounds import run
from benchmarks.scenarios import s01_one_at_a_time, s03_python_waits
from benchmarks.server import ServerFailed
from benchmarks.visits import in_page
from tests.tools import need


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    need("chromium")
    with open_lab(quick=True) as lab:
        yield lab


def test_one_round(lab: Lab) -> None:
    outcomes = run(lab, [s01_one_at_a_time, s03_python_waits], ["floor-uvloop", "ours"], 1)
    assert [outcome.failed for outcome in outcomes] == [{}, {}]
    samples = [sample for outcome in outcomes for sample in outcome.rounds[0]]
    assert [(sample.system, sample.variant) for sample in samples] == [
        ("floor-uvloop", "any"),
        ("ours", "def"),
        ("ours", "async def"),
        ("floor-uvloop", "blocking"),
        ("ours", "blocking"),
    ]
    assert all(len(sample.seconds) == 50 and min(sample.seconds) > 0 for sample in samples)
    assert all(sample.cpu is not None and sample.cpu > 0 for sample in samples)


def test_a_wrong_answer_fails(lab: Lab) -> None:
    with lab.serve("ours") as server, lab.tab(server) as tab:
        tab.evaluate("bench.call = async () => 1234")
        with pytest.raises(Error, match="a wrong answer: 1234"):
            in_page(server, tab, "def", "sequence", name="add", count=5)
        tab.evaluate('JsPyFunction.expose("add", () => 1234)')
        with pytest.raises(ServerFailed, match="a wrong answer: 1234"):
            server.ask({"do": "call_page", "count": 5})
