"""S6: an application with large arrays, which also serves the bytes by HTTP and receives them by a raw WebSocket."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "systems"))

import numpy
from console import serve
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute

from jsmeets_local import JsMeetsPy

PAGE = """<!DOCTYPE html><title>arrays</title><script>
window.bench = { ready: JsPyTextSocket.wait_ready().then(() => {}) };
</script>"""
ARRAYS = {mebibytes: numpy.arange(mebibytes * 2**17, dtype=numpy.float64) for mebibytes in map(int, sys.argv[1:])}


async def plain(request):
    """Return the bytes, without a copy."""
    array = ARRAYS[int(request.path_params["mebibytes"])]
    return Response(memoryview(array).cast("B"), media_type="application/octet-stream")


async def raw(websocket):
    """Receive frames up to a number of bytes, then confirm them."""
    await websocket.accept()
    total = int(websocket.path_params["bytes"])
    while True:
        got = 0
        while got < total:
            event = await websocket.receive()
            if event["type"] != "websocket.receive":
                return
            got += len(event["bytes"])
        await websocket.send_text(str(got))


app = JsMeetsPy(routes=[Route("/plain/{mebibytes:int}", plain), WebSocketRoute("/raw/{bytes:int}", raw)])


@app.expose
def give(mebibytes):
    return ARRAYS[mebibytes]


@app.expose
def take(array):
    return [len(array), float(array[0]), float(array[-1])]


@app.expose
def read(file):
    size = 0
    while piece := file.read(2**20):
        size += len(piece)
    return size


@app.expose
async def small(text):
    return text


page = app.launch(PAGE, mode="none")


def evaluate(expression, arg):
    """Evaluate JavaScript, as Playwright does, in a tab without a debugger."""
    return {"value": page.eval(f"({expression})({json.dumps(arg)})")}


serve(page.url, evaluate=evaluate)
