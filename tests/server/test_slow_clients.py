"""Slow pages harm only themselves: their outboxes are limited, and losses are reported."""

from __future__ import annotations

import json
import logging
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import psutil
import pytest
from websockets.exceptions import ConnectionClosed

from jsmeets_local import Bridge, CallTimeout, Disconnected, JsMeetsPy, JsPyBinarySocket, Limits, MessageTooBig, Page
from tests.raw import RawPage, key_of, open_socket
from tests.timing import scaled, until

BLOCK = b"x" * 100_000


@pytest.fixture
def app(make_app: Callable[..., JsMeetsPy]) -> JsMeetsPy:
    return make_app(limits=Limits(outbox_bytes=2**20, message_bytes=2**20))


def answering(client: RawPage) -> threading.Thread:
    """Answer every call with its first argument, in a thread, until the page is closed."""

    def answer() -> None:
        for message in client.messages():
            if message[0] == "call":
                client.send(["return", message[1], message[3][0]])

    thread = threading.Thread(target=answer)
    thread.start()
    return thread


def connections() -> int:
    return sum(one.status == psutil.CONN_ESTABLISHED for one in psutil.Process().net_connections())


def test_a_page_that_does_not_read_is_closed(app: JsMeetsPy, page: Page, caplog: pytest.LogCaptureFixture) -> None:
    other = app.open("<p>", "none")
    reader = RawPage(other.url, "reader", key_of(other))
    thread = answering(reader)
    slow = RawPage(page.url, "slow", key_of(page), max_queue=1)
    assert page.wait_connected(5)
    before = connections()
    pending: list[BaseException] = []

    def call() -> None:
        with pytest.raises(Disconnected) as info:
            page.call("f")(1)
        pending.append(info.value)

    caller = threading.Thread(target=call)
    caller.start()
    start = time.monotonic()
    with caplog.at_level(logging.ERROR, "jsmeets_local"):
        for number in range(1000):
            page.call_nowait("show")(BLOCK)
            if number % 100 == 0:
                assert other.call("echo", scaled(5))(number) == number, "the other one is not held up"
        until(lambda: slow.id not in app.sockets.get_socket_id())
    assert time.monotonic() - start < scaled(10)
    assert [record.message for record in caplog.records if "too slow" in record.message]
    caller.join(scaled(5))
    assert len(pending) == 1
    assert other.call("echo", scaled(5))("still") == "still"
    until(lambda: connections() < before)  # Python has closed its end of the TCP connection
    with pytest.raises(ConnectionClosed):
        while True:
            slow.socket.recv(scaled(10))  # what the system has kept for the page
    until(lambda: connections() <= before - 2)  # both ends are in this process
    reader.close()
    thread.join(scaled(5))


