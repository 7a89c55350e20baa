"""Details of exceptions: fields, causes and members that can be sent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from types import GetSetDescriptorType, MemberDescriptorType
from typing import Any

import msgspec

from ..errors import JavaScriptError, JsPyError
from .messages import ErrorInfo
from .text import error_name, error_text
from .values import pack

__all__ = ["MOST_ERRORS", "describe"]

MOST_ERRORS = 16  # causes and members of an error that are sent
FIELD_BYTES = 16 * 1024  # of all fields together, as JSON
TEXT = 4096  # characters of the text of a cause or member

_PLAIN = (object, BaseException, Exception, BaseExceptionGroup, ExceptionGroup)
_LEFT_OUT = {"obj", "print_file_and_line"}  # of AttributeError: the whole object; of SyntaxError: a flag
_DESCRIPTORS = (MemberDescriptorType, GetSetDescriptorType)


class _Describer:
    """Description of one exception with its causes and members, within the limits."""

    def __init__(self) -> None:
        self._errors = MOST_ERRORS
        self._bytes = FIELD_BYTES
        self._seen: set[int] = set()

    def details(self, info: ErrorInfo, error: BaseException) -> ErrorInfo:
        """Add fields, cause and members."""
        self._seen.add(id(error))
        nested = [made for member in _members(error) if (made := self._nested(member)) is not None]
        return msgspec.structs.replace(
            info,
            fields=self._fields(error) or msgspec.UNSET,
            cause=self._nested(error.__cause__) or msgspec.UNSET,
            errors=nested or msgspec.UNSET,
        )

    def _nested(self, error: BaseException | None) -> ErrorInfo | None:
        if error is None or id(error) in self._seen or self._errors == 0:
            return None
        self._errors -= 1
        return self.details(ErrorInfo("raised", *_told(error)), error)

    def _fields(self, error: BaseException) -> dict[str, Any]:
        return {name: sent for name, value in _own(error) if (sent := self._plain(value)) is not msgspec.UNSET}

    def _plain(self, value: Any) -> Any:
        """Return the value as the client receives it, in plain types; `UNSET` if it cannot be sent."""
        try:
            payload = pack(value, "field")
        except BaseException:  # noqa: BLE001 - the user's object may raise anything
            return msgspec.UNSET
        if payload.buffers or payload.references or len(payload.json) > self._bytes:
            return msgspec.UNSET
        self._bytes -= len(payload.json)
        return json.loads(payload.json)


def describe(info: ErrorInfo, error: BaseException) -> ErrorInfo:
    """Add the fields, the cause and the members of an exception, except for those that cannot be sent.

    Args:
        info: The type and message of the exception.
        error: The exception.
    """
    try:
        return _Describer().details(info, error)
    except BaseException:  # noqa: BLE001 - the user's properties may raise anything
        return info


def _own(error: BaseException) -> Iterator[tuple[str, Any]]:
    """Yield the public attributes of an exception: from `__dict__`, `__slots__` and built-in types (`errno`)."""
    if isinstance(error, JsPyError):
        yield from error.fields.items() if isinstance(error, JavaScriptError) else ()
        return
    for kind in type(error).__mro__:
        for name, member in () if kind in _PLAIN else vars(kind).items():
            if isinstance(member, _DESCRIPTORS) and name not in _LEFT_OUT and not name.startswith("_"):
                value = getattr(error, name, None)
                if value is not None:
                    yield name, value
    for name, value in list(vars(error).items()):
        if isinstance(name, str) and not name.startswith("_"):
            yield name, value


def _members(error: BaseException) -> Sequence[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        members: Sequence[BaseException] = error.exceptions
        return members
    return error.errors if isinstance(error, JavaScriptError) else ()


def _told(error: BaseException) -> tuple[str, str]:
    """Return the name and the message of a cause or member."""
    if isinstance(error, JavaScriptError):
        return error.name, error.msg[:TEXT]
    try:
        return error_name(error), error_text(error)[:TEXT]
    except KeyboardInterrupt:  # from its __str__: these threads run no signal handlers
        return error_name(error), ""
