"""Windows that begin maximized, hidden or frameless, and their developer tools."""

from __future__ import annotations

from collections.abc import Callable

from tests.desktop.conftest import Program
from tests.desktop.x11 import Screen, active
from tests.timing import until

Show = Callable[..., Program]

MAXIMIZED = {"MAXIMIZED_VERT", "MAXIMIZED_HORZ"}


def test_a_maximized_window(show: Show, screen: Screen) -> None:
    program = show("""
page = app.launch(PAGE, "window", title="Mine", maximized=True, width=500, height=400)
sys.stdin.readline()
page.window.restore()
sys.stdin.readline()
""")
    window = screen.window("Mine")
    until(lambda: window.states() >= MAXIMIZED and window.size()[0] > 1000)
    program.tell()
    until(lambda: not window.states() & MAXIMIZED and window.size() == (500, 400))


def test_a_hidden_window(show: Show, screen: Screen) -> None:
    program = show("""
page = app.launch(PAGE, "window", title="Mine", hidden=True, maximized=True)
say(page.call("sum")(1, 2))
for line in sys.stdin:
    exec(line)
    say("done", page.call("sum")(3, 4))
page.window.hide()
""")

    def tell(line: str) -> None:
        program.tell(line)
        assert program.line() == "done 7"

    assert program.line() == "3"
    assert list(screen.windows()) == []
    tell("page.window.show()")
    window = screen.window("Mine")
    until(lambda: window.states() >= MAXIMIZED)
    tell("page.window.hide()")
    until(lambda: not list(screen.windows()))
    tell("page.window.bring_to_front()")
    until(screen.window("Mine").is_active)
    program.know_family()
    program.process.stdin.close()  # type: ignore[union-attr]
    assert program.ended(5) == 0


def test_a_frameless_window_moves_by_its_page(show: Show, screen: Screen) -> None:
    program = show("""
page = app.launch("<title>Mine</title><style>body { margin: 0 }</style>"
                  "<h1 data-window-drag style='margin: 0; height: 50px'>drag</h1><p>text</p>",
                  "window", frameless=True, position=(100, 100), width=300, height=200)
say("ready")
sys.stdin.readline()
""")
    assert program.line() == "ready"
    window = active(screen, "Mine")
    assert set(window.frame()) == {0}
    until(lambda: window.position() == (100, 100))
    screen.drag((150, 120), (250, 180))
    until(lambda: window.position() == (200, 160))
    screen.drag((250, 300), (300, 330))
    assert window.position() == (200, 160)
    program.tell()


def test_the_developer_tools(show: Show, screen: Screen, gui: str) -> None:
    program = show("""
def main(page):
    say(page.call("sum")(1, 2))
    sys.stdin.readline()
    page.close()
app.run(PAGE, "window", main, title="Mine", devtools=True)
""")
    assert program.line() == "3"
    active(screen, "Mine")
    screen.keys("F12")
    if gui == "qt":
        until(lambda: screen.window("Developer tools: Mine").is_active())
    program.know_family()
    program.tell()
    assert program.ended(5) == 0
