"""Conversion of data frames and Series of pandas and polars to columns, without importing these libraries."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from .arrays import Unsendable, loaded
from .references import BIGGEST, SMALLEST

__all__ = ["is_missing", "to_columns"]

_LISTS = {"String": "string", "Categorical": "category", "Enum": "category"}  # polars names -> pandas names


class _Column(Struct, frozen=True):
    values: Any
    dtype: str  # its name in pandas


def is_missing(value: Any) -> bool:
    """Return whether a value is `pandas.NA`."""
    return value is getattr(sys.modules.get("pandas"), "NA", is_missing)


def to_columns(value: Any, where: str) -> dict[str, Any] | None:
    """Convert a data frame or Series to `columns`, `data`, `index` and `dtypes`; return `None` for other values.

    Raises:
        Unsendable: The names of columns or rows cannot be sent; the error message begins with `where`.
    """
    if isinstance(value, (loaded("pandas", "DataFrame"), loaded("pandas", "Series"))):
        frame = value.to_frame() if value.ndim == 1 else value
        columns = ((name, _of_pandas(frame.iloc[:, at])) for at, name in enumerate(frame.columns.tolist()))
        return _assembled(columns, _index(frame.index, where), where)
    if isinstance(value, (loaded("polars", "DataFrame"), loaded("polars", "Series"))):
        every = [value] if isinstance(value, loaded("polars", "Series")) else value.get_columns()
        return _assembled(((one.name, _of_polars(one)) for one in every), None, where)
    return None


def _assembled(columns: Iterable[tuple[Any, _Column]], index: Any, where: str) -> dict[str, Any]:
    names: list[str | int] = []
    data: dict[str, Any] = {}
    dtypes: dict[str, str] = {}
    for label, column in columns:
        name = _name(label, where)
        if str(name) in data:
            raise Unsendable(f"{where}: two columns are named {str(name)!r}; rename one of them")
        names.append(name)
        data[str(name)], dtypes[str(name)] = column.values, column.dtype
    return {"columns": names, "data": data, "index": index, "dtypes": dtypes}


def _name(label: Any, where: str) -> str | int:
    if isinstance(label, tuple):
        raise Unsendable(f"{where}: the columns have several levels; join their names, as in '_'.join(name)")
    return label if type(label) in (str, int) else str(label)


def _exact(array: Any) -> Any:
    """Convert integers of 64 bits to float64 if that is exact, as JavaScript cannot calculate with the others."""
    if array.dtype.kind not in "iu" or array.dtype.itemsize < 8:
        return array
    if array.size and not (array.min() >= SMALLEST and array.max() <= BIGGEST):
        return array
    return array.astype("float64")


# pandas ------------------------------------------------------------------------------------------------------------


def _index(index: Any, where: str) -> dict[str, Any] | None:
    """Convert an index; return `None` for the default one."""
    if index.nlevels > 1:
        raise Unsendable(f"{where}: the index has several levels; send reset_index() of it")
    if isinstance(index, loaded("pandas", "RangeIndex")) and (index.start, index.step) == (0, 1) and index.name is None:
        return None
    column = _of_pandas(index.to_series())
    name = None if index.name is None else _name(index.name, where)
    return {"name": name, "data": column.values, "dtype": column.dtype}


def _of_pandas(series: Any) -> _Column:
    dtype, text = series.dtype, str(series.dtype)
    if isinstance(dtype, loaded("pandas", "DatetimeTZDtype")):
        return _Column(series.to_numpy(f"datetime64[{dtype.unit}]"), text)  # in UTC
    if isinstance(dtype, loaded("numpy", "dtype")):
        return _Column(_listed(series) if dtype.kind == "O" else _exact(series.to_numpy()), text)
    return _Column(_of_extension(series, dtype), text)


def _of_extension(series: Any, dtype: Any) -> Any:
    """Convert an extension array. Numbers with missing values become float64 with nan, as elsewhere in pandas."""
    plain = getattr(dtype, "numpy_dtype", None)
    if plain is None or plain.kind not in "biuf":
        return _listed(series)
    if not series.isna().any():
        return _exact(series.to_numpy(plain))
    return _listed(series) if plain.kind == "b" else series.to_numpy("float64", na_value=float("nan"))


def _listed(series: Any) -> list[Any]:
    return [None if missing else item for item, missing in zip(series.astype(object), series.isna(), strict=True)]


# polars ------------------------------------------------------------------------------------------------------------


def _of_polars(series: Any) -> _Column:
    dtype = type(series.dtype).__name__
    if dtype in ("Datetime", "Duration"):
        return _Column(series.to_numpy(), _with_unit(series.dtype))
    if dtype == "Date":
        return _Column(series.to_numpy(), "date")
    if dtype == "Boolean":
        return _Column(series.to_list(), "boolean") if series.null_count() else _Column(series.to_numpy(), "bool")
    if series.dtype.is_integer() and series.dtype.to_python() is int and "128" not in dtype:
        return _number(series, dtype, dtype.replace("UInt", "uint").replace("Int", "int"))
    if series.dtype.is_float():
        return _number(series, dtype, dtype.lower())
    return _Column(series.to_list(), _LISTS.get(dtype, "object"))


def _number(series: Any, nullable: str, plain: str) -> _Column:
    """Convert a numeric column. If it has nulls, they become nan, and the dtype is the nullable one."""
    if not series.null_count():
        return _Column(_exact(series.to_numpy()), plain)
    return _Column(series.cast(float).fill_null(float("nan")).to_numpy(), nullable)


def _with_unit(dtype: Any) -> str:
    zone = getattr(dtype, "time_zone", None)
    name = "datetime64" if hasattr(dtype, "time_zone") else "timedelta64"
    return f"{name}[{dtype.time_unit}, {zone}]" if zone else f"{name}[{dtype.time_unit}]"
