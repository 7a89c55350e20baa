"""The start and the end of an ASGI application: uvicorn's part of it, before uvicorn is loaded."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

__all__ = ["Lifespan"]

logger = logging.getLogger("jsmeets_local")


class Lifespan:
    """One run of an application's lifespan, on the loop of its server. What it has of uvicorn's own, uvicorn uses.

    Args:
        app: The ASGI application.

    Attributes:
        state: What it leaves for each request.
        should_exit: Never: an application that does not start raises, before uvicorn hears of it.
    """

    should_exit = False

    def __init__(self, app: Any) -> None:
        self.state: dict[str, Any] = {}
        self._app = app
        self._asked: asyncio.Queue[dict[str, str]] = asyncio.Queue()

    async def begin(self) -> None:
        """Starts the application.

        Raises:
            RuntimeError: It says that it cannot start.
            BaseException: What it raised.
        """
        self._answer = asyncio.get_running_loop().create_future()
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        self._task = asyncio.ensure_future(self._app(scope, self._asked.get, self._say))
        self._asked.put_nowait({"type": "lifespan.startup"})
        await asyncio.wait((self._answer, self._task), return_when=asyncio.FIRST_COMPLETED)
        if self._task.done():  # what has no lifespan just returns
            self._task.result()
        elif self._answer.result()["type"] == "lifespan.startup.failed":
            raise RuntimeError(f"the application does not start: {self._answer.result().get('message', '')}")

    async def startup(self) -> None:
        """uvicorn's: it has been started already."""

    async def shutdown(self) -> None:
        """uvicorn's: ends the application; what it raises is logged."""
        self._asked.put_nowait({"type": "lifespan.shutdown"})
        try:
            await self._task
        except Exception:
            logger.exception("the application did not end well")

    async def _say(self, message: dict[str, Any]) -> None:
        if not self._answer.done():
            self._answer.set_result(message)
