"""Conversion of arrays to bytes with a dtype and a shape, without importing their libraries."""

from __future__ import annotations

import sys
from typing import Any

from msgspec import Struct

from .text import error_text, type_name

__all__ = ["Flat", "Unsendable", "flatten", "loaded", "unboxed"]

_KINDS = dict.fromkeys("bhilqn", "int") | dict.fromkeys("BHILQN", "uint") | dict.fromkeys("efd", "float")
_FINE = ("ns", "ps", "fs", "as")
_ADVICE = {
    "O": "send its tolist()",
    "U": "send its tolist()",
    "S": "send its tolist()",
    "T": "send its tolist()",
    "V": "send its fields one by one, array['name']",
    "c": "send its real and its imag",
    "f": "send its astype('float64')",
    "M": "give it a unit, as 'datetime64[ms]' has",
    "m": "give it a unit of a fixed length, as 'timedelta64[ms]' has",
}


class Unsendable(TypeError):
    """Value that cannot be sent. The error message begins with its path. `pack` raises a plain `TypeError` instead."""


class Flat(Struct, frozen=True):
    """Array as little-endian bytes in C order, in memory that does not change. `shape` is `None` for one dimension."""

    dtype: str
    data: memoryview
    shape: tuple[int, ...] | None


def loaded(module: str, name: str) -> Any:
    """Return a type of a module, for `isinstance`; return an empty tuple if the module is not (completely) imported."""
    return getattr(sys.modules.get(module), name, ())


def flatten(value: Any, where: str) -> Flat | None:
    """Convert an array; return `None` for other values.

    Raises:
        Unsendable: The array cannot be sent; the error message begins with `where`.
    """
    if isinstance(value, loaded("numpy", "ndarray")):
        return _of_numpy(value, where)
    if isinstance(value, loaded("PIL.Image", "Image")):
        return _of_image(value, where)
    if hasattr(type(value), "__array__"):
        return _of_numpy(_asked(value, where), where)
    return _of_buffer(value, where)


# numpy -------------------------------------------------------------------------------------------------------------


def _of_numpy(array: Any, where: str) -> Flat:
    import numpy

    if isinstance(array, loaded("numpy.ma", "MaskedArray")):
        raise Unsendable(f"{where}: a masked array cannot be sent to a page; send its filled(value)")
    dtype = array.dtype
    if dtype.kind in "mM":
        array = _milliseconds(numpy, array, where)
    elif dtype.kind not in "biuf" or dtype.itemsize > 8:
        raise _refused(array, where)
    wanted = array.dtype.newbyteorder("<")
    data = numpy.array(array, dtype=wanted, order="C", copy=True)
    shape = None if array.ndim == 1 else tuple(array.shape)
    return Flat(wanted.newbyteorder("=").name, memoryview(data.reshape(-1).view("u1")), shape)


def unboxed(scalar: Any, where: str) -> Any:
    """Convert a numpy scalar to a Python number, date, ....

    Raises:
        Unsendable: Python has no equivalent type; the error message begins with `where`.
    """
    item = scalar.item()
    if isinstance(item, int) and scalar.dtype.kind in "mM":  # nanoseconds, which Python's own types cannot hold
        item = _of_microseconds(scalar, where)
    if isinstance(item, type(scalar)):
        raise Unsendable(f"{where}: object of type {type_name(scalar)} cannot be sent to a page")
    return item


def _of_microseconds(scalar: Any, where: str) -> Any:
    _check_unit(scalar, where)
    item = scalar.astype(f"{scalar.dtype.kind}8[us]").item()
    if isinstance(item, int):
        raise Unsendable(f"{where}: {scalar!r} is out of range for Python's dates; send str() of it")
    return item


def _refused(array: Any, where: str) -> Unsendable:
    dtype, advice = array.dtype, _ADVICE[array.dtype.kind]
    return Unsendable(f"{where}: array of dtype {dtype} cannot be sent to a page; {advice}")


def _milliseconds(numpy: Any, array: Any, where: str) -> Any:
    """Convert dates and durations to milliseconds in float64, the unit of `Date`, and NaT to nan."""
    unit = _check_unit(array, where)
    if array.dtype.kind == "M":  # float64 holds microseconds since 1970 exactly, but not nanoseconds
        array = (array.astype("M8[us]") if unit in _FINE else array) - numpy.datetime64(0, "ms")
    return numpy.asarray(array / numpy.timedelta64(1, "ms"))


def _check_unit(array: Any, where: str) -> str:
    import numpy

    unit: str = numpy.datetime_data(array.dtype)[0]
    if unit == "generic" or (array.dtype.kind == "m" and unit in "YM"):
        raise _refused(array, where)
    return unit


def _asked(value: Any, where: str) -> Any:
    """Convert an object with `__array__`, such as a tensor."""
    try:
        import numpy
    except ImportError:
        raise Unsendable(
            f"{where}: sending an object of type {type_name(value)} needs numpy: pip install numpy"
        ) from None
    try:
        return numpy.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:  # on another device, with a gradient, ...
        raise Unsendable(
            f"{where}: object of type {type_name(value)} cannot be converted to an array: {error_text(error)}"
        ) from error


# Others ------------------------------------------------------------------------------------------------------------


def _of_image(image: Any, where: str) -> Flat:
    """Convert a PIL image to the layout of `ImageData`."""
    if image.mode in ("F", "LAB") or image.mode.startswith("I"):  # PIL would clip values above 255
        raise Unsendable(f"{where}: image of mode {image.mode} cannot be sent as colors; send numpy.asarray(image)")
    try:
        colors = image if image.mode == "RGBA" else image.convert("RGBA")
        return Flat("uint8", memoryview(colors.tobytes()), (image.height, image.width, 4))
    except (OSError, ValueError) as error:  # PIL reads the file lazily
        raise Unsendable(f"{where}: image of mode {image.mode} cannot be sent: {error_text(error)}") from error


def _of_buffer(value: Any, where: str) -> Flat | None:
    try:
        view = memoryview(value)
    except TypeError:
        return None
    if view.format in ("B", "c", "<c") and view.ndim == 1:
        shared = view.readonly and view.contiguous
        return Flat("bytes", view.cast("B") if shared else memoryview(view.tobytes()), None)
    code = view.format.lstrip("@=<>!")
    dtype = "bool" if code == "?" else f"{_KINDS.get(code)}{view.itemsize * 8}"
    if code not in _KINDS and dtype != "bool":
        raise Unsendable(f"{where}: array of format {view.format!r} cannot be sent to a page; send its items as a list")
    data = view.tobytes()
    if view.format[0] in ">!":
        data = _swapped(data, view.itemsize)
    return Flat(dtype, memoryview(data), None if view.ndim == 1 else view.shape)


def _swapped(data: bytes, size: int) -> bytes:
    """Convert big-endian items to little-endian ones, one byte position at a time."""
    swapped = bytearray(len(data))
    for place in range(size):
        swapped[place::size] = data[size - 1 - place :: size]
    return bytes(swapped)
