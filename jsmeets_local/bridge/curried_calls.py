"""Curried calls: `call("name")` returns a callable that takes the arguments in a second call."""

from __future__ import annotations

import functools
import inspect
import sys
import warnings
from collections.abc import Callable, Mapping
from inspect import CO_COROUTINE, CO_GENERATOR
from opcode import opmap
from types import FrameType
from typing import Any, Generic, NoReturn, TypeVar, cast

from ..protocol.functions import AsyncCallable
from ..protocol.text import shown
from .tracebacks import cut

__all__ = ["AsyncCurriedCall", "AsyncCurriedSend", "CurriedCall", "CurriedSend", "curried", "hinted"]

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

_CACHE = 0  # opcode of the inline caches after an instruction
_POP = opmap["POP_TOP"]
_RETURN = opmap["RETURN_VALUE"]


def hinted(hint: Callable[[Callable[..., Any], tuple[Any, ...], Mapping[str, Any]], str]) -> Callable[[F], F]:
    """Decorate a public method, so that its `TypeError` for arguments in the wrong place says what to write.

    Args:
        hint: Returns what to write instead, or "". It is called with the method and its arguments without `self`.
    """

    def decorate(method: F) -> F:
        @functools.wraps(method)
        def call(*args: Any, **named: Any) -> Any:
            try:
                return method(*args, **named)
            except BaseException as error:
                if type(error) is TypeError and (meant := hint(method, args[1:], named)):
                    error.args = (f"{error}. {meant}",)
                cut(error)
                raise

        return cast(F, call)

    return decorate


def _second_call(method: Callable[..., Any], args: tuple[Any, ...], named: Mapping[str, Any]) -> str:
    """Return what to write instead of a first call that has values; "" if it has none, or no name."""
    known = inspect.signature(method).parameters
    given = [shown(value, 60) for value in args[1:]]
    fields = {name: shown(value, 60) for name, value in named.items() if name not in known}
    if not args or not isinstance(args[0], str) or not (given or fields):
        return ""
    if fields:
        given.append(f"{{{', '.join(f'{name!r}: {value}' for name, value in fields.items())}}}")
    first = ", ".join([repr(args[0]), *(f"{name}={shown(named[name], 60)}" for name in named if name in known)])
    if method.__name__ in ("push", "push_nowait", "publish"):
        values, what = given[0] if len(given) == 1 else f"[{', '.join(given)}]", "data"
    else:
        values, what = ", ".join(given), "arguments"
    return f"Pass the {what} in a second call: {method.__name__}({first})({values})"


curried = hinted(_second_call)  # a method that returns a curried call


class CurriedCall(Generic[T]):
    """Callable that takes the arguments of a call, and can be called repeatedly.

    A statement that passes no arguments, `page.call("draw")`, has no effect and emits a `RuntimeWarning`.

    Args:
        verb: The name of the method, `"call"`.
        key: The name of a function, queue or topic.
        send: Called with the tuple of arguments.
    """

    __slots__ = ("_key", "_send", "_verb")
    _arguments = "arguments"

    def __init__(self, verb: str, key: Any, send: Callable[[Any], T]) -> None:
        self._verb = verb
        self._key = key
        self._send = send
        # The bytecode of the callers shows whether the statement discards this. A finalizer would show it, too, but
        # would swallow a `KeyboardInterrupt`. A coroutine returns to the task that awaits it: its frame is not on this
        # stack.
        frame: FrameType | None = sys._getframe(1)
        level = 1
        instruction = _RETURN
        while frame is not None:
            code, place = frame.f_code.co_code, frame.f_lasti + 2  # after the call that this stack frame executes
            while place < len(code) and code[place] == _CACHE:
                place += 2
            instruction = code[place] if place < len(code) else _CACHE
            if instruction != _RETURN:
                break
            if frame.f_code.co_flags & (CO_COROUTINE | CO_GENERATOR):
                return
            frame = frame.f_back
            level += 1
        if frame is not None and instruction == _POP:
            text = f"{self._half()} alone has no effect; pass the arguments in a second call: {self._whole()}"
            warnings.warn(text, RuntimeWarning, stacklevel=level + 1)

    def __call__(self, *args: Any, **named: Any) -> T:
        try:
            if named:
                _refuse_named(self._half(), named)
            return self._send(args)
        except BaseException as error:
            cut(error)
            raise

    def _half(self) -> str:
        return f"{self._verb}({self._key!r})"

    def _whole(self) -> str:
        return f"{self._half()}({self._arguments})"

    def __repr__(self) -> str:
        return f"<{self._half()}: pass the arguments in a second call: {self._whole()}>"


class CurriedSend(CurriedCall[T]):
    """Curried call that takes a single value, `push("queue")(data)`.

    Args:
        verb: The name of the method.
        key: The name of a queue or topic.
        send: Called with the value.
    """

    __slots__ = ()
    _arguments = "data"

    def __call__(self, *args: Any, **named: Any) -> T:
        try:
            given = (*args, *named.values())
            if len(given) != 1 or not named.keys() <= {"data"}:
                hint = f"; to pass several, write {self._half()}([1, 2])" if len(given) > 1 else ""
                raise TypeError(f"{self._half()} takes one value: {self._whole()}; got {len(given)}{hint}")
            return self._send(given[0])
        except BaseException as error:
            cut(error)
            raise


class AsyncCurriedCall(CurriedCall[T], AsyncCallable):
    """Curried call whose result is awaited."""

    __slots__ = ()

    def __await__(self) -> NoReturn:
        raise TypeError(f"await {self._half()}: pass the arguments in a second call: await {self._whole()}")


class AsyncCurriedSend(CurriedSend[T], AsyncCurriedCall[T]):
    """Curried call of a single value whose result is awaited."""

    __slots__ = ()


def _refuse_named(function: str, named: Mapping[str, Any]) -> NoReturn:
    """Raise an error for keyword arguments, which JavaScript does not have.

    Args:
        function: The call as the user has written it, up to the arguments.
        named: The keyword arguments.

    Raises:
        TypeError: Always.
    """
    got = ", ".join(f"{name}={value!r:.60}" for name, value in named.items())
    values = ", ".join(f"{value!r:.60}" for value in named.values())
    fields = ", ".join(f"{name!r}: {value!r:.60}" for name, value in named.items())
    raise TypeError(
        f"JavaScript functions take positional arguments; got {got}. "
        f"Write {function}({values}), or {function}({{{fields}}}) to pass an object"
    )
