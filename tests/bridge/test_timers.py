"""Time limits on a loop that is blocked: what has arrived meanwhile is handled first."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from typing import Any

import pytest
import uvloop

from jsmeets_local import JsMeetsPy
from jsmeets_local.bridge.timers import Timer
from tests.raw import RawPage, as_page, key_of
from tests.timing import scaled, until


@pytest.mark.parametrize("make_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_what_has_arrived_precedes_a_late_timer(make_loop: Any) -> None:
    events: list[str] = []

    async def main() -> None:
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        ours, theirs = socket.socketpair()
        ours.setblocking(False)

        def read() -> None:
            ours.recv(10)
            hop(10)

        def hop(left: int) -> None:  # as a connection that is accepted and says hello
            if left:
                loop.call_soon(hop, left - 1)
            else:
                events.append("handled")

        loop.add_reader(ours, read)
        Timer(loop, loop.time() + 0.01, lambda: (events.append("timer"), ended.set()))
        Timer(loop, loop.time() + 0.01, lambda: events.append("cancelled")).cancel()
        theirs.send(b"x")
        time.sleep(0.5)  # blocks the loop, on purpose
        await ended.wait()
        loop.remove_reader(ours)
        ours.close()
        theirs.close()

    with asyncio.Runner(loop_factory=make_loop) as runner:
        runner.run(main())
    assert events == ["handled", "timer"]


def test_a_page_that_reloads_while_the_loop_is_blocked_stays_open(app: JsMeetsPy) -> None:
    page = app.launch("<p>", mode="none", grace=0.1)
    states: list[str] = []
    page.add_state_event(states.append)
    as_page(page, "before").send(["goodbye"])
    until(lambda: not page.is_connected())
    release, reloaded = threading.Event(), threading.Event()
    app.bridge.portal.post(release.wait, scaled(30))
    threading.Thread(target=lambda: RawPage(page.url, "after", key_of(page)) and reloaded.set()).start()
    time.sleep(1.2)  # longer than the grace time
    release.set()
    assert reloaded.wait(scaled(10))
    until(page.is_connected)
    assert not page.wait(0.01)
    assert "closed" not in states
