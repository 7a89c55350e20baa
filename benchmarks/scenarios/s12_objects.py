"""S12: Python reads an attribute and calls a method of an object of the page, in turn with plain calls."""

from __future__ import annotations

from statistics import median

from ..lab import Lab
from ..sample import Sample, Target

ID = "S12"
TITLE = "The main thread uses an object of the page, one request at a time"
SYSTEMS = ("pywebview", "jspybridge", "ours")
TARGETS = (
    Target("attribute", "to page.call", 1.15, measure="value"),
    Target("method", "to page.call", 1.15, measure="value"),
)


def visit(system: str, lab: Lab) -> list[Sample]:
    """Measure with a fresh server and tab."""
    with lab.serve(system) as server, lab.tab(server):
        uses = server.ask({"do": "use_object", "count": lab.count(500, 50), "warm_up": lab.count(100, 10)})
        call = median(uses["call"])
        return [
            Sample(system, variant, seconds, extra={"to page.call": median(seconds) / call})
            for variant, seconds in uses.items()
        ]
