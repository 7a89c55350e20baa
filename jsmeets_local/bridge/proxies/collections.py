"""Arrays, Maps and other objects of a page, with the methods of `list` and `dict`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import Any

from ...errors import UnknownProperty
from ...protocol.references import Handle
from ..tracebacks import public
from .base import checked
from .js_proxy import JSProxy, is_function
from .steps import call, step, with_key, with_value

__all__ = ["JSArray", "JSMap", "JSObjectMap"]

_MANY = 10_000  # arguments of one call of JavaScript

_TOLD = tuple[Any, bool]  # a value, and whether it is a mapping
_ENTRY = tuple[str, Any, bool]  # its key before them

_absent = object()


class JSArray(JSProxy):
    """Array of a page by reference, with the methods of `list`. Values are compared in Python, by `==`."""

    __slots__ = ()

    @public
    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, slice) and key.step in (None, 1):
            start, stop = key.start or 0, key.stop
            return self._use(step("get", "slice"), call(self._bridge, [start] if stop is None else [start, stop], {}))
        return super().__getitem__(key)

    @public
    def __setitem__(self, key: Any, value: Any) -> None:
        if isinstance(key, slice):
            self._replace(key, [*value])
        else:
            super().__setitem__(key, value)

    @public
    def __delitem__(self, key: Any) -> None:
        if isinstance(key, slice):
            self._replace(key, [])
        else:
            super().__delitem__(key)

    def _replace(self, place: slice, values: list[Any]) -> None:
        if place.step not in (None, 1):
            raise ValueError(f"a slice of an array that is changed has no step; got {place}")
        start, stop, _ = place.indices(len(self))
        self._splice(start, max(0, stop - start), *values[:_MANY])
        for first in range(_MANY, len(values), _MANY):
            self._splice(start + first, 0, *values[first : first + _MANY])

    def _splice(self, *args: Any) -> None:
        self._use(step("get", "splice"), call(self._bridge, args, {}), step("length"))  # what it removes is not sent

    @public
    def append(self, value: Any) -> None:
        """Add a value at the end."""
        self._use(step("get", "push"), call(self._bridge, [value], {}))

    @public
    def extend(self, values: Iterable[Any]) -> None:
        """Add several values at the end."""
        given = [*values]
        for first in range(0, len(given), _MANY):
            self._use(step("get", "push"), call(self._bridge, given[first : first + _MANY], {}))

    @public
    def insert(self, index: int, value: Any) -> None:
        """Insert a value before an index."""
        self._splice(index, 0, value)

    @public
    def pop(self, index: int = -1) -> Any:
        """Remove the value at an index and return it.

        Raises:
            IndexError: There is none.
        """
        length = len(self)
        if not -length <= index < length:
            raise IndexError("pop from an empty array" if length == 0 else f"no item {index} in {length}")
        return self._use(step("get", "splice"), call(self._bridge, [index, 1], {}), step("get_item", 0))

    @public
    def remove(self, value: Any) -> None:
        """Remove the first value that equals another one.

        Raises:
            ValueError: There is none.
        """
        self._splice([*self].index(value), 1)

    @public
    def index(self, value: Any, start: int = 0, stop: int | None = None) -> int:
        """Return the index of the first value that equals another one, from `start` and before `stop`.

        Raises:
            ValueError: There is none.
        """
        items = [*self]
        return items.index(value, start, len(items) if stop is None else stop)

    @public
    def count(self, value: Any) -> int:
        """Return the number of values that equal another one."""
        return [*self].count(value)

    @public
    def reverse(self) -> None:
        """Reverse the order of the values in the array itself."""
        self._use(step("get", "reverse"), call(self._bridge, [], {}), step("length"))

    @public
    def clear(self) -> None:
        """Remove all values."""
        self._use(with_value(self._bridge, "set", "length", 0))


class JSMap(JSProxy):
    """`Map` of a page by reference, with the methods of `dict`. Its items cross as often as a method asks for them."""

    __slots__ = ()

    @public
    def get(self, key: Any, default: Any = None) -> Any:
        """Return the value of a key, or `default` if there is none."""
        try:
            return self[key]
        except KeyError:
            return default

    @public
    def keys(self) -> list[Any]:
        """Return the keys."""
        return [key for key, _ in self]

    @public
    def values(self) -> list[Any]:
        """Return the values."""
        return [value for _, value in self]

    @public
    def items(self) -> list[tuple[Any, Any]]:
        """Return pairs of key and value."""
        return [(key, value) for key, value in self]

    @public
    def update(self, items: Mapping[Any, Any] | Iterable[tuple[Any, Any]] = (), /, **named: Any) -> None:
        """Set the values of several keys, each in one request."""
        for key, value in dict(items, **named).items():
            self[key] = value

    @public
    def pop(self, key: Any, default: Any = _absent) -> Any:
        """Remove a key and return its value, or `default` if there is none.

        Raises:
            KeyError: There is none, and no `default` is given.
        """
        try:
            value = self[key]
        except KeyError:
            if default is _absent:
                raise
            return default
        self._use(with_key(self._bridge, "delete_item", key))
        return value

    @public
    def setdefault(self, key: Any, default: Any = None) -> Any:
        """Return the value of a key; if there is none, set `default` and return it."""
        try:
            return self[key]
        except KeyError:
            self[key] = default
            return default

    @public
    def clear(self) -> None:
        """Remove all keys."""
        self._use(step("get", "clear"), call(self._bridge, [], {}))


class JSObjectMap(JSMap):
    """Object of a page as a mapping: its own properties, with the methods of `dict`. Each takes one request.

    Keys are strings. Iteration, `len()`, `keys`, `values`, `items`, `popitem` and `clear` see the properties that
    `Object.keys` lists; all else sees all own ones. Attributes, and the object that its page receives, are those of the
    proxy.

    Args:
        proxy: The proxy of the object.
        hereditary: True if the object literals among the values are mappings, too, instead of copies.
    """

    __slots__ = ("_hereditary", "_proxy")

    def __init__(self, proxy: JSProxy, hereditary: bool) -> None:
        self._proxy = proxy
        self._hereditary = hereditary
        self._bridge = proxy._bridge
        self._identity = proxy._identity
        self._class = proxy._class
        self._methods = proxy._methods

    @property
    def _handle(self) -> Handle | None:  # type: ignore[override] # values.py sends the object by it
        return self._proxy._handle

    def destroy(self) -> None:
        """Let the page forget the object, as its proxy does."""
        self._proxy.destroy()

    def _own(self, name: str, *args: Any, form: Any = Any, twin: str = ".to_py()") -> Any:
        """Call a method of the page's mapping, whose value has the type `form`."""
        steps = step("own", self._hereditary), step("get", name), call(self._bridge, args, {})
        return checked(self._use(*steps, twin=twin), form, f"the properties of {self._class}")

    def _value(self, key: str, told: tuple[Any, bool]) -> Any:
        value, is_mapping = told
        if is_mapping:
            return JSObjectMap(value, hereditary=True)
        return self._method(key, step("get", key), value) if is_function(value) else value

    @public
    def __getitem__(self, key: Any) -> Any:
        if not isinstance(key, str):
            raise KeyError(key)
        try:
            told = self._own("get", key, form=_TOLD, twin=f"[{key!r:.40}]")
        except UnknownProperty:
            raise KeyError(key) from None
        return self._value(key, told)

    @public
    def __setitem__(self, key: Any, value: Any) -> None:
        self._own("set", _text(key), value, twin=f".setattr({key!r:.40}, ...)")

    @public
    def __delitem__(self, key: Any) -> None:
        if not isinstance(key, str):
            raise KeyError(key)
        try:
            self._own("delete", key, twin=f".delattr({key!r:.40})")
        except UnknownProperty:
            raise KeyError(key) from None

    @public
    def __contains__(self, key: Any) -> bool:
        return isinstance(key, str) and bool(self._own("has", key))

    @public
    def __len__(self) -> int:
        return int(self._use(step("own", False), step("get", "keys"), call(self._bridge, [], {}), step("length")))

    @public
    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    @public
    def keys(self) -> list[str]:
        """Return the names of the properties."""
        names: list[str] = self._own("keys", form=list[str])
        return names

    @public
    def values(self) -> list[Any]:
        """Return the values of the properties."""
        return [value for _, value in self.items()]

    @public
    def items(self) -> list[tuple[str, Any]]:
        """Return pairs of name and value."""
        entries = self._own("entries", form=list[_ENTRY])
        return [(key, self._value(key, (value, is_mapping))) for key, value, is_mapping in entries]

    @public
    def update(self, items: Mapping[str, Any] | Iterable[tuple[str, Any]] = (), /, **named: Any) -> None:
        """Set several properties."""
        given = dict(items.items() if isinstance(items, JSMap) else items, **named)
        for key in given:
            _text(key)
        self._own("setAll", given)

    @public
    def pop(self, key: Any, default: Any = _absent) -> Any:
        """Remove a property and return its value, or `default` if there is none.

        Raises:
            KeyError: There is none, and no `default` is given.
        """
        try:
            if isinstance(key, str):
                return self._value(key, self._own("take", key, form=_TOLD))
        except UnknownProperty:
            pass
        if default is _absent:
            raise KeyError(key)
        return default

    @public
    def popitem(self) -> tuple[str, Any]:
        """Remove the last property and return its name and value.

        Raises:
            KeyError: There is none.
        """
        try:
            key, value, is_mapping = self._own("takeLast", form=_ENTRY)
        except UnknownProperty as error:
            raise KeyError(error.msg) from None
        return key, self._value(key, (value, is_mapping))

    @public
    def setdefault(self, key: Any, default: Any = None) -> Any:
        """Return the value of a property; if there is none, set `default` and return it as it then arrives."""
        return self._value(key, self._own("setDefault", _text(key), default, form=_TOLD))

    @public
    def clear(self) -> None:
        """Remove all properties."""
        self._own("clear")

    def __repr__(self) -> str:
        return f"<JavaScript properties of {self._class}>"


MutableMapping.register(JSObjectMap)


def _text(key: Any) -> str:
    if not isinstance(key, str):
        raise TypeError(f"the properties of an object of JavaScript have names of type str; got {key!r:.80}")
    return key
