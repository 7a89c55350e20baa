"""Pages: closing, several pages of one application, and closed pages."""

from __future__ import annotations

import asyncio
import logging
import math
import queue
import time
from collections.abc import Callable
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from jsmeets_local import JsMeetsPy, LaunchError, Page, PageClosed
from tests.raw import RawPage, as_page
from tests.timing import scaled

USES: dict[str, Callable[[Page], Any]] = {
    "call": lambda page: page.call("f")(),
    "js": lambda page: page.js.f(),
    "eval": lambda page: page.eval("1"),
    "queue get": lambda page: page.queue("q").get(),
    "subscribe": lambda page: page.subscribe("t"),
    "aio": lambda page: asyncio.run(page.aio.call("f")()),
    "aio get": lambda page: asyncio.run(page.aio.get("q")),
    "show": lambda page: page.show(),
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("by", ["Python", "its user"])
def test_a_closed_page_says_so(app: JsMeetsPy, by: str, use: str) -> None:
    if (by, use) == ("its user", "show"):
        return  # a frame would resurrect the page
    page, _other = app.launch("<p>", mode="none", grace=0.01), app.open("<b>", "none")
    if by == "Python":
        page.close()
    else:
        as_page(page).close()
        assert page.wait(scaled(10))
    with pytest.raises(PageClosed, match=r"closed.*launch\(\)|nothing more will arrive"):
        USES[use](page)


SENDS: dict[str, Callable[[Page], bool]] = {  # these need no answer
    "call_nowait": lambda page: page.call_nowait("f")(1),
    "queue push": lambda page: page.queue("q").push(1),
    "publish": lambda page: page.publish("t")(1),
}


@pytest.mark.parametrize("send", SENDS)
@pytest.mark.parametrize("by", ["Python", "its user"])
def test_sending_to_a_closed_page_is_not_an_error(
    app: JsMeetsPy, by: str, send: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "jsmeets_local")
    page, other = app.launch("<p>", mode="none", grace=0.01), app.open("<b>", "none")
    assert SENDS[send](page) is True, "it waits for the page"
    if by == "Python":
        page.close()
    else:
        as_page(page).close()
        assert page.wait(scaled(10))
    told = "dropping messages to http"
    hears = send == "publish"  # the other page does
    assert [SENDS[send](page) for _ in range(3)] == [hears] * 3
    assert caplog.text.count(told) == (not hears), "once for a page"
    other.close()
    assert [SENDS[send](page) for _ in range(3)] == [False] * 3
    assert all(record.levelno == logging.INFO for record in caplog.records if told in record.message)


@pytest.mark.parametrize("send", ["call_nowait", "queue push"])
def test_sends_to_a_page_that_never_connected_warn_once(
    app: JsMeetsPy, send: str, caplog: pytest.LogCaptureFixture
) -> None:
    page = app.launch("<p>", mode="none", grace=0.1)
    as_page(page).close()
    while page.is_connected():
        time.sleep(0.001)
    assert [SENDS[send](page) for _ in range(3)] == [True] * 3, "nobody knows yet that it does not come back"
    assert page.wait(scaled(10))
    app.bridge.portal.call(lambda: None)
    assert [record.levelname for record in caplog.records if "dropped a message to" in record.message] == ["WARNING"]


def test_unsupported_values_raise_whether_or_not_the_page_is_closed(app: JsMeetsPy) -> None:
    page = app.launch("<p>", mode="none")
    for _ in range(2):
        with pytest.raises(TypeError, match=r"args\[0\]: object of type object"):
            page.call_nowait("f")(object())
        with pytest.raises(TypeError, match="data: object of type object"):
            page.queue("q").push(object())
        page.close()


def test_a_loop_over_a_queue_may_write_back_until_the_page_goes(app: JsMeetsPy) -> None:
    """The loop of the demo, where the page leaves between an item and its answer."""
    page = app.launch("<p>", mode="none", grace=0)
    client = as_page(page)
    client.send(*(["push", 0, "numbers", number] for number in range(3)))
    sent = []
    for number in page.queue("numbers"):
        if number == 1:
            client.close()
            assert page.wait(scaled(10))
        sent.append(page.queue("squares").push(number**2))
    assert sent == [True, False, False]


@pytest.mark.parametrize("use", [lambda page: page.call("add", [4, 7]), lambda page: page.aio.call("add", "a")])
def test_arguments_in_place_of_the_timeout_are_refused(app: JsMeetsPy, use: Callable[[Page], Any]) -> None:
    page = app.launch("<p>", mode="none")
    with pytest.raises(TypeError, match=r"timeout must be a number.*second call: call\('add'\)\((\[4, 7\]|'a')\)"):
        use(page)
    with pytest.raises(
        TypeError,
        match=r"suppress must be True or False; got 'x'. Pass the data in a second call: publish\('t'\)\('x'\)$",
    ):
        page.publish("t", "x")  # type: ignore[arg-type]
    assert page.publish("t", True)("x")


@pytest.mark.parametrize("by", ["Python", "its user"])
def test_a_closed_page_publishes_to_the_others(app: JsMeetsPy, by: str) -> None:
    page, other = app.launch("<p>", mode="none", grace=0), app.open("<b>", "none")
    listener = as_page(other, "2")
    assert listener.ask("subscribe", "t") == ["return", 1, True]
    publish = page.publish("t")
    if by == "Python":
        page.close()
    else:
        as_page(page).close()
        assert page.wait(scaled(10))
    assert publish(1)
    assert page.publish("t")(2)
    assert [listener.next("publish")[3] for _ in range(2)] == [1, 2]


def test_a_page_may_close_between_a_wait_and_a_publication(app: JsMeetsPy) -> None:
    page = app.launch("<p>", mode="none", grace=0)
    client = as_page(page)
    turns = 0
    while not page.wait(0.001):
        turns += 1
        if turns == 3:
            client.close()
            assert page.wait(scaled(10))
        page.publish("t")(turns)
    assert turns == 3


def test_publications_after_the_end_are_not_kept(app: JsMeetsPy) -> None:
    page = app.launch("<p>", mode="none")
    page.close()
    heard: queue.SimpleQueue[str] = queue.SimpleQueue()
    app.pubsub.subscribe("t", lambda topic, data: heard.put(data))
    assert not page.publish("t")("to nobody")
    again = app.launch("<p>", mode="none")
    again.publish("t")("to somebody")
    assert heard.get(timeout=scaled(10)) == "to somebody"


def test_items_left_in_a_queue_can_be_read_after_the_page_closed(app: JsMeetsPy) -> None:
    page = app.launch("<p>", mode="none", grace=0)
    client = as_page(page)
    client.send(["push", 0, "q", 1])
    client.close()
    assert page.wait(scaled(10))
    assert page.queue("q").get() == 1
    with pytest.raises(PageClosed):
        page.queue("q").get()


def test_a_second_page_of_the_same_server(app: JsMeetsPy) -> None:
    first = app.launch("<p>one", mode="none")
    second = app.open("<p>two")
    assert second.url != first.url
    assert second.url.split("/")[2] == first.url.split("/")[2], "one server"
    assert app.pages == (first, second)
    one, two = as_page(first, "1"), as_page(second, "2")
    assert first.wait_connected(5)
    assert second.wait_connected(5)
    first.call_nowait("f")(1)
    second.call_nowait("f")(2)
    assert (one.receive(), two.receive()) == (["notify", "f", [1]], ["notify", "f", [2]])
    first.close()
    assert app.pages == (second,)
    second.call_nowait("f")(3)
    assert two.receive() == ["notify", "f", [3]], "the server goes on"
    second.close()
    assert app.pages == ()


def test_open_requires_launch(app: JsMeetsPy) -> None:
    with pytest.raises(LaunchError, match=r"this application is not served; call launch\(\) first"):
        app.open("<p>")
    app.launch("<p>", mode="none").close()
    with pytest.raises(LaunchError, match=r"this application is not served; call launch\(\) first"):
        app.open("<p>")


def test_the_grace_time_can_be_set(app: JsMeetsPy) -> None:
    at_once = app.launch("<p>", mode="none", grace=0)
    as_page(at_once).close()
    start = time.monotonic()
    assert app.wait(1.5), "less than the default"
    assert time.monotonic() - start < 1.5
    never = app.open("<p>", grace=None)
    as_page(never).close()
    while never.is_connected():
        time.sleep(0.001)
    assert not never.wait(2.5), "more than the default"
    assert not app.wait(0.01)
    assert app.pages == (never,)
    never.close()


@pytest.mark.parametrize(
    ("grace", "error"), [("2", TypeError), (True, TypeError), (-1, ValueError), (math.inf, ValueError)]
)
def test_a_grace_time_is_checked(app: JsMeetsPy, grace: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="grace must be"):
        app.launch("<p>", mode="none", grace=grace)
    assert app.pages == ()


def test_the_longest_grace_time_decides_for_the_application(app: JsMeetsPy) -> None:
    quick, patient = app.launch("<p>", mode="none", grace=0), app.open("<p>", grace=1)
    for page in (quick, patient):
        as_page(page).close()
    assert quick.wait(scaled(5))
    assert not app.wait(0.3)
    assert app.wait(scaled(5))


def test_a_goodbye_right_behind_a_call_leaves_no_trace(app: JsMeetsPy, caplog: pytest.LogCaptureFixture) -> None:
    """The answer is put for a session that ends in the same turn."""
    client = RawPage(app.launch("<p>x</p>", mode="none").url)
    client.send(["call", 1, "nothing", []], ["goodbye"])
    with pytest.raises(ConnectionClosed):
        while True:
            client.receive()
    assert app.stats()["pages"] == []
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []
