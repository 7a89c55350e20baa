"""The demo: Python and a page call each other, fill each other's queues and publish to each other.

    python examples/demo/main.py            in the default browser, until you close the tab or press Ctrl-C
    python examples/demo/main.py --once     one round of everything, then the end: exit code 0, or 1

What happens is told in the terminal, and in the page itself.
"""

from __future__ import annotations

import argparse
import io
import math
import platform
import signal
import sys
import time
import traceback
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from statistics import fmean, median, pstdev
from urllib.parse import urlsplit

from headless import chromium
from transcript import Transcript

import jsmeets_local
from jsmeets_local import Disconnected, JsMeetsPy, JsPyError, LaunchError, Page

HERE = Path(__file__).resolve().parent
ONCE_SECONDS = 30.0  # what one round of everything may take

HOW_TO_GO_ON = """Open this in a browser on this machine:

    {url}

From another machine, first: ssh -L {port}:127.0.0.1:{port} this-machine
"""

app = JsMeetsPy(static=HERE / "static", templates=HERE / "templates")
transcript = Transcript()
tempo = {"seconds": 1.0}


# 1. Python calls JavaScript: `page.call` blocks until the page has answered.


def curve(beat: int) -> list[float]:
    """Return points of a wave that moves."""
    return [math.sin(x / 5 + beat) * math.cos(x / 13 - beat / 3) for x in range(64)]


def draw(page: Page, beat: int) -> None:
    size = page.call("draw", timeout=5)(curve(beat))
    transcript.say("call", "draw([64 numbers])", size, often=True)


# 2. JavaScript calls Python: what it raises is raised in the page.


@app.expose
@transcript.told
def describe(numbers: list[float]) -> dict[str, float]:
    return {
        "mean": fmean(numbers),
        "median": median(numbers),
        "spread": pstdev(numbers),
    }


@app.expose
def about() -> dict[str, str]:
    return {"python": platform.python_version(), "version": jsmeets_local.__version__}


# 3. Queues, both ways: the page pushes numbers, Python pushes their squares back.


def work(page: Page) -> None:
    for number in page.queue("numbers"):
        time.sleep(0.4)  # hard work, so that one can see the queue fill
        if not page.queue("squares").push(number**2):
            break  # the page is closed
        transcript.say("queue", f"numbers: {number}", f"squares: {number**2}")


# 4. Topics, both ways: Python publishes the beat, the page publishes how fast it should be.


def tick(page: Page, beat: int) -> None:
    now = time.strftime("%H:%M:%S")
    page.publish("clock")({"beat": beat, "time": now})
    transcript.say("topic", f"clock: beat {beat}", now, often=True)


def follow(page: Page) -> None:
    for topic, seconds in page.subscribe("tempo"):
        tempo["seconds"] = seconds
        transcript.say("topic", f"{topic}: {seconds} s", "from the page")


# The program ----------------------------------------------------------------------------------------


def play(page: Page, readers: list[Future[None]], *, once: bool) -> bool:
    """Play until the page is closed, or with `once` until everything has happened; a failing reader ends it, too."""
    transcript.publish = page.publish("transcript")
    deadline = time.monotonic() + ONCE_SECONDS
    beat = 0
    while not page.wait(timeout=tempo["seconds"]):  # `wait` ends at once when the page is closed
        beat += 1
        tick(page, beat)
        if page.is_connected():
            with suppress(Disconnected):  # it may reload at any moment
                draw(page, beat)
        if once and all(page.call("seen", timeout=5)().values()) and transcript.has_everything():
            return True
        if any(reader.done() and reader.exception() for reader in readers):
            return False
        if once and time.monotonic() > deadline:
            print(f"Not everything happened within {ONCE_SECONDS:.0f} s: {page.call('seen')()}", file=sys.stderr)
            return False
    return not once


def launch(options: argparse.Namespace, stack: ExitStack) -> Page:
    """Open the page in the default browser or in headless Chromium, or print its address."""
    if options.headless:
        page = app.launch("index.html", mode="none", port=options.port)
        stack.enter_context(chromium(options.headless, page.url))
        if not page.wait_connected(30):
            raise LaunchError(f"{options.headless} did not open the page within 30 s")
        print(f"The page is open in headless Chromium. To see it, open this in a browser:\n\n    {page.url}\n")
        return page
    if not options.no_browser:
        try:
            return app.launch("index.html", port=options.port, timeout=15)
        except LaunchError as error:
            print(f"No browser opened the page: {str(error).partition(';')[0]}.")
    page = app.launch("index.html", mode="none", port=options.port)
    print(HOW_TO_GO_ON.format(url=page.url, port=urlsplit(page.url).port))
    if not page.wait_connected(ONCE_SECONDS if options.once else None):
        raise LaunchError(f"no page connected within {ONCE_SECONDS:.0f} s")
    return page


def main() -> int:
    parser = argparse.ArgumentParser(description="Python and a page, talking to each other.")
    parser.add_argument("--once", action="store_true", help="end after one round of everything")
    parser.add_argument("--port", type=int, default=0, help="the port to serve at (a free one by default)")
    parser.add_argument("--headless", metavar="CHROMIUM", help="open the page in this browser, without a window")
    parser.add_argument("--no-browser", action="store_true", help="open nothing, only print the address")
    options = parser.parse_args()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # into a file or a pipe, too
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    done = False
    readers: list[Future[None]] = []
    with ExitStack() as stack:
        threads = stack.enter_context(ThreadPoolExecutor())  # waits for the readers, which end with their page
        stack.callback(app.stop)
        try:
            page = launch(options, stack)
            if not options.once:
                print("Close the page, or press Ctrl-C, to end.\n")
            readers += [threads.submit(reader, page) for reader in (work, follow)]
            done = play(page, readers, once=options.once)
        except KeyboardInterrupt:
            done = not options.once
        except JsPyError as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
    for error in filter(None, [reader.exception() for reader in readers]):
        traceback.print_exception(error)
        done = False
    if options.once:
        print("\nEverything works." if done else "\nThat was not everything.")
    elif done:
        print("\nGoodbye! What you saw is in examples/demo/: main.py and static/demo.js.")
    return 0 if done else 1


if __name__ == "__main__":
    sys.exit(main())
