"""S11: a server whose main thread computes while a page calls it. `busy.py floor|ours|ours-switching`."""

import ctypes
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "systems"))

from console import serve
from serving import start

SYSTEM = sys.argv[1]
SWITCH_INTERVAL = 0.0005
FLOOR_PAGE = b"""<!DOCTYPE html><title>floor</title><script>
const socket = new WebSocket(location.href.replace("http", "ws"));
const waiting = new Map();
let last = 0;
socket.onmessage = ({ data }) => { const [id, value] = JSON.parse(data); waiting.get(id)(value); waiting.delete(id); };
window.bench = {
    ready: new Promise((resolve) => { socket.onopen = resolve; }).then(() => {}),
    call: (name, ...args) => new Promise((resolve) => {
        waiting.set(++last, resolve);
        socket.send(JSON.stringify([last, args]));
    }),
};
</script>"""
OUR_PAGE = """<!DOCTYPE html><title>ours</title><script>
window.bench = {
    ready: JsPyTextSocket.wait_ready().then(() => {}),
    call: (name, ...args) => JsPyFunction.call(name)(...args),
};
</script>"""


def add(a, b):
    return a + b


async def add_async(a, b):
    return a + b


async def floor(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
        await send({"type": "http.response.body", "body": FLOOR_PAGE})
    elif scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (event := await receive())["type"] == "websocket.receive":
            number, args = json.loads(event["text"])
            await send({"type": "websocket.send", "text": json.dumps([number, add(*args)])})


def ours(switch_interval=None):
    from jsmeets_local import JsMeetsPy

    app = JsMeetsPy()
    app.expose(add)
    app.expose(add_async)
    return app.launch(OUR_PAGE, mode="none", switch_interval=switch_interval).url


def idle(seconds):
    time.sleep(seconds)
    return 0


def pure(seconds):
    """Compute in Python, where the interpreter switches threads regularly."""
    end, done = time.perf_counter() + seconds, 0
    while time.perf_counter() < end:
        sum(i * i for i in range(1000))
        done += 1
    return done


def long_c_calls(seconds):
    """Call C functions that hold the GIL for 0.1 s each."""
    hold = ctypes.PyDLL(None).usleep
    end, done = time.perf_counter() + seconds, 0
    while time.perf_counter() < end:
        hold(100_000)
        done += 1
    return done


def numpy(seconds):
    """Multiply large matrices, as in a notebook cell; numpy releases the GIL for each product."""
    import numpy

    matrix = numpy.random.default_rng(1).random((400, 400))
    end, done = time.perf_counter() + seconds, 0
    while time.perf_counter() < end:
        matrix = matrix @ matrix
        matrix /= numpy.abs(matrix).max()
        done += 1
    return done


HOWS = {"idle": idle, "pure Python": pure, "long C calls": long_c_calls, "numpy": numpy}


def compute(how, seconds):
    return {"rounds": HOWS[how](seconds)}


if SYSTEM == "floor":
    url = start(floor, loop="uvloop", lifespan="off")
else:
    url = ours(SWITCH_INTERVAL if SYSTEM == "ours-switching" else None)
serve(url, compute=compute)
