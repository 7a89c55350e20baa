"""S4: 2,000 calls of the page's function in flight from Python."""

from __future__ import annotations

from ..lab import Lab
from ..sample import ANY, Sample, Target
from ..visits import FLOORS, PEERS, in_python

ID = "S4"
TITLE = "2,000 calls of the page in flight from Python"
SYSTEMS = (*FLOORS, *(peer for peer in PEERS if peer != "pywebview"), "ours")
REASONS = {"pywebview": "its evaluate_js blocks: one call at a time for each thread"}
TARGETS = (Target("*", "seconds", 20, ">=", "speed-up"),)
SIZE = 2000
OURS = {"page.map": "flood_by_map", "asyncio.run": "flood", "the bridge's loop": "flood_here"}


def visit(system: str, lab: Lab) -> list[Sample]:
    """Measure with a fresh server and tab; ours by a blocking line, and by tasks on two event loops."""
    actions = OURS if system == "ours" else {ANY: "flood"}
    with lab.serve(system) as server, lab.tab(server):
        return [
            in_python(server, variant, action, SIZE, size=SIZE, count=lab.count(10, 1))
            for variant, action in actions.items()
        ]
