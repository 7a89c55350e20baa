"""Files over a connection: a file of a page in Python, and files of Python that a page reads."""

from __future__ import annotations

import _thread
import asyncio
import csv
import gc
import gzip
import io
import json
import os
import shutil
import tempfile
import threading
import zipfile
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed

from jsmeets_local import (
    JSFile,
    JsMeetsPy,
    Limits,
    Page,
    PageClosed,
    UnreadableFile,
    WouldDeadlock,
    ref,
)
from jsmeets_local.bridge.proxies import js_file as files
from jsmeets_local.launch.window.saving import save
from jsmeets_local.protocol.chunks import CHUNK, Assembler
from jsmeets_local.protocol.codec import decode, frame_parts, message_packet
from jsmeets_local.protocol.files import MAX_READ
from jsmeets_local.protocol.messages import Return
from jsmeets_local.protocol.values import pack
from tests.raw import RawPage, as_page, key_of
from tests.timing import scaled, until

CONTENT = np.random.default_rng(5).integers(0, 256, 3_000_000, np.uint8).tobytes()


def in_thread(func: Callable[..., Any], *args: Any) -> Future[Any]:
    return ThreadPoolExecutor(1).submit(func, *args)


def facts(size: int, name: str = "data.bin", **more: Any) -> dict[str, Any]:
    return {"name": name, "size": size, "type": "text/x", "modified": 1_700_000_000_500, **more}


def given(app: JsMeetsPy, raw: RawPage, size: int, number: int = 1, **more: Any) -> JSFile:
    """Return the file of a page, which passes it to an exposed function."""
    got: list[Any] = []
    app.functions.expose("take", got.append)
    raw.send(["call", 1, "take", [None], [[[3, 0], "file", number, facts(size, **more)]]])
    assert raw.next("return") == ["return", 1, None]
    app.functions.clear("take")
    file = got.pop()
    assert isinstance(file, JSFile)
    return file


class Disk(threading.Thread):
    """Answers the requests of Python to read a file of the page."""

    def __init__(self, raw: RawPage, content: bytes) -> None:
        super().__init__(daemon=True)
        self.raw = raw
        self.content = content
        self.parts: list[tuple[int, int]] = []
        self.cancelled: list[int] = []
        self.start()

    def run(self) -> None:
        try:
            while True:
                kind, *rest = self.raw.receive(timeout=scaled(60))
                if kind == "use":
                    number, _, [[step, start, end]] = rest
                    assert step == "read"
                    self.parts.append((start, end))
                    answer(self.raw, number, self.content[start:end])
                elif kind == "cancel":
                    self.cancelled.append(rest[0])
        except (ConnectionClosed, TimeoutError):
            pass  # the test is over


def answer(raw: RawPage, number: int, value: Any) -> None:
    parts, is_text = frame_parts([message_packet(["return", number], pack(value, "value"))])
    frame = b"".join(parts)
    raw.socket.send(frame.decode() if is_text else frame)


@pytest.fixture
def file(app: JsMeetsPy, raw: RawPage) -> JSFile:
    """A file of a page that answers."""
    file = given(app, raw, len(CONTENT))
    Disk(raw, CONTENT)
    return file


# A file of a page in Python --------------------------------------------------------------------------------------------


def test_the_facts_of_a_file(app: JsMeetsPy, raw: RawPage) -> None:
    file = given(app, raw, 10)
    assert (file.name, file.size, file.type, file.mode) == ("data.bin", 10, "text/x", "rb")
    assert file.modified == datetime(2023, 11, 14, 22, 13, 20, 500_000, UTC)
    assert (file.readable(), file.seekable(), file.writable(), file.isatty()) == (True, True, False, False)
    assert isinstance(file, io.BufferedIOBase)
    assert repr(file) == "<file 'data.bin' of a page, 10 bytes>"
    blob = given(app, raw, 0, 2, name="", modified=None)
    assert (blob.name, blob.modified, blob.read(), blob.readline()) == ("", None, b"", b"")
    assert given(app, raw, 0, 3, modified=1e300).modified is None
    with pytest.raises(io.UnsupportedOperation):
        file.fileno()
    with pytest.raises(io.UnsupportedOperation):
        file.write(b"x")


@pytest.mark.parametrize("name", ["../../x", "/etc/x", "a/../x", "x\0"])
def test_a_page_chooses_no_folder(app: JsMeetsPy, raw: RawPage, name: str) -> None:
    assert given(app, raw, 1, name=name).name == "x"
    assert given(app, raw, 1, 2, name="..").name == ""


