"""Conversion of arguments to the annotations of a function."""

from __future__ import annotations

import collections.abc
import dataclasses
import datetime
import decimal
import enum
import functools
import io
import json
import pathlib
import typing
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, TypedDict, no_type_check

import attrs
import msgspec
import numpy as np
import numpy.typing as npt
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jsmeets_local import JSFunction, JSProxy
from jsmeets_local.protocol.conversions import Mismatch
from jsmeets_local.protocol.functions import Function
from jsmeets_local.protocol.handles import Handle, ImportedStream
from jsmeets_local.protocol.signatures import is_annotated
from jsmeets_local.protocol.values import pack

if TYPE_CHECKING:
    from fractions import Fraction


class Color(enum.Enum):
    RED = "red"
    GREEN = "green"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Mixed(enum.Enum):
    ONE = 1
    TEXT = "text"


@dataclasses.dataclass
class Point:
    x: float
    y: float = 0.0


@dataclasses.dataclass
class Shape:
    name: str
    points: list[Point]
    where: pathlib.Path | None = None
    color: Color = Color.RED


class Row(TypedDict):
    id: int
    when: datetime.date


class Pair(NamedTuple):
    left: int
    right: str


class Item(msgspec.Struct, rename="camel", tag=True):
    id: uuid.UUID
    made_by: str | None
    price: decimal.Decimal
    tags: set[str] = set()


@attrs.define
class Box:
    width: float


class User(pydantic.BaseModel):
    name: str
    age: int = 5


def called(annotation: Any, *args: Any, **keywords: Any) -> Any:
    """Return what a function with a parameter of this annotation gets."""

    def move(value, *rest, **more):  # type: ignore[no-untyped-def]
        return value

    move.__annotations__ = {"value": annotation}
    return Function("move", move, exclusive=False, is_checked=is_annotated(move)).call("move", list(args), keywords)


def refusal(annotation: Any, value: Any) -> str:
    with pytest.raises(Mismatch) as caught:
        called(annotation, value)
    return str(caught.value).removeprefix("move: argument 'value' must be ")


def same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    return type(one) is type(other) and one == other


# Every type: what Python sends of a value comes back as the value ---------------------------------------------------

numbers = st.integers(-(2**53) + 1, 2**53 - 1)
floats = st.floats(allow_nan=False, allow_infinity=False)
points = st.builds(Point, floats, floats)
names = st.text(st.characters(codec="utf-8"))
minutes = st.timedeltas(datetime.timedelta(-3), datetime.timedelta(3))
CORPUS: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (bool, st.booleans()),
    (int, numbers),
    (float, floats),
    (str, names),
    (None, st.none()),
    (int | None, numbers | st.none()),
    (int | str, numbers | names),
    (Literal["a", "b"], st.sampled_from("ab")),
    (Literal[True, 1, "x"], st.sampled_from([True, 1, "x"])),
    (Color, st.sampled_from(Color)),
    (Level, st.sampled_from(Level)),
    (Mixed, st.sampled_from(Mixed)),
    (datetime.datetime, st.datetimes(timezones=st.just(datetime.UTC))),
    (datetime.date, st.dates()),
    (datetime.time, st.times()),
    (datetime.timedelta, minutes),
    (uuid.UUID, st.uuids()),
    (decimal.Decimal, st.decimals(allow_nan=False, allow_infinity=False)),
    (pathlib.PurePosixPath, st.builds(pathlib.PurePosixPath, st.sampled_from(["/a/b", "c", "."]))),
    (list[int], st.lists(numbers)),
    (tuple[int, str], st.tuples(numbers, names)),
    (tuple[float, ...], st.lists(floats).map(tuple)),
    (set[str], st.sets(names)),
    (frozenset[int], st.frozensets(numbers)),
    (dict[str, Point], st.dictionaries(names, points)),
    (dict[int, str], st.dictionaries(numbers, names)),
    (Mapping[str, int], st.dictionaries(names, numbers)),
    (Sequence[Point], st.lists(points)),
    (list[pathlib.PurePosixPath | None], st.lists(st.none() | st.just(pathlib.PurePosixPath("a")))),
    (list[datetime.date | int], st.lists(st.dates() | numbers)),
    (Point, points),
    (Shape, st.builds(Shape, names, st.lists(points, max_size=3), st.none() | st.just(pathlib.Path("a")))),
    (Row, st.builds(lambda id, when: Row(id=id, when=when), numbers, st.dates())),
    (Pair, st.builds(Pair, numbers, names)),
    (
        Item,
        st.builds(Item, st.uuids(), st.none() | names, st.just(decimal.Decimal("1.50")), st.sets(names, max_size=3)),
    ),
    (Box, st.builds(Box, floats)),
    (User, st.builds(User, name=names, age=numbers)),
    (list[User], st.lists(st.builds(User, name=names, age=numbers), max_size=3)),
    (Point | None, points | st.none()),
    (Annotated[int, msgspec.Meta(ge=0)], st.integers(0, 10)),
    (
        npt.NDArray[np.float32],
        st.lists(st.floats(width=32, allow_nan=False), max_size=5).map(lambda x: np.array(x, "f4")),
    ),
    (npt.NDArray[np.uint8], st.binary().map(lambda data: np.frombuffer(data, np.uint8))),
    (np.ndarray, st.just(np.arange(6).reshape(2, 3))),
]


