"""Front ends: the programs that run the user's code and show its output.

`FRONT_ENDS` is the decision table of `launch(mode="auto")`. `front_end()` returns the row that applies.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from .cells import kernel_shell
from .marimo import marimo_session

__all__ = ["FRONT_ENDS", "FrontEnd", "Surroundings", "choose", "front_end"]

_NOTHING: dict[str, Any] = {}


class Surroundings(Struct, frozen=True, kw_only=True):
    """Facts by which front ends are recognized.

    Attributes:
        kernel: Whether this process is a Jupyter kernel.
        request: The `execute_request` that the kernel is handling, or `{}`.
        marimo: The mode of a marimo session, "edit" or "run"; `""` if this thread belongs to none.
        colab: Whether the module `google.colab` is loaded.
        environment: The environment variables.
    """

    kernel: bool = False
    request: Mapping[str, Any] = _NOTHING
    marimo: str = ""
    colab: bool = False
    environment: Mapping[str, str] = _NOTHING


class FrontEnd(Struct, frozen=True, kw_only=True):
    """Row of the decision table.

    Attributes:
        name: The front end, for messages.
        fits: Returns whether the surroundings are those of this front end.
        mode: The mode that "auto" stands for.
        transports: How a page may reach Python, best first: "socket" is a WebSocket, "comm" the notebook's channel.
        shows_frames: Whether the front end shows the iframe of a page. If not, a headless browser opens the page.
    """

    name: str
    fits: Callable[[Surroundings], bool]
    mode: str = "notebook"
    transports: tuple[str, ...] = ("socket",)
    shows_frames: bool = True


def _is_sent_by_python(around: Surroundings) -> bool:
    """Return whether a Python program without cells sent the request, with `jupyter_client`.

    That package numbers its messages as SESSION_PROCESS_COUNT, and front ends in a browser use random ids. A server
    that runs cells for a browser uses `jupyter_client` too, but names the cell.
    """
    header, metadata = around.request.get("header", _NOTHING), around.request.get("metadata", _NOTHING)
    session = header.get("session")
    return bool(session) and str(header.get("msg_id", "")).startswith(f"{session}_") and not metadata.get("cellId")


def _is_vs_code(around: Surroundings) -> bool:
    cell = str(around.request.get("metadata", _NOTHING).get("cellId", ""))
    if not cell:
        return "VSCODE_PID" in around.environment  # as in its terminal, where a JupyterLab may have been started
    return cell.startswith("vscode-notebook-cell:")


FRONT_ENDS = (
    FrontEnd(name="marimo", fits=lambda around: around.marimo != ""),
    FrontEnd(name="a Python program", fits=lambda around: not around.kernel, mode="browser", shows_frames=False),
    FrontEnd(name="Google Colab", fits=lambda around: around.colab, transports=("comm",)),
    FrontEnd(
        name="nbconvert, papermill, nbclient, jupyter console or qtconsole", fits=_is_sent_by_python, shows_frames=False
    ),
    FrontEnd(name="VS Code", fits=_is_vs_code, transports=("socket", "comm")),
    FrontEnd(name="JupyterLab or Notebook", fits=lambda around: True, transports=("socket", "comm")),
)


def choose(around: Surroundings) -> FrontEnd:
    """Return the first row that fits."""
    return next(row for row in FRONT_ENDS if row.fits(around))


def front_end() -> FrontEnd:
    """Return the front end that runs this code."""
    shell = kernel_shell()
    return choose(
        Surroundings(
            kernel=shell is not None,
            request={} if shell is None else shell.get_parent(),
            marimo=marimo_session(),
            colab="google.colab" in sys.modules,
            environment=os.environ,
        )
    )
