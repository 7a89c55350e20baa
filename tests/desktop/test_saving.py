"""Downloads of a page in a native window: the user chooses where, and gets the whole file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.desktop.conftest import Program
from tests.desktop.x11 import Screen
from tests.timing import until

Show = Callable[..., Program]

SAVES = """
from pathlib import Path
PAGE = '''<title>Mine</title><script type="module">
import { download, expose, ready } from "/jsmeetspy/jsmeets.mjs";
expose("blob", () => download("big.bin", new Blob(Array(30).fill(new Uint8Array(2 ** 20).fill(7)))));
expose("text", () => download("../note.txt", "gr\u00f6\u00dfer"));
expose("file", (file) => file.save());
expose("link", (append) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(["by a link"]));
    link.download = "link.txt";
    link.click();
});
</script>'''
page = app.launch(PAGE, mode="window")
for line in sys.stdin:
    say(eval(line))
"""


@pytest.fixture
def save(show: Show, screen: Screen) -> Callable[..., str]:
    """Run code that opens the save dialog; type a path into it, or Escape."""
    program = show(SAVES)
    behind = screen.window("Mine")

    def save(code: str, typed: Path | None) -> str:
        program.tell(code)
        screen.dialog(behind)
        if typed is None:
            screen.keys("Escape")
        else:
            screen.choose(str(typed))
        return program.line()

    return save


def test_what_a_page_downloads_is_saved(save: Callable[..., str], tmp_path: Path) -> None:
    folder = tmp_path / "saved"
    folder.mkdir()
    assert save("page.call('blob', 60)()", folder / "big.bin") == "True"
    assert (folder / "big.bin").read_bytes() == b"\7" * (30 * 2**20)
    assert save("page.call('text', 60)()", folder / "note.txt") == "True"
    assert (folder / "note.txt").read_text(encoding="utf-8") == "größer"
    assert save("page.call('text', 60)()", None) == "False"
    source = tmp_path / "of_python.bin"
    source.write_bytes(b"p" * 5_000_000)
    assert save(f"page.call('file', 60)(ref(Path({str(source)!r})))", folder / "copy.bin") == "True"
    assert (folder / "copy.bin").read_bytes() == source.read_bytes()
    assert sorted(file.name for file in folder.iterdir()) == ["big.bin", "copy.bin", "note.txt"]


def test_a_download_link_is_saved(save: Callable[..., str], tmp_path: Path) -> None:
    save("page.call('link', 60)()", tmp_path / "link.txt")
    until(lambda: (tmp_path / "link.txt").exists() and (tmp_path / "link.txt").read_text() == "by a link")
    save("page.call('link', 60)()", None)
    assert [file.name for file in tmp_path.iterdir()] == ["link.txt"]
