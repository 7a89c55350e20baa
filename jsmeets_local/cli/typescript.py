"""TypeScript declarations of what a program exposes: its functions, topics and queues, with their docstrings.

A type has two forms: what a page sends (`into`), and what it receives. A parameter of type `datetime`, for example,
takes a string or a `Date`, and a result is a string.
"""

from __future__ import annotations

import collections.abc
import datetime
import enum
import inspect
import json
import pathlib
import re
import types
import typing
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from ..app import JsMeetsPy
from ..bridge.proxies.base import PageObject
from ..bridge.proxies.js_file import JSFile
from ..bridge.proxies.js_function import JSFunction
from ..bridge.proxies.js_stream import JSStream
from ..protocol.conversions import is_pydantic, unaliased
from ..protocol.functions import Function
from ..protocol.signatures import parameters_of

__all__ = ["declarations"]

_MOST_FORMS = 8  # parameters by position or name for which all mixtures of both are declared

_SIMPLE = {
    type(None): "null", bool: "boolean", int: "number", float: "number", str: "string", UUID: "string",
    datetime.date: "string", datetime.time: "string", dict: "Record<string, any>", list: "any[]", tuple: "any[]",
}  # fmt: skip
# Type -> what a page sends, and what it receives.
_TWO_FORMS = {
    bytes: ("Uint8Array | ArrayBuffer | DataView", "Uint8Array"),
    bytearray: ("Uint8Array | ArrayBuffer | DataView", "Uint8Array"),
    memoryview: ("Uint8Array | ArrayBuffer | DataView", "Uint8Array"),
    datetime.datetime: ("string | Date", "string"),
    datetime.timedelta: ("string | number", "string"),
    Decimal: ("string | number", "string"),
    set: ("any[] | Set<any>", "any[]"),
    frozenset: ("any[] | Set<any>", "any[]"),
    JSFunction: ("(...args: any[]) => any", "PyFunction"),
    JSStream: ("AsyncIterable<any> | Iterable<any> | ReadableStream", "any"),
    JSFile: ("Blob", "PyFile"),
    typing.BinaryIO: ("Blob", "PyFile"),
    typing.IO: ("Blob", "PyFile"),
}
_ARRAYS = {
    "bool": "BoolArray", "int8": "Int8Array", "uint8": "Uint8Array", "int16": "Int16Array", "uint16": "Uint16Array",
    "int32": "Int32Array", "uint32": "Uint32Array", "int64": "BigInt64Array", "uint64": "BigUint64Array",
    "float16": "Float32Array", "float32": "Float32Array", "float64": "Float64Array",
}  # fmt: skip
_SETS = (set, frozenset, collections.abc.Set, collections.abc.MutableSet)
_MAPPINGS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)
_SEQUENCES = (list, collections.abc.Sequence, collections.abc.MutableSequence, collections.abc.Collection)
_STREAMS = (
    collections.abc.Iterator, collections.abc.Generator, collections.abc.AsyncIterator, collections.abc.AsyncGenerator,
    collections.abc.AsyncIterable,
)  # fmt: skip
_QUALIFIERS = (typing.Annotated, typing.Required, typing.NotRequired, getattr(typing, "ReadOnly", None))
_AWAITABLES = (collections.abc.Awaitable, collections.abc.Coroutine)
_LIBRARY = ("BoolArray", "Frame", "NDArray", "PyCaller", "PyFile", "PyFunction", "PyStream", "TypedArray")
# Names that have a meaning in TypeScript, which the interface of a class does not hide.
_TAKEN = {
    *_LIBRARY, *_ARRAYS.values(), "any", "bigint", "boolean", "never", "null", "number", "object", "string", "symbol",
    "undefined", "unknown", "void", "ArrayBuffer", "AsyncIterable", "Blob", "DataView", "Date", "Iterable", "Map",
    "PromiseLike", "ReadableStream", "Record", "Set",
}  # fmt: skip
_IDENTIFIER = re.compile(r"[A-Za-z_$][\w$]*", re.ASCII)


