"""`JSProxy`: an object of a page, which Python uses like its own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from opcode import opmap
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct

from ...errors import JavaScriptError, JsPyError, ProtocolError, UnknownProperty
from ...protocol.references import Handle
from ...protocol.text import on_one_line
from ...protocol.values import Payload
from ..portal import Operation
from ..process_bound import ProcessBound
from ..tracebacks import cut, public
from .base import PageObject, Use, checked, value_of
from .js_path import JSPath
from .js_stream import JSStream
from .steps import call, joined, own_names, property_name, step, with_key, with_value

if TYPE_CHECKING:
    from ..bridge import Bridge
    from .collections import JSObjectMap
    from .js_function import JSFunction

__all__ = ["QUERY_SECONDS", "JSProxy", "Remote", "is_function"]

QUERY_SECONDS = 0.4  # time that completion, help and repr() may wait for a page
_TEXT_ROOM = 80  # characters of an object in its repr()


class _Description(Struct):
    text: str


class Remote(ProcessBound):
    """Operators of Python on an object of a page. Each waits for one request to the page.

    Names that begin with an underscore belong to Python: `copy`, IPython and numpy look them up, without a request.
    """

    __slots__ = ()

    _bridge: Bridge

    def _operation(self, steps: Payload, about: str, timeout: float | None = None) -> Operation[Any]:
        """Return an operation that applies steps; its outcome is a value, or the exception to raise."""
        raise NotImplementedError

    def _post(self, steps: Payload) -> bool:
        """Apply steps without waiting. Return `False` if the page has left, so that nothing is sent."""
        raise NotImplementedError

    def _path(self) -> tuple[Payload, ...]:
        """Return the steps that lead from what `_operation` begins with to this object."""
        return ()

    def _label(self) -> str:
        """Return the name of this object in errors."""
        raise NotImplementedError

    def _awaitable(self) -> str:
        """Return the expression that leads to the awaitable twin, for errors."""
        return "proxy.aio"

    def _use(self, *steps: Payload, about: str = "", twin: str = "", timeout: float | None = None) -> Any:
        """Apply steps, and wait in this thread."""
        operation = self._operation(joined((*self._path(), *steps)), about or self._label(), timeout)
        return value_of(self._bridge.portal.block(operation, f"await {self._awaitable()}{twin}"))

    # Attributes ----------------------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(_hint(self, name))
        frame = sys._getframe(1)
        key = property_name(name, type(self))
        try:
            if _is_ipython(frame):  # it reads what `?` and Tab ask for, while the user waits
                if name == "getdoc":
                    raise AttributeError("IPython would call it for a docstring, and run a function of the page")
                return self._attribute(key, name, QUERY_SECONDS)
            return self._callee(key, name) if _is_called(frame, name) else self._attribute(key, name)
        except BaseException as error:
            cut(error)
            raise

    def _attribute(self, key: str, name: str, timeout: float | None = None) -> Any:
        """Read a property. A function keeps its object: `proxy.method(1)` has the object as `this`."""
        about = f"{self._label()}.{key}"
        answer = self._use(step("attribute", key), about=about, twin=f".{name}", timeout=timeout)
        value, is_method = checked(answer, tuple[Any, bool], about)
        if not is_function(value):
            return value
        if is_method:
            self._remember(key, value)
        return self._method(key, step("get", key), value)

    def _callee(self, key: str, name: str) -> Any:
        """Return a property that is called at once. The call reads it."""
        return _Callee(self, key, name)

    def _call_property(self, key: str, name: str, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Read a property and call it, in one request."""
        steps = step("get", key), call(self._bridge, args, options)
        return self._use(*steps, about=f"{self._label()}.{key}".removeprefix("."), twin=f".{name}(...)")

    def _remember(self, key: str, method: JSFunction) -> None:
        """Keep a method of the object's class, so that it is not read again."""

    def _method(self, name: str, path: Payload, function: JSFunction) -> Any:
        from .js_function import JSMethod

        return JSMethod(self, name, path, function)

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_"):
            object.__setattr__(self, name, value)
            return
        try:
            self._use(
                with_value(self._bridge, "set", self._writable(name), value),
                about=f"{self._label()}.{name}",
                twin=f".setattr({name!r}, ...)",
            )
        except BaseException as error:
            cut(error)
            raise

    def __delattr__(self, name: str) -> None:
        if name.startswith("_"):
            object.__delattr__(self, name)
            return
        try:
            key = self._writable(name)
            self._use(step("delete", key), about=f"{self._label()}.{name}", twin=f".delattr({name!r})")
        except BaseException as error:
            cut(error)
            raise

    def _writable(self, name: str) -> str:
        """Return the property of JavaScript that is written."""
        own = own_names(type(self))
        if name in own:
            raise AttributeError(f"{name!r} is the proxy's own; write the property of JavaScript as {name}_")
        return property_name(name, type(self))

    def __dir__(self) -> list[str]:
        own = own_names(type(self))
        try:
            names = checked(self._use(step("keys"), timeout=QUERY_SECONDS), list[str], self._label())
        except JsPyError:  # completion must not fail if the page has left, or is busy
            return sorted(own)
        return sorted(own.union(name for name in names if name.isidentifier()))

    # Items ---------------------------------------------------------------------------------------------

    @public
    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, slice):
            return [*self][key]
        path = with_key(self._bridge, "get_item", key)
        with _Missing(key):
            value = self._use(path, about=self._place(key), twin=f"[{key!r:.40}]")
        return self._method(str(key), path, value) if is_function(value) else value

    @public
    def __setitem__(self, key: Any, value: Any) -> None:
        with _Missing(key):
            self._use(with_value(self._bridge, "set_item", key, value), about=self._place(key), twin="...")

    @public
    def __delitem__(self, key: Any) -> None:
        with _Missing(key):
            self._use(with_key(self._bridge, "delete_item", key), about=self._place(key), twin="...")

    def _place(self, key: Any) -> str:
        return f"{self._label()}[{key!r:.40}]"

    @public
    def __contains__(self, key: Any) -> bool:
        return bool(self._use(with_key(self._bridge, "has", key), twin="..."))

    @public
    def __len__(self) -> int:
        timeout = QUERY_SECONDS if _is_ipython(sys._getframe(2)) else None  # 1 is the frame of `public`
        with _Refused():
            answer = self._use(step("length"), twin=".length", timeout=timeout)
        return int(checked(answer, int | float, f"{self._label()}.length"))

    def __iter__(self) -> Iterator[Any]:
        """Return a stream of the items. The page closes its iterator when the stream is collected, as after `break`."""
        try:
            with _Refused():
                operation = self._operation(joined((*self._path(), step("iterate"))), self._label())
                waited = self._bridge.portal.block(operation, f"async for item in {self._awaitable()}")
                items: Iterator[Any] = checked(value_of(waited), JSStream, self._label())
        except BaseException as error:
            cut(error)
            raise
        return items

    def __bool__(self) -> bool:
        """Return `True`: each object is true in JavaScript, even an empty array."""
        return True


