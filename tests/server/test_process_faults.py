"""Faults of a process: it is killed, it forks, its disk is full, its loop is busy, its clock jumps."""

from __future__ import annotations

import ast
import asyncio
import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from websockets.exceptions import ConnectionClosed

import jsmeets_local
from jsmeets_local import CallTimeout, JsMeetsPy, Page
from tests.raw import Echo, as_page, open_socket
from tests.timing import scaled

ROOT = Path(__file__).parents[2]
PACKAGE = Path(jsmeets_local.__file__).parent

HEAD = """
import os, sys, threading, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # of fork() beside threads
from jsmeets_local import Bridge, JsMeetsPy, JsPyError
from tests.raw import Echo, as_page
app = JsMeetsPy(bridge=Bridge())
page = app.launch("<p>", mode="none")
say = lambda *words: os.write(1, (" ".join(map(str, words)) + "\\n").encode())
"""


def start(program: str) -> subprocess.Popen[str]:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, "-c", HEAD + program], cwd=ROOT, env=env, text=True, stdout=pipe, stderr=subprocess.STDOUT
    )


def said_by(program: str) -> list[str]:
    """Run a program to its end in its own process and return the lines it prints."""
    process = start(program)
    try:
        out, _ = process.communicate(timeout=scaled(60))
    finally:
        process.kill()
    assert process.returncode == 0, out
    return out.splitlines()


# Killed ------------------------------------------------------------------------------------------------


def test_a_killed_program_leaves_nothing_and_frees_its_port(app: JsMeetsPy) -> None:
    process = start("Echo(page)\nsay(page.url)\nwhile True: page.call('echo')(1)")
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    connection = open_socket(url)
    family = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGKILL)
    assert process.wait(scaled(10)) == -signal.SIGKILL
    process.stdout.close()
    with pytest.raises(ConnectionClosed):
        connection.recv(scaled(10))
    assert not [child for child in family if child.is_running()]
    port = int(url.split("/")[2].split(":")[1])
    page = app.launch("<p>", mode="none", port=port)
    Echo(page)
    assert page.call("echo", 10)(2) == 2


# Forked ------------------------------------------------------------------------------------------------

FORK = """
echo = Echo(page)
assert page.call("echo", 10)(1) == 1
child = os.fork()
if not child:
    for use in (lambda: page.call("echo")(2), lambda: page.publish("t")(1), lambda: page.queue("q").get()):
        try:
            use()
        except JsPyError as error:
            say(type(error).__name__, error)
    sys.exit(7)  # runs the exit handlers too
say("status", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
say("parent", page.call("echo", 10)(3), page.is_connected(), echo.heard)
app.stop()
"""


def test_a_child_of_fork_leaves_the_pages_to_its_parent() -> None:
    *refusals, status, parent = said_by(FORK)
    assert [text.split(":")[0] for text in refusals] == [
        "BridgeBusy the pages belong to the process that started this one"
    ] * 3
    assert status == "status 7"
    assert parent == "parent 3 True []"


HELD = """
Echo(page)
end, close = os.pipe()
child = os.fork()
if not child:
    os.close(close)
    os.read(end, 1)  # until the parent closes it
    os._exit(0)
port = int(page.url.split("/")[2].split(":")[1])
app.stop()
page = app.launch("<p>", mode="none", port=port)
Echo(page)
say(page.call("echo", 10)(4))
os.close(close)
os.waitpid(child, 0)
app.stop()
"""


def test_a_child_of_fork_does_not_hold_the_port() -> None:
    assert said_by(HELD) == ["4"]


OWN = """
Echo(page)
child = os.fork()
if not child:
    mine = app.launch("<b>", mode="none")
    Echo(mine)
    say("child", mine.call("echo", 10)(5), mine.url != page.url)
    app.stop()
    os._exit(0)
os.waitpid(child, 0)
say("parent", page.call("echo", 10)(6))
app.stop()
"""


def test_a_child_of_fork_may_launch_pages_of_its_own() -> None:
    assert said_by(OWN) == ["child 5 True", "parent 6"]


POOL = """
import multiprocessing
def work(n):
    try:
        page.call("echo", 5)(n)
    except JsPyError as error:
        return n * n, type(error).__name__
Echo(page)
with multiprocessing.get_context("fork").Pool(2) as pool:
    results = pool.map_async(work, range(4))
    say(sum(page.call("echo", 10)(n) for n in range(100)))
    say(results.get(30))
say(page.call("echo", 10)(7))
app.stop()
"""


