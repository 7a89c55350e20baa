"""Functions of every signature, whose TypeScript `use.ts` uses."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import pathlib
import typing
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Annotated, Any, BinaryIO, Literal, NamedTuple, NotRequired, TypedDict

import attrs
import msgspec
import numpy as np
import numpy.typing as npt
import pydantic

from jsmeets_local import Bridge, JSFunction, JsMeetsPy, JSProxy

app = JsMeetsPy(bridge=Bridge())


class Color(enum.Enum):
    RED = "red"
    GREEN = "green"


@dataclasses.dataclass
class Point:
    """A place."""

    x: float
    y: float = 0.0


class Event(msgspec.Struct, rename="camel"):
    """An event. It ends with */."""

    started_at: datetime.datetime
    color: Color
    where: Point
    files: dict[str, bytes] = {}


class User(pydantic.BaseModel):
    name: str
    age: int = 5


class Row(TypedDict):
    id: int
    note: NotRequired[str]


class Node(msgspec.Struct):
    value: int
    next: Node | None = None


class Pair(NamedTuple):
    left: int
    right: str


@attrs.define
class Box:
    width: float


@app.expose
def move(p: Point, dx: float = 0, *, speed: float) -> Point:
    """Move a point.

    It ends with */ here.
    """
    return p


@app.expose
def add2(a, b=2):  # type: ignore[no-untyped-def]
    return a


@app.expose
def rows(count: int, *more: str) -> Iterator[Row]:
    yield {"id": count}


@app.expose
async def arows() -> AsyncIterator[int]:
    yield 1


@app.expose
async def later(event: Event) -> Event:
    return event


@app.expose
def train(data: npt.NDArray[np.float32], progress: Callable[[int, Point], bool]) -> npt.NDArray[np.float32]:
    return data


@app.expose
def chain(node: Node, user: User | None = None, color: Color = Color.RED, **more: int) -> dict[int, User]:
    return {}


@app.expose
def many(
    a: Literal["x", "y", 5], b: set[int], c: tuple[int, str], d: bytes, e: pathlib.Path, f: Mapping[str, Any]
) -> bytes:
    return d


@app.expose
def times(
    when: datetime.date, clock: datetime.time, wait: datetime.timedelta, id: uuid.UUID, price: decimal.Decimal
) -> list[datetime.datetime | None]:
    return []


@app.expose
def live(callback: JSFunction, element: JSProxy, file: BinaryIO, items: Iterator[int]) -> Callable[[], int]:
    return int


@app.expose
def others(pair: Pair, box: Box, limited: Annotated[int, msgspec.Meta(ge=0)], array: np.ndarray, /) -> Pair:
    return pair


@app.expose
def unknown(a: Missing, class_: complex) -> Missing:  # type: ignore[name-defined]  # noqa: F821
    return a


@app.expose
def nothing() -> None:
    pass


app.functions.expose("upper", str.upper)
app.functions.expose("print", print)
app.functions.expose("a name", lambda: 1)


@app.expose
class Model:
    def fit(self, rate: float = 1.0) -> list[float]:
        """Fit it."""
        return [rate]

    async def save(self, *, path: str = "model") -> bool:
        return bool(path)


@app.pubsub.subscribe("time")
def on_time(topic: str, data: datetime.datetime) -> None:
    pass


app.queues.add_callback(typing.cast("Any", lambda key: None))
