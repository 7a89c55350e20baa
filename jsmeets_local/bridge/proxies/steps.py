"""Steps of a request, which lead from an object of a page to a value."""

from __future__ import annotations

import keyword
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from ...protocol.values import Payload

if TYPE_CHECKING:
    from ..bridge import Bridge

__all__ = ["call", "joined", "own_names", "property_name", "step", "with_key", "with_value"]

_encode = msgspec.json.encode


def step(name: str, *operands: str | int | None) -> Payload:
    """Return a step without values of the user."""
    return Payload(_encode([name, *operands]))


def call(bridge: Bridge, args: Sequence[Any], options: Mapping[str, Any], name: str = "call") -> Payload:
    """Return a step that calls a function; the options become its last argument.

    Raises:
        TypeError: An argument cannot be sent.
    """
    given = [*args, dict(options)] if options else list(args)
    return bridge.pack(given, "args").within(b'["' + name.encode() + b'",', b"]", (1,))


def with_key(bridge: Bridge, name: str, key: Any) -> Payload:
    """Return a step that takes a key of the user."""
    return bridge.pack(key, "key").within(b'["' + name.encode() + b'",', b"]", (1,))


def with_value(bridge: Bridge, name: str, key: Any, value: Any) -> Payload:
    """Return a step that takes a key and a value of the user."""
    first, second = bridge.pack(key, "key"), bridge.pack(value, "value")
    return _array([Payload(_encode(name)), first, second])


def joined(steps: Sequence[Payload]) -> Payload:
    """Return steps as one value."""
    if len(steps) == 1:
        only = steps[0]
        return only.within(b"[", b"]", (0,)) if only.buffers or only.references else Payload(b"[" + only.json + b"]")
    return _array(steps)


def _array(values: Sequence[Payload]) -> Payload:
    placed = [value.within(b"", b"", (index,)) for index, value in enumerate(values)]
    return Payload(
        b"[" + b",".join([value.json for value in placed]) + b"]",
        tuple(buffer for value in placed for buffer in value.buffers),
        tuple(reference for value in placed for reference in value.references),
    )


_own_names: dict[Any, frozenset[str]] = {}


def own_names(kind: type) -> frozenset[str]:
    """Return the public attributes of a type, which hide the properties of JavaScript of the same name."""
    names = _own_names.get(kind)
    if names is None:
        names = _own_names[kind] = frozenset(name for name in dir(kind) if not name.startswith("_"))
    return names


def property_name(name: str, kind: type) -> str:
    """Return the property of JavaScript that an attribute of a proxy stands for.

    An underscore at the end is removed from keywords of Python and from names that the proxy itself has:
    `element.class_` and `chart.destroy_` are `class` and `destroy` in JavaScript.

    Args:
        name: The attribute.
        kind: The type of the proxy.
    """
    if name.endswith("_"):
        bare = name.rstrip("_")
        if keyword.iskeyword(bare) or bare in own_names(kind):
            return name[:-1]
    return name
