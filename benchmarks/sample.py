"""Samples, which visits of systems return, and targets of scenarios."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

__all__ = ["ANY", "FLOOR", "Sample", "Target"]

FLOOR = "floor-uvloop"  # what the ratios are to
ANY = "any"  # the variant of a floor that is the same for all of a scenario's variants


@dataclass(frozen=True)
class Sample:
    """Measurement of one variant of a scenario, in one visit of one system.

    Attributes:
        system: Its name.
        variant: What of the scenario, such as `"async def"`; `ANY` where a floor has one for all of them.
        seconds: Per operation; one number per operation, or per burst of them.
        cpu: Seconds of the server's processors per operation; `None` where it is not told.
        extra: Other measures by name, such as `{"lost": 0.0}`.
    """

    system: str
    variant: str
    seconds: list[float]
    cpu: float | None = None
    extra: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Target:
    """Target for our own system.

    Attributes:
        variant: Of which variant; `"*"` for each (shell pattern).
        metric: `"seconds"` (the median), `"cpu"`, or a name in `Sample.extra`.
        bound: The number.
        direction: Whether it must stay below the bound, or above it.
        measure: `"ratio"` is ours / the floor's, `"speed-up"` the floor's / ours, `"difference"` ours - the floor's,
            all computed within a round; `"value"` is the number itself (of `seconds` the median).
        floor: The system compared with.
        rounds: `"median"`: over the rounds; or `"every"`: no round may miss the bound.
    """

    variant: str
    metric: str
    bound: float
    direction: Literal["<=", ">="] = "<="
    measure: Literal["ratio", "speed-up", "difference", "value"] = "ratio"
    floor: str = FLOOR
    rounds: Literal["median", "every"] = "median"
