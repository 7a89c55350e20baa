"""Conversion of values from pages to annotated types, by msgspec and pydantic.

`converter` turns an annotation into a function of a value. What msgspec does not know, such as numpy arrays, paths,
callables and pydantic models, is replaced by marker classes, whose `convert` msgspec calls in place.
"""

from __future__ import annotations

import collections.abc
import datetime
import enum
import functools
import inspect
import itertools
import re
import sys
import types
import typing
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID

import msgspec

from .arrays import loaded
from .handles import Imported, ImportedStream
from .text import class_name, error_text, plain, shown

__all__ = [
    "NATIVE",
    "PLACE",
    "Converter",
    "Items",
    "Mismatch",
    "converter",
    "described",
    "got",
    "is_pydantic",
    "unaliased",
]

Converter: TypeAlias = Callable[[Any], Any]

_AS_THEY_ARE = (bytes, bytearray, memoryview)  # otherwise msgspec takes text for base64
NATIVE = frozenset(
    {
        bool, int, float, str, bytes, bytearray, list, tuple, dict, set, frozenset, type(None), UUID, Decimal,
        datetime.datetime, datetime.date, datetime.time, datetime.timedelta,
    }
)  # fmt: skip
# Type -> types of other values that are converted, if no digit is lost.
_LOSSLESS: dict[Any, tuple[type, ...]] = {
    int: (str, float),
    float: (str,),
    bool: (int,),
    datetime.timedelta: (int, float),
}
_CONTAINERS = frozenset(
    {
        list, tuple, dict, set, frozenset, collections.abc.Sequence, collections.abc.MutableSequence,
        collections.abc.Collection, collections.abc.Mapping, collections.abc.MutableMapping, collections.abc.Set,
        collections.abc.MutableSet,
    }
)  # fmt: skip
_MAPPINGS = frozenset({dict, collections.abc.Mapping, collections.abc.MutableMapping})
_STREAMS = frozenset(
    {
        collections.abc.Iterable, collections.abc.Iterator, collections.abc.Generator, collections.abc.AsyncIterable,
        collections.abc.AsyncIterator, collections.abc.AsyncGenerator,
    }
)  # fmt: skip
_FILES = frozenset({typing.IO, typing.BinaryIO, typing.TextIO})
_PROBE = object()
# The end of an error of msgspec.
PLACE = re.compile(r"(?P<text>.*) - at `(?:key` in `)?(?P<path>\$.*?)`", re.DOTALL)


class _Unsupported(Exception):
    """An annotation that values cannot be checked against."""


class Mismatch(TypeError):
    """A value of a page does not fit the annotation of its parameter."""


class _Always(type):
    """Metaclass of markers. msgspec checks that what `convert` returns is an instance of the marker."""

    convert: Converter

    def __instancecheck__(cls, instance: object) -> bool:
        return True


def _marker(name: str, convert: Converter) -> _Always:
    return _Always(name, (), {"convert": staticmethod(convert)})


def converter(annotation: Any) -> tuple[Converter | None, frozenset[type]]:
    """Return the function that converts a value to an annotated type, and the types of values that need none.

    Returns:
        The function, which raises `ValueError` or `TypeError` for a value that does not fit; or `None` for annotations
        that say nothing about a value from a page, such as `Any` and most classes.

    Raises:
        _Unsupported: The annotation contains a type that msgspec does not know, for example in a field.
        TypeError: It is no type, but a list, for example.
    """
    wanted = _adapted(annotation)
    if wanted is Any:
        return None, frozenset()
    members = set(typing.get_args(annotation) if typing.get_origin(annotation) in _UNIONS else [annotation])
    same = members if members <= _PLAIN else set()
    return _convert(wanted), frozenset({*same, bool} if int in same else same)


_PLAIN = frozenset({type(None), bool, int, float, str, bytes, list, dict})
_UNIONS = (typing.Union, types.UnionType)


def _convert(wanted: Any) -> Converter:
    """Return the conversion to an adapted type."""
    if isinstance(wanted, _Always):
        return wanted.convert
    # `str_keys`: an object of a page has only names as keys, also for `dict[int, str]`.
    convert = functools.partial(msgspec.convert, type=wanted, dec_hook=_fill, builtin_types=_AS_THEY_ARE, str_keys=True)
    if _is_sequence(wanted):
        return lambda value: convert(_as_list(value))
    lossless = _LOSSLESS.get(wanted, ()) if isinstance(wanted, type) else ()
    if not lossless:
        return convert
    lax = functools.partial(convert, strict=False)

    def convert_lossless(value: Any) -> Any:
        if wanted is float and type(value) is int:  # what a page sends for 2.0
            return float(value)
        return (lax if type(value) in lossless else convert)(value)

    return convert_lossless


