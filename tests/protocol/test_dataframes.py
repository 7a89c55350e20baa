"""Data frames of pandas and polars: their form in a page, and their way back with `to_frame`."""

from __future__ import annotations

import datetime
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from polars.testing import assert_frame_equal as assert_polars_equal

from jsmeets_local.errors import MissingExtra
from jsmeets_local.protocol.values import pack
from jsmeets_local.values import to_frame
from tests.protocol.packets import travelled

NOON = datetime.datetime(2024, 5, 6, 12, 0, 0, 123)


def plain(column: Any) -> Any:
    """Return lists for arrays, with `None` for nan."""
    values = column.tolist() if hasattr(column, "tolist") else column
    return [None if value != value else value for value in values]


# In the page -------------------------------------------------------------------------------------------------------


def test_a_pandas_data_frame_in_the_page() -> None:
    frame = pd.DataFrame({"n": [1, 2], "x": [0.5, None], "who": ["ada", None], "when": pd.to_datetime([NOON, None])})
    value = travelled({"frame": frame})["frame"]
    assert list(value) == ["columns", "data", "index", "dtypes"]
    assert value["columns"] == ["n", "x", "who", "when"]
    assert value["index"] is None
    assert {name: plain(column) for name, column in value["data"].items()} == {
        "n": [1, 2],
        "x": [0.5, None],
        "who": ["ada", None],
        "when": [NOON.replace(tzinfo=datetime.UTC).timestamp() * 1000, None],
    }
    assert [getattr(column, "dtype", None) for column in value["data"].values()] == [
        "float64",
        "float64",
        None,
        "float64",
    ]
    assert value["dtypes"] == {name: str(dtype) for name, dtype in frame.dtypes.items()}


@pytest.mark.parametrize("dtype", ["int64", "uint64", "Int64"])
@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([], "float64"),
        ([0, 2**53 - 1], "float64"),
        ([2**53], None),
        ([2**63 - 1, 1], None),
        ([-(2**53) + 1], "float64"),
        ([-(2**53)], None),
    ],
)
def test_integers_of_64_bits_are_numbers_if_all_of_a_column_are_exact(
    dtype: str, values: list[int], kind: str | None
) -> None:
    if dtype == "uint64" and min(values, default=0) < 0:
        pytest.skip("uint64 has no negative numbers")
    frame = pd.DataFrame({"n": pd.Series(values, dtype=dtype)})
    value = travelled(frame)
    assert value["data"]["n"].dtype == (kind or dtype.lower())
    assert value["dtypes"] == {"n": dtype}
    pd.testing.assert_frame_equal(to_frame(value), frame)
    other = pl.DataFrame({"n": pl.Series(values, dtype=pl.UInt64 if dtype == "uint64" else pl.Int64)})
    value = travelled(other)
    assert value["data"]["n"].dtype == (kind or dtype.lower())
    assert to_frame(value, "polars").equals(other)
    assert to_frame(value, "polars").schema == other.schema


def test_an_index_of_whole_numbers_is_one_of_numbers() -> None:
    frame = pd.DataFrame({"x": [1.5, 2.5]}, index=[10, 20])
    value = travelled(frame)
    assert (value["index"]["data"].dtype, value["index"]["dtype"]) == ("float64", "int64")
    pd.testing.assert_frame_equal(to_frame(value), frame)


def test_a_polars_data_frame_in_the_page() -> None:
    frame = pl.DataFrame({"n": [1, None], "who": ["ada", None], "when": [NOON, None], "day": [NOON.date(), None]})
    value = travelled(frame)
    assert value["columns"] == ["n", "who", "when", "day"]
    assert value["dtypes"] == {"n": "Int64", "who": "string", "when": "datetime64[us]", "day": "date"}
    assert plain(value["data"]["n"]) == [1, None]
    assert value["data"]["who"] == ["ada", None]
    assert plain(value["data"]["day"]) == [datetime.datetime(2024, 5, 6, tzinfo=datetime.UTC).timestamp() * 1000, None]


