"""Calls, callbacks, pushes, publications and streams, both ways at once, over a wire that misbehaves; then they are counted.

`python -m tests.stress.chaos --help`, or scripts/chaos.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from playwright.sync_api import sync_playwright

from jsmeets_local import Bridge, JSFunction, JsMeetsPy, JSStream, Page
from tests.browser.conftest import BROWSERS
from tests.wire import BadWire

__all__ = ["Outcome", "chaos"]

SCRIPT = (Path(__file__).parent / "chaos.js").read_text()
KINDS = ("call", "push", "publish", "callback", "stream")
BATCH = 250  # of each kind and way: what is in flight at most
PATIENCE = 60.0  # seconds that one message may take
REST = 10.0  # seconds in which the last objects are released
LARGE_EVERY = 500
LARGE = bytes(300_000)  # travels in chunks


class Row(NamedTuple):
    """Result of one kind of message in one direction."""

    kind: str
    way: str
    sent: int
    lost: int
    twice: int
    out_of_order: int


class Outcome(NamedTuple):
    """Results of a run, and the faults that it survived."""

    rows: list[Row]
    wrong_answers: int
    references: list[int]  # what each side exports, beside what the other one imports
    cuts: int
    faults: dict[str, int]
    reconnects: int
    seconds: float

    def is_good(self) -> bool:
        """Return True if everything has arrived once and in order."""
        harm = [row.lost + row.twice + row.out_of_order for row in self.rows]
        there, here, back, forth = self.references
        return not sum(harm) and not self.wrong_answers and there == here and back == forth

    def __str__(self) -> str:
        head = f"{'kind':8} {'way':14} {'sent':>8} {'lost':>6} {'twice':>6} {'out of order':>13}"
        rows = [f"{r.kind:8} {r.way:14} {r.sent:8} {r.lost:6} {r.twice:6} {r.out_of_order:13}" for r in self.rows]
        faults = ", ".join(f"{count} {name}" for name, count in sorted(self.faults.items()))
        end = (
            f"wrong answers {self.wrong_answers}; references {self.references}; connections cut {self.cuts} ({faults}); "
            f"reconnects {self.reconnects}; {self.seconds:.1f} s"
        )
        return "\n".join([head, *rows, end])


def row(kind: str, way: str, sent: int, arrived: list[int]) -> Row:
    """Compares what has arrived with 0, 1, 2, ..."""
    numbers = set(arrived)
    disorder = sum(later < earlier for earlier, later in pairwise(arrived))
    return Row(kind, way, sent, len(set(range(sent)) - numbers), len(arrived) - len(numbers), disorder)


def item(n: int) -> list[Any]:
    """Return what is sent: some of it is large."""
    return [n, None if n % LARGE_EVERY else LARGE]


class PythonSide:
    """Messages that Python has received and sends."""

    def __init__(self, app: JsMeetsPy, page: Page, count: int) -> None:
        self.seen: dict[str, list[int]] = {kind: [] for kind in KINDS}
        self.complete = threading.Event()
        self.wrong_answers = 0
        self._app = app
        self._page = page
        self._count = count
        self._call = page.aio.call("seen", PATIENCE)
        self._push = app.queues.push("down", PATIENCE)
        self._callback = page.call("callbacks", PATIENCE)(self._marked).timeout(PATIENCE)
        self._stream: JSStream = page.call("rows", PATIENCE)(count)
        app.functions.expose("seen", self._called)
        app.functions.expose("rows", self._rows)
        app.queues.add_callback(self._pushed)
        app.pubsub.subscribe("up", self._published)

    async def _called(self, n: int) -> int:
        self.seen["call"].append(n)
        return n

    async def _marked(self, n: int, back: JSFunction) -> Any:
        self.seen["callback"].append(n)
        return await back.aio(n)

    async def _pushed(self, key: str) -> None:
        self.seen["push"].append(self._app.queues.shift(key)[0])

    async def _published(self, topic: str, item: list[Any]) -> None:
        self.seen["publish"].append(item[0])
        if len(self.seen["publish"]) == self._count:
            self.complete.set()

    def _rows(self) -> Iterator[Any]:
        yield from map(item, range(self._count))

    async def _read(self, count: int) -> bool:
        for _ in range(count):
            self.seen["stream"].append((await anext(self._stream))[0])
        return True

    async def send(self) -> None:
        """Sends all, a batch at a time, and reads as many items of the page's stream."""
        for start in range(0, self._count, BATCH):
            numbers = range(start, min(start + BATCH, self._count))
            answers = await asyncio.gather(
                self._read(len(numbers)), *[self._send(n) for n in numbers], return_exceptions=True
            )
            self.wrong_answers += sum(answer is not True for answer in answers)
        self.wrong_answers += await anext(self._stream, None) is not None

    async def _send(self, n: int) -> bool:
        sent = item(n)
        self._page.publish("down", suppress=True)(sent)
        answer, value, pushed = await asyncio.gather(
            self._call(n), self._callback.aio(n, lambda x: x), self._push(sent)
        )
        return answer == value == n and len(pushed) == 1


