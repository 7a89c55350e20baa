"""References: objects that stay on their side of a session and cross as numbers.

`Exports` numbers the objects that Python has sent to a page. `Imports` counts how often each object of the page has
arrived. When Python no longer uses an imported object, it returns the count to the page, which subtracts it from its
own and forgets the object at 0. So an object that is sent again while it is being released stays alive.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable
from contextvars import Context
from typing import Any, TypeVar
from weakref import ref as weak

import msgspec
from msgspec.structs import replace

from ..errors import ProtocolError, TooManyReferences, WrongPage
from . import messages as m
from .functions import Function
from .handles import Handle, Imported
from .signatures import is_annotated
from .text import shown

__all__ = [
    "BIGGEST",
    "SMALLEST",
    "Arrivals",
    "Bound",
    "Export",
    "Exports",
    "Handle",
    "Imported",
    "Imports",
    "Ref",
    "Reference",
    "RefusedReference",
    "ref",
    "revive",
    "split_keywords",
    "unknown_reference",
    "unmarked",
]

SMALLEST, BIGGEST = -(2**53) + 1, 2**53 - 1  # JavaScript numbers hold the integers between them exactly

_MANY = 1000  # keys of a Map
_KEYS = frozenset({str, int, float, bool, type(None)})

M = TypeVar("M", bound=m.Message)


class Ref:
    """Object to send by reference; `ref` makes it."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"ref({self.value!r:.200})"


def ref(value: Any) -> Any:
    """Mark an object to be sent by reference: the page gets its public methods and attributes, not its data.

    Args:
        value: Any object. A `pathlib.Path` or an open binary file becomes a file in the page. Functions, iterators and
            objects of the page need no `ref`.
    """
    return value if issubclass(type(value), (Ref, Imported)) else Ref(value)  # its `__class__` may raise


def unmarked(value: Any) -> Any:
    """Return a revived value with the objects themselves in place of those that were marked with `Ref`."""
    root: list[Any] = [value]
    containers: list[Any] = [root]
    while containers:
        container = containers.pop()
        for step, item in enumerate(container) if type(container) is list else container.items():
            if type(item) is Ref:
                container[step] = item.value
            elif type(item) is list or type(item) is dict:
                containers.append(item)
    return root[0]


class Reference(msgspec.Struct, frozen=True):
    """Part of a packed value that JSON cannot express.

    Attributes:
        path: The position in the packed value, where the JSON has `null`.
        kind: See `messages.Special`.
        value: The object of Python, or the `Handle` of an imported object; `None` for an integer.
        facts: The facts on the wire, without the number, which belongs to a session.
        cell: The notebook cell that sent it, or `None`.
        context: The context in which a stream runs, or `None`.
    """

    path: tuple[str | int, ...]
    kind: str
    value: Any
    facts: tuple[Any, ...] = ()
    cell: Any = None
    context: Context | None = None


class RefusedReference(Exception):
    """Error of a message with a reference that cannot be used."""

    def __init__(self, info: m.ErrorInfo) -> None:
        super().__init__(info.message)
        self.info = info


def unknown_reference(text: str) -> RefusedReference:
    """Return the error for a number that is unknown, stale, or of another kind."""
    return RefusedReference(m.ErrorInfo("unknown", "UnknownReference", text))


# Imports -----------------------------------------------------------------------------------------------------------


class Arrivals:
    """Number of times that an object of the page has arrived while one handle was alive."""

    __slots__ = ("count", "handle", "number")

    def __init__(self, handle: Handle) -> None:
        self.number = handle.number
        self.count = 1
        self.handle = weak(handle)