def is_function(value: Any) -> bool:
    """Return whether a value is a function of a page."""
    return isinstance(value, JSProxy) and value.typeof == "function"


if sys.version_info >= (3, 12):
    _LOAD = opmap["LOAD_ATTR"]

    def _loads_callee(oparg: int) -> bool:
        return oparg & 1 == 1

    def _name_index(oparg: int) -> int:
        return oparg >> 1

else:
    _LOAD = opmap["LOAD_METHOD"]

    def _loads_callee(oparg: int) -> bool:
        return True

    def _name_index(oparg: int) -> int:
        return oparg


_EXTENDED = opmap["EXTENDED_ARG"]


def _is_called(frame: FrameType, name: str) -> bool:
    """Return whether the attribute that a frame loads is the function of a call: `page.js.f(1)`, but not `page.js.f`.

    The bytecode tells. Calls with `*args` or `**options` look like other loads.
    """
    code, place = frame.f_code, frame.f_lasti
    steps = code.co_code
    if place < 0 or steps[place] != _LOAD:
        return False
    oparg, before, shift = steps[place + 1], place - 2, 8
    while before >= 0 and steps[before] == _EXTENDED:
        oparg |= steps[before + 1] << shift
        before, shift = before - 2, shift + 8
    return _loads_callee(oparg) and code.co_names[_name_index(oparg)] == name