def _is_sequence(wanted: Any) -> bool:
    """Return whether an adapted type is a list, a tuple, a set or one of their abstract classes."""
    kind = typing.get_origin(wanted) or wanted
    return kind in _CONTAINERS and kind not in _MAPPINGS


def _as_list(value: Any) -> Any:
    """Return the items of a typed array of a page, which msgspec does not take for a list."""
    if isinstance(value, (loaded("numpy", "ndarray"), memoryview)):
        return value.tolist()
    return list(value) if type(value) is bytes else value


def _fill(wanted: Any, value: Any) -> Any:
    """Convert a value to a type that msgspec does not know, in a field for example."""
    if not isinstance(wanted, _Always):
        adapted = _adapted(wanted)
        if not isinstance(adapted, _Always):
            return value
        wanted = adapted
    return wanted.convert(value)


def _adapted(annotation: Any) -> Any:
    """Return an annotation as msgspec knows it: with markers, and with `Any` for what is left as it is."""
    try:
        hash(annotation)
    except TypeError:  # Annotated[int, [1]], for example
        return _made(annotation)
    return _cached(annotation)


def _made(annotation: Any) -> Any:
    annotation = unaliased(annotation)
    if isinstance(annotation, typing.NewType):
        return _adapted(annotation.__supertype__)
    if annotation is None:
        return type(None)
    origin = typing.get_origin(annotation)
    if origin is not None:
        return _generic(annotation, origin, typing.get_args(annotation))
    if annotation in NATIVE:
        return annotation
    if annotation in _FILES or annotation in _STREAMS or annotation is collections.abc.Callable:
        return _generic(annotation, annotation, ())
    if annotation in _CONTAINERS:
        return annotation
    return _class(annotation) if isinstance(annotation, type) else Any


def unaliased(annotation: Any) -> Any:
    """Return what an alias of the statement `type` stands for, such as `NDArray[numpy.float32]`."""
    alias = getattr(typing, "TypeAliasType", ())
    while True:
        if isinstance(annotation, alias):
            annotation = annotation.__value__
        elif isinstance(origin := typing.get_origin(annotation), alias):
            annotation = origin.__value__[typing.get_args(annotation)]
        else:
            return annotation


_cached = functools.lru_cache(maxsize=512)(_made)


def _generic(annotation: Any, origin: Any, args: tuple[Any, ...]) -> Any:
    if origin is typing.Annotated:
        metas = [extra for extra in args[1:] if isinstance(extra, msgspec.Meta)]
        inner = _adapted(args[0])
        return _probed(functools.reduce(lambda one, meta: typing.Annotated[one, meta], metas, inner))
    if origin in _UNIONS:
        return _union([_adapted(arg) for arg in args])
    if origin is typing.Literal:
        try:
            return _probed(annotation)
        except _Unsupported:  # bool, bytes and members of Enum
            return _marker("Literal", functools.partial(_choose, args))
    if origin is collections.abc.Callable:
        return _marker("Callable", _callable)
    if origin in _STREAMS:
        item = _adapted(args[0]) if args else Any
        if item is Any:
            return _marker(origin.__name__, functools.partial(_instance, origin))
        return _marker(
            origin.__name__,
            functools.partial(_stream, origin, _convert(item), _convert(_generic(annotation, list, args[:1]))),
        )
    if origin in _FILES:
        return _marker("IO", _file)
    if origin in _CONTAINERS:
        return _probed(origin[tuple(arg if arg is ... else _adapted(arg) for arg in args)] if args else origin)
    if _is_array(origin):
        return _marker("ndarray", functools.partial(_array, _dtype(args)))
    return _class(origin, annotation) if isinstance(origin, type) else Any