class Imports:
    """Objects of the page that Python uses, by number."""

    def __init__(self) -> None:
        self._arrivals: dict[int, Arrivals] = {}

    def __len__(self) -> int:
        return len(self._arrivals)

    def find(self, number: int) -> Handle | None:
        """Return the handle of a number while it is alive."""
        arrivals = self._arrivals.get(number)
        return None if arrivals is None else arrivals.handle()

    def arrive(self, handle: Handle) -> None:
        """Count another arrival of a handle that `find` has returned."""
        self._arrivals[handle.number].count += 1

    def add(self, handle: Handle) -> Arrivals:
        """Add a handle. A dead one of the same number is replaced; its own arrivals are released separately."""
        arrivals = self._arrivals[handle.number] = Arrivals(handle)
        return arrivals

    def forget(self, number: int) -> None:
        """Forget an object without a release."""
        self._arrivals.pop(number, None)

    def collected(self, arrivals: Arrivals) -> tuple[int, int]:
        """Forget a handle that was collected, and return the number and count to release."""
        if self._arrivals.get(arrivals.number) is arrivals:
            del self._arrivals[arrivals.number]
        return arrivals.number, arrivals.count


# Exports -----------------------------------------------------------------------------------------------------------


class Export:
    """Object of Python that a page may use.

    Attributes:
        number: The number.
        kind: The kind.
        value: The object.
        count: The number of times that it was sent and not released.
        facts: The facts on the wire, without the number.
        function: The function to run, for a callable, and for a file once it is read.
        identity: The key under which it is found when it is sent again.
        cell: The notebook cell that has sent it, or `None`.
        context: The context in which a stream runs, or `None`.
    """

    __slots__ = ("cell", "context", "count", "facts", "function", "identity", "kind", "number", "value")

    def __init__(self, number: int, reference: Reference) -> None:
        self.number = number
        self.kind = reference.kind
        self.value = reference.value
        self.facts = reference.facts
        self.count = 0
        self.cell = reference.cell
        self.context = reference.context
        self.identity = _identity(reference)
        self.function: Function | None = None
        if self.kind == "function":
            name = reference.facts[0]
            checked = is_annotated(self.value)
            self.function = Function(name, self.value, exclusive=False, cell=reference.cell, is_checked=checked)


class Bound(msgspec.Struct, frozen=True):
    """References with the numbers of one session.

    Attributes:
        specials: The specials, with paths relative to the packed value.
        numbers: The exported numbers, once for each time that they were counted.
        handles: The handles of the imported objects.
    """

    specials: list[list[Any]] = []
    numbers: tuple[int, ...] = ()
    handles: tuple[Handle, ...] = ()


class Exports:
    """Objects of Python that the page may use. A number is never used again.

    Args:
        streamed: Exports of iterators of all sessions, by the identity of the iterator. An iterator goes to one page.
    """

    def __init__(self, streamed: dict[int, Exports] | None = None) -> None:
        self._streamed: dict[int, Exports] = {} if streamed is None else streamed
        self._last = 0
        self._by_number: dict[int, Export] = {}
        self._by_identity: dict[tuple[Any, ...], Export] = {}

    def __len__(self) -> int:
        return len(self._by_number)

    def add(self, reference: Reference) -> Export:
        """Count that an object is sent, under its number or a new one.

        Raises:
            WrongPage: It is an iterator that was sent to another page.
        """
        identity = _identity(reference)
        export = self._by_identity.get(identity)
        if export is None:
            if reference.kind == "stream" and self._streamed.setdefault(id(reference.value), self) is not self:
                text = f"the iterator {reference.value!r:.100} was sent to another page, and each item goes to one page"
                raise WrongPage(f"{text}: send each page an iterator of its own")
            self._last += 1
            export = Export(self._last, reference)
            self._by_number[export.number] = self._by_identity[identity] = export
        export.count += 1
        return export

    def get(self, number: int) -> Export | None:
        """Return the object of a number."""
        return self._by_number.get(number)

    def release(self, number: int, count: int = 1) -> Export | None:
        """Subtract a count. Ignore an unknown number.

        Returns:
            The object if it was forgotten.
        """
        export = self._by_number.get(number)
        if export is None:
            return None
        export.count -= count
        if export.count > 0:
            return None
        return self.forget(number)

    def forget(self, number: int) -> Export | None:
        """Remove and return an object, regardless of its count."""
        export = self._by_number.pop(number, None)
        if export is not None:
            del self._by_identity[export.identity]
            if export.kind == "stream":
                del self._streamed[id(export.value)]
        return export

    def clear(self) -> list[Export]:
        """Remove and return all objects."""
        exports = list(self._by_number.values())
        for export in exports:
            self.forget(export.number)
        return exports

    def bind(self, references: Iterable[Reference], owner: Any, socket: int, room: int) -> Bound:
        """Number the references of a packed value for this session.

        Args:
            references: The references.
            owner: The protocol state.
            socket: The socket of the session.
            room: Number of objects that may be added.

        Raises:
            WrongPage: An object belongs to another page.
            TooManyReferences: There is no room.
        """
        specials: list[list[Any]] = []
        numbers: list[int] = []
        handles: list[Handle] = []
        before = len(self)
        try:
            for reference in references:
                kind, value = reference.kind, reference.value
                if kind == "bigint":
                    facts = reference.facts
                elif kind == "own":
                    _check_home(value, owner, socket)
                    handles.append(value)
                    facts = (value.number,)
                else:
                    number = self.add(reference).number
                    numbers.append(number)
                    if len(self) - before > room:
                        text = (
                            f"only {max(room, 0)} more objects can be sent by reference to the page (socket {socket})"
                        )
                        raise TooManyReferences(f"{text}; Limits(references=...) allows more")
                    facts = (number, *reference.facts)
                specials.append([[*reference.path], kind, *facts])
        except BaseException:
            for number in numbers:
                self.release(number)
            raise
        return Bound(specials, tuple(numbers), tuple(handles))


