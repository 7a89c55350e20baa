"""Streams over a connection, in both directions: credit, ends, errors, and what happens when a side leaves."""

from __future__ import annotations

import _thread
import asyncio
import csv
import gc
import itertools
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from typing import Any

import numpy
import pytest

from jsmeets_local import (
    CallTimeout,
    Cancelled,
    JavaScriptError,
    JsMeetsPy,
    JSStream,
    Limits,
    Page,
    PageClosed,
    UnknownReference,
    WouldDeadlock,
    current_call,
    current_page,
    ref,
)
from jsmeets_local.bridge.dispatcher import SLOTS
from jsmeets_local.protocol.codec import decode
from jsmeets_local.protocol.values import pack
from tests.raw import RawPage, as_page
from tests.timing import scaled, until


@pytest.fixture
def app(make_app: Callable[..., JsMeetsPy]) -> JsMeetsPy:
    return make_app(limits=Limits(stream_items=4))


def in_thread(func: Callable[..., Any], *args: Any, **named: Any) -> Any:
    return ThreadPoolExecutor(1).submit(func, *args, **named)


def given(app: JsMeetsPy, raw: RawPage, number: int = 1) -> JSStream:
    """Return a stream of a page, which passes it to an exposed function."""
    got: list[Any] = []
    app.functions.expose("take", got.append)
    raw.send(["call", 1, "take", [None], [[[3, 0], "stream", number]]])
    assert raw.receive() == ["return", 1, None]
    app.functions.clear("take")
    (stream,) = got
    assert isinstance(stream, JSStream)
    return stream


def started(raw: RawPage, name: str, *args: Any) -> int:
    """Call a function that returns a stream, and return its number."""
    kind, _, value, specials = raw.ask("call", name, list(args))
    assert (kind, value) == ("return", None)
    ((path, special, number),) = specials
    assert (path, special) == ([2], "stream")
    return int(number)


def read(raw: RawPage, number: int, credit: int = 1000) -> tuple[list[Any], Any]:
    """Read a stream of Python to its end; return the items and the error."""
    raw.send(["pull", number, credit])
    got: list[Any] = []
    while (message := raw.receive())[0] == "items":
        got += message[2]
    assert message[:2] == ["end", number]
    return got, message[2] if len(message) > 2 else None


def items(raw: RawPage, number: int, count: int) -> list[Any]:
    """Receive items of a stream of Python, however they travel."""
    got: list[Any] = []
    while len(got) < count:
        kind, stream, batch = raw.receive()
        assert (kind, stream) == ("items", number)
        got += batch
    return got


def binary(raw: RawPage) -> list[Any]:
    """Return the messages of the next frame, which is binary."""
    frame = raw.socket.recv(scaled(10))
    assert isinstance(frame, bytes)
    return list(decode(frame))


def counts(app: JsMeetsPy) -> tuple[int, dict[str, int]]:
    """Return the numbers of streams and of references of the page."""
    (stats,) = app.bridge.call(app.bridge.stats)["pages"]
    return stats["streams"], stats["references"]


NOTHING = (0, {"exported": 0, "imported": 0})


# Streams of Python -----------------------------------------------------------------------------------------------------


class Nameless(Iterator[int]):
    @property
    def __name__(self) -> str:
        raise RuntimeError("no name")

    def __next__(self) -> int:
        raise StopIteration


@pytest.mark.parametrize("is_read", [False, True])
def test_a_stream_that_a_client_releases_is_closed(app: JsMeetsPy, raw: RawPage, is_read: bool) -> None:
    closed = threading.Event()

    def rows() -> Iterator[int]:
        try:
            yield from itertools.count()
        finally:
            closed.set()

    app.functions.expose("rows", rows, exclusive=True)
    number = started(raw, "rows")
    if is_read:
        raw.send(["pull", number, 1])
        assert raw.receive() == ["items", number, [0]]
    raw.send(["release", [[number, 1]]])
    assert started(raw, "rows") > number  # the turn of the first has ended
    assert closed.is_set() is is_read
    assert counts(app)[0] == 0


