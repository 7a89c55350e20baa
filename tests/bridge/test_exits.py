"""`sys.exit()` in a function of the user ends `run()` and `wait()` in the main thread."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from typing import Any

import pytest

from jsmeets_local import JsMeetsPy, Page
from tests.bridge.conftest import Program
from tests.raw import as_page
from tests.timing import scaled

WAYS = {
    "page.wait()": "page.wait()",
    "app.wait()": "app.wait()",
    "wait() with a timeout": "page.wait(60)",
    "aio.wait()": "import asyncio; asyncio.run(page.aio.wait())",
}
QUITS = {
    "plain": ("@app.expose\ndef quit(code): sys.exit(code)", ["call", 1, "quit", [3]]),
    "async": ("@app.expose\nasync def quit(code): sys.exit(code)", ["call", 1, "quit", [3]]),
    "notified": ("@app.expose\ndef quit(code): sys.exit(code)", ["notify", "quit", [3]]),
    "a subscriber": (
        "@app.pubsub.subscribe('t')\ndef quit(topic, code): sys.exit(code)",
        ["publish", 1, "t", 3, False],
    ),
    "an async subscriber": (
        "@app.pubsub.subscribe('t')\nasync def quit(topic, code): sys.exit(code)",
        ["publish", 1, "t", 3, False],
    ),
    "a queue callback": ("app.queues.add_callback(lambda key: sys.exit(app.queues.pop(key)))", ["push", 1, "q", 3]),
}
# What the log says if the page was quicker than run().
EARLY = ": the main thread is in neither run() nor wait(); its next run() or wait() exits immediately\n"
END = "\nprint('not reached', flush=True)"


def quits(program: Program, message: list[Any]) -> tuple[int, list[Any], str, str]:
    """Send a message of the page; return the exit code, the messages to the page, and what the program printed."""
    page = program.page()
    page.send(message)
    heard = [message for message in page.messages() if message[0] not in ("ack", "ping")]
    out, errors = program.process.communicate(timeout=scaled(30))
    lines = [line for line in errors.splitlines(keepends=True) if not line.endswith(EARLY)]
    return program.process.returncode, heard, out, "".join(lines)


@pytest.mark.parametrize("way", WAYS)
def test_sys_exit_ends_a_wait_in_the_main_thread(start: Any, way: str) -> None:
    exposed, message = QUITS["plain"]
    code, heard, out, errors = quits(start(f"{exposed}\nlaunch()\n{WAYS[way]}{END}"), message)
    assert (code, out, errors) == (3, "", "")
    assert heard[0] == ["return", 1, None], "the page hears that first"
    assert heard[-1][0] == "close"


@pytest.mark.parametrize("quit", QUITS)
def test_sys_exit_ends_run(start: Any, quit: str) -> None:
    exposed, message = QUITS[quit]
    code = f"{exposed}\napp.run('<p>', mode='none', main=lambda page: print(page.url, flush=True)){END}"
    assert quits(start(code), message)[0::2] == (3, "")


MAINS = {
    "waits for an item": "page.queue('never').get()",
    "waits for an answer": "page.call('never')()",
    "waits for its page": "page.wait()",
    "reads": "list(page.queue('never'))",
}


@pytest.mark.parametrize("main", MAINS)
def test_sys_exit_ends_run_while_main_waits(start: Any, main: str) -> None:
    exposed, message = QUITS["plain"]
    code = (
        f"{exposed}\ndef main(page):\n    print(page.url, flush=True)\n    {MAINS[main]}\n"
        f"app.run('<p>', mode='none', main=main){END}"
    )
    program = start(code)
    status, _, out, errors = quits(program, message)
    told = f"Open this in a browser on this machine: {program.url}\nCtrl-C ends it.\n"
    assert (status, out, errors) == (3, "", told)


@pytest.mark.parametrize(("code", "status", "said"), [("0", 0, ""), ("", 0, ""), ("'no disk'", 1, "no disk\n")])
def test_the_exit_code_is_that_of_sys_exit(start: Any, code: str, status: int, said: str) -> None:
    program = start(f"@app.expose\ndef quit(): sys.exit({code})\nlaunch()\npage.wait(){END}")
    ended, _, out, errors = quits(program, ["call", 1, "quit", []])
    assert (ended, out, errors) == (status, "", said)


def test_a_later_wait_ends_immediately(start: Any) -> None:
    exposed, _ = QUITS["plain"]
    program = start(f"{exposed}\nlaunch()\nsys.stdin.readline()\npage.wait(){END}")
    page = program.page()
    assert page.ask("call", "quit", [3]) == ["return", 1, None]
    code, out, errors = program.end()
    assert (code, out) == (3, "")
    assert errors.strip() == (
        "the exposed function 'quit' called sys.exit(3): the main thread is in neither run() nor wait(); "
        "its next run() or wait() exits immediately"
    )


def test_sys_exit_does_not_end_the_next_server(app: JsMeetsPy, caplog: pytest.LogCaptureFixture) -> None:
    app.functions.expose("quit", lambda: sys.exit(3))
    assert as_page(app.launch("<p>", mode="none")).ask("call", "quit", []) == ["return", 1, None]
    app.stop()
    page = app.launch("<p>", mode="none")
    assert not page.wait(0.01)
    assert not app.wait(0.01)
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_only_the_main_thread_ends(app: JsMeetsPy, page: Page) -> None:
    ended: list[bool] = []
    app.functions.expose("quit", lambda: sys.exit(3))
    waiting = threading.Thread(target=lambda: ended.append(page.wait()))
    waiting.start()
    raw = as_page(page)
    assert raw.ask("call", "quit", []) == ["return", 1, None]
    assert not ended
    app.stop()
    waiting.join(scaled(10))
    assert ended == [True]
    with pytest.raises(SystemExit) as caught:
        page.wait()
    assert caught.value.code == 3
    assert page.wait(), "once"


def test_an_awaited_wait_beside_other_tasks(app: JsMeetsPy, page: Page, caplog: pytest.LogCaptureFixture) -> None:
    app.functions.expose("quit", lambda: sys.exit(3))
    raw = as_page(page)

    async def press() -> None:
        app.stats()  # the bridge knows of the wait
        raw.send(["call", 1, "quit", []])
        await asyncio.sleep(60)

    async def main() -> None:
        pressing = asyncio.create_task(press())  # runs once this coroutine waits
        await page.aio.wait()
        await pressing

    with caplog.at_level(logging.INFO), pytest.raises(SystemExit):
        asyncio.run(main())
    assert "called sys.exit(3): stopping the program" in caplog.text
    assert not [record for record in caplog.records if record.levelno > logging.INFO]


def test_a_finished_wait_leaves_nothing(app: JsMeetsPy, page: Page) -> None:
    for _ in range(3):
        assert not page.wait(0.01)
    assert app.bridge.exits._waits == []


def test_keyboard_interrupt_stays_an_error(app: JsMeetsPy, page: Page) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    app.functions.expose("interrupt", interrupt)
    answer = as_page(page).ask("call", "interrupt", [])
    assert (answer[0], answer[2]["name"]) == ("error", "KeyboardInterrupt")
    assert not page.wait(0.01)
