"""The vectors that Python and the client both assert: the meaning of frames, byte for byte."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy
import pytest

from jsmeets_local.errors import ProtocolError
from jsmeets_local.protocol.chunks import CHUNK, Assembler, cut, offered
from jsmeets_local.protocol.codec import decode, encode, message_packet
from jsmeets_local.protocol.messages import End, Items, Special
from jsmeets_local.protocol.values import Buffer
from tests.vectors import cases

LIMIT = 2**28


def plain(messages: list[Any]) -> Any:
    """Return messages in the form of the vectors, with binary values in place."""
    return [[message.__struct_config__.tag, *map(untyped, elements(message))] for message in messages]


def elements(message: Any) -> list[Any]:
    """Return the elements of a message after its tag, without specials and the error of a stream where there are none."""
    given = list(msgspec.structs.astuple(message))
    if isinstance(message, Items) and message.extra == 0:
        given.pop()
    return given[:-1] if given and (given[-1] == () or (isinstance(message, End) and message.error is None)) else given


def untyped(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [untyped(item) for item in value]
    if isinstance(value, Special):
        facts = [value.fact, value.detail, value.trait]
        return [value.path, value.kind, *facts[: 3 - facts.count(None)]]
    if not isinstance(value, msgspec.Struct):
        return value
    given = msgspec.structs.asdict(value).items()
    return {name: untyped(item) for name, item in given if item is not msgspec.UNSET}


def without_empty_trace(message: list[Any]) -> list[Any]:
    """Add the empty trace that an error without a trace means."""
    return [{**e, "trace": e.get("trace", "")} if isinstance(e, dict) and "kind" in e else e for e in message]


@pytest.mark.parametrize("case", cases("text_frames"))
def test_text_frames(case: dict[str, Any]) -> None:
    messages = decode(case["frame"])
    for message, expected in zip(plain(messages), case["messages"], strict=True):
        assert message == without_empty_trace(expected)[: len(message)]  # further elements are ignored
    assert decode(encode([message_packet(message) for message in case["messages"]])) == messages


@pytest.mark.parametrize("case", cases("binary_frames"))
def test_binary_frames(case: dict[str, Any]) -> None:
    messages = plain(decode(bytes.fromhex(case["frame_hex"])))
    expected = {tuple(b["path"]): b for b in case["buffers"]}
    for path, buffer in expected.items():
        value: Any = messages
        for step in path:
            value = value[step]
        if buffer["dtype"] == "bytes":
            assert value == bytes.fromhex(buffer["bytes_hex"])
        else:
            assert isinstance(value, numpy.ndarray)
            assert value.dtype.name == buffer["dtype"]
            assert list(value.shape) == ([value.size] if buffer["shape"] is None else buffer["shape"])
            assert value.tobytes().hex() == buffer["bytes_hex"]
    packets = [
        msgspec.structs.replace(
            message_packet(message),
            buffers=tuple(
                Buffer(path[1:], b["dtype"], memoryview(bytes.fromhex(b["bytes_hex"])), b["shape"])
                for path, b in expected.items()
                if path[0] == i
            ),
        )
        for i, message in enumerate(case["messages"])
    ]
    again = plain(decode(encode(packets)))
    assert repr(again) == repr(messages)


@pytest.mark.parametrize("case", cases("chunks"))
def test_chunks(case: dict[str, Any]) -> None:
    content = case["content_text"].encode() if case["is_text"] else bytes.fromhex(case["content_hex"])
    frames = list(cut([content], case["is_text"], case["stream"], case["chunk_size"]))
    assert [frame.hex() for frame in frames] == case["frames_hex"]
    assembler = Assembler(LIMIT)
    results = [assembler.feed(frame) for frame in frames]
    assert [stream for stream, _ in results] == [case["stream"]] * len(frames)
    assert [whole for _, whole in results[:-1]] == [None] * (len(frames) - 1)
    last = results[-1][1]
    assert last == (case["content_text"] if case["is_text"] else content)
    assert decode(last)


@pytest.mark.parametrize("case", cases("offers"))
def test_offers(case: dict[str, Any]) -> None:
    total = len(case["content_text"].encode() if case["is_text"] else bytes.fromhex(case["content_hex"]))
    frames = offered(bytes.fromhex(case["secret_hex"]), total, case["is_text"], case["stream"])
    assert [frame.hex() for frame in frames] == case["frames_hex"]


def take(frame: str | bytes) -> None:
    """Take a frame in as a connection does."""
    if isinstance(frame, bytes) and frame[:1] == bytes([CHUNK]):
        _, whole = Assembler(LIMIT).feed(frame)
        if whole is not None:
            decode(whole)
    else:
        decode(frame)


@pytest.mark.parametrize("case", cases("garbage"))
def test_garbage(case: dict[str, Any]) -> None:
    if "repeat" in case:
        r = case["repeat"]
        frame: str | bytes = (
            r["head"] + r["open"] * r["count"] + r.get("middle", "") + r["close"] * r["count"] + r["tail"]
        )
    else:
        frame = case["text"] if "text" in case else bytes.fromhex(case["hex"])
    with pytest.raises(ProtocolError):
        take(frame)
