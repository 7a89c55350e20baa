"""References: objects that stay on their side of a session and cross as numbers.

`Exports` numbers the objects that Python has sent to a page. `Imports` counts how often each object of the page has
arrived. When Python no longer uses an imported object, it returns the count to the page, which subtracts it from its
own and forgets the object at 0. So an object that is sent again while it is being released stays alive.
"""

from __future__ import annotations

import types
from collections.abc import Iterable
from contextvars import Context
from typing import Any
from weakref import ref as weak

import msgspec

from ..errors import TooManyReferences, WrongPage
from . import messages as m
from .functions import Function
from .handles import Handle, Imported
from .signatures import is_annotated

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
    "unknown_reference",
    "unmarked",
]

SMALLEST, BIGGEST = -(2**53) + 1, 2**53 - 1  # JavaScript numbers hold the integers between them exactly


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
