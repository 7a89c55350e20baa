"""S13: streams of small items and of 1 MiB arrays, each way."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from pathlib import Path

from ..lab import Lab, Tab
from ..sample import ANY, Sample, Target
from ..server import Server
from ..visits import in_page

ID = "S13"
TITLE = "Streams to the page (down) and to Python (up): 20,000 small items, 64 arrays of 1 MiB"
SYSTEMS = ("floor-batch", "ours")
TARGETS = (
    Target("items*", "seconds", 0.5, ">=", "speed-up", floor="floor-batch"),
    Target("arrays*", "of_one_array", 0.9, ">=", "value"),
)
STREAMS = Path(__file__).parents[1] / "servers" / "streams.py"
ITEMS = 20_000
ARRAYS = 64
WHOLE = 16  # times as large is one array
SCRIPT = """() => {
    const timed = async (count, work) => {
        const seconds = [];
        for (let i = 0; i < count; i += 1) {
            const start = performance.now();
            await work();
            seconds.push((performance.now() - start) / 1000);
        }
        return seconds;
    };
    const numbers = (name, items, count) => timed(count, async () => {
        let sum = 0;
        for await (const number of await JsPyFunction.call(name)(items)) { sum += number; }
        loops.check(sum, items * (items - 1) / 2);
    });
    const frames = (items, count) => timed(count, async () => {
        let sum = 0;
        for await (const frame of await JsPyFunction.call("frames")(items)) { sum += frame[frame.length - 1]; }
        loops.check(sum, 7 * items);
    });
    const whole = (count) => timed(count, async () => loops.check((await JsPyFunction.call("whole")())[0], 7));
    window.streams = { numbers, frames, whole };
}"""


def visit(system: str, lab: Lab) -> list[Sample]:
    """Measure with a fresh server and tab. The batched floor answers calls of one turn, as in S2."""
    if system == "floor-batch":
        with lab.serve(system) as server, lab.tab(server) as tab:
            return [in_page(server, tab, ANY, "bursts", 2000, name="add", size=2000, count=lab.count(10, 1))]
    with lab.serve(system, STREAMS) as server, lab.unwatched(server) as tab:
        tab.evaluate(SCRIPT)
        count = lab.count(5, 1)
        return [
            items_down(server, tab, "items down, def", "numbers", count),
            items_down(server, tab, "items down, async def", "async_numbers", count),
            items_up(server, count),
            arrays_down(server, tab, count),
            arrays_up(server, count),
        ]


def items_down(server: Server, tab: Tab, variant: str, name: str, count: int) -> Sample:
    run = "([name, items, count]) => streams.numbers(name, items, count)"
    tab.evaluate(run, [name, ITEMS, 1])
    return Sample(server.system, variant, [one / ITEMS for one in tab.evaluate(run, [name, ITEMS, count])])


def items_up(server: Server, count: int) -> Sample:
    server.ask({"do": "read_numbers", "count": 1, "items": ITEMS})
    seconds = server.ask({"do": "read_numbers", "count": count, "items": ITEMS})["seconds"]
    return Sample(server.system, "items up", [one / ITEMS for one in seconds])


def arrays_down(server: Server, tab: Tab, count: int) -> Sample:
    def whole() -> list[float]:
        return tab.evaluate("() => streams.whole(1)")

    def frames() -> list[float]:
        return tab.evaluate("items => streams.frames(items, 1)", ARRAYS)

    return compared(server, "arrays down", frames, whole, count)


def arrays_up(server: Server, count: int) -> Sample:
    def whole() -> list[float]:
        return server.ask({"do": "read_whole", "count": 1})["seconds"]

    def frames() -> list[float]:
        return server.ask({"do": "read_frames", "count": 1, "items": ARRAYS})["seconds"]

    return compared(server, "arrays up", frames, whole, count)


def compared(
    server: Server, variant: str, frames: Callable[[], list[float]], whole: Callable[[], list[float]], count: int
) -> Sample:
    """Return seconds per array, and the throughput relative to that of one array of 16 MiB, measured alternately."""
    each: list[float] = []
    one: list[float] = []
    for repetition in range(-1, count):  # the first one is a warm-up
        one += [statistics.median(whole()[0] for _ in range(4)) / WHOLE]
        each += [seconds / ARRAYS for seconds in frames()]
        if repetition < 0:
            each.clear()
            one.clear()
    return Sample(
        server.system, variant, each, extra={"of_one_array": statistics.median(one) / statistics.median(each)}
    )
