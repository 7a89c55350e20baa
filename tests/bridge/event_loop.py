"""A bridge on an event loop of its own."""

from __future__ import annotations

import asyncio
from typing import Any

from jsmeets_local import Bridge


def served(bridge: Bridge, main: Any) -> Any:
    """Runs a coroutine function on a loop that the bridge runs on."""

    async def run() -> Any:
        bridge.start()
        try:
            return await main()
        finally:
            await bridge.stop()
            bridge.join(5)

    return asyncio.run(run())
