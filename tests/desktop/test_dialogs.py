"""Native dialogs: Python receives what the user types and chooses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.desktop.conftest import Program
from tests.desktop.x11 import Screen

Show = Callable[..., Program]

ASKS = """
page = app.launch(PAGE, mode="window", title="Mine")
window = page.window
for line in sys.stdin:
    say(eval(line))
"""


@pytest.fixture
def ask(show: Show, screen: Screen) -> Callable[..., str]:
    """Open a dialog, and type a path into it or Escape."""
    program = show(ASKS)
    behind = screen.window("Mine")

    def ask(code: str, typed: str | None) -> str:
        program.tell(code)
        screen.dialog(behind)
        if typed is None:
            screen.keys("Escape")
        else:
            screen.choose(typed)
        return program.line()

    return ask


def test_the_open_dialog(ask: Callable[..., str], tmp_path: Path) -> None:
    file = tmp_path / "file.png"
    file.write_text("x")
    assert ask("window.open_dialog()", str(file)) == str([str(file)])
    types = "[('Images', ['*.png', '*.jpg']), ('All files', ['*'])]"
    assert ask(f"window.open_dialog(multiple=True, file_types={types})", str(file)) == str([str(file)])
    assert ask("window.open_dialog()", None) == "[]"


def test_the_save_dialog(ask: Callable[..., str], tmp_path: Path) -> None:
    assert ask("window.save_dialog('old.txt')", str(tmp_path / "new.txt")) == str(tmp_path / "new.txt")
    assert ask("window.save_dialog()", None) == "None"
    assert not list(tmp_path.iterdir())


def test_the_save_dialog_accepts_its_proposal(show: Show, screen: Screen, tmp_path: Path) -> None:
    program = show(ASKS)
    behind = screen.window("Mine")
    program.tell(f"window.save_dialog('proposed.txt', {str(tmp_path)!r})")
    screen.dialog(behind)
    screen.keys("Return")
    assert program.line() == str(tmp_path / "proposed.txt")


def test_the_folder_dialog(ask: Callable[..., str], tmp_path: Path) -> None:
    assert ask("window.folder_dialog()", str(tmp_path)) == str(tmp_path)
    assert ask("window.folder_dialog()", None) == "None"


def test_dialogs_opened_by_the_page(show: Show, screen: Screen, tmp_path: Path) -> None:
    file = tmp_path / "file.txt"
    file.write_text("x")
    program = show("""
page = app.launch('''<title>The page</title><script type="module">
import { native, expose } from "/jsmeetspy/jsmeets.mjs";
expose("choose", () => native.open_dialog({ multiple: true, file_types: [["Texts", ["*.txt"]]] }));
</script>''', "window", window_api=True)
say(page.call("choose")())
""")
    screen.dialog(screen.window("The page"))
    screen.choose(str(file))
    assert program.line() == str([str(file)])


def test_invalid_window_arguments_are_refused(show: Show) -> None:
    program = show(r"""
page = app.launch(PAGE, mode="window")
for call in (lambda: page.window.open_dialog(directory="/no/such/folder"),
             lambda: page.window.open_dialog(file_types=[("Images (all)", ["*.png"])]),
             lambda: page.window.open_dialog(file_types=[("Images", ["png"])]),
             lambda: page.window.resize("1", 2), lambda: page.window.resize(0, 2),
             lambda: setattr(page.window, "title", 5)):
    try:
        call()
    except (OSError, ValueError, TypeError) as error:
        say(type(error).__name__, error)
""")
    assert "the folder does not exist" in program.line()
    assert "may contain only letters, digits and spaces" in program.line()
    assert 'must look like "*.png"' in program.line()
    assert program.line() == "TypeError width must be a whole number of pixels; got '1'"
    assert program.line() == "ValueError width must be at least 1 pixels; got 0"
    assert program.line() == "TypeError title must be a str; got 5"
