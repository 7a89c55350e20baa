"""Report: Markdown for people, and JSON for programs."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from .catalogue import CATALOGUE
from .figures import Figure, Scores, Verdict
from .rounds import Outcome

__all__ = ["as_json", "as_markdown", "machine"]

VERSIONS = ("uvicorn", "starlette", "uvloop", "websockets", "msgspec", "playwright")
HEAD = ("System", "What", "Median", "p95", "CPU per operation", "Time / floor", "CPU / floor", "Faster than the floor")

MEASURED = {"ratio": "{0} / {1}'s", "speed-up": "{1}'s {0} / ours", "difference": "{0} - {1}'s", "value": "{0}"}


def machine(browser: str, rounds: int) -> dict[str, Any]:
    """Describe the machine and the software."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}, {os.cpu_count()} processors",
        "python": platform.python_version(),
        "browser": f"Chromium {browser}, headless",
        "versions": {name: version(name) for name in VERSIONS},
        "rounds": rounds,
    }


def scores(outcome: Outcome) -> Scores:
    """Return the numbers of an outcome."""
    return Scores(outcome.scenario.ID, outcome.rounds)


def as_json(outcomes: Sequence[Outcome], where: dict[str, Any]) -> dict[str, Any]:
    """Return the numbers without those of single operations."""
    return {
        "machine": where,
        "scenarios": [
            {
                "id": outcome.scenario.ID,
                "title": outcome.scenario.TITLE,
                "figures": [asdict(figure) for figure in scores(outcome).figures()],
                "targets": [
                    {**asdict(verdict), "reached": verdict.reached}
                    for verdict in scores(outcome).verdicts(outcome.scenario.TARGETS)
                ],
                "not measured": outcome.missing,
                "failed": outcome.failed,
            }
            for outcome in outcomes
        ],
    }


def as_markdown(outcomes: Sequence[Outcome], where: dict[str, Any]) -> str:
    """Return a table for each scenario, and one of all targets."""
    versions = ", ".join(f"{name} {number}" for name, number in where["versions"].items())
    place = f"{where['system']}; Python {where['python']}, {where['browser']}; {versions}"
    about = f"{where['date']}: {where['rounds']} rounds on {place}."
    verdicts = [verdict for outcome in outcomes for verdict in scores(outcome).verdicts(outcome.scenario.TARGETS)]
    return "\n\n".join([about, *map(_section, outcomes), _targets(verdicts)]) + "\n"


def _section(outcome: Outcome) -> str:
    figures = scores(outcome).figures()
    extras = list(dict.fromkeys(name for figure in figures for name in figure.extra))
    rows = [_row(figure, extras) for figure in figures]
    absent = {**outcome.missing, **{system: f"failed: {_first(text)}" for system, text in outcome.failed.items()}}
    rows += [[system, reason, *["-"] * (len(HEAD) - 2 + len(extras))] for system, reason in absent.items()]
    return f"### {outcome.scenario.ID}. {outcome.scenario.TITLE}\n\n{table([*HEAD, *extras], rows)}"


def _first(text: str) -> str:
    """Return the first line of an error, or the last line of a traceback, for a line of a table."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith(" ")]
    return lines[-1 if "Traceback" in text else 0][:160]


def _row(figure: Figure, extras: Sequence[str]) -> list[str]:
    return [
        f"**{figure.system}**" if figure.system == "ours" else _name(figure.system),
        figure.variant,
        seconds(figure.median),
        seconds(figure.p95),
        seconds(figure.cpu),
        times(figure.ratio),
        times(figure.cpu_ratio),
        f"{figure.won} of {figure.rounds}",
        *[f"{figure.extra[name]:.4g}" if name in figure.extra else "" for name in extras],
    ]


def _name(system: str) -> str:
    return f"{system} (its own browser)" if CATALOGUE[system].own_browser else system


def _targets(verdicts: Sequence[Verdict]) -> str:
    words = {True: "reached", False: "**not reached**", None: "not measured"}
    rows = [
        [
            verdict.scenario,
            verdict.variant,
            _sentence(verdict),
            "-" if verdict.number is None else f"{verdict.number:.3g}",
            words[verdict.reached],
        ]
        for verdict in verdicts
    ]
    return f"### Targets\n\n{table(['Scenario', 'What', 'Target', 'Measured', ''], rows)}"


def _sentence(verdict: Verdict) -> str:
    target = verdict.target
    metric = {"seconds": "time", "cpu": "CPU"}.get(target.metric, target.metric)
    every = ", in every round" if target.rounds == "every" else ""
    return f"{MEASURED[target.measure].format(metric, target.floor)} {target.direction} {target.bound:g}{every}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def seconds(number: float | None) -> str:
    """Format seconds with three digits and a suitable unit."""
    if number is None:
        return "-"
    for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "us")):
        if abs(number) * factor >= 1:
            return f"{number * factor:.3g} {unit}"
    return f"{number * 1e6:.3g} us"


def times(number: float | None) -> str:
    """Format a ratio."""
    return "-" if number is None else f"{number:.2f}x"
