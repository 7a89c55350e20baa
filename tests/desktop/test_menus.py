"""launch(menu=...): the user chooses items, which call functions of Python."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.desktop.conftest import Program
from tests.desktop.x11 import Screen, active
from tests.timing import scaled, until

Show = Callable[..., Program]

MENU = """
def again():
    say(threading.current_thread() is not threading.main_thread(), current_page().call("sum")(1, 2))
async def gentle():
    say("async", await current_page().aio.call("sum")(3, 4))
def broken():
    raise ValueError("not today")
MENU = [
    Menu("&File", MenuItem("&Again", again), SEPARATOR, Menu("&More", MenuItem("&Gentle", gentle)),
         MenuItem("&Broken", broken), MenuItem("&Quit", lambda: current_page().close())),
    Menu("&View", MenuItem("&Again", lambda: say("view"))),
]
"""


def choose(screen: Screen, menu: str, *items: str) -> None:
    """Choose an item by its access keys."""
    screen.keys("Alt_L", menu)
    for item in items:
        time.sleep(scaled(0.3))  # the menu opens
        screen.keys(item)
    time.sleep(scaled(0.3))  # and closes


def test_items_call_functions(show: Show, screen: Screen) -> None:
    program = show(
        MENU
        + """
page = app.launch(PAGE, mode="window", title="Mine", menu=MENU)
say("ready", page.call("sum")(1, 2))
say(page.wait(), len(app.pages))
"""
    )
    assert program.line() == "ready 3"
    active(screen, "Mine")
    choose(screen, "f", "a")
    assert program.line() == "True 3"
    choose(screen, "f", "m", "g")
    assert program.line() == "async 7"
    choose(screen, "f", "b")
    choose(screen, "v", "a")
    assert program.line() == "view"
    program.know_family()
    choose(screen, "f", "q")
    assert program.line() == "True 0"
    assert program.ended() == 0
    assert "the menu item '&Broken' raised" in program.errors
    assert "ValueError: not today" in program.errors


def test_a_menu_of_a_window_in_this_process(show: Show, screen: Screen) -> None:
    program = show(
        MENU
        + """
app.run(PAGE, mode="window", title="Mine", menu=MENU, main=lambda page: say("ready", page.call("sum")(1, 2)))
say("after")
"""
    )
    assert program.line() == "ready 3"
    active(screen, "Mine")
    choose(screen, "f", "a")
    assert program.line() == "True 3"
    choose(screen, "f", "q")
    assert program.line() == "after"
    until(lambda: not list(screen.windows()))
    assert program.ended() == 0
