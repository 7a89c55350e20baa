"""WebSocket frames over the fast path of `launch()` and over ASGI under plain uvicorn have the same outcome."""

from __future__ import annotations

import importlib.metadata
import json
import struct
import zlib
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.middleware import Middleware
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode

from jsmeets_local import Bridge, JsMeetsPy
from jsmeets_local.bridge.connection import FAST_PATH
from jsmeets_local.protocol.chunks import CHUNK_BYTES, ReceivedChunk, cut
from jsmeets_local.protocol.codec import frame_parts, message_packet
from jsmeets_local.protocol.values import pack
from jsmeets_local.server import fastpath
from jsmeets_local.server.fastpath import FastPathProtocol
from tests.plain_uvicorn import Served
from tests.raw import RawPage, open_socket

BURST = 600


def checksum(value: str | bytes) -> list[int]:
    """Return the length and the checksum of the received data."""
    data = value.encode() if isinstance(value, str) else value
    return [len(data), zlib.crc32(data)]


@pytest.fixture(scope="module", params=["launch", "plain uvicorn"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    app = JsMeetsPy(bridge=Bridge())
    app.functions.expose("echo", lambda value: value)
    app.functions.expose("checksum", checksum)

    @app.expose
    async def sum_of(*values: int) -> int:
        return sum(values)

    if request.param == "launch":
        yield app.launch("<p>x</p>", mode="none").url
        app.stop()
    else:
        with Served(app) as address:
            yield address


@pytest.fixture
def handed_over(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The frames that take the fast path."""
    frames: list[Any] = []
    deliver = FastPathProtocol._deliver

    def spy(self: FastPathProtocol, taken: list[Any]) -> None:
        frames.extend(taken)
        deliver(self, taken)

    monkeypatch.setattr(FastPathProtocol, "_deliver", spy)
    return frames


def wire(page: RawPage, data: bytes) -> None:
    """Write bytes to the socket past the client library."""
    page.socket.socket.sendall(data)


def text(content: str | bytes, kind: int = Opcode.TEXT, fin: bool = True) -> bytes:
    data = content.encode() if isinstance(content, str) else content
    return Frame(Opcode(kind), data, fin).serialize(mask=True)


def call(number: int, *values: int) -> str:
    return json.dumps([["call", number, "sum_of", list(values)]])


def close_code(page: RawPage) -> int:
    with pytest.raises(ConnectionClosed) as caught:
        while True:
            page.receive()
    assert caught.value.rcvd is not None
    return int(caught.value.rcvd.code)


def test_a_launched_application_uses_the_fast_path(url: str, handed_over: list[Any]) -> None:
    page = RawPage(url)
    assert page.ask("call", "sum_of", [1, 2]) == ["return", 1, 3]
    expected = [[["ack", 0]], [["call", 1, "sum_of", [1, 2]]]] if "#" in url else []
    assert [json.loads(frame) for frame in handed_over] == expected
    page.close()


@st.composite
def streams(draw: st.DrawFn) -> tuple[int, bytes, list[int]]:
    """Calls 1, 2, ... with pings and in fragments, and the places to cut the stream."""
    count = draw(st.integers(1, 6))
    data = b""
    for number in range(1, count + 1):
        content = call(number, *range(draw(st.sampled_from([0, 3, 40, 20_000]))))
        cuts = sorted(draw(st.lists(st.integers(0, len(content)), max_size=2)))
        for i, (start, end) in enumerate(zip([0, *cuts], [*cuts, len(content)], strict=True)):
            if draw(st.booleans()):
                data += text(b"ping", Opcode.PING)
            data += text(content[start:end], Opcode.CONT if i else Opcode.TEXT, end == len(content) and i == len(cuts))
    return count, data, sorted(draw(st.lists(st.integers(0, len(data)), max_size=5)))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(streams())
def test_frames_however_they_are_cut(url: str, stream: tuple[int, bytes, list[int]]) -> None:
    count, data, cuts = stream
    page = RawPage(url)
    for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
        wire(page, data[start:end])
    answers = [page.next("return") for _ in range(count)]
    assert [number for _, number, _ in answers] == list(range(1, count + 1))
    page.close()


def test_large_frames_in_small_pieces(url: str) -> None:
    page = RawPage(url)
    content = "x" * 250_000
    data = text(json.dumps([["call", 1, "echo", [content]]]))
    for start in range(0, len(data), 7_001):
        wire(page, data[start : start + 7_001])
    assert page.next("return") == ["return", 1, content]
    page.close()


def test_messages_right_behind_the_hello(url: str) -> None:
    """They arrive before the function that takes frames is in place."""
    page = RawPage.__new__(RawPage)
    page.socket, page.inbox, page.pings, page._received, page._unacknowledged = open_socket(url), [], [], 0, 0
    wire(page, b"".join([text('[["hello","d","",[]]]'), *(text(call(i, i)) for i in range(1, 6)), text("ping", 9)]))
    assert [page.next("return") for _ in range(5)] == [["return", i, i] for i in range(1, 6)]
    page.close()


def test_a_burst_and_frames_behind_it(url: str) -> None:
    page = RawPage(url)
    burst = json.dumps([["call", i, "sum_of", [i]] for i in range(1, BURST + 1)])
    wire(page, text(burst) + b"".join(text(call(i, i)) for i in range(BURST + 1, BURST + 11)))
    answers = [page.next("return") for _ in range(BURST + 10)]
    assert answers == [["return", i, i] for i in range(1, BURST + 11)]
    page.close()


def test_messages_before_the_close_are_handled(url: str) -> None:
    page, other = RawPage(url), RawPage(url, "other", topics=["t"])
    burst = json.dumps([["publish", 0, "t", i, False] for i in range(BURST)])
    wire(page, text(burst) + text(struct.pack("!H", 1000), Opcode.CLOSE))
    assert close_code(page) == 1000
    assert [other.next("publish")[1:] for _ in range(BURST)] == [[0, "t", i, False] for i in range(BURST)]
    page.close()
    other.close()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x81\x05hello", 1002),
        (b"\xc1\x80mask", 1002),
        (b"\x83\x80mask", 1002),
        (b"\x09\x80mask", 1002),
        (b"\x89\xfe\x00\x7emask" + bytes(126), 1002),
        (text("x", Opcode.CONT), 1002),
        (text("[[", fin=False) + text("[]"), 1002),
        (b"\x82\xff" + struct.pack("!Q", 2**24 + 1), 1009),
        (text("x" * 2**23, fin=False) + b"\x80\xff" + struct.pack("!Q", 2**23 + 1), 1009),
        (text(b"\xff\xfe"), 1007),
        (text(b"\xc3", fin=False) + text(b"\x28", Opcode.CONT), 1007),
        (text(struct.pack("!H", 1001), Opcode.CLOSE), 1001),
    ],
    ids=[
        *("no mask", "extension", "unknown kind", "fragment of a ping", "long ping", "continuation of nothing"),
        *("message in a message", "too long", "too long in fragments", "no UTF-8", "no UTF-8 in fragments", "close"),
    ],
)
def test_protocol_violations_end_the_connection(url: str, data: bytes, code: int) -> None:
    """Close codes are those of RFC 6455, section 7.4.1."""
    page = RawPage(url)
    assert page.ask("call", "sum_of", [1, 2]) == ["return", 1, 3]
    wire(page, data)
    assert close_code(page) == code
    page.close()


def test_a_malformed_message_ends_the_connection_after_those_before_it(url: str) -> None:
    page, other = RawPage(url), RawPage(url, "other", topics=["t"])
    wire(page, b"".join([text(said("before")), text("{}"), text(said("after"))]))
    assert close_code(page) == 4400
    assert other.next("publish") == ["publish", 0, "t", "before", False]
    other.send(["publish", 1, "t", "own", False])
    assert other.next("publish") == ["publish", 0, "t", "own", False], "what came after it is not heard"
    page.close()
    other.close()


def test_messages_behind_the_close_are_ignored(url: str) -> None:
    page, other = RawPage(url), RawPage(url, "other", topics=["t"])
    wire(page, b"".join([text(said("before")), text(struct.pack("!H", 1000), Opcode.CLOSE), text(said("after"))]))
    assert other.next("publish") == ["publish", 0, "t", "before", False]
    other.send(["publish", 1, "t", "own", False])
    assert other.next("publish") == ["publish", 0, "t", "own", False]
    page.close()
    other.close()


# Chunks of large messages --------------------------------------------------------------------------------------------


def pieces(number: int, value: str | bytes, size: int = CHUNK_BYTES) -> list[bytes]:
    """Return the chunk frames of a large call, whose stream id is the number of the call."""
    parts, is_text = frame_parts([message_packet(["call", number, "checksum"], pack([value], "args"))])
    return [text(chunk, Opcode.BINARY) for chunk in cut(parts, is_text, number, size)]


@st.composite
def large_streams(draw: st.DrawFn) -> tuple[dict[int, list[int]], bytes, list[int]]:
    """Large calls with alternating chunks, pings and small calls between them, and the places to cut the stream."""
    random, wanted, waiting = Random(draw(st.integers(0, 99))), {}, []
    for number in range(1, draw(st.integers(1, 3)) + 1):
        size = draw(st.sampled_from([1, 70_000, CHUNK_BYTES - 90, 3 * CHUNK_BYTES + 7]))
        value = random.randbytes(size) if draw(st.booleans()) else "\u00e9" * (size // 2)
        wanted[number] = checksum(value)
        waiting.append(pieces(number, value, draw(st.sampled_from([65_536, 100_001, CHUNK_BYTES]))))
    data, small = b"", 100
    while waiting:
        data += waiting[draw(st.integers(0, len(waiting) - 1))].pop(0)
        waiting = [each for each in waiting if each]
        if draw(st.booleans()):
            small += 1
            wanted[small] = [1, zlib.crc32(b"x")]
            data += text(json.dumps([["call", small, "checksum", ["x"]]])) + text(b"ping", Opcode.PING)
    return wanted, data, sorted(draw(st.lists(st.integers(0, len(data)), max_size=6)))


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(large_streams())
def test_chunks_however_they_are_cut(url: str, stream: tuple[dict[int, list[int]], bytes, list[int]]) -> None:
    wanted, data, cuts = stream
    page = RawPage(url)
    for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
        wire(page, data[start:end])
    answers = {number: value for _, number, value in (page.next("return") for _ in wanted)}
    assert answers == wanted
    page.send(["call", 999, "sum_of", [1, 2]])
    assert page.next("return") == ["return", 999, 3]
    page.close()


def test_chunks_are_received_without_a_copy(url: str, handed_over: list[Any]) -> None:
    page = RawPage(url)
    value = Random(1).randbytes(20 * CHUNK_BYTES)
    wire(page, b"".join(pieces(1, value)))
    assert page.next("return") == ["return", 1, checksum(value)]
    landed = sum(isinstance(frame, ReceivedChunk) for frame in handed_over)
    assert landed >= 10 if "#" in url else landed == 0
    page.close()


@pytest.mark.parametrize("at", [1, 3])
def test_a_chunk_that_does_not_fit_is_refused(url: str, at: int) -> None:
    page = RawPage(url)
    frames = pieces(1, bytes(4 * CHUNK_BYTES))
    frames[at] = pieces(1, bytes(5 * CHUNK_BYTES))[at]  # of another length
    wire(page, b"".join(frames))
    assert close_code(page) == 4400
    page.close()


def test_a_page_that_leaves_in_the_middle_of_a_chunk(url: str) -> None:
    page, other = RawPage(url), RawPage(url, "other")
    data = b"".join(pieces(1, bytes(4 * CHUNK_BYTES)))
    wire(page, data[: len(data) - 100_000])
    page.socket.socket.close()
    assert other.ask("call", "checksum", ["x"])[2] == [1, zlib.crc32(b"x")]
    other.close()


def said(data: str) -> str:
    return json.dumps([["publish", 0, "t", data, False]])


class Counting:
    """Middleware that sees all frames."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def taking() -> Any:
            event = await receive()
            seen.append(event["type"])
            return event

        async def giving(event: Any) -> None:
            seen.append(event["type"])
            await send(event)

        await (self.app(scope, taking, giving) if scope["type"] == "websocket" else self.app(scope, receive, send))


seen: list[str] = []


def test_a_middleware_sees_what_it_would_under_any_server(handed_over: list[Any]) -> None:
    seen.clear()
    app = JsMeetsPy(bridge=Bridge(), middleware=[Middleware(Counting)])
    app.functions.expose("echo", lambda value: value)
    page = RawPage(app.launch("<p>x</p>", mode="none").url)
    assert page.ask("call", "echo", ["x"]) == ["return", 1, "x"]
    assert seen[:2] == ["websocket.connect", "websocket.accept"]
    assert seen.count("websocket.receive") == 3
    assert seen.count("websocket.send") >= 2
    assert handed_over == []
    page.close()
    app.stop()


MISFIT = """\
the fast path does not fit uvicorn {} and websockets {}: {}.
Until it does, launch() uses plain ASGI, which costs more per call (docs/explanation/performance.md, "The fast path").
Compare uvicorn/protocols/websockets/websockets_sansio_impl.py and websockets/protocol.py with the versions before, adapt
jsmeets_local/server/fastpath.py and its lists _UVICORN_ATTRIBUTES and _WEBSOCKETS_ATTRIBUTES, and run tests/server/test_fastpath.py."""


def test_the_installed_uvicorn_and_websockets_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    protocols: list[Any] = []
    handle_connect = FastPathProtocol.handle_connect

    def spy(self: FastPathProtocol, event: Any) -> None:
        handle_connect(self, event)
        protocols.append(self)

    monkeypatch.setattr(FastPathProtocol, "handle_connect", spy)
    app = JsMeetsPy(bridge=Bridge())
    page = RawPage(app.launch("<p>x</p>", mode="none").url)
    page.close()
    app.stop()
    versions = map(importlib.metadata.version, ("uvicorn", "websockets"))
    assert protocols, MISFIT.format(*versions, "uvicorn does not call handle_connect()")
    (protocol,) = protocols
    missing = [f"the protocol has no {name}" for name in fastpath._UVICORN_ATTRIBUTES if not hasattr(protocol, name)]
    missing += [
        f"its conn has no {name}" for name in fastpath._WEBSOCKETS_ATTRIBUTES if not hasattr(protocol.conn, name)
    ]
    if FAST_PATH not in protocol.scope["extensions"]:
        missing.append("the fast path is not offered")
    assert not missing, MISFIT.format(*versions, ", ".join(missing))


@pytest.mark.parametrize("names", ["_UVICORN_ATTRIBUTES", "_WEBSOCKETS_ATTRIBUTES"])
def test_a_wrapped_application_is_served_by_asgi(
    names: str, handed_over: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"jsmeets_local.server.fastpath.{names}", ("name_of_tomorrow",))
    app = JsMeetsPy(bridge=Bridge())
    app.functions.expose("echo", lambda value: value)
    page = RawPage(app.launch("<p>x</p>", mode="none").url)
    assert page.ask("call", "echo", ["x"]) == ["return", 1, "x"]
    assert handed_over == []
    page.close()
    app.stop()
