"""The floor: the least code that does the same JSON call over raw ASGI, on the same uvicorn.

`floor.py uvloop|asyncio [batch]`. A frame is `[0, id, name, arguments]` for a call, `[1, id, value]` for its answer; with
`batch` a list of those: what is said in one turn of either event loop travels in one frame.
"""

import asyncio
import itertools
import sys
import threading

import calling
import msgspec
from console import serve
from serving import start

LOOP = sys.argv[1]
BATCH = "batch" in sys.argv
PAGE = """<!DOCTYPE html><title>floor</title><script>
const BATCH = %s;
const socket = new WebSocket(location.href.replace("http", "ws"));
const waiting = new Map();
let last = 0, queued = [];
function flush() { socket.send(JSON.stringify(queued)); queued = []; }
function send(frame) {
    if (!BATCH) { socket.send(JSON.stringify(frame)); return; }
    if (queued.push(frame) === 1) queueMicrotask(flush);
}
function take([kind, id, name, args]) {
    if (kind) { const resolve = waiting.get(id); waiting.delete(id); resolve(name); }
    else send([1, id, loops.functions[name](...args)]);
}
socket.onmessage = ({ data }) => { const frame = JSON.parse(data); if (BATCH) frame.forEach(take); else take(frame); };
window.bench = {
    ready: new Promise((resolve) => { socket.onopen = resolve; }).then(() => {}),
    call: (name, ...args) => new Promise((resolve) => { waiting.set(++last, resolve); send([0, last, name, args]); }),
};
</script>""" % str(BATCH).lower()

encode, decode = msgspec.json.Encoder().encode, msgspec.json.Decoder().decode
FUNCTIONS = {"add": lambda a, b: a + b, "add_async": lambda a, b: a + b, "echo": lambda value: value}


class Connection:
    """One page."""

    def __init__(self, receive, send):
        self.receive, self.send = receive, send
        self.waiting = {}
        self.ids = itertools.count()
        self.loop = asyncio.get_running_loop()
        self.queued = []

    async def run(self):
        while (event := await self.receive())["type"] == "websocket.receive":
            frame = decode(event["text"])
            if BATCH:
                await self.write([answer for each in frame if (answer := self.take(*each)) is not None])
            else:
                await self.write(self.take(*frame))

    async def write(self, frame):
        if frame:
            await self.send({"type": "websocket.send", "text": encode(frame).decode()})

    def take(self, kind, id, name, args=None):
        if kind:
            self.waiting.pop(id)(name)
            return None
        return (1, id, FUNCTIONS[name](*args))

    def call(self, done, name, args):
        """On the loop: has the page call a function, and `done` with its value."""
        id = next(self.ids)
        self.waiting[id] = done
        frame = (0, id, name, args)
        if not BATCH:
            drive(self.write(frame))
            return
        self.queued.append(frame)
        if len(self.queued) == 1:
            self.loop.call_soon(self.flush)

    def flush(self):
        frame, self.queued = self.queued, []
        drive(self.write(frame))

    def block(self, name, *args):
        """From another thread: calls, and waits for the value."""
        lock, values = threading.Lock(), []
        lock.acquire()

        def done(value):
            values.append(value)
            lock.release()

        self.loop.call_soon_threadsafe(self.call, done, name, args)
        lock.acquire()
        return values[0]

    async def gather(self, name, count):
        """`count` calls in flight."""
        end = self.loop.create_future()
        values = []

        def done(value):
            values.append(value)
            if len(values) == count:
                end.set_result(values)

        for i in range(count):
            self.call(done, name, (i, 7))
        return await end


def drive(coroutine):
    """Runs a send that has nothing to wait for, without a task; where it must wait, as one."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    raise RuntimeError("the socket is full")


connections = []


async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
        await send({"type": "http.response.body", "body": PAGE.encode()})
    elif scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        connections.append(Connection(receive, send))
        await connections[-1].run()


def call_page(count, warm_up=0):
    return calling.sequence(connections[-1].block, count, warm_up)


serve(start(app, LOOP, lifespan="off"), call_page=call_page)
