"""`page.map`: many calls of one function, made at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from jsmeets_local import (
    CallTimeout,
    Disconnected,
    JavaScriptError,
    JsMeetsPy,
    Page,
    PageClosed,
    UnknownFunction,
    WouldDeadlock,
)
from jsmeets_local.shell import BURST
from tests.raw import RawPage

MANY = 3 * BURST + 7


@pytest.fixture
def page(app: JsMeetsPy) -> Page:
    return app.launch("<p>", mode="none", grace=0.3)


def raw(page: Page) -> RawPage:
    return RawPage(page.url, "d", page.url.partition("=")[2].partition(".")[2])


def in_thread(func: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    """Runs it, and tells what it gave: its value, or what it raised."""
    outcomes: list[Any] = []

    def run() -> None:
        try:
            outcomes.append(func())
        except Exception as error:
            outcomes.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, outcomes


def calls(other: RawPage, count: int) -> list[Any]:
    return [other.next("call") for _ in range(count)]


def test_values_come_in_the_order_of_the_arguments_whatever_order_the_page_has(page: Page) -> None:
    other = raw(page)
    thread, outcomes = in_thread(lambda: page.map("f")(range(MANY), iter("x" * MANY)))
    asked = calls(other, MANY)
    assert [(name, args) for _, _, name, args in asked] == [("f", [i, "x"]) for i in range(MANY)]
    other.send(*(["return", number, args[0] * 2] for _, number, _, args in reversed(asked)))
    thread.join(10)
    assert outcomes == [[i * 2 for i in range(MANY)]]
    other.close()


def test_the_first_calls_arrive_while_the_last_ones_are_made(page: Page) -> None:
    """More than a burst travels in more than one frame."""
    other = raw(page)
    thread, outcomes = in_thread(lambda: page.map("f")(range(MANY)))
    sizes = []
    while sum(sizes) < MANY:
        other.receive()
        sizes.append(1 + len(other.inbox))
        other.inbox.clear()
    assert len(sizes) >= MANY // BURST
    other.close()
    thread.join(10)
    assert isinstance(outcomes[0], Disconnected)


def test_nothing_to_call(page: Page) -> None:
    assert page.map("f")([]) == []
    assert page.map("f")([1, 2], []) == []
    with pytest.raises(TypeError, match=r"map\('f'\) takes an iterable for each argument"):
        page.map("f")()
    with pytest.raises(TypeError, match="'int' object is not iterable"):
        page.map("f")(5)


def test_what_cannot_be_sent_calls_nothing(page: Page) -> None:
    other = raw(page)
    with pytest.raises(TypeError, match=r"args\[1\]\[0\]: object of type .*object"):
        page.map("f")([1, object(), 3])
    page.call_nowait("g")()
    assert other.receive() == ["notify", "g", []]
    other.close()


def test_it_waits_for_the_page(page: Page) -> None:
    thread, outcomes = in_thread(lambda: page.map("f", timeout=10)([1, 2]))
    other = raw(page)
    other.send(*(["return", number, args[0]] for _, number, _, args in calls(other, 2)))
    thread.join(10)
    assert outcomes == [[1, 2]]
    other.close()


def test_the_first_that_failed_is_raised_when_all_have_ended(page: Page) -> None:
    other = raw(page)
    thread, outcomes = in_thread(lambda: page.map("f")([0, 1, 2]))
    first, second, third = (number for _, number, _, _ in calls(other, 3))
    other.send(["error", third, {"kind": "unknown", "name": "UnknownFunction", "message": "no f", "trace": ""}])
    other.send(["error", second, {"kind": "raised", "name": "RangeError", "message": "one", "trace": ""}])
    thread.join(0.1)
    assert outcomes == []
    other.send(["return", first, 0])
    thread.join(10)
    assert isinstance(outcomes[0], JavaScriptError)
    assert not isinstance(outcomes[0], UnknownFunction)
    assert "one" in str(outcomes[0])
    assert outcomes[0].__notes__ == ["(in call 1 of 3 that were made together)"]
    other.close()


def test_one_timeout_for_all(app: JsMeetsPy, page: Page) -> None:
    other = raw(page)
    thread, outcomes = in_thread(lambda: page.map("f", timeout=0.3)(range(MANY)))
    answered = calls(other, MANY)[: MANY - 1]
    other.send(*(["return", number, None] for _, number, _, _ in answered))
    thread.join(10)
    assert isinstance(outcomes[0], CallTimeout)
    assert outcomes[0].__notes__ == [f"(in call {MANY - 1} of {MANY} that were made together)"]
    assert app.stats()["pending_calls"] == 0
    other.close()


def test_a_page_that_never_comes(page: Page) -> None:
    with pytest.raises(CallTimeout, match="did not connect within"):
        page.map("f", timeout=0.05)([1, 2])


def test_a_closed_page(page: Page) -> None:
    other = raw(page)
    page.close()
    with pytest.raises(PageClosed):
        page.map("f")([1])
    other.close()


def test_on_the_loop_it_names_its_twin(app: JsMeetsPy, page: Page) -> None:
    other = raw(page)

    @app.expose
    async def wrong() -> str:
        with pytest.raises(WouldDeadlock, match=r"page\.aio\.map\('f'\)"):
            page.map("f")([1])
        return "told"

    assert other.ask("call", "wrong", []) == ["return", 1, "told"]
    other.close()


def test_given_up_in_the_middle(app: JsMeetsPy, page: Page) -> None:
    other = raw(page)

    async def main() -> None:
        task = asyncio.create_task(page.aio.map("f")(range(MANY)))
        numbers = [number for _, number, _, _ in await asyncio.to_thread(calls, other, MANY)]
        other.send(*(["return", number, None] for number in numbers[:10]))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        other.send(*(["return", number, None] for number in numbers[10:]))

    asyncio.run(main())
    other.send(["call", 1, "$list", []])  # behind the answers that nobody waits for
    assert other.next("return") == ["return", 1, []]
    assert app.stats()["pending_calls"] == 0
    other.close()
