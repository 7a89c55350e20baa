"""`Page`: the handle of one page, with blocking methods; `page.aio` has the awaitable ones."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sized
from typing import TYPE_CHECKING, Any, TypeVar

from .api.progress import Progress
from .api.pubsub import Pubsub
from .api.readers import PageQueue, Subscription
from .api.snapshot import SNAPSHOT_BYTES, Snapshot, snapshot_of
from .api.state import ConnectionState, make_state
from .api.world import AsyncWorld, World
from .bridge.batch import join_batch
from .bridge.bridge import Bridge
from .bridge.client import Client, ClientCall
from .bridge.curried_calls import AsyncCurriedCall, CurriedCall, CurriedSend, curried, hinted
from .bridge.presence import SocketPresence
from .bridge.process_bound import ProcessBound
from .bridge.tracebacks import cut, end_quietly, public
from .bridge.waiters import CLOSED, TIMED_OUT, wait_error
from .errors import JsPyError, LaunchError, PageClosed
from .notebook.cells import at_cell_end, current_cell, kernel_shell
from .notebook.display import Display, View, launches, show
from .notebook.marimo import marimo_value
from .protocol.arguments import check_name, seconds
from .server.one_time_urls import PageUrls

if TYPE_CHECKING:
    from .launch.window.handle import AsyncWindow, Window

__all__ = ["AsyncPage", "DocumentPage", "Page"]

T = TypeVar("T")


class AsyncPage(ProcessBound):
    """Awaitable methods of a `Page`, for any event loop: `await page.aio.call("f")(1)`."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.js = AsyncWorld(client)

    @property
    @public
    def window(self) -> AsyncWindow:
        """Return the window, as `Page.window` does."""
        handle: AsyncWindow = self._client.window().async_handle()
        return handle

    @curried
    def call(self, key: str, timeout: float | None = None) -> Callable[..., Coroutine[Any, Any, Any]]:
        """Call a function of the page, as `Page.call` does."""
        check_name(key, "key of a function")
        limit = None if timeout is None else seconds(timeout)
        return AsyncCurriedCall("call", key, functools.partial(self._client.call_async, key, limit))

    @curried
    def map(self, key: str, timeout: float | None = None) -> Callable[..., Coroutine[Any, Any, list[Any]]]:
        """Call a function of the page many times, as `Page.map` does."""
        check_name(key, "key of a function")
        limit = seconds(timeout)

        @public
        async def send(iterables: tuple[Iterable[Any], ...]) -> list[Any]:
            operation = self._client.map(key, limit, iterables)
            return join_batch(key, await self._client.bridge.portal.awaitable(operation))

        return AsyncCurriedCall("map", key, send)

    @public
    async def eval(self, code: str, timeout: float | None = None) -> Any:
        """Evaluate JavaScript in the page, as `Page.eval` does."""
        return await self.call("$eval", seconds(timeout))(_check_code(code))

    @public
    async def snapshot(self, timeout: float | None = 10.0) -> Snapshot:
        """Take a picture of what the page shows, as `Page.snapshot` does."""
        return snapshot_of(await self.call("$view", seconds(timeout))("snapshot", SNAPSHOT_BYTES))

    @public
    async def get(self, key: str, timeout: float | None = None) -> Any:
        """Wait for the next item of a queue, as `PageQueue.get` does."""
        item = await self._client.bridge.portal.awaitable(self._client.queue_item(key, timeout))
        if item is TIMED_OUT or item is CLOSED:
            raise wait_error(item, f"the queue {key!r}", timeout, PageClosed)
        return item

    async def subscribe(self, topic: str) -> AsyncIterator[tuple[str, Any]]:
        """Iterate over the publications of a topic: `async for topic, data in page.aio.subscribe("t")`."""
        inbox, end = self._client.subscribe(topic)
        try:
            while (item := await self._client.bridge.portal.awaitable(inbox.next(None))) is not CLOSED:
                yield item
        except BaseException as error:
            cut(error)
            raise
        finally:
            self._client.bridge.portal.post_or_run(end)

    @public
    async def wait(self, timeout: float | None = None) -> bool:
        """Wait until the page is closed, as `Page.wait` does."""
        return await self._client.bridge.exits.awaitable(self._client.presence.wait_closed(seconds(timeout)))

    @public
    async def wait_for(self, name: str, timeout: float | None = None) -> None:
        """Wait until the page exposes a function, as `Page.wait_for` does."""
        error = await self._client.bridge.portal.awaitable(self._client.wait_for(name, timeout))
        if error is not None:
            raise error

    @public
    async def wait_connected(self, timeout: float | None = None) -> bool:
        """Wait until the page is connected, as `Page.wait_connected` does."""
        return await self._client.bridge.portal.awaitable(self._client.presence.wait_until_connected(seconds(timeout)))


