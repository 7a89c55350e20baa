"""Window options, and the end of run() with its page; tests/desktop opens the windows themselves."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jsmeets_local import Disconnected, JsMeetsPy, LaunchError, Page
from jsmeets_local.launch.chromium import app_command
from jsmeets_local.launch.window.options import check_window_options, window_parameters
from tests.raw import as_page


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        (
            {"titel": "x"},
            TypeError,
            "launch() has no option 'titel'; did you mean title=? The options of windows are title,",
        ),
        ({"prot": 5}, TypeError, "launch() has no option 'prot'; did you mean port=?"),
        (
            {"zz": 5},
            TypeError,
            "launch() has no option 'zz'. The options of windows are title, position, icon, resizable,",
        ),
        ({"icon": 5}, TypeError, "icon must be the path of an image file; got 5"),
        ({"title": 5}, TypeError, "title must be a str; got 5"),
        ({"position": 5}, TypeError, "position must be a pair of whole numbers of pixels; got 5"),
        ({"position": (1, 2.5)}, TypeError, "position must be a whole number of pixels; got 2.5"),
        ({"min_size": (0, 5)}, ValueError, "min_size must be at least 1 pixels; got 0"),
        ({"fullscreen": 1}, TypeError, "fullscreen must be True or False; got 1"),
        ({"maximized": None}, TypeError, "maximized must be True or False; got None"),
        ({"hidden": "no"}, TypeError, "hidden must be True or False; got 'no'"),
        ({"frameless": 0}, TypeError, "frameless must be True or False; got 0"),
        ({"devtools": 1}, TypeError, "devtools must be True or False; got 1"),
        ({"confirm_close": 1}, TypeError, "confirm_close must be True, False, or the question that the user is asked"),
        ({"confirm_close": ""}, ValueError, "confirm_close is an empty question"),
        ({"icon": "missing.png"}, FileNotFoundError, f"{os.path.abspath('missing.png')} does not exist"),
    ],
)
@pytest.mark.parametrize("mode", ["auto-window", "none"])
def test_invalid_options_are_refused(
    app: JsMeetsPy, options: Any, error: type[Exception], text: str, mode: str
) -> None:
    with pytest.raises(error) as caught:
        app.launch("<p>", mode, **options)
    assert text in str(caught.value)
    assert app.pages == ()


def test_modes_without_a_window_ignore_its_options(app: JsMeetsPy) -> None:
    page = app.launch("<p>", "none", title="x", window_api=True, on_top=True, min_size=(1, 2))
    with pytest.raises(LaunchError, match="no window"):
        _ = page.window
    with pytest.raises(LaunchError, match="window_api"):
        page._client.check_accepts_commands()


def test_what_the_app_mode_uses() -> None:
    options = check_window_options({"position": (1, -2), "fullscreen": True, "on_top": True, "title": "x"})
    used = app_command("http://127.0.0.1/", window_parameters(None, None, options))
    assert used[-3:] == ["--window-size=800,600", "--window-position=1,-2", "--start-fullscreen"]
    used = app_command("http://127.0.0.1/", window_parameters(None, None, {"maximized": True}))
    assert used[-1] == "--start-maximized"


def test_what_a_window_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    icon = tmp_path / "icon.png"
    icon.write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["/somewhere/my_tool.py"])
    told = window_parameters(
        np.int64(300), None, check_window_options({"icon": "icon.png", "min_size": (np.int32(9), 8)})
    )
    assert (told["width"], told["height"], told["min_size"]) == (300, 600, [9, 8])
    assert (told["program"], told["title"], told["icon"]) == ("my_tool", None, str(icon))
    with pytest.raises(TypeError, match="only notebooks take CSS lengths"):
        window_parameters("50%", None, {})
    with pytest.raises(ValueError, match="height must be at least 1 pixels; got 0"):
        window_parameters(None, 0, {})


# run() ---------------------------------------------------------------------------------------------------------------


def test_main_ends_with_its_page(app: JsMeetsPy) -> None:
    reached: list[str] = []

    def main(page: Page) -> None:
        as_page(page).close()
        while True:
            page.call("f")()
            reached.append("a value")

    app.run("<p>", "none", main, grace=0.1)
    assert reached == []


def test_disconnections_by_a_reload_come_out_of_run(app: JsMeetsPy) -> None:
    def main(page: Page) -> None:
        as_page(page, "first").close()
        as_page(page, "second")
        raise Disconnected("of a call that the first document did not answer")

    with pytest.raises(Disconnected, match="did not answer"):
        app.run("<p>", "none", main, grace=0.1)


def test_a_mode_without_a_window_has_no_page_window(app: JsMeetsPy) -> None:
    page = app.launch("<p>", "none")
    for ask in (lambda: page.window, lambda: page.aio.window):
        with pytest.raises(RuntimeError, match='open it with launch\\(mode="window"\\)'):
            ask()
    client = as_page(page)
    name = page.url.partition("=")[2].partition(".")[2]
    kind, _, error = client.ask("call", "$window", [name, "resize", 1, 2])
    assert kind == "error"
    assert "window_api=True" in error["message"]
    assert "no window" in client.ask("call", "$window", ["another", "resize", 1, 2])[2]["message"]