def test_an_iterator_whose_name_raises_is_read(app: JsMeetsPy, raw: RawPage) -> None:
    app.functions.expose("rows", Nameless)
    assert read(raw, started(raw, "rows")) == ([], None)


class Numbers:
    """An iterator that is no generator."""

    def __init__(self, count: int) -> None:
        self.left = iter(range(count))
        self.is_closed = False

    def __iter__(self) -> Numbers:
        return self

    def __next__(self) -> int:
        return next(self.left)

    def close(self) -> None:
        self.is_closed = True


class AsyncNumbers:
    """An async iterator that is no generator."""

    def __init__(self, count: int) -> None:
        self.left = iter(range(count))

    def __aiter__(self) -> AsyncNumbers:
        return self

    async def __anext__(self) -> int:
        await asyncio.sleep(0)
        for number in self.left:
            return number
        raise StopAsyncIteration


def rows(count: int) -> Iterator[int]:
    yield from range(count)


async def async_rows(count: int) -> AsyncIterator[int]:
    for number in range(count):
        yield number


async def slow_rows(count: int) -> AsyncIterator[int]:
    for number in range(count):
        await asyncio.sleep(0)
        yield number


@pytest.mark.parametrize(
    "make",
    [
        rows,
        async_rows,
        slow_rows,
        Numbers,
        AsyncNumbers,
        lambda count: map(abs, range(count)),
        lambda count: iter(list(range(count))),
        lambda count: itertools.islice(itertools.count(), count),
    ],
)
@pytest.mark.parametrize("count", [0, 1, 9])
def test_a_function_returns_an_iterator(app: JsMeetsPy, raw: RawPage, make: Callable[..., Any], count: int) -> None:
    app.functions.expose("rows", make)
    assert read(raw, started(raw, "rows", count)) == (list(range(count)), None)
    assert counts(app) == NOTHING


def test_iterators_of_the_standard_library_are_streams(app: JsMeetsPy, raw: RawPage) -> None:
    app.functions.expose("rows", lambda: csv.reader(["a,b", "1,2"]))
    assert read(raw, started(raw, "rows")) == ([["a", "b"], ["1", "2"]], None)
    app.functions.expose("pairs", lambda: zip("ab", [1, 2], strict=True))
    assert read(raw, started(raw, "pairs")) == ([["a", 1], ["b", 2]], None)


def test_arguments_items_and_publications_carry_streams(app: JsMeetsPy, page: Page, raw: RawPage) -> None:
    page.call_nowait("f")(rows(2))
    kind, _, args, specials = raw.receive()
    assert (kind, args) == ("notify", [None])
    assert read(raw, specials[0][2]) == ([0, 1], None)
    app.queues.push_nowait("q")({"rows": async_rows(2)})
    kind, _, _, data, specials = raw.receive()
    assert (kind, data, specials[0][0]) == ("push", {"rows": None}, [3, "rows"])
    assert read(raw, specials[0][2]) == ([0, 1], None)
    raw.ask("subscribe", "t")
    app.pubsub.publish("t")(map(str, range(2)))
    assert read(raw, raw.next("publish")[-1][0][2]) == (["0", "1"], None)


def test_a_page_that_is_sent_the_iterator_of_another_gets_an_error_in_the_log(
    app: JsMeetsPy, page: Page, raw: RawPage, caplog: pytest.LogCaptureFixture
) -> None:
    second = RawPage(page.url, "other")
    for one in (raw, second):
        assert one.ask("subscribe", "t") == ["return", 1, True]
    app.pubsub.publish("t")(rows(2))
    assert read(raw, raw.next("publish")[-1][0][2]) == ([0, 1], None)
    app.pubsub.publish("t")("next")
    assert second.next("publish")[3] == "next"
    assert "send each page an iterator of its own" in caplog.text


