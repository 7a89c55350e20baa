"""Conversion of values from pages to data frames of pandas or polars."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

from .errors import MissingExtra

__all__ = ["to_frame"]

_NOT_A_TIME = -(2**63)  # NaT of numpy, pandas and polars


def to_frame(value: Mapping[str, Any], kind: Literal["pandas", "polars"] = "pandas") -> Any:
    """Convert a value from a page to a data frame.

    A data frame that Python has sent is restored: its columns in order, their types, missing values and, with pandas,
    the index. A data frame that the page has created needs only `data`, whose keys are then the columns.

    Args:
        value: `{"columns": [...], "data": {name: values}, "index": ..., "dtypes": {name: text}}`, as data frames
            arrive in the page (docs/reference/values.md).
        kind: `"pandas"` or `"polars"`. Data frames of polars have no index: it becomes the first column.

    Returns:
        A `pandas.DataFrame` or a `polars.DataFrame`.

    Raises:
        MissingExtra: pandas or polars is not installed.
        ValueError: `value` is not a data frame, or `kind` is unknown.
    """
    if kind not in _MAKERS:
        raise ValueError(f"kind must be 'pandas' or 'polars'; got {kind!r}")
    if not isinstance(value, Mapping) or not isinstance(value.get("data"), Mapping):
        raise ValueError("to_frame takes a data frame from a page: {'columns': [...], 'data': {name: values}}")
    columns, index = _columns(value), _index(value.get("index"))
    lengths = {len(column.values) for column in columns} | ({len(index.values)} if index else set())
    if len(lengths) > 1:
        raise ValueError(f"the columns (and the index) have different lengths: {sorted(lengths)}")
    return _MAKERS[kind](columns, index)


class _Column(NamedTuple):
    name: str | int | None
    values: Any
    dtype: str | None


class _Time(NamedTuple):
    """Type of dates or durations."""

    letter: str  # numpy's: M for dates, m for durations
    unit: str
    zone: str | None


def _columns(value: Mapping[str, Any]) -> list[_Column]:
    data, dtypes, names = value["data"], value.get("dtypes") or {}, value.get("columns")
    names = list(data) if names is None else names
    absent = [name for name in names if str(name) not in data]
    if absent:
        raise ValueError(f"the data has no column {absent[0]!r}")
    return [_Column(name, data[str(name)], dtypes.get(str(name))) for name in names]


def _index(index: Any) -> _Column | None:
    """Return the index of a data frame, given in the form that Python sends or as values alone; `None` without one."""
    if index is None or not isinstance(index, Mapping):
        return None if index is None else _Column(None, index, None)
    if "data" not in index:
        raise ValueError("the index has no 'data'")
    return _Column(index.get("name"), index["data"], index.get("dtype"))


# pandas ------------------------------------------------------------------------------------------------------------


def _pandas_frame(columns: list[_Column], index: _Column | None) -> Any:
    try:
        import pandas
    except ImportError:
        raise MissingExtra("to_frame needs pandas: pip install pandas") from None
    rows = None if index is None else pandas.Index(_pandas_series(pandas, index), name=index.name)
    made = {at: _pandas_series(pandas, column) for at, column in enumerate(columns)}
    if rows is not None:
        made = {at: series.set_axis(rows) for at, series in made.items()}
    return pandas.DataFrame(made, index=rows).set_axis([column.name for column in columns], axis="columns")


def _pandas_series(pandas: Any, column: _Column) -> Any:
    time = _time(column.dtype)
    if time is None:
        return pandas.Series(_array(column.values), dtype=column.dtype)
    series = pandas.Series(_counted(column.values, time))
    if time.zone:
        series = series.dt.tz_localize("UTC")
    return series if column.dtype == "date" else series.astype(column.dtype)


# polars ------------------------------------------------------------------------------------------------------------


def _polars_frame(columns: list[_Column], index: _Column | None) -> Any:
    try:
        import polars
    except ImportError:
        raise MissingExtra("to_frame needs polars: pip install polars") from None
    if index is not None:
        columns = [index._replace(name="index" if index.name is None else index.name), *columns]
    return polars.DataFrame([_polars_series(polars, column) for column in columns])


def _polars_series(polars: Any, column: _Column) -> Any:
    time = _time(column.dtype)
    return _polars_values(polars, column) if time is None else _polars_times(polars, column, time)


def _polars_values(polars: Any, column: _Column) -> Any:
    series = polars.Series(str(column.name), _array(column.values))
    may_be_missing = column.dtype is not None and column.dtype[:1].isupper()
    if may_be_missing and series.dtype.is_float():
        series = series.fill_nan(None)
    wanted = _polars_dtype(polars, column.dtype)
    return series if wanted is None else series.cast(wanted)


def _polars_times(polars: Any, column: _Column, time: _Time) -> Any:
    series = polars.Series(str(column.name), _counted(column.values, time))
    if column.dtype == "date":
        return series.cast(polars.Date)
    series = series.dt.cast_time_unit("ms" if time.unit == "s" else time.unit)  # polars has no seconds
    return series.dt.replace_time_zone("UTC").dt.convert_time_zone(time.zone) if time.zone else series


def _polars_dtype(polars: Any, dtype: str | None) -> Any:
    """Return the polars type for the name of a pandas type; `None` to keep the type of the values."""
    names = {"bool": "Boolean", "boolean": "Boolean", "str": "String", "string": "String", "category": "Categorical"}
    name = names.get(dtype or "") or (dtype or "").title().replace("Uint", "UInt")
    return getattr(polars, name) if re.fullmatch(r"Boolean|String|Categorical|U?Int\d+|Float\d+", name) else None


# Both --------------------------------------------------------------------------------------------------------------


def _array(values: Any) -> Any:
    """Convert bytes, which pages send for items of one byte, to an array."""
    if not isinstance(values, bytes):
        return values
    import numpy

    return numpy.frombuffer(values, "uint8")


def _time(dtype: str | None) -> _Time | None:
    if dtype == "date":
        return _Time("M", "s", None)
    found = re.fullmatch(r"(datetime|timedelta)64\[(s|ms|us|ns)(?:, (.+))?\]", dtype or "")
    return _Time("M" if found[1] == "datetime" else "m", found[2], found[3]) if found else None


def _counted(values: Any, time: _Time) -> Any:
    """Convert milliseconds to numpy dates or durations, in microseconds except for durations in nanoseconds."""
    import numpy

    per_millisecond, unit = (1_000_000, "ns") if time.letter == "m" and time.unit == "ns" else (1_000, "us")
    milliseconds = numpy.asarray(values, "float64")
    counted = numpy.full(len(milliseconds), _NOT_A_TIME, "int64")
    there = ~numpy.isnan(milliseconds)
    # The fraction is multiplied separately, as the whole product would lose digits.
    fraction, whole = numpy.modf(milliseconds[there])
    counted[there] = whole.astype("int64") * per_millisecond + numpy.rint(fraction * per_millisecond).astype("int64")
    return counted.view(f"{time.letter}8[{unit}]")


_MAKERS: dict[str, Callable[[list[_Column], _Column | None], Any]] = {"pandas": _pandas_frame, "polars": _polars_frame}
