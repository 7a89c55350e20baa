"""S10: the cost of an operation, with little and with much of everything."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

from ..lab import Lab
from ..plain_page import PlainPage
from ..sample import Sample, Target
from ..server import Server

ID = "S10"
TITLE = "How the cost of one operation grows"
SYSTEMS = ("ours",)
TARGETS = (Target("*", "growth", 1.5, measure="value"),)
GROWING = Path(__file__).parents[1] / "servers" / "growing.py"
Operate = Callable[[int], object]


def visit(system: str, lab: Lab) -> list[Sample]:
    """Measure with a fresh server for each kind of growth, before and after it."""
    samples = []
    for variant, grow in GROWTHS.items():
        with lab.serve(system, GROWING) as server:
            samples.append(Sample(system, variant, *grow(server, lab)))
    return samples


Result = tuple[list[float], float, dict[str, float]]


def compared(server: Server, count: int, operate: Operate, grow: Callable[[], object]) -> Result:
    """Return seconds and processor time of an operation after the growth; `growth` is the ratio of processor times."""
    before = measured(server, count, operate, 0)
    grow()
    seconds, cpu = measured(server, count, operate, 10**6)
    extra = {"growth": cpu / before[1], "growth_seconds": statistics.median(seconds) / statistics.median(before[0])}
    return seconds, cpu, extra


def measured(server: Server, count: int, operate: Operate, first: int) -> tuple[list[float], float]:
    """Measure operations one at a time, in blocks; the first block is a warm-up.

    Returns:
        The seconds of each; the server's processor time per operation, in the block with the least of it.
    """
    seconds, cpus = [], []
    for block in range(first, first + 5 * count, count):
        before = server.cpu()
        for number in range(block + 1, block + 1 + count):
            start = time.perf_counter()
            operate(number)
            seconds.append(time.perf_counter() - start)
        cpus.append((server.cpu() - before) / count)
    return seconds[count:], min(cpus[1:])


def calls(lab: Lab) -> int:
    """Return the number of operations in a block."""
    return lab.count(1000, 50)


def pages(server: Server, lab: Lab) -> Result:
    """Call from a page while others are connected."""
    page, others = PlainPage(server.url), []
    more = lab.count(999, 20)
    return compared(server, calls(lab), page.call, lambda: others.extend(PlainPage(server.url) for _ in range(more)))


def pages_coming(server: Server, lab: Lab) -> Result:
    """Connect and disconnect a page while others are connected."""
    others: list[PlainPage] = []
    more = lab.count(999, 20)
    return compared(
        server,
        lab.count(100, 10),
        lambda _: PlainPage(server.url).close(),
        lambda: others.extend(PlainPage(server.url) for _ in range(more)),
    )


def pending_in_python(server: Server, lab: Lab) -> Result:
    """Call from a page while other calls of it wait for Python."""
    page = PlainPage(server.url)

    def grow() -> None:
        for first in range(10**7, 10**7 + lab.count(100_000, 1000), 1000):
            page.send(*(["call", number, "wait", []] for number in range(first, first + 1000)))
        page.call(10**6)

    return compared(server, calls(lab), page.call, grow)


def pending_in_page(server: Server, lab: Lab) -> Result:
    """Call the page and block, while other calls wait for the page."""
    page, count = PlainPage(server.url, is_it=True), calls(lab)
    few = called(server, page, count)
    server.ask({"do": "pend", "count": lab.count(100_000, 1000)})
    seconds, cpu = called(server, page, count)
    ratio = statistics.median(seconds) / statistics.median(few[0])
    return seconds, cpu, {"growth": cpu / few[1], "growth_seconds": ratio}


def called(server: Server, page: PlainPage, count: int) -> tuple[list[float], float]:
    """Measure calls by Python, as `measured` does."""
    seconds, cpus = [], []
    for _ in range(5):
        before = server.cpu()
        server.tell({"do": "call_page", "count": count})
        page.answer(count)
        seconds += server.answer()["seconds"]
        cpus.append((server.cpu() - before) / count)
    return seconds[count:], min(cpus[1:])


def topics(server: Server, lab: Lab) -> Result:
    """Publish to one subscriber while there are many topics and subscriptions, half of them of Python."""
    half = lab.count(50_000, 500)
    page = PlainPage(server.url, ["one", *(f"page/topic{i}" for i in range(9))])

    def grow() -> None:
        server.ask({"do": "subscribe", "count": half})
        for first in range(10**7, 10**7 + half, 1000):
            page.send(*(["subscribe", number, f"page/topic{number}"] for number in range(first, first + 1000)))
        page.publish(10**6, "one")

    return compared(server, calls(lab), lambda number: page.publish(number, "one"), grow)


def functions(server: Server, lab: Lab) -> Result:
    """Call while there are many exposed functions."""
    page = PlainPage(server.url)
    return compared(
        server, calls(lab), page.call, lambda: server.ask({"do": "expose", "count": lab.count(10_000, 100)})
    )


def functions_hello(server: Server, lab: Lab) -> Result:
    """Connect and disconnect a page while there are many exposed functions."""
    return compared(
        server,
        lab.count(100, 10),
        lambda _: PlainPage(server.url).close(),
        lambda: server.ask({"do": "expose", "count": lab.count(10_000, 100)}),
    )


def uptime(server: Server, lab: Lab) -> Result:
    """Compare the first and the last tenth of half a million calls."""
    page, burst = PlainPage(server.url), 100
    tenth = lab.count(50_000, 500)
    tenths = []
    for part in range(10):
        before, start = server.cpu(), time.perf_counter()
        for first in range(part * tenth + 1, (part + 1) * tenth + 1, burst):
            page.calls(first, burst)
        tenths.append(((time.perf_counter() - start) / tenth, (server.cpu() - before) / tenth))
    (first_seconds, first_cpu), (seconds, cpu) = tenths[0], tenths[-1]
    return [seconds], cpu, {"growth": cpu / first_cpu, "growth_seconds": seconds / first_seconds}


GROWTHS: dict[str, Callable[[Server, Lab], Result]] = {
    "a call, 1 -> 1,000 pages": pages,
    "a page comes, 0 -> 999 others": pages_coming,
    "a call, 0 -> 100,000 pending in Python": pending_in_python,
    "Python's call, 0 -> 100,000 pending in the page": pending_in_page,
    "a publication, 10 -> 100,000 topics": topics,
    "a call, 2 -> 10,000 functions": functions,
    "a page comes, 2 -> 10,000 functions": functions_hello,
    "a call, first -> last tenth of 500,000": uptime,
}