@pytest.mark.parametrize("make", [rows, async_rows])
def test_a_reader_that_grants_nothing_more_stops_the_producer(
    app: JsMeetsPy, raw: RawPage, make: Callable[..., Any]
) -> None:
    made: list[int] = []
    if make is rows:

        def count() -> Iterator[int]:
            for number in itertools.count():
                made.append(number)
                yield number
    else:

        async def count() -> AsyncIterator[int]:  # type: ignore[misc]
            for number in itertools.count():
                made.append(number)
                yield number

    app.functions.expose("count", count)
    number = started(raw, "count")
    time.sleep(scaled(0.05))
    assert made == []
    raw.send(["pull", number, 3])
    got: list[int] = []
    while len(got) < 3:
        got += raw.receive()[2]
    time.sleep(scaled(0.05))
    assert made == got == [0, 1, 2]
    raw.send(["pull", number, 1])
    assert raw.receive() == ["items", number, [3]]
    raw.send(["stop", number], ["call", 2, "$list", []])
    assert raw.receive()[0] == "return"
    assert counts(app) == NOTHING


def test_small_items_travel_in_batches(app: JsMeetsPy, raw: RawPage) -> None:
    app.functions.expose("rows", rows)
    raw.send(["pull", started(raw, "rows", 1000), 1001])
    sizes = []
    while (message := raw.receive())[0] == "items":
        sizes.append(len(message[2]))
    assert sum(sizes) == 1000
    assert len(sizes) < 100


def test_arrays_are_copied_once_and_the_iterator_may_reuse_them(app: JsMeetsPy, raw: RawPage) -> None:
    def frames() -> Iterator[Any]:
        frame = numpy.zeros(50_000, "f4")
        for number in range(4):
            frame[:] = number  # an item may change once it is yielded
            yield frame

    app.functions.expose("frames", frames)
    raw.send(["pull", started(raw, "frames"), 10])
    received: list[Any] = []
    while len(received) < 4:
        received += binary(raw)  # the last one may share its frame with the end of the stream
    assert [message.items[0].tolist() for message in received[:4]] == [[number] * 50_000 for number in range(4)]


def test_values_of_all_kinds_are_items(app: JsMeetsPy, raw: RawPage) -> None:
    app.functions.expose("rows", lambda: iter([2**60, print, {"deep": [rows(1)]}, numpy.arange(2)]))
    raw.send(["pull", started(raw, "rows"), 10])
    (items, _) = binary(raw)
    assert items.items[0] is None
    kinds = [(special.path, special.kind) for special in items.specials]
    assert kinds == [([2, 0], "bigint"), ([2, 1], "function"), ([2, 2, "deep", 0], "stream")]
    assert items.items[3].tolist() == [0, 1]


@pytest.mark.parametrize("is_async", [False, True])
def test_an_error_ends_the_stream(
    app: JsMeetsPy, raw: RawPage, is_async: bool, caplog: pytest.LogCaptureFixture
) -> None:
    def fails() -> Iterator[int]:
        yield 1
        raise ValueError("no more")

    async def async_fails() -> AsyncIterator[int]:
        for number in fails():
            yield number

    app.functions.expose("fails", async_fails if is_async else fails)
    items, error = read(raw, started(raw, "fails"))
    assert items == [1]
    assert (error["kind"], error["name"], error["message"]) == ("raised", "ValueError", "no more")
    assert "fails' raised" in caplog.text
    assert counts(app) == NOTHING


