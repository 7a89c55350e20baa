"""Ctrl-C at any point: nothing is lost and nothing hangs."""

from __future__ import annotations

import _thread
import asyncio
import ctypes
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jsmeets_local import Bridge, JsMeetsPy
from jsmeets_local.bridge.portal import Portal
from tests.bridge.event_loop import served
from tests.raw import RawPage, as_page
from tests.timing import scaled, until

ROOT = Path(__file__).parents[2]
COUNT = int(os.environ.get("JSMEETS_INTERRUPTS", "800"))


@pytest.mark.skipif(sys.platform == "win32", reason="there are no timers that send signals")
@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_thousands_of_interrupts_lose_nothing(loop: str) -> None:
    command = [sys.executable, "-m", "tests.stress.interrupts", "--count", str(COUNT), "--loop", loop]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60 + COUNT * 0.05, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == "", "an interrupt came where Python ignores it"


class Broken:
    """An event loop whose wake-ups are interrupted before or after the callback is registered, as asyncio's can be."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.interrupts = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    def call_soon_threadsafe(self, *args: Any) -> Any:
        if self.interrupts:
            self.interrupts -= 1
            raise KeyboardInterrupt
        return self._loop.call_soon_threadsafe(*args)


@pytest.mark.parametrize("again", [1, 2, 3])
def test_an_interrupted_wake_up_is_repeated(again: int) -> None:
    bridge = Bridge()
    done: list[int] = []

    async def main() -> None:
        loop = Broken(asyncio.get_running_loop())
        bridge.portal.loop = loop  # type: ignore[assignment]

        def interrupted() -> None:
            for number in range(again):
                loop.interrupts = 1
                with pytest.raises(KeyboardInterrupt):
                    bridge.portal.post(done.append, number)
            loop.interrupts = 1
            with pytest.raises(KeyboardInterrupt):
                bridge.portal.call(done.append, again)
            assert bridge.portal.call(list, done) == [*range(again)], "what was given up before it began is not done"

        await asyncio.to_thread(interrupted)
        assert done == [*range(again)]

    served(bridge, main)


def test_an_interrupt_while_a_wait_is_cancelled() -> None:
    bridge = Bridge()
    cancelled: list[int] = []

    async def main() -> None:
        loop = Broken(asyncio.get_running_loop())
        bridge.portal.loop = loop  # type: ignore[assignment]

        def interrupted() -> None:
            thread = ctypes.c_ulong(threading.get_ident())

            def operation(done: Callable[[int], None]) -> Callable[[], None]:
                loop.interrupts = 1  # the second interrupt, while the wait is cancelled
                ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, ctypes.py_object(KeyboardInterrupt))
                done(1)
                return lambda: cancelled.append(1)

            with pytest.raises(KeyboardInterrupt):
                bridge.portal.block(operation, "")
            bridge.portal.call(int)

        await asyncio.to_thread(interrupted)

    served(bridge, main)
    assert cancelled == [1]


def test_calls_made_while_the_loop_closes_are_answered() -> None:
    portal = Portal()
    answers: list[int] = []

    async def main() -> None:
        portal.open(asyncio.get_running_loop())
        await asyncio.sleep(0)
        threads = [
            threading.Thread(target=lambda: answers.extend(portal.call(int) for _ in range(300))) for _ in "1234"
        ]
        for thread in threads:
            thread.start()
        await asyncio.sleep(0.002)
        portal.close()
        for thread in threads:
            await asyncio.to_thread(thread.join, 10)
        assert not any(thread.is_alive() for thread in threads)

    for burst in range(1, 21):
        asyncio.run(main())
        assert len(answers) == burst * 1200


# Calls ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["call", "use"])
def test_an_interrupt_cancels_the_call(app: JsMeetsPy, kind: str) -> None:
    page = app.launch("<p>", mode="none")
    client = as_page(page)
    ask = (lambda: page.call("f")(1)) if kind == "call" else (lambda: page.js.f(1))
    numbers: list[int] = []

    def interrupt() -> None:
        numbers.append(client.next(kind)[1])
        _thread.interrupt_main()

    waits = threading.Thread(target=interrupt)
    waits.start()
    with pytest.raises(KeyboardInterrupt):
        ask()
    waits.join()
    assert client.receive() == ["cancel", numbers[0]]
    client.send(["return", numbers[0], "late"])
    second = threading.Thread(target=lambda: client.send(["return", client.next(kind)[1], "in time"]))
    second.start()
    assert ask() == "in time"
    second.join()


# What was taken and did not arrive goes back --------------------------------------------------------------------------


def publish(page: RawPage, *numbers: int) -> None:
    page.send(*(["publish", 0, "t", number, False] for number in numbers))


def push(page: RawPage, *numbers: int) -> None:
    page.send(*(["push", 0, "q", number] for number in numbers))


@pytest.mark.parametrize("kind", ["queue", "topic"])
def test_items_of_cancelled_tasks_keep_their_order(app: JsMeetsPy, kind: str) -> None:
    page = app.launch("<p>", mode="none")
    client = RawPage(page.url)
    subscription = page.subscribe("t")
    read = (lambda: page._client.queue_item("q", None)) if kind == "queue" else (lambda: subscription._inbox.next(None))
    portal = page._client.bridge.portal
    (push if kind == "queue" else publish)(client, 1, 2, 3, 4)
    until(lambda: app.stats()["pages"][0]["received"] >= 4)

    async def main() -> None:
        tasks = [asyncio.create_task(portal.awaitable(read())) for _ in range(3)]
        await asyncio.sleep(0)  # both tasks wait
        portal.call(int)  # both have an answer that they have not seen
        for task in tasks:
            task.cancel()
        assert all(
            isinstance(out, asyncio.CancelledError) for out in await asyncio.gather(*tasks, return_exceptions=True)
        )

    asyncio.run(main())
    got = [page.queue("q").get(scaled(5)) if kind == "queue" else subscription.get(scaled(5))[1] for _ in range(4)]
    assert got == [1, 2, 3, 4]


@pytest.mark.parametrize("kind", ["queue", "topic"])
def test_a_returned_item_goes_to_the_next_waiter(app: JsMeetsPy, kind: str) -> None:
    page = app.launch("<p>", mode="none")
    client = RawPage(page.url)
    subscription = page.subscribe("t")
    read = (lambda: page._client.queue_item("q", None)) if kind == "queue" else (lambda: subscription._inbox.next(None))
    portal = page._client.bridge.portal
    first: list[Any] = []
    second = threading.Event()
    cancels = [portal.call(read(), first.append), portal.call(read(), lambda item: second.set())]
    (push if kind == "queue" else publish)(client, 1)
    until(lambda: first)
    assert not second.is_set()
    portal.call(cancels[0])
    assert second.wait(scaled(5))


def test_closing_a_loop_before_the_answer_arrives_loses_nothing(app: JsMeetsPy) -> None:
    page = app.launch("<p>", mode="none")
    client = RawPage(page.url)
    portal = page._client.bridge.portal
    loop = asyncio.new_event_loop()
    task = loop.create_task(portal.awaitable(page._client.queue_item("q", None)))
    loop.run_until_complete(asyncio.sleep(0.01))
    portal.call(int)
    loop.close()
    push(client, 1)
    assert page.queue("q").get(scaled(5)) == 1
    task.get_coro().close()  # type: ignore[union-attr]
    task._log_destroy_pending = False  # type: ignore[attr-defined] # it is what this is about


def test_a_signal_just_before_the_wait_is_noticed() -> None:
    """Python checks for signals before it waits for a lock, and then only when the kernel reports one."""
    bridge = Bridge()
    ready, end = threading.Event(), threading.Event()

    def serve() -> None:
        async def main() -> None:
            ready.set()
            await asyncio.to_thread(end.wait)

        served(bridge, main)

    thread = threading.Thread(target=serve)
    thread.start()
    ready.wait(scaled(10))
    # What a signal that arrives in that moment leaves behind: it is due, and no system call of the main thread ends.
    with pytest.raises(KeyboardInterrupt):
        threading.Timer(0.2, _thread.interrupt_main).start()
        bridge.portal.block(lambda done: None, "")
    end.set()
    thread.join(scaled(10))