def declarations(app: JsMeetsPy, source: str, module: str = "jsmeets-local") -> str:
    """Return TypeScript that declares what an application exposes.

    Args:
        app: The application.
        source: The command that writes it, for the first line.
        module: The module from which pages import `py`.
    """
    bridge = app.bridge
    named = _NamedTypes()
    functions: list[Function] = bridge.call(bridge.protocol.functions.all)
    api = _members(_tree(functions), named, "        ")
    listeners: dict[str, Any] = bridge.call(lambda: dict(bridge.topics))
    topics = [
        f"        {_property(topic)}: {_topic_type(listener.func, named)};" for topic, listener in listeners.items()
    ]
    queues = [f"        {_property(str(key))}: any;" for key in app.queues.get_keys()]
    body = [f"declare module {json.dumps(module)} {{"]
    for name, members in (("PyApi", api), ("PyTopics", topics), ("PyQueues", queues)):
        if members:
            body += [f"    interface {name} {{", *members, "    }"]
    body.append("}")
    text = "\n\n".join([*named.interfaces(), "\n".join(body)])
    used = [name for name in _LIBRARY if re.search(rf"(?<![\w.]){name}\b", text)]
    first = f"// Declares what Python exposes. {source} writes it; changes are lost."
    imports = f"import type {{ {', '.join(used)} }} from {json.dumps(module)};" if used else "export {};"
    return f"{first}\n\n{imports}\n\n{text}\n"


class _Class(typing.NamedTuple):
    """Fields of a class: names as a page sends and receives it, annotation, if it must be sent and always arrives."""

    doc: str
    fields: list[tuple[str, str, Any, bool, bool]]


