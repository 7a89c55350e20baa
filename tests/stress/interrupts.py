"""Ctrl-C, thousands of times, at any place of everything that blocks: nothing is lost and nothing hangs.

    python -m tests.stress.interrupts --count 8000 --loop asyncio

A timer interrupts the main thread after a random time, however far it has come. Meanwhile a page answers its calls and
sends numbered items, another thread does the same work undisturbed, and in the end every number is there, once and in
order.
"""

from __future__ import annotations

import argparse
import faulthandler
import gc
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

from jsmeets_local import Bridge, JsMeetsPy, Page, ref
from jsmeets_local.blocking import BlockingQueues
from jsmeets_local.errors import CallTimeout
from tests.raw import RawPage

SECONDS = 20.0  # that anything may take
AHEAD = 60  # items that are under way
QUEUES = ("got", "looped", "shifted", "blocking")


class Interrupts:
    """Interrupts the main thread while it works; counts how often."""

    def __init__(self, seed: int) -> None:
        self.count = 0
        self.where: Counter[str] = Counter()
        self._active = False
        self._random = random.Random(seed)
        signal.signal(signal.SIGALRM, self._interrupt)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self._active:
            # The next one comes while this one is dealt with, at times; or later, where Python has swallowed this one.
            soon = self._random.random() < 0.3
            signal.setitimer(signal.ITIMER_REAL, self._random.uniform(1e-6, 1e-4) if soon else 0.02)
            self.count += 1
            if frame is not None:
                self.where[f"{frame.f_code.co_filename.rpartition('/')[2]}:{frame.f_code.co_name}"] += 1
            raise KeyboardInterrupt

    def disturb(self, work: Callable[[], object]) -> None:
        """Does a piece of work again and again, until it is interrupted."""
        self._active = True
        try:
            signal.setitimer(signal.ITIMER_REAL, self._random.choice((1e-5, 2e-4, 1e-3)) * self._random.uniform(0.1, 1))
            while True:
                work()
        except KeyboardInterrupt:
            self._active = False


class Sender(threading.Thread):
    """The page: answers what it is called, and sends numbers, no more than `AHEAD` before they are read."""

    def __init__(self, page: Page) -> None:
        super().__init__(name="page", daemon=True)
        self._page = RawPage(page.url, page=page.url.rpartition(".")[2])
        self.sent: Counter[str] = Counter()
        self.pushed: list[int] = []
        self.read: Callable[[str], int] = lambda name: 0
        self.stopped = threading.Event()
        self.released = 0  # functions, which Python has dropped

    def send_last(self) -> None:
        self._page.send(["push", 0, "last", 1])

    def run(self) -> None:
        threading.Thread(target=self._send, name="page, sending", daemon=True).start()
        for kind, *rest in self._page.messages():
            if kind == "call":
                number, key, args, *specials = rest
                self._page.send(["return", number, args[:-1] if key == "$map" else args])
                if specials:
                    self._page.send(["release", [[special[2], 1] for special in specials[0]]])
            elif kind == "use":
                number, _, ((_, args),) = rest
                if number:
                    self._page.send(["return", number, args])
            elif kind == "release":
                self.released += sum(count for _, count in rest[0])
            elif kind == "push":
                self.pushed.append(rest[-1])

    def _send(self) -> None:
        while not self.stopped.wait(0.0005):
            for name in ("topic", *QUEUES):
                if self.sent[name] - self.read(name) < AHEAD:
                    start = self.sent[name]
                    kind = "publish" if name == "topic" else "push"
                    rest = [False] if name == "topic" else []
                    self._page.send(*([kind, 0, name, number, *rest] for number in range(start, start + 10)))
                    self.sent[name] += 10
            number = self.sent["functions"]
            if number - self.released < AHEAD:
                specials = [[[3, 0], "function", number + 1, "f"], [[3, 1], "function", number + 1, "f"]]
                self._page.send(["push", 0, "functions", [None, None], specials])
                self.sent["functions"] += 2


def bounded(what: str, work: Callable[[], object]) -> None:
    """Does something in a thread of its own, which must end."""
    failures: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run, name=what, daemon=True)
    thread.start()
    thread.join(SECONDS)
    if thread.is_alive():
        faulthandler.dump_traceback(all_threads=True)
        raise SystemExit(f"{what} keeps running")
    if failures:
        raise failures[0]