def chaos(app: JsMeetsPy, tab: Any, count: int, seed: int = 0, every: float = 1.0, delay: float = 0.001) -> Outcome:
    """Sends `count` messages of each kind each way, in a tab of Playwright's.

    Args:
        app: An application that is not served yet.
        tab: An empty tab.
        count: Of calls, callbacks, pushes, publications and items of a stream, each way.
        seed: Of what the wire does.
        every: Seconds between two faults, about.
        delay: Seconds for which a piece is held back, at most.
    """
    page = app.launch(f"<title>T</title><script>{SCRIPT}</script>", mode="none")
    wire = BadWire(urlsplit(page.url).port or 0, seed, split=20_000, delay=delay)
    try:
        tab.goto(wire.url(page.url))
        page.call("seen", PATIENCE)(-1)
        tab.evaluate("seen.call.length = 0")
        return _through(wire, app, page, tab, count, every)
    finally:
        wire.close()


def _through(wire: BadWire, app: JsMeetsPy, page: Page, tab: Any, count: int, every: float) -> Outcome:
    side = PythonSide(app, page, count)
    start = time.monotonic()
    behave = wire.misbehave(every)
    with ThreadPoolExecutor(1) as thread:
        sent = thread.submit(asyncio.run, side.send())
        wrong = tab.evaluate(f"chaos({count}, {BATCH}, {PATIENCE})")
        sent.result()
    behave()
    _settle(side, tab)
    there = tab.evaluate("seen")
    rows = [row(kind, "Python -> page", count, there[kind]) for kind in KINDS]
    rows += [row(kind, "page -> Python", count, side.seen[kind]) for kind in KINDS]
    wrong += side.wrong_answers
    return Outcome(
        rows,
        wrong,
        _references(app, tab),
        wire.cuts,
        dict(wire.faults),
        tab.evaluate("reconnects"),
        time.monotonic() - start,
    )


def _settle(side: PythonSide, tab: Any) -> None:
    """Publications have no answer, so the last ones may still be in flight, or lost, which shows then."""
    side.complete.wait(PATIENCE)
    tab.evaluate(f"Promise.race([complete, new Promise((done) => setTimeout(done, {PATIENCE * 1000}))])")


def _references(app: JsMeetsPy, tab: Any) -> list[int]:
    """Return what each side exports and the other one imports, once they agree, or have had the time to."""
    end = time.monotonic() + REST
    while True:
        gc.collect()
        here, there = app.stats()["pages"][-1]["references"], tab.evaluate("JsPyTextSocket.stats().references")
        held = [there["exported"], here["imported"], there["imported"], here["exported"]]
        if (held[0] == held[1] and held[2] == held[3]) or time.monotonic() > end:
            return held


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="scripts/chaos", description=__doc__)
    parser.add_argument("--count", type=int, default=100_000, help="messages of each kind each way (100000)")
    parser.add_argument("--seed", type=int, default=0, help="of what the wire does (0)")
    parser.add_argument("--every", type=float, default=1.0, help="seconds between two faults, about (1)")
    parser.add_argument("--delay", type=float, default=0.001, help="seconds that a piece is held back, at most (0.001)")
    parser.add_argument("--browser", choices=["chromium", "firefox"], default="chromium")
    options = parser.parse_args()
    app = JsMeetsPy(bridge=Bridge())
    try:
        with sync_playwright() as playwright:
            tab = BROWSERS[options.browser](playwright).new_page()
            outcome = chaos(app, tab, options.count, options.seed, options.every, options.delay)
    finally:
        app.stop()
    sys.stdout.write(f"{outcome}\n")
    sys.exit(0 if outcome.is_good() else 1)


if __name__ == "__main__":
    main()
