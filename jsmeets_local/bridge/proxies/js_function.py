"""`JSFunction`: a function of a page, such as a callback."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...protocol.arguments import seconds_of_call
from ...protocol.references import Handle
from ...protocol.values import Payload
from ..portal import Operation
from ..tracebacks import cut, public
from .base import value_of
from .js_proxy import JSProxy, Remote
from .steps import call, joined

if TYPE_CHECKING:
    from ...api.world import PageFunction
    from ..bridge import Bridge

__all__ = ["JSFunction", "JSMethod", "TimedFunction"]

MAX_NAME = 200  # characters of a name, which the page chooses


class JSFunction(JSProxy):
    """Function of a page. It arrives in Python wherever a page sends a function.

    A call waits for the answer, as `Page.call` does, and raises the same errors; `PageClosed` if the page has left.
    Keyword arguments become an object that is passed as the last argument. `await function.aio(1)` calls it on any
    event loop. Its properties are attributes, as those of each `JSProxy`.

    Attributes:
        __name__: The name of the function in JavaScript; empty if it has none.
    """

    __slots__ = ("__name__",)

    typeof = "function"

    def __init__(self, bridge: Bridge, handle: Handle, detail: Any) -> None:
        super().__init__(bridge, handle, detail)
        self.__name__ = detail[:MAX_NAME]

    def __call__(self, *args: Any, **options: Any) -> Any:
        try:
            return self._call(args, options, None)
        except BaseException as error:
            cut(error)
            raise

    def nowait(self, *args: Any, **options: Any) -> bool:
        """Call the function without waiting; an error in it is logged.

        Returns:
            `False` if the page has left, so that nothing is sent.

        Raises:
            TypeError: An argument cannot be sent.
        """
        return self._post(joined((*self._path(), call(self._bridge, args, options))))

    def timeout(self, seconds: float | None) -> TimedFunction:
        """Return this function with a time limit for its answer: `ask.timeout(2)("name?")`.

        Args:
            seconds: Seconds; `None`, 0 or negative mean no limit.
        """
        return TimedFunction(self, seconds_of_call(seconds, "function.timeout(2)(...)"))

    def _label(self) -> str:
        return self.__name__ or "function"

    def _awaitable(self) -> str:
        return f"{self._label()}.aio"

    def _call(self, args: tuple[Any, ...], options: dict[str, Any], timeout: float | None) -> Any:
        return self._use(call(self._bridge, args, options), twin="(...)", timeout=timeout)

    @public
    async def _await(self, args: tuple[Any, ...], options: dict[str, Any], timeout: float | None) -> Any:
        steps = joined((*self._path(), call(self._bridge, args, options)))
        return value_of(await self._bridge.portal.awaitable(self._operation(steps, self._label(), timeout)))

    def __repr__(self) -> str:
        return f"<JavaScript function {self.__name__!r}>" if self.__name__ else "<JavaScript function>"


class JSMethod(JSFunction):
    """Function that was read from an object, which is its `this`.

    A call reads the property and calls it, in one request. Passed to the page it is the function alone, as in
    JavaScript.

    Args:
        owner: The object.
        name: The name of the property.
        path: The step that reads the property.
        function: The function.
    """

    __slots__ = ("_function", "_key", "_owner", "_read")

    def __init__(self, owner: Remote, name: str, path: Payload, function: JSFunction) -> None:
        self._owner = owner
        self._read = path
        self._function = function
        self._bridge = function._bridge
        self._identity = function._identity
        self._class = function._class
        self._methods = function._methods
        self._key = name
        self.__name__ = function.__name__ or name

    @property
    def _handle(self) -> Handle | None:  # type: ignore[override] # values.py sends the function by it
        return self._function._handle

    def destroy(self) -> None:
        """Let the page forget the function, as the proxy of the function does; its object stays."""
        self._function.destroy()

    def _operation(self, steps: Payload, about: str, timeout: float | None = None) -> Operation[Any]:
        return self._owner._operation(steps, about, timeout)

    def _post(self, steps: Payload) -> bool:
        return self._owner._post(steps)

    def _path(self) -> tuple[Payload, ...]:
        return (*self._owner._path(), self._read)

    def _label(self) -> str:
        return f"{self._owner._label()}.{self._key}"

    def _awaitable(self) -> str:
        return f"{self._owner._awaitable()}.{self._key}"

    def __repr__(self) -> str:
        return f"<JavaScript method {self._key!r} of {self._owner._label()}>"


class TimedFunction:
    """Function of a page with a time limit, after which a call raises `CallTimeout`."""

    __slots__ = ("_function", "_seconds")

    def __init__(self, function: JSFunction | PageFunction, seconds: float | None) -> None:
        self._function = function
        self._seconds = seconds

    def __call__(self, *args: Any, **options: Any) -> Any:
        try:
            return self._function._call(args, options, self._seconds)
        except BaseException as error:
            cut(error)
            raise

    async def aio(self, *args: Any, **options: Any) -> Any:
        """Call the function on any event loop, and await its value."""
        return await self._function._await(args, options, self._seconds)

    def __repr__(self) -> str:
        return f"{self._function!r} with a time limit of {self._seconds} s"