@pytest.mark.parametrize("is_async", [False, True])
def test_an_item_that_cannot_be_sent_ends_the_stream_and_closes_the_iterator(
    app: JsMeetsPy, raw: RawPage, is_async: bool
) -> None:
    closed = threading.Event()

    def bad() -> Iterator[Any]:
        try:
            yield 1
            yield {"x": object()}
            yield 3
        finally:
            closed.set()

    async def async_bad() -> AsyncIterator[Any]:
        try:
            for item in bad():
                yield item
        finally:
            closed.set()

    app.functions.expose("bad", async_bad if is_async else bad)
    items, error = read(raw, started(raw, "bad"))
    assert items == [1]
    assert (error["kind"], error["name"]) == ("unserializable", "TypeError")
    assert "item['x']" in error["message"]
    assert closed.wait(scaled(5))


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("end", ["stop", "goodbye", "shutdown"])
def test_an_iterator_is_closed_when_its_page_no_longer_reads_it(
    app: JsMeetsPy, page: Page, raw: RawPage, is_async: bool, end: str
) -> None:
    ended: list[Any] = []
    closed = threading.Event()

    def count() -> Iterator[int]:
        try:
            yield from itertools.count()
        except GeneratorExit:
            ended.append((threading.current_thread().name, current_call().cancelled))
            raise
        finally:
            closed.set()

    async def async_count() -> AsyncIterator[int]:
        try:
            for number in itertools.count():
                yield number
        except GeneratorExit:
            ended.append((threading.current_thread().name, current_call().cancelled))
            raise
        finally:
            await asyncio.sleep(0)
            closed.set()

    app.functions.expose("count", async_count if is_async else count)
    number = started(raw, "count")
    raw.send(["pull", number, 2])
    assert items(raw, number, 2) == [0, 1]
    if end == "shutdown":
        app.stop()
    else:
        raw.send(["stop", number] if end == "stop" else ["goodbye"])
    assert closed.wait(scaled(5))
    ((thread, was_cancelled),) = ended
    assert was_cancelled
    if not is_async:
        assert thread.startswith("jsmeets: the iterator 'count'")


def test_an_iterator_that_is_stopped_before_it_is_read_is_closed(app: JsMeetsPy, raw: RawPage) -> None:
    numbers = Numbers(3)
    app.functions.expose("rows", lambda: numbers)
    number = started(raw, "rows")
    raw.send(["stop", number])
    assert until(lambda: numbers.is_closed)
    assert read(raw, number)[1]["name"] == "UnknownReference"


def test_the_result_of_a_cancelled_call_is_closed(app: JsMeetsPy, raw: RawPage) -> None:
    numbers, runs, goes_on = Numbers(3), threading.Event(), threading.Event()

    def slow() -> Numbers:
        runs.set()
        goes_on.wait(scaled(5))
        return numbers

    app.functions.expose("slow", slow)
    raw.send(["call", 1, "slow", []])
    assert runs.wait(scaled(5))
    raw.send(["cancel", 1], ["call", 2, "$list", []])
    assert raw.receive()[0] == "return"
    goes_on.set()
    assert until(lambda: numbers.is_closed)
    assert counts(app) == NOTHING


def test_a_generator_that_waits_for_the_page_ends_when_it_is_stopped(app: JsMeetsPy, raw: RawPage) -> None:
    ended: list[Any] = []

    def asks() -> Iterator[Any]:
        try:
            yield 1
            current_page().call("never")()
        except BaseException as error:
            ended.append(error)
            raise

    app.functions.expose("asks", asks)
    number = started(raw, "asks")
    raw.send(["pull", number, 2])
    assert raw.next("call")[2] == "never"
    raw.send(["stop", number])
    assert until(lambda: len(ended) == 1)
    assert isinstance(ended[0], Cancelled)


def test_a_task_is_cancelled_in_what_it_waits_for(app: JsMeetsPy, raw: RawPage) -> None:
    ended: list[Any] = []
    waits = threading.Event()

    async def waiting() -> AsyncIterator[int]:
        async with asyncio.timeout(scaled(60)):
            yield 1
            try:
                waits.set()
                await asyncio.Event().wait()
            except BaseException as error:
                ended.append(type(error))
                raise

    app.functions.expose("waiting", waiting)
    number = started(raw, "waiting")
    raw.send(["pull", number, 2])
    assert raw.receive() == ["items", number, [1]]  # sent while the iterator waits
    assert waits.wait(scaled(5))
    raw.send(["stop", number])
    assert until(lambda: ended == [asyncio.CancelledError])


