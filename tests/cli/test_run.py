"""`jsmeets-local run`: pages, programs, modules, the end of the program, and `--reload`."""

from __future__ import annotations

import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

from jsmeets_local.cli import reload
from tests.cli.conftest import SECONDS, Program

Run = Callable[..., Program]

PAGE = """<!DOCTYPE html>
<title>the title</title>
<link rel="stylesheet" href="style.css">
<script type="module">
    import { expose, py } from "/jsmeetspy/jsmeets.mjs";
    expose({ title: () => document.title });
    document.body.append(await py.version().catch(String));
</script>
<body></body>
"""
PROGRAM = """
from jsmeets_local import JsMeetsPy

app = JsMeetsPy(static="static")


@app.expose
def version():
    return "version 1"


def main(page):
    print("main sees", page.call("title", timeout=20)())
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A program with a page and a style sheet."""
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "index.html").write_text(PAGE)
    (tmp_path / "static" / "style.css").write_text("body { color: rgb(1, 1, 1) }")
    (tmp_path / "app.py").write_text(PROGRAM)
    return tmp_path


# Once --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["index.html", "."])
def test_a_page_is_shown_until_it_is_closed(target: str, run: Run, tmp_path: Path, tab: Any) -> None:
    (tmp_path / "index.html").write_text("<title>plain</title><img src=dot.svg>")
    (tmp_path / "dot.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="7" height="7"/>')
    program = run("run", target)
    tab.goto(program.url())
    assert tab.evaluate("JsPyTextSocket.wait_ready(10)")
    assert tab.title() == "plain"
    tab.wait_for_function("document.images[0].naturalWidth === 7")
    program.until("Serving http://127.0.0.1:[0-9]+/index.html: close the page, or press Ctrl-C")
    tab.close()
    assert program.ended() == 0


@pytest.mark.parametrize("target", ["app.py", "app:app"])
def test_a_program_runs_with_its_main(target: str, run: Run, project: Path, tab: Any) -> None:
    program = run("run", target)
    tab.goto(program.url())
    program.until("main sees the title")
    tab.wait_for_function("document.body.innerText.includes('version 1')")
    tab.close()
    assert program.ended() == 0
    assert "Traceback" not in program.text


def test_another_page_and_port(run: Run, project: Path, tab: Any) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (project / "static" / "other.html").write_text(
        "<script src=/jsmeetspy/JsPyTextSocket.js></script><title>other</title>"
    )
    (project / "app.py").write_text(PROGRAM.replace("def main", "def no_main"))
    program = run("run", "app.py", "--none", "--page", "other.html?a=1", "--port", str(port))
    url = program.until("Open this in a browser on this machine: (.*)")
    assert url.startswith(f"http://127.0.0.1:{port}/static/other.html?a=1#jsmeets=")
    tab.goto(url)
    tab.wait_for_function("JsPyTextSocket.ready()")
    tab.close()
    assert program.ended() == 0
    assert "opened" not in program.text


def test_a_storage_keeps_the_port(run: Run, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "data"))
    ports = set()
    for options in ([], ["--devtools"], ["--reload"]):
        program = run("run", "app.py", "--none", "--storage", "sums", *options)
        ports.add(urlsplit(program.url()).port)
        program.process.terminate()
        program.ended()
    assert len(ports) == 1
    program = run("run", "app.py", "--storage", "../sums")
    program.until("Error: Invalid value for '--storage': storage must be a name of letters")
    assert program.ended() == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("options", [[], ["--reload"]])
def test_a_signal_ends_it_without_a_traceback(number: int, options: list[str], run: Run, project: Path) -> None:
    program = run("run", "app.py", "--none", *options)
    program.url()
    children = program.children()
    assert len(children) == len(options)
    program.process.send_signal(number)
    assert program.ended() == 0
    assert "Traceback" not in program.text
    assert psutil.wait_procs(children, SECONDS)[1] == []


def test_tracebacks_of_main_begin_in_the_code_of_the_user(run: Run, project: Path) -> None:
    (project / "app.py").write_text(
        PROGRAM.replace("print(", "raise KeyError(").replace('page.call("title", timeout=20)()', "1")
    )
    program = run("run", "app.py", "--none")
    assert program.ended() == 1
    head, _, trace = program.text.partition("Traceback (most recent call last):\n")
    assert head.startswith("Open this in a browser")
    assert trace.startswith(f'  File "{project / "app.py"}", line 13, in main')
    assert trace.rstrip().endswith("KeyError: ('main sees', 1)")


