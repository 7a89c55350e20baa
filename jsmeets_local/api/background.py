"""`JsPyBackground`: has a function run by the bridge, later."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ..bridge.bridge import Bridge
from ..protocol.arguments import check_function

__all__ = ["Background"]


class Background:
    """`JsPyBackground`: reserve a function call."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    def register_function(self, func: Callable[..., Any], param: Iterable[Any] = ()) -> None:
        """Has `func(*param)` run soon; if nothing is served yet, when that starts. From any thread.

        Args:
            func: Plain (runs in a worker thread) or async (on the bridge's loop). What it returns is dropped, what it
                raises is logged.
            param: Its positional arguments.

        Raises:
            TypeError: `func` is no function, or `param` no collection of arguments.
        """
        check_function(func, "what is registered")
        if isinstance(param, str) or not isinstance(param, Iterable):
            raise TypeError(f"param is a tuple of the arguments, register_function(func, (1, 2)); got {param!r:.60}")
        self._bridge.background(func, tuple(param))
