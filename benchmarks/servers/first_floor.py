"""S8, the floor: uvicorn in a thread, a page, and its first call over a raw WebSocket.

It measures its own start, until the page can be requested.
"""

import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "systems"))

from console import fetch, serve
from serving import start

PAGE = b"""<!DOCTYPE html><title>floor</title><script>
const socket = new WebSocket(location.href.replace("http", "ws"));
const ready = new Promise((resolve) => { socket.onopen = resolve; });
const answer = ready.then(() => new Promise((resolve) => {
    socket.onmessage = ({ data }) => resolve(JSON.parse(data)[1]);
    socket.send(JSON.stringify([1, "add", [4, 7]]));
}));
window.bench = { ready: ready.then(() => {}), first: answer.then((sum) => [sum, performance.now() / 1000]) };
</script>"""


def add(a, b):
    return a + b


async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
        await send({"type": "http.response.body", "body": PAGE})
    elif scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (event := await receive())["type"] == "websocket.receive":
            number, _name, args = json.loads(event["text"])
            await send({"type": "websocket.send", "text": json.dumps([number, add(*args)])})


before = time.perf_counter()
url = start(app, loop="uvloop", lifespan="off")
fetch(url)
seconds = time.perf_counter() - before
serve(url, launch=lambda: {"seconds": seconds})
