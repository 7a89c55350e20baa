"""Values of the user on the wire."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import enum
import functools
import io
import json
import pathlib
import uuid
from typing import Any

import attrs
import msgspec
import numpy
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jsmeets_local.errors import MessageTooBig
from jsmeets_local.protocol.references import Handle, Imported, Ref, ref
from jsmeets_local.protocol.values import MAX_DEPTH, Payload, _dumps, _Walk, pack
from tests.protocol.packets import travelled
from tests.strategies import with_bytes


class Color(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


Point = collections.namedtuple("Point", "x y")


@dataclasses.dataclass
class Box:
    name: str
    inner: Any


@attrs.define
class Crate:
    size: int
    content: Any


class Model(pydantic.BaseModel):
    a: int
    when: datetime.date


class Record(msgspec.Struct):
    n: int


class Text(str):
    def __str__(self) -> str:
        return "not this"


class Whole(int):
    pass


class Table(dict[str, Any]):
    pass


class Moment(datetime.datetime):
    pass


class Day(datetime.date):
    pass


class Clock(datetime.time):
    pass


class Span(datetime.timedelta):
    pass


class Key(uuid.UUID):
    pass


class Price(decimal.Decimal):
    pass


U = uuid.UUID("12345678-1234-5678-1234-567812345678")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([1, 1.5, "a", None, True], [1, 1.5, "a", None, True]),
        ((1, (2,)), [1, [2]]),
        ({5}, [5]),
        (frozenset([5]), [5]),
        (collections.deque([1, 2]), [1, 2]),
        (range(3), [0, 1, 2]),
        ({"a": 1}.keys(), ["a"]),
        ({2: "i", 2.5: "f", False: "b", None: "n"}, {"2": "i", "2.5": "f", "false": "b", "null": "n"}),
        ([float("nan"), float("inf"), -float("inf")], [None, None, None]),
        (Point(1, 2), [1, 2]),
        (Color.RED, "red"),
        ({Color.RED: Level.HIGH}, {"red": 3}),
        (Box("b", {"in": Box("c", None)}), {"name": "b", "inner": {"in": {"name": "c", "inner": None}}}),
        (Crate(1, [Crate(2, None)]), {"size": 1, "content": [{"size": 2, "content": None}]}),
        (Model(a=1, when=datetime.date(2026, 1, 2)), {"a": 1, "when": "2026-01-02"}),
        (Record(4), {"n": 4}),
        (datetime.datetime(2026, 1, 2, 3, 4, 5), "2026-01-02T03:04:05"),
        (datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC), "2026-01-02T00:00:00Z"),
        (datetime.time(1, 2), "01:02:00"),
        (datetime.timedelta(days=1), "P1D"),
        (U, str(U)),
        ({U: 1, datetime.date(2026, 1, 2): 2}, {str(U): 1, "2026-01-02": 2}),
        (decimal.Decimal("1.50"), "1.50"),
        (pathlib.PurePosixPath("/a/b"), "/a/b"),
        (numpy.float64(1.5), 1.5),
        ([numpy.int32(4), numpy.bool_(True)], [4, True]),
        (Text("plain"), "plain"),
        (Moment(2026, 1, 2, 3, tzinfo=datetime.timezone(datetime.timedelta(hours=1))), "2026-01-02T03:00:00+01:00"),
        (Day(2026, 1, 2), "2026-01-02"),
        (Clock(1, 2, 3, 4), "01:02:03.000004"),
        (Span(days=1, microseconds=5), "P1DT0.000005S"),
        (Key(str(U)), str(U)),
        (Price("1.50"), "1.50"),
        ([Whole(3), Table(a=[Whole(4)])], [3, {"a": [4]}]),
        (["\ud800x", {"\udfff": 1}], ["\ud800x", {"\udfff": 1}]),
        (["\ud800", float("nan"), {"a": (float("inf"),)}], ["\ud800", None, {"a": [None]}]),
    ],
)
def test_natural_json(value: Any, expected: Any) -> None:
    payload = pack(value, "v")
    assert json.loads(payload.json) == expected
    assert payload.buffers == ()


class Foo:
    pass


@dataclasses.dataclass
class Net:
    weights: Any


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([{"model": Net(Foo())}], "args[0]['model'].weights: object of type test_values.Foo cannot be sent"),
        ([object()], "args[0]: object of type object cannot be sent"),
        ([{(1, 2): 3}], "args[0]: key (1, 2) of type tuple cannot be sent"),
        ([{"a": [1, {2}, 1j]}], "args[0]['a'][2]: object of type complex cannot be sent"),
        ([numpy.array([Foo()])], "args[0]: array of dtype object cannot be sent"),
        ([numpy.longdouble(1)], "args[0]: object of type numpy.longdouble cannot be sent"),
        ([object()], "; wrap it in ref() to send it by reference"),
        (
            [{"f": io.BytesIO()}],
            "args[0]['f']: an open file cannot be sent as data; send its read(), or wrap it in ref()",
        ),
        ([ref(io.StringIO())], "args[0]: the file is open as text; open it with mode 'rb'"),
        ([ref(pathlib.Path("/no such file"))], "cannot be sent to a page: FileNotFoundError"),
        (["\ud800", Foo()], "args[1]: object of type"),
        pytest.param(
            10**5000, "args: object of type int cannot be sent to a page: ValueError: Exceeds the limit", id="digits"
        ),
        pytest.param(
            {"a": range(10**30)},
            "args['a']: object of type range cannot be sent to a page: ValueError: it has more than 134217728 numbers",
            id="numbers without end",
        ),
        pytest.param(
            [{"a": [1, 10**5000]}],
            "args[0]['a'][1]: object of type int cannot be sent to a page: ValueError: Exceeds",
            id="digits inside",
        ),
        pytest.param(
            [{10**5000: 1}],
            "args[0]: object of type dict cannot be sent to a page: ValueError: Exceeds",
            id="digits of a key",
        ),
        pytest.param(
            ["\ud800", 10**5000],
            "args[1]: object of type int cannot be sent to a page: ValueError: Exceeds",
            id="digits on the slow way",
        ),
    ],
)
def test_unsupported_values_are_named_by_their_path(value: Any, text: str) -> None:
    with pytest.raises(TypeError) as caught:
        pack(value, "args")
    assert text in str(caught.value).replace("tests.protocol.", "")


def test_integers_of_4300_digits_are_sent() -> None:
    assert travelled([10**4299, [10**4299, {1}], {"a": -(10**4299)}]) == [10**4299, [10**4299, [1]], {"a": -(10**4299)}]


@pytest.mark.parametrize("value", [2**53, -(2**53), 2**63, 2**64, 2**70])
@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: [1, x], lambda x: {"a": {"b": x}}, lambda x: {1: {x}}])
def test_integers_that_javascript_numbers_do_not_hold_travel_as_digits(value: int, wrap: Any) -> None:
    payload = pack(wrap(value), "v")
    assert [(one.kind, one.facts) for one in payload.references] == [("bigint", (str(value),))]
    assert str(value) not in payload.json.decode()
    assert payload.is_bound()


@pytest.mark.parametrize("value", [2**53 - 1, -(2**53) + 1, 0, numpy.int64(2**53 - 1), True])
def test_other_integers_are_numbers(value: int) -> None:
    assert json.loads(pack([value], "v").json) == [value]
    assert pack([value], "v").references == pack(value, "v").references == ()


def clicked(event: Any) -> None: ...


async def ticks() -> Any:
    yield 1


class Callable:
    def __call__(self) -> None: ...


class Model:
    def fit(self) -> None: ...


MODEL, ITEMS, TICKS = Model(), iter([1]), ticks()


@pytest.mark.parametrize(
    ("value", "kind", "name"),
    [
        (clicked, "function", "clicked"),
        (print, "function", "print"),
        (MODEL.fit, "function", "fit"),
        (Model, "function", "Model"),
        (functools.partial(clicked, 1), "function", "clicked"),
        (Callable(), "function", "Callable"),
        (ref(clicked), "function", "clicked"),
        (ITEMS, "stream", None),
        (TICKS, "stream", None),
        (map(str, []), "stream", None),
        (ref(MODEL), "object", "Model"),
        (ref([1, 2]), "object", "list"),
        (ref({"a": 1}), "object", "dict"),
        (ref(Callable()), "object", "Callable"),
    ],
)
def test_what_is_sent_by_reference(value: Any, kind: str, name: str | None) -> None:
    payload = pack([0, {"a": [value]}], "args")
    (reference,) = payload.references
    assert json.loads(payload.json) == [0, {"a": [None]}]
    assert (reference.path, reference.kind) == ((1, "a", 0), kind)
    assert reference.facts == (() if name is None else (name,))
    assert reference.value is (value.value if isinstance(value, Ref) else value)
    assert not payload.is_bound()


def test_a_file_is_sent_by_reference_with_its_facts(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_bytes(b"a,b\n")
    with file.open("rb") as stream:
        payload = pack([ref(file), ref(stream), ref(io.BytesIO(b"abc"))], "args")
    modified = int(file.stat().st_mtime * 1000)
    facts = {"name": "rows.csv", "size": 4, "type": "text/csv", "modified": modified}
    assert [one.facts for one in payload.references] == [
        (facts,),
        (facts,),
        ({**facts, "name": "", "size": 3, "type": "", "modified": 0},),
    ]
    assert {one.kind for one in payload.references} == {"file"}


def test_objects_of_a_page_go_home() -> None:
    handle = Handle(None, 1, 7, "function")
    proxy = Imported(handle)
    (reference,) = pack({"f": proxy}, "args").references
    assert (reference.path, reference.kind, reference.value) == (("f",), "own", handle)
    proxy._handle = None
    with pytest.raises(TypeError, match=r"args\['f'\]: this object of a page was destroyed"):
        pack({"f": proxy}, "args")


def test_a_value_within_another_keeps_its_paths() -> None:
    payload = pack([b"x", 2**60], "args").within(b'[["call",', b"]]", (0, 1))
    assert json.loads(payload.json) == [["call", [None, None]]]
    assert [buffer.path for buffer in payload.buffers] == [(0, 1, 0)]
    assert [reference.path for reference in payload.references] == [(0, 1, 1)]


def test_cycles_are_refused() -> None:
    loop: list[Any] = [1]
    loop.append({"again": loop})
    with pytest.raises(TypeError, match=r"args\[1\]\['again'\]: contains a reference to itself"):
        pack(loop, "args")


def test_shared_values_are_not_cycles() -> None:
    shared = {"a": 1}
    assert json.loads(pack([shared, shared, b""], "v").json) == [{"a": 1}, {"a": 1}, None]


@pytest.mark.parametrize("leaf", [0, b"x"])
def test_depth(leaf: Any) -> None:
    def nested(levels: int) -> Any:
        value = leaf
        for _ in range(levels):
            value = [value]
        return value

    assert pack(nested(MAX_DEPTH), "v").json.count(b"[") == MAX_DEPTH
    with pytest.raises(TypeError, match="nested"):
        pack(nested(MAX_DEPTH + 1), "v")
    with pytest.raises(TypeError, match="nested"):
        pack(nested(100_000), "v")


def test_oversized_values_are_refused_before_they_are_sent() -> None:
    assert pack([b"x" * 70_000], "args", 100_000).buffers
    for value in (b"x" * 80_000, "x" * 80_000):
        with pytest.raises(MessageTooBig, match="args: 80"):
            pack([value], "args", 100_000)


def test_bytes_anywhere() -> None:
    value = {"a": [b"one", bytearray(b"two")], "b": {"c": memoryview(b"three"), "d": b""}, "e": 1}
    assert travelled(value) == {"a": [b"one", b"two"], "b": {"c": b"three", "d": b""}, "e": 1}
    assert travelled(b"alone") == b"alone"
    assert travelled({1: b"x"}) == {"1": b"x"}


def test_memoryviews_that_are_not_plain() -> None:
    assert travelled(memoryview(b"abcdef")[::2]) == b"ace"
    assert travelled(memoryview(b"abcd").cast("c")) == b"abcd"


def test_a_bytearray_may_change_after_it_was_packed() -> None:
    data = bytearray(b"before")
    payload = pack(data, "v")
    data[:] = b"behind"
    assert bytes(payload.buffers[0].data) == b"before"


@pytest.mark.parametrize(
    "array",
    [
        numpy.arange(5, dtype="f8"),
        numpy.arange(6, dtype="i4").reshape(2, 3),
        numpy.array([True, False]),
        numpy.arange(6, dtype=">u2").reshape(3, 2),
        numpy.arange(10, dtype="u1")[::3],
        numpy.asfortranarray(numpy.arange(6.0).reshape(2, 3)),
        numpy.zeros((0, 3), dtype="f4"),
        numpy.array(2.5),
        numpy.array([1, 2], dtype="u8"),
        numpy.array([1, 2], dtype="f2"),
    ],
)
def test_arrays(array: Any) -> None:
    result = travelled({"a": array})["a"]
    assert result.dtype == array.dtype.newbyteorder("=")
    assert result.shape == array.shape
    assert (result == array).all()


@given(with_bytes)
def test_round_trip(value: Any) -> None:
    assert travelled(value) == value


@given(st.text(alphabet=st.characters(codec=None, categories=None), max_size=20))
def test_every_string_survives(text: str) -> None:
    assert travelled([text, {text: text}]) == [text, {text: text}]


# Both ways through pack ----------------------------------------------------------------------------------------


class Text(str):
    pass


class Row(dict[str, Any]):
    pass


plain = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([2**53, 2**53 + 1, -(2**63), 2**64 - 1, 2**64, -(2**63) - 1, 10**40])
    | st.floats()
    | st.text(alphabet=st.characters(codec=None, categories=None), max_size=5)
)
special = st.sampled_from(
    [
        *(b"abc", bytearray(b"x"), memoryview(b"yz"), Text("t"), Row(a=1), Level.HIGH, Color.RED, Point(1, b"p")),
        *(Box("b", 2), Crate(1, None), {1, 2}, frozenset(), range(3), collections.deque([1]), decimal.Decimal("1.5")),
        *(datetime.date(2026, 1, 2), datetime.timedelta(1), uuid.UUID(int=7), pathlib.PurePosixPath("/a"), 1j),
        *(numpy.float64(1.5), numpy.arange(4), numpy.bool_(True), object(), int, ..., msgspec.UNSET, msgspec.Raw(b"1")),
    ]
)
keys = (
    st.text(max_size=3)
    | st.integers(-5, 5)
    | st.none()
    | st.booleans()
    | st.sampled_from([Text("k"), (1,), b"k", Color.RED])
)
nested = st.recursive(
    plain | special,
    lambda inner: (
        st.lists(inner, max_size=4) | st.lists(inner, max_size=3).map(tuple) | st.dictionaries(keys, inner, max_size=4)
    ),
    max_leaves=25,
)


def outcome(way: Any, value: Any) -> Any:
    """Return the value as a page receives it, or the text of the refusal."""
    try:
        payload = way(value)
    except TypeError as error:
        return str(error)
    buffers = [(buffer.path, buffer.dtype, bytes(buffer.data), buffer.shape) for buffer in payload.buffers]
    return json.loads(payload.json), buffers


def walked(value: Any) -> Payload:
    """Pack a value element by element."""
    walk = _Walk()
    return Payload(_dumps(walk.convert(value, (), "value")), tuple(walk.buffers))


@given(nested)
def test_the_fast_encoder_and_the_walk_agree(value: Any) -> None:
    assert outcome(lambda value: pack(value, "value"), value) == outcome(walked, value)


def test_children_that_know_their_parent_are_refused() -> None:
    """Walked level by level, they multiply by a hundred at each second level."""
    parent: dict[str, Any] = {"children": []}
    parent["children"] += [{"parent": parent} for _ in range(100)]
    with pytest.raises(TypeError, match=r"value\['children'\]\[0\]\['parent'\]: contains a reference to itself"):
        pack(parent, "value")


def test_objects_shared_at_many_levels_are_walked_once() -> None:
    value: list[Any] = []
    for _ in range(MAX_DEPTH - 1):
        value = [value]
    for _ in range(12):
        value = [value, value]
    with pytest.raises(TypeError, match=f"nested more than {MAX_DEPTH} levels deep"):
        pack(value, "value")
