"""The local bridge between Python and a web page: call, push and publish both ways over one WebSocket."""

from __future__ import annotations

from .api.background import Background
from .api.binarysocket import JsPyBinarySocket
from .api.function import Functions
from .api.pubsub import Pubsub
from .api.queue import QueuesApi
from .api.textsocket import TextSockets
from .app import JsMeetsPy
from .bridge import Bridge, default_bridge
from .errors import (
    BridgeBusy,
    CallTimeout,
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
    UnknownFunction,
    WouldDeadlock,
)
from .page import Page

__all__ = [
    "Bridge",
    "BridgeBusy",
    "CallTimeout",
    "ConnectionLost",
    "Disconnected",
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
    "MessageTooBig",
    "MissingExtra",
    "Page",
    "PageClosed",
    "PageUnavailable",
    "ProtocolError",
    "UnknownFunction",
    "WouldDeadlock",
    "__version__",
]

__version__ = "1.0.0"

JsPyFunction = Functions(default_bridge())
JsPyQueue = QueuesApi(default_bridge())
JsPyPubsub = Pubsub(default_bridge())
JsPyTextSocket = TextSockets(default_bridge())
JsPyBackground = Background(default_bridge())
