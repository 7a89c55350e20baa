"""The program that soak.py watches, in its own process: it serves pages and talks to all of them, forever."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from jsmeets_local import Bridge, JSFunction, JsMeetsPy, JsPyError, Page, ref

SCRIPT = (Path(__file__).parent / "soak.js").read_text()
HTML = f"<!DOCTYPE html><title>soak</title><script>{SCRIPT}</script>"
LARGE = bytes(400_000)

app = JsMeetsPy(bridge=Bridge())


@app.expose
def echo(value: Any) -> Any:
    """For the pages' own load."""
    return value


@app.expose
async def use(function: JSFunction) -> Any:
    """For callbacks of the pages."""
    return await function.aio()


class Model:
    """An object for the pages."""


@app.expose
def model() -> Any:
    """Return another object by reference each time."""
    return ref(Model())


@app.expose
async def counts() -> list[int]:
    """Return the numbers of threads, tasks and references; not AnyIO's threads for files, of which a few stay idle."""
    names = [thread.name for thread in threading.enumerate() if not thread.name.startswith("AnyIO")]
    if "jsmeets-collector" in names:  # one for the bridge, from its first object of a page on; others are counted
        names.remove("jsmeets-collector")
    references = [sum(page["references"].values()) for page in app.stats()["pages"]]
    return [len(names), len(asyncio.all_tasks()), sum(references)]


@app.expose
def open_page() -> str:
    """The address of one more page."""
    return app.open(HTML, "none", grace=0.5).url


def talk(page: Page, count: int) -> None:
    """A bit of everything to one page."""
    page.call("echo", 0.5)(LARGE if count % 10 == 0 else count)
    page.call_nowait("echo")(count)
    page.publish("down")([count] * 50)
    page.queue("down").push(count)
    page.call("use", 0.5)(lambda n: n + count)
    with closing(page.subscribe("up")):
        page.eval("JsPyPubsub.publish('up')(1)", 0.5)


def talk_to_all() -> None:
    """Work of the program besides serving."""
    count = 0
    while True:
        count += 1
        for page in app.pages:
            if page.is_connected():
                with suppress(JsPyError):  # pages freeze, reload and go: that is what this is about
                    talk(page, count)
        time.sleep(0.01)


def main() -> None:
    """Print the address of the first page, and run until stdin ends."""
    app.queues.add_callback(app.queues.shift)
    first = app.launch("<p>", mode="none", grace=None)
    threading.Thread(target=talk_to_all, daemon=True).start()
    print(first.url, flush=True)  # noqa: T201 - to soak.py
    sys.stdin.read()
    app.stop()


if __name__ == "__main__":
    main()
