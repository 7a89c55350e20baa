"""Turns of exclusive functions that return generators: the next call waits until the generator has ended."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from types import AsyncGeneratorType, GeneratorType
from typing import Any, TypeGuard

__all__ = ["held", "is_generator"]


def is_generator(value: Any) -> TypeGuard[Generator[Any] | AsyncGenerator[Any]]:
    """Return whether a value is a generator, whose body runs after the function has returned."""
    return isinstance(value, (GeneratorType, AsyncGeneratorType))


def held(
    generator: Generator[Any] | AsyncGenerator[Any], end: Callable[[], object]
) -> Iterator[Any] | AsyncIterator[Any]:
    """Return an iterator over the items of a generator that calls `end()` once it has ended, raised, or is closed.

    Args:
        generator: The generator. The bridge closes the iterator of each stream that is not read to its end.
        end: Called once, where the generator runs: in a worker thread, or on the loop.
    """
    return _AsyncHeld(generator, end) if isinstance(generator, AsyncGeneratorType) else _Held(generator, end)


class _Turn:
    __slots__ = ("__name__", "_end", "_generator")

    def __init__(self, generator: Any, end: Callable[[], object]) -> None:
        self.__name__ = generator.__name__
        self._generator = generator
        self._end: Callable[[], object] | None = end

    def _finish(self) -> None:
        end, self._end = self._end, None
        if end is not None:
            end()


class _Held(_Turn, Iterator[Any]):
    __slots__ = ()

    def __next__(self) -> Any:
        try:
            return next(self._generator)
        except BaseException:
            self._finish()
            raise

    def close(self) -> None:
        try:
            self._generator.close()
        finally:
            self._finish()


class _AsyncHeld(_Turn, AsyncIterator[Any]):
    __slots__ = ()

    async def __anext__(self) -> Any:
        try:
            return await anext(self._generator)
        except BaseException:
            self._finish()
            raise

    async def aclose(self) -> None:
        try:
            await self._generator.aclose()
        finally:
            self._finish()