def test_calls_wait_for_room_within_their_time(page: Page) -> None:
    RawPage(page.url, "slow", key_of(page), max_queue=1)
    assert page.wait_connected(5)
    threads = [threading.Thread(target=time_out, args=(page,)) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(scaled(10))
        assert not thread.is_alive()


def time_out(page: Page) -> None:
    with pytest.raises(CallTimeout):
        page.call("f", 1.0)(BLOCK)


def test_publications_are_dropped_for_the_slow_page_alone(
    app: JsMeetsPy, page: Page, caplog: pytest.LogCaptureFixture
) -> None:
    other = app.open("<p>", "none")
    slow = RawPage(page.url, "slow", key_of(page), topics=["t"], max_queue=1)
    reader = RawPage(other.url, "reader", key_of(other), topics=["t"])
    with caplog.at_level(logging.WARNING, "jsmeets_local"):
        for number in range(200):
            app.pubsub.publish("t")([number, BLOCK.decode()])
            assert reader.next("publish")[3][0] == number
    told = [record.message for record in caplog.records if "too slow" in record.message]
    assert len(told) == 1
    assert f"socket {slow.id}" in told[0]
    heard = [slow.next("publish")[3][0]]
    while heard[-1] != 199:
        heard.append(slow.next("publish")[3][0])
    assert heard == sorted(heard)
    assert 0 < len(heard) < 200
    stats = {one["socket"]: one for one in app.stats()["pages"]}
    assert stats[slow.id]["dropped"] == 200 - len(heard)
    assert stats[reader.id]["dropped"] == 0
    for client in (slow, reader):
        client.close()


def test_publishers_may_wait_instead(app: JsMeetsPy, page: Page) -> None:
    app.pubsub.set_overflow("t", "block")
    client = RawPage(page.url, "slow", key_of(page), topics=["t"], max_queue=1)
    published: list[int] = []

    def publish() -> None:
        for number in range(300):
            app.pubsub.publish("t")([number, BLOCK.decode()])
            published.append(number)

    thread = threading.Thread(target=publish)
    thread.start()
    time.sleep(scaled(1))
    waiting = app.stats()["pages"][0]["waiting_bytes"]
    assert len(published) < 300
    assert waiting < 2**20 + 2 * len(BLOCK)
    assert [client.next("publish")[3][0] for _ in range(300)] == list(range(300))
    thread.join(scaled(5))
    assert not thread.is_alive()
    client.close()


def test_a_waiting_publisher_ends_with_the_page(app: JsMeetsPy, page: Page) -> None:
    app.pubsub.set_overflow("t", "block")
    client = RawPage(page.url, "slow", key_of(page), topics=["t"], max_queue=1)
    done = threading.Event()

    def publish() -> None:
        for number in range(300):
            app.pubsub.publish("t")([number, BLOCK.decode()])
        done.set()

    thread = threading.Thread(target=publish)
    thread.start()
    assert not done.wait(1)
    app.sockets.close_socket(client.id)
    assert done.wait(scaled(10))
    thread.join(scaled(5))


def test_only_the_newest_of_a_live_topic_waits(app: JsMeetsPy, page: Page) -> None:
    app.pubsub.set_overflow("t", "latest")
    client = RawPage(page.url, "slow", key_of(page), topics=["t"], max_queue=1)
    for number in range(300):
        app.pubsub.publish("t")([number, BLOCK.decode()])
    assert app.stats()["pages"][0]["waiting_bytes"] < 2**20
    heard = [client.next("publish")[3][0]]
    while heard[-1] != 299:
        heard.append(client.next("publish")[3][0])
    assert heard == sorted(heard)
    assert len(heard) < 300
    client.close()


def test_queues_push_back(app: JsMeetsPy, page: Page) -> None:
    app.queues.set_limit("q", 3)
    client = RawPage(page.url, "d", key_of(page))
    client.send(*(["push", number, "q", number] for number in range(1, 11)))
    assert [client.next("return")[1] for _ in range(3)] == [1, 2, 3]
    assert app.stats()["queues"] == {"q": 3}
    assert [page.queue("q").get(scaled(5)) for _ in range(10)] == list(range(1, 11))
    assert [client.next("return")[1] for _ in range(7)] == [4, 5, 6, 7, 8, 9, 10]
    client.close()


def test_a_message_that_is_too_big(page: Page) -> None:
    client = RawPage(page.url, "d", key_of(page))
    assert page.wait_connected(5)
    with pytest.raises(MessageTooBig, match="1048"):
        page.call("f")(b"x" * 2**20)
    thread = answering(client)
    assert page.call("f")("it lives") == "it lives"
    client.close()
    thread.join(scaled(5))


def test_stats(app: JsMeetsPy, page: Page) -> None:
    client = RawPage(page.url, "d", key_of(page), topics=["t"])
    client.send(["subscribe", 1, "t"])
    client.next("return")
    client.send(["pong", client.pings[0][1]], ["push", 0, "q", 1], ["return", 99, None])
    assert page.queue("q").get(scaled(5)) == 1
    stats = app.stats()
    [one] = stats["pages"]
    assert (one["socket"], one["connected"], one["reconnects"], one["received"]) == (client.id, True, 0, 3)
    assert 0 < one["round_trip_seconds"] < 5
    assert (stats["ignored_answers"], stats["pending_calls"], stats["topics"]) == (1, 0, {"t": 1})
    client.close()


def test_stats_over_http_need_the_token(app: JsMeetsPy, page: Page) -> None:
    root, _, fragment = page.url.partition("#")
    token = fragment.removeprefix("jsmeets=").split(".")[0]

    def get(**headers: str) -> Any:
        request = urllib.request.Request(root + "jsmeetspy/stats", headers=headers)
        with urllib.request.urlopen(request, timeout=scaled(5)) as answer:
            return json.load(answer)

    assert get(Authorization=f"Bearer {token}") == json.loads(json.dumps(app.stats()))
    for wrong in ("", "Bearer", f"Basic {token}", "Bearer x", f"Bearer {token}x"):
        with pytest.raises(urllib.error.HTTPError) as info:
            get(Authorization=wrong)
        assert info.value.code == 401
        info.value.close()


def test_too_many_functions_that_wait_for_pages() -> None:
    app = JsMeetsPy(bridge=Bridge(), limits=Limits(waiting_threads=3))
    try:
        page = app.launch("<p>", mode="none")
        client = RawPage(page.url, "d", key_of(page))

        @app.expose
        def ask() -> Any:
            return page.call("answer")()

        client.send(*(["call", number, "ask", []] for number in (1, 2, 3)))
        asked = [client.next("call")[1] for _ in range(3)]
        until(lambda: app.stats()["workers"]["waiting"] == 3)  # a page may answer before the caller waits
        client.send(["call", 4, "ask", []])
        refused = client.next("error")
        assert refused[1] == 4
        assert "Limits(waiting_threads=...)" in refused[2]["message"]
        client.send(*(["return", number, "yes"] for number in asked))
        assert {client.next("return")[2] for _ in range(3)} == {"yes"}
        client.close()
    finally:
        app.stop()


def test_a_binary_socket_that_does_not_read_is_closed(app: JsMeetsPy, caplog: pytest.LogCaptureFixture) -> None:
    pipe = JsPyBinarySocket("/pipe")
    app.add_socket(pipe)
    page = app.launch("<p>", mode="none")
    slow = open_socket(page.url, path="/pipe", max_queue=1)
    reader = open_socket(page.url, path="/pipe")
    until(lambda: pipe.number_of_connections() == 2)
    with caplog.at_level(logging.ERROR, "jsmeets_local"):
        for _ in range(300):
            sent = pipe.multicast(BLOCK)
            assert reader.recv(scaled(10)) == BLOCK
            if pipe.get_socket_id() == (2,):
                break
        else:
            pytest.fail("it was never closed")
    first, second = sent.future.result(scaled(10))
    assert "binary socket 1: it is too slow" in str(first)
    assert second is None
    assert [record.message for record in caplog.records if "too slow" in record.message]
    for client in (slow, reader):
        client.close()
