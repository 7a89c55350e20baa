"""A bridge on an event loop of its own."""

from __future__ import annotations

import asyncio
from typing import Any

from jsmeets_local import Bridge
from tests.timing import scaled


def served(bridge: Bridge, main: Any) -> Any:
    """Run a coroutine function on a new event loop that serves the bridge."""

    async def run() -> Any:
        bridge.start()
        try:
            return await main()
        finally:
            await bridge.stop()
            bridge.join(scaled(5))

    return asyncio.run(run())
