"""`page.map`: many calls of one function in one batch."""

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
from jsmeets_local.bridge.batch import PART
from tests.raw import RawPage, as_page
from tests.timing import scaled

MANY = 3 * PART + 7


@pytest.fixture
def page(app: JsMeetsPy) -> Page:
    return app.launch("<p>", mode="none", grace=0.3)


def in_thread(func: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    """Run a function in a thread; the list receives its value or the exception it raised."""
    outcomes: list[Any] = []

    def run() -> None:
        try:
            outcomes.append(func())
        except Exception as error:
            outcomes.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, outcomes


def parts(other: RawPage, count: int) -> list[tuple[int, list[Any]]]:
    """Receive the parts of a batch of calls of `f`: the number of each part, and the arguments of its calls."""
    found: list[tuple[int, list[Any]]] = []
    while sum(len(calls) for _, calls in found) < count:
        _, number, name, (*calls, key) = other.next("call")
        assert (name, key) == ("$map", "f")
        found.append((number, calls))
    return found


def test_values_come_in_the_order_of_the_arguments_whatever_order_the_page_has(page: Page) -> None:
    other = as_page(page)
    thread, outcomes = in_thread(lambda: page.map("f")(range(MANY), iter("x" * MANY)))
    asked = parts(other, MANY)
    assert [call for _, calls in asked for call in calls] == [[i, "x"] for i in range(MANY)]
    assert len(asked) == 4
    other.send(*(["return", number, [i * 2 for i, _ in calls]] for number, calls in reversed(asked)))
    thread.join(scaled(10))
    assert outcomes == [[i * 2 for i in range(MANY)]]
    other.close()


def test_a_page_that_leaves(page: Page) -> None:
    other = as_page(page)
    thread, outcomes = in_thread(lambda: page.map("f")(range(MANY)))
    parts(other, MANY)
    other.close()
    thread.join(scaled(10))
    assert isinstance(outcomes[0], Disconnected)
    assert "'f'" in str(outcomes[0])


def test_empty_arguments_call_nothing(page: Page) -> None:
    assert page.map("f")([]) == []
    assert page.map("f")([1, 2], []) == []
    with pytest.raises(TypeError, match=r"map\('f'\) takes one iterable per argument"):
        page.map("f")()
    with pytest.raises(TypeError, match=r"map\('f'\)\(\[1, 2\]\); got 5"):
        page.map("f")(5)


def test_an_unsupported_argument_calls_nothing(page: Page) -> None:
    other = as_page(page)
    with pytest.raises(TypeError, match=r"args\[1\]\[0\]: object of type .*object"):
        page.map("f")([1, object(), 3])
    with pytest.raises(TypeError, match=rf"args\[{PART}\]\[1\]: object of type .*object"):
        page.map("f")(range(PART + 1), [1] * PART + [object()])  # type: ignore[list-item]
    page.call_nowait("g")()
    assert other.receive() == ["notify", "g", []]
    other.close()


def test_it_waits_for_the_page(page: Page) -> None:
    thread, outcomes = in_thread(lambda: page.map("f", timeout=scaled(10))([1, 2]))
    other = as_page(page)
    [(number, calls)] = parts(other, 2)
    other.send(["return", number, [args[0] for args in calls]])
    thread.join(scaled(10))
    assert outcomes == [[1, 2]]
    other.close()


def failure(place: int, kind: str, name: str, message: str) -> dict[str, Any]:
    return {"place": place, "error": {"kind": kind, "name": name, "message": message, "trace": "at x"}}


def test_the_first_that_failed_is_raised_when_all_have_ended(page: Page) -> None:
    other = as_page(page)
    thread, outcomes = in_thread(lambda: page.map("f")(range(MANY)))
    first, second, third, last = (number for number, _ in parts(other, MANY))
    other.send(["return", third, failure(0, "unknown", "UnknownFunction", "no f")])
    other.send(["return", second, failure(5, "raised", "RangeError", "one")])
    other.send(["return", last, []])
    thread.join(0.1)
    assert outcomes == []
    other.send(["return", first, [None] * PART])
    thread.join(scaled(10))
    assert isinstance(outcomes[0], JavaScriptError)
    assert (outcomes[0].name, str(outcomes[0].msg), outcomes[0].key) == ("RangeError", "one", "f")
    assert outcomes[0].__notes__[1:] == [f"(in call {PART + 5} of this map)"]
    other.close()


def test_a_function_that_is_not_there(page: Page) -> None:
    other = as_page(page)
    thread, outcomes = in_thread(lambda: page.map("f")([1]))
    [(number, _)] = parts(other, 1)
    other.send(["return", number, failure(0, "unknown", "UnknownFunction", "no f")])
    thread.join(scaled(10))
    assert isinstance(outcomes[0], UnknownFunction)
    other.close()


def test_one_timeout_for_all(app: JsMeetsPy, page: Page) -> None:
    other = as_page(page)
    thread, outcomes = in_thread(lambda: page.map("f", timeout=scaled(0.4))(range(MANY)))
    asked = parts(other, MANY)
    other.send(*(["return", number, [None] * PART] for number, _ in asked[:3]))
    thread.join(scaled(10))
    assert isinstance(outcomes[0], CallTimeout)
    assert "'f'" in str(outcomes[0])
    assert app.stats()["pending_calls"] == 0
    other.close()


def test_a_page_that_never_connects(page: Page) -> None:
    with pytest.raises(CallTimeout, match="did not connect within"):
        page.map("f", timeout=0.05)([1, 2])


def test_a_closed_page(page: Page) -> None:
    other = as_page(page)
    page.close()
    with pytest.raises(PageClosed):
        page.map("f")([1])
    other.close()


def test_on_the_loop_it_names_its_twin(app: JsMeetsPy, page: Page) -> None:
    other = as_page(page)

    @app.expose
    async def wrong() -> str:
        with pytest.raises(WouldDeadlock, match=r"page\.aio\.map\('f'\)"):
            page.map("f")([1])
        return "told"

    assert other.ask("call", "wrong", []) == ["return", 1, "told"]
    other.close()


def test_cancelling_a_batch_half_way(app: JsMeetsPy, page: Page) -> None:
    other = as_page(page)

    async def main() -> None:
        task = asyncio.create_task(page.aio.map("f")(range(MANY)))
        numbers = [number for number, _ in await asyncio.to_thread(parts, other, MANY)]
        other.send(["return", numbers[0], [None] * PART])
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        other.send(*(["return", number, [None] * PART] for number in numbers[1:]))

    asyncio.run(main())
    other.send(["call", 1, "$list", []])  # sent behind answers without a waiter
    assert other.next("return") == ["return", 1, []]
    assert app.stats()["pending_calls"] == 0
    other.close()
