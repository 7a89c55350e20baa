"""Cancellation of calls in both directions, and the call that a function carries out."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest

from jsmeets_local import CallTimeout, Cancelled, JsMeetsPy, Page, PageClosed, current_call, current_page
from tests.raw import RawPage, as_page
from tests.timing import scaled, until

name: contextvars.ContextVar[str] = contextvars.ContextVar("name", default="unset")


class Gate:
    """A function that reports its beginning, waits, and reports its end."""

    def __init__(self) -> None:
        self.began = threading.Event()
        self.may_end = threading.Event()
        self.ended = threading.Event()
        self.calls: list[Any] = []
        self.seen: list[bool] = []
        self.errors: list[BaseException] = []

    def plain(self, value: Any = None) -> Any:
        self.calls.append(value)
        self.began.set()
        try:
            assert self.may_end.wait(scaled(10))
            self.seen.append(current_call().cancelled)
            current_call().raise_if_cancelled()
        except BaseException as error:
            self.errors.append(error)
            raise
        finally:
            self.ended.set()
        return value

    async def coroutine(self, value: Any = None) -> Any:
        self.calls.append(value)
        self.began.set()
        try:
            await asyncio.to_thread(self.may_end.wait, scaled(10))
        except BaseException as error:
            self.errors.append(error)
            raise
        finally:
            self.ended.set()
        return value


def is_idle(app: JsMeetsPy, key: str) -> bool:
    return not app.functions.is_running(key)


def count(app: JsMeetsPy, key: str) -> int:
    value: int = app.stats()[key]
    return value


# From the page -------------------------------------------------------------------------------------------------------


def test_an_async_function_is_cancelled(app: JsMeetsPy, page: Page, caplog: pytest.LogCaptureFixture) -> None:
    gate = Gate()
    app.expose("slow")(gate.coroutine)
    raw = as_page(page)
    raw.send(["call", 1, "slow", [1]])
    assert gate.began.wait(scaled(10))
    with caplog.at_level(logging.DEBUG, "jsmeets_local"):
        raw.send(["cancel", 1])
        assert gate.ended.wait(scaled(10))
        until(lambda: is_idle(app, "slow"))
    gate.may_end.set()
    assert [type(error) for error in gate.errors] == [asyncio.CancelledError]
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert raw.ask("call", "$list", [])[0] == "return", "nothing has answered the cancelled call"
    assert (count(app, "cancelled_calls"), count(app, "dropped_results")) == (1, 0)


def test_a_plain_function_sees_that_it_is_cancelled(
    app: JsMeetsPy, page: Page, caplog: pytest.LogCaptureFixture
) -> None:
    gate = Gate()
    app.expose("slow")(gate.plain)
    raw = as_page(page)
    raw.send(["call", 1, "slow", [1]])
    assert gate.began.wait(scaled(10))
    raw.send(["cancel", 1])
    until(lambda: count(app, "cancelled_calls") == 1)
    gate.may_end.set()
    until(lambda: is_idle(app, "slow"))
    assert gate.seen == [True]
    [error] = gate.errors
    assert isinstance(error, Cancelled)
    assert isinstance(error, asyncio.CancelledError)
    assert not isinstance(error, Exception)
    assert str(error) == "the call of 'slow' is cancelled: the page no longer waits for it"
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert raw.ask("call", "$list", [])[0] == "return"


def test_a_result_of_a_cancelled_function_is_dropped_and_counted(app: JsMeetsPy, page: Page) -> None:
    go, began = threading.Event(), threading.Event()

    @app.expose
    def deaf() -> Any:
        began.set()
        go.wait(scaled(10))
        return object()  # cannot be sent, which does not matter

    raw = as_page(page)
    raw.send(["call", 1, "deaf", []])
    assert began.wait(scaled(10))
    raw.send(["cancel", 1], ["cancel", 1], ["cancel", 77])  # twice, and an unknown one
    until(lambda: count(app, "cancelled_calls") == 1)
    go.set()
    until(lambda: count(app, "dropped_results") == 1)
    assert raw.ask("call", "$list", [])[0] == "return"


def test_an_error_of_a_cancelled_function_is_logged(
    app: JsMeetsPy, page: Page, caplog: pytest.LogCaptureFixture
) -> None:
    go, began = threading.Event(), threading.Event()

    @app.expose
    def broken() -> None:
        began.set()
        go.wait(scaled(10))
        raise ValueError("a mistake in the cleanup")

    raw = as_page(page)
    raw.send(["call", 1, "broken", []])
    assert began.wait(scaled(10))
    raw.send(["cancel", 1])
    until(lambda: count(app, "cancelled_calls") == 1)
    go.set()
    until(lambda: is_idle(app, "broken"))
    assert "a mistake in the cleanup" in caplog.text
    assert raw.ask("call", "$list", [])[0] == "return"


def test_a_cancel_after_the_end_does_nothing(app: JsMeetsPy, page: Page) -> None:
    app.expose("f")(lambda: 1)
    raw = as_page(page)
    assert raw.ask("call", "f", []) == ["return", 1, 1]
    raw.send(["cancel", 1])
    assert raw.ask("call", "f", []) == ["return", 1, 1]
    assert count(app, "cancelled_calls") == 0


@pytest.mark.parametrize("kind", ["plain", "coroutine"])
def test_a_queued_call_is_dropped(app: JsMeetsPy, page: Page, kind: str) -> None:
    gate = Gate()
    app.expose("one", exclusive=True)(getattr(gate, kind))
    raw = as_page(page)
    raw.send(*(["call", number, "one", [number]] for number in (1, 2, 3)))
    assert gate.began.wait(scaled(10))
    raw.send(["cancel", 2])
    until(lambda: count(app, "cancelled_calls") == 1)
    gate.may_end.set()
    assert [raw.receive(), raw.receive()] == [["return", 1, 1], ["return", 3, 3]]
    assert gate.calls == [1, 3]
    until(lambda: is_idle(app, "one"))


@pytest.mark.parametrize("kind", ["plain", "coroutine"])
def test_a_call_and_its_cancel_in_one_frame(app: JsMeetsPy, page: Page, kind: str) -> None:
    """An async function has begun by then on Python 3.12 and later."""
    gate = Gate()
    app.expose("one", exclusive=True)(getattr(gate, kind))
    app.expose("two")(getattr(gate, kind))
    raw = as_page(page)
    raw.send(["call", 1, "one", [1]], ["cancel", 1], ["call", 2, "two", [2]], ["cancel", 2])
    gate.may_end.set()
    until(lambda: is_idle(app, "one") and is_idle(app, "two"))
    assert raw.ask("call", "$list", [])[0] == "return"
    assert count(app, "cancelled_calls") == 2


def test_an_exclusive_async_function_goes_on_with_the_next_call(app: JsMeetsPy, page: Page) -> None:
    gate = Gate()
    app.expose("one", exclusive=True)(gate.coroutine)
    raw = as_page(page)
    raw.send(["call", 1, "one", [1]], ["call", 2, "one", [2]])
    assert gate.began.wait(scaled(10))
    raw.send(["cancel", 1])
    assert gate.ended.wait(scaled(10))
    gate.may_end.set()
    assert raw.receive() == ["return", 2, 2]
    assert len(gate.errors) == 1


def test_a_cancelled_call_that_ends_first_does_not_cancel_the_next(app: JsMeetsPy, page: Page) -> None:
    """Its function closes its own page, so that its task is told to cancel while it runs, and never waits again."""
    ran: list[int] = []
    gate = Gate()

    async def one(number: int) -> int:
        ran.append(number)
        if number == 1:
            gate.began.set()
            await asyncio.to_thread(gate.may_end.wait, scaled(10))
            app.sockets.close_socket(current_call().socket_id)
        else:
            await asyncio.sleep(0)
        return number

    app.expose("one", exclusive=True)(one)
    leaver, other = as_page(page, "a"), as_page(page, "b")
    leaver.send(["call", 1, "one", [1]])
    assert gate.began.wait(scaled(10))
    other.send(["call", 1, "one", [2]])
    until(lambda: app.bridge.protocol.functions.find("one").running == 2)  # type: ignore[union-attr]
    gate.may_end.set()
    assert other.receive() == ["return", 1, 2]
    assert ran == [1, 2]


@pytest.mark.parametrize("exclusive", [False, True])
def test_an_async_function_that_cancels_itself_before_it_waits_is_cancelled_once(
    app: JsMeetsPy, page: Page, exclusive: bool
) -> None:
    """An exclusive one begins when the call before it has ended, and not while a message is handled."""
    ended = threading.Event()
    errors: list[BaseException] = []
    gate = Gate()

    async def leave(leaves: bool) -> None:
        if not leaves:
            await gate.coroutine()
            return
        app.sockets.close_socket(current_call().socket_id)
        try:
            await asyncio.sleep(scaled(10))
        except BaseException as error:
            errors.append(error)
            await asyncio.sleep(0)  # it may clean up
            await asyncio.sleep(0)
            ended.set()
            raise

    app.expose("leave", exclusive=exclusive)(leave)
    as_page(page).send(["call", 1, "leave", [False]], ["call", 2, "leave", [True]])
    gate.may_end.set()
    assert ended.wait(scaled(5))
    assert [type(error) for error in errors] == [asyncio.CancelledError]
    until(lambda: is_idle(app, "leave"))


def test_another_page_cannot_cancel(app: JsMeetsPy, page: Page) -> None:
    gate = Gate()
    app.expose("slow")(gate.plain)
    raw, other = as_page(page, "a"), as_page(page, "b")
    raw.send(["call", 5, "slow", [1]])
    assert gate.began.wait(scaled(10))
    other.send(["cancel", 5])
    assert other.ask("call", "$list", [])[0] == "return"
    gate.may_end.set()
    assert raw.receive() == ["return", 5, 1]
    assert gate.seen == [False]


@pytest.mark.parametrize("kind", ["plain", "coroutine"])
@pytest.mark.parametrize("keep_running", [False, True])
def test_a_page_that_leaves_cancels_its_calls(app: JsMeetsPy, page: Page, kind: str, keep_running: bool) -> None:
    gate = Gate()
    app.expose("slow", keep_running=keep_running)(getattr(gate, kind))
    raw = as_page(page)
    raw.send(["call", 1, "slow", [1]], ["notify", "slow", [2]])
    until(lambda: len(gate.calls) == 2 or kind == "plain")
    assert gate.began.wait(scaled(10))
    raw.send(["goodbye"])
    until(lambda: not app.sockets.number_of_connections())
    gate.may_end.set()
    until(lambda: is_idle(app, "slow"))
    assert count(app, "cancelled_calls") == (0 if keep_running else 1), "nobody waits for a call without an answer"
    assert len(gate.errors) == (0 if keep_running else 1)
    assert sorted(gate.calls) == [1, 2]
    assert count(app, "dropped_results") == int(keep_running)


@pytest.mark.parametrize("exclusive", [False, True])
def test_the_end_of_run_is_logged_for_calls_that_keep_running(
    app: JsMeetsPy, caplog: pytest.LogCaptureFixture, exclusive: bool
) -> None:
    """The page has left in the same frame that calls, and is the last one."""
    errors: list[BaseException] = []

    async def slow() -> None:
        try:
            await asyncio.Event().wait()
        except BaseException as error:
            errors.append(error)
            raise

    app.expose("slow", keep_running=True, exclusive=exclusive)(slow)
    messages = [["call", 1, "slow", []], ["call", 2, "slow", []], ["goodbye"]]
    app.run("<p>", "none", lambda page: as_page(page).send(*messages), grace=0)
    assert [type(error) for error in errors] == [asyncio.CancelledError] * (1 if exclusive else 2)
    logged = [record.getMessage() for record in caplog.records if record.name == "jsmeets_local"]
    assert [text.partition(":")[0] for text in logged] == [
        "cancelled a call of 'slow', which is exposed with keep_running=True"
    ] * 2
    assert count(app, "cancelled_calls") == 0


def test_a_lost_connection_cancels_nothing_until_its_time_is_over(app: JsMeetsPy, page: Page) -> None:
    gate = Gate()
    app.expose("slow")(gate.plain)
    raw = as_page(page)
    raw.send(["call", 1, "slow", [1]])
    assert gate.began.wait(scaled(10))
    app.bridge.portal.call(setattr, app.bridge.protocol, "resume_seconds", 0.1)
    raw.socket.socket.close()
    until(lambda: count(app, "cancelled_calls") == 1)
    gate.may_end.set()
    until(lambda: is_idle(app, "slow"))
    assert gate.seen == [True]


def test_a_push_that_waits_for_room_is_withdrawn(app: JsMeetsPy, page: Page) -> None:
    app.queues.set_limit("q", 1)
    raw = as_page(page)
    raw.send(["push", 1, "q", "a"], ["push", 2, "q", "b"], ["push", 3, "q", "c"])
    assert raw.receive() == ["return", 1, True]
    raw.send(["cancel", 2])
    assert raw.ask("call", "$list", [])[0] == "return"
    assert page.queue("q").get(timeout=scaled(10)) == "a"
    assert raw.receive() == ["return", 3, True]
    assert page.queue("q").get(timeout=scaled(10)) == "c"


@pytest.mark.parametrize("kind", ["plain", "coroutine"])
def test_the_end_of_the_server_cancels_running_calls(
    make_app: Callable[..., JsMeetsPy], caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    app, gate = make_app(), Gate()
    app.expose("slow")(getattr(gate, kind))
    raw = as_page(app.launch("<p>", mode="none"))
    raw.send(["call", 1, "slow", [1]])
    assert gate.began.wait(scaled(10))
    stopping = threading.Thread(target=app.stop)
    stopping.start()
    until(lambda: app.bridge.protocol.cancelled_calls == 1)
    gate.may_end.set()
    stopping.join(scaled(10))
    assert not stopping.is_alive()
    until(lambda: len(gate.errors) == 1)
    assert isinstance(gate.errors[0], asyncio.CancelledError)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_a_cancelled_function_stops_waiting_for_the_page_and_may_clean_up(app: JsMeetsPy, page: Page) -> None:
    errors: list[BaseException] = []
    cleaned: list[Any] = []

    @app.expose
    def choose() -> None:
        try:
            current_page().call("dialog")("Which one?")
        except BaseException as error:
            errors.append(error)
            cleaned.append(current_page().call("close")())
            raise

    raw = as_page(page)
    raw.send(["call", 1, "choose", []])
    _, dialog, key, _ = raw.next("call")
    assert key == "dialog"
    raw.send(["cancel", 1])
    assert raw.receive() == ["cancel", dialog], "the page's own function is cancelled, too"
    _, closing, key, _ = raw.next("call")
    assert key == "close"
    raw.send(["return", closing, "closed"])
    until(lambda: is_idle(app, "choose"))
    assert [type(error) for error in errors] == [Cancelled]
    assert cleaned == ["closed"]


def test_a_function_that_is_cancelled_before_it_waits_does_not_begin_to_wait(app: JsMeetsPy, page: Page) -> None:
    gate = Gate()
    errors: list[BaseException] = []

    @app.expose
    def late() -> None:
        gate.began.set()
        gate.may_end.wait(scaled(10))
        try:
            page.call("dialog")()
        except BaseException as error:
            errors.append(error)
            raise

    raw = as_page(page)
    raw.send(["call", 1, "late", []])
    assert gate.began.wait(scaled(10))
    raw.send(["cancel", 1])
    until(lambda: count(app, "cancelled_calls") == 1)
    gate.may_end.set()
    until(lambda: is_idle(app, "late"))
    assert [type(error) for error in errors] == [Cancelled]
    assert raw.ask("call", "$list", [])[0] == "return", "no call of `dialog` came before"


def test_a_coroutine_of_a_plain_function_is_cancelled(app: JsMeetsPy, page: Page) -> None:
    gate = Gate()
    app.expose("slow")(lambda: gate.coroutine(1))
    raw = as_page(page)
    raw.send(["call", 1, "slow", []])
    assert gate.began.wait(scaled(10))
    raw.send(["cancel", 1])
    assert gate.ended.wait(scaled(10))
    until(lambda: is_idle(app, "slow"))
    gate.may_end.set()
    assert len(gate.errors) == 1


# From Python ---------------------------------------------------------------------------------------------------------


def test_a_timeout_cancels_the_call_in_the_page(page: Page) -> None:
    raw = as_page(page)
    with pytest.raises(CallTimeout):
        page.call("slow", timeout=0.05)(1)
    _, call_id, *_ = raw.next("call")
    assert raw.receive() == ["cancel", call_id]


def test_a_timeout_cancels_only_where_no_answer_came(app: JsMeetsPy, page: Page) -> None:
    quick, slow = as_page(page, "a"), as_page(page, "b")
    answers: list[Any] = []

    async def call_both() -> None:
        answers.append(await app.functions.call("f", timeout=scaled(0.4))(1))

    caller = threading.Thread(target=lambda: asyncio.run(call_both()))
    caller.start()
    _, call_id, *_ = quick.next("call")
    quick.send(["return", call_id, 1])
    caller.join(scaled(10))
    assert answers == [{quick.id: 1}]
    assert slow.next("call")[1] == call_id
    assert slow.receive() == ["cancel", call_id]
    assert quick.ask("call", "$list", [])[0] == "return", "no cancel came before"


def test_a_cancelled_task_cancels_the_call_in_the_page(page: Page) -> None:
    raw = as_page(page)

    async def call_and_cancel() -> int:
        task = asyncio.create_task(page.aio.call("slow")(1))
        call_id: int = (await asyncio.to_thread(raw.next, "call"))[1]
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return call_id

    call_id = asyncio.run(call_and_cancel())
    assert raw.receive() == ["cancel", call_id]


def test_a_timeout_of_a_push_cancels_it_in_the_page(app: JsMeetsPy, page: Page) -> None:
    raw = as_page(page)
    assert asyncio.run(_push(app)) == []
    _, push_id, *_ = raw.next("push")
    assert raw.receive() == ["cancel", push_id]


async def _push(app: JsMeetsPy) -> list[int]:
    return await app.queues.push("q", timeout=0.05)("item")


def test_a_batch_is_cancelled(page: Page) -> None:
    raw = as_page(page)
    with pytest.raises(CallTimeout):
        page.map("slow", timeout=0.05)([1, 2])
    _, call_id, *_ = raw.next("call")
    assert raw.receive() == ["cancel", call_id]


# The caller ----------------------------------------------------------------------------------------------------------


def test_current_call_outside_a_call() -> None:
    for function in (current_call, current_page):
        with pytest.raises(RuntimeError, match=rf"^{function.__name__}\(\) is for functions that a page calls"):
            function()


@pytest.mark.parametrize("is_async", [False, True])
def test_current_call_describes_the_call(app: JsMeetsPy, page: Page, is_async: bool) -> None:
    def describe() -> list[Any]:
        call = current_call()
        return [call.key, call.socket_id, call.cancelled, call.page is current_page(), repr(call)]

    async def describe_async() -> list[Any]:
        await asyncio.sleep(0)
        return [describe(), await asyncio.to_thread(describe)][1]

    app.expose("who")(describe_async if is_async else describe)
    raw = as_page(page)
    wanted = ["who", raw.id, False, True, f"<call of 'who' by socket {raw.id}>"]
    assert raw.ask("call", "who", []) == ["return", 1, wanted]


def test_the_current_page_is_the_tab_that_called(app: JsMeetsPy, page: Page) -> None:
    pages: list[Page] = []

    @app.expose
    def show() -> Any:
        pages.append(current_page())
        return current_page().js.show(1)

    older, newer = as_page(page, "a"), as_page(page, "b")
    older.send(["names", ["show"]], ["call", 1, "show", []])
    _, call_id, key, args = older.next("call")
    assert (key, args) == ("show", [1])
    older.send(["return", call_id, "shown"])
    assert older.receive() == ["return", 1, "shown"]
    assert newer.ask("call", "$list", [])[0] == "return", "nothing came to the newer tab"
    [current] = pages
    assert (current.url, current.state) == (page.url, "open")
    older.send(["goodbye"])
    until(current.is_closed)
    with pytest.raises(PageClosed):
        current.call("show")(1)
    assert page.is_connected()


def test_a_client_that_was_not_launched_has_a_page(app: JsMeetsPy, page: Page) -> None:
    raw = RawPage(page.url, "other", page="own")
    app.expose("who")(lambda: [current_page().url, current_page().is_connected(), repr(current_page())])
    assert raw.ask("call", "who", []) == ["return", 1, ["", True, f"<Page of socket {raw.id} (connected)>"]]


def test_closing_the_current_page_leaves_the_other_tab(app: JsMeetsPy, page: Page) -> None:
    app.expose("leave")(lambda: current_page().close())
    one, other = as_page(page, "a"), as_page(page, "b")
    one.send(["call", 1, "leave", []])
    assert one.receive() == ["close", "closed by Python", False]
    assert other.ask("call", "$list", [])[0] == "return"
    assert not page.is_closed()


def test_pages_of_calls_are_forgotten(app: JsMeetsPy, page: Page) -> None:
    app.expose("who")(lambda: current_page().state)
    raw = as_page(page)
    assert raw.ask("call", "who", []) == ["return", 1, "open"]
    assert len(app.bridge._pages_of_calls) == 1
    watchers = len(app.bridge.watchers)
    raw.send(["goodbye"])
    until(lambda: not app.bridge._pages_of_calls)
    assert len(app.bridge.watchers) == watchers - 1


@pytest.mark.parametrize("is_async", [False, True])
def test_context_variables_reach_the_function_and_changes_stay_in_the_call(
    app: JsMeetsPy, page: Page, is_async: bool
) -> None:
    def read() -> str:
        before = name.get()
        name.set("changed by a call")
        return before

    async def read_async() -> str:
        return read()

    token = name.set("set where it is exposed")
    app.expose("read")(read_async if is_async else read)
    app.expose("read_exclusive", exclusive=True)(read_async if is_async else read)
    name.reset(token)
    raw = as_page(page)
    for key in ("read", "read", "read_exclusive", "read_exclusive"):
        assert raw.ask("call", key, []) == ["return", 1, "set where it is exposed"]


def test_a_thread_in_a_copy_of_the_context_sees_the_call(app: JsMeetsPy, page: Page) -> None:
    gate = Gate()

    def work() -> None:
        with pytest.raises(Cancelled):
            gate.plain()

    @app.expose
    def start() -> str:
        thread = threading.Thread(target=contextvars.copy_context().run, args=(work,))
        thread.start()
        thread.join()
        return "joined"

    raw = as_page(page)
    raw.send(["call", 1, "start", []])
    assert gate.began.wait(scaled(10))
    raw.send(["cancel", 1])
    until(lambda: count(app, "cancelled_calls") == 1)
    gate.may_end.set()
    until(lambda: count(app, "dropped_results") == 1)
    assert gate.seen == [True]


@pytest.mark.parametrize("is_async", [False, True])
def test_a_subscriber_is_not_part_of_the_call_that_publishes(app: JsMeetsPy, page: Page, is_async: bool) -> None:
    seen: list[str] = []

    def subscriber(topic: str, data: Any) -> None:
        try:
            current_call()
        except RuntimeError as error:
            seen.append(str(error)[:14])

    async def async_subscriber(topic: str, data: Any) -> None:
        subscriber(topic, data)

    async def publish() -> None:
        app.pubsub.publish("t")(1)

    app.pubsub.subscribe("t", async_subscriber if is_async else subscriber)
    app.expose("publish")(publish)
    assert as_page(page).ask("call", "publish", []) == ["return", 1, None]
    until(lambda: seen == ["current_call()"])


# Names ---------------------------------------------------------------------------------------------------------------


def test_wait_for_a_name(page: Page) -> None:
    raw = as_page(page)
    raw.send(["names", ["a"]])
    page.wait_for("a", timeout=scaled(10))
    with pytest.raises(CallTimeout, match=r"has not exposed 'color' within 0\.05 s"):
        page.wait_for("color", timeout=0.05)
    waiter = threading.Thread(target=page.wait_for, args=("color",))
    waiter.start()
    until(lambda: page._client.presence._name_waiters.get("color"))
    raw.send(["names", ["a", "color"]])
    waiter.join(scaled(10))
    assert not waiter.is_alive()
    asyncio.run(page.aio.wait_for("color"))
    raw.send(["names", []])
    with pytest.raises(CallTimeout):
        page.wait_for("a", timeout=0.05)


def test_wait_for_a_name_before_the_page_connects(page: Page) -> None:
    waiter = threading.Thread(target=page.wait_for, args=("color",))
    waiter.start()
    until(lambda: page._client.presence._name_waiters.get("color"))
    raw = as_page(page)
    raw.send(["names", ["color"]])
    waiter.join(scaled(10))
    assert not waiter.is_alive()


def test_wait_for_a_name_of_a_page_that_leaves(page: Page) -> None:
    errors: list[BaseException] = []

    def wait() -> None:
        try:
            page.wait_for("color")
        except PageClosed as error:
            errors.append(error)

    as_page(page)
    waiter = threading.Thread(target=wait)
    waiter.start()
    until(lambda: page._client.presence._name_waiters.get("color"))
    page.close()
    waiter.join(scaled(10))
    assert len(errors) == 1
    with pytest.raises(PageClosed):
        page.wait_for("color")
