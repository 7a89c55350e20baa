"""`Page`: the handle of one view, in blocking lines; `page.aio` is its awaitable twin."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from typing import TYPE_CHECKING, Any

from .api.names import AsyncPageFunction, Names, PageFunction
from .api.pubsub import Pubsub
from .api.readers import PageQueue, Subscription
from .bridge.batch import join_batch
from .bridge.bridge import Bridge
from .bridge.client import Client
from .bridge.prepared_calls import AsyncPrepared, Prepared, PreparedData
from .bridge.presence import GRACE
from .bridge.tracebacks import cut, end_quietly
from .bridge.waiters import CLOSED, TIMED_OUT, wait_error
from .errors import Disconnected, JsPyError, PageClosed
from .notebook.cells import current_cell
from .notebook.display import Frame, show
from .protocol.arguments import check_name, seconds
from .server.one_time_urls import PageUrls

if TYPE_CHECKING:
    from .launch.window.api import AsyncWindow, Window

__all__ = ["AsyncPage", "Page"]

_SOON = 0.4  # seconds that completion may wait for a page that is there


def _value(outcome: Any) -> Any:
    if isinstance(outcome, JsPyError):
        raise outcome
    return outcome


def _asker(client: Client) -> Callable[..., Any]:
    """What asks a page about itself: soon or not at all, because somebody types meanwhile."""

    def ask(key: str, *args: Any) -> Any:
        if not client.presence.sockets:
            raise Disconnected("the page is not connected", "call", key)
        return _value(client.bridge.portal.block(client.call(key, _SOON)(args), f"await page.aio.call({key!r})(...)"))

    return ask


class AsyncPage:
    """The awaitable twin of a `Page`, usable on any event loop: `await page.aio.call("f")(1)`."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.js = Names(AsyncPageFunction, self.call, _asker(client))

    @property
    def window(self) -> AsyncWindow:
        """As `Page.window`."""
        handle: AsyncWindow = self._client.window().async_handle()
        return handle

    def call(self, key: str, timeout: float | None = None) -> Callable[..., Coroutine[Any, Any, Any]]:
        """As `Page.call`, to be awaited."""
        request = self._client.call(key, timeout)

        async def send(args: tuple[Any, ...]) -> Any:
            return _value(await self._client.bridge.portal.awaitable(request(args)))

        return AsyncPrepared("call", key, send)

    def map(self, key: str, timeout: float | None = None) -> Callable[..., Coroutine[Any, Any, list[Any]]]:
        """As `Page.map`, to be awaited."""
        request = self._client.map(key, timeout)

        async def send(iterables: tuple[Iterable[Any], ...]) -> list[Any]:
            return join_batch(key, await self._client.bridge.portal.awaitable(request(iterables)))

        return AsyncPrepared("map", key, send)

    async def eval(self, code: str, timeout: float | None = None) -> Any:
        """As `Page.eval`."""
        return await self.call("$eval", timeout)(code)

    async def get(self, key: str, timeout: float | None = None) -> Any:
        """The next item of the queue `key`, as `PageQueue.get`."""
        item = await self._client.bridge.portal.awaitable(self._client.queue_item(key, timeout))
        if item is TIMED_OUT or item is CLOSED:
            raise wait_error(item, f"the queue {key!r}", timeout, PageClosed)
        return item

    async def subscribe(self, topic: str) -> AsyncIterator[tuple[str, Any]]:
        """The publications of a topic, as `Page.subscribe`: `async for topic, data in page.aio.subscribe("t")`."""
        inbox, end = self._client.subscribe(topic)
        try:
            while (item := await self._client.bridge.portal.awaitable(inbox.next(None))) is not CLOSED:
                yield item
        finally:
            self._client.bridge.portal.post_or_run(end)

    async def wait(self, timeout: float | None = None) -> bool:
        """As `Page.wait`."""
        return await self._client.bridge.exits.awaitable(self._client.presence.wait_closed(seconds(timeout)))

    async def wait_connected(self, timeout: float | None = None) -> bool:
        """As `Page.wait_connected`."""
        return await self._client.bridge.portal.awaitable(self._client.presence.wait_until_connected(seconds(timeout)))