def _class(kind: type, annotation: Any = None) -> Any:
    """Return a class, or a generic class with its arguments, as msgspec knows it."""
    annotation = kind if annotation is None else annotation
    if is_pydantic(kind):
        return _marker(kind.__name__, _pydantic(annotation))
    if issubclass(kind, enum.Enum):
        try:
            return _probed(kind)
        except _Unsupported:  # its values are not all of str or all of int
            return _marker(kind.__name__, functools.partial(_choose, tuple(kind)))
    if issubclass(kind, loaded("pathlib", "PurePath")):
        return _marker(kind.__name__, functools.partial(_path, kind))
    if issubclass(kind, Imported) or kind in _STREAMS:
        return _marker(kind.__name__, functools.partial(_instance, kind))
    if _is_array(kind):
        return _marker("ndarray", functools.partial(_array, None))
    if (
        issubclass(kind, msgspec.Struct)
        or typing.is_typeddict(kind)
        or hasattr(kind, "__dataclass_fields__")
        or hasattr(kind, "__attrs_attrs__")
        or (issubclass(kind, tuple) and hasattr(kind, "_fields"))
    ):
        return _probed(annotation)
    return Any


def _probed(wanted: Any) -> Any:
    """Return a type after a check that msgspec supports it.

    Raises:
        _Unsupported: It does not.
    """
    try:
        msgspec.convert(_PROBE, wanted)
    except msgspec.ValidationError:
        pass
    except Exception as error:  # noqa: BLE001 - TypeError, and NameError for a field that names an unknown type
        raise _Unsupported(error_text(error)) from None
    return wanted


def _union(members: list[Any]) -> Any:
    if Any in members:
        return Any
    try:
        union = _probed(functools.reduce(lambda one, other: one | other, members))
    except (_Unsupported, TypeError):
        return _marker("Union", functools.partial(_any_of, [*map(_convert, members)], [*members]))
    if any(_is_sequence(member) or (isinstance(member, type) and member in _LOSSLESS) for member in members):
        return _marker("Union", functools.partial(_any_of, [*map(_convert, members)], [*members]))
    return union


def _any_of(converts: list[Converter], members: list[Any], value: Any) -> Any:
    """Convert a value to the first member that takes it; one whose type it has comes before all others."""
    for member in members:
        if type(value) is member:
            return value
    for convert in converts:
        try:
            return convert(value)
        except (ValueError, TypeError):
            continue
    raise ValueError(f"got {got(value)}")


# Types of their own ------------------------------------------------------------------------------------------------


def _choose(choices: tuple[Any, ...], value: Any) -> Any:
    for choice in choices:
        plainly = choice.value if isinstance(choice, enum.Enum) else choice
        if choice is value or (type(plainly) is type(value) and plainly == value):
            return choice
    raise ValueError(f"got {got(value)}")


def _callable(value: Any) -> Any:
    if not callable(value):
        raise ValueError(f"Expected a function, got {got(value)}")
    return value


def _instance(kind: type, value: Any) -> Any:
    if not isinstance(value, kind):
        raise ValueError(f"Expected {described(kind)}, got {got(value)}")
    return value


class Items:
    """Conversion of the items of a stream, in any thread.

    Args:
        convert: The conversion of an item.

    Attributes:
        error: Makes the error for an item that does not fit, from a text of msgspec. The item is `$[0]`, for example.
    """

    def __init__(self, convert: Converter) -> None:
        self.error: Callable[[str], Exception] = Mismatch
        self._convert = convert
        self._indices = itertools.count()

    def __call__(self, item: Any) -> Any:
        """Convert the next item."""
        index = next(self._indices)
        try:
            return self._convert(item)
        except (ValueError, TypeError, OverflowError) as error:
            text = error_text(error)
        if found := PLACE.fullmatch(text):
            raise self.error(f"{found['text']} - at `$[{index}]{found['path'][1:]}`")
        raise self.error(f"{text} - at `$[{index}]`")


def _stream(kind: Any, convert: Converter, convert_list: Converter, value: Any) -> Any:
    if kind is collections.abc.Iterable and not isinstance(value, (collections.abc.Iterator, Imported)):
        return convert_list(value)
    _instance(kind, value)
    if isinstance(value, ImportedStream):
        value._convert = Items(convert)
    return value


def _file(value: Any) -> Any:
    if inspect.getattr_static(type(value), "read", None) is None:
        raise ValueError(f"Expected a file, got {got(value)}")
    return value


def _path(kind: Callable[[str], Any], value: Any) -> Any:
    if isinstance(value, str):
        return kind(value)
    if not isinstance(value, loaded("pathlib", "PurePath")):
        raise ValueError(f"Expected a str, got {got(value)}")
    return value


def _is_array(kind: Any) -> bool:
    return kind is loaded("numpy", "ndarray")


