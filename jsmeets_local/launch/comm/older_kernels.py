"""Comm messages while a cell awaits, in kernels of ipykernel before 7.4.

Such a kernel handles the messages of its shell channel one after the other, even while a cell awaits and the event loop
is free. A cell that awaits the answer of a page would wait for a message behind itself. ipykernel 7.4 handles comm
messages at once; this does the same.
"""

from __future__ import annotations

import functools
import inspect
import json
from typing import Any

__all__ = ["answer_awaiting_cells"]

_COMMS = {"comm_open", "comm_msg", "comm_close"}


def answer_awaiting_cells(kernel: Any) -> None:
    """Let the kernel handle comm messages when they arrive. Calling it twice has no effect.

    It takes effect when the running cell awaits or ends. Kernels of other kinds than ipykernel are left alone.
    """
    if hasattr(kernel, "io_loop") and not hasattr(kernel, "jsmeets_answers_awaiting_cells"):
        kernel.jsmeets_answers_awaiting_cells = True
        kernel.io_loop.add_callback(_take_messages, kernel)


def _take_messages(kernel: Any) -> None:
    """Take the messages of the shell channel before the kernel. Runs on the kernel's event loop, as all below."""
    if hasattr(kernel, "msg_queue"):  # ipykernel 6
        kernel.shell_stream.on_recv(functools.partial(_receive, kernel), copy=False)
    elif hasattr(kernel, "shell_main") and "concurrent" not in inspect.signature(kernel.dispatch_shell).parameters:
        kernel.shell_channel_thread.manager.set_on_recv_callback(functools.partial(_receive_of_shell, kernel))


def _receive(kernel: Any, frames: list[Any]) -> None:
    """Handle a message with ipykernel 6."""
    if _is_comm(kernel, frames):
        kernel.io_loop.add_callback(_dispatch, kernel, frames)
    else:
        kernel.schedule_dispatch(kernel.dispatch_shell, frames)


async def _receive_of_shell(kernel: Any, subshell: str | None, frames: list[Any]) -> None:
    """Handle a message with ipykernel 7.0 to 7.3, which has subshells."""
    if subshell is None and _is_comm(kernel, frames):
        await _dispatch(kernel, frames)
    else:
        await kernel.shell_main(subshell, frames)


def _is_comm(kernel: Any, frames: list[Any]) -> bool:
    if len(frames) == 1:  # a message of the kernel to itself
        return False
    _, parts = kernel.session.feed_identities(frames, copy=False)
    return json.loads(bytes(parts[1]))["msg_type"] in _COMMS


async def _dispatch(kernel: Any, frames: list[Any]) -> None:
    """Handle a comm message, and restore the parent of the running cell's output, and the handler of its interrupts."""
    ident, parent = kernel._parent_ident["shell"], kernel.get_parent("shell")
    handler = getattr(kernel, "saved_sigint_handler", None)
    try:
        await kernel.dispatch_shell(frames)
    finally:
        kernel.saved_sigint_handler = handler
        kernel.set_parent(ident, parent, channel="shell")
