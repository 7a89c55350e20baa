"""State that Python and pages share: `state = app.state(freq=3.0)`."""

from __future__ import annotations

import dataclasses
import difflib
import functools
import html
import reprlib
import sys
import threading
import typing
from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn, SupportsIndex, TypeVar
from weakref import WeakSet

import msgspec

from ..bridge import shutdown
from ..bridge.bridge import Bridge
from ..bridge.dispatcher import Listener
from ..bridge.workers import this_thread
from ..notebook.cells import current_cell
from ..protocol.arguments import check_function
from ..protocol.conversions import is_pydantic
from ..protocol.shared_states import SharedState
from ..protocol.state_tree import (
    Change,
    Delete,
    Path,
    RefusedChange,
    Set,
    Splice,
    StateDict,
    StateList,
    Undo,
    apply,
    combined,
    encoded,
    parse,
    path_of,
    place_name,
    plain,
    plain_change,
    record,
    tree,
)
from ..protocol.text import error_text
from ..protocol.values import Payload, pack

__all__ = ["ConnectionState", "State", "make_state"]

F = TypeVar("F", bound=Callable[[Any], Any])

_stores: WeakSet[_Store] = WeakSet()

_RESERVED = {"link": "Python", "observe": "Python", "on": "JavaScript", "then": "JavaScript"}


class State:
    """Fields that Python and pages share; `app.state(...)` and `page.state(...)` make it.

    `state.freq = 4` in Python or in a page changes the field on all sides. Lists and dictionaries in it are changed as
    usual, `state.points[2].x = 1`; their keys are attributes, too. What is assigned is copied, and arrays become
    read-only: assign a new one. Any thread may read and change a state. The changes of one turn cross as one message,
    in front of the calls that follow them.
    """

    __slots__ = ("__weakref__", "_store")
    _store: _Store

    def __init__(self, store: _Store) -> None:
        object.__setattr__(self, "_store", store)

    def __getattr__(self, name: str) -> Any:
        root = self._store.root
        if name not in root:
            raise AttributeError(self._store.unknown(name))
        return root[name]

    def __setattr__(self, name: str, value: Any) -> None:
        self._store.root[name] = value

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"the fields of a state cannot be deleted; set {name!r} to None")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._store.root]

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        name = next(iter(self._store.root))
        raise TypeError(f"a state cannot be copied or pickled: use the values of its fields, such as state.{name}")

    @typing.overload
    def observe(self, field: str, func: None = None) -> Callable[[F], F]: ...
    @typing.overload
    def observe(self, field: str, func: Callable[[Any], Any]) -> Callable[[], None]: ...

    def observe(self, field: str, func: Callable[[Any], Any] | None = None) -> Any:
        """Call a function when a field, or something in it, has changed, on whichever side.

        Several changes in one turn are one call, with the last value.

        Args:
            field: The name of the field.
            func: `func(value)`, plain (runs in a worker thread) or async (on the bridge's loop). Its calls do not
                overlap. Without `func`, the result is a decorator.

        Returns:
            A function that ends the observation; or the decorator, which returns the function it decorates.

        Raises:
            AttributeError: There is no such field.
            TypeError: `func` is not a function.
        """
        store = self._store
        if field not in store.root:
            raise AttributeError(store.unknown(field))
        if func is not None:
            check_function(func, f"the observer of {field!r}")
            return store.observe(field, Listener(func, f"the observer of {field!r}", current_cell()))

        def decorate(function: F) -> F:
            self.observe(field, function)
            return function

        return decorate

    def link(self, field: str, target: Any, trait: str = "value") -> Callable[[], None]:
        """Keep a field and a trait of another object in step, for example the value of a widget of ipywidgets.

        The trait first gets the value of the field.

        Args:
            field: The name of the field.
            target: An object with traits (traitlets).
            trait: The name of its trait.

        Returns:
            A function that ends the link.

        Raises:
            AttributeError: There is no such field or trait.
            TypeError: The target has no traits.
        """
        if not (callable(getattr(target, "observe", None)) and callable(getattr(target, "has_trait", None))):
            raise TypeError(f"link() takes an object with traits, such as a widget; got {target!r:.60}")
        if not target.has_trait(trait):
            raise AttributeError(f"{type(target).__name__} has no trait {trait!r}")
        lock = threading.RLock()  # of the link: what a trait calls must not hold up the state

        def to_trait(_: object = None) -> None:
            with lock:
                value = self._store.value(field)  # not the argument, which a later change may have replaced
                if not _same(value, getattr(target, trait)):
                    setattr(target, trait, value)

        def to_state(change: Any) -> None:
            with lock:
                setattr(self, field, change["new"])

        to_trait()
        stop = self.observe(field, to_trait)
        target.observe(to_state, trait)

        def end() -> None:
            stop()
            target.unobserve(to_state, trait)

        return end

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={reprlib.repr(value)}" for name, value in self._store.values())
        return f"{self._store.title}({fields})"

    def _repr_html_(self) -> str:
        """Show the fields as a table in a notebook."""
        rows = "".join(
            f"<tr><th style='text-align:left'>{html.escape(name)}</th>"
            f"<td style='text-align:left'>{html.escape(reprlib.repr(value))}</td></tr>"
            for name, value in self._store.values()
        )
        return f"<table><caption>{html.escape(self._store.title)}</caption><tbody>{rows}</tbody></table>"


