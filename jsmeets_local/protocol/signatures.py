"""Signatures of exposed functions: which arguments are converted, and to which types."""

from __future__ import annotations

import functools
import importlib
import inspect
import re
import sys
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from .conversions import NATIVE, PLACE, Converter, Items, Mismatch, converter, described, got
from .handles import ImportedStream
from .text import error_text

__all__ = ["Signature", "call_method", "is_annotated", "parameters_of"]

# A value that is not of the type at all. msgspec tells only the type of the value.
_GOT = re.compile(r"(?:Expected .*, )?got (?:`.*`|(?P<what>.*))|Invalid .*", re.DOTALL)


# Since Python 3.14 annotations are evaluated when they are read, and those of unknown names raise.
_LENIENT: dict[str, Any] = {}
if sys.version_info >= (3, 14):
    _LENIENT["annotation_format"] = importlib.import_module("annotationlib").Format.FORWARDREF


def _function(func: Any) -> types.FunctionType | None:
    """Return the function behind a callable, without running code of the user's classes."""
    for _ in range(100):  # a chain of callables may be a circle
        kind = type(func)
        if kind is types.FunctionType:
            return func  # type: ignore[no-any-return]
        if issubclass(kind, functools.partial):
            func = func.func
        elif kind is types.MethodType or kind in (staticmethod, classmethod):
            func = func.__func__
        elif kind is functools._lru_cache_wrapper:
            func = func.__wrapped__
        elif issubclass(kind, type):
            return _plain_function(inspect.getattr_static(func, "__init__", None))
        else:
            return _plain_function(inspect.getattr_static(kind, "__call__", None))
    return None


def _plain_function(found: Any) -> types.FunctionType | None:
    return found if type(found) is types.FunctionType else None


def is_annotated(func: Callable[..., Any]) -> bool:
    """Return whether a parameter of a function has an annotation; false for functions with `typing.no_type_check`."""
    function = _function(func)
    if function is None or getattr(function, "__no_type_check__", False):
        return False
    try:
        return bool(function.__annotations__.keys() - {"return"})
    except Exception:  # noqa: BLE001 - since Python 3.14 they are evaluated here
        return True


def parameters_of(func: Callable[..., Any]) -> tuple[dict[str, inspect.Parameter], dict[str, str]]:
    """Return the parameters of a function with their annotations evaluated, and why others could not be.

    Returns:
        The parameters by name, in order, without annotation where it cannot be evaluated; and the reasons, by name. The
        annotation of the result is that of the parameter `return`.

    Raises:
        ValueError: The function has no signature.
        TypeError: It has no signature.
    """
    signature = inspect.signature(func, **_LENIENT)
    function = _function(func)
    inner: Any = inspect.unwrap(function) if function is not None else func
    names = dict(getattr(inner, "__globals__", {}))
    code = getattr(inner, "__code__", None)
    for name, cell in zip(code.co_freevars if code else (), getattr(inner, "__closure__", None) or (), strict=False):
        try:
            names[name] = cell.cell_contents
        except ValueError:  # not assigned yet
            continue
    names |= {parameter.__name__: parameter for parameter in getattr(inner, "__type_params__", ())}
    found, reasons = dict(signature.parameters), {}
    found["return"] = inspect.Parameter(
        "result", inspect.Parameter.POSITIONAL_ONLY, annotation=signature.return_annotation
    )
    for name, parameter in found.items():
        if parameter.annotation is not inspect.Parameter.empty:
            try:
                annotation = _evaluated(parameter.annotation, names)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - the annotations are code of the user
                annotation = inspect.Parameter.empty
                reasons[name] = error_text(error)
            found[name] = parameter.replace(annotation=annotation)
    return found, reasons


def _evaluated(annotation: Any, names: dict[str, Any]) -> Any:
    holder = types.SimpleNamespace(__annotations__={"it": annotation})
    return typing.get_type_hints(holder, names, names, include_extras=True)["it"]


class _Checked(typing.NamedTuple):
    """Parameter with an annotation against which its arguments are checked."""

    name: str
    annotation: Any
    convert: Converter
    same: frozenset[type]  # types of values that need no conversion
    kind: type | None  # a class whose instances need none, those of its subclasses included