def _identity(one: Reference) -> tuple[Any, ...]:
    """Return the key of an object. Each access to a bound method creates a new one; a file may have changed."""
    value = one.value
    if one.kind == "file":
        return one.kind, id(value), *one.facts[0].values()
    if type(value) is types.MethodType:
        return one.kind, id(value.__self__), id(value.__func__)
    return one.kind, id(value)


def _check_home(handle: Handle, owner: Any, socket: int) -> None:
    if handle.owner is not owner:
        raise WrongPage("an object of a page of another application cannot be passed to this one")
    if handle.socket != socket:
        text = f"an object of another page (socket {handle.socket}) cannot be passed to the page (socket {socket})"
        raise WrongPage(text, socket_id=socket)


# Messages ----------------------------------------------------------------------------------------------------------

# Message -> the index and name of the element that holds values, and the length of the shortest path to one.
_PLACES: dict[type, tuple[int, str, int]] = {
    m.Call: (3, "args", 2),
    m.Notify: (2, "args", 2),
    m.Return: (2, "value", 1),
    m.Push: (3, "data", 1),
    m.Publish: (3, "data", 1),
    m.Retain: (3, "data", 1),
    m.State: (3, "fields", 2),
    m.Patch: (3, "changes", 3),
    m.Patched: (3, "changes", 3),
    m.Use: (3, "steps", 3),
    m.Items: (2, "items", 2),
}


# Kind -> the type of what the JSON has in its place; None for all others.
_FORMS: dict[str, type] = {"map": list, "keywords": dict}


class _Keywords(dict[str, Any]):
    """Keyword arguments, in the place of the last argument."""


def split_keywords(args: list[Any]) -> tuple[list[Any], dict[str, Any] | None]:
    """Return the positional and the keyword arguments of a revived message."""
    if args and type(args[-1]) is _Keywords:
        return args[:-1], {**args[-1]}
    return args, None


def revive(message: M, make: Callable[[m.Special], Any]) -> M:
    """Put the special values of a message in their places.

    Args:
        message: The message. Its containers are changed.
        make: Returns the object of a reference, or raises `RefusedReference`.

    Raises:
        ProtocolError: The specials are invalid.
        RefusedReference: The first error of `make`, after it was called for all references; or a Map cannot be a dict.
    """
    name = _PLACES[type(message)][1]
    refusal: RefusedReference | None = None
    root: list[Any] = [getattr(message, name)]
    specials: tuple[m.Special, ...] = message.specials  # type: ignore[union-attr]
    # Find all places before making the first object: a path must not lead into an object of Python.
    places = [_find(type(message), root, special) for special in specials]
    for special, (place, step) in zip(specials, places, strict=True):
        try:
            place[step] = _make(special, place[step], make)
        except RefusedReference as error:
            refusal = refusal or error
    if refusal is not None:
        try:
            raise refusal
        finally:
            del refusal  # its traceback holds this stack frame, and would keep the objects alive
    return message if root[0] is getattr(message, name) else replace(message, **{name: root[0]})


