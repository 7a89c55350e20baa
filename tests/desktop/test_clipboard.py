"""The clipboard of the desktop, from Python and from a page."""

from __future__ import annotations

from collections.abc import Callable

from tests.desktop.conftest import Program
from tests.desktop.x11 import Screen, active

Show = Callable[..., Program]


def test_python_and_pages_share_the_clipboard(show: Show, screen: Screen) -> None:
    """Each window is a process of its own, so the text travels through the X server."""
    program = show(r"""
import asyncio
PAGE = '''<title>The page</title><script type="module">
import { expose, native } from "/jsmeetspy/jsmeets.mjs";
expose("read", () => navigator.clipboard.readText());
expose("write", (text) => navigator.clipboard.writeText(text));
expose("steal", () => native.get_clipboard());
</script>'''
one = app.launch(PAGE, mode="window", title="One")
two = app.open(PAGE, title="Two", window_api=True)
say("ready")
sys.stdin.readline()
say(repr(one.window.clipboard))
one.window.clipboard = "gr\u00f6\u00dfer\n2"
say(repr(two.window.clipboard), repr(two.call("read", 10)()))
two.call("write", 10)("of a page")
say(one.window.clipboard)
asyncio.run(two.aio.window.set_clipboard(""))
say(repr(asyncio.run(one.aio.window.get_clipboard())))
for wrong in (lambda: setattr(one.window, "clipboard", b"x"), two.call("steal")):
    try:
        wrong()
    except (TypeError, JavaScriptError) as error:
        say(error)
""")
    assert program.line() == "ready"
    active(screen, "Two")
    program.tell()
    assert program.line() == "''"
    assert program.line() == "'größer\\n2' 'größer\\n2'"
    assert program.line() == "of a page"
    assert program.line() == "''"
    assert program.line() == "the text of the clipboard must be a str; got b'x'"
    assert "get_clipboard" in program.line()
    assert program.ended() == 0
