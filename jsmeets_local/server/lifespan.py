"""Lifespan of an ASGI application."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.types import ASGIApp, Message

from ..errors import LaunchError

__all__ = ["lifespan"]

logger = logging.getLogger("jsmeets_local")


# uvicorn's LifespanOn cannot replace this: uvicorn is imported only after start-up, and LifespanOn logs the exception
# of a start-up handler, which launch() has to raise. asgi-lifespan 2.1 ignores `lifespan.startup.failed`.
@asynccontextmanager
async def lifespan(app: ASGIApp, is_required: bool = True) -> AsyncIterator[dict[str, Any]]:
    """Start an application, yield its lifespan state, and shut it down at the end of the `async with` block.

    An exception during the shutdown is logged.

    Args:
        app: The application.
        is_required: Whether the application must know the lifespan protocol. Others, such as Django's, raise an
            exception at the scope "lifespan" (ASGI specification, "Lifespan Protocol").

    Raises:
        LaunchError: The application reports that it cannot start.
        BaseException: The application raised it at start-up.
    """
    state: dict[str, Any] = {}
    requests: asyncio.Queue[Message] = asyncio.Queue()
    started: asyncio.Future[Message] = asyncio.get_running_loop().create_future()

    async def send(message: Message) -> None:
        if not started.done():
            started.set_result(message)

    scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": state}
    task = asyncio.ensure_future(app(scope, requests.get, send))
    requests.put_nowait({"type": "lifespan.startup"})
    try:
        await asyncio.wait((started, task), return_when=asyncio.FIRST_COMPLETED)
    except asyncio.CancelledError:
        task.cancel()
        requests.put_nowait({"type": "lifespan.shutdown"})  # if it ignores the cancellation and goes on
        await task  # its CancelledError has the line at which it waited
        raise
    if task.done() and not started.done():  # the application has no lifespan
        try:
            task.result()
        except Exception as error:
            if is_required:
                raise
            logger.info("the attached application has no lifespan: %r", error)
        yield state
        return
    if task.done():
        task.result()  # the exception of Starlette's start-up, which is reported as well
    if started.result()["type"] == "lifespan.startup.failed":
        raise LaunchError(f"the application did not start: {started.result().get('message', '')}")
    try:
        yield state
    finally:
        requests.put_nowait({"type": "lifespan.shutdown"})
        try:
            await task
        except Exception:
            logger.exception("the application failed to shut down")
