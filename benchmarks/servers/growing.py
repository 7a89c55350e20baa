"""S10: an application that grows as the harness requests."""

import asyncio
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "systems"))

from console import serve

from jsmeets_local import JsMeetsPy

app = JsMeetsPy()


@app.expose
async def add(a, b):
    return a + b


@app.expose
async def wait():
    await asyncio.Event().wait()


def expose(count):
    """Expose more functions."""
    for i in range(count):
        app.expose(f"function{i}")(lambda: None)


def subscribe(count):
    """Subscribe Python to more topics."""
    for i in range(count):
        app.pubsub.subscribe(f"python/topic{i}", print)


def pend(count):
    """Make more calls that no page answers."""
    loop = app.bridge.portal.loop
    for _ in range(count):
        asyncio.run_coroutine_threadsafe(wait_for_ever(), loop)
    asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result()


async def wait_for_ever():
    await app.functions.call("never", timeout=600)()


def call_page(count):
    """Make blocking calls, one at a time, and return the seconds of each."""
    seconds = []
    for i in range(count):
        start = time.perf_counter()
        if page.call("add", timeout=60)(i, 7) != i + 7:
            raise AssertionError("a wrong answer")
        seconds.append(time.perf_counter() - start)
    return {"seconds": seconds}


page = app.launch("<p>here</p>", mode="none")
serve(page.url, expose=expose, subscribe=subscribe, pend=pend, call_page=call_page)