def test_a_pool_of_forked_processes_works_beside_the_pages() -> None:
    refused = [(n * n, "BridgeBusy") for n in range(4)]
    assert said_by(POOL) == ["4950", str(refused), "7"]


# Busy --------------------------------------------------------------------------------------------------


def test_a_loop_that_is_blocked_for_seconds_loses_nothing_and_timeouts_count(app: JsMeetsPy, page: Page) -> None:
    raw, blocked, release, seen, late = as_page(page), threading.Event(), threading.Event(), [], []
    limit = scaled(1)

    @app.expose
    async def block() -> str:
        blocked.set()
        release.wait(scaled(30))  # blocks the event loop, on purpose
        return "awake"

    @app.expose
    async def see(n: int) -> None:
        seen.append(n)

    def wait() -> None:
        try:
            page.call("never", limit)()
        except CallTimeout:
            late.append(time.monotonic() - start)

    start = time.monotonic()
    waiting = threading.Thread(target=wait)
    waiting.start()
    assert raw.receive()[0] == "call"
    raw.send(["call", 1, "block", []])
    assert blocked.wait(scaled(10))
    raw.send(*[["notify", "see", [n]] for n in range(900)], ["call", 2, "see", [900]])
    for n in range(500):
        page.call_nowait("f")(n)
    waiting.join(max(0.0, start + 2 * limit - time.monotonic()))
    released = time.monotonic() - start
    release.set()
    arrived = [raw.receive() for _ in range(505)]
    assert [message[0] for message in arrived].count("ack") == 2, "one for each turn that the burst took"
    assert [message for message in arrived if message[0] == "return"] == [["return", 1, "awake"], ["return", 2, None]]
    assert [message[0] for message in arrived].count("cancel") == 1, "of the call that timed out meanwhile"
    assert [message for message in arrived if message[0] == "notify"] == [["notify", "f", [n]] for n in range(500)]
    waiting.join(scaled(10))
    assert seen == list(range(901))
    assert released <= late[0] < released + scaled(2), "as soon as the loop went on"


# Beside the user's own loop ----------------------------------------------------------------------------


def test_the_user_has_an_event_loop_in_the_main_thread(page: Page) -> None:
    Echo(page)

    async def main() -> list[Any]:
        awaited = asyncio.gather(*(page.aio.call("echo", 10)(n) for n in range(100)))
        blocking = page.call("echo", 10)("blocking")  # stalls this loop, and no other
        threaded = await asyncio.to_thread(page.call("echo", 10), "threaded")
        return [*await awaited, blocking, threaded]

    for _ in range(2):  # each run has a loop of its own
        assert asyncio.run(main()) == [*range(100), "blocking", "threaded"]
    assert page.call("echo", 10)("after") == "after"


# Disk and clock ----------------------------------------------------------------------------------------


def test_the_disk_is_full_while_it_logs(app: JsMeetsPy, page: Page, capsys: pytest.CaptureFixture[str]) -> None:
    @app.expose
    def fail() -> None:
        raise ValueError("of the user")

    logger, handler = logging.getLogger("jsmeets_local"), logging.FileHandler("/dev/full")
    logger.addHandler(handler)
    try:
        raw = as_page(page)
        for n in range(1, 20):
            raw.send(["call", n, "fail", []])
            kind, number, error = raw.receive()
            assert (kind, number, error["message"]) == ("error", n, "of the user")
    finally:
        logger.removeHandler(handler)
        with suppress(OSError):  # it had something left to write
            handler.close()
    assert "No space left on device" in capsys.readouterr().err


def wall_clocks(tree: ast.AST) -> Iterator[str]:
    """Yield the calls that read the wall clock."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            yield from (name.name for name in node.names if name.name in ("time", "time_ns"))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            name = f"{node.value.id}.{node.attr}"
            if name in ("time.time", "time.time_ns", "datetime.now", "datetime.utcnow"):
                yield name


def test_no_clock_is_used_that_can_jump() -> None:
    assert list(wall_clocks(ast.parse("import time\ntime.time()\nfrom time import time_ns"))) == [
        "time_ns",
        "time.time",
    ]
    files = [path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE / "cli" / "project"]
    assert len(files) > 60
    assert {path.name: names for path in files if (names := list(wall_clocks(ast.parse(path.read_text()))))} == {}
    for path in (PACKAGE / "assets").glob("*.js"):
        assert not re.search(r"Date\.now|new Date\(\)", path.read_text()), path.name