class _NamedTypes:
    """Interfaces of the classes with fields that the types refer to.

    A text refers to what a page sends of a class as `«Name»`, until it is known if that differs from what it receives.
    """

    def __init__(self) -> None:
        self._names: dict[type, str] = {}
        self._bodies: dict[str, tuple[str, str, str]] = {}  # name -> documentation, both forms of the body

    def refer(self, kind: type, into: bool) -> str:
        name = self._names.get(kind)
        if name is None:
            found = _fields(kind)
            if found is None:
                return "any"
            name = self._free_name(kind)
            self._names[kind] = name
            self._bodies[name] = ("", "", "")
            self._bodies[name] = (found.doc, self._body(found, True), self._body(found, False))
        return f"«{name}»" if into else name

    def _free_name(self, kind: type) -> str:
        name = plain = re.sub(r"\W", "_", kind.__name__)
        number = 2
        while name in self._bodies or name in _TAKEN:
            name, number = f"{plain}{number}", number + 1
        return name

    def _body(self, found: _Class, into: bool) -> str:
        lines = []
        for sent, received, annotation, is_required, is_present in found.fields:
            name = sent if into else received
            mark = "" if (is_required if into else is_present) else "?"
            lines.append(f"    {_property(name)}{mark}: {self.text(annotation, into)};")
        return "{\n" + "\n".join(lines) + "\n}" if lines else "{}"

    def _doubles(self) -> set[str]:
        """Return the names of classes of which a page sends another form than it receives."""
        doubles: set[str] = set()
        while True:
            more = {
                name
                for name, (_, sent, received) in self._bodies.items()
                if name not in doubles and _resolved(sent, doubles) != received
            }
            if not more:
                return doubles
            doubles |= more

    def interfaces(self) -> Iterable[str]:
        doubles = self._doubles()
        for name, (doc, sent, received) in self._bodies.items():
            about = _jsdoc(doc, "")
            yield f"{about}export interface {name} {received}"
            if name in doubles:
                yield f"/** `{name}` as a page sends it. */\nexport interface {name}Input {_resolved(sent, doubles)}"

    def resolved(self, text: str) -> str:
        return _resolved(text, self._doubles())

    def text(self, annotation: Any, into: bool) -> str:
        """Return the TypeScript of an annotation."""
        annotation = unaliased(annotation)
        if annotation is None:
            return "null"
        if isinstance(annotation, typing.NewType):
            return self.text(annotation.__supertype__, into)
        try:
            if annotation in _SIMPLE:
                return _SIMPLE[annotation]
            if annotation in _TWO_FORMS:
                return _TWO_FORMS[annotation][not into]
        except TypeError:  # not hashable
            return "any"
        origin = typing.get_origin(annotation)
        if origin is not None:
            return self._generic(annotation, origin, typing.get_args(annotation), into)
        if annotation is collections.abc.Callable:
            return _TWO_FORMS[JSFunction][not into]
        return self._class(annotation, into) if isinstance(annotation, type) else "any"

    def _generic(self, annotation: Any, origin: Any, args: tuple[Any, ...], into: bool) -> str:
        if not args:  # typing.List, for example
            return self.text(origin, into)
        if origin in _QUALIFIERS:
            return self.text(args[0], into)
        if origin in (typing.Union, types.UnionType):
            return _union(self.text(arg, into) for arg in args)
        if origin is typing.Literal:
            return _union(_literal(arg) for arg in args)
        if origin is collections.abc.Callable:
            return self._function(args, into)
        if origin is tuple:
            return self._tuple(args, into)
        if origin in _SETS:
            item = self.text(args[0], into)
            return f"{_grouped(item)}[] | Set<{item}>" if into else f"{_grouped(item)}[]"
        if origin in _SEQUENCES or origin is collections.deque:
            return f"{_grouped(self.text(args[0], into))}[]"
        if origin in _MAPPINGS:
            key, value = unaliased(args[0]), self.text(args[1], into)
            keys = f" | Map<{self.text(key, into)}, {value}>" if into and key is not str else ""
            return f"Record<string, {value}>{keys}"
        if origin in _STREAMS or origin is collections.abc.Iterable:
            item = self.text(args[0], into)
            if into:
                return f"Iterable<{item}> | AsyncIterable<{item}> | ReadableStream<{item}>"
            return f"PyStream<{item}>" + (f" | {_grouped(item)}[]" if origin is collections.abc.Iterable else "")
        if origin in _AWAITABLES:
            return self.text(args[-1], into)
        if origin is typing.IO:
            return _TWO_FORMS[typing.BinaryIO][not into]
        if isinstance(origin, type):
            return _array(args, into) if _is_array(origin) else self._class(origin, into)
        return "any"

    def _class(self, kind: type, into: bool) -> str:
        if _is_array(kind):
            return _array((), into)
        if issubclass(kind, enum.Enum):
            return _union(_literal(member) for member in kind)
        if issubclass(kind, pathlib.PurePath):
            return "string"
        if issubclass(kind, PageObject):
            return "object" if into else "any"
        if kind in _STREAMS or kind is collections.abc.Iterable:
            return self._generic(kind, kind, (Any,), into)
        for base in (
            bool,
            int,
            float,
            str,
            datetime.datetime,
            datetime.date,
            datetime.time,
            datetime.timedelta,
            UUID,
            Decimal,
        ):
            if issubclass(kind, base):
                return self.text(base, into)
        place = (kind.__module__.partition(".")[0], kind.__name__)
        if place[0] in ("pandas", "polars") and place[1] in ("DataFrame", "Series"):
            return "Frame"
        return "NDArray" if place == ("PIL", "Image") else self.refer(kind, into)

    def _function(self, args: tuple[Any, ...], into: bool) -> str:
        """Return the type of a callable: the page gives the arguments, and its function's are what Python sends."""
        if not into:
            return "PyFunction"
        given, result = args
        if not isinstance(given, list):  # `...`, or a ParamSpec
            parameters = "...args: any[]"
        else:
            parameters = ", ".join(f"arg{index}: {self.text(arg, False)}" for index, arg in enumerate(given))
        value = self.text(result, True)
        # What the function returns is dropped where Python expects nothing.
        return f"({parameters}) => " + ("any" if value in ("null", "any") else f"{value} | PromiseLike<{value}>")

    def _tuple(self, args: tuple[Any, ...], into: bool) -> str:
        if len(args) == 2 and args[1] is ...:
            return f"{_grouped(self.text(args[0], into))}[]"
        return f"[{', '.join(self.text(arg, into) for arg in args)}]"


def _resolved(text: str, doubles: set[str]) -> str:
    return re.sub("«(.*?)»", lambda found: found[1] + "Input" * (found[1] in doubles), text)