def test_a_slow_generator_sends_each_item_and_keeps_no_worker(app: JsMeetsPy, raw: RawPage) -> None:
    step = threading.Semaphore(0)

    def slow() -> Iterator[int]:
        for number in range(3):
            step.acquire(timeout=scaled(5))
            time.sleep(0.01)
            yield number

    app.functions.expose("slow", slow)
    number = started(raw, "slow")
    raw.send(["pull", number, 100])
    for item in range(3):
        step.release()
        assert raw.receive() == ["items", number, [item]]
    assert raw.receive() == ["end", number]
    others = [started(raw, "slow") for _ in range(40)]
    for _ in others:
        step.release()
    raw.send(*[["pull", other, 1] for other in others])
    assert sorted(raw.next("items")[1] for _ in others) == others
    assert until(lambda: app.bridge.call(app.bridge.stats)["workers"]["running"] == 0)


def test_items_are_sent_while_the_generator_works_on_the_next(app: JsMeetsPy, raw: RawPage) -> None:
    goes_on = threading.Event()

    def slow() -> Iterator[int]:
        yield 1
        yield 2
        goes_on.wait(scaled(10))
        yield 3

    app.functions.expose("slow", slow)
    number = started(raw, "slow")
    raw.send(["pull", number, 100])
    assert items(raw, number, 2) == [1, 2]
    goes_on.set()
    assert read(raw, number) == ([3], None)


def test_items_of_a_worker_that_begins_late_are_sent(app: JsMeetsPy, raw: RawPage) -> None:
    """The generator waits for a worker, and then for the page, which waits for the first items."""
    ends, goes_on = threading.Event(), threading.Event()

    def slow() -> Iterator[int]:
        yield 1
        yield 2
        goes_on.wait(scaled(10))

    app.functions.expose("slow", slow)
    app.functions.expose("busy", lambda: ends.wait(scaled(20)))
    number = started(raw, "slow")
    raw.send(*[["notify", "busy", []]] * SLOTS)
    until(lambda: app.stats()["workers"]["running"] == SLOTS)
    raw.send(["pull", number, 100])
    time.sleep(scaled(0.05))
    ends.set()
    assert items(raw, number, 2) == [1, 2]
    goes_on.set()


def test_an_object_of_python_is_iterated(app: JsMeetsPy, raw: RawPage) -> None:
    class Rows:
        async def __aiter__(self) -> AsyncIterator[int]:
            yield 1

    for number, value in enumerate([[1], {1: 2}, Rows()], 1):
        app.functions.expose("give", lambda value=value: ref(value))
        (special,) = raw.ask("call", "give", [])[3]
        _, _, _, ((_, kind, stream),) = raw.ask("use", special[2], [["iterate"]])
        assert kind == "stream"
        assert read(raw, stream) == ([1], None), number


# Streams of pages ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_async", [False, True])
def test_large_items_count_as_several(make_app: Callable[..., JsMeetsPy], is_async: bool) -> None:
    app = make_app(limits=Limits(stream_items=8, stream_bytes=800_000))  # 100 kB count as one
    made: list[int] = []

    def blocks() -> Iterator[str]:
        for number in range(20):
            made.append(number)
            yield "x" * 200_000

    async def async_blocks() -> AsyncIterator[str]:
        for block in blocks():
            yield block

    app.functions.expose("blocks", async_blocks if is_async else blocks)
    raw = as_page(app.launch("<p>", mode="none"))
    number = started(raw, "blocks")
    raw.send(["pull", number, 8])
    for credit in (5, 2, -1):
        assert raw.receive()[3:] == [[], 2], credit
    time.sleep(scaled(0.1))
    assert made == [0, 1, 2]
    raw.send(["pull", number, 1])
    time.sleep(scaled(0.1))
    assert made == [0, 1, 2]
    raw.send(["pull", number, 1])
    assert raw.receive()[0] == "items"
    assert made == [0, 1, 2, 3]


@pytest.mark.parametrize("is_async", [False, True])
def test_the_items_of_a_batch_count_before_it_is_sent(make_app: Callable[..., JsMeetsPy], is_async: bool) -> None:
    app = make_app(limits=Limits(stream_items=16, stream_bytes=16_000))  # 1000 bytes count as one
    made: list[int] = []

    def texts() -> Iterator[str]:
        for number in range(100):
            made.append(number)
            yield "x" * 1000

    async def async_texts() -> AsyncIterator[str]:
        for text in texts():
            yield text

    app.functions.expose("texts", async_texts if is_async else texts)
    raw = as_page(app.launch("<p>", mode="none"))
    number = started(raw, "texts")
    raw.send(["pull", number, 16])
    credit = 16
    while credit > 0:
        _, _, items, _, extra = raw.receive()
        assert len(items) <= credit
        credit -= len(items) + extra
    time.sleep(scaled(0.1))
    assert (len(made), credit) == (8, 0)


