"""S12: Python reads an attribute and calls a method of an object of the page, alternating with plain calls.

With Comlink, the page does this with an object of its worker.
"""

from __future__ import annotations

from statistics import median

from ..lab import Lab
from ..sample import Sample, Target

ID = "S12"
TITLE = "The main thread uses an object of the page, one request at a time"
SYSTEMS = ("pywebview", "jspybridge", "comlink", "ours")
TARGETS = (
    Target("attribute", "to page.call", 1.15, measure="value"),
    Target("method", "to page.call", 1.15, measure="value"),
)


def visit(system: str, lab: Lab) -> list[Sample]:
    """Measure with a fresh server and tab."""
    options = {"count": lab.count(500, 50), "warm_up": lab.count(100, 10)}
    with lab.serve(system) as server, lab.tab(server) as tab:
        in_page = system == "comlink"
        uses = tab.evaluate("useObject", options) if in_page else server.ask({"do": "use_object", **options})
        call = median(uses["call"])
        return [
            Sample(system, variant, seconds, extra={"to page.call": median(seconds) / call})
            for variant, seconds in uses.items()
        ]
