"""Mixed load with tabs that open, close, reload and sleep, while threads, descriptors, tasks, references and memory are counted.

`python -m tests.stress.soak --help`, or scripts/soak.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import psutil
from playwright.sync_api import sync_playwright

from tests.browser.conftest import start_chromium
from tests.raw import RawPage

__all__ = ["Report", "soak"]

ROOT = Path(__file__).parents[2]
TABS = 6  # at most, at once
STEP = 0.25  # seconds between two things that happen to tabs
SAMPLE = 3.0  # seconds between two looks
REST = 20.0  # seconds that what was used gets to go; idle threads take 10


class Sample(NamedTuple):
    """Resources that the program uses."""

    threads: float
    descriptors: float
    tasks: float
    references: float
    megabytes: float


class Report(NamedTuple):
    """Resource usage over time."""

    before: Sample  # any load
    after: Sample
    slopes: Sample  # per hour, in the second half
    errors: Sample  # of these: tabs come and go, and what they use with them
    done: dict[str, int]
    seconds: float

    def is_good(self) -> bool:
        """Return True if nothing leaks."""
        return _has_rested(self.before, self.after)

    def __str__(self) -> str:
        head = f"{'':12} {'before':>10} {'after':>10} {'slope per hour':>22}"
        rows = [
            f"{name:12} {before:10.1f} {after:10.1f} {slope:12.1f} ± {error:7.1f}"
            for name, before, after, slope, error in zip(Sample._fields, *self[:4], strict=True)
        ]
        done = ", ".join(f"{count} {name}" for name, count in sorted(self.done.items()))
        return "\n".join([head, *rows, f"tabs: {done}; {self.seconds:.0f} s"])


class Program:
    """The program under test, seen from outside."""

    def __init__(self) -> None:
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        pipe = subprocess.PIPE
        command = [sys.executable, "-m", "tests.stress.soaked"]
        self._process = subprocess.Popen(command, cwd=ROOT, env=env, text=True, stdin=pipe, stdout=pipe)
        assert self._process.stdout is not None
        self._seen = psutil.Process(self._process.pid)
        url = self._process.stdout.readline().strip()
        self._raw = RawPage(url, "soak")

    def open(self) -> str:
        """The address of one more page."""
        return str(self._ask("open_page"))

    def sample(self) -> Sample:
        """Return the current usage."""
        threads, tasks, references = self._ask("counts")
        return Sample(threads, self._seen.num_fds(), tasks, references, self._seen.memory_info().rss / 2**20)

    def close(self) -> None:
        """Ends it."""
        self._process.communicate("", timeout=30)

    def _ask(self, function: str) -> Any:
        self._raw.send(["call", 1, function, []])
        while (message := self._raw.receive(30))[0] != "return":
            pass  # what the program tells all its pages
        return message[2]


class Tabs:
    """Tabs and their life cycle."""

    def __init__(self, program: Program, browser: Any, seed: int) -> None:
        self.done = dict.fromkeys(("opened", "closed", "reloaded", "frozen", "thawed"), 0)
        self._program = program
        self._context = browser.new_context()
        self._random = random.Random(seed)
        self._awake: list[Any] = []
        self._asleep: list[Any] = []

    def step(self) -> None:
        """Something happens to one of them."""
        happens: list[Callable[[], None]] = [self._reload, self._freeze, self._thaw, self._close, self._open]
        self._random.choice(happens)()

    def close(self) -> None:
        """All of them."""
        while self._asleep:
            self._thaw()
        while self._awake:
            self._close()

    def _open(self) -> None:
        if len(self._awake) + len(self._asleep) < TABS:
            tab = self._context.new_page()
            tab.goto(self._program.open())
            self._awake.append(tab)
            self.done["opened"] += 1

    def _close(self) -> None:
        if self._awake:
            self._awake.pop(self._random.randrange(len(self._awake))).close()
            self.done["closed"] += 1

    def _reload(self) -> None:
        if self._awake:
            self._random.choice(self._awake).reload()
            self.done["reloaded"] += 1

    def _freeze(self) -> None:
        if self._awake:
            self._live(self._awake.pop(0), "frozen", self._asleep)
            self.done["frozen"] += 1

    def _thaw(self) -> None:
        if self._asleep:
            self._live(self._asleep.pop(0), "active", self._awake)
            self.done["thawed"] += 1

    def _live(self, tab: Any, state: str, then: list[Any]) -> None:
        session = self._context.new_cdp_session(tab)
        session.send("Page.setWebLifecycleState", {"state": state})
        session.detach()
        then.append(tab)


def soak(browser: Any, seconds: float, seed: int = 0) -> Report:
    """Runs the program under load, then lets it rest.

    Args:
        browser: A Chromium of Playwright's.
        seconds: How long the load lasts.
        seed: Of what happens.
    """
    program, start = Program(), time.monotonic()
    try:
        before = program.sample()
        tabs = Tabs(program, browser, seed)
        samples = _under_load(program, tabs, seconds)
        tabs.close()
        after = _at_rest(program, before)
    finally:
        program.close()
    later = samples[len(samples) // 2 :]
    return Report(before, after, *_slopes(later), tabs.done, time.monotonic() - start)


def _under_load(program: Program, tabs: Tabs, seconds: float) -> list[tuple[float, Sample]]:
    samples: list[tuple[float, Sample]] = []
    start = time.monotonic()
    while (now := time.monotonic() - start) < seconds:
        if now > SAMPLE * len(samples):
            samples.append((now, program.sample()))
        tabs.step()
        time.sleep(STEP)
    return samples


def _at_rest(program: Program, before: Sample) -> Sample:
    """Return the usage after the program has released everything, or has had the time to."""
    end = time.monotonic() + REST
    while not _has_rested(before, sample := program.sample()) and time.monotonic() < end:
        time.sleep(STEP)
    return sample


def _has_rested(before: Sample, now: Sample) -> bool:
    return all(late <= early for early, late in zip(before[:-1], now[:-1], strict=True))  # but megabytes


def _slopes(samples: list[tuple[float, Sample]]) -> tuple[Sample, Sample]:
    """Least squares, per hour: the slopes and their standard errors."""
    hours = [when / 3600 for when, _ in samples]
    fits = [_slope(hours, list(values)) for values in zip(*(sample for _, sample in samples), strict=True)]
    return Sample(*(slope for slope, _ in fits)), Sample(*(error for _, error in fits))


def _slope(hours: list[float], values: list[float]) -> tuple[float, float]:
    if len(hours) < 3:
        return 0.0, math.inf
    slope, base = statistics.linear_regression(hours, values)
    rest = sum((value - base - slope * hour) ** 2 for hour, value in zip(hours, values, strict=True))
    spread = statistics.variance(hours) * (len(hours) - 1)
    return slope, math.sqrt(rest / (len(hours) - 2) / spread)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="scripts/soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long the load lasts (10)")
    parser.add_argument("--seed", type=int, default=0, help="of what happens to the tabs (0)")
    options = parser.parse_args()
    with sync_playwright() as playwright:
        report = soak(start_chromium(playwright), options.minutes * 60, options.seed)
    sys.stdout.write(f"{report}\n")
    sys.exit(0 if report.is_good() else 1)


if __name__ == "__main__":
    main()