def _fields(kind: type) -> _Class | None:
    """Return the fields of a class, or `None` if it has none that cross as data."""
    doc = inspect.cleandoc(str(vars(kind).get("__doc__") or ""))
    doc = "" if doc.startswith(f"{kind.__name__}(") else doc  # that of a dataclass without one
    if is_pydantic(kind) and hasattr(kind, "model_fields"):
        fields = [
            (_alias(field) or name, name, field.annotation, field.is_required(), True)
            for name, field in kind.model_fields.items()
        ]
        return _Class(doc, fields)
    known = (hasattr(kind, "__dataclass_fields__") or hasattr(kind, "__attrs_attrs__") or typing.is_typeddict(kind)
             or issubclass(kind, msgspec.Struct) or (issubclass(kind, tuple) and hasattr(kind, "_fields")))  # fmt: skip
    if not known:
        return None
    try:
        info: Any = msgspec.inspect.type_info(kind)
        hints = typing.get_type_hints(kind, include_extras=True)
    except Exception:  # noqa: BLE001 - a field whose type msgspec refuses, or that names an unknown type
        return None
    if isinstance(info, msgspec.inspect.NamedTupleType):
        return None
    is_typed_dict = isinstance(info, msgspec.inspect.TypedDictType)
    fields = [
        (
            field.encode_name,
            field.encode_name,
            hints.get(field.name, Any),
            field.required,
            field.required or not is_typed_dict,
        )
        for field in info.fields
    ]
    tag = getattr(info, "tag", None)
    if tag is not None:
        fields.insert(0, (info.tag_field, info.tag_field, typing.Literal[tag], False, True))
    return _Class(doc, fields)


def _alias(field: Any) -> str | None:
    """Return the name under which pydantic expects a field, or `None` for its own or several."""
    return field.validation_alias if isinstance(field.validation_alias, str) else None


def _is_array(kind: type) -> bool:
    return kind.__module__ == "numpy" and kind.__name__ == "ndarray"


def _array(args: tuple[Any, ...], into: bool) -> str:
    names = [getattr(arg, "__name__", "") for arg in (typing.get_args(args[-1]) if args else ())]
    typed = next((_ARRAYS[name] for name in names if name in _ARRAYS), "TypedArray")
    numbers = " | bigint[]" if typed.startswith("Big") else ""
    return f"{typed} | NDArray" + (f" | number[]{numbers}" if into else "")


def _union(texts: Iterable[str]) -> str:
    found = list(dict.fromkeys(_grouped(text) if "=>" in text else text for text in texts))
    return "any" if "any" in found else " | ".join(found)


def _literal(value: Any) -> str:
    plainly = value.value if isinstance(value, enum.Enum) else value
    return json.dumps(plainly) if isinstance(plainly, (str, int, float, bool)) or plainly is None else "any"


def _grouped(text: str) -> str:
    return f"({text})" if re.search(r" \| |=>", text) else text


def _property(name: str) -> str:
    return name if _IDENTIFIER.fullmatch(name) else json.dumps(name)


# Functions ---------------------------------------------------------------------------------------------------------

_Tree: typing.TypeAlias = "dict[str, tuple[list[Function], _Tree]]"


def _tree(functions: Iterable[Function]) -> _Tree:
    """Return functions by the parts of their names: `model.fit` is a member of `model`."""
    root: _Tree = {}
    for function in functions:
        *objects, name = function.key.split(".")
        place = root
        for one in objects:
            place = place.setdefault(one, ([], {}))[1]
        place.setdefault(name, ([], {}))[0].append(function)
    return root


def _members(tree: _Tree, named: _NamedTypes, indent: str) -> list[str]:
    lines = []
    for name, (functions, below) in tree.items():
        parts = [_caller(function, named, indent) for function in functions]
        doc = str(functions[0].describe()["doc"]) if functions else ""
        if below:
            inner = "\n".join(_members(below, named, indent + "    "))
            parts.append(f"{{\n{inner}\n{indent}}}")
        lines.append(f"{_jsdoc(doc, indent)}{indent}readonly {_property(name)}: {' & '.join(parts)};")
    return lines


