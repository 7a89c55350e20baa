"""Rounds: each visits every system once in every scenario, in rotating order."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from .environments import Missing
from .figures import rotated
from .lab import Lab
from .sample import Sample

__all__ = ["Outcome", "run"]


@dataclass
class Outcome:
    """Outcome of a scenario.

    Attributes:
        scenario: Its module.
        rounds: The samples of each round.
        missing: Why a system has no number, by system.
        failed: What went wrong, by system.
    """

    scenario: Any
    rounds: list[list[Sample]] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def run(
    lab: Lab,
    scenarios: Sequence[Any],
    systems: Sequence[str],
    rounds: int,
    keep: Callable[[list[Outcome], int], object] = lambda _outcomes, _done: None,
) -> list[Outcome]:
    """Run all rounds. A system that fails is reported, and is not visited again in that scenario.

    Args:
        lab: Given to each visit.
        scenarios: Their modules.
        systems: Their names.
        rounds: How many.
        keep: Called after each round with the outcomes so far, and the number of rounds.
    """
    outcomes = [Outcome(scenario, missing=_left_out(scenario, systems)) for scenario in scenarios]
    for number in range(rounds):
        for outcome in outcomes:
            if number < getattr(outcome.scenario, "ROUNDS", rounds):
                _one_round(lab, outcome, rotated(systems, number), number)
        keep(outcomes, number + 1)
    return outcomes


def _left_out(scenario: Any, systems: Sequence[str]) -> dict[str, str]:
    reasons: dict[str, str] = getattr(scenario, "REASONS", {})
    return {one: reasons.get(one, "has no such thing") for one in systems if one not in scenario.SYSTEMS}


def _one_round(lab: Lab, outcome: Outcome, systems: Sequence[str], number: int) -> None:
    samples: list[Sample] = []
    for system in systems:
        if system not in outcome.missing and system not in outcome.failed:
            samples += _visit(lab, outcome, system, number)
    outcome.rounds.append(samples)


def _visit(lab: Lab, outcome: Outcome, system: str, number: int) -> list[Sample]:
    started = time.monotonic()
    result = "measured"
    try:
        return list(outcome.scenario.visit(system, lab))
    except Missing as reason:
        outcome.missing[system] = result = str(reason)
    except Exception as error:  # noqa: BLE001 - the other systems are still to be measured; it is told, and the run fails
        outcome.failed[system] = result = f"{type(error).__name__}: {error}"
    finally:
        told = f"round {number + 1} {outcome.scenario.ID} {system}: {result} ({time.monotonic() - started:.1f} s)"
        print(told, file=sys.stderr, flush=True)
    return []