class _Made(NamedTuple):
    """A change that was made: how to undo it, the change with its converted value, and packed."""

    undo: Undo
    change: Change
    payload: Payload
    is_converted: bool  # its value differs from the one that was given


class _Store:
    """The tree of a state, and what changed in it. The lock guards both.

    Args:
        bridge: The bridge.
        key: "" for the state of the application; otherwise the name of the page.
        fields: The plain values.
        types: The annotations of the fields that have one.
        title: The name of the dataclass.
    """

    def __init__(self, bridge: Bridge, key: str, fields: dict[str, Any], types: dict[str, Any], title: str) -> None:
        self.bridge = bridge
        self.title = title
        self._key = key
        self._types = types
        self._lock = threading.RLock()
        self._changes: list[tuple[Change, Payload]] = []  # since the last patch
        self._changed: dict[str, None] = {}  # fields whose observers are to be called
        self._observers: dict[str, list[Listener]] = {name: [] for name in fields}
        self._is_scheduled = False
        self._in_doubt = False  # an interrupt came in the middle of a change
        self.shared = SharedState(self._lock, self._whole, self._news, self._take)
        for name in types:
            fields[name] = plain(self._converted((name,), fields[name]))
        self._pack(fields, "state")
        self.root = tree(fields, self)
        _stores.add(self)

    def renew(self) -> None:
        """Start anew in a forked process, where a thread of the parent may have held the lock."""
        self._lock = self.shared.lock = threading.RLock()
        self._is_scheduled = False  # the portal has dropped what was posted

    def unknown(self, name: str) -> str:
        """Return the error message for a field that does not exist."""
        close = difflib.get_close_matches(name, self.root, 1)
        meant = f"did you mean {close[0]!r}?" if close else f"its fields are {', '.join(self.root)}"
        return f"the state has no field {name!r}; {meant}"

    def value(self, name: str) -> Any:
        """Return a copy of the value of a field."""
        with self._lock:
            return plain(self.root[name])

    def values(self) -> list[tuple[str, Any]]:
        """Return the fields and copies of their values."""
        return [(name, self.value(name)) for name in self.root]

    # Changes of Python ---------------------------------------------------------------------------------

    def change(self, container: StateDict | StateList, make: Callable[[Path], Change | None]) -> None:
        """Apply a change to a container of the tree, from any thread."""
        self.bridge.portal.check_own()
        with self._lock:
            was_changing = this_thread.is_changing_state
            try:  # assignments, in place of a context manager: Ctrl-C cannot come between them and the block
                this_thread.is_changing_state = True
                self._change(container, make)
            finally:
                this_thread.is_changing_state = was_changing

    def _change(self, container: StateDict | StateList, make: Callable[[Path], Change | None]) -> None:
        path = path_of(container, self.root)
        change = make(path or ())
        if change is None:
            return
        if path is None:  # another thread has just removed the container
            apply(container, plain_change(change))
            return
        if self.shared.is_replaced:
            raise RuntimeError("state() was called again: use the newer state, this one no longer reaches pages")
        if path == () and change.path[0] not in self.root:
            raise AttributeError(self.unknown(str(change.path[0])))
        is_done = False
        try:
            made = self._made(change)
            if made is not None:
                if self.shared.followers:
                    record(self._changes, made.change, made.payload)
                self._note(made.change)
            is_done = True
        except Exception:
            is_done = True  # nothing has changed
            raise
        finally:
            if not is_done:
                self._in_doubt = True
                self._schedule()

    def _made(self, change: Change) -> _Made | None:
        """Make a change, with its value converted to the annotation of its field. Return `None` if nothing changes.

        Raises:
            TypeError: The value is of a wrong type, or cannot be sent.
            ValueError: The value is invalid.
            RefusedChange: The place does not exist.
        """
        field = str(change.path[0])
        is_whole = len(change.path) == 1 and isinstance(change, Set)
        is_converted = False
        try:
            given = change = plain_change(change)
        except (TypeError, RecursionError) as error:
            raise TypeError(f"{place_name('state', change.path)}: {error}") from error
        if isinstance(change, Set) and is_whole:
            if field in self._types:
                change = Set(change.path, plain(self._converted(change.path, change.value)))
                is_converted = not _same_change(given, change)
            if not is_converted and _same(change.value, self.root[field]):
                return None
        payload = encoded(change, self._pack, "state")
        undo = apply(self.root, change)
        if field in self._types and not is_whole:
            try:
                change = self._converted_in(change)
            except BaseException:
                undo()
                raise
            is_converted = not _same_change(given, change)
            if is_converted:
                undo()
                payload = encoded(change, self._pack, "state")
                undo = apply(self.root, change)
        return _Made(undo, change, payload, is_converted)

    def _converted_in(self, change: Change) -> Change:
        """Return a change in a field, which was made, with its value converted to the annotation of the field.

        Only the smallest part whose annotation decides on it alone is converted: the items that are added to a
        `list[int]`, for example, and not the whole list.
        """
        field = change.path[0]
        kind, place, depth = self._types[str(field)], self.root[str(field)], 1
        for step in change.path[1:]:
            inner = _part(kind, step)
            if isinstance(change, Delete) and depth == len(change.path) - 1:
                if inner is not None and not dataclasses.is_dataclass(kind):
                    return change  # of a key of a dictionary
                break
            if inner is Any:
                return change
            if inner is None:
                break
            kind, place, depth = inner, place[step], depth + 1
        try:
            if isinstance(change, Splice) and depth == len(change.path) and _part(kind, 0) is not None:
                items = place[change.start : change.start + len(change.items)]
                return Splice(change.path, change.start, change.count, plain(self._converted_to(kind, items)))
            if depth > 1:
                return _as_in(self._converted_to(kind, place), change, depth)
        except msgspec.ValidationError:
            pass  # the error of the whole field has the place of the value
        return _as_in(self._converted((str(field),), self.root[str(field)]), change)

    def _converted(self, path: Path, value: Any) -> Any:
        """Return a value converted to the annotation of its field."""
        kind = self._types.get(str(path[0]), Any)
        if kind is Any:
            return value
        try:
            return self._converted_to(kind, value)
        except msgspec.ValidationError as error:
            text = f"{place_name('state', path)}: {error}"
            raise (TypeError if ", got `" in str(error) else ValueError)(text) from None

    @staticmethod
    def _converted_to(kind: Any, value: Any) -> Any:
        return msgspec.convert(value, kind, dec_hook=_foreign)

    def _pack(self, value: Any, name: str) -> Payload:
        return pack(value, name, self.bridge.protocol.limits.message_bytes)

    def _note(self, change: Change) -> None:
        self._changed[str(change.path[0])] = None
        self._schedule()

    def _schedule(self) -> None:
        """Post `_flush`, once for all changes until it runs. Calls that are posted later follow it."""
        if not self._is_scheduled:
            self.bridge.portal.post(self.bridge.do, self._flush)
            self._is_scheduled = True  # after the post, which may be interrupted

    def _flush(self) -> None:
        """Send the changes, on the loop, and call the observers."""
        states = self.bridge.protocol.states
        with self._lock:
            self._is_scheduled = False
            in_doubt, self._in_doubt = self._in_doubt, False
            if not self.shared.is_replaced:
                (states.send_whole if in_doubt else states.send_changes)(self._key)
            calls = [
                (listener, self.root[name])
                for name in (self.root if in_doubt else self._changed)
                for listener in self._observers[name]
            ]
            self._changed.clear()
        for listener, value in calls:
            self.bridge.tell(listener, value)

    def observe(self, field: str, listener: Listener) -> Callable[[], None]:
        """Add an observer of a field, and return a function that removes it."""
        observers = self._observers[field]
        with self._lock:
            observers.append(listener)

        def stop() -> None:
            with self._lock:
                if listener in observers:
                    observers.remove(listener)

        return stop

    # For the protocol, under the lock ------------------------------------------------------------------

    def _whole(self) -> Payload:
        return pack(plain(self.root), "state", sys.maxsize)  # it may be larger than each change

    def _news(self) -> Payload | None:
        changes, self._changes = self._changes, []
        return combined([payload for _, payload in changes]) if changes else None

    def _take(self, elements: list[list[Any]]) -> tuple[Payload | None, bool]:
        done: list[tuple[Change, Payload]] = []
        all_made: list[_Made] = []
        parsed = [parse(element) for element in elements]
        try:
            for given in parsed:
                if given.path[0] not in self.root or (isinstance(given, Delete) and len(given.path) == 1):
                    raise RefusedChange(f"state.{given.path[0]} is no field that can be set or removed")
                made = self._made(given)
                if made is None:
                    continue
                all_made.append(made)
                record(done, made.change, made.payload)
        except Exception as error:  # also of the user's `__post_init__`
            for made in reversed(all_made):
                made.undo()
            raise RefusedChange(error_text(error)) from error
        for made in all_made:
            self._note(made.change)
        payload = combined([payload for _, payload in done]) if done else None
        return payload, any(made.is_converted for made in all_made)


