"""The arithmetic and the reports of the benchmarks."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from benchmarks.__main__ import BEGIN, END, arguments, between, known_scenarios
from benchmarks.catalogue import CATALOGUE
from benchmarks.environments import Missing
from benchmarks.figures import Scores, p95, rotated
from benchmarks.report import as_json, as_markdown, seconds, table
from benchmarks.rounds import Outcome, run
from benchmarks.sample import ANY, FLOOR, Sample, Target

WHERE = {
    "date": "2026-01-02",
    "rounds": 3,
    "system": "Linux, 2 processors",
    "python": "3.12.1",
    "browser": "Chromium 1, headless",
    "versions": {"uvicorn": "0.54.0"},
}


def rounds(*pairs: tuple[float, float]) -> list[list[Sample]]:
    """Build rounds from the time of the floor and ours in each."""
    return [[Sample(FLOOR, ANY, [floor], floor), Sample("ours", "def", [ours], ours * 2)] for floor, ours in pairs]


def scenario(**parts: object) -> SimpleNamespace:
    return SimpleNamespace(**{"ID": "S0", "TITLE": "A title", "SYSTEMS": (FLOOR, "ours"), "TARGETS": (), **parts})


def test_each_system_is_first_in_turn() -> None:
    assert [rotated(["a", "b", "c"], number) for number in range(4)] == [
        ["a", "b", "c"],
        ["b", "c", "a"],
        ["c", "a", "b"],
        ["a", "b", "c"],
    ]


def test_ratios_are_made_within_a_round() -> None:
    # The machine was ten times slower in the second round: a ratio of medians would say 2.
    scores = Scores("S0", rounds((1.0, 2.0), (10.0, 5.0), (1.0, 0.5)))
    ours = scores.figures()[1]
    assert ours.ratio == 0.5
    assert ours.cpu_ratio == 1.0
    assert (ours.won, ours.rounds) == (2, 3)


def test_a_median_of_each_round_counts_and_the_95th_of_all_operations() -> None:
    samples = [[Sample("ours", "def", [1.0, 2.0, 30.0])], [Sample("ours", "def", [4.0, 5.0, 60.0])]]
    (ours,) = Scores("S0", samples).figures()
    assert ours.median == 3.5
    assert ours.p95 == 60.0
    assert ours.ratio is None
    assert p95(list(range(100))) == 95


def test_a_floor_has_one_variant_for_all_of_ours() -> None:
    samples = [[Sample(FLOOR, "10, any", [8.0]), Sample("ours", "10, def", [2.0]), Sample("ours", "2000, def", [1.0])]]
    scores = Scores("S2", samples)
    assert scores.compared("ours", "10, def") == [0.25]
    assert scores.compared("ours", "2000, def") == []


@pytest.mark.parametrize(
    ("target", "number", "reached"),
    [
        (Target("def", "seconds", 2.0), 2.0, True),
        (Target("def", "seconds", 1.9), 2.0, False),
        (Target("*", "seconds", 0.5, ">=", "speed-up"), 0.5, True),
        (Target("*", "seconds", 2.0, rounds="every"), 4.0, False),
        (Target("*", "cpu", 3.0, measure="difference"), 3.0, True),
        (Target("*", "seconds", 1.0, measure="value"), 2.0, False),
        (Target("def", "seconds", 1.0, floor="eel"), None, None),
        (Target("async def", "seconds", 1.0), None, None),
    ],
)
def test_targets(target: Target, number: float | None, reached: bool | None) -> None:
    scores = Scores("S0", rounds((1.0, 2.0), (1.0, 4.0), (1.0, 1.0)))
    (verdict,) = scores.verdicts([target])
    assert (verdict.number, verdict.reached) == (number, reached)


def test_what_is_missing_or_fails_is_told_and_the_rest_goes_on() -> None:
    def visit(system: str, lab: object) -> list[Sample]:
        if system == "eel":
            raise Missing("npm is needed")
        if system == "socketio":
            raise ValueError("a wrong answer")
        return [Sample(system, "def", [1.0])]

    module = scenario(SYSTEMS=("ours", "eel", "socketio"), REASONS={"pywebview": "it cannot"}, visit=visit)
    kept: list[int] = []
    systems = ["eel", "ours", "socketio", "pywebview"]
    (outcome,) = run(SimpleNamespace(), [module], systems, 2, lambda _outcomes, done: kept.append(done))
    assert kept == [1, 2]
    assert [[sample.system for sample in samples] for samples in outcome.rounds] == [["ours"], ["ours"]]
    assert outcome.missing == {"pywebview": "it cannot", "eel": "npm is needed"}
    assert outcome.failed == {"socketio": "ValueError: a wrong answer"}
    markdown = as_markdown([outcome], WHERE)
    assert "| eel | npm is needed | - |" in markdown
    assert "| socketio | failed: ValueError: a wrong answer | - |" in markdown


def test_the_tables() -> None:
    outcome = Outcome(scenario(TARGETS=(Target("def", "seconds", 1.25),)), rounds((0.001, 0.002)))
    markdown = as_markdown([outcome], WHERE)
    assert "### S0. A title" in markdown
    assert "| **ours** | def | 2 ms | 2 ms | 4 ms | 2.00x | 4.00x | 0 of 1 |" in markdown
    assert "| S0 | def | time / floor-uvloop's <= 1.25 | 2 | **not reached** |" in markdown
    assert as_json([outcome], WHERE)["scenarios"][0]["targets"][0]["reached"] is False
    assert table(["a"], [["b | c"]]) == "| a |\n| --- |\n| b \\| c |"


def test_a_number_has_the_unit_that_suits() -> None:
    assert [seconds(number) for number in (None, 1.5, 0.0123, 0.000_004_56, 0.0)] == [
        "-",
        "1.5 s",
        "12.3 ms",
        "4.56 us",
        "0 us",
    ]


def test_the_tables_take_their_place_in_the_document() -> None:
    assert between(f"before {BEGIN} old {END} after", "new\n") == f"before {BEGIN}\nnew\n{END} after"


def test_the_scenarios_know_the_systems() -> None:
    known = known_scenarios()
    assert {"S1", "S2", "S3", "S4", "S5", "S7"} <= set(known)
    for module in known.values():
        assert set(module.SYSTEMS) <= set(CATALOGUE), module.ID
        assert all(isinstance(target, Target) for target in module.TARGETS)
    asked = arguments(known, ["--scenarios", "s1", "S3", "--systems", "ours", "--rounds", "2"])
    assert (asked.scenarios, asked.systems, asked.rounds) == (["S1", "S3"], ["ours"], 2)
