"""The floor: the least code that does the same JSON call over raw ASGI, on the same uvicorn.

`floor.py uvloop|asyncio [batch]`. A frame is `[0, id, name, arguments]` for a call, `[1, id, value]` for its answer and
`[2, data]` for a publication; with `batch` a list of those: what is said in one turn of either event loop travels in
one frame.
"""

import asyncio
import itertools
import sys
import threading
from pathlib import Path

import calling
import msgspec
from console import serve
from serving import LIKE_OURS, start

LOOP = sys.argv[1]
BATCH = "batch" in sys.argv
PAGE = (Path(__file__).parent / "raw.html").read_text().replace("BATCHED", str(BATCH).lower())

encode, decode = msgspec.json.Encoder().encode, msgspec.json.Decoder().decode


class Connection:
    """A page."""

    def __init__(self, receive, send):
        self.receive, self.send = receive, send
        self.functions = {**calling.PLAIN, "add_async": calling.add, "subscribe": lambda: subscribers.append(self)}
        self.waiting = {}
        self.ids = itertools.count()
        self.loop = asyncio.get_running_loop()
        self.queued = []

    async def run(self):
        take = self.take_batch if BATCH else self.take
        while (event := await self.receive())["type"] == "websocket.receive":
            answer = take(*decode(event["text"]))
            if answer:
                await self.write(answer)

    async def write(self, frame):
        await self.send({"type": "websocket.send", "text": encode(frame).decode()})

    def take_batch(self, *frames):
        return [answer for frame in frames if (answer := self.take(*frame))]

    def take(self, kind, id, name, args=None):
        if kind:
            return self.waiting.pop(id)(name)
        return (1, id, self.functions[name](*args))

    def request(self, done, name, args):
        """Return the frame of a call, whose answer `done` receives."""
        id = next(self.ids)
        self.waiting[id] = done
        return (0, id, name, args)

    def call(self, done, name, args):
        """Call, on the loop."""
        frame = self.request(done, name, args)
        drive(self.write([frame] if BATCH else frame))

    def block(self, name, *args):
        """Call from another thread, and wait for the value."""
        lock, values = threading.Lock(), []
        lock.acquire()

        def done(value):
            values.append(value)
            lock.release()

        self.loop.call_soon_threadsafe(self.call, done, name, args)
        lock.acquire()
        return values[0]

    async def gather(self, size):
        """Make `size` calls at once."""
        end, values = self.loop.create_future(), []

        def done(value):
            values.append(value)
            if len(values) == size:
                end.set_result(values)

        frames = [self.request(done, "add", (i, 7)) for i in range(size)]
        for frame in [frames] if BATCH else frames:
            await self.write(frame)
        return await end


def drive(coroutine):
    """Run a send that does not wait, without a task."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    raise RuntimeError("the socket is full")


connections, subscribers = [], []


async def publish_all(messages):
    """Publish; each message is encoded once for all pages."""
    for data in calling.publications(messages):
        frame = (2, data, None)
        event = {"type": "websocket.send", "text": encode([frame] if BATCH else frame).decode()}
        for connection in subscribers:
            await connection.send(event)


async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
        await send({"type": "http.response.body", "body": PAGE.encode()})
    elif scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        connections.append(Connection(receive, send))
        await connections[-1].run()


def on_the_loop(coroutine):
    return asyncio.run_coroutine_threadsafe(coroutine, connections[0].loop).result()


def call_page(**options):
    return calling.sequence(connections[0].block, **options)


def flood(**options):
    return calling.floods(lambda size: on_the_loop(connections[0].gather(size)), **options)


def publish(messages):
    on_the_loop(publish_all(messages))


serve(start(app, loop=LOOP, lifespan="off", **LIKE_OURS), call_page=call_page, flood=flood, publish=publish)
