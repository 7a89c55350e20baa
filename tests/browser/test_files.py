"""Files in both directions, in real browsers."""

from __future__ import annotations

import _thread
import hashlib
import io
import os
import threading
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest
from PIL import Image
from playwright.sync_api import Browser
from playwright.sync_api import Page as Tab

from jsmeets_local import JSFile, JsMeetsPy, Page, PageClosed, UnreadableFile, ref
from tests.timing import scaled, until

Open = Callable[..., Page]
MIB = 2**20

PICK = """
const input = document.createElement("input");
input.type = "file";
document.body.append(input);
JsPyFunction.expose("file", () => input.files[0]);
"""
# A Blob of repeated parts: the browser keeps them once.
REPEATED = """
JsPyFunction.expose("repeated", (mebibytes) => {
    const part = new Blob([Uint8Array.from({ length: 2 ** 20 }, (_, i) => (i * 7 + (i >> 8)) & 255)]);
    return new Blob(Array(mebibytes).fill(part), { type: "x/y" });
});
"""


@pytest.fixture
def pick(open_page: Open, tab: Tab) -> Callable[[Path], JSFile]:
    """Let the user pick a file in the page; return what Python gets."""
    page = open_page(PICK)

    def pick(path: Path) -> JSFile:
        tab.set_input_files("input", path)
        file = page.call("file", 30)()
        assert isinstance(file, JSFile)
        return file

    return pick


def test_a_picked_file(pick: Callable[[Path], JSFile], tmp_path: Path) -> None:
    path = tmp_path / "größe & more.csv"
    path.write_bytes(os.urandom(5 * MIB + 3))
    file = pick(path)
    assert (file.name, file.size, file.type) == (path.name, 5 * MIB + 3, "text/csv")
    assert file.modified is not None
    assert abs(file.modified.timestamp() - path.stat().st_mtime) < 2
    assert file.read() == path.read_bytes()
    file.seek(-10, io.SEEK_END)
    assert file.read() == path.read_bytes()[-10:]


