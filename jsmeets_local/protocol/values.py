"""Conversion of values to JSON and buffers. Plain JSON values are converted in C."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import functools
import gc
import inspect
import io
import json
import types
import uuid
from collections import deque
from collections.abc import AsyncIterator, Callable, ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from typing import Any, cast

import msgspec
import orjson
from msgspec.structs import replace

from ..errors import MessageTooBig
from .arrays import Unsendable, flatten, loaded, unboxed
from .dataframes import is_missing, to_columns
from .files import describe_file
from .references import BIGGEST, SMALLEST, Imported, Ref, Reference
from .text import class_name, error_name, error_text, function_name, plain, type_name

__all__ = ["MAX_DEPTH", "MAX_MESSAGE_BYTES", "NUMBERS", "Buffer", "Payload", "base", "named_fields", "pack"]

MAX_DEPTH = 256  # levels of nesting in a value that is sent
MAX_MESSAGE_BYTES = 256 * 1024 * 1024  # of one message
_ENVELOPE_BYTES = 64 * 1024  # reserved for the envelope of a value, but at most a quarter

NUMBERS = {int, float, bool, type(None)}
_LEAVES = {str, *NUMBERS}
_PLAIN = {list, dict, tuple, *_LEAVES}
_USUAL_DEPTH = 5  # deeper values may be circular
_NATURAL: dict[type, Callable[[Any], Any]] = {  # -> conversion of a subclass, which msgspec rejects
    datetime.datetime: lambda value: datetime.datetime.combine(value.date(), value.timetz()),
    datetime.date: lambda value: datetime.date(value.year, value.month, value.day),
    datetime.time: lambda value: datetime.time.fromisoformat(value.isoformat()),
    datetime.timedelta: lambda value: datetime.timedelta(value.days, value.seconds, value.microseconds),
    uuid.UUID: lambda value: uuid.UUID(int=value.int),
    decimal.Decimal: decimal.Decimal,
}
_NATURAL_TYPES = tuple(_NATURAL)
_ARRAYS: tuple[type, ...] = (list, tuple, set, frozenset, deque, range, KeysView, ValuesView, ItemsView)


def _unplain(value: Any) -> Any:
    """Reject types without a plain JSON form, which `_Walk` converts."""
    raise TypeError


_encode = msgspec.json.Encoder(enc_hook=_unplain).encode
_STRICT = (
    orjson.OPT_PASSTHROUGH_SUBCLASS
    | orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_DATETIME
    | orjson.OPT_STRICT_INTEGER
)


class Buffer(msgspec.Struct, frozen=True):
    """Binary value. `path` is its position in the packed value."""

    path: tuple[str | int, ...]
    dtype: str
    data: memoryview
    shape: tuple[int, ...] | None


class Payload(msgspec.Struct, frozen=True):
    """Packed value: JSON with `null` in place of each buffer and reference, the buffers, and the references."""

    json: bytes
    buffers: tuple[Buffer, ...] = ()
    references: tuple[Reference, ...] = ()

    def is_bound(self) -> bool:
        """Return whether the value means the same in each session: it has no references but integers."""
        return not self.references or all(reference.kind == "bigint" for reference in self.references)

    def check_data(self, what: str) -> None:
        """Raise `TypeError` if a part of the value crosses by reference; `what` begins the error message."""
        if not self.is_bound():
            kind = next(reference.kind for reference in self.references if reference.kind != "bigint")
            part = "an object of a page" if kind == "own" else f"a{'n' if kind == 'object' else ''} {kind}"
            raise TypeError(f"{what}; {part} crosses by reference")

    def within(self, before: bytes, after: bytes, path: tuple[str | int, ...]) -> Payload:
        """Return the value inside a container.

        Args:
            before: The JSON before the value.
            after: The JSON after the value.
            path: The position of the value in the container.
        """
        return Payload(
            before + self.json + after,
            tuple(replace(buffer, path=(*path, *buffer.path)) for buffer in self.buffers),
            tuple(replace(reference, path=(*path, *reference.path)) for reference in self.references),
        )


def pack(value: Any, name: str, max_bytes: int = MAX_MESSAGE_BYTES) -> Payload:
    """Convert a value for the wire.

    Args:
        value: A sendable value (docs/reference/values.md).
        name: The caller's name for the value (`"args"`, `"data"`), with which paths in errors begin.
        max_bytes: The size of the largest message.

    Raises:
        TypeError: A part of the value cannot be sent; the error message begins with its path.
        MessageTooBig: The value is larger than `max_bytes` allows.
    """
    room = max_bytes - min(_ENVELOPE_BYTES, max_bytes // 4)
    try:
        kind = type(value)
        if kind in NUMBERS and (kind is not int or SMALLEST <= value <= BIGGEST):
            return Payload(_encode(value))
        try:
            payload = Payload(orjson.dumps(value, None, _STRICT))  # accepts only values that `_Walk` encodes alike
        except TypeError:  # keys that are not strings, large integers, and types that are not plain
            payload = _pack(value, name, room)
    except Unsendable as error:
        raise TypeError(str(error)) from error.__cause__
    except MessageTooBig:
        raise
    except (RecursionError, ValueError) as error:  # a number with more digits than Python converts, for example
        raise TypeError(_failed(name, value, error)) from error
    size = len(payload.json)
    if payload.buffers:
        size += sum(len(buffer.data) + 100 for buffer in payload.buffers)
    if payload.references:
        size += sum(100 + len(str(reference.facts)) for reference in payload.references)
    _check_size(size, room, name)
    return payload


def _check_size(size: int, room: int, where: str) -> None:
    if size > room:
        advice = "send it in parts, such as the items of a generator"
        raise MessageTooBig(f"{where}: {size} bytes; a message holds at most {room}: {advice}")


def _pack(value: Any, name: str, room: int) -> Payload:
    if _is_plain(value):
        try:
            return Payload(_encode(value))
        except (TypeError, ValueError):
            pass  # a key like None or (1, 2), a lone surrogate, 5000 digits: the walk below converts or reports it
    walk = _Walk(room)
    converted = walk.convert(value, (), name)
    return Payload(_dumps(converted), tuple(walk.buffers), tuple(walk.references))


def _failed(where: str, value: Any, error: Exception) -> str:
    """Return the error message for a value whose own code, or whose size, made the conversion fail."""
    if isinstance(error, RecursionError):
        return f"{where}: nested too deeply to be sent"
    what = f"{where}: object of type {type_name(value)} cannot be sent to a page"
    return f"{what}: {error_name(error)}: {error_text(error)}"


def _dumps(converted: Any) -> bytes:
    try:
        return _encode(converted)
    except UnicodeEncodeError:  # a lone surrogate, which JSON can escape
        return json.dumps(_finite(converted), separators=(",", ":"), allow_nan=False).encode()


def _finite(converted: Any) -> Any:
    """Replace nan and infinity by `None`, as msgspec does."""
    if isinstance(converted, float):
        return converted if converted - converted == 0 else None
    if isinstance(converted, dict):
        return {key: _finite(value) for key, value in converted.items()}
    if isinstance(converted, list):
        return [_finite(value) for value in converted]
    return converted


def _is_plain(value: Any) -> bool:
    """Return whether a value has only exact JSON types, and integers that JavaScript numbers hold.

    The check runs level by level, mostly in C.
    """
    level = [value]
    for depth in range(MAX_DEPTH + 1):
        kinds = set(map(type, level))
        if not kinds <= _PLAIN:
            return False
        if int in kinds:
            integers = [item for item in level if type(item) is int] if len(kinds) > 1 else level
            if min(integers) < SMALLEST or max(integers) > BIGGEST:
                return False
        if kinds <= _LEAVES:
            return True
        level = gc.get_referents(*level)  # leaves have no referents
        if depth > _USUAL_DEPTH:  # children with references to their parent, for example, would multiply at each level
            level = list({id(item): item for item in level}.values())
    return False


_COMPOSITE = object()  # marks a value that is not a scalar


class _Walk:
    """Conversion of one value, element by element. It tracks the path, and uses one stack frame per level."""

    def __init__(self, room: int = MAX_MESSAGE_BYTES) -> None:
        self._room = room  # bytes
        self.buffers: list[Buffer] = []
        self.references: list[Reference] = []
        self._open: set[int] = set()  # ids of the containers that are being converted

    def convert(self, value: Any, path: tuple[str | int, ...], where: str) -> Any:
        try:
            scalar = self._scalar(value, path, where)
            if scalar is not _COMPOSITE:
                return scalar
            if isinstance(value, (Imported, Ref)):
                return self._refer(_marked(value, path, where))
            children = _children(value, where)
            if children is None:
                return self._foreign(value, path, where)
            self._enter(value, path, where)
            items: list[tuple[str | int, Any]] = []
            for step, item, label in children:
                items.append((step, self.convert(item, (*path, step), label)))
            self._open.discard(id(value))
            return [item for _, item in items] if isinstance(value, _ARRAYS) else dict(items)
        except (Unsendable, MessageTooBig, RecursionError, MemoryError):
            raise
        except Exception as error:  # from the user's properties, iterators and conversions
            raise Unsendable(_failed(where, value.value if type(value) is Ref else value, error)) from error

    def _scalar(self, value: Any, path: tuple[str | int, ...], where: str) -> Any:
        if type(value) in _LEAVES:
            if type(value) is int and not SMALLEST <= value <= BIGGEST:
                return self._refer(Reference(path, "bigint", None, (str(value),)))
            return value
        if isinstance(value, enum.Enum):
            return self.convert(value.value, path, where)
        if isinstance(value, (str, int, float)):
            return self._scalar(base(value), path, where)
        if isinstance(value, (bytes, bytearray)):
            # A bytearray may change or be resized before it is written; bytes are shared.
            data = memoryview(value if isinstance(value, bytes) else bytes(value))
            return self._buffer(Buffer(path, "bytes", data, None))
        if isinstance(value, _NATURAL_TYPES):
            return _natural(value)
        return plain(str(value)) if isinstance(value, loaded("pathlib", "PurePath")) else _COMPOSITE

    def _enter(self, value: Any, path: tuple[str | int, ...], where: str) -> None:
        if id(value) in self._open:
            raise Unsendable(f"{where}: contains a reference to itself; send a tree")
        if len(path) >= MAX_DEPTH:
            raise Unsendable(f"{where[:60]}...: nested more than {MAX_DEPTH} levels deep")
        self._open.add(id(value))

    def _foreign(self, value: Any, path: tuple[str | int, ...], where: str) -> Any:
        """Convert a value of numpy, pandas, PIL, ..., and reject unknown types."""
        if isinstance(value, loaded("numpy", "generic")):
            return self.convert(unboxed(value, where), path, where)
        if isinstance(value, loaded("numpy", "ndarray")):
            _check_size(value.nbytes, self._room, where)  # before it is copied
        elif (frame := to_columns(value, where)) is not None:
            return self.convert(frame, path, where)
        array = flatten(value, where)
        if array is not None:
            return self._buffer(Buffer(path, array.dtype, array.data, array.shape))
        if is_missing(value):
            return None
        if callable(value):
            return self._refer(Reference(path, "function", value, (_name(value),)))
        if isinstance(value, io.IOBase):
            raise Unsendable(f"{where}: an open file cannot be sent as data; send its read(), or wrap it in ref()")
        if isinstance(value, (Iterator, AsyncIterator)):
            return self._refer(Reference(path, "stream", value))
        text = f"{where}: object of type {type_name(value)} cannot be sent to a page; "
        raise Unsendable(f"{text}wrap it in ref() to send it by reference")

    def _buffer(self, buffer: Buffer) -> None:
        self.buffers.append(buffer)

    def _refer(self, reference: Reference) -> None:
        self.references.append(reference)


def _marked(value: Imported | Ref, path: tuple[str | int, ...], where: str) -> Reference:
    """Return the reference to an object of a page, or to an object that was marked with `ref`."""
    if isinstance(value, Imported):
        handle = value._handle
        if handle is None:
            raise Unsendable(f"{where}: this object of a page was destroyed")
        return Reference(path, "own", handle)
    marked = value.value
    if inspect.isroutine(marked) or isinstance(marked, (type, functools.partial)):
        return Reference(path, "function", marked, (_name(marked),))
    if isinstance(marked, (types.GeneratorType, types.AsyncGeneratorType)):
        return Reference(path, "stream", marked)
    facts = describe_file(marked, where)
    if facts is not None:
        return Reference(path, "file", marked, (facts,))
    return Reference(path, "object", marked, (class_name(marked),))


def _name(func: Any) -> str:
    """Return the name of a callable, for its representation in the page."""
    while isinstance(func, functools.partial):
        func = func.func
    return function_name(func)


def _check_count(numbers: range) -> None:
    """Raise `ValueError` for a range longer than any message, before memory is allocated for its numbers."""
    if numbers and (numbers[-1] - numbers[0]) // numbers.step >= MAX_MESSAGE_BYTES // 2:  # len() may be too large
        raise ValueError(f"it has more than {MAX_MESSAGE_BYTES // 2} numbers")


def _natural(value: Any) -> Any:
    """Return the text of a date, a UUID, ...; `None` for `pandas.NaT`."""
    if type(value) in _NATURAL:
        return msgspec.to_builtins(value)
    if value != value:
        return None
    kind = next(kind for kind in _NATURAL if isinstance(value, kind))
    return msgspec.to_builtins(_NATURAL[kind](value))


def base(value: str | int | float) -> str | int | float:
    """Convert an instance of a subclass to the base type, without its own `__str__`, `__int__` or `__float__`."""
    if isinstance(value, str):
        return str.__str__(value)
    return int.__int__(value) if isinstance(value, int) else float.__float__(value)


def _children(value: Any, where: str) -> Iterable[tuple[str | int, Any, str]] | None:
    """Return the step, value and path of each item of a container; return `None` for other values."""
    if isinstance(value, Mapping):
        return ((_key(key, where), item, f"{where}[{key!r}]") for key, item in value.items())
    if isinstance(value, range):
        _check_count(value)
    if isinstance(value, _ARRAYS):
        return ((i, item, f"{where}[{i}]") for i, item in enumerate(cast(Iterable[Any], value)))
    fields = named_fields(value)
    return None if fields is None else ((name, item, f"{where}.{name}") for name, item in fields)


def named_fields(value: Any) -> Iterable[tuple[str, Any]] | None:
    """Return the fields of a dataclass, an attrs class, a msgspec struct or a pydantic model; `None` for others."""
    kind = type(value)
    if dataclasses.is_dataclass(kind):
        names: Iterable[str] = (field.name for field in dataclasses.fields(kind))
    elif hasattr(kind, "__attrs_attrs__"):
        names = (field.name for field in kind.__attrs_attrs__)
    elif isinstance(value, msgspec.Struct):
        return _struct_fields(value)
    elif hasattr(kind, "__pydantic_fields__"):
        dumped: dict[str, Any] = value.model_dump()
        return dumped.items()
    else:
        return None
    return ((name, getattr(value, name)) for name in names)


def _struct_fields(value: msgspec.Struct) -> Iterable[tuple[str, Any]]:
    """Return the fields of a struct under their names in JSON, as `msgspec.convert` expects them, and its tag."""
    config = value.__struct_config__
    tag = [] if config.tag is None or config.tag_field is None else [(config.tag_field, config.tag)]
    names = zip(value.__struct_encode_fields__, value.__struct_fields__, strict=True)
    return [*tag, *((encoded, getattr(value, name)) for encoded, name in names)]


def _key(key: Any, where: str) -> str:
    """Convert a dict key to a string, as `json.dumps` does; convert dates, UUIDs and paths to their text."""
    if isinstance(key, enum.Enum):
        return _key(key.value, where)
    if isinstance(key, str):
        return str(base(key))
    if key is None or isinstance(key, (bool, int, float)):
        return json.dumps(key)
    if isinstance(key, (*_NATURAL_TYPES, loaded("pathlib", "PurePath"))):
        return str(_Walk().convert(key, (), where))
    raise Unsendable(
        f"{where}: key {key!r} of type {type_name(key)} cannot be sent; keys are str, int, float, bool or None"
    )