@pytest.mark.parametrize("wrong", [None, "x", {}, facts(-1), facts(2**53), facts(1, name=5), facts(1, modified="x")])
def test_a_wrong_description_closes_the_connection(app: JsMeetsPy, raw: RawPage, wrong: Any) -> None:
    app.functions.expose("take", lambda *args: None)
    raw.send(["call", 1, "take", [None], [[[3, 0], "file", 1, wrong]]])
    assert "a file is described by" in raw.next("close")[1]


def test_reading_in_order_and_anywhere(file: JSFile) -> None:
    assert file.read(5) == CONTENT[:5]
    assert file.read(0) == b""
    assert file.tell() == 5
    assert file.read1(7) == CONTENT[5:12]
    assert file.peek()[:3] == file.peek(3)[:3] == CONTENT[12:15]
    assert file.seek(-10, io.SEEK_END) == len(CONTENT) - 10
    assert file.read() == CONTENT[-10:]
    assert (file.read(), file.read(5), file.read1()) == (b"", b"", b"")
    assert file.seek(100) == 100
    assert file.seek(20, io.SEEK_CUR) == 120
    buffer = bytearray(2_000_000)
    assert file.readinto(buffer) == len(buffer)
    assert buffer == CONTENT[120:2_000_120]
    assert file.seek(len(CONTENT) + 5) == len(CONTENT) + 5
    assert file.read(5) == b""
    file.seek(0)
    assert file.read() == CONTENT
    for wrong in (lambda: file.seek(-1), lambda: file.seek(0, 5)):
        with pytest.raises(ValueError, match=r"negative position|whence"):
            wrong()


def test_lines(app: JsMeetsPy, raw: RawPage) -> None:
    text = "".join(f"{n},größe {'x' * (n % 500)}\n" for n in range(5000)) + "last"
    file = given(app, raw, len(text.encode()))
    Disk(raw, text.encode())
    assert [line.decode() for line in file] == text.splitlines(keepends=True)
    file.seek(0)
    assert (file.readline(3), file.readline(), file.readline(0)) == (b"0,g", "röße \n".encode(), b"")
    file.seek(0)
    with io.TextIOWrapper(file, "utf-8", newline="") as lines:
        assert [row[0] for row in csv.reader(lines)][:-1] == [str(n) for n in range(5000)]
    assert file.closed


def test_libraries_read_a_file(app: JsMeetsPy, raw: RawPage, file: JSFile, tmp_path: Path) -> None:
    with (tmp_path / "copy").open("wb") as target:
        shutil.copyfileobj(file, target)
    assert (tmp_path / "copy").read_bytes() == CONTENT
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as made:
        made.writestr("in.bin", CONTENT)


def test_a_zip_file_is_read_in_any_order(app: JsMeetsPy, raw: RawPage) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as made:
        for n in range(20):
            made.writestr(f"{n}.bin", CONTENT[: 1000 * n])
    disk_file = given(app, raw, len(packed.getvalue()))
    Disk(raw, packed.getvalue())
    with zipfile.ZipFile(disk_file) as archive:
        assert archive.read("19.bin") == CONTENT[:19000]
        assert archive.testzip() is None


def test_sequential_reading_asks_in_advance_for_growing_pieces(app: JsMeetsPy, raw: RawPage) -> None:
    content = bytes(30_000_000)
    file = given(app, raw, len(content))
    disk = Disk(raw, content)
    while file.read(64 * 1024):
        pass
    assert disk.parts[0] == (0, files.FIRST)
    assert [end for _, end in disk.parts[:-1]] == [start for start, _ in disk.parts[1:]]
    sizes = [end - start for start, end in disk.parts]
    assert sizes[:-1] == sorted(sizes[:-1])
    assert max(sizes) == files.MOST


def test_pieces_that_were_read_are_freed_at_once(app: JsMeetsPy, raw: RawPage) -> None:
    content = bytes(60_000_000)
    file = given(app, raw, len(content))
    Disk(raw, content)
    gc.collect()
    gc.disable()
    try:
        while file.read(2**20):
            pass
        app.bridge.call(int)  # the callback that brought the last piece has ended
        kept = [one for one in gc.get_objects() if isinstance(one, files._Request)]
    finally:
        gc.enable()
    assert kept == []


