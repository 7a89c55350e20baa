"""Parts that several scenarios share."""

from __future__ import annotations

from typing import Any

from .lab import Tab
from .sample import ANY, Sample
from .server import Server

__all__ = ["FLOORS", "HANDLERS", "PEERS", "handlers", "in_page", "in_python"]

FLOORS = ("floor-uvloop", "floor-asyncio", "floor-batch", "raw-socket")
PEERS = ("eel", "socketio", "nicegui", "pywebview", "jsmeets-2020")
HANDLERS = {"def": "add", "async def": "add_async"}


def handlers(system: str) -> dict[str, str]:
    """Return the functions of Python that a page calls, by variant; a floor has one for both."""
    if system in FLOORS:
        return {ANY: "add"}
    if system in ("eel", "pywebview"):  # they know no coroutines
        return {"def": "add"}
    return HANDLERS


def in_page(server: Server, tab: Tab, variant: str, loop: str, per_run: int = 1, **options: Any) -> Sample:
    """Run a loop of driver.js with `per_run` operations in each run."""
    warm_up = max(1, options["count"] // 5)
    run = f"options => loops.{loop}(options)"
    tab.evaluate(run, {**options, "count": warm_up})
    before = server.cpu()
    seconds = tab.evaluate(run, options)
    return Sample(server.system, variant, seconds, (server.cpu() - before) / options["count"] / per_run)


def in_python(server: Server, variant: str, action: str, per_run: int = 1, **options: Any) -> Sample:
    """Run a loop of systems/calling.py on the main thread of the server."""
    server.ask({"do": action, **options, "count": max(1, options["count"] // 5)})
    before = server.cpu()
    seconds = server.ask({"do": action, **options})["seconds"]
    return Sample(server.system, variant, seconds, (server.cpu() - before) / options["count"] / per_run)
