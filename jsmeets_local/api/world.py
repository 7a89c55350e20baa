"""`page.js`: the world of a page, its functions and its global variables, as attributes."""

from __future__ import annotations

import inspect
import keyword
import re
from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from typing import Any, Required, TypedDict

from msgspec import Struct

from ..bridge.client import Client, WorldUse
from ..bridge.portal import Operation
from ..bridge.proxies.base import checked
from ..bridge.proxies.js_function import TimedFunction
from ..bridge.proxies.js_path import JSCall, JSPath
from ..bridge.proxies.js_proxy import QUERY_SECONDS, Remote
from ..bridge.proxies.steps import call, property_name, step
from ..bridge.tracebacks import cut, public
from ..errors import Disconnected, JsPyError, UnknownFunction, UnknownProperty
from ..protocol.arguments import check_name, seconds_of_call
from ..protocol.values import Payload

__all__ = ["AsyncPageFunction", "AsyncWorld", "PageFunction", "World"]


class _Root(Remote):
    """Root of the objects of a page: its world."""

    __slots__ = ()

    _client: Client

    def _operation(self, steps: Payload, about: str, timeout: float | None = None) -> Operation[Any]:
        name = about.removeprefix(".")
        if timeout is not None and not self._client.presence.sockets:  # a query, which waits for no connection
            raise Disconnected("the page is not connected", "call", name)
        return WorldUse(self._client, name, timeout, steps)

    def _post(self, steps: Payload) -> bool:
        return self._client.use_nowait(steps)