class Page(ProcessBound):
    """Page of an application, returned by `JsMeetsPy.launch()`.

    It stays valid through reloads and links within the application. Its blocking methods may be called on any thread
    except the bridge's. A thread that runs an exposed function releases its slot while it waits.

    Attributes:
        url: The URL for a browser, with the launch token in the fragment; with private=True, a URL that works in one
            browser. It is only a path if a proxy does not send its host name.
        js: The functions of the page as attributes: `page.js.add(1, 2)`; `page.js["a.b"](1)` for other names. Then its
            global variables: `page.js.document.title`.
        aio: The awaitable methods.
        grace: Seconds without a connection after which the page is closed; `None` if only Python or its window does.
        window: The window that shows the page, opened by `mode="window"`.
    """

    _urls: PageUrls  # of pages that launch() returns

    def __init__(self, client: Client, url: str, view: View | None, closed: Callable[[Page], None]) -> None:
        self._client = client
        self._view = view
        self._closed = closed  # called by close()
        self._shown_by = ""  # the run of the cell that showed the iframe
        self._shown = view  # as that run showed it
        self._display: Display | None = None  # the last one
        self._displays: list[Display] = []  # those that are still shown
        self._before_display: int | None = None  # the socket of the page before that
        self._awaited: Display | None = None  # the display whose iframe is expected to connect
        self.grace = client.presence.grace
        self.url = url
        client.bridge.portal.finalize(self, client.presence.end)

    @functools.cached_property
    def js(self) -> World:
        """Return the functions that the page exposes and its global variables, as attributes."""
        return World(self._client)

    @functools.cached_property
    def aio(self) -> AsyncPage:
        """Return the awaitable methods, for any event loop."""
        return AsyncPage(self._client)

    @property
    @public
    def window(self) -> Window:
        """Return the window that shows the page, opened by `mode="window"`.

        Raises:
            LaunchError: There is none.
        """
        handle: Window = self._client.window().handle()
        return handle

    @curried
    def call(self, key: str, timeout: float | None = None) -> Callable[..., Any]:
        """Call a function of the page once it is connected, and wait for the answer.

        Args:
            key: The name under which the page exposes the function.
            timeout: Seconds; `None`, 0 or negative mean no limit.

        Returns:
            A function that takes the (positional) arguments and returns the value.

        Raises:
            JavaScriptError: (by the returned function, like all of these) The function raised an error.
            UnknownFunction: The page exposes no such function.
            CallTimeout: No answer came in time.
            Disconnected: The page left before it answered.
            PageClosed: The page is closed.
            TypeError: An argument cannot be sent; the error message contains the path to it.
            WouldDeadlock: Called on the bridge's event loop; use `page.aio`.
        """
        check_name(key, "key of a function")
        limit = None if timeout is None else seconds(timeout)
        return CurriedCall("call", key, functools.partial(self._client.call, key, limit))

    @curried
    def map(self, key: str, timeout: float | None = None) -> Callable[..., list[Any]]:
        """Call a function of the page many times at once, and wait for all values.

        The calls share one round trip, which takes most of the time of a single call.

        Args:
            key: The name under which the page exposes the function.
            timeout: Seconds for all calls; `None`, 0 or negative mean no limit.

        Returns:
            A function that takes an iterable for each argument, as `map` does, and returns the values in that order:
            `page.map("add")([1, 2], [10, 20])`.

        Raises:
            JsPyError: (by the returned function) The first failure in order, once all calls have ended; see `call`.
            TypeError: (by the returned function) An argument is not iterable, or a value cannot be sent; no call was
                made.
        """
        check_name(key, "key of a function")
        limit = seconds(timeout)

        def send(iterables: tuple[Iterable[Any], ...]) -> list[Any]:
            operation = self._client.map(key, limit, iterables)
            return join_batch(key, self._client.bridge.portal.block(operation, f"await page.aio.map({key!r})(...)"))

        return CurriedCall("map", key, send)

    @curried
    def call_nowait(self, key: str) -> Callable[..., bool]:
        """Call a function of the page without waiting; an error in it is logged.

        Args:
            key: The name under which the page exposes the function.

        Returns:
            A function that takes the (positional) arguments. It returns `False` if the page is closed and nothing is
            sent, which is logged once, at level INFO.

        Raises:
            TypeError: (by the returned function) An argument cannot be sent.
        """
        check_name(key, "key of a function")
        return CurriedCall("call_nowait", key, functools.partial(self._client.notify, key))

    def eval(self, code: str, timeout: float | None = None) -> Any:
        """Evaluate JavaScript in the page, await it, and return its value.

        Args:
            code: An expression (`await` is allowed), or statements; the value of the last one is returned.
            timeout: Seconds; `None`, 0 or negative mean no limit.

        Raises:
            TypeError: The code is not a str.
            JavaScriptError: The code raised an error, or the page's Content-Security-Policy forbids `unsafe-eval`.
            CallTimeout: No answer came in time.
            Disconnected: The page left before it answered.
            PageClosed: The page is closed.
        """
        try:
            return self.call("$eval", seconds(timeout))(_check_code(code))
        except BaseException as error:
            cut(error)
            raise

    @public
    def snapshot(self, timeout: float | None = 10.0) -> Snapshot:
        """Take a picture of what the page shows now. As the last line of a cell, a notebook displays it.

        The page draws itself. Web fonts, images of other origins, background images, shadow roots and iframes are
        missing from the picture, and a WebGL canvas unless it has `preserveDrawingBuffer`.

        Args:
            timeout: Seconds; `None`, 0 or negative mean no limit.

        Raises:
            JavaScriptError: The page cannot be drawn; the message says why.
            CallTimeout: No answer came in time.
            Disconnected: The page left before it answered.
            PageClosed: The page is closed.
        """
        return snapshot_of(self.call("$view", seconds(timeout))("snapshot", SNAPSHOT_BYTES))

    @public
    def progress(self, items: Iterable[T], label: str = "", total: int | None = None) -> Progress[T]:
        """Iterate over items, and show a progress bar with a stop button in the page.

        The button, `Progress.stop()` and the end of the items end the loop normally; `Progress.stopped` tells which:
        `bar = page.progress(items)`, `for item in bar: ...`, `if bar.stopped: ...`. Loops may be nested, and run in any
        thread. A loop goes on without a bar if the page leaves.

        Args:
            items: The items.
            label: The text before the numbers.
            total: The number of items; `None` for `len(items)`, if the items have a length.

        Raises:
            TypeError: `items` is not iterable, `label` is not a str, or `total` is not a whole number.
        """
        if not isinstance(label, str):
            raise TypeError(f"label must be a str; got {label!r:.60}")
        if not isinstance(items, Iterable):
            raise TypeError(f"page.progress() takes an iterable; got {items!r:.60}")
        if total is None and isinstance(items, Sized):
            total = len(items)
        if total is not None and (isinstance(total, bool) or not isinstance(total, int) or total < 0):
            raise TypeError(f"total must be a whole number of items, or None; got {total!r:.60}")
        return Progress(self._client, items, label, total)

    @hinted(lambda _, args, named: f"To push, write queue({args[0]!r}).push(data)" if len(args) > 1 else "")
    def queue(self, key: str) -> PageQueue:
        """Return the queue `key`: `get` items of pages or iterate over them, and `push` items to the page."""
        return PageQueue(self._client, key)

    @curried
    def publish(self, topic: str, suppress: bool = False, retain: bool = False) -> Callable[[Any], bool]:
        """Publish to the subscribers of a topic, in all pages and in Python, as `JsPyPubsub.publish` does.

        This also works after the page is closed. If the server has stopped, too, the returned function returns `False`
        and nothing is sent, which is logged once, at level INFO.
        """
        publish = Pubsub(self._client.bridge).publish(topic, suppress=suppress, retain=retain)
        return CurriedSend("publish", topic, lambda data: not self._client.is_gone() and publish(data))

    @hinted(lambda _, args, named: "A callback goes to app.pubsub.subscribe(topic, func)" if len(args) > 1 else "")
    def subscribe(self, topic: str) -> Subscription:
        """Subscribe to a topic: iterate over its publications as `(topic, data)`, or `get` one at a time.

        The subscription ends when the page is closed.

        Raises:
            PageClosed: The page is closed.
        """
        return Subscription(self._client, topic)

    @property
    def state(self) -> ConnectionState:
        """State: "connecting" (not yet connected), "open", "reconnecting" (it may come back) or "closed".

        Called, it shares data with this page alone, as `app.state` does with all pages: `page.state(zoom=1.0)`, and
        `await pageState()` in the page. The data survives reloads.
        """
        bridge, key = self._client.bridge, self._client.key
        make = functools.partial(make_state, bridge, key, call="page.state()")
        return ConnectionState(self._client.presence.state(), make)

    @public
    def add_state_event(self, func: Callable[[str], Any]) -> None:
        """Call `func(state)` each time `state` changes; a tab that comes back after "closed" is "open" again.

        Args:
            func: Plain (runs in a worker thread) or async (on the bridge's loop).
        """
        self._client.add_state_event(func)

    def clear_state_event(self) -> None:
        """Remove all state event callbacks."""
        self._client.bridge.portal.call(self._client.presence.state_listeners.clear)

    def is_connected(self) -> bool:
        """Return whether the page is connected at this moment."""
        presence = self._client.presence
        return len(presence.sockets) > len(presence.away)

    def is_closed(self) -> bool:
        """Return whether the page was connected and has been away for the grace time, or Python has closed it."""
        return self._client.presence.closed

    def wait_connected(self, timeout: float | None = None) -> bool:
        """Wait until the page is connected, or closed.

        Args:
            timeout: Seconds; `None`, 0 or negative mean no limit.

        Returns:
            True if it is connected.
        """
        try:
            operation = self._client.presence.wait_until_connected(seconds(timeout))
            return self._client.bridge.portal.block(operation, "await page.aio.wait_connected()")
        except BaseException as error:
            cut(error)
            raise

    def wait_for(self, name: str, timeout: float | None = None) -> None:
        """Wait until the page exposes a function, for example a page whose framework exposes it late.

        Calls also wait for a function that is exposed late, but only up to 2 s after the page has loaded.

        Args:
            name: The name of the function.
            timeout: Seconds; `None`, 0 or negative mean no limit.

        Raises:
            CallTimeout: The page has not exposed it in time.
            PageClosed: The page is closed.
        """
        try:
            operation = self._client.wait_for(name, timeout)
            error = self._client.bridge.portal.block(operation, f"await page.aio.wait_for({name!r})")
            if error is not None:
                raise error
        except BaseException as error:
            cut(error)
            raise

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the page is closed. A disconnection within the grace time, such as a reload, does not close it.

        Ctrl-C raises `KeyboardInterrupt`; a script that does not catch it ends without a traceback.

        Args:
            timeout: Seconds; `None`, 0 or negative mean no limit.

        Returns:
            True if it is closed.

        Raises:
            SystemExit: In the main thread, if an exposed function or a callback called `sys.exit()`; not in a notebook.
        """
        try:
            operation = self._client.presence.wait_closed(seconds(timeout))
            return self._client.bridge.exits.block(operation, "await page.aio.wait()")
        except BaseException as error:
            cut(error)
            end_quietly(error)
            raise

    def close(self) -> None:
        """Close the page and its window. The server stops with its last page. Closing twice has no effect."""
        self._end_display("Closed by Python.")
        self._leave()
        self._closed(self)
        self._join()

    def _leave(self) -> None:
        self._client.bridge.portal.call(self._client.close)

    def _join(self) -> None:
        """Wait until the window has closed; not on the loop, which has to continue."""
        if self._client.surface is not None and not self._client.bridge.portal.is_loop_thread():
            self._client.surface.join()

    def _end(self) -> None:
        """Close this handle when the server stops; the page may reconnect to another server."""
        self._end_display("Stopped by Python.")
        self._client.bridge.portal.call(self._client.presence.end)

    @public
    def show(self, width: int | str | None = None, height: int | str | None = None) -> None:
        """Show the page in an iframe under the running cell of a notebook, even if it is open elsewhere.

        Args:
            width: In pixels, or a CSS length (`"50%"`); `None` for the width of `launch`.
            height: In pixels, or a CSS length; `None` for the height of `launch`.

        Raises:
            PageClosed: The page was closed by Python.
            LaunchError: This process is not a Jupyter kernel.
            MissingExtra: IPython is not installed.
        """
        if self._client.presence.over:
            raise PageClosed("this page is closed; launch() opens another one")
        if self._view is None:
            raise LaunchError("this page was not opened by launch(), which knows the address to show")
        self._before_display = self._client.presence.socket
        self._shown = self._view.sized(width, height)
        self._display = show(self._shown, repr(self))
        if self._display is not None:
            self._displays = [*(one for one in self._displays if not self._display.replaces(one)), self._display]
        at_cell_end(_keep_pictures)
        cell = current_cell()
        self._shown_by = "" if cell is None else cell.run

    def _end_display(self, text: str) -> None:
        for display in self._displays:
            display.end(text)

    def _keep_picture(self) -> None:
        """Have the page draw itself, now and after its later changes, without waiting; in a headless browser, now.

        A page that cannot be drawn keeps silent.
        """
        display = self._display
        if display is None or not display.keeps_picture or not self.is_connected():
            return
        if self._client.surface is None:
            presence, before = self._client.presence, self._before_display
            if presence.socket == before:  # the iframe has not connected yet
                if self._awaited is not display:
                    self._awaited = display
                    connected = functools.partial(presence.when_newer, before)
                    self._client.bridge.portal.post(connected, lambda _: self._keep_picture())
                return
            payload = self._client.bridge.pack(["watch", _PICTURE_BYTES, display.keep], "args")
            self._client.bridge.portal.post(ClientCall(self._client, "$view", _PICTURE_SECONDS, payload), _ignore)
            return
        # A headless browser: the notebook runs unattended, and may be saved right after this cell.
        with contextlib.suppress(JsPyError):
            display.keep(self.call("$view", _PICTURE_SECONDS)("snapshot", _PICTURE_BYTES))

    def _ipython_display_(self) -> None:
        """Show the page as the result of a cell, as `show` does, unless this run of the cell has shown it already.

        Raises:
            NotImplementedError: IPython shows the text of the page.
        """
        cell = current_cell()
        shown = cell is not None and cell.run == self._shown_by
        if shown or self._client.presence.over or self._view is None or kernel_shell() is None:
            raise NotImplementedError
        self.show()

    def _mime_(self) -> tuple[str, str]:
        """Show the page as the value of a marimo cell, which replaces what the cell has shown before.

        An iframe that this run of the cell has shown keeps its URL, so that the browser does not load it again.
        """
        cell = current_cell()
        view = self._shown if cell is not None and cell.run == self._shown_by else self._view
        if self._client.presence.over or view is None:
            return "text/plain", repr(self)
        return "text/html", marimo_value(view.plain_html())

    def __enter__(self) -> Page:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "connected" if self.is_connected() else "closed" if self._client.presence.closed else "waiting"
        return f"<Page {self._client.address} ({state})>"


class DocumentPage(Page):
    """Page of one document, which `current_page()` returns. It is closed when the document leaves, also by a reload.

    `url`, `window` and `show()` are those of the page that `launch()` has returned for it. A document that was opened
    otherwise has none, and its `url` is empty. `close()` closes this document and its window; the page may stay open in
    other tabs.
    """

    def __init__(self, bridge: Bridge, socket: int) -> None:
        name = bridge.protocol.page_of(socket) if socket in bridge.protocol.all_sockets() else ""
        launched: Page | None = bridge.pages.get(name)
        address = f"of socket {socket}" if launched is None else launched._client.address
        client = Client(bridge, name, address, None, SocketPresence(bridge, socket, name))
        if launched is None:
            super().__init__(client, "", None, _close_window)
        else:
            client.surface = launched._client.surface
            super().__init__(client, launched.url, launched._view, _close_window)


def _close_window(page: Page) -> None:
    if page._client.surface is not None:
        page._client.surface.close()


_PICTURE_BYTES = 1 << 20  # of a picture that a notebook keeps
_PICTURE_SECONDS = 10.0  # for the page to receive the request


def _keep_pictures() -> None:
    """Keep the pictures of all pages, at the end of a cell."""
    for page in launches.pages():
        page._keep_picture()


def _ignore(outcome: object) -> None:
    """Ignore that a page cannot draw itself; `page.snapshot()` says why."""


def _check_code(code: Any) -> str:
    if not isinstance(code, str):
        raise TypeError(f"the code to evaluate must be a str; got {code!r:.60}")
    return code