@pytest.mark.parametrize(("annotation", "values"), CORPUS, ids=[str(annotation) for annotation, _ in CORPUS])
@given(data=st.data())
def test_values_come_back_as_they_were_sent(annotation: Any, values: st.SearchStrategy[Any], data: Any) -> None:
    value = data.draw(values)
    if isinstance(value, np.ndarray):
        sent = bytes(value) if value.dtype == np.uint8 else value  # as the codec gives it back
    else:
        (sent,) = json.loads(pack([value], "args").json)
    assert same(called(annotation, sent), value)
    assert same(called(annotation, value), value)  # an object of Python that comes home


# What else fits -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("annotation", "given", "expected"),
    [
        (float, 2, 2.0),
        (int, 2.0, 2),
        (int, "5", 5),
        (float, "1.5", 1.5),
        (bool, 1, True),
        (int, True, True),
        (int | str, "5", "5"),
        (float | None, 2, 2.0),
        (float | None, "2", 2.0),
        (str | float, 2, 2.0),
        (datetime.timedelta, 1.5, datetime.timedelta(seconds=1.5)),
        (datetime.datetime, "1970-01-01T00:00:00.000Z", datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)),
        (datetime.date | str, "no date", "no date"),
        (list[Any], (1, 2), [1, 2]),
        (Point, {"x": 1, "more": 2}, Point(1.0)),
        (tuple, [1, 2], (1, 2)),
        (list, np.array([1.5]), [1.5]),
        (Sequence[int], b"ab", [97, 98]),
        (tuple[int, ...], np.array([1, 2], "i2"), (1, 2)),
        (list[float] | None, np.array([1.5]), [1.5]),
        (pathlib.Path, "a/b", pathlib.Path("a/b")),
        (User, {"name": "a", "age": "7"}, User(name="a", age=7)),
        ("Point", {"x": 1}, Point(1.0)),
        (list["Point"], [{"x": 1}], [Point(1.0)]),
        (typing.NewType("Id", int), 5, 5),
        (npt.NDArray[np.float64], [1, 2], np.array([1.0, 2.0])),
        (npt.NDArray[np.uint8], [1, 2], np.array([1, 2], "u1")),
        (npt.NDArray[np.float64], np.array([1.5], "f4"), np.array([1.5])),
        (npt.NDArray[np.floating], np.array([1.5], "f4"), np.array([1.5], "f4")),
        (npt.NDArray[np.float32], [], np.array([], "f4")),
    ],
)  # fmt: skip
def test_lossless_conversions(annotation: Any, given: Any, expected: Any) -> None:
    assert same(called(annotation, given), expected)


