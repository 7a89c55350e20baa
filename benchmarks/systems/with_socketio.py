"""python-socketio: calls with acknowledgement in both directions, on uvicorn with uvloop; its client is from npm."""

import asyncio
import sys
from pathlib import Path

import calling
import socketio
from console import serve
from serving import LIKE_OURS, start

CLIENT = Path(sys.prefix, "node_modules", "socket.io-client", "dist", "socket.io.min.js").read_bytes()
PAGE = b"""<!DOCTYPE html><title>socketio</title><body><script src="client.js"></script><script>
const socket = io({ transports: ["websocket"] });
for (const [name, func] of Object.entries(loops.functions)) {
    socket.on(name, (...args) => { args.pop()(func(...args)); });
}
const call = (name, ...args) => new Promise((resolve) => { socket.emit(name, ...args, resolve); });
window.bench = {
    ready: new Promise((resolve) => { socket.on("connect", () => resolve()); }),
    call,
    subscribe: (func) => { socket.on("news", func); return call("subscribe"); },
};
</script>"""

sio = socketio.AsyncServer(async_mode="asgi", max_http_buffer_size=100_000_000)
pages, loops = [], []


@sio.event
async def connect(sid, environ):
    pages.append(sid)
    loops.append(asyncio.get_running_loop())


@sio.event
async def subscribe(sid):
    await sio.enter_room(sid, "news")


def expose(function):
    sio.on(function.__name__, lambda _sid, *args: function(*args))


for each in calling.PLAIN.values():
    expose(each)


@sio.event
async def add_async(sid, a, b):
    return a + b


STATIC = {b"/client.js": (b"text/javascript", CLIENT)}


async def page(scope, receive, send):
    kind, body = STATIC.get(scope["path"].encode(), (b"text/html", PAGE))
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
    await send({"type": "http.response.body", "body": body})


def on_the_loop(coroutine):
    return asyncio.run_coroutine_threadsafe(coroutine, loops[0]).result()


def block(name, *args):
    return on_the_loop(sio.call(name, args, to=pages[0]))


async def gather(size):
    return await asyncio.gather(*[sio.call("add", (i, 7), to=pages[0]) for i in range(size)])


async def publish_all(messages):
    for data in calling.publications(messages):
        await sio.emit("news", data, to="news")


def call_page(**options):
    return calling.sequence(block, **options)


def flood(**options):
    return calling.floods(lambda size: on_the_loop(gather(size)), **options)


def publish(messages):
    on_the_loop(publish_all(messages))


url = start(socketio.ASGIApp(sio, page), lifespan="off", **LIKE_OURS)
serve(url, call_page=call_page, flood=flood, publish=publish)
