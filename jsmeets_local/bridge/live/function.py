"""`JSFunction`: a function of a page that Python holds, for example a callback."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...errors import ProtocolError
from ...protocol.arguments import seconds_of_call
from ...protocol.references import Handle
from ...protocol.values import Payload
from ..tracebacks import cut
from .base import Live, Use, value_of

if TYPE_CHECKING:
    from ..bridge import Bridge

__all__ = ["JSFunction", "TimedFunction"]

MAX_NAME = 200  # characters of a name, which the page chooses


class JSFunction(Live):
    """Function of a page, which arrives in Python wherever a page sends a function.

    A call waits for the answer, as `Page.call` does, and raises the same errors; `PageClosed` if the page has left.
    Keyword arguments become an object that is passed as the last argument.

    Attributes:
        __name__: The name of the function in JavaScript; empty if it has none.
    """

    __slots__ = ("__name__",)

    def __init__(self, bridge: Bridge, handle: Handle, detail: Any) -> None:
        if not isinstance(detail, str):
            raise ProtocolError(f"the name of a function is a string; got {detail!r:.60}")
        super().__init__(bridge, handle, detail)
        self.__name__ = detail[:MAX_NAME]

    def __call__(self, *args: Any, **options: Any) -> Any:
        try:
            return self._block(args, options, None)
        except BaseException as error:
            cut(error)
            raise

    async def aio(self, *args: Any, **options: Any) -> Any:
        """Call the function on any event loop, and await its value."""
        return await self._await(args, options, None)

    def nowait(self, *args: Any, **options: Any) -> bool:
        """Call the function without waiting; an error in it is logged.

        Returns:
            `False` if the page has left, so that nothing is sent.

        Raises:
            TypeError: An argument cannot be sent.
        """
        handle, steps = self._held(), self._steps(args, options)
        if not self._bridge.protocol.is_present(handle.socket):
            return False
        self._bridge.post(self._bridge.protocol.use_nowait, handle, steps)
        return True

    def timeout(self, seconds: float | None) -> TimedFunction:
        """Return this function with a time limit for its answer: `ask.timeout(2)("name?")`.

        Args:
            seconds: Seconds; `None`, 0 or negative mean no limit.
        """
        return TimedFunction(self, seconds_of_call(seconds, "function.timeout(2)(...)"))

    def _steps(self, args: tuple[Any, ...], options: dict[str, Any]) -> Payload:
        given = [*args, options] if options else list(args)
        return self._bridge.pack(given, "args").within(b'[["call",', b"]]", (0, 1))

    def _use(self, args: tuple[Any, ...], options: dict[str, Any], timeout: float | None) -> Use:
        return Use(self._bridge, self._held(), self._steps(args, options), self.__name__ or "function", timeout)

    def _block(self, args: tuple[Any, ...], options: dict[str, Any], timeout: float | None) -> Any:
        twin = f"await {self.__name__ or 'function'}.aio(...)"
        return value_of(self._bridge.portal.block(self._use(args, options, timeout), twin))

    async def _await(self, args: tuple[Any, ...], options: dict[str, Any], timeout: float | None) -> Any:
        return value_of(await self._bridge.portal.awaitable(self._use(args, options, timeout)))

    def __repr__(self) -> str:
        return f"<JavaScript function {self.__name__!r}>" if self.__name__ else "<JavaScript function>"


class TimedFunction:
    """`JSFunction` with a time limit, after which a call raises `CallTimeout`."""

    __slots__ = ("_function", "_seconds")

    def __init__(self, function: JSFunction, seconds: float | None) -> None:
        self._function = function
        self._seconds = seconds

    def __call__(self, *args: Any, **options: Any) -> Any:
        try:
            return self._function._block(args, options, self._seconds)
        except BaseException as error:
            cut(error)
            raise

    async def aio(self, *args: Any, **options: Any) -> Any:
        """Call the function on any event loop, and await its value."""
        return await self._function._await(args, options, self._seconds)

    def __repr__(self) -> str:
        return f"{self._function!r} with a time limit of {self._seconds} s"
