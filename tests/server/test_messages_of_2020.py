"""Messages in the form of 2020 that a page builds by hand and sends with `send_json`."""

from __future__ import annotations

from queue import SimpleQueue
from typing import Any

import pytest

from jsmeets_local import JsMeetsPy, Page
from tests.raw import RawPage
from tests.timing import scaled


def by_hand(protocol: str, key: Any, data: Any, exception: Any = None) -> list[Any]:
    return ["custom", {"protocol": protocol, "key": key, "id": 1, "data": data, "exception": exception}]


@pytest.mark.usefixtures("patient")
def test_messages_reach_their_target(app: JsMeetsPy, page: Page) -> None:
    called: list[tuple[int, ...]] = []
    news: SimpleQueue[tuple[str, Any]] = SimpleQueue()
    app.functions.expose("add", lambda *args: called.append(args))
    app.pubsub.subscribe("t", lambda topic, data: news.put((topic, data)))
    raw = RawPage(page.url)
    raw.send(
        by_hand("queue", "q", [1]),
        by_hand("queue_call", "q", 2),
        by_hand("function", "add", [1, 2]),
        by_hand("function_call", "add", [3, 4]),
        by_hand("pub_call", "t", "news", False),
    )
    queue = page.queue("q")
    assert [queue.get(scaled(10)), queue.get(scaled(10))] == [[1], 2]
    app.functions.expose("last", lambda: called)
    assert raw.ask("call", "last", []) == ["return", 1, [[1, 2], [3, 4]]]
    assert news.get(timeout=scaled(10)) == ("t", "news")  # subscribers have a serial queue of their own
    raw.close()


def test_a_handler_of_the_program_takes_its_protocol(app: JsMeetsPy, page: Page) -> None:
    app.sockets.add_protocol("queue", lambda _, socket, message: app.queues.push_nowait("seen")(message["data"]))
    raw = RawPage(page.url)
    raw.send(by_hand("queue", "q", 5))
    assert raw.next("push")[2:] == ["seen", 5]
    assert app.queues.is_empty("q")
    raw.close()


def test_unhandled_or_malformed_messages_are_logged(
    app: JsMeetsPy, page: Page, caplog: pytest.LogCaptureFixture
) -> None:
    raw = RawPage(page.url)
    raw.send(by_hand("queue", ["q"], 1), by_hand("function", "f", 5), by_hand("mine", "k", 1), ["push", 0, "q", "end"])
    assert page.queue("q").get(scaled(10)) == "end"
    said = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert [text.split(" which")[0].split(":")[0] for text in said] == [
        "ignored a message of protocol 'queue' from a page",
        "ignored a message of protocol 'function' from a page",
        "ignored a message of protocol 'mine' from a page",
    ]
    raw.close()