@pytest.mark.parametrize(
    "annotation",
    [Any, object, complex, "Fraction", "nowhere.Thing", type, typing.Hashable, typing.TypeVar("T"), [int], 5, "1 +",
     list["Fraction"], Callable[..., Any] | Any],
)  # fmt: skip
def test_what_says_nothing_or_cannot_be_evaluated_is_left_as_it_is(annotation: Any) -> None:
    value = [object()]
    assert called(annotation, value) is value


def test_objects_of_the_page_are_left_as_they_are() -> None:
    proxies: list[Any] = [JSFunction.__new__(JSFunction), JSProxy.__new__(JSProxy)]
    for annotation in (Callable[[int], None], Callable, typing.Callable, JSFunction, JSProxy, JSFunction | None):  # type: ignore[attr-defined]
        assert called(annotation, proxies[0]) is proxies[0]
    assert refusal(JSFunction, proxies[1]) == "a JSFunction; got a JSProxy"
    assert refusal(int, proxies[1]) == "an int; got a JSProxy"
    assert called(typing.BinaryIO, stream := io.BytesIO()) is stream
    rows = iter([1])
    for annotation in (Iterator[int], Iterable[int], collections.abc.Iterator, Iterator[int] | None):
        assert called(annotation, rows) is rows
    assert refusal(AsyncIterator[int], [1]) == "an AsyncIterator[int]; got [1]"


class Stream(ImportedStream):
    """A stream of a page that has sent some items."""

    def __init__(self, *items: Any) -> None:
        super().__init__(Handle(None, 1, 1, "stream"))
        self.items = iter(items)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        item = next(self.items)
        return item if self._convert is None else self._convert(item)


def test_items_of_streams_are_converted_when_they_are_read() -> None:
    for annotation in (
        Iterator[Point],
        Iterable[Point],
        Iterator[Point] | None,
    ):
        stream = Stream({"x": 1}, {"x": 2, "y": 3})
        assert called(annotation, stream) is stream
        assert list(stream) == [Point(1.0), Point(2.0, 3.0)]
    assert [item.tolist() for item in called(Iterator[npt.NDArray[np.int16]], Stream([1]))] == [[1]]
    assert list(called(Iterator[Any], Stream(1, "a"))) == [1, "a"]
    assert list(called(list[Iterator[Point]], [Stream({"x": 1})])[0]) == [Point(1.0)]


@pytest.mark.parametrize(
    ("annotation", "item", "text"),
    [
        (Iterator[int], "a", "an Iterator[int]; value[1]: Expected `int`, got `str`"),
        (Iterator[Point], {"x": "a"}, "an Iterator[Point]; value[1].x: Expected `float`, got `str`"),
        (Iterable[Point], {}, "an Iterable[Point]; value[1]: Object missing required field `x`"),
        (Iterator[int | str] | None, [], "an Iterator[int | str] or None; value[1]: got []"),
    ],
)
def test_an_item_that_does_not_fit(annotation: Any, item: Any, text: str) -> None:
    good = {"x": 0} if "Point" in text else 0
    stream = called(annotation, Stream(good, item, good))
    next(stream)
    with pytest.raises(Mismatch) as caught:
        next(stream)
    assert str(caught.value) == f"move: argument 'value' must be {text}"
    next(stream)


def test_an_iterable_takes_an_array() -> None:
    assert called(Iterable[Point], [{"x": 1}]) == [Point(1.0)]
    assert called(Iterable[float], np.array([1.5])) == [1.5]
    assert refusal(Iterable[int], ["a"]) == "an Iterable[int]; value[0]: Expected `int`, got `str`"
    assert called(Iterable, "text") == "text"


