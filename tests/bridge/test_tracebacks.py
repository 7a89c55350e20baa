"""Tracebacks end at the line of the user, and Ctrl-C ends a program that waits."""

from __future__ import annotations

import asyncio
import logging
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jsmeets_local import JsMeetsPy, Page
from jsmeets_local.blocking import BlockingFunctions, BlockingQueues
from tests.timing import scaled

ROOT = Path(__file__).parents[2]
# The server is imported first: while one of its threads runs exec(), as imports do, CPython forgets that the main thread
# ended by Ctrl-C, and exits with 1.
SCRIPT = """
import os, signal, sys, threading
import jsmeets_local.server.fastpath, jsmeets_local.server.uvicorn_server
from jsmeets_local import Bridge, JsMeetsPy
app = JsMeetsPy(bridge=Bridge())
page = app.launch("<p>", mode="none")
threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
"""

CASES: dict[str, Callable[[JsMeetsPy, Page], Any]] = {
    "call": lambda app, page: page.call("f", timeout=0.01)(1),
    "js": lambda app, page: setattr(page.js, "x", object()),
    "js by a name of its own": lambda app, page: setattr(page.js, "by_ref", 1),
    "closed js": lambda app, page: (page.close(), page.js.f),
    "argument": lambda app, page: page.call("f")(object()),
    "eval": lambda app, page: page.eval("1", timeout=0.01),
    "map": lambda app, page: page.map("f", timeout=0.01)([1]),
    "nowait": lambda app, page: page.call_nowait("f")(object()),
    "get": lambda app, page: page.queue("q").get(0.01),
    "push": lambda app, page: page.queue("q").push(object()),
    "subscription": lambda app, page: page.subscribe("t").get(0.01),
    "blocking get": lambda app, page: BlockingQueues(app.bridge).get("q", 0.01),
    "blocking call": lambda app, page: BlockingFunctions(app.bridge).call("f")(object()),
    "closed": lambda app, page: (page.close(), page.call("f")(1)),
    "key": lambda app, page: page.call(3),
    "size": lambda app, page: page.show(width=0),
    "window": lambda app, page: page.window,
    "mode": lambda app, page: app.launch("<p>", mode="none such"),
    "option": lambda app, page: app.launch("<p>", mode="none", none_such=1),
    "file": lambda app, page: app.launch("none_such.html", mode="none"),
    "port": lambda app, page: app.launch("<p>", mode="none", port=1),
    "too late": lambda app, page: app.launch("<p>", mode="browser", timeout=0.01),
    "expose": lambda app, page: app.expose(3),
    "expose a key": lambda app, page: app.functions.expose("$f", len),
    "not served": lambda app, page: (app.stop(), app.port),
    "wait": lambda app, page: app.wait("soon"),
    "topic": lambda app, page: app.pubsub.publish(3),
}
AWAITED: dict[str, Callable[[JsMeetsPy, Page], Any]] = {
    "call": lambda app, page: page.aio.call("f", timeout=0.01)(1),
    "argument": lambda app, page: page.aio.call("f")(object()),
    "eval": lambda app, page: page.aio.eval("1", timeout=0.01),
    "map": lambda app, page: page.aio.map("f", timeout=0.01)([1]),
    "get": lambda app, page: page.aio.get("q", 0.01),
    "wait for": lambda app, page: page.aio.wait_for("f", 0.01),
    "wait": lambda app, page: page.aio.wait("soon"),
    "push": lambda app, page: app.queues.push("q")(object()),
    "broadcast": lambda app, page: app.functions.call("f")(object()),
}


@pytest.mark.parametrize("case", CASES)
def test_tracebacks_end_at_the_line_of_the_user(app: JsMeetsPy, page: Page, case: str) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - which one it is, others test
        CASES[case](app, page)
    own = [frame for frame in traceback.extract_tb(caught.tb) if "jsmeets_local" in Path(frame.filename).parts]
    assert own == []


@pytest.mark.parametrize("case", AWAITED)
def test_tracebacks_of_awaited_calls_end_at_the_line_of_the_user(app: JsMeetsPy, page: Page, case: str) -> None:
    async def use() -> None:
        await AWAITED[case](app, page)

    with pytest.raises(Exception) as caught:  # noqa: PT011 - which one it is, others test
        asyncio.run(use())
    own = [frame for frame in traceback.extract_tb(caught.tb) if "jsmeets_local" in Path(frame.filename).parts]
    assert own == []


def test_the_traceback_of_a_cancelled_task_ends_at_the_line_of_the_user(page: Page) -> None:
    async def use() -> None:
        task = asyncio.create_task(page.aio.call("f")())
        await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError) as caught:
        asyncio.run(use())
    own = [frame for frame in traceback.extract_tb(caught.tb) if "jsmeets_local" in Path(frame.filename).parts]
    assert own == []


def test_debug_keeps_the_whole_traceback(app: JsMeetsPy, page: Page, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "jsmeets_local")
    with pytest.raises(TimeoutError) as caught:
        page.queue("q").get(0.01)
    assert len(traceback.extract_tb(caught.tb)) > 1


def test_stack_frames_of_the_user_stay(app: JsMeetsPy, page: Page) -> None:
    def fail() -> Any:
        raise ValueError("mine")
        yield

    with pytest.raises(ValueError, match="mine") as caught:
        page.map("f")(fail())
    assert traceback.extract_tb(caught.tb)[-1].name == "fail"


@pytest.mark.skipif(sys.platform == "win32", reason="there Ctrl-C is for all programs of the console")
@pytest.mark.parametrize(
    ("line", "code", "errors"),
    [
        ("page.wait()", -signal.SIGINT, 0),
        ("app.wait()", -signal.SIGINT, 0),
        ("try: page.wait()\nexcept KeyboardInterrupt: sys.exit(5)", 5, 0),
        ("for _ in page.queue('q'): pass", -signal.SIGINT, 1),
        ("sys.excepthook = lambda *_: print('its own', file=sys.stderr)\npage.wait()", -signal.SIGINT, 1),
    ],
)
def test_ctrl_c_ends_a_script(line: str, code: int, errors: int) -> None:
    command = [sys.executable, "-c", SCRIPT + line]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=scaled(30), check=False)
    assert done.returncode == code
    assert "jsmeets_local" not in done.stderr
    assert bool(done.stderr) == bool(errors), done.stderr


def test_another_error_after_a_caught_ctrl_c_is_shown() -> None:
    line = "try: page.wait()\nexcept KeyboardInterrupt: pass\n1 / 0"
    command = [sys.executable, "-c", SCRIPT + line]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=scaled(30), check=False)
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr


def test_threads_have_short_tracebacks_too(app: JsMeetsPy, page: Page) -> None:
    seen: list[int] = []

    def work() -> None:
        try:
            page.wait_connected("soon")  # type: ignore[arg-type]
        except TypeError as error:
            seen.append(len(traceback.extract_tb(error.__traceback__)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(scaled(10))
    assert seen == [1]
