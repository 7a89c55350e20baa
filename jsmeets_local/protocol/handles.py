"""Objects of pages as Python holds them: the base class of their proxies, and the handles behind these."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import ref as weak

__all__ = ["Handle", "Imported", "ImportedStream"]


class Handle:
    """Use of an object of a page. The page may forget the object once the handle is collected.

    The proxy of the object holds it, and so do the messages that carry the object until the page has received them.

    Attributes:
        owner: The protocol state of the session.
        socket: The number of the session's socket.
        number: The number of the object.
        kind: The kind of the object.
        proxy: Weak reference to the proxy, or `None`.
    """

    __slots__ = ("__weakref__", "kind", "number", "owner", "proxy", "socket")

    def __init__(self, owner: Any, socket: int, number: int, kind: str) -> None:
        self.owner = owner
        self.socket = socket
        self.number = number
        self.kind = kind
        self.proxy: weak[Imported] | None = None


class Imported:
    """Base class of proxies of objects in a page.

    `_handle` is `None` once the proxy is destroyed. It is no slot: the layout of a class with slots cannot be combined
    with that of `io` classes, from which the proxies of files inherit, too.
    """

    def __init__(self, handle: Handle) -> None:
        self._handle: Handle | None = handle


class ImportedStream(Imported):
    """Base class of proxies of streams.

    `_convert` converts each item that is read. The last annotated parameter that got the stream has set it.
    """

    _convert: Callable[[Any], Any] | None = None
