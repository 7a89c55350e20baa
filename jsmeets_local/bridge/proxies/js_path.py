"""`JSPath`: steps through the objects of a page that are awaited together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Coroutine, Generator
from typing import TYPE_CHECKING, Any

from ...protocol.functions import AsyncCallable
from ...protocol.values import Payload
from ..portal import Operation
from ..tracebacks import public
from .base import checked, value_of
from .js_stream import JSStream
from .steps import call, joined, property_name, step, with_key, with_value

if TYPE_CHECKING:
    from .js_proxy import Remote

__all__ = ["JSCall", "JSPath"]


class JSPath(AsyncCallable):
    """Path through the objects of a page: `await page.aio.js.document.querySelector("h1").textContent`.

    Attributes, items and calls only extend the path. Awaiting it sends the whole path in one request, and may be
    repeated. The page awaits the promises on the way. Names are those of `JSProxy`.
    """

    __slots__ = ("_names", "_remote", "_steps")

    def __init__(self, remote: Remote, steps: tuple[Payload, ...] = (), names: str = "") -> None:
        self._remote = remote
        self._steps = steps
        self._names = names

    def _to(self, kind: type[JSPath], name: str, *steps: Payload) -> Any:
        return kind(self._remote, (*self._steps, *steps), self._names + name)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return self._to(JSPath, f".{name}", step("get", property_name(name, type(self))))

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_"):
            raise AttributeError(f"an assignment cannot be awaited; write await {self!s}.setattr({name!r}, ...)")
        object.__setattr__(self, name, value)

    def __getitem__(self, key: Any) -> Any:
        return self._to(JSPath, f"[{key!r:.40}]", with_key(self._remote._bridge, "get_item", key))

    def __call__(self, *args: Any, **options: Any) -> Any:
        return self._to(JSCall, "(...)", call(self._remote._bridge, args, options))

    def new(self, *args: Any, **options: Any) -> Any:
        """Extend the path by `new` of JavaScript."""
        return self._to(JSCall, ".new(...)", call(self._remote._bridge, args, options, "new"))

    def setattr(self, name: str, value: Any) -> JSCall:
        """End the path by an assignment: `await page.aio.js.document.setattr("title", "Loss")`."""
        made: JSCall = self._to(JSCall, ".setattr(...)", with_value(self._remote._bridge, "set", name, value))
        return made

    def delattr(self, name: str) -> JSCall:
        """End the path by the deletion of a property."""
        made: JSCall = self._to(JSCall, ".delattr(...)", step("delete", name))
        return made

    def to_py(self, *, depth: int = -1) -> JSCall:
        """End the path by a copy as data, `depth` levels deep; -1: all levels."""
        made: JSCall = self._to(JSCall, ".to_py()", step("data", None if depth < 0 else depth, False))
        return made

    def by_ref(self, name: str) -> JSCall:
        """End the path by a property as a reference, also if it is plain data."""
        made: JSCall = self._to(JSCall, ".by_ref(...)", step("get", name), step("reference"))
        return made

    def _operation(self) -> Operation[Any]:
        steps = (*self._remote._path(), *self._steps) or (step("await"),)
        return self._remote._operation(joined(steps), f"{self._remote._label()}{self._names}".removeprefix("."))

    @public
    async def _run(self) -> Any:
        return value_of(await self._remote._bridge.portal.awaitable(self._operation()))

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._run().__await__()

    def __aiter__(self) -> AsyncIterator[Any]:
        """Iterate over the items of the value: `async for item in page.aio.js.document.querySelectorAll("li")`."""
        return _Items(self._to(JSPath, "", step("iterate")))

    def __str__(self) -> str:
        return f"{self._remote._awaitable()}{self._names}"

    def __repr__(self) -> str:
        return f"<JavaScript path: await {self!s}>"


class _Items(AsyncIterator[Any]):
    """Items of the value of a path. The page closes its iterator when this is collected, as after `break`."""

    __slots__ = ("_path", "_stream")

    def __init__(self, path: JSPath) -> None:
        self._path = path
        self._stream: JSStream | None = None

    async def __anext__(self) -> Any:
        if self._stream is None:
            self._stream = checked(await self._path, JSStream, str(self._path))
        return await anext(self._stream)


class JSCall(JSPath, Coroutine[Any, Any, Any]):
    """Path that ends with a call. It is a coroutine, for `asyncio.create_task`."""

    __slots__ = ("_coroutine",)

    # asyncio looks these up to describe a task.
    cr_code = cr_frame = gi_code = None
    cr_running = False

    def __init__(self, remote: Remote, steps: tuple[Payload, ...] = (), names: str = "") -> None:
        super().__init__(remote, steps, names)
        self._coroutine: Coroutine[Any, Any, Any] | None = None

    def _started(self) -> Coroutine[Any, Any, Any]:
        if self._coroutine is None:
            self._coroutine = self._run()
        return self._coroutine

    def send(self, value: Any) -> Any:
        """Continue, as a task does."""
        return self._started().send(value)

    def throw(self, *error: Any) -> Any:
        """Raise an error inside, as a task does that is cancelled."""
        return self._started().throw(*error)

    def close(self) -> None:
        """End without running to the end."""
        if self._coroutine is not None:
            self._coroutine.close()
