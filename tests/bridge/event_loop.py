"""A bridge on an event loop of its own."""

from __future__ import annotations

import asyncio
from typing import Any

from jsmeets_local import Bridge
from tests.timing import scaled


def served(bridge: Bridge, main: Any) -> Any:
    """Runs a coroutine function on a loop that the bridge runs on."""

    async def run() -> Any:
        bridge.start()
        try:
            return await main()
        finally:
            await bridge.stop()
            bridge.join(scaled(5))

    return asyncio.run(run())