def test_two_pieces_are_under_way(app: JsMeetsPy, raw: RawPage) -> None:
    file = given(app, raw, 30_000_000)
    reading = in_thread(file.read, 20_000_000)
    first, second = raw.receive(), raw.receive()
    assert [message[3] for message in (first, second)] == [
        [["read", 0, files.MOST]],
        [["read", files.MOST, 2 * files.MOST]],
    ]
    with pytest.raises(TimeoutError):
        raw.receive(timeout=0.1)
    answer(raw, second[1], bytes(files.MOST))
    answer(raw, first[1], bytes(files.MOST))
    assert raw.next("use")[3] == [["read", 2 * files.MOST, 3 * files.MOST]]
    raw.send(["goodbye"])
    with pytest.raises(PageClosed, match=r"has left before its file 'data\.bin' was read") as caught:
        reading.result(scaled(10))
    assert isinstance(caught.value, OSError)
    with pytest.raises(PageClosed, match="has left"):
        file.read(1)
    assert file.tell() == 0


def test_pieces_fit_into_messages(make_app: Callable[..., JsMeetsPy]) -> None:
    app = make_app(limits=Limits(message_bytes=100_000))
    raw = as_page(app.launch("<p>", mode="none"))
    file = given(app, raw, 400_000)
    disk = Disk(raw, CONTENT)
    assert file.read() == CONTENT[:400_000]
    assert max(end - start for start, end in disk.parts) == 50_000


def test_threads_that_read_one_file_get_different_parts(file: JSFile) -> None:
    with ThreadPoolExecutor(8) as pool:
        parts = list(pool.map(lambda _: file.read(10_000), range(300)))
    assert sorted(parts) == sorted(CONTENT[at : at + 10_000] for at in range(0, len(CONTENT), 10_000))


def test_reading_on_the_loop_is_refused_and_awaited(app: JsMeetsPy, raw: RawPage) -> None:
    found: list[Any] = []

    async def take(file: JSFile) -> Any:
        found.append(await file.aio.read(5))
        for read in (file.read, file.readline, file.read1, file.peek):
            with pytest.raises(WouldDeadlock, match=r"await file\.aio\.read\(\.\.\.\)"):
                read()  # also if the bytes are there
        await file.aio.seek(-3, 2)
        found.extend([await file.aio.read(), await file.aio.tell()])

    app.functions.expose("take", take)
    raw.send(["call", 1, "take", [None], [[[3, 0], "file", 1, facts(100)]]])
    Disk(raw, CONTENT)
    until(lambda: len(found) == 3)
    assert found == [CONTENT[:5], CONTENT[97:100], 100]


def test_reading_on_another_loop(file: JSFile) -> None:
    async def both() -> list[bytes]:
        return [await file.aio.read(2_000_000), await file.aio.read()]

    assert b"".join(asyncio.run(both())) == CONTENT


def test_a_file_that_the_page_cannot_read(app: JsMeetsPy, raw: RawPage) -> None:
    file = given(app, raw, 10)
    for reply, text in (
        (["error", {"kind": "raised", "name": "NotReadableError", "message": "gone"}], "changed, moved or deleted"),
        (["return", "text"], "with other data"),
        (["return", None], "with other data"),
    ):
        reading = in_thread(file.read)
        kind, *rest = reply
        raw.send([kind, raw.next("use")[1], *rest])
        with pytest.raises(UnreadableFile, match=text) as caught:
            reading.result(scaled(10))
        assert isinstance(caught.value, OSError)
        assert file.tell() == 0
    reading = in_thread(file.read)
    answer(raw, raw.next("use")[1], b"too short")
    with pytest.raises(UnreadableFile):
        reading.result(scaled(10))
    reading = in_thread(file.read)
    answer(raw, raw.next("use")[1], b"10 letters")
    assert reading.result(scaled(10)) == b"10 letters"


def test_a_closed_file(app: JsMeetsPy, raw: RawPage) -> None:
    with given(app, raw, 10, 7) as file:
        assert not file.closed
    assert file.closed
    assert raw.receive() == ["release", [[7, 1]]]
    for use in (file.read, file.readline, file.tell, file.readable, lambda: file.seek(0), file.__enter__):
        with pytest.raises(ValueError, match="closed file"):
            use()
    file.close()
    with pytest.raises(TypeError, match="destroyed"):
        app.bridge.pack([file], "args")
    assert repr(file) == "<file 'data.bin' of a page, 10 bytes, closed>"


