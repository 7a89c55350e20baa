"""launch(mode="window"): the window, its Python methods, and its functions in the page."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.desktop.conftest import Program
from tests.desktop.x11 import Screen
from tests.pictures import png
from tests.timing import scaled, until

Show = Callable[..., Program]


def test_calls_both_ways_and_the_title_of_the_page(show: Show, screen: Screen) -> None:
    program = show("""
page = app.launch(PAGE, mode="window")
say(page.call("sum")(1, 2))
sys.stdin.readline()
say(page.window.title)
page.close()
say(page.is_closed(), [t.name for t in threading.enumerate() if t.name.startswith("jsmeets")])
""")
    assert program.line() == "3"
    until(lambda: screen.window("The page").size() == (800, 600))
    program.know_family()
    program.tell()
    assert program.line() == "The page"
    assert program.line() == "True []"
    assert program.ended() == 0


def test_window_options(show: Show, screen: Screen, tmp_path: Path) -> None:
    icon = tmp_path / "icon.png"
    icon.write_bytes(png([[(255, 0, 0)] * 8] * 8))
    program = show(f"""
page = app.launch(PAGE, "window", title="Mine", width=500, height=300, position=(70, 80), icon={str(icon)!r},
                  resizable=False, on_top=True)
say("ready")
sys.stdin.readline()
page.window.resize(400, 350)
sys.stdin.readline()
""")
    assert program.line() == "ready"
    window = screen.window("Mine")
    until(lambda: window.position() == (70, 80) and window.size() == (500, 300))
    until(lambda: "ABOVE" in window.states())
    hints = window.hints()
    assert (hints.min_width, hints.min_height) == (hints.max_width, hints.max_height) == (500, 300)
    assert window.has_icon()
    program.tell()
    until(lambda: window.size() == (400, 350))


def test_small_sizes_and_full_screen(show: Show, screen: Screen) -> None:
    program = show("""
page = app.launch(PAGE, "window", title="Mine", fullscreen=True, min_size=(320, 240))
say("ready")
page.window.fullscreen(False)
say("back")
sys.stdin.readline()
page.close()
""")
    assert program.line() == "ready"  # Qt makes the window anew for its first web page
    window = screen.window("Mine")
    assert program.line() == "back"
    until(lambda: "FULLSCREEN" not in window.states())
    assert (window.hints().min_width, window.hints().min_height) == (320, 240)
    program.know_family()
    program.tell()
    assert program.ended() == 0


def test_window_methods_of_python(show: Show, screen: Screen) -> None:
    program = show("""
from contextlib import suppress
from jsmeets_local import Disconnected

page = app.launch(PAGE, "window", title="Mine")
window = page.window
say("ready")

def reload():
    page.eval("window.old = true; setTimeout(() => location.reload())")
    old = True
    while old:
        with suppress(Disconnected):  # called on the old page as it left
            old = page.eval("window.old")

for line in sys.stdin:
    exec(line)
    say("done")
""")

    def ask(line: str) -> None:
        program.tell(line)
        assert program.line() == "done"

    assert program.line() == "ready"
    window = screen.window("Mine")
    ask("window.resize(432, 321)")
    until(lambda: window.size() == (432, 321))
    ask("window.move(33, 44)")
    until(lambda: window.position() == (33, 44))
    program.tell("say(window.size, window.position, window.title)")
    assert program.line() == "(432, 321) (33, 44) Mine"
    assert program.line() == "done"
    ask("window.maximize()")
    until(lambda: {"MAXIMIZED_VERT", "MAXIMIZED_HORZ"} <= window.states())
    ask("window.restore()")
    until(lambda: not {"MAXIMIZED_VERT", "MAXIMIZED_HORZ"} & window.states() and window.size() == (432, 321))
    ask("window.fullscreen()")
    until(lambda: "FULLSCREEN" in window.states())
    ask("window.fullscreen(True)")  # as it is
    ask("window.fullscreen(False)")
    until(lambda: "FULLSCREEN" not in window.states() and window.size() == (432, 321))
    ask("window.fullscreen()")
    until(lambda: "FULLSCREEN" in window.states())
    ask("window.restore()")
    until(lambda: "FULLSCREEN" not in window.states())
    ask("window.minimize()")
    until(window.is_iconic)
    ask("window.bring_to_front()")
    until(lambda: not window.is_iconic() and window.is_active())
    ask("window.title = 'Other'")
    until(lambda: window.title() == "Other")
    ask("reload(); assert page.call('sum')(1, 2) == 3")
    program.tell("say(window.title)")
    assert program.line() == "Other"


def test_bring_to_front_raises_the_window(show: Show, screen: Screen) -> None:
    program = show("""
one = app.launch(PAGE, "window", title="One")
two = app.open(PAGE, title="Two")
say("ready")
sys.stdin.readline()
one.window.bring_to_front()
sys.stdin.readline()
""")
    assert program.line() == "ready"
    one, two = screen.window("One"), screen.window("Two")
    until(two.is_active)
    program.tell()
    until(one.is_active)


def test_awaitable_twin_and_the_loop_of_the_bridge(show: Show, screen: Screen) -> None:
    program = show("""
import asyncio
page = app.launch(PAGE, "window", title="Mine")