class Signature:
    """Signature of a function, whose annotations are evaluated once.

    Args:
        func: The function.

    Attributes:
        unchecked: Why annotated parameters are not checked, by name.
    """

    __slots__ = ("_at", "_keywords", "_named", "_rest", "unchecked")

    def __init__(self, func: Callable[..., Any]) -> None:
        self._at: list[tuple[int, _Checked]] = []
        self._named: dict[str, _Checked] = {}
        self._rest: tuple[int, _Checked] | None = None  # of *args, and the index of the first
        self._keywords: _Checked | None = None  # of **keywords
        self.unchecked: dict[str, str] = {}
        try:
            parameters, self.unchecked = parameters_of(func)
        except (ValueError, TypeError) as error:
            self.unchecked["*"] = error_text(error)
            return
        del parameters["return"]
        self.unchecked.pop("return", None)
        for index, (name, parameter) in enumerate(parameters.items()):
            checked = self._check(name, parameter)
            if checked is None:
                continue
            if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
                self._rest = index, checked
            elif parameter.kind is inspect.Parameter.VAR_KEYWORD:
                self._keywords = checked
            else:
                if parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
                    self._at.append((index, checked))
                if parameter.kind is not inspect.Parameter.POSITIONAL_ONLY:
                    self._named[name] = checked

    def _check(self, name: str, parameter: inspect.Parameter) -> _Checked | None:
        annotation = parameter.annotation
        if annotation is inspect.Parameter.empty or typing.get_origin(annotation) is typing.Unpack:
            return None
        try:
            if parameter.default is None and annotation is not Any:
                annotation = annotation | None  # raises TypeError for a value that is no type
            convert, same = converter(annotation)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the metaclass of a class of the user, for example
            self.unchecked[name] = error_text(error)
            return None
        kind = annotation if isinstance(annotation, type) and annotation not in NATIVE else None
        return None if convert is None else _Checked(name, annotation, convert, same, kind)

    def convert(
        self, key: str, args: Sequence[Any], keywords: Mapping[str, Any]
    ) -> tuple[Sequence[Any], Mapping[str, Any]]:
        """Return the arguments of a call, converted. Arguments that the function does not take are kept.

        Args:
            key: The name of the function, for errors.
            args: The positional arguments.
            keywords: The keyword arguments.

        Raises:
            Mismatch: An argument does not fit.
        """
        converted = list(args)
        given = len(args)
        for index, checked in self._at:
            if index >= given:
                break
            value = args[index]
            if type(value) not in checked.same:
                converted[index] = _converted(key, checked, value)
        if self._rest is not None:
            first, checked = self._rest
            converted[first:] = [_converted(key, checked, value) for value in converted[first:]]
        if keywords:
            keywords = dict(keywords)
            for name, value in keywords.items():
                known = self._named.get(name, self._keywords)
                if known is not None:
                    keywords[name] = _converted(key, known, value)
        return converted, keywords


def _converted(key: str, checked: _Checked, value: Any) -> Any:
    kind = type(value)
    if kind in checked.same or kind is checked.annotation or checked.kind in kind.__mro__:
        return value
    try:
        converted = checked.convert(value)
    except (ValueError, TypeError, OverflowError) as error:
        raise _mismatch(key, checked, value, error_text(error)) from None
    if isinstance(converted, ImportedStream) and isinstance(converted._convert, Items):
        converted._convert.error = functools.partial(_mismatch, key, checked, value)
    return converted


def _mismatch(key: str, checked: _Checked, value: Any, text: str) -> Mismatch:
    """Return the error for a value that does not fit, from that of its conversion."""
    if found := PLACE.fullmatch(text):
        detail = f"{found['path'].replace('$', checked.name, 1)}: {found['text']}"
    elif found := _GOT.fullmatch(text):
        detail = f"got {found['what'] or got(value)}"
    else:  # a limit, or a field that is missing
        detail = text
    return Mismatch(f"{key}: argument {checked.name!r} must be {described(checked.annotation)}; {detail}")


_signatures: WeakKeyDictionary[types.FunctionType, Signature] = WeakKeyDictionary()


def call_method(key: str, method: Callable[..., Any], args: Sequence[Any], keywords: Mapping[str, Any]) -> Any:
    """Call a method with converted arguments. The signatures of methods are kept as long as the methods.

    Args:
        key: The name of the method, for errors.
        method: The bound method, or another callable.
        args: The positional arguments.
        keywords: The keyword arguments.

    Raises:
        Mismatch: An argument does not fit its annotation.
    """
    if is_annotated(method):
        function = method.__func__ if type(method) is types.MethodType else None
        signature = _signatures.get(function) if type(function) is types.FunctionType else None
        if signature is None:
            signature = Signature(method)
            if type(function) is types.FunctionType:
                _signatures[function] = signature
        args, keywords = signature.convert(key, args, keywords)
    return method(*args, **keywords)