def _dtype(args: tuple[Any, ...]) -> Any:
    """Return the dtype of `NDArray[numpy.float32]`, or `None` for any."""
    import numpy

    for arg in typing.get_args(args[-1]) if args else ():
        if isinstance(arg, type) and issubclass(arg, numpy.generic):
            try:
                return numpy.dtype(arg)
            except TypeError:  # numpy.floating is abstract
                return arg
    return None


def _dtype_name(dtype: Any) -> str:
    return str(dtype.__name__ if isinstance(dtype, type) else dtype.name)


def _array(dtype: Any, value: Any) -> Any:
    """Return an array of a dtype, without losing digits: a list of whole numbers is one of integers, for example."""
    import numpy

    if isinstance(value, numpy.ndarray):
        array = value
    elif isinstance(value, _AS_THEY_ARE):
        array = numpy.frombuffer(bytearray(value), numpy.uint8)
    elif isinstance(value, (list, tuple)):
        array = numpy.asarray(value)
        if array.dtype.kind not in "biuf":
            raise ValueError(f"Expected numbers, got {got(value)}")
        if isinstance(dtype, numpy.dtype) and (array.size == 0 or numpy.can_cast(array.dtype, dtype, "same_kind")):
            return numpy.asarray(value, dtype)  # raises OverflowError for 300 as uint8
        if isinstance(dtype, numpy.dtype) and dtype.kind == "u" and array.dtype.kind == "i":
            return numpy.asarray(value, dtype)
    else:
        raise ValueError(f"Expected an array, got {got(value)}")
    if dtype is None or (isinstance(dtype, type) and issubclass(array.dtype.type, dtype)):
        return array
    if not isinstance(dtype, numpy.dtype) or not numpy.can_cast(array.dtype, dtype, "safe"):
        raise ValueError(f"Expected an array of {_dtype_name(dtype)}, got one of {array.dtype.name}")
    return array.astype(dtype, copy=False)


def is_pydantic(kind: type) -> bool:
    """Return whether a class is a model or a dataclass of pydantic."""
    return "pydantic" in sys.modules and hasattr(kind, "__pydantic_validator__")


def _pydantic(annotation: Any) -> Converter:
    import pydantic

    validate = pydantic.TypeAdapter(annotation).validate_python

    def convert(value: Any) -> Any:
        try:
            return validate(value)
        except pydantic.ValidationError as error:
            first, *others = error.errors(include_url=False)
            place = ".".join(map(str, first["loc"]))
            more = f" (and {len(others)} more)" if others else ""
            raise ValueError(f"{place}: {first['msg']}{more}" if place else first["msg"]) from None

    return convert


# Texts -------------------------------------------------------------------------------------------------------------


def got(value: Any) -> str:
    """Return the beginning of a value for an error message, without a request to the page that has it."""
    if value is None:
        return "None (null, undefined or NaN in JavaScript)"
    return f"a {class_name(value)}" if isinstance(value, Imported) else shown(value, 80)


def described(annotation: Any) -> str:
    """Return an annotation in words: "a float", "'a' or 'b'", "a list[int] or None"."""
    annotation = unaliased(annotation)
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation is None or annotation is type(None):
        return "None"
    if origin is typing.Annotated:
        return described(args[0])
    if origin in _UNIONS:
        return _listed(described(arg) for arg in args)
    if origin is typing.Literal:
        return _listed(repr(arg.value if isinstance(arg, enum.Enum) else arg) for arg in args)
    if collections.abc.Callable in (annotation, origin):
        return "a function"
    if annotation in _FILES or origin in _FILES:
        return "a file"
    if _is_array(origin or annotation):
        dtype = _dtype(args)
        return "an array" if dtype is None else f"an array of {_dtype_name(dtype)}"
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return _listed(repr(member.value) for member in annotation)
    name = _named(annotation)
    return f"{'an' if name[0] in 'aeiouAEIO' else 'a'} {name}"


def _named(annotation: Any) -> str:
    """Return an annotation as it is written, without modules."""
    args = typing.get_args(annotation)
    if annotation is ...:
        return "..."
    if args:
        origin = typing.get_origin(annotation)
        if origin in _UNIONS:
            return " | ".join(map(_named, args))
        return f"{_named(origin)}[{', '.join(map(_named, args))}]"
    if annotation is None or annotation is type(None):
        return "None"
    return plain(getattr(annotation, "__name__", None) or repr(annotation))


def _listed(texts: Iterable[str]) -> str:
    *others, last = dict.fromkeys(texts) or ["nothing"]  # an Enum without members
    return f"{', '.join(others)} or {last}" if others else last
