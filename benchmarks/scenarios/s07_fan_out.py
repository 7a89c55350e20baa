"""S7: one publisher, 50 pages: frames of one tab, each with a connection of its own."""

from __future__ import annotations

import time

from ..lab import Lab
from ..sample import ANY, Sample, Target
from ..visits import PEERS

ID = "S7"
TITLE = "One publisher, 50 pages (frames of one tab, each with its own socket), 2,000 messages (peers 500)"
SYSTEMS = ("floor-uvloop", "raw-socket", *(peer for peer in PEERS if peer != "pywebview"), "ours", "ours-asgi")
REASONS = {
    "pywebview": "has no publications; each window is its own browser",
    "floor-asyncio": "left out: it takes long, and floor-uvloop says the same",
    "floor-batch": "left out: a publisher that waits for each message has nothing to batch",
}
ROUNDS = 3  # at most: it takes long
TARGETS = (
    Target("*", "cpu", 1.5),
    Target("*", "lost", 0, measure="value", rounds="every"),
    Target("*", "disordered", 0, measure="value", rounds="every"),
)
PAGES = 50


def visit(system: str, lab: Lab) -> list[Sample]:
    """Measure with a fresh server and tab, from the start of the publisher until the last page has received all."""
    messages = lab.count(500 if system in PEERS else 2000, 20)  # the cost of a delivery is what is compared
    with lab.serve(system) as server, lab.tab(server, isolated=False) as tab:
        tab.evaluate("options => loops.listen(options)", {"count": PAGES})
        before, start = server.cpu(), time.perf_counter()
        server.tell({"do": "publish", "messages": messages})
        heard = tab.evaluate("options => loops.all_heard(options)", {"messages": messages})
        seconds = time.perf_counter() - start
        server.answer()
        deliveries = messages * PAGES
        return [Sample(system, ANY, [seconds / deliveries], (server.cpu() - before) / deliveries, heard)]