async def twin():
    window = page.aio.window
    await window.resize(300, 200)
    await window.set_title("Awaited")
    say(await window.get_title(), type(await window.get_size()), type(await window.get_position()))

@app.expose
async def on_the_loop():
    try:
        page.window.resize(1, 2)
    except WouldDeadlock as error:
        say(error)

asyncio.run(twin())
asyncio.run_coroutine_threadsafe(on_the_loop(), app.bridge.portal.loop).result(10)
""")
    assert program.line() == "Awaited <class 'tuple'> <class 'tuple'>"
    assert "await page.aio.window.resize(...)" in program.line()
    assert program.ended() == 0


def test_closed_by_the_user(show: Show, screen: Screen) -> None:
    program = show("""
page = app.launch(PAGE, "window", title="Mine")
say("ready")
say(page.wait(), page.is_closed(), app.wait(), app.pages)
say(time.monotonic())
for use in (lambda: page.window.resize(1, 2), lambda: page.call("sum")(1, 2), lambda: page.window.title):
    try:
        use()
    except PageClosed as error:
        say(type(error).__name__)
""")
    assert program.line() == "ready"
    program.know_family()
    window = screen.window("Mine")
    closed = time.monotonic()
    window.close()
    assert program.line() == "True True True ()"
    assert float(program.line()) - closed < scaled(0.5)
    assert [program.line() for _ in range(3)] == ["PageClosed"] * 3
    assert program.ended() == 0


def test_of_two_windows_the_last_ends_the_program(show: Show, screen: Screen) -> None:
    program = show("""
one = app.launch(PAGE, "window", title="One")
two = app.open(PAGE, title="Two")
one.wait()
say("one", app.wait(0.3), two.call("sum")(1, 1), len(app.pages))
app.wait()
say("two")
app.open(PAGE, title="Three").close()
""")
    until(lambda: len(list(screen.windows())) == 2)
    screen.window("One").close()
    assert program.line() == "one False 2 1"
    screen.window("Two").close()
    assert program.line() == "two"
    assert program.ended() == 0


def test_reloads_and_slow_links_are_no_close(show: Show, screen: Screen) -> None:
    program = show("""
import asyncio
from starlette.responses import HTMLResponse, PlainTextResponse
from jsmeets_local.server.script_tags import with_scripts

@app.route("/other")
async def other(request):
    html = "<head><script src='/slow.js'></script>" + str(with_scripts(PAGE.replace("The page", "The other page")))
    return HTMLResponse(html)

@app.route("/slow.js")
async def slow(request):
    await asyncio.sleep(2.5)
    return PlainTextResponse("", media_type="text/javascript")

page = app.launch(PAGE, "window")
for _ in range(3):
    before = app.sockets.get_socket_id()
    page.call_nowait("$eval")("location.reload()")
    while app.sockets.get_socket_id() in (before, ()):
        time.sleep(0.01)
    say(page.call("sum")(1, 2), page.is_closed())
page.call_nowait("$eval")("location.href = '/other'")
while page.is_connected():
    time.sleep(0.01)
left = time.monotonic()
say(page.call("sum")(2, 3), page.eval("location.pathname"), page.is_closed(), time.monotonic() - left > 2.1)
sys.stdin.readline()
say(page.window.title)
""")
    assert [program.line() for _ in range(3)] == ["3 False"] * 3
    assert program.line() == "5 /other False True"
    screen.window("The other page")
    program.tell()
    assert program.line() == "The other page"
    assert program.ended() == 0


def test_a_window_that_is_closed_before_its_page_has_connected(show: Show, screen: Screen) -> None:
    program = show("""
try:
    app.launch("<title>Never</title><script src='JsPyTextSocket.js'></script>", "window")
except PageClosed as error:
    say(error)
say(app.pages)
try:
    app.launch("<script src='JsPyTextSocket.js'></script>", "window", timeout=0.5)
except LaunchError as error:
    say(error)
""")
    screen.window("Never").close()
    assert program.line() == "the window was closed before its page connected"
    assert program.line() == "()"
    assert "no page connected within 0.5 s" in program.line()
    assert program.ended() == 0


@pytest.mark.parametrize("allowed", [True, False])
def test_window_functions_of_the_page(show: Show, screen: Screen, allowed: bool) -> None:
    program = show(f"""
page = app.launch('''<title>The page</title><script type="module">
import {{ native, expose }} from "/jsmeetspy/jsmeets.mjs";
expose("steer", async () => {{
    await native.resize(345, 234);
    await native.move(20, 30);
    await native.set_title("Steered");
    return [await native.get_title(), (await native.get_size()).length, (await native.get_position()).length];
}});
expose("wrong", () => native.resize(0, 1));
</script>''', "window", window_api={allowed})
for name in ("steer", "wrong"):
    try:
        say(page.call(name)())
    except JavaScriptError as error:
        say(error)
sys.stdin.readline()
""")
    if allowed:
        assert program.line() == "['Steered', 2, 2]"
        assert program.line() == "ValueError: width must be at least 1 pixels; got 0"
        window = screen.window("Steered")
        until(lambda: window.size() == (345, 234) and window.position() == (20, 30))
    else:
        assert "launch(..., window_api=True)" in program.line()
        assert "launch(..., window_api=True)" in program.line()
        until(lambda: screen.window("The page").size() == (800, 600))
