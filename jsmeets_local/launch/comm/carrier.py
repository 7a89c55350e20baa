"""Carrier: connects a page to its notebook's front ends by Jupyter comms.

Each front end that shows the page creates a subshell and opens a comm in it. Its messages then arrive on the
thread of the subshell, also while a cell blocks the main thread. ipykernel routes the messages of a comm to the shell
that has sent on it last. So everything is sent in the context of a handler of the subshell: one message sent in the
context of a cell would route the answers to the blocked shell.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import logging
import secrets
import threading
from collections.abc import Callable, Sequence
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from starlette.types import ASGIApp

from ...bridge.bridge import Bridge
from ...bridge.client import Client
from ...errors import CellBlocksAnswers
from ...notebook.cells import current_cell, kernel_shell, writing
from ...protocol.text import on_one_line
from .gateway import BROKEN, Gateway, Post
from .older_kernels import answer_awaiting_cells
from .quiet import keep_quiet

__all__ = ["Carrier"]

TARGET = "jsmeets_local"
_CODE = Path(__file__).parents[2] / "assets" / "jsmeets-carried.mjs"
BEAT_SECONDS = 20.0  # between two pings, as in uvicorn
LOST_BEATS = 2  # pings without any message in between, after which a front end has gone

logger = logging.getLogger("jsmeets_local")

_carriers: WeakValueDictionary[str, Carrier] = WeakValueDictionary()


class Carrier:
    """Carrier of one page.

    Args:
        client: The client of the page.
        app: The application.
        state: The lifespan state of the application.
        offer: Returns what a front end has to know: the address of the page, and those to try first.

    Attributes:
        name: The name by which a front end asks for the page.
        answers: Whether the front end is answered while a cell runs; `None` before one has opened a comm.
        is_left: Whether `launch()` has returned before a front end has opened a comm.
    """

    def __init__(
        self, client: Client, app: ASGIApp, state: dict[str, Any], offer: Callable[[], dict[str, Any]]
    ) -> None:
        self.name = secrets.token_hex(8)
        self.answers: bool | None = None
        self.is_left = False
        self.client = client
        self.app = app
        self.state = state
        self.offer = offer
        self.cookies = SimpleCookie()
        self.cell = current_cell()
        _register()
        _carriers[self.name] = self
        portal = client.bridge.portal
        portal.check_wait = functools.partial(_check_wait, client.bridge)

    def serve(self, widget: Any) -> None:
        """Answer front ends that open no comms, by custom messages of a widget: the name of the view, and a message."""
        fronts: dict[str, _Front] = {}
        carrier_name = self.name  # ipywidgets keeps all widgets, and must not keep the page

        def received(_: Any, content: list[Any], buffers: Sequence[Any]) -> None:
            name, message = content
            front = fronts.get(name)
            if front is not None:
                front.receive(message, buffers)
                return

            def send(message: list[Any], buffers: Sequence[bytes]) -> None:
                widget.send([name, message], [*buffers])

            front = _greet(carrier_name, send)
            if front is not None:
                fronts[name] = front

        widget.on_msg(received)

    def is_stalled(self) -> bool:
        """Return whether the page may need an answer that the kernel does not read before the cell has ended."""
        is_stalled = self.is_left if self.answers is None else not self.answers
        return is_stalled and not self.client.presence.closed


def _register() -> None:
    from comm import get_comm_manager  # installed with every kernel

    get_comm_manager().register_target(TARGET, _opened)
    answer_awaiting_cells(getattr(kernel_shell(), "kernel", None))


def _opened(comm: Any, message: dict[str, Any]) -> None:
    """Handle a comm that a front end has opened."""
    data = message["content"]["data"]
    front = _greet(str(data.get("page", "")), lambda message, buffers: comm.send(message, None, [*buffers]))
    if front is None:
        return

    def received(message: dict[str, Any]) -> None:
        front.receive(message["content"]["data"], message.get("buffers", ()))

    comm.handle_msg = received  # on_msg() also triggers IPython's post_execute, which shows unfinished plots
    comm.on_close(lambda _: front.leave())
    subshell = message["header"].get("subshell_id")
    if subshell and data.get("alone"):
        front.keep_quiet(subshell)


def _greet(page: str, send: Post) -> _Front | None:
    """Return a new front end of the page with that name; `None` if there is no such page."""
    carrier = _carriers.get(page)
    if carrier is None or carrier.client.presence.closed:
        send(["gone", 0], [])
        return None
    front = _Front(carrier, send)
    front.greet()
    return front


class _Front:
    """Front end that shows the page.

    Args:
        carrier: The carrier of the page.
        send: Sends a message and buffers to the front end.
    """

    def __init__(self, carrier: Carrier, send: Post) -> None:
        self._carrier = carrier
        self._send = send
        self._note_shell()
        self._gateway = Gateway(carrier.app, self._post, carrier.state, carrier.cookies)
        self._silent = 0
        self._is_heard = False

    def _note_shell(self) -> None:
        self._context = contextvars.copy_context()
        self._carrier.answers = threading.current_thread() is not threading.main_thread()

    def greet(self) -> None:
        self._post(["hello", 0, self._carrier.offer()], [])
        self._carrier.client.bridge.portal.post(self._beat)

    def leave(self) -> None:
        self._carrier.client.bridge.portal.post(self._gateway.end)

    def keep_quiet(self, subshell: str) -> None:
        """Make the subshell of the comm quiet. Runs on the thread of the subshell."""
        shell: Any = kernel_shell()
        self._quieting = asyncio.ensure_future(keep_quiet(shell.kernel, subshell, lambda: self._is_heard))

    def _post(self, message: list[Any], buffers: Sequence[bytes]) -> None:
        self._context.copy().run(self._send, message, buffers)

    def receive(self, data: list[Any], buffers: Sequence[Any]) -> None:
        """Pass a message to the loop of the bridge. Runs on the thread of a shell."""
        self._note_shell()
        self._is_heard = True
        portal = self._carrier.client.bridge.portal
        if portal.is_open():
            portal.post(self._take, data, buffers)
        elif data[0] == "connect":
            self._post(["closed", data[1], BROKEN, ""], [])
        elif data[0] == "fetch":
            self._post(["failed", data[1], "the application is not served"], [])

    def _take(self, data: list[Any], buffers: Sequence[Any]) -> None:
        self._silent = 0
        kind, number, *rest = data
        if kind == "bye":
            self._gateway.end()
        elif kind == "unreachable":
            with writing(self._carrier.cell):
                logger.error("a page in a notebook needs what no comm carries: %s", on_one_line(str(rest[0])))
        elif kind == "code":
            self._post(["response", number, 200, [], ""], [_CODE.read_bytes()])
        elif kind not in ("nudge", "pong"):
            self._gateway.receive(data, buffers)

    def _beat(self) -> None:
        """Ping the front end, and end its WebSockets after it has gone, which no comm tells."""
        portal = self._carrier.client.bridge.portal
        if self._carrier.answers and portal.loop is not None and not self._carrier.client.presence.closed:
            if self._silent >= LOST_BEATS:
                self._gateway.end()
            elif self._gateway.is_used():
                self._silent += 1
                self._post(["ping", 0], [])
            portal.loop.call_later(BEAT_SECONDS, self._beat)


def _check_wait(bridge: Bridge, awaitable: str) -> None:
    """Refuse to block the kernel's main thread while it waits for an answer that only this thread could read.

    Raises:
        CellBlocksAnswers: No connected page could answer.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    stalled = [one.client for one in _carriers.values() if one.client.bridge is bridge and one.is_stalled()]
    if stalled and not any(page.is_connected() for page in bridge.pages.values() if page._client not in stalled):
        raise CellBlocksAnswers(
            f"this front end is answered when the cell has ended, not before, and a blocking call would wait for ever: "
            f"write {awaitable} in a cell. In JupyterLab and Notebook 7, Settings > Kernels > Kernel Comms over "
            f"subshells makes blocking calls work (it needs ipykernel 7)"
        )