@pytest.mark.parametrize(
    ("annotation", "value", "text"),
    [
        (float, "fast", "a float; got 'fast'"),
        (int, 2.5, "an int; got 2.5"),
        (int, None, "an int; got None (null, undefined or NaN in JavaScript)"),
        (bool, 2, "a bool; got 2"),
        (str, 5, "a str; got 5"),
        (bytes, "YWJj", "a bytes; got 'YWJj'"),
        (int | None, "x", "an int or None; got 'x'"),
        (Literal["a", "b"], "c", "'a' or 'b'; got 'c'"),
        (Literal[True, "b"], 1, "True or 'b'; got 1"),
        (Color, "blue", "'red' or 'green'; got 'blue'"),
        (Mixed, 2, "1 or 'text'; got 2"),
        (Point, 5, "a Point; got 5"),
        (Point, {"x": "far"}, "a Point; value.x: Expected `float`, got `str`"),
        (Point, {"y": 1}, "a Point; Object missing required field `x`"),
        (list[Point], [{"x": 1}, {"x": ""}], "a list[Point]; value[1].x: Expected `float`, got `str`"),
        (dict[str, int], {"a": "b"}, "a dict[str, int]; value[...]: Expected `int`, got `str`"),
        (dict[int, str], {"a": "b"}, "a dict[int, str]; value: Expected `int`, got `str`"),
        (Annotated[int, msgspec.Meta(ge=0)], -1, "an int; Expected `int` >= 0"),
        (datetime.datetime, 1.5, "a datetime; got 1.5"),
        (datetime.date, "tomorrow", "a date; got 'tomorrow'"),
        (uuid.UUID, "x", "a UUID; got 'x'"),
        (User, {"name": "a", "age": "old"}, "a User; age: Input should be a valid integer, unable to parse string as an integer"),
        (Shape, {"name": "a", "points": [], "where": 5}, "a Shape; value.where: Expected a str, got 5"),
        (Callable[[], None], 5, "a function; got 5"),
        (npt.NDArray[np.float32], np.array([1.5]), "an array of float32; got one of float64"),
        (npt.NDArray[np.int32], [1.5], "an array of int32; got one of float64"),
        (npt.NDArray[np.float32], ["a"], "an array of float32; got ['a']"),
        (npt.NDArray[np.float32], 5, "an array of float32; got 5"),
        (Sequence[int], 5, "a Sequence[int]; got 5"),
    ],
)  # fmt: skip
def test_a_mismatch_names_the_function_the_argument_and_what_was_expected(
    annotation: Any, value: Any, text: str
) -> None:
    assert refusal(annotation, value) == text


def test_an_overflow_is_a_mismatch() -> None:
    assert refusal(npt.NDArray[np.uint8], [300]).startswith("an array of uint8; ")
    assert refusal(float, 10**400).startswith("a float; ")


# Parameters ---------------------------------------------------------------------------------------------------------


def test_every_kind_of_parameter_is_converted() -> None:
    def every(a: float, /, b: float, *rest: float, c: float = 1, **more: float) -> list[Any]:
        return [a, b, *rest, c, more]

    function = Function("every", every, exclusive=False, is_checked=True)
    assert repr(function.call("every", [1, 2, 3], {"c": 4, "d": 5})) == "[1.0, 2.0, 3.0, 4.0, {'d': 5.0}]"
    for args, keywords, name in [
        ([""], {}, "a"),
        ([1, 2, ""], {}, "rest"),
        ([1], {"b": ""}, "b"),
        ([1, 2], {"d": ""}, "more"),
    ]:
        with pytest.raises(Mismatch, match=f"every: argument '{name}' must be a float; got ''"):
            function.call("every", args, keywords)
    with pytest.raises(TypeError, match="unexpected keyword argument 'e'"):
        Function("f", lambda a: a, exclusive=False).call("f", [1], {"e": 1})


def test_none_fits_where_it_is_the_default() -> None:
    def f(a: int = None) -> Any:  # type: ignore[assignment]  # noqa: RUF013 - as programs of 2020 say it
        return a

    function = Function("f", f, exclusive=False, is_checked=is_annotated(f))
    assert [function.call("f", [None], {}), function.call("f", [5], {}), function.call("f", [], {})] == [None, 5, None]


