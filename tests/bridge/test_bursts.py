"""Many messages of a page in one frame: handled in several turns, answered in between, each of them once."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from jsmeets_local import Bridge
from jsmeets_local.api.function import Functions
from jsmeets_local.connection import Connection
from jsmeets_local.core.codec import Frame
from jsmeets_local.core.message import Hello
from jsmeets_local.shell import BURST

from .test_bridge import served


class Wire:
    """What a page gets."""

    def __init__(self) -> None:
        self.messages: list[Any] = []

    async def write(self, frame: Frame) -> None:
        assert isinstance(frame, str)
        self.messages += json.loads(frame)

    async def close(self, code: int, reason: str) -> None:
        self.messages.append(["closed", code])

    def answers(self) -> list[int]:
        return [message[1] for message in self.messages if message[0] == "return"]


def burst(ids: range) -> str:
    return json.dumps([["call", number, "note", [number]] for number in ids])


def noting(bridge: Bridge) -> list[int]:
    seen: list[int] = []

    async def note(number: int) -> None:
        seen.append(number)

    Functions(bridge).expose("note", note)
    return seen


def test_a_burst_is_answered_while_it_is_handled() -> None:
    bridge = Bridge()
    seen = noting(bridge)

    async def main() -> None:
        wire = Wire()
        connection = Connection(wire, 2**20)
        socket = bridge.connect(Hello("document", "", []), connection)
        assert socket is not None
        task = asyncio.create_task(bridge.receive(socket, connection, burst(range(1, 2 * BURST + 11))))
        await asyncio.sleep(0)
        assert seen == list(range(1, BURST + 1))
        await task
        await asyncio.sleep(0)
        assert seen == wire.answers() == list(range(1, 2 * BURST + 11))

    served(bridge, main)


def test_a_page_that_comes_back_in_the_middle_of_a_burst_loses_nothing() -> None:
    bridge = Bridge()
    seen = noting(bridge)

    async def main() -> None:
        first, second = Wire(), Wire()
        connection = Connection(first, 2**20)
        socket = bridge.connect(Hello("document", "", []), connection)
        assert socket is not None
        everything = range(1, 2 * BURST + 11)
        task = asyncio.create_task(bridge.receive(socket, connection, burst(everything)))
        await asyncio.sleep(0)
        again = Connection(second, 2**20)
        assert bridge.connect(Hello("document", "", [], bridge.hub.session, 0), again) == socket
        await task
        await asyncio.sleep(0)
        assert seen == list(range(1, BURST + 1))  # the rest is said again over the new connection
        [welcome] = [message for message in second.messages if message[0] == "welcome"]
        assert welcome[3]["received"] == BURST
        await bridge.receive(socket, again, burst(everything[BURST:]))
        await asyncio.sleep(0)
        assert seen == second.answers() == list(everything)

    served(bridge, main)
