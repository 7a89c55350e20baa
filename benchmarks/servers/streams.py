"""S13: an application with streams of small items and of arrays, in both directions."""

import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "systems"))

import numpy
from calling import check
from console import serve

from jsmeets_local import JsMeetsPy

PAGE = """<!DOCTYPE html><title>streams</title><script>
window.bench = { ready: JsPyTextSocket.wait_ready().then(() => {}) };
JsPyFunction.expose("numbers", function* (count) { for (let i = 0; i < count; i += 1) { yield i; } });
JsPyFunction.expose("frames", function* (count) {
    const frame = new Float64Array(2 ** 17).fill(7);
    for (let i = 0; i < count; i += 1) { yield frame; }
});
JsPyFunction.expose("whole", () => whole);
const whole = new Float64Array(2 ** 21).fill(7);
</script>"""

FRAME = numpy.full(2**17, 7.0)
WHOLE = numpy.full(2**21, 7.0)

app = JsMeetsPy()


@app.expose
def numbers(count):
    yield from range(count)


@app.expose
async def async_numbers(count):
    for number in range(count):
        yield number


@app.expose
def frames(count):
    for _ in range(count):
        yield FRAME


@app.expose
def whole():
    return WHOLE


def timed(work, count):
    seconds = []
    for _ in range(count):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return {"seconds": seconds}


def read_numbers(count, items):
    def work():
        got = 0
        for number in page.call("numbers")(items):
            got += number
        check(got, items * (items - 1) // 2)

    return timed(work, count)


def read_frames(count, items):
    def work():
        check(sum(float(frame[-1]) for frame in page.call("frames")(items)), 7.0 * items)

    return timed(work, count)


def read_whole(count):
    return timed(lambda: check(float(page.call("whole")()[-1]), 7.0), count)


def evaluate(expression, arg=None):
    """Evaluate code like Playwright, in a tab that it does not watch."""
    return {"value": page.eval(f"({expression})({json.dumps(arg)})")}


page = app.launch(PAGE, mode="none")
serve(page.url, evaluate=evaluate, read_numbers=read_numbers, read_frames=read_frames, read_whole=read_whole)