def test_a_collected_file_is_released_and_its_requests_cancelled(app: JsMeetsPy, raw: RawPage) -> None:
    file = given(app, raw, 10 * files.MOST, 7)
    reading = in_thread(file.read, files.MOST + 1)
    first, second = raw.receive()[1], raw.receive()[1]
    for number in (first, second):
        answer(raw, number, bytes(files.MOST))
    assert len(reading.result(scaled(10))) == files.MOST + 1
    ahead = [raw.next("use")[1], raw.next("use")[1]]
    del file, reading
    gc.collect()
    app.bridge.call(int)
    messages = [raw.receive() for _ in range(3)]
    assert sorted(messages) == [*(["cancel", number] for number in ahead), ["release", [[7, 1]]]]


def test_a_cancelled_call_stops_reading(app: JsMeetsPy, raw: RawPage) -> None:
    ended: list[BaseException] = []

    def take(file: JSFile) -> None:
        try:
            file.read()
        except BaseException as error:
            ended.append(error)
            raise

    app.functions.expose("take", take)
    raw.send(["call", 1, "take", [None], [[[3, 0], "file", 1, facts(2 * files.MOST)]]])
    numbers = [raw.receive()[1], raw.receive()[1]]
    raw.send(["cancel", 1])
    assert sorted([raw.receive(), raw.receive()]) == [["cancel", number] for number in numbers]
    until(lambda: bool(ended))
    assert "cancelled" in str(ended[0])


