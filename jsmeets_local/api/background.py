"""`JsPyBackground`: scheduled calls of functions on the bridge."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ..bridge.bridge import Bridge
from ..protocol.arguments import check_function

__all__ = ["Background"]


class Background:
    """`JsPyBackground`: scheduler of function calls."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    def register_function(self, func: Callable[..., Any], param: Iterable[Any] = ()) -> None:
        """Schedule `func(*param)`, at once or when the server starts; from any thread.

        Args:
            func: Plain (runs in a worker thread) or async (on the bridge's loop). Its result is ignored, and an
                error is logged.
            param: Its positional arguments.

        Raises:
            TypeError: `func` is not a function, or `param` is not a collection of arguments.
        """
        check_function(func, "the argument of register_function")
        if isinstance(param, str) or not isinstance(param, Iterable):
            raise TypeError(f"param must be a tuple of arguments: register_function(func, (1, 2)); got {param!r:.60}")
        self._bridge.background(func, tuple(param))