def _caller(function: Function, named: _NamedTypes, indent: str) -> str:
    try:
        parameters, _ = parameters_of(function.func)
    except (ValueError, TypeError):
        return "PyCaller"
    result = named.text(_annotation(parameters.pop("return")), False)
    everything = [_Parameter(parameter, named) for parameter in parameters.values()]
    args = [one.element() for one in everything if one.by_position]
    required = any(one.is_required and not one.by_position for one in everything)
    positional = "never" if required else f"[{', '.join(args)}]"
    forms = _keyword_forms(everything)
    inner = f"\n{indent}    "
    parts = [result, positional, f"{inner}| ".join(forms)]
    return named.resolved(f"PyCaller<{inner}{f',{inner}'.join(parts)}>")


def _annotation(parameter: inspect.Parameter) -> Any:
    return Any if parameter.annotation is inspect.Parameter.empty else parameter.annotation


class _Parameter:
    """Parameter of a function, in TypeScript."""

    def __init__(self, parameter: inspect.Parameter, named: _NamedTypes) -> None:
        kind = parameter.kind
        self.name = parameter.name
        self.is_rest = kind is inspect.Parameter.VAR_POSITIONAL
        self.is_more = kind is inspect.Parameter.VAR_KEYWORD
        self.by_position = kind not in (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD)
        self.by_name = kind in (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        self.is_required = parameter.default is inspect.Parameter.empty and not (self.is_rest or self.is_more)
        self.type = named.text(_annotation(parameter), True)
        if parameter.default is None and not self.type.endswith("null"):
            self.type = _union([self.type, "null"])

    def element(self, is_given: bool = False) -> str:
        """Return it as an element of a tuple of arguments, required if others follow."""
        name = re.sub(r"\W", "_", self.name, flags=re.ASCII)
        if self.is_rest:
            return f"...{name}: {_grouped(self.type)}[]"
        return f"{name}{'' if self.is_required or is_given else '?'}: {self.type}"


def _keyword_forms(everything: list[_Parameter]) -> list[str]:
    """Return the arguments of `callKwargs`: each mixture of arguments by position and by name."""
    by_position = [one for one in everything if one.by_position]
    first = next((i for i, one in enumerate(by_position) if one.by_name), len(by_position))
    if len(by_position) - first > _MOST_FORMS:
        return ["any[]"]
    forms = []
    for count in range(len(by_position), -1, -1):
        before, after = by_position[:count], by_position[count:]
        if any(one.is_required and not one.by_name for one in after) or (before and before[-1].is_rest and after):
            continue
        named = [one for one in [*after, *(one for one in everything if not one.by_position)] if one.by_name]
        members = [f"{_property(one.name)}{'' if one.is_required else '?'}: {one.type}" for one in named]
        more = [one.type for one in everything if one.is_more]
        if more:  # TypeScript wants the type of every member in that of the others
            members.append(f"[name: string]: {_union([*more, *(one.type for one in named), 'undefined'])}")
        keywords = f"{{ {'; '.join(members)} }}" if members else "Record<string, never>"
        elements = [*(one.element(is_given=True) for one in before), f"keywords: {keywords}"]
        forms.append(f"[{', '.join(elements)}]")
    return forms or ["any[]"]


def _topic_type(func: Callable[..., Any], named: _NamedTypes) -> str:
    """Return the type of the second parameter of a subscriber, `func(topic, data)`."""
    try:
        parameters, _ = parameters_of(func)
    except (ValueError, TypeError):
        return "any"
    parameters.pop("return")
    data = list(parameters.values())[1:2]
    return named.resolved(named.text(_annotation(data[0]), True)) if data else "any"


def _jsdoc(doc: str, indent: str) -> str:
    lines = doc.replace("*/", "*\\/").strip().splitlines()
    if not lines:
        return ""
    if len(lines) == 1:
        return f"{indent}/** {lines[0]} */\n"
    return f"{indent}/**\n" + "".join(f"{indent} * {line}".rstrip() + "\n" for line in lines) + f"{indent} */\n"
