"""S1: the page awaits Python, one call at a time."""

from __future__ import annotations

from ..lab import Lab
from ..sample import Sample, Target
from ..visits import FLOORS, PEERS, handlers, in_page

ID = "S1"
TITLE = "The page awaits Python, one call at a time"
SYSTEMS = (*FLOORS, *PEERS, "ours", "ours-asgi")
TARGETS = (
    Target("*", "seconds", 1.25),
    Target("async def", "cpu", 1.3),
    Target("def", "cpu", 1.7),
    Target("def", "cpu", 1.0, floor="eel", rounds="every"),
    Target("*", "cpu", 1.0, floor="socketio", rounds="every"),
)


def visit(system: str, lab: Lab) -> list[Sample]:
    """Measure with a fresh server and tab."""
    count = lab.count(500, 50)
    with lab.serve(system) as server, lab.tab(server) as tab:
        return [
            in_page(server, tab, variant, "sequence", name=name, count=count)
            for variant, name in handlers(system).items()
        ]
