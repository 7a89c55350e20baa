"""The systems: the server of each, and the environment that it needs."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CATALOGUE", "System"]


@dataclass(frozen=True)
class System:
    """A way to connect a page with Python.

    Attributes:
        script: Its server, in `benchmarks/systems`.
        arguments: For the script.
        packages: From PyPI, into an environment of its own; without these and `npm`, that of the harness.
        npm: A package of the npm registry, into the same folder: the half for the page, or all of it.
        python: The version its environment needs, where not the harness's own.
        own_browser: Whether it brings its own instead of being opened in the common Chromium.
        about: What it is, for the table.
    """

    script: str
    about: str
    arguments: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    npm: str | None = None
    python: str | None = None
    own_browser: bool = False


_OLD = (
    "JsMeetsStarlette==0.0.1",
    "starlette<0.14",
    "uvicorn[standard]<0.12",
    "jinja2<3",
    "markupsafe<2",
    "aiofiles<0.6",
)

CATALOGUE: dict[str, System] = {
    "floor-uvloop": System("floor.py", "raw ASGI on uvicorn with uvloop, one frame per call", ("uvloop",)),
    "floor-asyncio": System("floor.py", "the same on asyncio's own loop", ("asyncio",)),
    "floor-batch": System("floor.py", "the same on uvloop, one frame per turn, batched by hand", ("uvloop", "batch")),
    "raw-socket": System("raw_socket.py", "a blocking socket and threads, the WebSocket's frames read by hand"),
    "eel": System("with_eel.py", "Eel, on gevent", packages=("eel",)),
    "socketio": System(
        "with_socketio.py",
        "python-socketio, ASGI on uvicorn with uvloop",
        packages=("python-socketio", "uvicorn[standard]"),
        npm="socket.io-client@4.8.1",
    ),
    "nicegui": System("with_nicegui.py", "NiceGUI: emitEvent and run_javascript", packages=("nicegui",)),
    "pywebview": System("with_pywebview.py", "pywebview's js_api, Qt", packages=("pywebview[qt6]",), own_browser=True),
    "jspybridge": System("with_jspybridge.py", "JSPyBridge: Node", packages=("javascript",), own_browser=True),
    "comlink": System("with_comlink.py", "Comlink: a worker of the page", npm="comlink@4.4.2"),
    "jsmeets-2020": System("with_jsmeets_2020.py", "JsMeetsStarlette 0.0.1 of 2020", packages=_OLD, python="3.8"),
    "ours": System("ours.py", "jsmeets_local, launch(mode='none')"),
    "ours-asgi": System("ours.py", "jsmeets_local on plain uvicorn with uvloop: no fast path", ("asgi",)),
}
