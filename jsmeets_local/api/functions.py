"""`JsPyFunction`: function calls between Python and pages, in both directions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from ..bridge.bridge import Bridge
from ..bridge.current_call import call_context
from ..bridge.curried_calls import AsyncCurriedCall, CurriedCall, curried
from ..bridge.portal import Operation
from ..bridge.tracebacks import public
from ..notebook.cells import current_cell
from ..protocol.arguments import Target, check_function, check_name, check_target, seconds
from ..protocol.calls import Finished

__all__ = ["Functions", "FunctionsBase"]

F = TypeVar("F", bound=Callable[..., Any])


class FunctionsBase:
    """Methods of both the async and the blocking `JsPyFunction`, which do not wait for pages."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    @public
    def expose(
        self, key: str, func: Callable[..., Any], exclusive: bool = False, *, keep_running: bool = False
    ) -> bool:
        """Let pages call `func` by the name `key`.

        A plain function runs in a worker thread, so it may block; a coroutine function runs on the bridge's event loop.
        Each call runs in a copy of the current context (`contextvars`), in which `current_call()` describes the call.

        Args:
            key: The name; an earlier function of that name is replaced.
            func: Plain or async; takes positional arguments and returns a sendable value.
            exclusive: Run its calls one at a time, in order of arrival, across all pages. A generator that the function
                returns belongs to its call: the next call begins when the generator has ended, or the page has left it.
            keep_running: Do not cancel its calls when the page that called leaves.

        Returns:
            `False` if the earlier function of that name is running; it is kept.

        Raises:
            TypeError: `key` is not a str, or `func` is not callable.
        """
        check_name(key, "key of an exposed function")
        check_function(func, f"the object exposed as {key!r}")
        if key.startswith("$"):
            raise ValueError(f"names that begin with $ are reserved; got {key!r}")
        context = call_context(self._bridge)
        done: bool = self._bridge.call(
            self._bridge.expose, key, func, exclusive, current_cell(), context, bool(keep_running)
        )
        return done

    @public
    def callable(self, func: F) -> F:
        """Decorate a function to expose it under its own name.

        Raises:
            KeyError: A function of that name is already exposed.
            TypeError: `func` is not a function, or has no name.
        """
        return self._decorate(func, exclusive=False)

    @public
    def exclusive_callable(self, func: F) -> F:
        """Decorate a function as `callable` does, and run its calls one at a time.

        Raises:
            KeyError: A function of that name is already exposed.
            TypeError: `func` is not a function, or has no name.
        """
        return self._decorate(func, exclusive=True)

    def _decorate(self, func: F, exclusive: bool) -> F:
        check_function(func, "the decorated object")
        key = getattr(func, "__name__", None)
        if key is None:
            raise TypeError(f"{func!r} has no name; pass one: expose('name', func)")
        if self.has(key) or not self.expose(key, func, exclusive):
            raise KeyError(f"The exposed function {key!r} is invalid @python: the name is taken")
        return func

    def clear(self, key: str) -> bool:
        """Remove an exposed function.

        Returns:
            `False` if there is no function of that name, or it is running.
        """
        done: bool = self._bridge.call(self._bridge.clear, key)
        return done

    def is_running(self, key: str) -> bool:
        """Return whether a call of the function runs or is queued."""
        running: bool = self._bridge.call(self._bridge.protocol.functions.is_running, key)
        return running

    def get_keys(self) -> list[str]:
        """Return the names of the exposed functions, in the order of their first exposure."""
        keys: list[str] = self._bridge.call(self._bridge.protocol.functions.keys)
        return keys

    def has(self, key: str) -> bool:
        """Return whether a function of that name is exposed."""
        return self._bridge.call(self._bridge.protocol.functions.get, key) is not None

    @curried
    def call_nowait(self, key: str, target: Target = None) -> Callable[..., None]:
        """Call a function of pages without waiting; from any thread.

        Args:
            key: The name under which the pages expose it.
            target: A socket number or a collection of them; `None` for all pages. Unknown numbers are ignored.

        Returns:
            A function that takes the (positional) arguments. An error in the page's function is logged, by both sides.

        Raises:
            TypeError: (by the returned function) An argument cannot be sent; the error message contains the path to it.
        """
        check_name(key, "key of a function")
        check_target(target)

        def send(args: tuple[Any, ...]) -> None:
            self._bridge.post(self._bridge.protocol.notify, key, self._bridge.pack(list(args), "args"), target)

        return CurriedCall("call_nowait", key, send)

    def _request(
        self, key: str, timeout: float | None, target: Target
    ) -> Callable[[tuple[Any, ...]], Operation[Finished]]:
        check_name(key, "key of a function")
        check_target(target)
        limit = seconds(timeout)

        def request(args: tuple[Any, ...]) -> Operation[Finished]:
            payload = self._bridge.pack(list(args), "args")
            return lambda done: self._bridge.request("call", key, payload, target, limit, done)

        return request


class Functions(FunctionsBase):
    """`JsPyFunction`: function calls in both directions, with awaitable answers."""

    @curried
    def call(
        self, key: str, timeout: float | None = None, target: Target = None
    ) -> Callable[..., Awaitable[dict[int, Any]]]:
        """Call a function of pages and await their answers, on any event loop.

        Args:
            key: The name under which the pages expose it.
            timeout: Seconds; `None`, 0 or negative mean no limit.
            target: A socket number or a collection of them; `None` for all pages. Unknown numbers are ignored.

        Returns:
            A coroutine function that takes the (positional) arguments and returns `{socket_id: value}` for the
            pages that are connected at that moment. A page that fails or leaves has a `JsPyError` as its value;
            a page that does not answer in time is absent. Without pages, the result is `{}` at once.

        Raises:
            TypeError: (by the returned function) An argument cannot be sent; the error message contains the path to it.
        """
        request = self._request(key, timeout, target)

        @public
        async def send(args: tuple[Any, ...]) -> dict[int, Any]:
            return (await self._bridge.portal.awaitable(request(args))).answers

        return AsyncCurriedCall("call", key, send)