def _find(kind: type, root: list[Any], special: m.Special) -> tuple[Any, Any]:
    """Return the container and key of a place in a message."""
    index, _, shortest = _PLACES[kind]
    path: list[str | int] = special.path
    place: Any = root
    steps: list[str | int] = [0, *path[1:]]
    try:
        if len(path) < shortest or path[0] != index:
            raise LookupError
        for step in steps[:-1]:
            place = _container(place)[step]
        found = _container(place)[steps[-1]]
        if type(found) is not _FORMS.get(special.kind, type(None)):
            raise LookupError
        if special.kind == "keywords" and not _is_last_argument(kind, root[0], path):
            raise LookupError
    except (LookupError, TypeError):
        raise _misplaced(path) from None
    return place, steps[-1]


def _is_last_argument(kind: type, value: Any, path: list[Any]) -> bool:
    """Return whether a path of a message leads to the last argument of a call, or of a step `call`."""
    if kind is m.Use:
        return len(path) == 4 and value[path[1]][0] == "call" and path[2:] == [1, len(value[path[1]][1]) - 1]
    return kind in (m.Call, m.Notify) and path[1:] == [len(value) - 1]


def _container(value: Any) -> Any:
    """Return a container of JSON. Strings and arrays have items, too, but cannot contain special values."""
    if type(value) is not list and type(value) is not dict:
        raise LookupError
    return value


def _misplaced(path: list[str | int]) -> ProtocolError:
    return ProtocolError(f"path {str(path)[:100]} does not lead to a special value of a message")


def _make(special: m.Special, value: Any, make: Callable[[m.Special], Any]) -> Any:
    if special.kind == "keywords":
        if type(value) is not dict:  # two have the same path
            raise _misplaced(special.path)
        return _Keywords(value)
    if special.kind == "map":
        return _dict(value if type(value) is list else [None], special)
    if value is not None:  # two have the same path
        raise _misplaced(special.path)
    if special.kind == "bigint":
        return _integer(special.fact)
    if type(special.fact) is not int or not 1 <= special.fact <= m.MAX_ID:
        raise ProtocolError(f"{special.kind} with the number {shown(special.fact, 40)}")
    return make(special)


def _integer(digits: Any) -> int:
    if isinstance(digits, str) and digits.removeprefix("-").isdecimal() and digits.isascii():
        try:
            return int(digits)
        except ValueError:  # more digits than Python converts
            text = f"a BigInt of {len(digits)} digits is too long for Python; send it as text"
            raise RefusedReference(m.ErrorInfo("refused", "ValueError", text)) from None
    raise ProtocolError(f"an integer with the digits {shown(digits, 40)}")


def _dict(pairs: list[Any], special: m.Special) -> dict[Any, Any]:
    for pair in pairs:
        if type(pair) is not list or len(pair) != 2 or type(pair[0]) not in _KEYS:
            raise ProtocolError(f"the Map at {str(special.path)[:100]} has no pairs of key and value")
    # Integers whose difference is a multiple of 2**61 - 1 have the same hash; 10,000 of them take a second.
    if len(pairs) > _MANY and len({hash(key) for key, _ in pairs}) < len(pairs) // 2:
        raise _refused_map("too many keys of a Map are equal or have the same hash in Python")
    made = dict(pairs)
    if len(made) < len(pairs):
        raise _refused_map("two keys of a Map are equal in Python, as 1 and true are")
    return made


def _refused_map(reason: str) -> RefusedReference:
    return RefusedReference(m.ErrorInfo("refused", "ValueError", f"{reason}; send its entries as an array"))