def test_python_grants_large_items_as_several(app: JsMeetsPy, raw: RawPage) -> None:
    stream = given(app, raw)  # its window has 4 items
    reader = in_thread(lambda: [next(stream), next(stream), next(stream)])
    assert raw.receive() == ["pull", 1, 4]
    raw.send(["items", 1, ["a", "b"], [], 9])
    assert raw.receive() == ["pull", 1, 11]
    raw.send(["items", 1, ["c"], [], 0], ["end", 1])
    assert reader.result(scaled(10)) == ["a", "b", "c"]


@pytest.mark.parametrize("extra", [-1, 1.5, "1", 2**40])
def test_a_forged_count_of_a_large_item_is_a_protocol_error(app: JsMeetsPy, raw: RawPage, extra: Any) -> None:
    stream = given(app, raw)
    reader = in_thread(lambda: next(stream))
    raw.next("pull")
    raw.send(["items", 1, ["a"], [], extra])
    assert raw.next("close")
    with pytest.raises(ConnectionError):
        reader.result(scaled(10))


def test_python_reads_a_stream_within_its_window(app: JsMeetsPy, raw: RawPage) -> None:
    stream = given(app, raw)
    assert repr(stream) == "<JavaScript stream>"
    got: list[Any] = []
    reader = in_thread(lambda: got.extend(stream))
    assert raw.receive() == ["pull", 1, 4]
    raw.send(["items", 1, ["a", "b"]])
    assert raw.receive() == ["pull", 1, 2]
    raw.send(["items", 1, ["c", "d"]], ["items", 1, ["e", "f"]], ["end", 1, None])
    reader.result(scaled(10))
    assert got == list("abcdef")
    assert list(stream) == []
    assert until(lambda: counts(app) == NOTHING)


def test_async_for_reads_on_any_loop(app: JsMeetsPy, raw: RawPage) -> None:
    streams: list[JSStream] = []

    async def take(stream: JSStream) -> list[Any]:
        streams.append(stream)
        return [item async for item in stream]

    app.functions.expose("take", take)
    raw.send(["call", 1, "take", [None], [[[3, 0], "stream", 1]]])
    assert raw.receive() == ["pull", 1, 4]
    raw.send(["items", 1, [1, 2, 3]])
    assert raw.receive() == ["pull", 1, 3]
    raw.send(["items", 1, [4]], ["end", 1])
    assert raw.receive() == ["return", 1, [1, 2, 3, 4]]

    stream = given(app, raw, 2)
    other = in_thread(lambda: asyncio.run(take(stream)))
    raw.next("pull")
    raw.send(["items", 2, [1]], ["end", 2])
    assert other.result(scaled(10)) == [1]


def test_an_error_of_the_page_is_raised_after_the_items(app: JsMeetsPy, raw: RawPage) -> None:
    stream = given(app, raw)
    first = in_thread(next, stream)
    raw.next("pull")
    error = {"kind": "raised", "name": "RangeError", "message": "too far"}
    raw.send(["items", 1, [1, 2]], ["end", 1, error])
    assert first.result(scaled(10)) == 1
    assert next(stream) == 2
    with pytest.raises(JavaScriptError, match="RangeError: too far"):
        next(stream)
    assert list(stream) == []


