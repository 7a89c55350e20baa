"""run(mode="window"): one process, with the window on its main thread."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

import pytest

from tests.desktop.conftest import Program
from tests.desktop.x11 import Screen
from tests.timing import scaled, until

Show = Callable[..., Program]


def test_one_process(show: Show, screen: Screen) -> None:
    program = show("""
def main(page):
    say(page.call("sum")(1, 2), threading.current_thread().name)
    page.window.resize(432, 321)
    page.window.title = "Steered"
    say("main has ended")

app.run(PAGE, "window", main, width=500)
say("after", [t.name for t in threading.enumerate() if t.name == "jsmeets-server"])
""")
    assert program.line() == "3 jsmeets-main"
    assert program.line() == "main has ended"
    assert not any("window/child.py" in " ".join(one.cmdline()) for one in program.know_family())
    window = screen.window("Steered")
    until(lambda: window.size() == (432, 321))
    window.close()
    assert program.line() == "after []"
    assert program.ended(5) == 0


def test_without_main(show: Show, screen: Screen) -> None:
    program = show('app.run(PAGE, mode="window"); say("after")')
    screen.window("The page").close()
    assert program.line() == "after"
    assert program.ended(5) == 0


@pytest.mark.parametrize("error", ["ValueError('in main')", "SystemExit(3)"])
def test_what_main_raises_closes_the_window_and_comes_out(show: Show, screen: Screen, error: str) -> None:
    program = show(f"""
def main(page):
    say("ready")
    sys.stdin.readline()
    raise {error}

try:
    app.run(PAGE, "window", main)
except ValueError as error:
    say(error, app.pages)
""")
    assert program.line() == "ready"
    program.know_family()
    program.tell()
    if "ValueError" in error:
        assert program.line() == "in main ()"
        assert program.ended(5) == 0
    else:
        assert program.ended(5) == 3


def test_the_user_closes_the_window_while_main_works(show: Show, screen: Screen) -> None:
    program = show("""
def main(page):
    say("ready")
    while True:
        page.call("sum")(1, 2)

app.run(PAGE, "window", main)
say("after")
""")
    assert program.line() == "ready"
    program.know_family()
    screen.window("The page").close()
    assert program.line() == "after"
    assert program.ended(5) == 0


def test_main_may_finish_its_work(show: Show, screen: Screen) -> None:
    program = show("""
def main(page):
    page.wait()
    say("saving")
    sys.stdin.readline()
    say("saved")

app.run(PAGE, "window", main)
say("after")
""")
    screen.window("The page").close()
    assert program.line() == "saving"
    program.tell()
    assert program.line() == "saved"
    assert program.line() == "after"
    assert program.ended(5) == 0


@pytest.mark.parametrize("busy", ["page.wait()", "time.sleep(60)"])
def test_ctrl_c(show: Show, screen: Screen, busy: str) -> None:
    program = show(f"""
def main(page):
    say("ready")
    {busy}

app.run(PAGE, "window", main)
say("after")
""")
    assert program.line() == "ready"
    screen.window("The page")
    program.know_family()
    start = time.monotonic()
    program.process.send_signal(signal.SIGINT)
    assert program.line() == "after"
    assert time.monotonic() - start < scaled(3)
    assert program.ended(5) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_program_is_ended(show: Show, screen: Screen, number: signal.Signals) -> None:
    program = show('app.run(PAGE, "window", lambda page: say("ready"))')
    assert program.line() == "ready"
    program.know_family()
    program.process.send_signal(number)
    assert program.ended(5) == -number


def test_a_second_run_in_one_process(show: Show, screen: Screen, gui: str) -> None:
    program = show("""
app.run(PAGE, "window", lambda page: page.close())
say("first")
try:
    app.run(PAGE, "window", lambda page: (say(page.call("sum")(1, 2)), page.close()))
except LaunchError as error:
    say(error)
page = app.launch(PAGE, "window")
say(page.call("sum")(2, 3))
page.close()
app.run(PAGE, "auto-window", lambda page: (say(page.call("sum")(3, 4)), page.close()))
""")
    assert program.line() == "first"
    second = program.line()
    if gui == "qt":
        assert "only once per process" in second
        assert 'launch(mode="window")' in second
    else:
        assert second == "3"
    assert program.line() == "5"
    assert program.line() == "7"
    assert program.ended(5) == 0


def test_windows_that_main_opens_have_a_process_of_their_own(show: Show, screen: Screen) -> None:
    program = show("""
def main(page):
    other = app.open(PAGE, title="Other")
    say(other.call("sum")(1, 2), page.call("sum")(2, 3))

app.run(PAGE, "window", main)
say("after")
""")
    assert program.line() == "3 5"
    program.child()
    screen.window("The page").close()
    screen.window("Other").close()
    assert program.line() == "after"
    assert program.ended(5) == 0


def test_misplaced_runs_are_refused(show: Show, screen: Screen) -> None:
    program = show("""
def attempt():
    try:
        app.run(PAGE, "window")
    except LaunchError as error:
        say(error)

thread = threading.Thread(target=attempt)
thread.start()
thread.join()
try:
    app.run("missing.html", "window")
except FileNotFoundError as error:
    say(type(error).__name__)
try:
    app.run(PAGE, "window", width="50%")
except TypeError as error:
    say(error)
""")
    assert "on the main thread" in program.line()
    assert program.line() == "FileNotFoundError"
    assert "only notebooks take CSS lengths" in program.line()
    assert program.ended() == 0


def test_a_page_that_never_connects(show: Show, screen: Screen) -> None:
    program = show("""
try:
    app.run("<script src='JsPyTextSocket.js'></script>", "window", timeout=0.5)
except LaunchError as error:
    say(error)
""")
    assert "no page connected within 0.5 s" in program.line()
    assert program.ended(5) == 0


@pytest.mark.parametrize("main", ["", ", page.wait", ", page.queue('never').get"])
def test_a_quit_button_ends_it(show: Show, screen: Screen, main: str) -> None:
    program = show(f"""
@app.expose
def leave():
    sys.exit(3)

def main(page):
    say("ready")
    page.call_nowait("$eval")("JsPyFunction.call('leave')()")
    ({main.removeprefix(", ") or "str"})()

app.run(PAGE, "window", main)
say("not reached")
""")
    assert program.line() == "ready"
    assert program.ended(10) == 3
