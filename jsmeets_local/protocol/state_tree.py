"""State in step: a tree of data that Python and pages share, and the changes to it.

Python orders all changes. A page applies its own changes at once and sends them; each change of Python that arrives
before the answer is applied before them, so every page ends with what Python has.

A state is a tree of `StateDict`, `StateList` and leaves. The tree observes itself: a container that is changed passes
the change to the owner of its tree, which applies it under its lock. A container has one place in one tree. What is put
into a tree is copied, and a container that was removed from it is an ordinary one.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, SupportsIndex, TypeAlias

import msgspec

from ..errors import ProtocolError
from .arrays import loaded
from .text import shown
from .values import MAX_DEPTH, Payload, base, named_fields

__all__ = [
    "Change",
    "Delete",
    "Path",
    "RefusedChange",
    "Set",
    "Splice",
    "StateDict",
    "StateList",
    "Undo",
    "apply",
    "combined",
    "encoded",
    "parse",
    "path_of",
    "place_name",
    "plain",
    "plain_change",
    "record",
    "tree",
]

Path: TypeAlias = tuple[str | int, ...]
Undo: TypeAlias = Callable[[], None]

_MISSING: Any = object()
_path = msgspec.json.Encoder().encode


class RefusedChange(Exception):
    """A change cannot be made: its place does not exist, or its value is invalid."""


class Set(msgspec.Struct, frozen=True):
    """Set a field, the value of a key, or an item of a list. On the wire: `[path, value]`."""

    path: Path
    value: Any


class Delete(msgspec.Struct, frozen=True):
    """Remove a key. On the wire: `[path]`."""

    path: Path


class Splice(msgspec.Struct, frozen=True):
    """Replace `count` items of a list, from `start` on. On the wire: `[path, start, count, items]`."""

    path: Path
    start: int
    count: int
    items: list[Any]


Change: TypeAlias = Set | Delete | Splice


def parse(element: list[Any]) -> Change:
    """Return a change as it was on the wire.

    Raises:
        ProtocolError: It is malformed.
    """
    path = element[0] if element else None
    if not isinstance(path, list) or not path or not all(type(step) in (str, int) for step in path):
        raise ProtocolError(f"change of a state without a path: {shown(element, 100)}")
    if len(element) == 1:
        return Delete(tuple(path))
    if len(element) == 2:
        return Set(tuple(path), element[1])
    start, count, items = element[1:4] if len(element) >= 4 else (None, None, None)
    if type(start) is not int or type(count) is not int or min(start, count) < 0 or not isinstance(items, list):
        raise ProtocolError(f"malformed change of a state: {shown(element, 100)}")
    return Splice(tuple(path), start, count, items)


def encoded(change: Change, pack: Callable[[Any, str], Payload], name: str) -> Payload:
    """Convert a change for the wire.

    Args:
        change: The change, whose value is plain; see `plain`.
        pack: Converts values.
        name: The name of the state, for errors.

    Raises:
        TypeError: The value cannot be sent, or only by reference.
    """
    path = _path(change.path)
    if isinstance(change, Delete):
        return Payload(b"[" + path + b"]")
    value, head = (change.value, b"") if isinstance(change, Set) else (change.items, _span(change))
    place = place_name(name, change.path)
    payload = pack(value, place if isinstance(change, Set) else f"{place}[{change.start}:]")
    payload.check_data(f"{place}: a state has only data")
    if not (payload.buffers or payload.references):
        return Payload(b"[" + path + b"," + head + payload.json + b"]")
    return payload.within(b"[" + path + b"," + head, b"]", (1 if isinstance(change, Set) else 3,))


def _span(change: Splice) -> bytes:
    return b"%d,%d," % (change.start, change.count)


def combined(changes: Iterable[Payload]) -> Payload:
    """Return converted changes as one array."""
    parts = list(changes)
    placed = [part.within(b"", b"", (index,)) for index, part in enumerate(parts) if part.buffers or part.references]
    return Payload(
        b"[" + b",".join([part.json for part in parts]) + b"]",
        tuple(buffer for part in placed for buffer in part.buffers),
        tuple(reference for part in placed for reference in part.references),
    )


def record(changes: list[tuple[Change, Payload]], change: Change, payload: Payload) -> None:
    """Add a change to those of a turn, and drop the earlier ones that it replaces."""
    if isinstance(change, Set):
        if len(change.path) == 1:
            changes[:] = [one for one in changes if one[0].path[0] != change.path[0]]
        elif changes and changes[-1][0].path == change.path:  # further back, an index may mean another item
            changes.pop()
    changes.append((change, payload))


def place_name(name: str, path: Path) -> str:
    """Return the place of a value as a program writes it."""
    return name + "".join(f".{s}" if isinstance(s, str) and s.isidentifier() else f"[{s!r}]" for s in path)


# Trees -----------------------------------------------------------------------------------------------------


class Owner(Protocol):
    """Owner of a tree: applies its changes, from any thread."""

    def change(self, container: StateDict | StateList, make: Callable[[Path], Change | None]) -> None:
        """Apply a change to a container of the tree; `make` takes its path, under the lock of the owner."""


class _Container:
    """Place of a container in the tree."""

    __slots__ = ()
    _above: StateDict | StateList | None
    _key: str | int  # in the container above; for an item of a list, the index where it was last found
    _owner: Owner | None  # of a root

    def _change(self: Any, make: Callable[[Path], Change | None]) -> None:
        top = self
        while top._above is not None:
            top = top._above
        if top._owner is not None:
            top._owner.change(self, make)
        else:
            change = make(())
            if change is not None:
                apply(self, plain_change(change))

    def __reduce_ex__(self: Any, protocol: SupportsIndex) -> Any:
        """Copy and pickle as an ordinary container."""
        return (dict, (dict(self),)) if isinstance(self, dict) else (list, (list(self),))


class StateList(list[Any], _Container):
    """List in a state. It is changed as any list, and its changes reach the pages."""

    __slots__ = ("_above", "_key", "_owner")

    def __init__(self) -> None:
        self._above = None
        self._key = 0
        self._owner = None

    def _splice(self, make: Callable[[], tuple[int, int, list[Any]]]) -> None:
        self._change(lambda path: Splice(path, *make()))

    def append(self, item: Any) -> None:
        """Add an item at the end."""
        self._splice(lambda: (len(self), 0, [item]))

    def extend(self, items: Iterable[Any]) -> None:
        """Add items at the end."""
        added = list(items)
        self._splice(lambda: (len(self), 0, added))

    def insert(self, index: SupportsIndex, item: Any) -> None:
        """Insert an item before an index."""
        self._splice(lambda: (slice(index, None).indices(len(self))[0], 0, [item]))

    def pop(self, index: SupportsIndex = -1) -> Any:
        """Remove and return an item."""
        taken: list[Any] = []

        def make() -> tuple[int, int, list[Any]]:
            taken.append(self[index])
            return range(len(self))[index], 1, []

        self._splice(make)
        return taken[0]

    def remove(self, item: Any) -> None:
        """Remove the first item that is equal to `item`."""
        self._splice(lambda: (self.index(item), 1, []))

    def clear(self) -> None:
        """Remove all items."""
        self._splice(lambda: (0, len(self), []))

    def sort(self, *, key: Any = None, reverse: bool = False) -> None:
        """Sort the items, which are then new ones."""
        self._splice(lambda: (0, len(self), sorted(self, key=key, reverse=reverse)))

    def reverse(self) -> None:
        """Reverse the order of the items, which are then new ones."""
        self._splice(lambda: (0, len(self), self[::-1]))

    def __setitem__(self, index: Any, value: Any) -> None:
        if not isinstance(index, slice):
            self._change(lambda path: Set((*path, _index_of(self, index)), value))
            return
        items = list(value)

        def make() -> tuple[int, int, list[Any]]:
            start, stop, step = index.indices(len(self))
            if step == 1:
                return start, max(0, stop - start), items
            changed = list(self)
            changed[index] = items
            return 0, len(self), changed

        self._splice(make)

    def __delitem__(self, index: Any) -> None:
        def make() -> tuple[int, int, list[Any]]:
            if not isinstance(index, slice):
                return _index_of(self, index), 1, []
            start, stop, step = index.indices(len(self))
            if step == 1:
                return start, max(0, stop - start), []
            left = list(self)
            del left[index]
            return 0, len(self), left

        self._splice(make)

    def __iadd__(self, items: Iterable[Any]) -> StateList:  # type: ignore[misc]
        self.extend(items)
        return self

    def __imul__(self, times: SupportsIndex) -> StateList:
        self._splice(lambda: (0, len(self), list(self) * times))
        return self


class StateDict(dict[str, Any], _Container):
    """Dictionary in a state. Its keys are attributes, too: `point.x` is `point["x"]`."""

    __slots__ = ("_above", "_key", "_owner")

    def __init__(self) -> None:
        object.__setattr__(self, "_above", None)
        object.__setattr__(self, "_key", "")
        object.__setattr__(self, "_owner", None)

    def __getattr__(self, name: str) -> Any:
        if name not in self or name.startswith("__"):  # what Python and libraries look for is not for pages to set
            raise AttributeError(f"there is no {name!r} in {dict(self)!r:.100}")
        return self[name]

    def __setattr__(self, name: str, value: Any) -> None:
        if name in StateDict.__slots__:
            object.__setattr__(self, name, value)
        elif hasattr(dict, name):
            raise AttributeError(f"{name!r} is a method of dict; for the key, write [{name!r}]")
        else:
            self[name] = value

    def __delattr__(self, name: str) -> None:
        if name not in self:
            raise AttributeError(f"there is no {name!r} in {dict(self)!r:.100}")
        del self[name]

    def __setitem__(self, key: str, value: Any) -> None:
        self._change(lambda path: Set((*path, _text_key(key)), value))

    def __delitem__(self, key: str) -> None:
        def make(path: Path) -> Change:
            dict.__getitem__(self, key)
            return Delete((*path, key))

        self._change(make)

    def pop(self, key: str, default: Any = _MISSING) -> Any:
        """Remove a key and return its value, or the default."""
        taken: list[Any] = []

        def make(path: Path) -> Change | None:
            if key not in self and default is not _MISSING:
                taken.append(default)
                return None
            taken.append(self[key])
            return Delete((*path, key))

        self._change(make)
        return taken[0]

    def popitem(self) -> tuple[str, Any]:
        """Remove and return the last key and its value."""
        taken: list[tuple[str, Any]] = []

        def make(path: Path) -> Change:
            if not self:
                raise KeyError("the dictionary is empty")
            key = next(reversed(self))
            taken.append((key, self[key]))
            return Delete((*path, key))

        self._change(make)
        return taken[0]

    def setdefault(self, key: str, default: Any = None) -> Any:
        """Return the value of a key, which is set if it is missing."""
        self._change(lambda path: None if key in self else Set((*path, _text_key(key)), default))
        return self[key]

    def update(self, *others: Any, **named: Any) -> None:
        """Set several keys."""
        for key, value in dict(*others, **named).items():
            self[key] = value

    def clear(self) -> None:
        """Remove all keys."""
        for key in list(self):
            self.pop(key, None)

    def __ior__(self, other: Any) -> StateDict:  # type: ignore[override,misc]
        self.update(other)
        return self


def _index_of(items: StateList, index: Any) -> int:
    try:
        return int(range(len(items))[index])
    except IndexError:
        raise IndexError(f"there is no item {index} in a list of {len(items)}") from None


def _text_key(key: Any) -> str:
    if not isinstance(key, str):
        raise TypeError(f"the keys of a dictionary in a state are strings; got {key!r:.60}")
    return str(base(key))


def path_of(container: StateDict | StateList, root: StateDict) -> Path | None:
    """Return the path of a container in a tree, or `None` if it was removed from it."""
    steps: list[str | int] = []
    place: Any = container
    while place is not root:
        above = place._above
        if above is None:
            return None
        if isinstance(above, StateList) and not (place._key < len(above) and above[place._key] is place):
            place._key = next(index for index, item in enumerate(above) if item is place)
        steps.append(place._key)
        place = above
    return tuple(reversed(steps))


def plain(value: Any, room: int = MAX_DEPTH) -> Any:
    """Copy a value into ordinary dictionaries, lists and leaves. Arrays become read-only.

    Raises:
        TypeError: It is nested too deeply, contains itself, or has a dictionary whose keys are not strings.
    """
    if value is None or isinstance(value, (str, int, float)):
        return value
    if room <= 0:
        raise TypeError(f"it is nested more than {MAX_DEPTH} levels deep, or contains itself")
    if isinstance(value, Mapping):
        return {_text_key(key): plain(item, room - 1) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset, deque, range)):
        return [plain(item, room - 1) for item in value]
    fields = named_fields(value)
    if fields is not None:
        return {name: plain(item, room - 1) for name, item in fields}
    if isinstance(value, bytearray):
        return bytes(value)
    if isinstance(value, memoryview):
        return memoryview(value.tobytes()).cast(value.format, value.shape)  # type: ignore[call-overload]
    if isinstance(value, (loaded("array", "array"), loaded("pandas", "DataFrame"), loaded("pandas", "Series"))):
        return copy.copy(value)  # all of it
    if isinstance(value, loaded("numpy", "ndarray")) and (value.flags.writeable or value.base is not None):
        value = value.copy()
        value.flags.writeable = False
    return value


def plain_change(change: Change) -> Change:
    """Return a change whose value is plain; see `plain`."""
    if isinstance(change, Delete):
        return change
    room = MAX_DEPTH - len(change.path)
    if isinstance(change, Set):
        return Set(change.path, plain(change.value, room))
    return Splice(change.path, change.start, change.count, plain(change.items, room))


def _planted(value: Any, above: StateDict | StateList | None, key: str | int) -> Any:
    """Return a plain value as a part of a tree."""
    made: Any
    if type(value) is dict:
        made = StateDict()
        for name, item in value.items():
            dict.__setitem__(made, name, _planted(item, made, name))
    elif type(value) is list:
        made = StateList()
        list.extend(made, [_planted(item, made, index) for index, item in enumerate(value)])
    else:
        return value
    made._above, made._key = above, key
    return made


def tree(fields: dict[str, Any], owner: Owner) -> StateDict:
    """Return a tree with these plain values."""
    root: StateDict = _planted(fields, None, "")
    root._owner = owner
    return root


def _cut(value: Any) -> None:
    """Make a container that was removed from a tree an ordinary one."""
    if isinstance(value, (StateDict, StateList)):
        value._above = None


def _tie(value: Any, above: Any, key: str | int) -> None:
    """Put a container back."""
    if isinstance(value, (StateDict, StateList)):
        value._above, value._key = above, key


def _place(root: Any, path: Path) -> Any:
    """Return the container at a path.

    Raises:
        RefusedChange: There is none.
    """
    place = root
    for depth, step in enumerate(path):
        is_there = (isinstance(place, dict) and step in place) or (
            isinstance(place, list) and isinstance(step, int) and 0 <= step < len(place)
        )
        if not is_there:
            raise RefusedChange(f"there is no {place_name('state', path[: depth + 1])}")
        place = place[step]
    if not isinstance(place, (StateDict, StateList)):
        raise RefusedChange(f"{place_name('state', path)} is neither a dictionary nor a list")
    return place


def apply(root: StateDict | StateList, change: Change) -> Undo:
    """Make a change, whose value is plain, in a tree.

    Returns:
        A function that undoes it.

    Raises:
        RefusedChange: The place does not exist.
    """
    if isinstance(change, Splice):
        place = _place(root, change.path)
        if not isinstance(place, StateList) or change.start > len(place):
            raise RefusedChange(f"{place_name('state', change.path)} has no place {change.start} for items")
        start, stop = change.start, min(change.start + change.count, len(place))
        old = place[start:stop]
        new = [_planted(item, place, start + index) for index, item in enumerate(change.items)]
        return _replace(place, start, old, new)
    place, step = _place(root, change.path[:-1]), change.path[-1]
    if isinstance(place, StateList):
        if isinstance(change, Delete) or type(step) is not int or not 0 <= step < len(place):
            raise RefusedChange(f"there is no {place_name('state', change.path)}")
        return _replace(place, step, [place[step]], [_planted(change.value, place, step)])
    if not isinstance(step, str) or (isinstance(change, Delete) and step not in place):
        raise RefusedChange(f"there is no {place_name('state', change.path)}")
    value = _MISSING if isinstance(change, Delete) else _planted(change.value, place, step)
    return _put(place, step, value)


def _put(place: StateDict, key: str, value: Any) -> Undo:
    """Set a key, or remove it."""
    old = place.get(key, _MISSING)
    _cut(old)
    if value is _MISSING:
        dict.__delitem__(place, key)
    else:
        _tie(value, place, key)
        dict.__setitem__(place, key, value)

    def undo() -> None:
        _cut(value)
        _tie(old, place, key)
        if old is _MISSING:
            dict.__delitem__(place, key)
        else:
            dict.__setitem__(place, key, old)

    return undo


def _replace(place: StateList, start: int, old: list[Any], new: list[Any]) -> Undo:
    for item in old:
        _cut(item)
    for index, item in enumerate(new):
        _tie(item, place, start + index)
    list.__setitem__(place, slice(start, start + len(old)), new)

    def undo() -> None:
        _replace(place, start, new, old)

    return undo