def main(count: int, seed: int) -> None:
    """Interrupts everything so many times, and looks at what is left."""
    app = JsMeetsPy(bridge=Bridge())
    page = app.launch("<p>", mode="none")
    loop = type(app.bridge.portal.loop).__module__
    sender = Sender(page)
    subscription, queue = page.subscribe("topic"), BlockingQueues(app.bridge)
    got, looped = page.queue("got"), page.queue("looped")
    items: dict[str, list[Any]] = {name: [] for name in ("topic", *QUEUES)}
    sender.read = lambda name: len(items[name])
    heard: list[int] = []
    app.pubsub.subscribe("numbers", lambda topic, number: heard.append(number))
    told: list[int] = []
    undisturbed = threading.Event()
    functions = page.queue("functions")
    rounds = 0

    def loop_over(source: Any, name: str) -> None:
        for item in source:
            items[name].append(item)

    def shift() -> None:
        # An item that is there is taken or is not; None stands for an empty queue.
        items["shifted"].append(app.queues.shift("shifted"))
        if items["shifted"][-1] is None:
            items["shifted"].pop()

    def publish() -> None:
        number = len(told)
        if page.publish("numbers")(number):
            told.append(number)

    def give_up_at_once() -> None:
        page.subscribe("topic").close()

    def call_and_destroy() -> None:
        with functions.get()[0] as function:
            function.timeout(SECONDS)(1)

    works: list[Callable[[], object]] = [
        lambda: functions.get()[0](1),
        lambda: functions.get()[0].nowait(1),
        lambda: functions.get()[1].destroy(),
        call_and_destroy,
        lambda: page.call("echo")(lambda: 1, ref(app)),
        lambda: items["topic"].append(subscription.get()),
        lambda: loop_over(subscription, "topic"),
        lambda: items["got"].append(got.get()),
        lambda: loop_over(looped, "looped"),
        lambda: items["blocking"].append(queue.get("blocking")),
        shift,
        publish,
        give_up_at_once,
        app.stats,
        page.wait,
        lambda: page.wait(0.0001),
        page.wait_connected,
        lambda: page.call("echo")(1),
        lambda: page.map("echo")(range(3)),
        lambda: page.call_nowait("echo")(1),
        lambda: page.queue("there").push(1),
        lambda: app.functions.expose("f", abs),
        app.wait,
    ]

    def beside() -> None:
        nonlocal rounds
        while not undisturbed.is_set():
            assert page.call("echo", timeout=SECONDS)(rounds) == [rounds]
            assert app.stats()["pages"]
            rounds += 1

    sender.start()
    other = threading.Thread(target=beside, name="beside", daemon=True)
    other.start()
    interrupts = Interrupts(seed)
    choose = random.Random(seed)
    while interrupts.count < count:
        interrupts.disturb(choose.choice(works))
    signal.setitimer(signal.ITIMER_REAL, 0)
    undisturbed.set()
    other.join(SECONDS)
    assert not other.is_alive(), "the other thread stands still"
    sender.stopped.set()

    bounded("stats", app.stats)
    bounded("a call", lambda: page.call("echo")(1))
    bounded("a publication", lambda: page.publish("numbers")(-1))
    sender.send_last()
    bounded("an item", lambda: page.queue("last").get())
    readers: dict[str, Callable[[], Any]] = {
        "topic": lambda: subscription.get(0.5),
        "got": lambda: got.get(0.5),
        "looped": lambda: looped.get(0.5),
        "shifted": lambda: page.queue("shifted").get(0.5),
        "blocking": lambda: queue.get("blocking", 0.5),
    }
    lost = {}
    for name, read in readers.items():
        with suppress(CallTimeout):
            while True:
                items[name].append(read())
        numbers = [item[1] for item in items[name]] if name == "topic" else items[name]
        lost[name] = len(set(range(sender.sent[name])) - set(numbers))
        assert len(numbers) == len(set(numbers)) or lost[name], f"{name}: some came twice"
        assert numbers == list(range(sender.sent[name])) or lost[name], f"{name}: not in order"
    with suppress(CallTimeout):
        while True:
            functions.get(0.5)
    gc.collect()
    bounded("a call", lambda: page.call("echo")(1))
    end = time.monotonic() + SECONDS
    while sender.released < sender.sent["functions"] and time.monotonic() < end:
        app.stats()
    lost["functions"] = sender.sent["functions"] - sender.released
    held = app.stats()["pages"][0]["references"]
    assert held == {"exported": 0, "imported": 0}, held
    bounded("the stop", app.stop)
    lost["numbers"] = len(set(told) - set(heard))
    report = sys.stdout.write
    report(f"{interrupts.count} interrupts under {loop}, {rounds} calls beside them\n")
    report(f"sent {dict(sender.sent)}, published {len(told)}\nlost {lost}\n")
    report(f"interrupted in {dict(interrupts.where.most_common(12))}\n")
    assert not any(lost.values()), "something was lost"
    assert rounds > 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=8000)
    parser.add_argument("--loop", choices=("uvloop", "asyncio"), default="uvloop")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.loop == "asyncio":
        sys.modules["uvloop"] = None  # type: ignore[assignment] # as on Windows
    faulthandler.enable()
    faulthandler.dump_traceback_later(SECONDS + arguments.count * 0.05, exit=True)
    main(arguments.count, arguments.seed)
