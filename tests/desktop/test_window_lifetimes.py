"""A program and its window end together, however either ends, and leave no process."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

import psutil
import pytest

from tests.desktop.conftest import Program
from tests.desktop.x11 import Screen
from tests.timing import scaled, until

Show = Callable[..., Program]

WAITS = """
page = app.launch(PAGE, mode={mode!r}, title="Mine")
say("ready", page.call("sum")(1, 2))
try:
    say(page.wait(), len(app.pages))
except KeyboardInterrupt:
    say("interrupted")
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_the_program_is_ended(show: Show, screen: Screen, number: signal.Signals) -> None:
    program = show(WAITS.format(mode="window"))
    assert program.line() == "ready 3"
    assert len(program.know_family()) > 1
    program.process.send_signal(number)
    code = program.ended(5)
    assert code == (0 if number == signal.SIGINT else -number)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_process_of_the_window_is_ended(show: Show, screen: Screen, number: signal.Signals) -> None:
    program = show(WAITS.format(mode="window"))
    assert program.line() == "ready 3"
    child = program.child()
    start = time.monotonic()
    child.send_signal(number)
    assert program.line() == "True 0"
    assert time.monotonic() - start < scaled(1)
    assert program.ended(5) == 0


def test_the_process_of_the_window_hangs(show: Show, screen: Screen) -> None:
    program = show("""
page = app.launch(PAGE, mode="window", title="Mine")
say("ready")
sys.stdin.readline()
page.close()
say("closed")
""")
    assert program.line() == "ready"
    program.child().suspend()
    program.tell()
    assert program.line() == "closed"
    assert program.ended(5) == 0


@pytest.mark.parametrize("how", ["page.close()", "app.stop()", "raise SystemExit", "os._exit(0)", "with page: pass"])
def test_python_closes_the_window(show: Show, screen: Screen, how: str) -> None:
    program = show(f"""
page = app.launch(PAGE, mode="window", title="Mine")
say("ready")
sys.stdin.readline()
{how}
""")
    assert program.line() == "ready"
    assert len(program.know_family()) > 1
    program.tell()
    assert program.ended(5) == 0


def test_closing_is_done_when_it_returns(show: Show, screen: Screen) -> None:
    program = show("""
import psutil
for close in ("page.close()", "app.stop()"):
    page = app.launch(PAGE, mode="window")
    running = psutil.Process().children(recursive=True)
    exec(close)
    say(len(running) > 0, psutil.Process().children())
""")
    assert [program.line(), program.line()] == ["True []"] * 2
    assert program.ended() == 0


def test_a_fork_does_not_keep_the_window_open(show: Show, screen: Screen) -> None:
    program = show("""
page = app.launch(PAGE, mode="window", title="Mine")
if (child := os.fork()) == 0:
    time.sleep(60)
    os._exit(0)
say(child)
os.kill(os.getpid(), 9)
""")
    fork = psutil.Process(int(program.line()))
    until(lambda: not list(screen.windows()), 5)
    assert fork.is_running()
    fork.kill()


def test_an_exposed_function_may_close_the_window(show: Show, screen: Screen) -> None:
    program = show("""
app.functions.expose("bye", lambda: page.close())
async def bye_async():
    page.close()
app.functions.expose("bye_async", bye_async)
for name in ("bye", "bye_async"):
    page = app.launch(PAGE, mode="window", title="Mine")
    page.eval(f"setTimeout(() => JsPyFunction.call_nowait('{name}')(), 0); 1")
    say(page.wait(10))
    app.stop()
""")
    assert [program.line(), program.line()] == ["True", "True"]
    assert program.ended() == 0


def test_an_open_dialog_ends_with_its_window(show: Show, screen: Screen) -> None:
    program = show("""
page = app.launch(PAGE, mode="window", title="Mine")
def ask():
    try:
        page.window.open_dialog()
    except PageClosed as error:
        say(type(error).__name__)
thread = threading.Thread(target=ask)
thread.start()
sys.stdin.readline()
page.window.resize(432, 321)  # another request does not wait for the dialog
page.close()
say("closed")
""")
    behind = screen.window("Mine")
    screen.dialog(behind)
    program.know_family()
    program.tell()
    assert {program.line(), program.line()} == {"PageClosed", "closed"}
    assert program.ended(5) == 0


def test_windows_leave_nothing(show: Show, screen: Screen) -> None:
    program = show("""
import gc, psutil
me = psutil.Process()
app.launch(PAGE, mode="none")
app.open(PAGE, mode="window").close()
gc.collect()
before = me.num_fds(), threading.active_count(), len(app.bridge.watchers)
for _ in range(5):
    app.open(PAGE, mode="window").close()
gc.collect()
say(before == (me.num_fds(), threading.active_count(), len(app.bridge.watchers)), me.children())
""")
    assert program.line() == "True []"
    assert program.ended() == 0


@pytest.mark.parametrize("sleeper", ["all", "window"])
def test_sleeping_does_not_close_the_page(show: Show, screen: Screen, sleeper: str) -> None:
    """All processes of a laptop, or those of the page alone, stop for longer than the grace time."""
    program = show("""
page = app.launch(PAGE, mode="window", title="Mine", grace=0.5)
say("ready", page.call("sum")(1, 2))
for line in sys.stdin:
    say(page.call("sum")(3, 4), page.wait(0.1), len(app.pages))
say(page.wait())
""")
    assert program.line() == "ready 3"
    family = [*program.know_family(), *(program.family[:1] if sleeper == "all" else [])]
    for process in family:
        process.suspend()
    program.tell()  # it wants something meanwhile
    time.sleep(3)
    for process in family:
        process.resume()
    assert program.line() == "7 False 1"
    program.tell()
    assert program.line() == "7 False 1"
    screen.window("Mine").close()
    program.process.stdin.close()  # type: ignore[union-attr]
    assert program.line() == "True"
    assert program.ended() == 0
