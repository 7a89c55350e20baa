"""Kinds of objects of a page that Python holds, each with its type of proxy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...protocol.messages import ErrorInfo
from ...protocol.references import Handle, RefusedReference
from .base import Live
from .js_file import JSFile
from .js_function import JSFunction
from .js_proxy import JSProxy
from .js_stream import JSStream

if TYPE_CHECKING:
    from ..bridge import Bridge

__all__ = ["KINDS", "revive"]

KINDS: dict[str, type[Live]] = {
    "function": JSFunction,
    "object": JSProxy,
    "stream": JSStream,
    "file": JSFile,
}


def revive(bridge: Bridge, handle: Handle, detail: Any) -> Live:
    """Make the proxy of an object that has arrived, on the loop.

    Args:
        bridge: The bridge.
        handle: The handle of the object.
        detail: The detail on the wire: a name, or the description of a file.

    Raises:
        ProtocolError: The detail is invalid.
        RefusedReference: Python has no proxy for objects of this kind.
    """
    kind = KINDS.get(handle.kind)
    if kind is None:
        text = f"Python takes no {handle.kind} of a page by reference; send its data"
        raise RefusedReference(ErrorInfo("refused", "TypeError", text))
    return kind(bridge, handle, detail)
