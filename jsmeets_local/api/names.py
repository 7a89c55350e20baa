"""`page.js`: the functions of a page as attributes, with their parameters and documentation."""

from __future__ import annotations

import inspect
import keyword
import re
from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from typing import Any

from msgspec import Struct

from ..bridge.client import Client
from ..bridge.curried_calls import refuse_named
from ..bridge.tracebacks import cut
from ..errors import JsPyError
from ..protocol.arguments import check_name

__all__ = ["AsyncPageFunction", "Names", "PageFunction"]


class Names:
    """Functions of a page, by name.

    Args:
        kind: The type of the attributes.
        client: The client behind the page.
    """

    def __init__(self, kind: type[PageFunction], client: Client) -> None:
        self._kind = kind
        self._client = client

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # looked up by IPython and copy, never a function of the page
            raise AttributeError(f'to call a function whose name begins with "_", use page.call({name!r})(...)')
        return self._kind(name, self._client)

    def __getitem__(self, name: str) -> Any:
        return self._kind(check_name(name, "key of a function"), self._client)

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_"):
            raise AttributeError(f'Python cannot set a function of the page; use page.eval("{name} = ...")')
        super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        try:
            return list(self._client.query("$names"))
        except JsPyError:  # completion must not fail if the page is disconnected
            return []


class _InstanceProperty(property):
    """Property that is `None` on the class."""

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return None if instance is None else super().__get__(instance, owner)


class PageFunction:
    """Function that a page exposes, called with positional arguments.

    `help()` and the `?` of a notebook query the page for its documentation.
    """

    __doc__ = _InstanceProperty(lambda self: self._facts.doc)
    __signature__ = _InstanceProperty(lambda self: self._facts.signature)

    def __init__(self, key: str, client: Client) -> None:
        self.__name__ = self.__qualname__ = key
        self._client = client

    def __call__(self, *args: Any, **named: Any) -> Any:
        try:
            if named:
                refuse_named(f"page.js.{self.__name__}", named)
            return self._client.call(self.__name__, None, args)
        except BaseException as error:
            cut(error)
            raise

    def __repr__(self) -> str:
        return f"<JavaScript function {self.__name__!r}>"

    @cached_property
    def _facts(self) -> _Facts:
        # IPython's ? looks at `__call__` afterwards, and would show its signature and docstring if they differed.
        same = partial(self)
        same.__doc__ = ""
        vars(self)["__call__"] = same
        try:
            return _facts(self._client.query("$describe", self.__name__))
        except JsPyError:  # the page is disconnected, or has no such function
            return _Facts("", _ANY)


class AsyncPageFunction(PageFunction):
    """`PageFunction` whose result is awaited."""

    __doc__ = _InstanceProperty(lambda self: self._facts.doc)

    async def __call__(self, *args: Any, **named: Any) -> Any:
        if named:
            refuse_named(f"page.aio.js.{self.__name__}", named)
        return await self._client.call_async(self.__name__, None, args)


# Descriptions --------------------------------------------------------------------------------------------------------


class _Facts(Struct, frozen=True):
    doc: str
    signature: inspect.Signature


_ANY = inspect.Signature([inspect.Parameter("args", inspect.Parameter.VAR_POSITIONAL)])


def _facts(answer: Mapping[str, Any]) -> _Facts:
    doc = "\n\n".join(filter(None, [answer["signature"], answer["doc"]]))
    return _Facts(doc, _ANY if answer["params"] is None else _signature(answer["params"]))


class _Code:
    """Default value, shown as JavaScript code."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def _signature(params: Sequence[Mapping[str, Any]]) -> inspect.Signature:
    """Convert JavaScript parameters to positional parameters of Python."""
    made: dict[str, inspect.Parameter] = {}
    optional = False
    for number, param in enumerate(params):
        name = _python_name(param["name"], number, made)
        optional = optional or "default" in param  # the parameters after it may be omitted, too, and are undefined
        default = _Code(param.get("default", "undefined")) if optional else inspect.Parameter.empty
        if param.get("rest"):
            made[name] = inspect.Parameter(name, inspect.Parameter.VAR_POSITIONAL)
        else:
            made[name] = inspect.Parameter(name, inspect.Parameter.POSITIONAL_ONLY, default=default)
    return inspect.Signature(list(made.values()))


def _python_name(name: str, number: int, others: Mapping[str, object]) -> str:
    """Convert a name to a Python identifier: `$el` to `_el`, `from` to `from_`, and a pattern to `arg0`."""
    plain = re.sub(r"\W", "_", name) if re.fullmatch(r"[\w$]+", name) else ""
    plain += "_" if keyword.iskeyword(plain) else ""
    return plain if plain.isidentifier() and plain not in others else f"arg{number}"