def _is_ipython(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__", "")).startswith("IPython.")


class _Callee:
    """Property that is called at once, by the statement that has loaded it."""

    __slots__ = ("_key", "_name", "_owner")

    def __init__(self, owner: Remote, key: str, name: str) -> None:
        self._owner = owner
        self._key = key
        self._name = name

    @public
    def __call__(self, *args: Any, **options: Any) -> Any:
        return self._owner._call_property(self._key, self._name, args, options)


def _hint(remote: Remote, name: str) -> str:
    text = f"{type(remote).__name__!r} object has no attribute {name!r}"
    return text if name.startswith("__") else f"{text}; a property of JavaScript is [{name!r}]"


class _Missing:
    """Context that raises `IndexError` or `KeyError` for an item that an object does not have."""

    def __init__(self, key: Any) -> None:
        self._key = key

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, UnknownProperty):
            raise (IndexError(error.msg) if isinstance(self._key, int) else KeyError(self._key)) from None


class _Refused:
    """Context that raises a `TypeError` of JavaScript as one of Python, which `list` expects of `len`."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, JavaScriptError) and error.name == "TypeError":
            raise TypeError(error.msg) from None


Converter: TypeAlias = "Callable[[JSProxy, Callable[[Any], Any], Callable[[JSProxy, Any], None]], Any]"


class _Conversion:
    """Conversion of an object to data by a function of the user for what is no data.

    Args:
        converter: The function; see `JSProxy.to_py`.
    """

    def __init__(self, converter: Converter) -> None:
        self._converter = converter
        self._results: dict[JSProxy, Any] = {}

    def convert(self, value: Any, depth: int) -> Any:
        """Convert a value of the page, `depth` levels deep; less than 0: all levels."""
        if isinstance(value, JSProxy) and value not in self._results:
            value = value._data(depth, plain=True)
        return self._filled(value, depth)

    def _filled(self, value: Any, depth: int) -> Any:
        """Convert the proxies in data."""
        if isinstance(value, list):
            return [self._filled(item, depth - 1) for item in value]
        if isinstance(value, dict):
            return {key: self._filled(item, depth - 1) for key, item in value.items()}
        if not isinstance(value, JSProxy) or depth == 0:
            return value
        if value in self._results:
            return self._results[value]
        return self._converter(value, lambda part: self.convert(part, depth - 1), self._results.__setitem__)


class JSProxy(PageObject, Remote):
    """Object of a page, such as an element. It arrives in Python wherever a page sends an object that is not data.

    Attributes, items, `len()`, `in` and loops work on the object in the page. A property that has the name of an
    attribute below has an underscore at its end, as keywords of Python have: `chart.destroy_()`, `element.class_`.

    Attributes:
        aio: The awaitable twin: `await proxy.aio.title`, `await proxy.aio.fit(1)`.
        js_id: The number of the object, which all its proxies share.
        typeof: The type in JavaScript: `"object"`, or `"function"`.
    """

    __slots__ = ("_class", "_methods")

    typeof = "object"

    def __init__(self, bridge: Bridge, handle: Handle, detail: Any) -> None:
        if not isinstance(detail, str):
            raise ProtocolError(f"the name of a {handle.kind} is a string; got {detail!r:.60}")
        super().__init__(bridge, handle, detail)
        self._class = detail
        self._methods: dict[str, JSFunction] = {}  # methods of the class that were read, without this proxy

    def _operation(self, steps: Payload, about: str, timeout: float | None = None) -> Operation[Any]:
        return Use(self._bridge, self._held(), steps, about, timeout)

    def _label(self) -> str:
        return self._class

    def _post(self, steps: Payload) -> bool:
        handle, bridge = self._held(), self._bridge
        if not bridge.protocol.is_present(handle.socket):
            return False
        bridge.post(bridge.protocol.use_nowait, handle, steps)
        return True

    def _attribute(self, key: str, name: str, timeout: float | None = None) -> Any:
        function = self._methods.get(key)
        if function is None:
            return super()._attribute(key, name, timeout)
        self._held()
        return self._method(key, step("get", key), function)

    def _remember(self, key: str, method: JSFunction) -> None:
        self._methods[key] = method

    def _writable(self, name: str) -> str:
        key = super()._writable(name)
        self._methods.pop(key, None)
        return key

    @property
    def js_id(self) -> int:
        return self._identity[1]

    @property
    def aio(self) -> JSPath:
        return JSPath(self)

    @public
    def new(self, *args: Any, **options: Any) -> Any:
        """Construct an object, as `new` does in JavaScript: `page.js.Date.new(0)`."""
        return self._use(call(self._bridge, args, options, "new"), twin=".new(...)")

    @public
    def to_py(self, *, depth: int = -1, default_converter: Converter | None = None) -> Any:
        """Return a deep copy as data. Parts that are not data, such as functions, stay proxies.

        Args:
            depth: The number of levels to copy; objects and arrays below stay proxies. -1: all levels.
            default_converter: Called with each part that is no array, object literal, Map, Set or other data, also with
                instances of classes, and with two functions: `convert(value)` converts a value in the same way,
                `cache(value, result)` notes the result of a value that refers to itself. Its result takes the place of
                the part.
        """
        if default_converter is None:
            return self._data(depth, plain=False)
        return _Conversion(default_converter).convert(self, depth)

    def _data(self, depth: int, plain: bool) -> Any:
        """Copy the object; instances of classes stay proxies in a `plain` copy."""
        return self._use(step("data", None if depth < 0 else depth, plain), twin=".to_py()")

    @public
    def by_ref(self, name: str) -> Any:
        """Return a property by reference, also if it is plain data: `chart.by_ref("options").animation = False`.

        Args:
            name: The name of the property. Numbers, text and `None` have no reference, and are returned.
        """
        return self._use(
            step("get", name), step("reference"), about=f"{self._label()}.{name}", twin=f".by_ref({name!r})"
        )

    def as_object_map(self, *, hereditary: bool = False) -> JSObjectMap:
        """Return the object as a mapping of its own properties, with the methods of `dict`.

        Args:
            hereditary: True if object literals among the values are mappings, too. They are copies otherwise.
        """
        from .collections import JSObjectMap

        return JSObjectMap(self, hereditary)

    @public
    def object_keys(self) -> list[str]:
        """Return the names of the object's own properties, as `Object.keys` does."""
        keys: list[str] = self._of_object("keys")
        return keys

    @public
    def object_values(self) -> list[Any]:
        """Return the values of the object's own properties, as `Object.values` does."""
        values: list[Any] = self._of_object("values")
        return values

    @public
    def object_entries(self) -> list[list[Any]]:
        """Return the names and values of the object's own properties, as `Object.entries` does."""
        entries: list[list[Any]] = self._of_object("entries")
        return entries

    def _of_object(self, name: str) -> Any:
        steps = joined([step("get", "Object"), step("get", name), call(self._bridge, [self], {})])
        operation = Use(self._bridge, self._held().socket, steps, f"Object.{name}")
        return value_of(self._bridge.portal.block(operation, f"await page.aio.js.Object.{name}(proxy)"))

    @public
    def __str__(self) -> str:
        try:
            return str(self._use(step("get", "toString"), call(self._bridge, [], {}), timeout=QUERY_SECONDS))
        except JsPyError:  # the page has left or is busy, or the object has no text
            return repr(self)

    def __repr__(self) -> str:
        if self._handle is None:
            return f"<JSProxy of {self._class}, destroyed>"
        try:
            answer = self._use(step("describe"), timeout=QUERY_SECONDS)
            text = on_one_line(checked(answer, _Description, self._class).text)
        except JsPyError:  # the page has left or is busy
            return f"<JSProxy of {self._class}>"
        shown = text if len(text) <= _TEXT_ROOM else f"{text[:_TEXT_ROOM]}..."
        return f"<JSProxy of {self._class}>" if text.startswith("[object ") else f"<JSProxy of {self._class}: {shown}>"
