"""S3: the main thread of Python calls the page and blocks, one call at a time."""

from __future__ import annotations

from ..lab import Lab
from ..sample import Sample, Target
from ..visits import FLOORS, PEERS, in_python

ID = "S3"
TITLE = "The main thread calls the page and blocks, one call at a time"
SYSTEMS = (*FLOORS, *PEERS, "ours")
TARGETS = (Target("*", "seconds", 1.15), Target("*", "cpu", 1.3))


def visit(system: str, lab: Lab) -> list[Sample]:
    """Measure with a fresh server and tab."""
    with lab.serve(system) as server, lab.tab(server):
        return [in_python(server, "blocking", "call_page", count=lab.count(500, 50))]
