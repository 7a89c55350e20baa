"""Base of the objects that belong to the process that serves the pages."""

from __future__ import annotations

from typing import Any, NoReturn, Self

__all__ = ["ProcessBound"]


class ProcessBound:
    """Object that is copied as itself, as a function is, and cannot be pickled.

    So `copy.deepcopy` and `dataclasses.asdict` accept what holds a page or a callback of one.
    """

    __slots__ = ()

    _home = "this process"  # what it belongs to, for errors

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        text = "use it in this process, and send data to the other one"
        raise TypeError(f"{self!r} belongs to {self._home} and cannot be pickled; {text}")