def test_libraries_read_a_picked_file(pick: Callable[[Path], JSFile], tmp_path: Path) -> None:
    frame = pd.DataFrame({"n": range(100_000), "text": [f"größe {n}" for n in range(100_000)]})
    frame.to_csv(tmp_path / "rows.csv", index=False)
    assert pd.read_csv(pick(tmp_path / "rows.csv")).equals(frame)

    Image.effect_noise((400, 300), 50).save(tmp_path / "noise.png")
    with Image.open(pick(tmp_path / "noise.png")) as image, Image.open(tmp_path / "noise.png") as expected:
        assert image.tobytes() == expected.tobytes()

    with zipfile.ZipFile(tmp_path / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(tmp_path / "rows.csv", "rows.csv")
        archive.write(tmp_path / "noise.png", "noise.png")
    with zipfile.ZipFile(pick(tmp_path / "all.zip")) as archive:
        assert archive.testzip() is None
        with archive.open("rows.csv") as rows:
            assert pd.read_csv(rows).equals(frame)

    with io.TextIOWrapper(pick(tmp_path / "rows.csv"), "utf-8") as lines:
        assert sum(1 for _ in lines) == 100_001


def test_a_file_that_changes_after_it_was_picked(pick: Callable[[Path], JSFile], tmp_path: Path) -> None:
    path = tmp_path / "data.bin"
    path.write_bytes(bytes(MIB))
    file = pick(path)
    path.unlink()
    with pytest.raises(UnreadableFile, match=r"cannot read its file 'data\.bin': it was changed, moved or deleted"):
        file.read()


def test_a_file_of_a_frame_that_is_removed_while_it_is_read(open_page: Open, tab: Tab) -> None:
    page = open_page("""
        const frame = document.createElement("iframe");
        document.body.append(frame);
        const bytes = Uint8Array.from({ length: 3 * 2 ** 20 }, (_, i) => (i * 7 + (i >> 8)) & 255);
        JsPyFunction.expose("file", () => new frame.contentWindow.File([bytes], "data.bin"));
        JsPyFunction.expose("bytes", () => bytes);
        JsPyFunction.expose("remove", () => frame.remove());
    """)
    file = page.call("file", scaled(30))()
    first = file.read(MIB)
    page.call("remove", scaled(30))()
    with ThreadPoolExecutor() as pool:
        rest = pool.submit(file.read)
        try:
            assert first + rest.result(scaled(10)) == bytes(page.call("bytes", scaled(30))())
        finally:
            tab.close()  # ends a read that nothing answers


def test_a_file_that_is_deleted_while_it_is_read(pick: Callable[[Path], JSFile], tmp_path: Path) -> None:
    path = tmp_path / "data.bin"
    path.write_bytes(bytes(60 * MIB))
    file = pick(path)
    assert not any(file.read(20 * MIB))
    path.unlink()
    with pytest.raises(UnreadableFile, match="changed, moved or deleted"):
        while file.read(MIB):
            pass


@pytest.mark.parametrize("step", [MIB, 3 * MIB + 1])
def test_parts_of_a_file_in_any_order(pick: Callable[[Path], JSFile], tmp_path: Path, step: int) -> None:
    path = tmp_path / "data.bin"
    content = os.urandom(30 * MIB + 7)
    path.write_bytes(content)
    file = pick(path)
    for start in (0, 9 * MIB + 1, 2 * MIB, 0):  # forwards, back, and forwards again
        file.seek(start)
        for at in range(start, start + 12 * MIB, step):
            assert file.read(step) == content[at : at + step]
    file.seek(25 * MIB)
    assert file.read() == content[25 * MIB :]


@pytest.mark.timeout(scaled(300))
def test_the_memory_of_python_does_not_grow_with_the_size_of_a_file(open_page: Open) -> None:
    mebibytes = int(os.environ.get("JSMEETS_LOCAL_FILE_MIB", "300"))
    page = open_page(REPEATED)
    part = bytes((i * 7 + (i >> 8)) & 255 for i in range(MIB))
    file = page.call("repeated", 60)(mebibytes)
    digest, expected, process = hashlib.sha256(), hashlib.sha256(), psutil.Process()
    before = largest = process.memory_info().rss
    while data := file.read(MIB):
        digest.update(data)
        expected.update(part)
        largest = max(largest, process.memory_info().rss)
    assert file.tell() == mebibytes * MIB
    assert digest.digest() == expected.digest()
    assert largest - before < 100 * MIB


def test_a_page_that_leaves_while_its_file_is_read(open_page: Open, tab: Tab) -> None:
    page = open_page(REPEATED)
    file = page.call("repeated", 60)(2000)

    def read() -> None:
        while file.read(MIB):
            pass

    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(read)
        tab.wait_for_timeout(300)
        tab.reload()
        with pytest.raises(PageClosed, match="has left") as caught:
            reading.result(scaled(20))
    assert isinstance(caught.value, OSError)


def test_ctrl_c_ends_the_read_and_leaves_the_file_readable(app: JsMeetsPy, open_page: Open) -> None:
    page = open_page(REPEATED)
    part = bytes((i * 7 + (i >> 8)) & 255 for i in range(MIB))
    with page.call("repeated", 60)(2000) as file:
        for _ in range(3):
            threading.Timer(0.2, _thread.interrupt_main).start()
            with pytest.raises(KeyboardInterrupt):
                while file.read(MIB):
                    pass
            assert file.tell() % MIB == 0
            assert file.read(9 * MIB) == 9 * part
    assert until(lambda: app.stats()["pages"][-1]["references"] == {"exported": 0, "imported": 0})


def test_a_file_is_read_in_the_call_that_brings_it(app: JsMeetsPy, open_page: Open, tab: Tab) -> None:
    @app.expose
    def plain(file: JSFile) -> str:
        with file:
            return hashlib.sha256(file.read()).hexdigest()

    @app.expose
    async def asynchronous(file: JSFile) -> list[Any]:
        return [(await file.aio.read(2)).decode(), (await file.aio.read()).decode()]

    open_page(REPEATED)
    content = bytes((i * 7 + (i >> 8)) & 255 for i in range(MIB)) * 9
    make = "Array(9).fill(Uint8Array.from({ length: 2 ** 20 }, (_, i) => (i * 7 + (i >> 8)) & 255))"
    assert tab.evaluate(f"JsPyFunction.call('plain')(new File({make}, 'x'))") == hashlib.sha256(content).hexdigest()
    assert tab.evaluate("JsPyFunction.call('asynchronous')(new Blob(['größer']))") == ["gr", "ößer"]


# Files of Python -------------------------------------------------------------------------------------------------------

READ = """
JsPyFunction.expose("facts", (file) => [file.name, file.size, file.type, file.lastModified]);
JsPyFunction.expose("text", (file) => file.text());
globalThis.same = (file) => file;
JsPyFunction.expose("hash", async (file) => {
    const digest = await crypto.subtle.digest("SHA-256", await (await file.blob()).arrayBuffer());
    return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
});
JsPyFunction.expose("streamed", async (file) => {
    let count = 0, sum = 0;
    for (const reader = file.stream().getReader(); ;) {
        const { done, value } = await reader.read();
        if (done) {
            return [count, sum];
        }
        count += value.length;
        sum += value[0];
    }
});
JsPyFunction.expose("save", (file, name) => file.save(name));
JsPyFunction.expose("download", async () => (await import("./jsmeetspy/jsmeets" + ".mjs")).download("note.txt", "größer"));
"""


@pytest.fixture
def content(tmp_path: Path) -> Path:
    path = tmp_path / "data.bin"
    path.write_bytes(os.urandom(20 * MIB + 5))
    return path


def test_a_path_is_a_file_in_the_page(open_page: Open, content: Path, tmp_path: Path) -> None:
    page = open_page(READ)
    modified = int(content.stat().st_mtime * 1000)
    assert page.call("facts")(ref(content)) == ["data.bin", 20 * MIB + 5, "application/octet-stream", modified]
    assert page.call("hash", 60)(ref(content)) == hashlib.sha256(content.read_bytes()).hexdigest()
    with content.open("rb") as opened:
        assert page.call("streamed", 60)(ref(opened))[0] == 20 * MIB + 5
        assert opened.tell() == 0
    note = tmp_path / "note.txt"
    note.write_text("größer", encoding="utf-8")
    assert page.call("text")(ref(note)) == "größer"
    assert page.call("text")(ref(io.BytesIO("größer".encode()))) == "größer"
    assert page.js.same(ref(note)) == note


def test_the_page_is_told_of_a_file_that_cannot_be_read(
    app: JsMeetsPy, open_page: Open, tab: Tab, content: Path
) -> None:
    open_page()
    app.functions.expose("give", lambda: ref(content))
    tab.evaluate("async () => { globalThis.file = await JsPyFunction.call('give')(); }")
    content.write_bytes(b"other")
    failure = tab.evaluate("file.text().then(() => 'none', (error) => `${error.name}: ${error.message}`)")
    assert failure == "OSError: the file 'data.bin' has changed since it was sent; send ref(Path(...)) again"


def test_a_file_of_python_is_saved_in_a_tab(
    open_page: Open, tab: Tab, browser: Browser, content: Path, tmp_path: Path
) -> None:
    page = open_page(READ)
    if browser.browser_type.name == "firefox":  # Playwright reports no downloads of a Firefox that it did not build
        tab.evaluate("""() => {
            const make = URL.createObjectURL;
            URL.createObjectURL = (blob) => { globalThis.blob = blob; return make.call(URL, blob); };
        }""")
        assert page.call("save", 60)(ref(content), "copy.bin") is True
        assert page.eval("blob.arrayBuffer()") == content.read_bytes()
        assert page.call("download", 60)() is True
        assert page.eval("blob.text()") == "größer"
        return
    for call, name, expected in (
        (lambda: page.call("save", 60)(ref(content), "copy.bin"), "copy.bin", content.read_bytes()),
        (lambda: page.call("download", 60)(), "note.txt", "größer".encode()),
    ):
        with ThreadPoolExecutor(1) as pool, tab.expect_download() as begun:
            saved = pool.submit(call)
        assert saved.result() is True
        begun.value.save_as(tmp_path / "saved")
        assert begun.value.suggested_filename == name
        assert (tmp_path / "saved").read_bytes() == expected
