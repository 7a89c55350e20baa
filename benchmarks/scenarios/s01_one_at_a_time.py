"""S1: the page awaits Python, one call at a time."""

from __future__ import annotations

from ..lab import Lab, Tab
from ..sample import ANY, Sample, Target
from ..server import Server

ID = "S1"
TITLE = "The page awaits Python, one call at a time"
SYSTEMS = ("floor-uvloop", "floor-asyncio", "floor-batch", "ours")
TARGETS = (
    Target("*", "seconds", 1.25),
    Target("async def", "cpu", 1.3),
    Target("def", "cpu", 1.7),
)
VARIANTS = {"def": "add", "async def": "add_async"}


def visit(system: str, lab: Lab) -> list[Sample]:
    """One fresh server and tab."""
    variants = {ANY: "add"} if system.startswith("floor") else VARIANTS
    with lab.serve(system) as server, lab.tab(server) as tab:
        return [measure(lab, server, tab, variant, name) for variant, name in variants.items()]


def measure(lab: Lab, server: Server, tab: Tab, variant: str, name: str) -> Sample:
    """One loop in the page."""
    count = lab.count(1000, 50)
    tab.evaluate("options => loops.sequence(options)", {"name": name, "count": count // 5})
    before = server.cpu()
    seconds = tab.evaluate("options => loops.sequence(options)", {"name": name, "count": count})
    return Sample(server.system, variant, seconds, (server.cpu() - before) / count)
