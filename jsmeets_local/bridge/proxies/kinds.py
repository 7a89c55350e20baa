"""Kinds of objects of a page that Python holds, each with its type of proxy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...protocol.messages import ErrorInfo, Special
from ...protocol.references import Handle, RefusedReference
from .base import PageObject
from .collections import JSArray, JSMap
from .js_file import JSFile
from .js_function import JSFunction
from .js_proxy import JSProxy
from .js_stream import JSStream

if TYPE_CHECKING:
    from ..bridge import Bridge

__all__ = ["make_proxy"]

KINDS: dict[str, type[PageObject]] = {
    "function": JSFunction,
    "object": JSProxy,
    "stream": JSStream,
    "file": JSFile,
}
_TRAITS: dict[str, type[JSProxy]] = {"array": JSArray, "map": JSMap}


def make_proxy(bridge: Bridge, handle: Handle, special: Special) -> PageObject:
    """Make the proxy of an object that has arrived, on the loop.

    Args:
        bridge: The bridge.
        handle: The handle of the object.
        special: Its special value on the wire.

    Raises:
        ProtocolError: The detail is invalid.
        RefusedReference: Python has no proxy for objects of this kind.
    """
    kind = KINDS.get(handle.kind)
    if kind is None:
        text = f"Python takes no {handle.kind} of a page by reference; send its data"
        raise RefusedReference(ErrorInfo("refused", "TypeError", text))
    if kind is JSProxy and isinstance(special.trait, str):
        kind = _TRAITS.get(special.trait, JSProxy)
    return kind(bridge, handle, special.detail)