@pytest.mark.parametrize("way", ["close", "with", "collect", "aclosing"])
@pytest.mark.parametrize("has_begun", [False, True])
def test_a_reader_that_leaves_stops_the_page(app: JsMeetsPy, raw: RawPage, way: str, has_begun: bool) -> None:
    stream = given(app, raw)
    if has_begun:
        first = in_thread(next, stream)
        assert raw.receive() == ["pull", 1, 4]
        raw.send(["items", 1, [1, 2]])
        assert first.result(scaled(10)) == 1
        del first
    if way == "with":
        with stream:
            pass
    elif way == "aclosing":

        async def leave() -> None:
            async with aclosing(stream):
                pass

        asyncio.run(leave())
    elif way == "close":
        stream.close()
        stream.close()
    else:
        del stream
        gc.collect()
    assert raw.next("stop") == ["stop", 1]
    raw.send(["items", 1, [3]], ["end", 1])  # under way
    if way != "collect":
        assert list(stream) == []
    assert until(lambda: counts(app) == NOTHING)


def test_break_leaves_the_stream_open(app: JsMeetsPy, raw: RawPage) -> None:
    stream = given(app, raw)

    def first() -> list[Any]:
        got = []
        for item in stream:
            got.append(item)
            break
        return got

    reader = in_thread(first)
    raw.next("pull")
    raw.send(["items", 1, [1, 2]], ["end", 1])
    assert reader.result(scaled(10)) == [1]
    assert list(stream) == [2]


def test_a_closed_stream_wakes_its_readers(app: JsMeetsPy, raw: RawPage) -> None:
    stream = given(app, raw)
    readers = [in_thread(list, stream) for _ in range(3)]
    raw.next("pull")
    stream.close()
    assert [reader.result(scaled(10)) for reader in readers] == [[], [], []]


def test_readers_in_several_threads_share_the_items(app: JsMeetsPy, raw: RawPage) -> None:
    stream = given(app, raw)
    readers = [in_thread(list, stream) for _ in range(3)]
    sent, credit = 0, 0
    while sent < 300:
        if not credit:
            credit += raw.next("pull")[2]
        raw.send(["items", 1, list(range(sent, sent + credit))])
        sent, credit = sent + credit, 0
    raw.send(["end", 1])
    got = [reader.result(scaled(10)) for reader in readers]
    assert sorted(itertools.chain(*got)) == list(range(sent))
    assert all(part == sorted(part) for part in got)


def test_a_timeout_leaves_the_stream_readable(app: JsMeetsPy, raw: RawPage) -> None:
    stream = given(app, raw)
    with pytest.raises(CallTimeout, match=r"no item of the stream arrived within 0\.05 s"):
        stream.get(timeout=0.05)
    assert raw.next("pull") == ["pull", 1, 4]
    raw.send(["items", 1, [1]], ["end", 1])
    assert stream.get(timeout=scaled(5)) == 1
    with pytest.raises(StopIteration):
        stream.get(timeout=scaled(5))


def test_ctrl_c_ends_the_wait_and_leaves_the_stream_readable(app: JsMeetsPy, raw: RawPage) -> None:
    stream = given(app, raw)
    waits = threading.Thread(target=lambda: (raw.next("pull"), _thread.interrupt_main()))
    waits.start()
    with pytest.raises(KeyboardInterrupt):
        for _ in stream:
            pass
    waits.join()
    raw.send(["items", 1, [1]], ["end", 1])
    assert list(stream) == [1]
    assert until(lambda: counts(app) == NOTHING)


def test_a_departed_page_ends_the_loop(app: JsMeetsPy, raw: RawPage) -> None:
    stream, unread = given(app, raw, 1), given(app, raw, 2)
    got: list[Any] = []
    reader = in_thread(lambda: got.extend(stream))
    raw.next("pull")
    raw.send(["items", 1, [1, 2]], ["goodbye"])
    with pytest.raises(PageClosed, match="left before its stream had ended"):
        reader.result(scaled(10))
    assert got == [1, 2]
    with pytest.raises(PageClosed):
        next(unread)


def test_the_loop_of_the_bridge_is_not_blocked(app: JsMeetsPy, raw: RawPage) -> None:
    async def take(stream: JSStream) -> None:
        with pytest.raises(WouldDeadlock, match="async for item in stream"):
            next(stream)

    app.functions.expose("take", take)
    raw.send(["call", 1, "take", [None], [[[3, 0], "stream", 1]]])
    assert raw.receive() == ["return", 1, None]


