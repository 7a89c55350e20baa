"""S5: 1 MB of nested JSON, as the result of a call (down) and as its argument (up)."""

from __future__ import annotations

from ..lab import Lab
from ..sample import Sample, Target
from ..visits import FLOORS, PEERS, in_page

ID = "S5"
TITLE = "1 MB of nested JSON to the page (down) and to Python (up)"
SYSTEMS = (*FLOORS, *PEERS, "ours")
TARGETS = (Target("*", "seconds", 1.0, ">=", "speed-up"),)
SIZE = 1_000_000


def visit(system: str, lab: Lab) -> list[Sample]:
    """Measure with a fresh server and tab."""
    ways = ("down",) if system == "nicegui" else ("down", "up")  # its sockets take less than 1 MB
    with lab.serve(system) as server, lab.tab(server) as tab:
        return [in_page(server, tab, way, way, size=SIZE, count=lab.count(8, 2)) for way in ways]
