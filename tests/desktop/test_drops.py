"""Files that the user drops on a window: Python receives their paths."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.desktop.conftest import Program
from tests.desktop.x11 import Screen, active

Show = Callable[..., Program]

DROPS = """
PAGE = '''<title>The page</title><body style="height: 90vh"><script type="module">
import { expose, ready } from "/jsmeetspy/jsmeets.mjs";
let names = [];
document.body.addEventListener("drop", (event) => names.push(...[...event.dataTransfer.files].map((file) => file.name)));
expose("names", () => names.splice(0));
</script>'''
page = app.launch(PAGE, mode="window", title="Mine")
def take(paths):
    say(paths, current_page().call("names")())
for line in sys.stdin:
    exec(line)
    say("done")
"""


def test_dropped_files_have_paths(show: Show, screen: Screen, gui: str, tmp_path: Path) -> None:
    program = show(DROPS)
    window = active(screen, "Mine")
    one, two = tmp_path / "größe 100%25 #1.txt", tmp_path / "two.png"
    one.write_text("1")
    two.write_text("22")

    def ask(line: str) -> None:
        program.tell(line)
        assert program.line() == "done"

    ask("pass")
    if gui == "qt":  # GTK opens it in place of the page
        assert not window.drop([one])
        ask("assert page.call('names')() == []")
    ask("page.window.on_drop(take)")
    assert window.drop([one, two])
    assert program.line() == f"{[one, two]} {[one.name, two.name]}"
    ask("page.eval('setTimeout(() => location.reload())'); time.sleep(1); page.wait_connected()")
    assert window.drop([two])
    assert program.line() == f"{[two]} {[two.name]}"
    ask("page.window.on_drop(lambda paths: say('raises') or 1 / 0)")
    assert window.drop([one])
    assert program.line() == "raises"
    ask("import asyncio; asyncio.run(page.aio.window.on_drop(lambda paths: say(len(paths))))")
    assert window.drop([one])
    assert program.line() == "1"
    program.tell("page.close(); sys.exit()")
    assert program.ended() == 0
    assert "the function of on_drop() raised" in program.errors
    assert "ZeroDivisionError" in program.errors
