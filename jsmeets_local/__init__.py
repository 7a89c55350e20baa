"""The local bridge between Python and a web page: call, push and publish both ways over one WebSocket."""

from __future__ import annotations

from typing import Any

from .api.background import Background
from .api.binarysocket import JsPyBinarySocket
from .api.functions import Functions
from .api.pubsub import Pubsub
from .api.queues import QueuesApi
from .api.state import State
from .api.textsocket import TextSockets
from .app import JsMeetsPy, attach
from .bridge.bridge import Bridge, default_bridge
from .bridge.current_call import Call, Cancelled, current_call, current_page
from .bridge.proxies.js_file import JSFile
from .bridge.proxies.js_function import JSFunction
from .bridge.proxies.js_proxy import JSProxy
from .bridge.proxies.js_stream import JSStream
from .errors import (
    BridgeBusy,
    CallTimeout,
    CellBlocksAnswers,
    ConnectionLost,
    Disconnected,
    JavaScriptError,
    JsPyError,
    LaunchError,
    MessageTooBig,
    MissingExtra,
    PageClosed,
    PageUnavailable,
    ProtocolError,
    TooManyReferences,
    UnknownFunction,
    UnknownProperty,
    UnknownReference,
    UnreadableFile,
    WouldDeadlock,
    WrongPage,
)
from .launch.window.menus import SEPARATOR, Menu, MenuItem
from .page import Page
from .protocol.limits import Limits
from .protocol.references import ref

__all__ = [
    "SEPARATOR",
    "Bridge",
    "BridgeBusy",
    "Call",
    "CallTimeout",
    "Cancelled",
    "CellBlocksAnswers",
    "ConnectionLost",
    "Disconnected",
    "JSFile",
    "JSFunction",
    "JSProxy",
    "JSStream",
    "JavaScriptError",
    "JsMeetsPy",
    "JsPyBackground",
    "JsPyBinarySocket",
    "JsPyError",
    "JsPyFunction",
    "JsPyPubsub",
    "JsPyQueue",
    "JsPyTextSocket",
    "LaunchError",
    "Limits",
    "Menu",
    "MenuItem",
    "MessageTooBig",
    "MissingExtra",
    "Page",
    "PageClosed",
    "PageUnavailable",
    "ProtocolError",
    "State",
    "TooManyReferences",
    "UnknownFunction",
    "UnknownProperty",
    "UnknownReference",
    "UnreadableFile",
    "WouldDeadlock",
    "WrongPage",
    "__version__",
    "attach",
    "current_call",
    "current_page",
    "ref",
]

__version__ = "1.0.0"

JsPyFunction = Functions(default_bridge())
JsPyQueue = QueuesApi(default_bridge())
JsPyPubsub = Pubsub(default_bridge())
JsPyTextSocket = TextSockets(default_bridge())
JsPyBackground = Background(default_bridge())


def load_ipython_extension(ipython: Any) -> None:
    """Register the magics `%%js` and `%jsmeets`: `%load_ext jsmeets_local` calls this.

    Args:
        ipython: The shell that gets them.

    Raises:
        MissingExtra: IPython is not installed.
    """
    try:
        from .ipython.magics import load
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "IPython":
            raise
        raise MissingExtra("the magics need IPython: pip install ipython") from error
    load(ipython)


def unload_ipython_extension(ipython: Any) -> None:
    """Restore IPython's own `%%js`: `%unload_ext jsmeets_local` calls this.

    Args:
        ipython: The shell that had our magics.
    """
    from .ipython.magics import unload

    unload(ipython)