def test_series_become_data_frames_of_one_column() -> None:
    series = pd.Series([1.5, 2.5], index=["a", "b"], name="x")
    value = travelled(series)
    assert (value["columns"], plain(value["data"]["x"])) == (["x"], [1.5, 2.5])
    assert value["index"] == {"name": None, "data": ["a", "b"], "dtype": str(series.index.dtype)}
    assert travelled(pd.Series([1]))["columns"] == [0]
    assert travelled(pl.Series("x", [1.5]))["columns"] == ["x"]


def test_nullable_integers() -> None:
    """They are exact without missing values, and float64 with nan otherwise, as pandas does elsewhere."""
    whole = travelled(pd.Series([2**60, 1], dtype="Int64"))["data"]["0"]
    assert (whole.dtype, whole.tolist()) == ("int64", [2**60, 1])
    missing = travelled(pd.Series([1, None], dtype="UInt8"))["data"]["0"]
    assert (missing.dtype, plain(missing)) == ("float64", [1, None])
    flags = travelled(pd.Series([True, None], dtype="boolean"))["data"]["0"]
    assert flags == [True, None]
    assert travelled(pd.Series([True, False], dtype="boolean"))["data"]["0"].dtype == "bool"


def test_pandas_values_outside_a_data_frame() -> None:
    assert travelled([pd.NA, pd.NaT, pd.Timestamp(NOON), pd.Timedelta("90s")]) == [
        None,
        None,
        NOON.isoformat(),
        "PT90S",
    ]
    assert travelled(pd.Categorical([1, 2])).tolist() == [1, 2]


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (lambda: pd.DataFrame([[1, 2]], columns=["a", "a"]), "args[0]: two columns are named 'a'"),
        (lambda: pd.DataFrame([[1, 2]], columns=["1", 1]), "args[0]: two columns are named '1'"),
        (
            lambda: pd.DataFrame([[1]], columns=[("a", 1)]),
            "args[0]: the columns have several levels; join their names",
        ),
        (
            lambda: pd.DataFrame({"a": [1]}, index=[[1], [2]]),
            "args[0]: the index has several levels; send r",
        ),
        (lambda: pd.DataFrame({"a": [1, 1j]}), "args[0]['data']['a']: array of dtype complex128 cannot be sent"),
        (lambda: pd.DataFrame({"a": [1, object()]}), "args[0]['data']['a'][1]: object of type object cannot be sent"),
        (lambda: pl.LazyFrame({"a": [1]}), "args[0]: object of type polars.lazyframe.frame.LazyFrame cannot be sent"),
    ],
)
def test_unsupported_values_are_refused(made: Callable[[], Any], text: str) -> None:
    with pytest.raises(TypeError) as caught:
        pack([made()], "args")
    assert str(caught.value).startswith(text)


# And back ----------------------------------------------------------------------------------------------------------

PANDAS = {
    "int64": [1, -(2**62)],
    "int8": pd.Series([-1, 1], dtype="int8"),
    "uint8": pd.Series([0, 255], dtype="uint8"),
    "float64": [0.1, None],
    "float32": pd.Series([0.1, float("inf")], dtype="float32"),
    "bool": [True, False],
    "text": ["a", None],
    "string": pd.Series(["a", None], dtype="string"),
    "object": pd.Series(["a", None], dtype="object"),
    "lists": [[1, {"b": None}], None],
    "category": pd.Categorical(["b", None]),
    "Int64": pd.array([1, None], "Int64"),
    "Int64 full": pd.array([1, 2**62], "Int64"),
    "UInt8": pd.array([1, 2], "UInt8"),
    "Float64": pd.array([0.5, None], "Float64"),
    "boolean": pd.array([True, None], "boolean"),
    "s": pd.to_datetime([NOON.replace(microsecond=0), None]).astype("datetime64[s]"),
    "us": pd.to_datetime([NOON, None]).astype("datetime64[us]"),
    "ns": pd.to_datetime([NOON, None]).astype("datetime64[ns]"),
    "zone": pd.to_datetime([NOON, None]).tz_localize("Europe/Berlin"),
    "duration": pd.to_timedelta([1, None], "ns").astype("timedelta64[ns]"),
}