class Page:
    """One open view of an application, as `JsMeetsPy.launch()` returns it.

    It follows its page through reloads and links within the application. Its blocking methods may be used on any thread
    but the bridge's; a thread that runs an exposed function gives its slot back while it waits.

    Attributes:
        url: What to open in a browser, with the launch token in the fragment; in private an address that is good for
            one browser. A path alone where a proxy does not tell its host name.
        js: The functions of the page as attributes: `page.js.add(1, 2)`; `page.js["a.b"](1)` for other names.
        aio: The awaitable twin.
        grace: Seconds for which it may be away before it counts as closed; `None` where only Python closes it, or its
            window.
        window: The window that shows it, opened by `mode="window"`.
    """

    def __init__(
        self,
        bridge: Bridge,
        key: str,
        urls: PageUrls,
        closed: Callable[[Page], None],
        frame: Frame,
        grace: float | None = GRACE,
    ) -> None:
        self._client = Client(bridge, key, urls.address, grace)
        self._closed = closed
        self._urls = urls
        self._frame = frame
        self.grace = grace
        self._shown_by = ""  # the run of a cell that has the frame already
        self.url = urls.url
        self.js = Names(PageFunction, self.call, _asker(self._client))
        self.aio = AsyncPage(self._client)
        bridge.portal.finalize(self, self._client.presence.end)

    @property
    def window(self) -> Window:
        """The window that shows the page, opened by `mode="window"`.

        Raises:
            LaunchError: It is shown by something else.
        """
        handle: Window = self._client.window().handle()
        return handle

    def call(self, key: str, timeout: float | None = None) -> Callable[..., Any]:
        """Calls a function of the page and waits for its answer; for the page too, if it is not there yet.

        Args:
            key: The name under which the page exposes it.
            timeout: Seconds; `None`, 0 or negative mean no limit.

        Returns:
            A function that takes the (positional) arguments and returns the value.

        Raises:
            JavaScriptError: (by the returned function, as all of these) The function raised.
            UnknownFunction: The page exposes no such function.
            CallTimeout: No answer in time.
            Disconnected: The page left before it answered.
            PageClosed: The page is closed.
            TypeError: An argument cannot be sent; the text names the path to it.
            WouldDeadlock: Called on the bridge's event loop; use `page.aio`.
        """
        request = self._client.call(key, timeout)
        twin = f"await page.aio.call({key!r})(...)"
        return Prepared("call", key, lambda args: _value(self._client.bridge.portal.block(request(args), twin)))

    def map(self, key: str, timeout: float | None = None) -> Callable[..., list[Any]]:
        """Calls a function of the page many times, all at once, and waits for all values.

        Calls that do not wait for each other share the way there and back, which is nearly all of the time of one.

        Args:
            key: The name under which the page exposes it.
            timeout: Seconds for all of them; `None`, 0 or negative mean no limit.

        Returns:
            A function that takes an iterable for each argument, as `map` does, and returns the values in that order:
            `page.map("add")([1, 2], [10, 20])`.

        Raises:
            JsPyError: (by the returned function) As `call` does; the first one in order that failed, when all have
                ended.
            TypeError: (by the returned function) An argument cannot be sent, and nothing was called; or there is no
                iterable.
        """
        request = self._client.map(key, timeout)
        twin = f"await page.aio.map({key!r})(...)"
        send = self._client.bridge.portal.block
        return Prepared("map", key, lambda iterables: join_batch(key, send(request(iterables), twin)))

    def call_nowait(self, key: str) -> Callable[..., bool]:
        """Calls a function of the page and does not wait; an error in it is logged.

        Args:
            key: The name under which the page exposes it.

        Returns:
            A function that takes the (positional) arguments. It returns `False` where the page is closed and nothing is
            sent, which the log tells once, by `INFO`.

        Raises:
            TypeError: (by the returned function) An argument cannot be sent.
        """
        check_name(key, "key of a function")
        return Prepared("call_nowait", key, lambda args: self._client.notify(key, list(args)))

    def eval(self, code: str, timeout: float | None = None) -> Any:
        """Evaluates JavaScript in the page, awaits it, and returns its value.

        Args:
            code: An expression (`await` is allowed), or statements, whose last value counts.
            timeout: Seconds; `None`, 0 or negative mean no limit.

        Raises:
            JavaScriptError: It raised, or the page's Content-Security-Policy forbids `unsafe-eval`.
            CallTimeout: No answer in time.
            Disconnected: The page left before it answered.
            PageClosed: The page is closed.
        """
        try:
            return self.call("$eval", timeout)(code)
        except BaseException as error:
            cut(error)
            raise

    def queue(self, key: str) -> PageQueue:
        """The queue `key`: `get` what pages pushed, iterate over it, `push` to the page's."""
        return PageQueue(self._client, key)

    def publish(self, topic: str, suppress: bool = False) -> Callable[[Any], bool]:
        """Publishes to the subscribers of a topic, in all pages and in Python: as `JsPyPubsub.publish`.

        The other pages hear it where this one is closed. The returned function gives `False` where the server has
        stopped with the page, and nobody hears it; the log tells so once, by `INFO`.
        """
        publish = Pubsub(self._client.bridge).publish(topic, suppress)
        return PreparedData("publish", topic, lambda data: not self._client.is_gone() and publish(data))

    def subscribe(self, topic: str) -> Subscription:
        """The publications of a topic from now on: iterate over `(topic, data)`, or `get` one.

        It ends when the page is closed.

        Raises:
            PageClosed: It is closed already.
        """
        return Subscription(self._client, topic)

    @property
    def state(self) -> str:
        """Its state: "connecting" until it first came, "open", "reconnecting" while it may come back, or "closed"."""
        return self._client.presence.state()

    def add_state_event(self, func: Callable[[str], Any]) -> None:
        """Has `func(state)` called each time `state` changes; after "closed" a tab that comes back is "open".

        Args:
            func: Plain (runs in a worker thread) or async (on the bridge's loop).
        """
        self._client.add_state_event(func)

    def clear_state_event(self) -> None:
        """Removes all state event callbacks."""
        self._client.bridge.portal.call(self._client.presence.state_listeners.clear)

    def is_connected(self) -> bool:
        """Whether the page is connected at this moment."""
        presence = self._client.presence
        return len(presence.sockets) > len(presence.away)

    def is_closed(self) -> bool:
        """Whether the page was here and has been gone for the grace time, or Python has closed it."""
        return self._client.presence.closed

    def wait_connected(self, timeout: float | None = None) -> bool:
        """Waits until the page is connected, or closed.

        Args:
            timeout: Seconds; `None`, 0 or negative mean no limit.

        Returns:
            Whether it is.
        """
        try:
            operation = self._client.presence.wait_until_connected(seconds(timeout))
            return self._client.bridge.portal.block(operation, "await page.aio.wait_connected()")
        except BaseException as error:
            cut(error)
            raise

    def wait(self, timeout: float | None = None) -> bool:
        """Waits until the page is closed: gone for the grace time (of `launch`), so that a reload is not a close.

        Ctrl-C raises `KeyboardInterrupt`; a script that does not catch it ends without a traceback.

        Args:
            timeout: Seconds; `None`, 0 or negative mean no limit.

        Returns:
            Whether it is closed.

        Raises:
            SystemExit: In the main thread: an exposed function or a callback called `sys.exit()`. Not in a notebook.
        """
        try:
            operation = self._client.presence.wait_closed(seconds(timeout))
            return self._client.bridge.exits.block(operation, "await page.aio.wait()")
        except BaseException as error:
            cut(error)
            end_quietly(error)
            raise

    def close(self) -> None:
        """Ends the page's connection, and its window; the server stops with its last page. Twice changes nothing."""
        self._leave()
        self._closed(self)
        self._join()

    def _leave(self) -> None:
        self._client.bridge.portal.call(self._client.close)

    def _join(self) -> None:
        """Waits until nothing of its window is left; not on the loop, which must go on."""
        if self._client.surface is not None and not self._client.bridge.portal.is_loop_thread():
            self._client.surface.join()

    def _end(self) -> None:
        """The server stops: the page may come back to another one, this handle does not."""
        self._client.bridge.portal.call(self._client.presence.end)

    def show(self, width: int | str | None = None, height: int | str | None = None) -> None:
        """Shows the page in a frame under the running cell of a notebook, also where it is open elsewhere.

        Args:
            width: In pixels, or a CSS length (`"50%"`); `None` for that of `launch`.
            height: In pixels, or a CSS length; `None` for that of `launch`.

        Raises:
            PageClosed: The page was closed by Python.
            LaunchError: This process is not a Jupyter kernel.
            MissingExtra: IPython is not installed.
        """
        if self._client.presence.over:
            raise PageClosed("this page is closed; launch() opens another one")
        show(self._frame.sized(width, height), repr(self))
        cell = current_cell()
        self._shown_by = "" if cell is None else cell.run

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """As the last line of a cell the page is shown, unless this run of the cell shows it already."""
        cell = current_cell()
        shown = cell is not None and cell.run == self._shown_by
        if shown or self._client.presence.over:
            return {"text/plain": repr(self)}
        return {"text/html": self._frame.html(), "text/plain": repr(self)}

    def __enter__(self) -> Page:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "connected" if self.is_connected() else "closed" if self._client.presence.closed else "waiting"
        return f"<Page {self._client.address} ({state})>"