@pytest.mark.parametrize("options", [[], ["--reload"]])
def test_a_taken_port_is_a_sentence(options: list[str], run: Run, project: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        program = run("run", "app.py", "--none", "--port", str(port), *options)
        assert program.ended() == 1
    assert program.text.startswith(f"Error: port {port} of 127.0.0.1 cannot be used")
    assert "Traceback" not in program.text


def test_no_page_is_a_sentence(run: Run, project: Path) -> None:
    (project / "static" / "index.html").unlink()
    program = run("run", "app.py")
    assert program.ended() == 1
    assert program.text == (
        'Error: nothing is served at "/": add @app.route("/"), or name a page: launch("index.html"), '
        "jsmeets-local run app.py --page index.html\n"
    )


# Again and again ---------------------------------------------------------------------------------------------


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def shows(tab: Any, text: str) -> None:
    """Wait until the page of the newest Python process shows a text and is connected."""
    tab.wait_for_function("text => document.body?.innerText.includes(text) && JsPyTextSocket.ready()", arg=text)


def test_changes_are_followed_in_one_tab(run: Run, project: Path, tab: Any) -> None:
    program = run("run", "app.py", "--reload")
    url = program.url()
    tab.goto(url)
    program.until("main sees the title")
    shows(tab, "version 1")
    first = program.children()

    change(project / "app.py", "version 1", "version 2")
    program.until("app.py changed: restarting")
    program.until("main sees the title")
    shows(tab, "version 2")
    assert psutil.wait_procs(first, SECONDS)[1] == []
    second = program.children()
    assert len(second) == 1

    change(project / "static" / "style.css", "1, 1, 1", "2, 2, 2")
    program.until("style.css changed: reloading the pages")
    tab.wait_for_function("getComputedStyle(document.body).color === 'rgb(2, 2, 2)'")
    shows(tab, "version 2")
    assert program.children() == second  # Python has stayed

    change(project / "app.py", "def main", "def (")
    program.until("SyntaxError: invalid syntax")
    program.until("Waiting for a change")
    change(project / "app.py", "def (", "def main")
    program.until("main sees the title")
    shows(tab, "version 2")

    change(project / "app.py", 'print("main sees', 'assert not print("main fails')
    program.until("main fails")
    shows(tab, "version 2")
    change(project / "app.py", "assert not print", "1 / 0 or print")
    program.until("ZeroDivisionError: division by zero")
    program.until("Waiting for a change")
    tab.wait_for_function("document.readyState === 'complete' && !JsPyTextSocket.ready()")
    change(project / "static" / "index.html", "the title", "another title")
    change(project / "app.py", "1 / 0 or print", "print")
    program.until("main fails another title")
    shows(tab, "version 2")

    tab.close()
    assert program.ended() == 0
    assert program.text.count("opened http") == 1
    assert program.text.count(f'File "{project / "app.py"}"') == 2  # one line of each traceback


def test_a_page_that_was_closed_meanwhile_is_opened_again(run: Run, project: Path, browser: Any) -> None:
    program = run("run", "app.py", "--reload")
    first = browser.new_page()
    first.goto(program.url())
    program.until("main sees the title")
    change(project / "app.py", "def main", "def (")
    program.until("Waiting for a change")
    first.close()
    change(project / "app.py", "def (", "def main")
    second = browser.new_page()
    second.goto(program.url())
    program.until("main sees the title")
    second.close()
    assert program.ended() == 0


def test_the_program_does_not_outlive_the_command(run: Run, project: Path) -> None:
    program = run("run", "app.py", "--none", "--reload")
    program.url()
    children = program.children()
    assert len(children) == 1
    program.process.kill()
    assert psutil.wait_procs(children, SECONDS)[1] == []


def test_a_program_that_does_not_end_is_killed(run: Run, project: Path) -> None:
    stubborn = """
def main(page):
    import time
    while True:
        try:
            print("here I am")
            time.sleep(60)
        except KeyboardInterrupt:
            print("here I stay")
"""
    with (project / "app.py").open("a") as file:
        file.write(stubborn)
    program = run("run", "app.py", "--none", "--reload")
    program.until("here I am")
    begin = time.monotonic()
    change(project / "app.py", "here I am", "and again")
    program.until("here I stay")
    program.until("did not end within 5 s")
    program.until("and again")
    assert time.monotonic() - begin >= reload.END_SECONDS
    program.process.kill()
    for child in program.children():
        child.kill()


def test_an_error_that_no_change_can_mend_ends_the_command(start: Callable[..., Program], project: Path) -> None:
    command = [sys.executable, "-m", "jsmeets_local", "run", "app.py", "--reload"]
    program = start(command, project, BROWSER="/no/such/browser", DISPLAY="", WAYLAND_DISPLAY="")
    assert program.ended() == 1
    assert program.text.startswith("Error: ")
    assert "browser" in program.text
    assert "Traceback" not in program.text
