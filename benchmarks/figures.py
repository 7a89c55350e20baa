"""Figures from the visits of all rounds: medians, ratios within a round, rounds won, targets."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from statistics import median

from .sample import ANY, FLOOR, Sample, Target

__all__ = ["OURS", "Figure", "Scores", "Verdict", "p95", "rotated"]

OURS = "ours"
MEASURES: dict[str, Callable[[float, float], float]] = {
    "ratio": lambda mine, other: mine / other if other else math.inf,
    "speed-up": lambda mine, other: other / mine if mine else math.inf,
    "difference": lambda mine, other: mine - other,
}


def rotated(systems: Sequence[str], round_number: int) -> list[str]:
    """Return the order of a round, which rotates by one."""
    first = round_number % len(systems) if systems else 0
    return [*systems[first:], *systems[:first]]


def p95(numbers: Sequence[float]) -> float:
    """Return the 95th percentile."""
    ordered = sorted(numbers)
    return ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]


@dataclass(frozen=True)
class Figure:
    """Line of a table. Ratios are medians of the ratios within each round."""

    system: str
    variant: str
    median: float
    p95: float
    cpu: float | None
    ratio: float | None
    cpu_ratio: float | None
    won: int
    rounds: int
    extra: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """Outcome of a target: the measured number, or `None` if it was not measured."""

    scenario: str
    variant: str
    target: Target
    number: float | None

    @property
    def reached(self) -> bool | None:
        """Return whether the target was reached; `None` if it was not measured."""
        if self.number is None:
            return None
        return self.number <= self.target.bound if self.target.direction == "<=" else self.number >= self.target.bound


class Scores:
    """The rounds of one scenario."""

    def __init__(self, scenario: str, rounds: Iterable[Iterable[Sample]]) -> None:
        self.scenario = scenario
        self._rounds = [{(sample.system, sample.variant): sample for sample in samples} for samples in rounds]

    def figures(self) -> list[Figure]:
        """Return the lines, one for each system and variant, in the order of their first visit."""
        keys = dict.fromkeys(key for samples in self._rounds for key in samples)
        return [self._figure(*key) for key in keys]

    def verdicts(self, targets: Iterable[Target]) -> list[Verdict]:
        """Return the outcome for each of our variants that a target names, also those without a number."""
        ours = dict.fromkeys(variant for samples in self._rounds for system, variant in samples if system == OURS)
        return [
            Verdict(self.scenario, variant, target, self._reached(target, variant))
            for target in targets
            for variant in [each for each in ours if fnmatchcase(each, target.variant)] or [target.variant]
        ]

    def _reached(self, target: Target, variant: str) -> float | None:
        numbers = self.compared(OURS, variant, target.metric, target.floor, target.measure)
        if not numbers:
            return None
        worst = max if target.direction == "<=" else min
        return worst(numbers) if target.rounds == "every" else median(numbers)

    def compared(
        self, system: str, variant: str, metric: str = "seconds", floor: str = FLOOR, measure: str = "ratio"
    ) -> list[float]:
        """Return a number for each round in which both were measured."""
        numbers = []
        for samples in self._rounds:
            mine = _value(samples.get((system, variant)), metric)
            other = _value(_same(samples, floor, variant), metric)
            if mine is not None and measure == "value":
                numbers.append(mine)
            elif mine is not None and other is not None:
                numbers.append(MEASURES[measure](mine, other))
        return numbers

    def _figure(self, system: str, variant: str) -> Figure:
        samples = [one for samples in self._rounds if (one := samples.get((system, variant)))]
        seconds = [each for sample in samples for each in sample.seconds]
        cpu = [sample.cpu for sample in samples if sample.cpu is not None]
        ratios = self.compared(system, variant)
        return Figure(
            system,
            variant,
            median(_value(sample, "seconds") or 0.0 for sample in samples),
            p95(seconds) if seconds else 0.0,
            median(cpu) if cpu else None,
            _median(ratios),
            _median(self.compared(system, variant, "cpu")),
            sum(ratio < 1 for ratio in ratios),
            len(samples),
            {name: median(sample.extra[name] for sample in samples) for name in samples[0].extra},
        )


def _same(samples: dict[tuple[str, str], Sample], system: str, variant: str) -> Sample | None:
    """Return the sample of a system for a variant such as `"2000, def"`, or for all such: `"2000, any"`, `"any"`."""
    names = (variant, f"{variant.split(',')[0]}, {ANY}", ANY)
    return next((samples[system, name] for name in names if (system, name) in samples), None)


def _median(numbers: Sequence[float]) -> float | None:
    return median(numbers) if numbers else None


def _value(sample: Sample | None, metric: str) -> float | None:
    if sample is None:
        return None
    if metric == "seconds":
        return median(sample.seconds) if sample.seconds else None
    return sample.cpu if metric == "cpu" else sample.extra.get(metric)