def test_bound_partial_cached_and_callable_objects_are_converted() -> None:
    class Model:
        def fit(self, rate: float) -> float:
            return rate

        def __call__(self, rate: float) -> float:
            return rate

    def scale(by: float, rate: float) -> float:
        return rate

    cached = functools.lru_cache(scale)
    for func in (Model().fit, Model(), functools.partial(scale, 1.0), functools.partial(cached, 1.0)):
        assert is_annotated(func)
        assert repr(Function("f", func, exclusive=False, is_checked=True).call("f", [2], {})) == "2.0"


def test_functions_without_annotations_are_told_without_running_code_of_the_user() -> None:
    class Odd:
        def __getattr__(self, name: str) -> Any:
            raise AssertionError(name)

        def __call__(self, a):  # type: ignore[no-untyped-def]
            return a

    def result_only(a) -> int:  # type: ignore[no-untyped-def]
        return 1

    @no_type_check
    def unchecked(a: int) -> int:
        return a

    for func in (len, str.upper, Odd(), result_only, unchecked, lambda a: a, functools.partial(print)):
        assert not is_annotated(func)


def test_a_class_of_a_function_is_found_where_the_function_uses_it() -> None:
    @dataclasses.dataclass
    class Local:
        a: float

    def used(value: Local) -> Any:
        return isinstance(value, Local)

    def unused(value: Local) -> Any:
        return value

    assert Function("used", used, exclusive=False, is_checked=True).call("used", [{"a": 1}], {}) is True
    function = Function("unused", unused, exclusive=False, is_checked=True)
    assert function.call("f", [{"a": 1}], {}) == {"a": 1}
    assert function.signature is not None
    assert "Local" in function.signature.unchecked["value"]


def test_an_error_of_the_users_class_is_no_mismatch() -> None:
    @dataclasses.dataclass
    class Bad:
        a: int

        def __post_init__(self) -> None:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        called(Bad, {"a": 1})


class Hostile(type):
    def __hash__(cls) -> int:
        raise RuntimeError("no hash")

    def __instancecheck__(cls, instance: object) -> bool:
        raise RuntimeError("no check")

    def __or__(cls, other: object) -> Any:
        raise RuntimeError("no union")


class Guarded(metaclass=Hostile):
    pass


class Empty(enum.Enum):
    pass


class Stamp(datetime.datetime):
    """A subclass of a type that msgspec knows, as `pandas.Timestamp` is."""


@pytest.mark.parametrize(
    "annotation", [Guarded, list[Guarded], Stamp, np.float64, "__import__('sys').exit(3)", "1 / 0"]
)
def test_annotations_that_raise_or_are_subclasses_are_not_checked(annotation: Any) -> None:
    assert called(annotation, [5]) == [5]


@pytest.mark.parametrize("annotation", [5, [int], Guarded])
def test_an_annotation_that_is_no_type_may_have_the_default_none(annotation: Any) -> None:
    def func(value: Any = None) -> Any:
        return value

    func.__annotations__["value"] = annotation
    assert Function("func", func, exclusive=False, is_checked=True).call("func", [5], {}) == 5


def test_values_that_raise_and_enumerations_without_members() -> None:
    class Evil:
        def __repr__(self) -> str:
            raise RuntimeError("no text")

        def __eq__(self, other: object) -> bool:
            raise RuntimeError("no equality")

    for annotation in (int, int | str | None, Literal["a"], Color, list[int], Callable):
        assert "; got <Evil instance" in refusal(annotation, Evil())
    assert refusal(Empty, 1) == "nothing; got 1"


def test_builtin_callables_are_told_at_once() -> None:
    for func in (print, [].append, dict, functools.partial(functools.partial(print, 1), 2)):
        assert not is_annotated(func)
