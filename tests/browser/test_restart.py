"""A Python program that is killed and started again: the page continues with the new one without a reload."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page as Tab

PROGRAM = '''
import os, sys, time
from jsmeets_local import JsMeetsPy
from jsmeets_local.blocking import BlockingFunctions

PAGE = """<!DOCTYPE html><title>T</title><script>
    const states = [], sessions = [], got = [];
    JsPyTextSocket.add_state_event((state) => states.push(state));
    JsPyTextSocket.add_session_event((restarted) => sessions.push(restarted));
    JsPyPubsub.subscribe("news", (topic, data) => got.push(data));
    JsPyFunction.expose("echo", (x) => x);
</script>"""
app = JsMeetsPy(token="the-same-token")

@app.expose
def hang():
    print("hangs", flush=True)
    time.sleep(60)

@app.expose
def who():
    return os.getpid()

page = app.launch(PAGE, mode="none", port=int(sys.argv[1]))
print(page.url, flush=True)
for word in sys.stdin:
    app.pubsub.publish("news")(word.strip())
    print(*BlockingFunctions(app.bridge).call("echo", 10)(word.strip()).items(), flush=True)
'''


class Program:
    def __init__(self, port: int) -> None:
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        command = [sys.executable, "-c", PROGRAM, str(port)]
        self._process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.pid = self._process.pid
        self.url = self.line()

    def line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def say(self, word: str) -> str:
        assert self._process.stdin is not None
        print(word, file=self._process.stdin, flush=True)
        return self.line()

    def kill(self) -> None:
        self._process.kill()  # SIGKILL, so no goodbye is sent
        self._process.communicate()


@pytest.fixture
def start() -> Iterator[Callable[[int], Program]]:
    started: list[Program] = []

    def start(port: int) -> Program:
        started.append(Program(port))
        return started[-1]

    yield start
    for program in started:
        program.kill()


def test_a_page_continues_with_a_killed_and_restarted_python(start: Callable[[int], Program], tab: Tab) -> None:
    first = start(0)
    port = urlsplit(first.url).port or 0
    tab.goto(first.url)
    assert tab.evaluate("JsPyFunction.call('who', 10)()") == first.pid
    tab.evaluate(
        "void (globalThis.pending = JsPyFunction.call('hang')().catch((error) => [error.kind, error.message]))"
    )
    assert first.line() == "hangs"
    first.kill()
    tab.wait_for_function("JsPyTextSocket.state() === 'reconnecting'")
    tab.evaluate("void (globalThis.waits = JsPyFunction.call('who', 30)())")
    second = start(port)
    kind, message = tab.evaluate("pending")
    assert kind == "disconnected"
    assert message.endswith("the connection was lost: it may or may not have run")
    assert tab.evaluate("waits") == second.pid, "what was called while nobody was there is not lost"
    assert tab.evaluate("states") == ["open", "reconnecting", "lost", "open"]
    assert tab.evaluate("sessions") == [False, True]
    assert second.say("hello") == "(1, 'hello')", "its functions are there"
    tab.wait_for_function("got.length === 1")
    assert tab.evaluate("got") == ["hello"], "its subscriptions, too"