def test_ctrl_c_ends_the_read_and_leaves_the_file_readable(app: JsMeetsPy, raw: RawPage) -> None:
    file = given(app, raw, 2 * files.MOST)
    file.seek(5)
    numbers: list[int] = []

    def interrupt() -> None:
        numbers.extend(raw.next("use")[1] for _ in range(2))
        _thread.interrupt_main()

    waits = threading.Thread(target=interrupt)
    waits.start()
    with pytest.raises(KeyboardInterrupt):
        file.read()
    waits.join()
    assert sorted([raw.receive(), raw.receive()]) == [["cancel", number] for number in numbers]
    assert file.tell() == 5
    Disk(raw, bytes(range(256)) * (files.MOST // 128))
    assert file.read(4) == bytes([5, 6, 7, 8])


# A file of Python in a page --------------------------------------------------------------------------------------------


def shared(app: JsMeetsPy, raw: RawPage, value: Any) -> tuple[int, dict[str, Any]]:
    """Pass a file to the page; return its number and description."""
    app.functions.expose("give", lambda: value)
    _, _, nothing, [[path, kind, number, found]] = raw.ask("call", "give", [])
    assert (nothing, path, kind) == (None, [2], "file")
    return number, found


def part(raw: RawPage, number: int, start: Any, end: Any) -> Any:
    raw.send(["use", 9, number, [["read", start, end]]])
    assembler = Assembler(2**30)
    while True:
        frame = raw.socket.recv(scaled(10))
        content: Any = frame
        if isinstance(frame, bytes) and frame[0] == CHUNK:
            stream, content = assembler.feed(frame)
            if credit := assembler.credit(stream):
                raw.send(["credit", stream, credit])
        if isinstance(content, str):
            found = [message for message in json.loads(content) if message[:2] == ["error", 9]]
            if found:
                error = found[0][2]
                return error["kind"], error["name"], error["message"]
        elif content is not None:
            (message,) = decode(content)
            assert isinstance(message, Return)
            return bytes(message.value)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "data.csv"
    path.write_bytes(CONTENT)
    return path


def test_a_path_is_read_in_parts(app: JsMeetsPy, raw: RawPage, path: Path) -> None:
    number, found = shared(app, raw, ref(path))
    modified = int(path.stat().st_mtime * 1000)
    assert found == {"name": "data.csv", "size": len(CONTENT), "type": "text/csv", "modified": modified}
    assert part(raw, number, 0, 5) == CONTENT[:5]
    assert part(raw, number, 1_000_000, 2_500_000) == CONTENT[1_000_000:2_500_000]
    assert part(raw, number, len(CONTENT) - 5, len(CONTENT) + 1000) == CONTENT[-5:]
    assert part(raw, number, len(CONTENT), len(CONTENT) + 1) == b""
    assert part(raw, number, 2**53 - 1, 2**53 - 1) == b""


@pytest.mark.parametrize(
    "steps",
    [
        [["read", -1, 5]],
        [["read", 5, 4]],
        [["read", 0, 2**53]],
        [["read", 0.5, 5]],
        [["read", True, 5]],
        [["read", 0, MAX_READ + 1]],
        [["read", 0]],
        [["read", 0, 5, 6]],
        [["read", 0, 5], ["read", 0, 5]],
        [["get", "name"]],
        [["call", []]],
        [["get", "unlink"], ["call", []]],
        [[]],
    ],
)
def test_forged_requests_are_refused(app: JsMeetsPy, raw: RawPage, path: Path, steps: Any) -> None:
    number, _ = shared(app, raw, ref(path))
    kind, _, error = raw.ask("use", number, steps)
    assert (kind, error["kind"]) == ("error", "refused")
    assert part(raw, number, 0, 5) == CONTENT[:5]


def test_a_path_that_changes_is_told(app: JsMeetsPy, raw: RawPage, path: Path) -> None:
    number, _ = shared(app, raw, ref(path))
    path.write_bytes(CONTENT + b"more")
    kind, name, text = part(raw, number, 0, 5)
    assert (kind, name) == ("raised", "OSError")
    assert "'data.csv' has changed since it was sent; send ref(Path(...)) again" in text
    again, found = shared(app, raw, ref(path))
    assert again != number
    assert part(raw, again, found["size"] - 4, found["size"]) == b"more"
    path.unlink()
    assert part(raw, again, 0, 5)[1] == "FileNotFoundError"


def test_parts_that_fail_for_the_same_reason_are_logged_once(
    app: JsMeetsPy, raw: RawPage, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    number, _ = shared(app, raw, ref(path))
    path.write_bytes(CONTENT + b"more")

    def read_all() -> None:
        raw.send(*(["use", place + 20, number, [["read", place, place + 1]]] for place in range(4)))
        for place in range(4):
            kind, request, error = raw.receive()
            assert (kind, request, error["name"]) == ("error", place + 20, "OSError")

    for times in (1, 2):  # each read is logged
        read_all()
        assert caplog.text.count("OSError: the file 'data.csv' has changed") == times


def test_open_files_are_read_without_moving_them(app: JsMeetsPy, raw: RawPage, path: Path, tmp_path: Path) -> None:
    packed = tmp_path / "x.gz"
    packed.write_bytes(gzip.compress(CONTENT, 1))
    with (
        path.open("rb") as buffered,
        path.open("rb", buffering=0) as bare,
        gzip.open(packed) as unpacked,
        tempfile.NamedTemporaryFile() as temporary,
        tempfile.SpooledTemporaryFile() as spooled,
    ):
        for one in (temporary, spooled):
            one.write(CONTENT)
        for opened in (buffered, bare, unpacked, temporary, spooled, io.BytesIO(CONTENT)):
            place = opened.seek(10)
            number, found = shared(app, raw, ref(opened))
            assert found["size"] == len(CONTENT)
            assert part(raw, number, 2_000_000, 2_000_100) == CONTENT[2_000_000:2_000_100]
            assert part(raw, number, 0, len(CONTENT)) == CONTENT
            assert opened.tell() == place
            assert shared(app, raw, ref(opened))[0] == number


def test_one_open_file_in_two_pages(app: JsMeetsPy, page: Page, raw: RawPage) -> None:
    opened = io.BufferedReader(io.BytesIO(CONTENT))  # type: ignore[arg-type]
    other = RawPage(page.url, "other")

    def read(one: RawPage) -> bytes:
        number, _ = shared_once(one)
        return b"".join(part(one, number, at, at + 30_000) for at in range(0, len(CONTENT), 30_000))

    def shared_once(one: RawPage) -> tuple[int, dict[str, Any]]:
        _, _, _, [[_, _, number, found]] = one.ask("call", "give", [])
        return number, found

    app.functions.expose("give", lambda: ref(opened))
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(read, [raw, other])) == [CONTENT, CONTENT]


def test_a_busy_function_of_the_page_does_not_delay_reading(app: JsMeetsPy, raw: RawPage, path: Path) -> None:
    number, _ = shared(app, raw, ref(path))
    begun, go_on = threading.Event(), threading.Event()

    def busy() -> None:
        begun.set()
        go_on.wait(scaled(30))

    app.functions.expose("busy", busy)
    raw.send(["call", 3, "busy", []])
    assert begun.wait(scaled(10))
    assert part(raw, number, 0, 5) == CONTENT[:5]
    go_on.set()
    assert raw.receive() == ["return", 3, None]


def test_a_file_that_python_closed_is_told(app: JsMeetsPy, raw: RawPage, path: Path) -> None:
    with path.open("rb") as opened:
        number, _ = shared(app, raw, ref(opened))
    assert part(raw, number, 0, 5) == (
        "raised",
        "ValueError",
        "the file 'data.csv' was closed before the page had read it; keep it open, or send ref(Path(...))",
    )


def test_errors_of_a_file_object_reach_the_page(app: JsMeetsPy, raw: RawPage) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(5, "the disk is broken")

    number, _ = shared(app, raw, ref(Broken(b"abc")))
    assert part(raw, number, 0, 2) == ("raised", "OSError", "[Errno 5] the disk is broken")


def test_what_cannot_be_read_in_any_order_is_refused(app: JsMeetsPy, path: Path, tmp_path: Path) -> None:
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb") as pipe, os.fdopen(write_end, "wb"), path.open() as text:
        for value, expected in (
            (pipe, r"args\[0\]: a page reads a file in any order, and this one cannot seek; send its read\(\), or a"),
            (text, "open it with mode 'rb'"),
            (tmp_path, "is a folder; send the files in it"),
            (tmp_path / "none", "FileNotFoundError"),
        ):
            with pytest.raises(TypeError, match=expected):
                app.bridge.pack([ref(value)], "args")
    with (tmp_path / "w").open("wb") as writing, pytest.raises(TypeError, match="open for writing"):
        app.bridge.pack([ref(writing)], "args")


def test_a_file_goes_home(app: JsMeetsPy, raw: RawPage, path: Path) -> None:
    number, _ = shared(app, raw, ref(path))
    got: list[Any] = []
    app.functions.expose("take", got.append)
    assert raw.ask("call", "take", [None], [[[3, 0], "own", number]]) == ["return", 1, None]
    assert got == [path]
    file = given(app, raw, 10, 4)
    app.functions.expose("give", lambda: file)
    assert raw.ask("call", "give", []) == ["return", 1, None, [[[2], "own", 4]]]


def test_a_page_reads_only_files_that_it_was_given(app: JsMeetsPy, page: Page, raw: RawPage, path: Path) -> None:
    number, _ = shared(app, raw, ref(path))
    other = RawPage(page.url, "other")
    kind, name, _ = part(other, number, 0, 5)
    assert (kind, name) == ("unknown", "UnknownReference")
    raw.send(["release", [[number, 1]]])
    assert part(raw, number, 0, 5)[1] == "UnknownReference"
    assert not app.bridge._dispatcher._exclusive


# Saving in a window ----------------------------------------------------------------------------------------------------


def test_a_page_saves_files_only_through_the_dialog_of_its_window(app: JsMeetsPy, page: Page, raw: RawPage) -> None:
    special = [[[3, 2], "file", 1, facts(5)]]
    for key, expected in ((key_of(page), 'open it with launch(mode="window")'), ("forged", "has no window")):
        kind, _, error = raw.ask("call", "$save", [key, "x.bin", None], special)
        assert (kind, error["name"]) == ("error", "LaunchError")
        assert expected in error["message"]


def test_saving_writes_the_whole_file_or_nothing(app: JsMeetsPy, raw: RawPage, file: JSFile, tmp_path: Path) -> None:
    target = tmp_path / "saved.bin"
    target.write_bytes(b"earlier")
    save(file, str(target))
    assert target.read_bytes() == CONTENT
    for source in (target, io.BytesIO(CONTENT)):
        save(source, str(tmp_path / "copy.bin"))
        assert (tmp_path / "copy.bin").read_bytes() == CONTENT
    for wrong in ("text", print, app):
        with pytest.raises(TypeError, match="only files can be saved"):
            save(wrong, str(target))
    raw.send(["goodbye"])
    until(lambda: not app.bridge.protocol.is_present(raw.id))
    file.seek(0)
    file._piece = (0, b"")
    with pytest.raises(PageClosed):
        save(file, str(target))
    assert target.read_bytes() == CONTENT
    assert sorted(one.name for one in tmp_path.iterdir()) == ["copy.bin", "saved.bin"]