class World(_Root):
    """World of a page: the functions that it exposes, then its global variables.

    An exposed function is known without a request. Each other attribute is read at once.

    Args:
        client: The client behind the page.
    """

    __slots__ = ("_bridge", "_client")

    def __init__(self, client: Client) -> None:
        self._client = client
        self._bridge = client.bridge

    def _label(self) -> str:
        return ""

    def _awaitable(self) -> str:
        return "page.aio.js"

    def _attribute(self, key: str, name: str, timeout: float | None = None) -> Any:
        if key in self._client.names():
            return PageFunction(key, self._client)
        with _UnknownName():
            return self._use(step("get", key), about=key, twin=f".{name}", timeout=timeout)

    def _callee(self, key: str, name: str) -> Any:
        return PageFunction(key, self._client) if key in self._client.names() else super()._callee(key, name)

    def _call_property(self, key: str, name: str, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        with _UnknownName():
            return super()._call_property(key, name, args, options)

    @public
    def __getitem__(self, name: str) -> Any:
        return self._attribute(check_name(name, "key of a function"), name)

    def _writable(self, name: str) -> str:
        key = super()._writable(name)
        if key in self._client.names():
            raise AttributeError(f"{key!r} is a function that the page exposes; Python cannot replace it")
        return key

    @public
    def __setitem__(self, name: str, value: Any) -> None:
        setattr(self, check_name(name, "name of a global variable"), value)

    @public
    def __delitem__(self, name: str) -> None:
        delattr(self, check_name(name, "name of a global variable"))

    @public
    def by_ref(self, name: str) -> Any:
        """Return a global variable by reference, also if it is plain data.

        Args:
            name: The name of the variable. Numbers, text and `None` have no reference, and are returned.
        """
        return self._use(step("get", name), step("reference"), about=name, twin=f".by_ref({name!r})")

    @public
    def __contains__(self, name: object) -> bool:
        return name in self._client.names() or super().__contains__(name)

    def __iter__(self) -> Any:
        raise TypeError("page.js is not a collection; dir(page.js) lists its names")

    def __len__(self) -> int:
        raise TypeError("page.js is not a collection; dir(page.js) lists its names")

    def __dir__(self) -> list[str]:
        return _names(self._client)

    def __repr__(self) -> str:
        return f"<JavaScript of {self._client.address}>"


def _names(client: Client) -> list[str]:
    """Return the names that the page exposes, and those of its global variables if it answers."""
    if not client.presence.sockets:
        return []
    names = set(client.names())
    try:
        known = checked(World(client)._use(step("keys"), timeout=QUERY_SECONDS), list[str], "page.js")
        names.update(name for name in known if name.isidentifier())
    except JsPyError:  # completion must not fail if the page has left, or is busy
        pass
    return sorted(names)


class _UnknownName:
    """Context that raises an unknown name as `AttributeError`, which `hasattr` and `getattr` know."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, UnknownFunction) and not isinstance(error, UnknownProperty):
            raise UnknownProperty(error.msg, error.protocol, error.key, error.id, error.socket_id) from None


class _InstanceProperty(property):
    """Property that is `None` on the class."""

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return None if instance is None else super().__get__(instance, owner)


class PageFunction(_Root):
    """Function that a page exposes. Keyword arguments become an object that is passed as the last argument.

    `help()` and the `?` of a notebook query the page for its documentation.
    """

    __doc__ = _InstanceProperty(lambda self: self._facts.doc)
    __signature__ = _InstanceProperty(lambda self: self._facts.signature)

    def __init__(self, key: str, client: Client) -> None:
        self.__name__ = self.__qualname__ = key
        self._client = client
        self._bridge = client.bridge

    def __call__(self, *args: Any, **options: Any) -> Any:
        try:
            return self._call(args, options, None)
        except BaseException as error:
            cut(error)
            raise

    @property
    def aio(self) -> AsyncPageFunction:
        """Return the function for any event loop: `await page.js.add.aio(1, 2)`, as `page.aio.js.add`."""
        return AsyncPageFunction(self.__name__, self._client)

    @public
    def nowait(self, *args: Any, **options: Any) -> bool:
        """Call the function without waiting, as `page.call_nowait` does. Return `False` if the page is closed."""
        return self._client.notify(self.__name__, (*args, options) if options else args)

    def timeout(self, seconds: float | None) -> TimedFunction:
        """Return this function with a time limit for its answer: `page.js.add.timeout(2)(1, 2)`.

        Args:
            seconds: Seconds; `None`, 0 or negative mean no limit.
        """
        return TimedFunction(self, seconds_of_call(seconds, "function.timeout(2)(...)"))

    def _call(self, args: tuple[Any, ...], options: dict[str, Any], timeout: float | None) -> Any:
        return self._client.call(self.__name__, timeout, (*args, options) if options else args)

    async def _await(self, args: tuple[Any, ...], options: dict[str, Any], timeout: float | None) -> Any:
        return await self._client.call_async(self.__name__, timeout, (*args, options) if options else args)

    @public
    def new(self, *args: Any, **options: Any) -> Any:
        """Construct an object of an exposed class, as `new` does in JavaScript."""
        return self._use(call(self._bridge, args, options, "new"), twin=".new(...)")

    def _path(self) -> tuple[Payload, ...]:
        return (step("get", self.__name__),)

    def _label(self) -> str:
        return self.__name__

    def _awaitable(self) -> str:
        return f"page.aio.js.{self.__name__}"

    def __repr__(self) -> str:
        return f"<JavaScript function {self.__name__!r}>"

    @cached_property
    def _facts(self) -> _Facts:
        # IPython's ? looks at `__call__` afterwards, and would show its signature and docstring if they differed.
        same = partial(self)
        same.__doc__ = ""
        vars(self)["__call__"] = same
        return _facts_of(self._client, self.__name__)


class AsyncWorld:
    """World of a page, whose attributes are awaited: `await page.aio.js.document.title`.

    Args:
        client: The client behind the page.
    """

    __slots__ = ("_client", "_root")

    def __init__(self, client: Client) -> None:
        self._client = client
        self._root = World(client)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}; write [{name!r}]")
        return self[property_name(name, type(self))]

    def __getitem__(self, name: str) -> Any:
        check_name(name, "key of a function")
        if name in self._client.names():
            return AsyncPageFunction(name, self._client)
        return JSPath(self._root, (step("get", name),), f".{name}")

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_"):
            raise AttributeError(f"an assignment cannot be awaited; write await page.aio.js.setattr({name!r}, ...)")
        object.__setattr__(self, name, value)

    def setattr(self, name: str, value: Any) -> JSCall:
        """Set a global variable: `await page.aio.js.setattr("counter", 5)`."""
        return JSPath(self._root).setattr(self._root._writable(name), value)

    def delattr(self, name: str) -> JSCall:
        """Delete a global variable."""
        return JSPath(self._root).delattr(self._root._writable(name))

    def by_ref(self, name: str) -> JSCall:
        """Return a global variable by reference, also if it is plain data."""
        return JSPath(self._root).by_ref(name)

    def __dir__(self) -> list[str]:
        return _names(self._client)

    def __repr__(self) -> str:
        return f"<awaitable JavaScript of {self._client.address}>"


class AsyncPageFunction(JSPath):
    """`PageFunction` whose result is awaited. Its call may go on: `await page.aio.js.make_chart(1).title`."""

    __doc__ = _InstanceProperty(lambda self: self._facts.doc)
    __signature__ = _InstanceProperty(lambda self: self._facts.signature)

    def __init__(self, key: str, client: Client) -> None:
        super().__init__(World(client), (step("get", key),), f".{key}")
        self.__name__ = self.__qualname__ = key
        self._client = client

    def __call__(self, *args: Any, **options: Any) -> Any:
        steps = (*self._steps, call(self._client.bridge, args, options))
        made = _PageCall(self._remote, steps, f"{self._names}(...)")
        made._call = (self._client, self.__name__, (*args, options) if options else args)
        return made

    def __repr__(self) -> str:
        return f"<JavaScript function {self.__name__!r}>"

    @cached_property
    def _facts(self) -> _Facts:
        same = partial(self)  # see PageFunction
        same.__doc__ = ""
        vars(self)["__call__"] = same
        return _facts_of(self._client, self.__name__)


class _PageCall(JSCall):
    """Call of an exposed function: the message that `page.call` sends, unless the path goes on."""

    __slots__ = ("_call",)

    _call: tuple[Client, str, Sequence[Any]]

    @public
    async def _run(self) -> Any:
        client, key, args = self._call
        return await client.call_async(key, None, args)


# Descriptions --------------------------------------------------------------------------------------------------------


def _facts_of(client: Client, key: str) -> _Facts:
    try:
        return _facts(checked(client.query("$describe", key), _Description, key))
    except (JsPyError, ValueError):  # the page is disconnected, has no such function, or describes an impossible one
        return _Facts("", _ANY)


class _Parameter(TypedDict, total=False):
    name: Required[str]
    default: str
    rest: bool


class _Description(TypedDict):
    signature: str
    doc: str
    params: list[_Parameter] | None


class _Facts(Struct, frozen=True):
    doc: str
    signature: inspect.Signature


_ANY = inspect.Signature([inspect.Parameter("args", inspect.Parameter.VAR_POSITIONAL)])


def _facts(answer: _Description) -> _Facts:
    doc = "\n\n".join(filter(None, [answer["signature"], answer["doc"]]))
    return _Facts(doc, _ANY if answer["params"] is None else _signature(answer["params"]))


class _Code:
    """Default value, shown as JavaScript code."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def _signature(params: Sequence[_Parameter]) -> inspect.Signature:
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
