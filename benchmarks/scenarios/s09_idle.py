"""S9: the cost of an idle page in ten seconds."""

from __future__ import annotations

import time

from ..lab import Lab
from ..sample import FLOOR, Sample, Target

ID = "S9"
TITLE = "Idle, with one page connected"
SYSTEMS = (FLOOR, "ours")
TARGETS = (Target("10 s", "cpu", 0.05, measure="value"),)
REST = 2.0  # seconds after which what belongs to the start is over


def visit(system: str, lab: Lab) -> list[Sample]:
    """Read the processor time of the idle server twice."""
    seconds = lab.count(10, 1)
    with lab.serve(system) as server, lab.tab(server):
        time.sleep(REST)
        before = server.cpu()
        time.sleep(seconds)
        used = server.cpu() - before
    return [Sample(system, "10 s", [float(seconds)], used * 10 / seconds)]