def test_items_that_refer_to_nothing_end_the_stream(app: JsMeetsPy, raw: RawPage) -> None:
    stream = given(app, raw)
    first = in_thread(next, stream)
    raw.next("pull")
    raw.send(["items", 1, [1]])
    assert first.result(scaled(10)) == 1
    raw.send(["items", 1, [None], [[[2, 0], "own", 99]]])
    assert raw.next("stop") == ["stop", 1]
    with pytest.raises(UnknownReference):
        next(stream)
    assert list(stream) == []


def test_a_stream_goes_home_before_it_is_stopped(app: JsMeetsPy, raw: RawPage) -> None:
    stream = given(app, raw)
    protocol = app.bridge.protocol

    def send_and_close() -> None:
        app.bridge.do(protocol.notify, "f", pack([stream, b"x" * 2_000_000], "args"), raw.id)
        stream.close()

    app.bridge.call(send_and_close)
    kinds = []
    while "stop" not in kinds:
        frame = raw.socket.recv(scaled(10))
        kinds.append("chunk" if isinstance(frame, bytes) else "stop" if "stop" in frame else "other")
        if isinstance(frame, bytes) and frame[1] & 1:
            kinds.append("last chunk")
        elif isinstance(frame, bytes):
            raw.send(["credit", int.from_bytes(frame[4:8], "little"), 1])
    assert "last chunk" in kinds


def test_too_many_items_close_the_connection(app: JsMeetsPy, raw: RawPage) -> None:
    stream = given(app, raw)
    reader = in_thread(next, stream)
    raw.next("pull")
    raw.send(["items", 1, [1] * 5])
    assert "that were not granted" in raw.next("close")[1]
    with pytest.raises(PageClosed):
        reader.result(scaled(10))


# Exclusive generators ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["plain", "async generator", "async function"])
@pytest.mark.parametrize(
    "way", ["read to its end", "stopped", "stopped after an item", "departed", "raised", "refused"]
)
def test_the_turn_of_an_exclusive_generator_ends_with_it(
    make_app: Callable[..., JsMeetsPy], kind: str, way: str
) -> None:
    app = make_app(limits=Limits(references=4))

    def body() -> Iterator[int]:
        for item in range(3):
            if way == "raised":
                raise ValueError("no")
            yield item

    if kind == "plain":
        app.functions.expose("rows", lambda: body(), exclusive=True)
    elif kind == "async generator":

        async def rows() -> AsyncIterator[int]:
            for item in body():
                yield item

        app.functions.expose("rows", rows, exclusive=True)
    else:

        async def later() -> Iterator[int]:
            return body()

        app.functions.expose("rows", later, exclusive=True)
    kept: list[Any] = []
    app.functions.expose("take", lambda *things: kept.extend(things))
    app.functions.expose("ping", lambda: 1)
    page = app.launch("<p>", mode="none")
    first, second = (as_page(page, document=name) for name in "ab")
    if way == "refused":  # there is no room for the generator, which is closed
        objects = [[[3, n], "function", 7 + n, "f"] for n in range(4)]
        first.send(["call", 9, "take", [None] * 4, objects])
        assert first.receive() == ["return", 9, None]
    first.send(["notify", "rows", []], ["call", 1, "rows", []])
    answer = first.receive()
    if way != "refused":
        assert answer[3][0][1:] == ["stream", 1]
        second.send(["call", 2, "rows", []], ["call", 3, "ping", []])
        assert second.receive() == ["return", 3, 1]  # the second call of `rows` waits
    else:
        assert answer[0] == "error"
        second.send(["call", 2, "rows", []])
    if way in ("read to its end", "raised"):
        first.send(["pull", 1, 9])
        assert first.next("end")[1] == 1
    elif way == "stopped":
        first.send(["stop", 1])
    elif way == "stopped after an item":
        first.send(["pull", 1, 1])
        assert first.receive() == ["items", 1, [0]]
        first.send(["stop", 1])
    elif way == "departed":
        first.send(["goodbye"])
    assert second.receive()[3][0][1:] == ["stream", 1]
