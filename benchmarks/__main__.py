"""python -m benchmarks: what ./scripts/bench runs."""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import scenarios
from .catalogue import CATALOGUE
from .lab import open_lab
from .report import as_json, as_markdown, machine
from .rounds import Outcome, run

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
DOCUMENT = ROOT / "docs" / "explanation" / "performance.md"
BEGIN, END = "<!-- benchmarks: begin -->", "<!-- benchmarks: end -->"


def known_scenarios() -> dict[str, Any]:
    """Return the modules of `benchmarks/scenarios` by ID."""
    names = sorted(each.name for each in pkgutil.iter_modules(scenarios.__path__))
    modules = [importlib.import_module(f"{scenarios.__name__}.{name}") for name in names]
    return {module.ID: module for module in modules}


def arguments(known: dict[str, Any], given: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--systems", nargs="+", choices=CATALOGUE, default=list(CATALOGUE), metavar="NAME")
    parser.add_argument("--scenarios", nargs="+", choices=known, default=list(known), metavar="S1", type=str.upper)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="few operations: whether it runs, not how fast")
    parser.add_argument("--output", type=Path, default=RESULTS, help="the folder of bench.json and bench.md")
    parser.add_argument("--write-docs", action="store_true", help="put the tables into docs/explanation/performance.md")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> int:
    """Measure, write the reports and print them. Return 1 if a system failed."""
    known = known_scenarios()
    asked = arguments(known, given)
    with open_lab(asked.quick) as lab:
        version = lab.browser.version

        def keep(outcomes: Sequence[Outcome], done: int) -> str:
            return save(asked.output, outcomes, machine(version, done))

        outcomes = run(lab, [known[one] for one in asked.scenarios], asked.systems, asked.rounds, keep)
    markdown = keep(outcomes, asked.rounds)
    if asked.write_docs:
        DOCUMENT.write_text(between(DOCUMENT.read_text(), markdown))
    print(markdown)
    return told_failures(outcomes)


def save(folder: Path, outcomes: Sequence[Outcome], where: dict[str, Any]) -> str:
    """Write both reports, and return the Markdown."""
    markdown = as_markdown(outcomes, where)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bench.json").write_text(json.dumps(as_json(outcomes, where), indent=1) + "\n")
    (folder / "bench.md").write_text(markdown)
    return markdown


def between(text: str, markdown: str) -> str:
    """Return a document with the tables between its two marks."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{markdown}{END}{after}"


def told_failures(outcomes: Sequence[Outcome]) -> int:
    """Print the failures. Return 1 if there are any."""
    failures = [(each.scenario.ID, system, text) for each in outcomes for system, text in each.failed.items()]
    for scenario, system, text in failures:
        print(f"\n{scenario} {system} failed: {text}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
