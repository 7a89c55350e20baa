"""A hostile client with the token: its own connection ends, and no other page notices."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, get_args

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed

from jsmeets_local import Bridge, Disconnected, JsMeetsPy, Limits, Page
from jsmeets_local.protocol.messages import Message
from jsmeets_local.protocol.values import pack
from tests.raw import RawPage, open_socket, token_of
from tests.strategies import envelope, messages, tables
from tests.timing import scaled


@pytest.fixture(scope="module")
def app() -> Iterator[JsMeetsPy]:
    app = JsMeetsPy(bridge=Bridge())
    app.functions.expose("add", lambda a, b: a + b)
    app.launch("<p>x</p>", mode="none")
    yield app
    app.stop()


@pytest.fixture
def page(app: JsMeetsPy) -> Page:
    return app.pages[0]


@pytest.fixture
def good(page: Page, caplog: pytest.LogCaptureFixture) -> Iterator[RawPage]:
    """Another page, which is served promptly throughout; no internal error is logged."""
    good = RawPage(page.url, "the good one")
    yield good
    start = time.monotonic()
    assert good.ask("call", "add", [1, 2]) == ["return", 1, 3]
    assert time.monotonic() - start < scaled(2)
    good.close()
    said = caplog.get_records("call")
    records = [record for record in said if record.exc_info and "exposed function" not in record.message]
    assert [record.getMessage() for record in records] == []


def closed_with(connection: Any) -> int:
    """Return the close code of a connection."""
    with pytest.raises(ConnectionClosed) as caught:
        while True:
            connection.recv(timeout=scaled(15))
    assert caught.value.rcvd is not None
    return int(caught.value.rcvd.code)


def welcome(page: Page, *hello: Any) -> tuple[Any, Any]:
    """Say hello; return the connection and the first message."""
    connection = open_socket(page.url)
    connection.send(json.dumps([["hello", *hello]]))
    return connection, json.loads(connection.recv(scaled(10)))[0]


# Sessions ----------------------------------------------------------------------------------------------


def test_a_document_name_alone_takes_over_no_session(app: JsMeetsPy, page: Page, good: RawPage) -> None:
    victim = RawPage(page.url, "victim")
    results: list[Any] = []
    app.bridge.portal.post(app.bridge.request, "call", "secret", pack([], "args"), victim.id, 20, results.append)
    thief, (kind, number, _, told) = welcome(page, "victim", "", [], "a guess", 0)
    assert kind == "welcome"
    assert number != victim.id
    assert not told["resumed"]
    assert told["received"] == 0
    with pytest.raises(TimeoutError):
        thief.recv(0.2)  # calls to the victim
    assert closed_with(victim.socket) == 1001
    assert isinstance(results[0].answers[victim.id], Disconnected)
    thief.close()


@pytest.mark.parametrize("received", [1000, 2**53 - 1])
def test_an_overheard_session_resumes_only_with_a_possible_count(
    app: JsMeetsPy, page: Page, good: RawPage, received: int
) -> None:
    session = app.bridge.protocol.session
    liar = open_socket(page.url)
    liar.send(json.dumps([["hello", "the good one", "", [], session, received]]))
    assert closed_with(liar) == 4400


@pytest.mark.parametrize(
    "rest",
    [[[], "s", -1], [[], "s", 2**53], [[], "s", "1"], [[], "s", None], [[], 5, 0], [[None]], ["t"], [{}]],
    ids=str,
)
def test_malformed_hellos(page: Page, good: RawPage, rest: list[Any]) -> None:
    connection = open_socket(page.url)
    connection.send(json.dumps([["hello", "d", "", *rest]]))
    assert closed_with(connection) == 4400


def test_no_page_receives_the_name_of_another_document(app: JsMeetsPy, page: Page, good: RawPage) -> None:
    _, first = welcome(page, "curious", "", ["#"])
    assert "the good one" not in json.dumps(first)
    assert "the good one" not in json.dumps(RawPage(page.url, "asking").ask("call", "$list", []))


# Messages ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "message",
    [
        ["ack", 1000],
        ["ack", -1],
        ["credit", 0, 17],
        ["credit", 0, 0],
        ["credit", 2**32, 1],
        ["hello", "the good one", "", []],
    ],
    ids=str,
)
def test_acknowledgements_of_what_was_not_sent(page: Page, good: RawPage, message: list[Any]) -> None:
    bad = RawPage(page.url, "bad")
    bad.send(message)
    assert closed_with(bad.socket) == 4400


def test_credit_for_streams_that_are_not_there_does_nothing(page: Page, good: RawPage) -> None:
    bad = RawPage(page.url, "bad")
    bad.send(*[["credit", stream, 16] for stream in range(5000)])
    assert bad.ask("call", "add", [1, 1]) == ["return", 1, 2]
    bad.close()


def test_a_flood_of_subscriptions(app: JsMeetsPy, page: Page, good: RawPage) -> None:
    topics = len(app.pubsub.get_topics())
    bad = RawPage(page.url, "bad")
    for start in range(0, 20_000, 1000):
        bad.send(*[["subscribe", n + 1, f"t{n}"] for n in range(start, start + 1000)])
    bad.send(["call", 1, "add", [1, 1]])
    assert good.ask("call", "add", [1, 1]) == ["return", 1, 2]
    while bad.receive() != ["return", 1, 2]:
        pass
    bad.close()
    while bad.id in app.sockets.get_socket_id():
        time.sleep(0.005)
    assert len(app.pubsub.get_topics()) == topics
    assert not app.bridge.call(app.bridge.protocol.broker.subscribers, "t1")


WRONG = [None, True, -1, 0, 1, 1.5, 2**53, 2**64, 1e308, "", "x", "\ud800", "\x1b[2J\n\x9b", [], [[]], {}, {"a": []}]
FAILED = {"kind": "raised", "name": "E", "message": "m", "trace": "t"}
OBJECT = {"protocol": "p", "key": "k", "id": 1, "data": 1, "exception": None}
RIGHT: dict[str, list[Any]] = {
    "hello": ["d", "", [], "", 0, False],
    "welcome": [1, "p", {}],
    "goodbye": [],
    "close": ["r", True],
    "call": [1, "add", [None, 2], [[[3, 0], "bigint", "1"]]],
    "notify": ["add", [None, 2], [[[2, 0], "function", 1, "f"]]],
    "return": [1, [["k", 1]], [[[2], "map"]]],
    "error": [1, FAILED],
    "fault": ["w", FAILED],
    "push": [1, "q", None, [[[3], "own", 1]]],
    "subscribe": [1, "t"],
    "unsubscribe": [1, "t"],
    "publish": [1, "t", 1, True, []],
    "retain": [1, "t", 1, True, []],
    "follow": ["page"],
    "state": ["", 1, {"a": None}, [[[3, "a"], "map"]]],
    "patch": ["", 1, [[["a"], 1], [["b"]], [["c"], 0, 1, []]], []],
    "patched": ["", 1, [[["a"], 1]], FAILED, []],
    "use": [1, 1, [["get", "f"], ["call", [None]]], [[[3, 1, 1, 0], "object", 1, "C"]]],
    "cancel": [1],
    "release": [[[1, 1]]],
    "pull": [1, 1],
    "items": [1, [1], []],
    "end": [1, FAILED],
    "stop": [1],
    "names": [["f"]],
    "custom": [OBJECT],
    "credit": [0, 1],
    "decline": [0],
    "ack": [0],
    "ping": [0.0],
    "pong": [0.0],
}


def variants(kind: str) -> Iterator[list[Any]]:
    """Yield the message with each field, and each field of its objects, replaced by each wrong value."""
    fields = RIGHT[kind]
    for place, right in enumerate(fields):
        for wrong in WRONG:
            yield [kind, *fields[:place], wrong, *fields[place + 1 :]]
            for name in right if isinstance(right, dict) else ():
                yield [kind, *fields[:place], {**right, name: wrong}, *fields[place + 1 :]]
        yield [kind, *fields[:place]]
    yield [kind, *fields, *WRONG]


def test_all_kinds_of_messages_are_known() -> None:
    assert set(RIGHT) == {kind.__struct_config__.tag for kind in get_args(Message)}


@pytest.mark.parametrize("kind", RIGHT)
def test_any_field_of_any_message(
    app: JsMeetsPy, page: Page, good: RawPage, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    bad: RawPage | None = None
    for message in variants(kind):
        bad = bad or RawPage(page.url, "bad")
        try:
            bad.send(message)
            bad.send(["call", 2**53 - 1, "add", [1, 1]])
            while bad.receive() != ["return", 2**53 - 1, 2]:
                pass
        except ConnectionClosed as closed:
            expected = (1001,) if kind in ("goodbye", "hello") else ()
            assert closed.rcvd is not None, message
            assert closed.rcvd.code in (4400, *expected), message
            bad.close()
            bad = None
    if bad is not None:
        bad.close()
    json.dumps(app.stats(), allow_nan=False)
    for record in caplog.records:
        lines = record.getMessage().split("\n")
        assert all(line.isprintable() for line in lines), record
        assert all(line.startswith("    ") for line in lines[1:]), record


def test_a_publication_that_grows_beyond_the_limit() -> None:
    app = JsMeetsPy(bridge=Bridge(), limits=Limits(message_bytes=2**20))
    try:
        bad = RawPage(app.launch("<p>x</p>", mode="none").url, topics=["t"])
        letters = "\xe9" * 300_000  # with a lone surrogate beside it, Python writes 6 bytes for each, no longer 2
        bad.socket.send(f'[["publish", 1, "t", "{letters}\\ud800", false]]')
        _, number, error = bad.next("error")
        assert (number, error["kind"], error["name"]) == (1, "refused", "MessageTooBig")
        assert bad.ask("publish", "t", "it lives", True) == ["return", 1, True]
        bad.close()
    finally:
        app.stop()


def test_text_that_is_not_utf_8(page: Page, good: RawPage, caplog: pytest.LogCaptureFixture) -> None:
    for parts in ([b"[[\xff secret"], [b"[[\xe2", b"\x28 secret"]):
        bad = RawPage(page.url, "bad")
        bad.socket.send(iter(parts), text=True) if len(parts) > 1 else bad.socket.send(parts[0], text=True)
        assert closed_with(bad.socket) == 1007
    assert "secret" not in caplog.text
    assert "closed a WebSocket of 127.0.0.1: a text message is not UTF-8" in caplog.text


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    st.lists(
        st.text(max_size=20)
        | st.binary(max_size=40)
        | st.lists(messages, max_size=3).map(json.dumps)
        | st.builds(lambda batch, table: envelope(batch, table), st.lists(messages, max_size=3), st.lists(tables, max_size=2))
        | st.builds(
            lambda flags, stream, total, data: struct.pack("<BBxxIQ", 2, flags, stream, total) + data,
            st.integers(0, 4), st.integers(0, 3), st.sampled_from([0, 1, 5, 2**28, 2**63]), st.binary(max_size=9),
        ),
        min_size=1, max_size=6,
    )
)  # fmt: skip
def test_any_frames(page: Page, good: RawPage, frames: list[str | bytes]) -> None:
    bad = RawPage(page.url, "bad")
    with suppress(ConnectionClosed):  # expected
        for frame in frames:
            bad.socket.send(frame)
    bad.close()
    assert good.ask("call", "add", [1, 2]) == ["return", 1, 3]


# Connections -------------------------------------------------------------------------------------------


def test_streams_that_announce_16_gigabytes(page: Page, good: RawPage) -> None:
    bad, before = RawPage(page.url, "bad"), psutil.Process().memory_info().rss
    for stream in range(64):
        bad.socket.send(struct.pack("<BBxxIQ", 2, 0, stream, 2**28) + b"x")
    for _ in range(3):
        bad.socket.send(struct.pack("<BBxxIQ", 2, 0, 63, 2**28) + b"x")
    assert good.ask("call", "add", [1, 2]) == ["return", 1, 3]
    while bad.receive() != ["credit", 63, 4]:
        pass
    assert psutil.Process().memory_info().rss - before < 100_000_000
    bad.close()


def test_a_frame_that_is_larger_than_any_of_this_wire(page: Page, good: RawPage) -> None:
    bad = RawPage(page.url, "bad")
    # Its first bytes tell the length (RFC 6455, section 5.2), by which it is refused: no more of it is sent, as a
    # connection that is closed with bytes unread is reset, and what it was told is lost.
    bad.socket.socket.sendall(b"\x81\xff" + (20_000_000).to_bytes(8, "big") + bytes(4))
    assert closed_with(bad.socket) in (1009, 4400)


def raw_handshake(page: Page) -> bytes:
    token = token_of(page)
    host = page.url.split("/")[2]
    return (
        f"GET /jsmeetspy/textsocket HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Protocol: jsmeets.v1, jsmeets.token.{token}\r\n\r\n"
    ).encode()


def half(page: Page, what: str) -> socket.socket:
    """Open a connection that stops in the middle."""
    host, _, port = page.url.split("/")[2].partition(":")
    sock = socket.create_connection((host, int(port)), timeout=scaled(10))
    handshake = raw_handshake(page)
    if what == "half a handshake":
        sock.sendall(handshake[:60])
    elif what != "nothing":
        sock.sendall(handshake)
        assert b" 101 " in sock.recv(4096)
    if what == "half a hello":
        sock.sendall(b"\x81\xff" + (10**6).to_bytes(8, "big") + b'\0\0\0\0[["hello')
    return sock


@pytest.mark.parametrize("what", ["nothing", "half a handshake", "no hello", "half a hello"])
def test_slow_handshakes_do_not_delay_others(
    app: JsMeetsPy, page: Page, good: RawPage, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jsmeets_local.server.endpoint.HELLO_SECONDS", scaled(0.5))
    dawdlers = [half(page, what) for _ in range(100)]
    assert good.ask("call", "add", [1, 2]) == ["return", 1, 3]
    assert RawPage(page.url, "another").ask("call", "add", [1, 2]) == ["return", 1, 3]
    for sock in dawdlers:
        if "hello" in what:
            assert sock.recv(4096)[:1] == b"\x88", "closed, and told why"
        sock.close()
