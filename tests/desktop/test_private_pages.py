"""launch(private=True) in the windows that it opens itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.desktop.conftest import Program
from tests.desktop.x11 import Screen
from tests.tools import need

Start = Callable[..., Program]

CODE = """
import urllib.error, urllib.request
AGAIN = "<script>if (location.search) JsPyFunction.call_nowait('again')()</script>"
page = app.launch(PAGE + AGAIN, mode={mode!r}, private=True)
say(page.call("sum")(1, 2))
again = threading.Event()
app.functions.expose("again", again.set)
page.eval("setTimeout(() => location.replace('?again'))")
assert again.wait(30), "it did not load itself anew"
try:
    urllib.request.urlopen(page.url.partition("jsmeetspy")[0])
except urllib.error.HTTPError as error:
    say("a stranger gets", error.code)
say(page.call("sum")(3, 4))
sys.stdin.readline()
"""


def check(program: Program) -> None:
    """Check that the page opens, also after a reload, and that other clients are refused."""
    assert program.line() == "3"
    assert program.line() == "a stranger gets 403"
    assert program.line() == "7"
    program.know_family()
    program.tell()


def test_a_private_page_in_a_tab(start: Start, tmp_path: Path) -> None:
    browser = f"{need('chromium')} --headless --no-sandbox --disable-gpu --user-data-dir={tmp_path / 'profile'} %s &"
    program = start(CODE.format(mode="browser"), BROWSER=browser)
    check(program)
    program.kill()


def test_a_private_page_in_app_mode(start: Start, screen: Screen, tmp_path: Path) -> None:
    need("chromium")
    program = start(CODE.format(mode="app"), screen, TMPDIR=str(tmp_path))
    check(program)
    assert program.ended() == 0


def test_a_private_page_in_a_window(show: Start) -> None:
    program = show(CODE.format(mode="window"))
    check(program)
    assert program.ended() == 0
