"""A TCP proxy that acts as a bad network: it cuts, truncates, stalls, delays and splits, at random or on request."""

from __future__ import annotations

import asyncio
import random
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import Any

from tests.timing import scaled

__all__ = ["BadWire"]

STALL = 0.5  # longest random stall in seconds


class BadWire:
    """Forwards connections to a port of this machine, from a thread of its own.

    Args:
        port: Where to.
        seed: Of the random numbers.
        split: The most bytes that are passed on in one piece.
        delay: The longest time, in seconds, that a piece is held back.
    """

    def __init__(self, port: int, seed: int = 0, split: int = 65536, delay: float = 0.0) -> None:
        self._target = port
        self._random = random.Random(seed)
        self._split = split
        self._delay = delay
        self._writers: set[asyncio.StreamWriter] = set()
        self._open = True
        self._truncating = False
        self.cuts = 0  # cuts of open connections, of any kind
        self.faults: Counter[str] = Counter()  # what `misbehave` has done
        self.connections = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="bad-wire", daemon=True)
        self._thread.start()
        self._flowing = self._ask(self._make_event())
        self.port: int = self._ask(self._listen())

    def cut(self) -> None:
        """Break every connection, without a closing handshake."""
        self._ask(self._cut())

    def truncate(self) -> None:
        """Forward a part of the next piece, in either direction, and then break every connection."""
        self._ask(self._truncate())

    def stall(self) -> None:
        """Stop forwarding, but keep the connections."""
        self._loop.call_soon_threadsafe(self._flowing.clear)

    def flow(self) -> None:
        """Resume after `stall` and `refuse`."""
        self._open = True
        self._loop.call_soon_threadsafe(self._flowing.set)

    def refuse(self) -> None:
        """Break every connection, and every new one, until `flow`."""
        self._open = False
        self.cut()

    def cut_now_and_then(self, seconds: float) -> Callable[[], None]:
        """Break all connections about every so many seconds from now on; return a function that ends this."""
        return self._again_and_again(seconds, [self._cut])

    def misbehave(self, seconds: float) -> Callable[[], None]:
        """Cut, truncate and stall about every so many seconds from now on; return a function that ends this."""
        return self._again_and_again(seconds, [self._cut, self._truncate, self._stall])

    def url(self, url: str) -> str:
        """Return the same URL through this proxy."""
        return url.replace(f":{self._target}", f":{self.port}")

    def close(self) -> None:
        """Close the proxy."""
        self.refuse()
        self._ask(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(scaled(10))
        self._loop.close()

    def _ask(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(scaled(10))

    async def _make_event(self) -> asyncio.Event:
        event = asyncio.Event()
        event.set()
        return event

    async def _listen(self) -> int:
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def _end(self) -> None:
        self._server.close()
        self._flowing.set()
        await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}), return_exceptions=True)

    async def _cut(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()
        self.cuts += bool(self._writers)
        self._writers.clear()
        self._truncating = False

    async def _truncate(self) -> None:
        self._truncating = bool(self._writers)  # only for connections that exist now

    async def _stall(self) -> None:
        self._flowing.clear()
        await asyncio.sleep(self._random.uniform(0, STALL))
        self._flowing.set()

    def _again_and_again(self, seconds: float, faults: list[Callable[[], Awaitable[None]]]) -> Callable[[], None]:
        future = asyncio.run_coroutine_threadsafe(self._misbehave(seconds, faults), self._loop)
        return lambda: self._behave(future)

    async def _misbehave(self, seconds: float, faults: list[Callable[[], Awaitable[None]]]) -> None:
        while True:
            for fault in faults:
                self.faults[fault.__name__.removeprefix("_")] += 1
                await fault()
                await asyncio.sleep(seconds * self._random.uniform(0.5, 1.5))
            self._random.shuffle(faults)

    def _behave(self, future: Future[None]) -> None:
        future.cancel()
        self._loop.call_soon_threadsafe(setattr, self, "_truncating", False)
        self.flow()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._open:
            writer.transport.abort()
            return
        self.connections += 1
        there, back = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers |= {writer, back}
        pumps = [asyncio.create_task(self._pump(reader, back)), asyncio.create_task(self._pump(there, writer))]
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for end in (writer, back):
            end.transport.abort()
            self._writers.discard(end)
        await asyncio.gather(*pumps, return_exceptions=True)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(self._random.randint(1, self._split)):
                await self._flowing.wait()
                if self._delay:
                    await asyncio.sleep(self._random.uniform(0, self._delay))
                writer.write(self._part_of(data))
                await writer.drain()
                if self._truncating:
                    await self._cut()
        except ConnectionError:
            pass  # it was cut

    def _part_of(self, data: bytes) -> bytes:
        return data[: self._random.randrange(len(data))] if self._truncating else data