@pytest.mark.parametrize("name", PANDAS)
def test_columns_of_pandas_come_back(name: str) -> None:
    frame = pd.DataFrame({name: PANDAS[name]})
    assert_frame_equal(to_frame(travelled(frame)), frame)


def test_all_pandas_columns_in_one_data_frame() -> None:
    frame = pd.DataFrame(PANDAS)
    assert_frame_equal(to_frame(travelled(frame)), frame)
    same = frame.drop(columns="lists")  # polars lists have one item type
    assert to_frame(travelled(same), "polars").shape == same.shape


@pytest.mark.parametrize(
    "index",
    [
        pd.Index(["p", "q"], name="who"),
        pd.Index([5, 3]),
        pd.RangeIndex(2, name="row"),
        pd.DatetimeIndex([NOON, None], name="when"),
        pd.DatetimeIndex([NOON, NOON], tz="UTC"),
        pd.Index(["same", "same"], name=7),
    ],
)
def test_an_index_survives_the_round_trip(index: Any) -> None:
    frame = pd.DataFrame({"x": [1.5, 2.5], 3: ["a", "b"]}, index=index)
    assert_frame_equal(to_frame(travelled(frame)), frame, check_index_type="equiv")


def test_empty_data_frames() -> None:
    for frame in (pd.DataFrame({"a": pd.Series([], dtype="float64")}), pd.DataFrame(index=["a", "b"])):
        back = to_frame(travelled(frame))
        assert back.shape == frame.shape
        assert list(back.index) == list(frame.index)
    assert to_frame(travelled(pl.DataFrame()), "polars").shape == (0, 0)


POLARS = {
    "int": pl.Series([1, -(2**62)]),
    "int with nulls": pl.Series([1, None]),
    "uint8": pl.Series([0, 255], dtype=pl.UInt8),
    "int16": pl.Series([0, None], dtype=pl.Int16),
    "float": pl.Series([0.5, float("nan")]),
    "float with nulls": pl.Series([0.5, None]),
    "float32": pl.Series([0.5, 0.1], dtype=pl.Float32),
    "bool": pl.Series([True, False]),
    "bool with nulls": pl.Series([True, None]),
    "text": pl.Series(["a", None]),
    "category": pl.Series(["b", None], dtype=pl.Categorical),
    "datetime": pl.Series([NOON, None]),
    "ms": pl.Series([NOON.replace(microsecond=0), None], dtype=pl.Datetime("ms")),
    "ns": pl.Series([NOON, None], dtype=pl.Datetime("ns")),
    "zone": pl.Series([NOON, None], dtype=pl.Datetime("us", "Europe/Berlin")),
    "date": pl.Series([NOON.date(), None]),
    "duration": pl.Series([datetime.timedelta(microseconds=-7), None]),
    "duration in ns": pl.Series([5, None], dtype=pl.Duration("ns")),
    "lists": pl.Series([[1, 2], None]),
    "records": pl.Series([{"a": 1, "b": "x"}, {"a": None, "b": "y"}]),
    "nothing": pl.Series([None, None]),
}


@pytest.mark.parametrize("name", POLARS)
def test_columns_of_polars_come_back(name: str) -> None:
    frame = pl.DataFrame([POLARS[name].alias(name)])
    assert_polars_equal(to_frame(travelled(frame), "polars"), frame)


def test_columns_that_polars_receives_as_text() -> None:
    frame = pl.DataFrame({"time": [datetime.time(1, 2)], "decimal": pl.Series(["1.50"]).cast(pl.Decimal(10, 2))})
    assert to_frame(travelled(frame), "polars").to_dicts() == [{"time": "01:02:00", "decimal": "1.50"}]


def test_between_pandas_and_polars() -> None:
    sent = pd.DataFrame(
        {"x": [1.5, 2.5], "when": pd.to_datetime([NOON, None]).astype("datetime64[s]")}, index=["a", "b"]
    )
    back = to_frame(travelled(sent), "polars")
    assert back.columns == ["index", "x", "when"]
    assert back["index"].to_list() == ["a", "b"]
    assert back["when"].to_list() == [NOON.replace(microsecond=0), None]
    day = to_frame(travelled(pl.DataFrame({"day": [NOON.date()], "n": [None]}, schema_overrides={"n": pl.Int64})))
    assert day["day"].tolist() == [pd.Timestamp("2024-05-06")]
    assert (str(day["n"].dtype), day["n"].isna().all()) == ("Int64", True)


