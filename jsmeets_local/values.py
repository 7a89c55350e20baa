"""What came from a page, as a frame of pandas or polars again: `to_frame`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

from .errors import MissingExtra

__all__ = ["to_frame"]

_NOT_A_TIME = -(2**63)  # how numpy, pandas and polars write it


def to_frame(value: Mapping[str, Any], kind: Literal["pandas", "polars"] = "pandas") -> Any:
    """Makes a frame of what a page sent.

    A frame that Python sent comes back as it was: its columns in their order, their types, what was missing, and with
    pandas the index. Of one that the page made, `data` is enough: `columns` are its keys then.

    Args:
        value: `{"columns": [...], "data": {name: values}, "index": ..., "dtypes": {name: text}}`, as frames
            arrive in the page (docs/reference/values.md).
        kind: `"pandas"`, or `"polars"`, whose frames have no index: there it is the first column.

    Returns:
        A `pandas.DataFrame` or a `polars.DataFrame`.

    Raises:
        MissingExtra: pandas or polars is not installed.
        ValueError: `value` is no frame, or `kind` is another one.
    """
    if kind not in _MAKERS:
        raise ValueError(f"kind={kind!r}: there are 'pandas' and 'polars'")
    if not isinstance(value, Mapping) or not isinstance(value.get("data"), Mapping):
        raise ValueError("to_frame needs what a frame is in a page: {'columns': [...], 'data': {name: values}}")
    data, dtypes = value["data"], value.get("dtypes") or {}
    names = value.get("columns")
    names = list(data) if names is None else names
    absent = [name for name in names if str(name) not in data]
    if absent:
        raise ValueError(f"there is no column {absent[0]!r} in the data")
    columns, index = [(name, data[str(name)], dtypes.get(str(name))) for name in names], value.get("index")
    lengths = {len(values) for _, values, _ in columns} | ({len(index["data"])} if index is not None else set())
    if len(lengths) > 1:
        raise ValueError(f"the columns (and the index) have different lengths: {sorted(lengths)}")
    return _MAKERS[kind](columns, index)


_Columns = list[tuple[Any, Any, str | None]]


def _pandas_frame(columns: _Columns, index: Mapping[str, Any] | None) -> Any:
    try:
        import pandas
    except ImportError:
        raise MissingExtra("to_frame needs pandas: pip install pandas") from None
    names = [name for name, _, _ in columns]
    rows = None
    if index is not None:
        rows = pandas.Index(_pandas_series(pandas, index["data"], index.get("dtype")), name=index.get("name"))
    made = [_pandas_series(pandas, values, dtype) for _, values, dtype in columns]
    series = {at: one if rows is None else one.set_axis(rows) for at, one in enumerate(made)}
    return pandas.DataFrame(series, index=rows).set_axis(names, axis="columns")


def _pandas_series(pandas: Any, values: Any, dtype: str | None) -> Any:
    time = _time(dtype)
    if time is None:
        return pandas.Series(_array(values), dtype=dtype)
    series = pandas.Series(_counted(values, *time[:2]))
    if time[2]:
        series = series.dt.tz_localize("UTC")
    return series.astype(series.dtype if dtype == "date" else dtype)


def _polars_frame(columns: _Columns, index: Mapping[str, Any] | None) -> Any:
    try:
        import polars
    except ImportError:
        raise MissingExtra("to_frame needs polars: pip install polars") from None
    if index is not None:
        name = index.get("name")
        columns = [("index" if name is None else name, index["data"], index.get("dtype")), *columns]
    return polars.DataFrame([_polars_series(polars, str(name), values, dtype) for name, values, dtype in columns])


def _polars_series(polars: Any, name: str, values: Any, dtype: str | None) -> Any:
    time = _time(dtype)
    if time is None:
        series = polars.Series(name, _array(values))
        wanted = _polars_dtype(polars, dtype)
        if dtype is not None and dtype[0].isupper():  # one that may be missing
            series = series.fill_nan(None) if series.dtype.is_float() else series
        return series if wanted is None else series.cast(wanted)
    series = polars.Series(name, _counted(values, *time[:2]))
    if dtype == "date":
        return series.cast(polars.Date)
    series = series.dt.cast_time_unit("ms" if time[1] == "s" else time[1])
    return series.dt.replace_time_zone("UTC").dt.convert_time_zone(time[2]) if time[2] else series


def _polars_dtype(polars: Any, dtype: str | None) -> Any:
    """The type of polars by the name that pandas has for it; `None`: as the values are."""
    names = {"bool": "Boolean", "boolean": "Boolean", "str": "String", "string": "String", "category": "Categorical"}
    name = names.get(dtype or "") or (dtype or "").title().replace("Uint", "UInt")
    return getattr(polars, name) if re.fullmatch(r"Boolean|String|Categorical|U?Int\d+|Float\d+", name) else None


def _array(values: Any) -> Any:
    """A page sends items of one byte as bytes."""
    if not isinstance(values, bytes):
        return values
    import numpy

    return numpy.frombuffer(values, "uint8")


def _time(dtype: str | None) -> tuple[str, str, str | None] | None:
    """Letter of numpy, unit and time zone of a type that counts time; `None` for others."""
    if dtype == "date":
        return "M", "s", None
    found = re.fullmatch(r"(datetime|timedelta)64\[(s|ms|us|ns)(?:, (.+))?\]", dtype or "")
    return found and ("M" if found[1] == "datetime" else "m", found[2], found[3])


def _counted(values: Any, letter: str, unit: str) -> Any:
    """Milliseconds as numpy's dates or durations, in microseconds: a date has no more digits in a float64."""
    import numpy

    per_millisecond, unit = (1_000_000, "ns") if (letter, unit) == ("m", "ns") else (1_000, "us")
    milliseconds = numpy.asarray(values, "float64")
    counted = numpy.full(len(milliseconds), _NOT_A_TIME, "int64")
    there = ~numpy.isnan(milliseconds)
    counted[there] = numpy.rint(milliseconds[there] * per_millisecond)
    return counted.view(f"{letter}8[{unit}]")


_MAKERS: dict[str, Callable[[_Columns, Any], Any]] = {"pandas": _pandas_frame, "polars": _polars_frame}
