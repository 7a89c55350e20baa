"""Many messages of a page in one WebSocket frame: handled over several turns, with one answer each."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from jsmeets_local import Bridge
from jsmeets_local.api.functions import Functions
from jsmeets_local.bridge.bridge import BURST
from jsmeets_local.bridge.connection import Connection
from jsmeets_local.protocol.codec import Frame
from jsmeets_local.protocol.messages import Hello
from tests.bridge.event_loop import served
from tests.timing import scaled

ALL = range(1, 2 * BURST + 11)
LAST = ALL[-1]


class Wire:
    """Records the messages sent to a page, over the fast path or over ASGI."""

    def __init__(self, fast_path: bool = False) -> None:
        self.messages: list[Any] = []
        self.complete = asyncio.Event()
        self.fast_path = fast_path

    async def write(self, frame: Frame) -> None:
        assert not self.fast_path
        self.take(frame)

    def take(self, frame: Frame) -> None:
        assert isinstance(frame, str)
        self.messages += json.loads(frame)
        if ["return", LAST, None] in self.messages:
            self.complete.set()

    async def close(self, code: int, reason: str) -> None:
        self.messages.append(["closed", code])

    def answers(self) -> list[int]:
        return [message[1] for message in self.messages if message[0] == "return"]


class Fast:
    """The fast path of a server, for writing."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def write(self, take: Callable[[], Frame | None]) -> bool:
        while (frame := take()) is not None:
            self._wire.take(frame)
        return True


def connection_to(wire: Wire) -> Connection:
    fast_path: Any = Fast(wire) if wire.fast_path else None
    return Connection(wire, 2**20, fast_path=fast_path)


async def hear(bridge: Bridge, socket: int, connection: Connection, frame: Frame) -> None:
    """Pass one frame to the connection, as an endpoint does."""
    pending = bridge.receive(socket, connection, [frame])
    while pending:
        await asyncio.sleep(0)
        pending = bridge.receive(socket, connection, [])


def burst(ids: range) -> str:
    return json.dumps([["call", number, "note", [number]] for number in ids])


def noting(bridge: Bridge) -> list[int]:
    seen: list[int] = []

    async def note(number: int) -> None:
        seen.append(number)

    Functions(bridge).expose("note", note)
    return seen


@pytest.mark.parametrize("fast_path", [True, False])
def test_a_burst_is_answered_while_it_is_handled(fast_path: bool) -> None:
    bridge = Bridge()
    seen = noting(bridge)

    async def main() -> None:
        wire = Wire(fast_path)
        connection = connection_to(wire)
        socket = bridge.connect(Hello("document", "", []), connection)
        assert socket is not None
        others: list[int] = []  # messages seen when the loop turns to other work

        async def other() -> None:
            while len(seen) < LAST:
                others.append(len(seen))
                await asyncio.sleep(0)

        await asyncio.gather(hear(bridge, socket, connection, burst(ALL)), other())
        await wire.complete.wait()
        assert seen == wire.answers() == list(ALL)
        assert {BURST, 2 * BURST} <= set(others)

    served(bridge, main)


@pytest.mark.parametrize("fast_path", [True, False])
def test_a_page_that_reconnects_during_a_burst_loses_nothing(fast_path: bool) -> None:
    bridge = Bridge()
    seen = noting(bridge)

    async def main() -> None:
        first, second = Wire(fast_path), Wire(fast_path)
        connection = connection_to(first)
        socket = bridge.connect(Hello("document", "", []), connection)
        assert socket is not None
        task = asyncio.create_task(hear(bridge, socket, connection, burst(ALL)))
        await asyncio.sleep(0)
        again = connection_to(second)
        assert bridge.connect(Hello("document", "", [], bridge.protocol.session, 0), again) == socket
        await task
        [welcome] = [message for message in second.messages if message[0] == "welcome"]
        assert welcome[3]["received"] == BURST
        await hear(bridge, socket, again, burst(ALL[BURST:]))  # messages whose receipt it cannot know
        await second.complete.wait()
        assert seen == second.answers() == list(ALL)

    served(bridge, main)


def test_a_plain_function_of_a_burst_begins_before_the_async_ones_after_it() -> None:
    bridge = Bridge()
    begun = threading.Event()

    async def has_begun() -> bool:
        return begun.wait(scaled(10))  # blocks the loop

    Functions(bridge).expose("begin", begun.set)
    Functions(bridge).expose("has_begun", has_begun)

    async def main() -> None:
        wire = Wire()
        connection = connection_to(wire)
        socket = bridge.connect(Hello("document", "", []), connection)
        assert socket is not None
        calls = [["call", 1, "begin", []], ["call", 2, "has_begun", []], ["call", LAST, "begin", []]]
        await hear(bridge, socket, connection, json.dumps(calls))
        await wire.complete.wait()
        assert ["return", 2, True] in wire.messages

    served(bridge, main)


def test_messages_of_a_replaced_connection_are_ignored() -> None:
    bridge = Bridge()

    async def main() -> None:
        earlier, later = connection_to(Wire()), connection_to(Wire())
        socket = bridge.connect(Hello("document", "", []), earlier)
        assert socket is not None
        assert bridge.connect(Hello("document", "", [], bridge.protocol.session, 0), later) == socket
        for frame in ("junk", bytes([2]), burst(range(1, 3))):
            await hear(bridge, socket, earlier, frame)
        assert bridge.protocol.sockets() == (socket,)
        assert bridge.stats()["pages"][0]["received"] == 0

    served(bridge, main)