def test_a_data_frame_made_by_a_page() -> None:
    value = {"data": {"x": [1, 2], "name": ["a", None]}, "dtypes": {"x": "float64"}}
    frame = to_frame(value)
    assert (list(frame.columns), frame["x"].dtype, frame["name"].tolist()[0]) == (["x", "name"], "float64", "a")
    assert to_frame(value, "polars").rows() == [(1.0, "a"), (2.0, None)]
    ordered = to_frame({"columns": ["b", 1], "data": {"1": [0], "b": [1]}, "index": {"data": ["row"]}})
    assert (list(ordered.columns), list(ordered.index)) == (["b", 1], ["row"])
    assert list(to_frame({"data": {"x": [1, 2]}, "index": ["a", "b"]}).index) == ["a", "b"]
    when = to_frame({"data": {"t": [0, None, 1.5]}, "dtypes": {"t": "datetime64[ms]"}})["t"]
    assert when.isna().tolist() == [False, True, False]
    bytes_of_page = to_frame({"data": {"level": b"\x01\xff"}})
    assert bytes_of_page["level"].tolist() == [1, 255]


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        ([1], "pandas", "to_frame takes a data frame from a page"),
        ({"columns": ["a"]}, "pandas", "to_frame takes a data frame from a page"),
        ({"columns": ["a", "b"], "data": {"a": [1]}}, "pandas", "the data has no column 'b'"),
        ({"data": {"a": [1], "b": [1, 2]}}, "polars", r"have different lengths: \[1, 2\]"),
        ({"data": {"a": [1]}, "index": {"data": [1, 2]}}, "pandas", r"have different lengths: \[1, 2\]"),
        ({"data": {"a": [1]}, "index": {"name": "i"}}, "pandas", "the index has no 'data'"),
        ({"data": {}}, "dask", "kind must be 'pandas' or 'polars'; got 'dask'"),
    ],
)
def test_malformed_data_frames_are_refused(value: Any, kind: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        to_frame(value, kind)


@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_without_the_data_frame_library(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, kind, None)
    with pytest.raises(MissingExtra, match=f"to_frame needs {kind}: pip install {kind}"):
        to_frame({"data": {"x": [1]}}, kind)


CELLS: dict[str, Any] = {
    "int64": st.integers(-(2**63), 2**63 - 1),
    "float64": st.floats(),
    "bool": st.booleans(),
    "object": st.text() | st.none(),
    "string": st.text() | st.none(),
    "Int32": st.integers(-(2**31), 2**31 - 1) | st.none(),
    "boolean": st.booleans() | st.none(),
    "datetime64[us]": st.datetimes(datetime.datetime(1700, 1, 1), datetime.datetime(2240, 1, 1)) | st.none(),
    "timedelta64[us]": st.timedeltas(datetime.timedelta(-10000), datetime.timedelta(10000)) | st.none(),
}


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    rows = draw(st.integers(0, 4))
    dtypes = draw(
        st.dictionaries(st.text(max_size=3) | st.integers(0, 99), st.sampled_from(list(CELLS)), min_size=1, max_size=5)
    )
    names = {str(name): name for name in dtypes}.values()
    made = {name: pd.Series([draw(CELLS[dtypes[name]]) for _ in range(rows)], dtype=dtypes[name]) for name in names}
    return pd.DataFrame(made, index=range(rows))


@given(frames())
@example(pd.DataFrame({"": pd.to_datetime(["1830-01-01T00:00:00.000511"]).astype("datetime64[us]")}))
def test_any_data_frame_round_trips(frame: pd.DataFrame) -> None:
    back = to_frame(travelled(frame))
    assert_frame_equal(back, frame, check_column_type=False, check_index_type=False)
    np.testing.assert_array_equal(list(back.columns), list(frame.columns))
