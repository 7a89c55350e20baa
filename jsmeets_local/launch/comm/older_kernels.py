"""Comm messages while a cell awaits, in kernels of ipykernel 6.

Such a kernel queues the messages of its shell channel and handles one after the other, even while a cell awaits and
the event loop is free. A cell that awaits the answer of a page would wait for a message behind itself. ipykernel 7.4
handles comm messages at once; this does the same.
"""

from __future__ import annotations

import functools
import json
from typing import Any

__all__ = ["answer_awaiting_cells"]

_COMMS = {"comm_open", "comm_msg", "comm_close"}


def answer_awaiting_cells(kernel: Any) -> None:
    """Handle comm messages when they arrive, if the kernel would queue them. Calling it twice has no effect."""
    if not hasattr(kernel, "msg_queue") or hasattr(kernel, "jsmeets_answers_awaiting_cells"):
        return
    kernel.jsmeets_answers_awaiting_cells = True
    kernel.shell_stream.on_recv(functools.partial(_receive, kernel), copy=False)


def _receive(kernel: Any, frames: list[Any]) -> None:
    """Handle a message of the shell channel. Runs on the kernel's event loop."""
    if _kind(kernel, frames) in _COMMS:
        kernel.io_loop.add_callback(_dispatch, kernel, frames)
    else:
        kernel.schedule_dispatch(kernel.dispatch_shell, frames)


def _kind(kernel: Any, frames: list[Any]) -> str:
    _, parts = kernel.session.feed_identities(frames, copy=False)
    return str(json.loads(bytes(parts[1]))["msg_type"])


async def _dispatch(kernel: Any, frames: list[Any]) -> None:
    """Handle a comm message, and restore the parent of the running cell's output, and the handler of its interrupts."""
    ident, parent = kernel._parent_ident.get("shell"), kernel.get_parent("shell")
    handler = getattr(kernel, "saved_sigint_handler", None)
    try:
        await kernel.dispatch_shell(frames)
    finally:
        kernel.saved_sigint_handler = handler
        kernel.set_parent(ident, parent, channel="shell")
