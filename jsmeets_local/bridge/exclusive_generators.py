"""Generators of exclusive functions. The queue of the function is suspended until its generator has ended."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from types import AsyncGeneratorType, GeneratorType
from typing import Any, TypeGuard

__all__ = ["is_generator", "resuming"]


def is_generator(value: Any) -> TypeGuard[Generator[Any] | AsyncGenerator[Any]]:
    """Return whether a value is a generator, whose body runs after the function has returned."""
    return isinstance(value, (GeneratorType, AsyncGeneratorType))


def resuming(
    generator: Generator[Any] | AsyncGenerator[Any], resume: Callable[[], object]
) -> Iterator[Any] | AsyncIterator[Any]:
    """Return an iterator over the items of a generator that resumes a queue once the generator has ended.

    The end is that of its body, an error, or `close()`.

    Args:
        generator: The generator. The bridge closes the iterator of each stream that is not read to its end.
        resume: Called once, where the generator runs: in a worker thread, or on the loop.
    """
    is_async = isinstance(generator, AsyncGeneratorType)
    return _AsyncIterator(generator, resume) if is_async else _Iterator(generator, resume)


class _Resuming:
    __slots__ = ("__name__", "_generator", "_resume")

    def __init__(self, generator: Any, resume: Callable[[], object]) -> None:
        self.__name__ = generator.__name__
        self._generator = generator
        self._resume: Callable[[], object] | None = resume

    def _resume_once(self) -> None:
        resume, self._resume = self._resume, None
        if resume is not None:
            resume()


class _Iterator(_Resuming, Iterator[Any]):
    __slots__ = ()

    def __next__(self) -> Any:
        try:
            return next(self._generator)
        except BaseException:
            self._resume_once()
            raise

    def close(self) -> None:
        try:
            self._generator.close()
        finally:
            self._resume_once()


class _AsyncIterator(_Resuming, AsyncIterator[Any]):
    __slots__ = ()

    async def __anext__(self) -> Any:
        try:
            return await anext(self._generator)
        except BaseException:
            self._resume_once()
            raise

    async def aclose(self) -> None:
        try:
            await self._generator.aclose()
        finally:
            self._resume_once()
