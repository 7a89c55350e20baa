"""S8: how long the import takes, and `launch()` to the first call; how much memory that is."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from ..lab import Lab
from ..sample import FLOOR, Sample, Target

ID = "S8"
TITLE = "Import, launch() to the first call of a page, memory then"
SYSTEMS = (FLOOR, "ours")
TARGETS = (
    Target("import", "seconds", 1.25),
    Target("first call", "seconds", 1.3),
    Target("first call", "rss_mb", 8.0, measure="difference"),
)
SERVERS = Path(__file__).parents[1] / "servers"
SCRIPTS = {FLOOR: SERVERS / "first_floor.py", "ours": SERVERS / "first_ours.py"}
IMPORTS = {FLOOR: "starlette, uvicorn", "ours": "jsmeets_local"}
TIMED = """
import time
wall, cpu = time.perf_counter(), time.process_time()
import {}
print(time.perf_counter() - wall, time.process_time() - cpu)
"""


def visit(system: str, lab: Lab) -> list[Sample]:
    """Measure the import in fresh processes, and the rest with one server and tab."""
    return [imported(system, lab), first_call(system, lab)]


def imported(system: str, lab: Lab) -> Sample:
    """Measure with warm files and bytecode: the first process does not count."""
    with tempfile.TemporaryDirectory() as cache:
        runs = [run_import(lab.python(system), IMPORTS[system], cache) for _ in range(1 + lab.count(7, 2))][1:]
    return Sample(system, "import", [wall for wall, _ in runs], sum(cpu for _, cpu in runs) / len(runs))


def run_import(python: str, names: str, cache: str) -> tuple[float, float]:
    """Return wall and processor seconds in a fresh process."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": cache, "PYTHONPATH": os.pathsep.join(sys.path)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [python, "-c", TIMED.format(names)]
    wall, cpu = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.split()
    return float(wall), float(cpu)


def first_call(system: str, lab: Lab) -> Sample:
    """Measure `launch()` until a page can be requested, and in the page from the navigation to the answer.

    The time of the harness in between does not count, so a server that is still starting has no advantage.
    """
    lab.serve(system, SCRIPTS[system]).__exit__()  # compiles
    # Not isolated: Playwright, which would do that, holds up each file that a page loads by a way through itself.
    with lab.serve(system, SCRIPTS[system]) as server, lab.tab(server, isolated=False) as tab:
        launching = server.ask({"do": "launch"})["seconds"]
        value, loading = tab.evaluate("bench.first")
        if value != 11:
            raise AssertionError(f"a wrong answer: {value!r} for 11")
        memory = server.rss() / 1e6
    extra = {"rss_mb": memory, "launch_s": launching, "page_s": loading}
    return Sample(system, "first call", [launching + loading], extra=extra)
