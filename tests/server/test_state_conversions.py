"""Changes in typed fields of a state: a part that is converted alone becomes what it becomes in the whole field."""

from __future__ import annotations

import dataclasses
import datetime
import enum
from collections.abc import Callable
from typing import Annotated, Any, Literal
from unittest.mock import patch

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from jsmeets_local import Bridge, JsMeetsPy
from jsmeets_local.api import state as states


class Level(enum.Enum):
    """Two levels."""

    LOW = "low"
    HIGH = "high"


@dataclasses.dataclass
class Row:
    """Fields that do not depend on each other."""

    count: int
    share: float = 0.5
    level: Level = Level.LOW
    inner: list[Row] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Span:
    """Fields that depend on each other."""

    low: int = 5
    high: int = 6

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError("low is above high")


@dataclasses.dataclass
class Everything:
    """Annotations of all kinds."""

    numbers: list[int] = dataclasses.field(default_factory=lambda: [1, 2])
    shares: dict[str, float] = dataclasses.field(default_factory=lambda: {"a": 0.5})
    rows: list[Row] = dataclasses.field(default_factory=lambda: [Row(1, inner=[Row(2)])])
    named: dict[str, list[Row]] = dataclasses.field(default_factory=lambda: {"a": [Row(3)]})
    spans: list[Span] = dataclasses.field(default_factory=lambda: [Span()])
    span: Span = dataclasses.field(default_factory=Span)
    row: Row = dataclasses.field(default_factory=lambda: Row(4))
    few: Annotated[list[int], msgspec.Meta(max_length=2)] = dataclasses.field(default_factory=lambda: [1, 2])
    small: list[Annotated[int, msgspec.Meta(le=3)]] = dataclasses.field(default_factory=lambda: [1])
    times: list[datetime.date] = dataclasses.field(default_factory=lambda: [datetime.date(2026, 1, 1)])
    pairs: list[tuple[int, str]] = dataclasses.field(default_factory=lambda: [(1, "a")])
    unique: set[int] = dataclasses.field(default_factory=lambda: {1})
    maybe: list[int] | None = dataclasses.field(default_factory=lambda: [1])
    known: dict[Literal["a", "low"], int] = dataclasses.field(default_factory=lambda: {"a": 1})
    free: list = dataclasses.field(default_factory=lambda: [1, {"a": [1]}])  # type: ignore[type-arg]
    any: dict[str, Any] = dataclasses.field(default_factory=lambda: {"a": [1]})


LEAVES = st.sampled_from([1, 2.5, "a", "low", "2026-02-03", None, True, Level.HIGH, Row(5), Span(1, 2)])
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(st.sampled_from(["a", "count", "low", "high", "share", "inner"]), inner, max_size=3),
    ),
    max_leaves=4,
)


def containers(value: Any, path: tuple[Any, ...]) -> list[tuple[tuple[Any, ...], list[str]]]:
    """Return the path of each container in a value, and its keys."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    below = [found for step, item in items for found in containers(item, (*path, step))]
    keys = [*value, "new"] if isinstance(value, dict) else ["none"]
    return [(path, keys), *below] if isinstance(value, (dict, list)) else []


def change(state: Any, path: tuple[Any, ...], kind: int, step: Any, value: Any) -> str:
    """Change a container of a state; return the error."""
    container = getattr(state, path[0])
    for key in path[1:]:
        container = container[key]
    try:
        if isinstance(container, dict) and kind:
            container[step] = value
        elif isinstance(container, dict):
            container.pop(step)
        elif kind == 0:
            container.pop()
        elif kind == 1:
            container.insert(0, value)
        elif kind == 2:
            container[-1] = value
        else:
            container[:1] = [value, value]
    except (TypeError, ValueError, LookupError) as error:
        return repr(error)
    return ""


@given(st.data())
def test_a_part_is_converted_as_in_the_whole(data: st.DataObject) -> None:
    in_parts, as_whole = (JsMeetsPy(bridge=Bridge()).state(Everything) for _ in range(2))
    for _ in range(data.draw(st.integers(1, 6))):
        name, value = data.draw(st.sampled_from(in_parts._store.values()))
        path, keys = data.draw(st.sampled_from(containers(value, (name,)) or [((name,), [])]))
        if not keys:  # it is None
            continue
        value = data.draw(st.one_of(st.integers(-1, 9), LEAVES, VALUES))
        arguments = (path, data.draw(st.integers(0, 3)), data.draw(st.sampled_from(keys)), value)
        error = change(in_parts, *arguments)
        with patch.object(states, "_part", lambda kind, step: None):
            assert error == change(as_whole, *arguments)
        assert repr(in_parts._store.values()) == repr(as_whole._store.values())


@dataclasses.dataclass
class Counted:
    """Class that counts its conversions."""

    x: int = 0
    made = 0

    def __post_init__(self) -> None:
        Counted.made += 1


@dataclasses.dataclass
class Counts:
    """Many items, in lists that are converted in parts, and as a whole."""

    items: list[Counted]
    table: dict[str, list[Counted]]
    maybe: list[Counted] | None


def test_a_change_converts_what_it_changes() -> None:
    many = [Counted(index) for index in range(1000)]
    state = JsMeetsPy(bridge=Bridge()).state(Counts(many, {"a": many}, many))

    def made_by(run: Callable[[], object]) -> int:
        Counted.made = 0
        run()
        return Counted.made

    assert made_by(lambda: state.items.append({"x": 1})) == 1
    assert made_by(lambda: state.items[5].update(x=2)) == 1
    assert made_by(lambda: state.items.pop(0)) == 0
    assert made_by(lambda: state.table["a"].insert(0, {})) == 1
    assert made_by(lambda: state.table.pop("a")) == 0
    assert made_by(lambda: state.maybe.append({})) == 1001  # its annotation applies to the whole
    assert len(state.items) == 1000
