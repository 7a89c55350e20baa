"""Programs that end while their server runs keep their exit code, print nothing and never crash."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from tests.bridge.conftest import Program
from tests.timing import scaled

GO_ON = "launch()\nsys.stdin.readline()\n"

BOTH_WAYS = """
launch()
@app.expose
def there_and_back(value):
    return page.call("back")(value)
@app.expose
async def there_and_back_async(value):
    return await page.aio.call("back")(value)
def ask_for_ever():
    while True:
        page.call("back")(1)
def tell_for_ever():
    while True:
        page.publish("t")(1)
        page.call_nowait("told")()
        time.sleep(0.001)
for work in (ask_for_ever, tell_for_ever):
    threading.Thread(target=work, daemon=True).start()
sys.stdin.readline()
"""


class Busy(threading.Thread):
    """A page that keeps calling Python and answers every call."""

    def __init__(self, program: Program) -> None:
        super().__init__()
        self._page = program.page()
        self.well_under_way = threading.Event()
        self.start()

    def run(self) -> None:
        answers = 0
        for number, name in enumerate(["echo", "there_and_back", "there_and_back_async"] * 3, start=1):
            self._page.send(["call", number, name, [number]])
        for kind, *rest in self._page.messages():
            with suppress(ConnectionClosed):  # earlier frames are still read
                if kind == "return":
                    answers += 1
                    self._page.send(["call", rest[0], ["echo", "there_and_back"][answers % 2], [answers]])
                elif kind == "call":
                    self._page.send(["return", rest[0], rest[2][0]])
            if answers > 50:
                self.well_under_way.set()


ENDS = {
    "the last line": ("", 0, ""),
    "sys.exit": ("sys.exit(3)", 3, ""),
    "an error": ("raise ValueError('of the program')", 1, "ValueError: of the program"),
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("traffic", [False, True])
def test_a_program_ends_with_its_code(start: Any, end: str, traffic: bool) -> None:
    line, code, said = ENDS[end]
    program = start((BOTH_WAYS if traffic else GO_ON) + line)
    busy = Busy(program) if traffic else None
    if busy is not None:
        assert busy.well_under_way.wait(scaled(20))
    ended_with, _, errors = program.end()
    assert ended_with == code, errors
    assert errors.count("Traceback") == (1 if said else 0), errors
    assert errors.strip().rpartition("\n")[2] == said
    if busy is not None:
        busy.join(scaled(20))
        assert not busy.is_alive()


SLEEP = """
@app.expose
def sleep():
    page.call_nowait("begun")()
    time.sleep(1000)
"""


def test_a_program_ends_while_a_function_sleeps(start: Any) -> None:
    program = start(SLEEP + GO_ON)
    page = program.page()
    page.send(*(["call", number, "sleep", []] for number in range(1, 5)))
    page.next("notify")
    assert program.end() == (0, "", "")


def test_a_program_ends_that_launched_in_a_thread(start: Any) -> None:
    program = start("thread = threading.Thread(target=launch)\nthread.start()\nthread.join()\nsys.stdin.readline()")
    page = program.page()
    assert program.end() == (0, "", "")
    assert ["close", "the Python program has ended", True] in [message[:3] for message in page.messages()]


def test_atexit_handlers_of_the_program_can_use_the_page(start: Any) -> None:
    program = start(
        """
@atexit.register
def last():
    page.publish("t")("last words")
    print(page.call("f")(1), page.is_closed())
app.add_event_handler("shutdown", lambda: print("shut down"))
"""
        + GO_ON
    )
    page = program.page()
    page.send(["subscribe", 1, "t"])
    assert page.receive() == ["return", 1, True]
    assert program.process.stdin is not None
    program.process.stdin.write("\n")
    program.process.stdin.flush()
    assert page.next("publish")[2:4] == ["t", "last words"]
    page.send(["return", page.next("call")[1], 7])
    assert program.end() == (0, "7 False\nshut down\n", "")


LATER = """
import atexit
@atexit.register
def later():
    page.publish("t")(1)
    try:
        page.call("f")()
    except PageClosed:
        print("closed:", page.wait(), app.wait())
"""


def test_atexit_handlers_after_the_server_find_it_closed(start: Any) -> None:
    program = start("from jsmeets_local import PageClosed\n" + GO_ON, LATER)
    assert program.end() == (0, "closed: True True\n", "")


BLOCK = """
@app.expose
async def block():
    print("blocks", flush=True)
    time.sleep(1000)
"""


def test_a_blocking_async_function_does_not_delay_the_exit_for_ever(start: Any) -> None:
    program = start(BLOCK + GO_ON)
    page = program.page()
    page.send(["call", 1, "block", []])
    assert program.out.readline() == "blocks\n"
    code, _, errors = program.end()
    assert code == 0
    assert "the server did not stop in 3 s" in errors
