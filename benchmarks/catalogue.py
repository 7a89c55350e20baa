"""The systems: what serves each, and the environment it needs."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CATALOGUE", "System"]


@dataclass(frozen=True)
class System:
    """One way to connect a page with Python.

    Attributes:
        script: Its server, in `benchmarks/systems`.
        arguments: For the script.
        packages: From PyPI, into an environment of its own; none: the environment of the harness.
        python: The version its environment needs, where not the harness's own.
        own_browser: Whether it brings its own instead of being opened in the common Chromium.
        about: What it is, for the table.
    """

    script: str
    about: str
    arguments: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    python: str | None = None
    own_browser: bool = False


CATALOGUE: dict[str, System] = {
    "floor-uvloop": System("floor.py", "raw ASGI on uvicorn with uvloop, one frame per call", ("uvloop",)),
    "floor-asyncio": System("floor.py", "the same on asyncio's own loop", ("asyncio",)),
    "floor-batch": System("floor.py", "the same on uvloop, one frame per turn, batched by hand", ("uvloop", "batch")),
    "ours": System("ours.py", "jsmeets_local, launch(mode='none')"),
}
