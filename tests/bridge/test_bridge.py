"""The portal and the bridge: threads, event loops, and a bridge that does not run."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
import time
from typing import Any

import pytest

from jsmeets_local import Bridge, BridgeBusy, CallTimeout, Disconnected, JsPyBinarySocket, JsPyError, WouldDeadlock
from jsmeets_local.api.background import Background
from jsmeets_local.api.binarysocket import Casting
from jsmeets_local.api.functions import Functions
from jsmeets_local.api.pubsub import Pubsub
from jsmeets_local.api.queues import QueuesApi
from jsmeets_local.api.textsocket import TextSockets
from jsmeets_local.blocking import BlockingFunctions, BlockingQueues
from jsmeets_local.protocol.messages import Call, Hello
from tests.bridge.event_loop import served
from tests.timing import scaled


def test_before_it_runs_a_bridge_can_be_set_up() -> None:
    bridge = Bridge()
    functions, queues, pubsub = Functions(bridge), QueuesApi(bridge), Pubsub(bridge)
    assert functions.expose("f", print)
    assert functions.get_keys() == ["f"]
    assert functions.has("f")
    assert not functions.is_running("f")
    assert queues.is_empty("q")
    assert pubsub.get_topics() == []
    assert TextSockets(bridge).get_socket_id() == ()
    functions.call_nowait("f")(1)
    assert BlockingFunctions(bridge).call("f")(1) == {}
    assert asyncio.run(functions.call("f")(1)) == {}  # type: ignore[arg-type]
    assert asyncio.run(queues.push("q", timeout=1)(1)) == []  # type: ignore[arg-type]


def test_what_is_published_before_it_runs_is_delivered_when_it_starts() -> None:
    bridge = Bridge()
    heard: list[Any] = []
    done = threading.Event()
    Pubsub(bridge).subscribe("t", lambda *args: (heard.append(args), done.set()))
    Pubsub(bridge).publish("t")("early")
    ran: list[Any] = []
    Background(bridge).register_function(lambda *args: ran.append(args), [1, 2])
    assert heard == []

    async def main() -> None:
        assert await asyncio.to_thread(done.wait, scaled(10))
        while not ran:  # in a thread of its own
            await asyncio.sleep(0.001)

    served(bridge, main)
    assert heard == [("t", "early")]
    assert ran == [(1, 2)]


def test_decorators() -> None:
    functions, pubsub = Functions(Bridge()), Pubsub(Bridge())

    @functions.callable
    def one() -> int:
        return 1

    @functions.exclusive_callable
    def two() -> int:
        return 2

    @pubsub.subscribe("t")
    def hear(topic: str, data: Any) -> int:
        return 3

    assert (one(), two(), hear("", 0)) == (1, 2, 3)
    assert functions.get_keys() == ["one", "two"]
    with pytest.raises(KeyError, match="'one' is invalid @python"):
        functions.callable(one)
    with pytest.raises(KeyError):
        functions.exclusive_callable(one)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda f: f.expose(5, print), TypeError, "key of an exposed function must be a str; got 5"),
        (lambda f: f.expose("", print), ValueError, "empty"),
        (lambda f: f.expose("f", 5), TypeError, "'f' must be a function; got 5"),
        (lambda f: f.expose("$eval", print), ValueError, "are reserved"),
        (lambda f: f.call("f", target="1"), TypeError, "target must be a socket number"),
        (lambda f: f.call("f", target=True), TypeError, "target must be a socket number"),
        (lambda f: f.call("f", timeout="1"), TypeError, "timeout must be a number of seconds"),
        (lambda f: f.call_nowait("f")(object()), TypeError, r"args\[0\]: object of type object"),
    ],
)
def test_bad_arguments_are_named(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call(Functions(Bridge()))


def test_a_blocking_call_on_the_loop_raises() -> None:
    bridge = Bridge()

    async def main() -> None:
        with pytest.raises(WouldDeadlock, match=r"await JsPyFunction\.call"):
            BlockingFunctions(bridge).call("f")()
        assert issubclass(WouldDeadlock, JsPyError)

    served(bridge, main)


def test_a_bridge_serves_one_loop_at_a_time() -> None:
    bridge = Bridge()

    async def main() -> None:
        bridge.start()  # the same loop once more

        def other() -> None:
            async def start() -> None:
                bridge.start()

            with pytest.raises(BridgeBusy, match=r"JsMeetsPy\(bridge=Bridge\(\)\)"):
                asyncio.run(start())

        await asyncio.to_thread(other)
        await bridge.stop()
        assert bridge.portal.is_open(), "it has another user"

    served(bridge, main)
    assert not bridge.portal.is_open()
    served(bridge, lambda: asyncio.sleep(0))  # and again


def test_a_loop_that_was_closed_without_stop_is_no_obstacle() -> None:
    bridge = Bridge()

    async def start() -> None:
        bridge.start()

    asyncio.run(start())
    assert not bridge.portal.is_open()
    Functions(bridge).expose("f", print)
    served(bridge, lambda: asyncio.sleep(0))
    assert Functions(bridge).get_keys() == ["f"]


def test_callbacks_that_raise_are_logged_and_the_next_ones_come(caplog: pytest.LogCaptureFixture) -> None:
    bridge = Bridge()
    heard: list[int] = []
    done = threading.Event()

    async def hear(_: str, n: int) -> None:
        if n == 1:
            raise ValueError("the async one")
        if n == 4:
            raise SystemExit("must not end the server")
        heard.append(n)

    def hear_plain(_: str, n: int) -> None:
        if n == 1:
            raise SystemExit("the plain one")
        heard.append(n)
        if n == 3:
            done.set()

    async def main() -> None:
        Pubsub(bridge).subscribe("a", hear)
        Pubsub(bridge).subscribe("p", hear_plain)
        for n in (1, 2, 4, 3):
            Pubsub(bridge).publish("a")(n)
        for n in (1, 2, 3):
            Pubsub(bridge).publish("p")(n)
        assert await asyncio.to_thread(done.wait, scaled(10))

    with caplog.at_level(logging.WARNING):
        served(bridge, main)
    assert sorted(heard) == [2, 2, 3, 3]
    assert "the subscriber of topic 'a' raised" in caplog.text
    assert "ValueError: the async one" in caplog.text
    assert "the subscriber of topic 'p' called sys.exit('the plain one')" in caplog.text


def test_stop_cancels_what_runs_and_ends_what_waits() -> None:
    bridge = Bridge()
    cancelled = threading.Event()
    started = threading.Event()

    async def sleeps(*_: Any) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async def main() -> None:
        Pubsub(bridge).subscribe("t", sleeps)
        Pubsub(bridge).publish("t")(1)
        while not started.is_set():
            await asyncio.sleep(0)

    served(bridge, main)
    assert cancelled.is_set()


@pytest.mark.parametrize("begins", [True, False])
def test_stop_does_not_run_what_waits_its_turn_and_counts_it_as_ended(begins: bool) -> None:
    bridge = Bridge()
    ran: list[int] = []

    async def slow() -> None:
        ran.append(1)
        await asyncio.Event().wait()

    Functions(bridge).expose("slow", slow, exclusive=True)

    async def main() -> None:
        number = bridge.do(bridge.protocol.hello, Hello("d", "p", []), "")
        bridge.do(bridge.protocol.receive, number, [Call(i, "slow", []) for i in range(1, 50)])
        while begins and not ran:
            await asyncio.sleep(0)

    start = time.monotonic()
    served(bridge, main)
    assert time.monotonic() - start < scaled(2)
    assert ran == [1] or not begins
    assert not Functions(bridge).is_running("slow")


def test_stop_ends_a_blocking_get() -> None:
    bridge = Bridge()
    outcomes: list[Any] = []

    def get() -> None:
        try:
            BlockingQueues(bridge).get("q", timeout=scaled(60))
        except Disconnected as error:
            outcomes.append(str(error))

    thread = threading.Thread(target=get)

    async def main() -> None:
        thread.start()
        while not bridge.item_waiters.get("q"):
            await asyncio.sleep(0.001)

    served(bridge, main)
    thread.join(scaled(10))
    assert outcomes == ["the page was closed, or the server has stopped; nothing more will arrive on the queue 'q'"]


def test_a_blocking_get_ends_in_time_when_nothing_is_served() -> None:
    queues = BlockingQueues(Bridge())
    with pytest.raises(CallTimeout):
        queues.get("q", timeout=0.05)


def test_an_item_taken_for_a_cancelled_reader_goes_back() -> None:
    bridge = Bridge()
    queues = QueuesApi(bridge)

    async def main() -> int:
        got = 0
        for n in range(50):
            bridge.do(bridge.protocol.queues.put, "q", n)
        for _ in range(50):
            task = asyncio.create_task(bridge.portal.awaitable(bridge.next_item("q", None)))
            await asyncio.sleep(0)
            task.cancel()
            got += not isinstance((await asyncio.gather(task, return_exceptions=True))[0], BaseException)
        await asyncio.sleep(0)
        return got + sum(queues.shift("q") is not None for _ in range(50))

    assert served(bridge, main) == 50


def test_cancelling_a_broadcast_affects_no_other_socket() -> None:
    casting = Casting()

    async def main() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(casting, 0.01)
        casting.future.set_result([])
        assert await casting == []

    asyncio.run(main())


def test_call_forms_of_2020() -> None:
    assert JsPyBinarySocket.JsPyBinarySocket("/p").url_path() == "/p"  # type: ignore[attr-defined]
    queues = QueuesApi(Bridge())
    queues.push_nowait(5)("a number as the key")
    with pytest.raises(TypeError, match="key of a queue"):
        queues.push_nowait([])(1)  # type: ignore[arg-type]


def test_cancelling_a_task_cancels_its_operation() -> None:
    bridge = Bridge()
    seen: list[str] = []

    async def main() -> None:
        task = asyncio.create_task(bridge.portal.awaitable(lambda done: lambda: seen.append("cancelled")))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0.01)

    served(bridge, main)
    assert seen == ["cancelled"]


def test_ctrl_c_ends_a_blocking_wait_and_cancels_it() -> None:
    bridge, loop = Bridge(), asyncio.new_event_loop()
    cancelled = threading.Event()
    ready = threading.Event()

    async def run() -> None:
        bridge.start()
        ready.set()

    thread = threading.Thread(target=lambda: (loop.run_until_complete(run()), loop.run_forever()), daemon=True)
    thread.start()
    ready.wait(scaled(10))

    def operation(done: Any) -> Any:
        threading.Timer(0.05, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT)).start()
        return cancelled.set

    with pytest.raises(KeyboardInterrupt):
        bridge.portal.block(operation, "")
    assert cancelled.wait(scaled(10))
    asyncio.run_coroutine_threadsafe(bridge.stop(), loop).result(scaled(10))
    loop.call_soon_threadsafe(loop.stop)
    thread.join(scaled(10))
    loop.close()


def test_errors_of_an_operation_reach_the_waiting_thread() -> None:
    bridge = Bridge()

    def fails(done: Any) -> None:
        raise RuntimeError("inside")

    async def main() -> None:
        with pytest.raises(RuntimeError, match="inside"):
            await bridge.portal.awaitable(fails)
        with pytest.raises(RuntimeError, match="inside"):
            await asyncio.to_thread(bridge.portal.block, fails, "")
        with pytest.raises(RuntimeError, match="inside"):
            await asyncio.to_thread(bridge.portal.call, fails, None)

        def elsewhere() -> None:
            with pytest.raises(RuntimeError, match="inside"):
                asyncio.run(bridge.portal.awaitable(fails))

        await asyncio.to_thread(elsewhere)

    served(bridge, main)


def test_posts_of_many_threads_keep_the_order_of_each() -> None:
    bridge = Bridge()
    seen: list[tuple[int, int]] = []

    def post(thread: int) -> None:
        for n in range(500):
            bridge.portal.post(seen.append, (thread, n))

    async def main() -> None:
        await asyncio.gather(*(asyncio.to_thread(post, i) for i in range(4)))
        await asyncio.to_thread(bridge.portal.call, lambda: None)

    served(bridge, main)
    for i in range(4):
        assert [n for thread, n in seen if thread == i] == list(range(500))
