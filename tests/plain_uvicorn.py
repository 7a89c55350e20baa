"""An application under uvicorn itself, without `launch()`."""

from __future__ import annotations

import threading
from typing import Any

import uvicorn

from tests.timing import scaled


class Served:
    """An application served as by `uvicorn main:app`."""

    def __init__(self, app: Any, lifespan: Any = "on") -> None:
        self._server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan=lifespan))
        self._started = threading.Event()
        startup = self._server.startup

        async def start(**options: Any) -> None:
            await startup(**options)
            self._started.set()

        self._server.startup = start  # type: ignore[method-assign]
        self._thread = threading.Thread(target=self._server.run)

    def __enter__(self) -> str:
        self._thread.start()
        assert self._started.wait(scaled(10))
        port = self._server.servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}/"

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(scaled(10))