@shutdown.after_fork
def _renew_all() -> None:
    for store in list(_stores):
        store.renew()


def _foreign(kind: Any, value: Any) -> Any:
    """Convert a dictionary to a model of pydantic. Let msgspec compare other values with types it does not know."""
    validate = getattr(kind, "model_validate", None) if is_pydantic(kind) and isinstance(value, dict) else None
    return value if validate is None else validate(value)


def _part(kind: Any, step: str | int) -> Any:
    """Return the annotation of a part of a container, or `None` if its conversion depends on other parts, too."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind in (list, dict):
        return Any
    if origin is list and isinstance(step, int):
        return arguments[0]
    if origin is dict and arguments[0] is str and isinstance(step, str):
        return arguments[1]
    return _independent_fields(kind).get(str(step)) if isinstance(kind, type) and origin is None else None


@functools.lru_cache(maxsize=256)
def _independent_fields(kind: type) -> dict[str, Any]:
    """Return the annotations of the fields of a dataclass, if it converts each of them alone."""
    if not dataclasses.is_dataclass(kind) or is_pydantic(kind) or hasattr(kind, "__post_init__"):
        return {}
    hints = _hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind) if field.init}


def _as_in(converted: Any, change: Change, depth: int = 1) -> Change:
    """Return a change with the value at its place in a converted field, if the field has this place.

    Args:
        converted: The field; or a part of it, at the first `depth` steps of the path of the change.
        change: The change.
        depth: The number of these steps.
    """
    place = converted
    try:
        for step in change.path[depth:]:
            is_item = isinstance(step, int) or isinstance(place, dict)
            place = place[step] if is_item else getattr(place, str(step))
    except (LookupError, AttributeError, TypeError):
        return change
    if not isinstance(change, Splice):
        return Set(change.path, plain(place))  # also the default of what was deleted
    if not isinstance(place, (list, tuple)):
        return change
    items = plain(place[change.start : change.start + len(change.items)])
    return Splice(change.path, change.start, change.count, items)


def _same_change(change: Change, other: Change) -> bool:
    if isinstance(change, Set) and isinstance(other, Set):
        return _same(change.value, other.value)
    if isinstance(change, Splice) and isinstance(other, Splice):
        return _same(change.items, other.items)
    return type(change) is type(other)


def _same(value: Any, other: Any) -> bool:
    """Return whether two values are certainly the same, on the wire, too."""
    if value is other:
        return True
    if isinstance(value, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(value) == len(other) and all(map(_same, value, other))
    if isinstance(value, dict) and isinstance(other, dict):
        return value.keys() == other.keys() and all(_same(item, other[key]) for key, item in value.items())
    kinds = {type(value), type(other)}
    return (len(kinds) == 1 or kinds == {int, float}) and kinds <= {str, int, float, bool, bytes} and value == other


def make_state(bridge: Bridge, key: str, model: Any, fields: dict[str, Any], call: str) -> State:
    """Make the state of the application or of a page; it replaces an earlier one.

    Args:
        bridge: The bridge.
        key: "" for the application; otherwise the name of the page.
        model: A dataclass, an object of one, or `None`.
        fields: The keyword arguments.
        call: How the user calls this, for errors.

    Raises:
        TypeError: `model` is no dataclass, there are no fields, or a value cannot be sent.
        ValueError: A field has a name that is not allowed, or an invalid value.
    """
    if isinstance(model, type) and dataclasses.is_dataclass(model):
        model, fields = model(**fields), {}
    if model is not None and (not dataclasses.is_dataclass(model) or fields):
        raise TypeError(f"{call} takes keyword arguments, a dataclass, or an object of one; got {model!r:.60}")
    kind: Any = type(model)
    types: dict[str, Any] = {}
    if model is not None:
        hints = _hints(kind)
        fields = {field.name: getattr(model, field.name) for field in dataclasses.fields(model)}
        types = {name: hints[name] for name in fields if hints.get(name, Any) is not Any}
    if not fields:
        raise TypeError(f"a state has at least one field: {call[:-2]}(freq=3.0)")
    for name in fields:
        if name.startswith("_") or name in _RESERVED:
            reason = f"a method of states in {_RESERVED[name]}" if name in _RESERVED else "private"
            raise ValueError(f"{name!r} cannot be a field of a state: it is {reason}")
    store = _Store(bridge, key, plain(fields), types, "State" if model is None else kind.__name__)
    bridge.call(bridge.protocol.states.put, key, store.shared)
    return State(store)


def _hints(kind: Any) -> dict[str, Any]:
    try:
        return typing.get_type_hints(kind, include_extras=True)
    except NameError as error:
        raise TypeError(f"the annotations of {kind.__name__} cannot be read: {error}; define it in a module") from error


class ConnectionState(str):
    """The state of a page's connection, a str. Called, it makes a state of data that is shared with this page alone."""

    __slots__ = ("_make",)
    _make: Callable[[Any, dict[str, Any]], State]

    def __new__(cls, text: str, make: Callable[[Any, dict[str, Any]], State]) -> ConnectionState:
        """Make the text."""
        made = super().__new__(cls, text)
        made._make = make
        return made

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        """Copy and pickle as an ordinary str."""
        return str, (str(self),)

    def __call__(self, model: Any = None, /, **fields: Any) -> State:
        """Share data with this page alone, as `app.state` does with all pages."""
        return self._make(model, fields)
