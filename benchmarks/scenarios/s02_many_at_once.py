"""S2: many calls of the page in flight, made in one turn of its event loop."""

from __future__ import annotations

from ..lab import Lab, Tab
from ..sample import Sample, Target
from ..server import Server
from ..visits import FLOORS, PEERS, handlers, in_page

ID = "S2"
TITLE = "Many calls of the page in flight, made in one turn"
SYSTEMS = (*FLOORS, *PEERS, "ours", "ours-asgi")
TARGETS = (
    Target("2000, async def", "seconds", 20, ">=", "speed-up"),
    Target("2000, def", "seconds", 10, ">=", "speed-up"),
    Target("10, *", "seconds", 4, ">=", "speed-up"),
)


def visit(system: str, lab: Lab) -> list[Sample]:
    """Measure with a fresh server and tab."""
    with lab.serve(system) as server, lab.tab(server) as tab:
        return [
            burst(server, tab, variant, name, size, count)
            for variant, name in handlers(system).items()
            for size, count in ((2000, lab.count(10, 1)), (10, lab.count(150, 5)))
        ]


def burst(server: Server, tab: Tab, variant: str, name: str, size: int, count: int) -> Sample:
    """`count` turns of `size` calls."""
    told = f"{size}, {variant}"
    return in_page(server, tab, told, "bursts", size, name=name, size=size, count=count)
