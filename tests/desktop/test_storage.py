"""launch(storage=...) in windows: what pages store lasts, and the window reappears where it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.desktop.conftest import Program
from tests.desktop.x11 import Screen
from tests.timing import until
from tests.tools import need

Show = Callable[..., Program]

COUNTS = """
from pathlib import Path
import logging
logging.basicConfig(format="%(message)s", stream=sys.stdout, level=logging.WARNING)
PAGE = '''<title>Kept</title><script>
JsPyFunction.expose("count", async () => {
    const count = localStorage.count = Number(localStorage.count ?? 0) + 1;
    const cookie = document.cookie;
    document.cookie = `count=${count}; max-age=1000000`;
    const database = await new Promise((resolve) => {
        const request = indexedDB.open("numbers");
        request.onupgradeneeded = () => request.result.createObjectStore("all", { autoIncrement: true });
        request.onsuccess = () => resolve(request.result);
    });
    // A window that is closed before the transaction is on the disk takes it with it.
    const transaction = database.transaction("all", "readwrite", { durability: "strict" });
    const store = transaction.objectStore("all");
    store.add(count);
    const all = store.count();
    await new Promise((resolve) => { transaction.oncomplete = resolve; });
    return [count, cookie, all.result];
});
</script>'''
def main(page):
    say(page.call("count")())
    page.wait()
"""


def by_run(folder: Path, **options: object) -> str:
    return COUNTS + f"app.run(PAGE, 'window', main, storage=Path({str(folder)!r}), **{options})"


def by_launch(folder: Path, mode: str = "window", **options: object) -> str:
    return COUNTS + f"main(app.launch(PAGE, {mode!r}, storage=Path({str(folder)!r}), **{options}))"


def test_what_a_page_stores_lasts(show: Show, screen: Screen, tmp_path: Path) -> None:
    for code, said in (
        (by_run, "[1, '', 1]"),
        (by_launch, "[2, 'count=1', 2]"),
        (by_run, "[3, 'count=2', 3]"),
        (by_launch, "[4, 'count=3', 4]"),
    ):
        program = show(code(tmp_path))
        assert program.line() == said
        screen.window("Kept").close()
        assert program.ended() == 0
        until(lambda: not list(screen.windows()))


def test_two_windows_at_once(show: Show, start: Show, gui: str, screen: Screen, tmp_path: Path) -> None:
    code = by_launch(tmp_path, title="First")
    first = show(code)
    assert first.line() == "[1, '', 1]"
    port = (tmp_path / "port").read_text().strip()
    second = start(code.replace("First", "Second"), screen, PYWEBVIEW_GUI=gui)
    assert f"port {port}, at which pages keep their data in {tmp_path}, is taken" in second.line()
    assert f"another window uses the storage in {tmp_path}" in second.line()
    assert second.line() == "[1, '', 1]"
    for title, program in (("First", first), ("Second", second)):
        screen.window(title).close()
        assert program.ended() == 0
    third = show(code)
    assert third.line() == "[2, 'count=1', 2]"


def test_the_window_reappears_where_it_was(show: Show, screen: Screen, tmp_path: Path) -> None:
    code = by_launch(tmp_path, position=(100, 90), width=400)
    program = show(code)
    program.line()
    window = screen.window("Kept")
    until(lambda: window.position() == (100, 90) and window.size() == (400, 600))
    window.place(250, 60, 432, 321)
    until(lambda: window.position() == (250, 60) and window.size() == (432, 321))
    file = tmp_path / "place.json"
    until(lambda: file.exists() and "432" in file.read_text())  # also without a close
    window.close()
    program.ended()

    program = show(code)
    program.line()
    again = screen.window("Kept")
    until(lambda: again.position() == (250, 60) and again.size() == (432, 321))
    again.close()
    program.ended()

    file.write_text(file.read_text().replace("250", "5000"))  # on a screen that is gone
    program = show(code)
    program.line()
    third = screen.window("Kept")
    until(lambda: third.position() == (100, 90) and third.size() == (432, 321))


def test_a_storage_in_app_mode(start: Show, screen: Screen, tmp_path: Path) -> None:
    need("chromium")
    until(lambda: not list(screen.windows()))
    code = by_launch(tmp_path, "app")
    first = start(code, screen)
    assert first.line() == "[1, '', 1]"
    window = screen.window("Kept")
    second = start(code, screen)
    assert "is taken" in second.line()
    assert "another window uses the storage" in second.line()
    assert second.line() == "[1, '', 1]"
    second.know_family()
    second.process.terminate()
    second.ended()
    window.close()
    assert first.ended() == 0
    third = start(code, screen)
    assert third.line() == "[2, 'count=1', 2]"
    third.know_family()
    third.process.terminate()
    third.ended()
