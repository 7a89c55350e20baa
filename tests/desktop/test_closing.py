"""Closing a window: its user and its page are asked, and the last words of the page arrive."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.desktop.conftest import Program
from tests.desktop.x11 import Screen, active
from tests.timing import until

Show = Callable[..., Program]

ASKS = """
page = app.launch(PAGE, mode="window", title="Mine", confirm_close="Really?", window_api=True)
say(page.window.confirm_close)
for line in sys.stdin:
    exec(line)
    say("done")
say(page.is_closed())
"""


def test_the_user_is_asked(show: Show, screen: Screen) -> None:
    program = show(ASKS)
    assert program.line() == "Really?"
    window = screen.window("Mine")

    def tell(line: str) -> None:
        program.tell(line)
        assert program.line() == "done"

    window.close()
    screen.dialog(window)
    screen.keys("Escape")
    until(window.is_active)
    tell("assert not page.is_closed() and page.call('sum')(1, 2) == 3")
    tell("page.window.confirm_close = True; assert page.window.confirm_close is True")
    window.close()
    screen.dialog(window)
    tell("page.window.resize(321, 300)")  # not delayed by the dialog
    screen.keys("Escape")
    until(window.is_active)
    tell("page.window.confirm_close = 'Leave?'")
    window.close()
    screen.dialog(window)
    screen.keys("Alt_L", "y")
    until(lambda: not list(screen.windows()))
    tell("assert page.wait(10)")
    program.process.stdin.close()  # type: ignore[union-attr]
    assert program.line() == "True"
    assert program.ended() == 0


@pytest.mark.parametrize("run", [True, False])
def test_python_closes_the_window_while_its_user_is_asked(show: Show, screen: Screen, run: bool) -> None:
    program = show(
        """
def main(page):
    say("ready")
    sys.stdin.readline()
    page.close()
    say("closed")
"""
        + (
            "app.run(PAGE, 'window', main, confirm_close=True)"
            if run
            else "main(app.launch(PAGE, 'window', confirm_close=True))"
        )
    )
    assert program.line() == "ready"
    window = screen.window("The page")
    window.close()
    screen.dialog(window)
    program.know_family()
    program.tell()
    assert program.line() == "closed"
    assert program.ended(5) == 0


SPEAKS = """
PAGE = '''<title>Mine</title><body><script>
addEventListener("beforeunload", (event) => globalThis.changed && event.preventDefault());
addEventListener("keydown", () => { globalThis.changed = true; JsPyFunction.call_nowait("pressed")(); });
addEventListener("pagehide", () => JsPyFunction.call_nowait("last")("word"));
JsPyFunction.expose("forget", () => { globalThis.changed = false; });
</script>'''
last = threading.Event()
app.functions.expose("pressed", lambda: say("pressed"))
@app.expose(key="last")
def hears(word):
    say(word)
    last.set()
"""


def test_the_page_is_asked_and_has_the_last_word(show: Show, screen: Screen) -> None:
    program = show(
        SPEAKS
        + """
page = app.launch(PAGE, mode="window")
say("ready")
sys.stdin.readline()
say(page.is_closed())
page.wait()
last.wait(10)
"""
    )
    assert program.line() == "ready"
    window = active(screen, "Mine")
    screen.keys("a")
    assert program.line() == "pressed"
    window.close()
    screen.dialog(window)
    screen.keys("Escape")
    until(window.is_active)
    program.tell()
    assert program.line() == "False"
    window.close()
    screen.dialog(window)
    screen.keys("Return")
    assert program.line() == "word"
    assert program.ended() == 0


def test_the_last_word_of_a_window_of_run(show: Show, screen: Screen) -> None:
    program = show(
        SPEAKS
        + """
app.run(PAGE, "window", lambda page: say("ready"))
last.wait(10)
"""
    )
    assert program.line() == "ready"
    screen.window("Mine").close()
    assert program.line() == "word"
    assert program.ended() == 0


def test_a_page_that_hangs_can_be_closed(show: Show, screen: Screen) -> None:
    program = show("""
page = app.launch("<title>Mine</title><script>addEventListener('beforeunload', () => 1);"
                  "JsPyFunction.expose('hang', () => { for (;;) {} })</script>", mode="window", title="Mine")
page.call_nowait("hang")()
say("hangs")
page.wait()
""")
    assert program.line() == "hangs"
    screen.window("Mine").close()
    assert program.ended() == 0
