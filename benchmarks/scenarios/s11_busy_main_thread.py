"""S11: a page calls Python while the main thread computes, with `launch(switch_interval=)` and without."""

from __future__ import annotations

from pathlib import Path

from ..lab import Lab, Tab
from ..sample import FLOOR, Sample, Target
from ..server import Server

ID = "S11"
TITLE = "A page calls Python while the main thread computes"
SYSTEMS = (FLOOR, "ours")
TARGETS: tuple[Target, ...] = ()  # what it is, not what it should be: the interpreter's lock decides
BUSY = Path(__file__).parents[1] / "servers" / "busy.py"
HOWS = ("idle", "pure Python", "long C calls", "numpy")
SERVERS = {FLOOR: {"": "floor"}, "ours": {"": "ours", ", switch_interval=0.0005": "ours-switching"}}
FUNCTIONS = {FLOOR: {"": "add"}, "ours": {"": "add", ", async def": "add_async"}}
CALL_FOR = """async ([name, seconds]) => {
    const found = [];
    const end = performance.now() + 1000 * seconds;
    for (let i = 0; performance.now() < end; i++) {
        const start = performance.now();
        loops.check(await bench.call(name, i, 7), i + 7);
        found.push((performance.now() - start) / 1000);
    }
    return found;
}"""


def visit(system: str, lab: Lab) -> list[Sample]:
    """Measure with a server and a tab for each setting, and each kind of computation."""
    return [sample for label, name in SERVERS[system].items() for sample in stretches(system, lab, label, name)]


def stretches(system: str, lab: Lab, label: str, name: str) -> list[Sample]:
    """Measure calls of the page, one at a time, during each kind of computation."""
    with lab.serve(system, BUSY, name) as server, lab.tab(server) as tab:
        tab.evaluate(CALL_FOR, ["add", 0.3])
        return [
            stretch(server, tab, how, how + kind + label, function, lab.count(20, 3) / 10)
            for how in HOWS
            for kind, function in FUNCTIONS[system].items()
        ]


def stretch(server: Server, tab: Tab, how: str, variant: str, function: str, seconds: float) -> Sample:
    """Make calls for some seconds."""
    server.tell({"do": "compute", "how": how, "seconds": seconds + 0.5})
    found = tab.evaluate(CALL_FOR, [function, seconds])
    computed = server.answer()["rounds"] / (seconds + 0.5)
    return Sample(server.system, variant, found, extra={"worst_s": max(found), "computed_per_s": computed})
