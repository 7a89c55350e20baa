"""Packaged programs: their contents, and that they run, end and leave nothing behind."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from jsmeets_local._pyinstaller.collect import MissingFiles, belongs, page_files, wants_window
from tests.cli.conftest import COMMAND, ROOT, SECONDS, Program
from tests.desktop.x11 import Screen, active
from tests.timing import scaled
from tests.tools import need

PROGRAMS = Path(__file__).parent / "packaged"
DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
SAID = ["title: packaged 2", "color: rgb(1, 2, 3)", "both ways: 42", "other.html 200", "img/dot.svg 200"]

# Building the three takes two minutes; more on a busy machine.
pytestmark = pytest.mark.timeout(scaled(600))

Start = Callable[..., Program]
Process = subprocess.Popen[str]


# What goes in ----------------------------------------------------------------------------------------------------


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write files and return their folder."""

    def write(**files: str) -> Path:
        for name, text in files.items():
            path = tmp_path / name.replace("__", "/").replace("_dot_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return write


def collected(folder: Path, *sources: str) -> set[str]:
    """Return the collected files relative to the script; each has the same place in the program."""
    found = page_files(folder, [folder / source for source in sources])
    names = {Path(file).relative_to(folder).as_posix() for file, _ in found}
    assert {(Path(place) / Path(file).name).as_posix() for file, place in found} == names
    return names


def test_pages_beside_the_script_and_the_usual_folders_are_packaged(write: Callable[..., Path]) -> None:
    folder = write(
        app_dot_py="",
        index_dot_html="",
        style_dot_css="",
        notes_dot_txt="private",
        todo_dot_json="private",
        static__data_dot_json="",
        static__deep__er_dot_bin="",
        templates__a_dot_html="",
        static_dot_txt="",
        other__page_dot_html="",
    )
    (folder / "static" / ".hidden").write_text("")
    names = collected(folder, "app.py")
    assert names == {"index.html", "style.css", "static/data.json", "static/deep/er.bin", "templates/a.html"}


def test_files_named_in_the_source_are_packaged(write: Callable[..., Path]) -> None:
    source = """
app = JsMeetsPy(static="web", templates=str(HERE / "views"))
app.launch("pages/a.html?x=1#y")
app.run(str(Path(__file__).with_name("pages") / "b.html"), mode="window", icon="art/tool.png")
app.open(page=__file__.replace("main.py", "c.svg"))
shelve.open("private.txt"); subprocess.run("app.py"); app.launch("<p>no name</p>"); app.launch("missing.html")
"""
    names = [
        "art__tool_dot_png",
        "web__x_dot_dat",
        "views__v_dot_txt",
        "pages__a_dot_html",
        "pages__b_dot_html",
        "c_dot_svg",
    ]
    files = dict.fromkeys([*names, "private_dot_txt", "pages__d_dot_html"], "")
    folder = write(app_dot_py=source, **files)
    assert collected(folder, "app.py") == {
        "art/tool.png",
        "web/x.dat",
        "views/v.txt",
        "pages/a.html",
        "pages/b.html",
        "c.svg",
    }


def test_files_that_pages_refer_to_are_packaged(write: Callable[..., Path]) -> None:
    folder = write(
        app_dot_py="",
        index_dot_html='<link href="css/a.css?v=1"><img src = \'logo.png\'><script src=js/a.js></script> "https://x.org/y.js"',
        css__a_dot_css="@font-face { src: url(../font.woff2) } b { background: url('b.svg#icon') }",
        js__a_dot_js='import { b } from "./b.js"; fetch("../data.json"); "../../outside.js"',
        js__b_dot_js="import './a.js'",
        js__unused_dot_js="",
        **dict.fromkeys(["logo_dot_png", "font_dot_woff2", "css__b_dot_svg", "data_dot_json"], ""),
    )
    (folder.parent / "outside.js").write_text("")
    names = {"index.html", "css/a.css", "logo.png", "font.woff2", "css/b.svg", "js/a.js", "js/b.js", "data.json"}
    assert collected(folder, "app.py") == names


def test_addresses_that_begin_with_a_slash_are_below_the_folder_of_the_page(write: Callable[..., Path]) -> None:
    folder = write(
        app_dot_py='app.run(HERE / "dist" / "index.html")',
        dist__index_dot_html='<script type=module src="/assets/index.js"></script><img src="/jsmeetspy/favicon.svg">',
        dist__assets__index_dot_js="import('./lazy.js')",
        dist__fonts__used_by_code_dot_woff2="",
        dist__assets__lazy_dot_js="",
        src__main_dot_ts="",
    )
    built = {"dist/index.html", "dist/assets/index.js", "dist/assets/lazy.js", "dist/fonts/used/by/code.woff2"}
    assert collected(folder, "app.py") == {name.replace("used/by/code", "used_by_code") for name in built}


def test_a_page_beside_the_script_does_not_take_the_folder_of_the_script(write: Callable[..., Path]) -> None:
    folder = write(
        app_dot_py="", index_dot_html='<link rel="stylesheet" href="/look.css">', look_dot_css="", notes_dot_txt=""
    )
    assert collected(folder, "app.py") == {"index.html", "look.css"}


def test_what_is_referenced_and_not_found_is_listed(write: Callable[..., Path]) -> None:
    page = """<script src="/assets/gone.js?v=1"></script><link rel="icon" href="gone.svg"><link rel="canonical" href="/x.html">
        <img src="https://example.org/a.png"><img src="data:image/png;base64,AA"><img src="{{ url_for('x') }}.png">
        <a href="/later.html"></a><img src="/plot/7.png"><img src="/camera"><img src="files/a.csv"><img src="/made.png">"""
    source = 'app.route("/plot/{n}.png"); app.mount("/files", x); app.route("/made.png"); app.run("web/index.html")'
    folder = write(app_dot_py=source, web__index_dot_html=page)
    with pytest.raises(MissingFiles) as caught:
        collected(folder, "app.py")
    text = "pages refer to files that do not exist: /assets/gone.js in index.html, gone.svg in index.html"
    assert str(caught.value) == text


def test_addresses_of_static_files_are_found(write: Callable[..., Path]) -> None:
    folder = write(
        app_dot_py='JsMeetsPy(static=HERE / "files", templates="pages")',
        pages__index_dot_html='<script src="/static/a.js"></script><link rel="stylesheet" href="/static/b.css">',
        files__a_dot_js="",
        static__b_dot_css="",
    )
    assert collected(folder, "app.py") == {"pages/index.html", "files/a.js", "static/b.css"}


def test_the_package_of_a_page_with_missing_files_fails(run: Start, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("from jsmeets_local import JsMeetsPy\nJsMeetsPy().run('index.html')")
    (tmp_path / "index.html").write_text('<script src="/gone.js"></script>')
    program = run("package", "app.py")
    assert program.ended() == 1
    assert program.text.endswith("Error: pages refer to files that do not exist: /gone.js in index.html\n")


def test_modules_in_folders_have_their_own_pages(write: Callable[..., Path]) -> None:
    folder = write(
        app_dot_py="", gui__start_dot_py='JsMeetsPy(static="look")', gui__look__a_dot_css="", look__b_dot_css=""
    )
    assert collected(folder, "app.py", "gui/start.py") == {"gui/look/a.css", "look/b.css"}


def test_environments_in_the_folder_do_not_belong_to_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "env"))
    assert belongs(tmp_path / "gui" / "a.py", tmp_path)
    for name in ("env/lib/json/a.py", ".venv/a.py", "other/site-packages/a.py", "__pycache__/a.pyc", "../a.py"):
        assert not belongs((tmp_path / name).resolve(), tmp_path), name


@pytest.mark.parametrize(
    ("source", "wanted"),
    [("app.run(mode='window')", True), ("MODE = 'auto-window'", True), ("app.run(mode='app')", False)],
)
def test_a_toolkit_is_packaged_if_a_window_is_used(source: str, wanted: bool, write: Callable[..., Path]) -> None:
    assert wants_window(write(app_dot_py=source) / "app.py") is wanted


# The command -----------------------------------------------------------------------------------------------------


def test_without_pyinstaller_it_says_what_to_install(
    run: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "app.py").write_text("")
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['PyInstaller'] = None")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    program = run("package", "app.py")
    assert program.ended() == 1
    assert program.text == "Error: package needs PyInstaller: pip install pyinstaller\n"


def test_the_output_of_a_failing_pyinstaller_is_shown(run: Start, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("def (")
    program = run("package", "app.py")
    assert program.ended() == 1
    assert "SyntaxError: invalid syntax" in program.text
    assert program.text.rstrip().endswith("Error: PyInstaller failed; its output is above")
    assert {path.name for path in tmp_path.iterdir()} <= {"app.py", "dist"}


# What comes out ----------------------------------------------------------------------------------------------------


def processes_of(program: Path) -> list[psutil.Process]:
    """Return all processes that run a program, whatever their parent is."""
    return [one for one in psutil.process_iter(["exe"]) if one.info["exe"] == str(program)]


EXAMPLES = ("desktop_todo", "image_viewer")


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[Path, Process]]]:
    """Build the browser program with PyInstaller and the examples with our command, in parallel because each takes long."""
    need("objdump")
    plain = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level=WARN", str(PROGRAMS / "browser.py")]
    commands = {"browser": plain}
    for name in EXAMPLES:
        script = str(ROOT / "examples" / name / "main.py")
        commands[name] = [*COMMAND, "package", script, "--name", name, "--windowed", "--output", "out"]
    started = {}
    for name, command in commands.items():
        folder = tmp_path_factory.mktemp(name)
        started[name] = (
            folder,
            subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True),
        )
    yield started
    for _, process in started.values():
        process.kill()
        process.wait()
        process.stdout.close()  # type: ignore[union-attr]


@pytest.fixture(scope="module")
def plain(builds: dict[str, tuple[Path, Process]]) -> Path:
    """The browser program."""
    folder, process = builds["browser"]
    said, _ = process.communicate()
    assert process.returncode == 0, said
    return folder / "dist" / "browser" / "browser"


def test_a_plain_build_runs_in_a_browser(plain: Path, start: Start, tab: Any, tmp_path: Path) -> None:
    (tmp_path / "static").mkdir()  # of somebody else, in the folder in which it is started
    program = start([str(plain)], tmp_path, PYTHONPATH="")
    tab.goto(program.url())
    for line in SAID:
        assert program.until(f"^{re.escape(line)}$")
    tab.close()
    assert program.ended() == 0
    assert processes_of(plain) == []
    assert program.text.splitlines()[1:] == SAID


# What the server and the bridge need, and options of theirs that are small.
NEEDED = {"anyio", "click", "dotenv", "h11", "httptools", "idna", "jinja2", "jsmeets_local", "markupsafe", "msgspec",
          "numpy", "orjson", "sniffio", "starlette", "typing_extensions", "uvicorn", "uvloop", "websockets", "yaml"}  # fmt: skip
SMALL = {"attr", "attrs", "itsdangerous", "multipart", "python_multipart", "wsproto"}


def test_a_plain_build_takes_no_toolkits_along(plain: Path) -> None:
    inside = plain.parent / "_internal"
    assert {file.name for file in (inside / "jsmeets_local" / "assets").iterdir()} >= {"jsmeets.mjs", "favicon.svg"}
    assert not {"PyQt6", "gi", "IPython", "jedi", "webview", "watchfiles"} & {path.name for path in inside.iterdir()}
    from PyInstaller.archive.readers import CArchiveReader  # not in every environment of the tests

    modules = CArchiveReader(str(plain)).open_embedded_archive("PYZ.pyz").toc
    packages = {name.partition(".")[0] for name in modules} - sys.stdlib_module_names
    assert {name for name in packages if not name.startswith("_sysconfigdata")} <= NEEDED | SMALL


def test_a_browser_is_started_without_the_libraries_of_the_program(
    plain: Path, start: Start, tmp_path: Path, tab: Any
) -> None:
    browser = tmp_path / "browser"
    browser.write_text('#!/bin/sh\necho "libraries: $LD_LIBRARY_PATH"\necho "opened $1"\n')
    browser.chmod(0o755)
    program = start([str(plain)], tmp_path, BROWSER=str(browser), LD_LIBRARY_PATH="/of/the/user")
    assert program.until("libraries: (.*)") == "/of/the/user"
    tab.goto(program.url())
    program.until("both ways")
    tab.close()
    assert program.ended() == 0


Build = Callable[[str], Path]


@pytest.fixture(scope="module")
def build(builds: dict[str, tuple[Path, Process]]) -> Build:
    """Wait for the program of an example."""
    built: dict[str, Path] = {}

    def build(example: str) -> Path:
        if example not in built:
            folder, process = builds[example]
            said, _ = process.communicate()
            assert process.returncode == 0, said
            built[example] = folder / "out" / example / example
            where = rf"Created out/{example} \(\d+ MB\). Start it:\n\n    {built[example]}\n"
            assert re.search(where, said)
            assert [path.name for path in folder.iterdir()] == ["out"]
        return built[example]

    return build


@pytest.fixture
def desktop(start: Start, screen: Screen, tmp_path: Path) -> Start:
    """Start a program on the screen, away from its files."""
    variables = {"DISPLAY": screen.name, "PYTHONPATH": "", "QTWEBENGINE_DISABLE_SANDBOX": "1"}
    return lambda *command: start([*map(str, command)], tmp_path, **variables)


def ended_completely(program: Path) -> bool:
    return psutil.wait_procs(processes_of(program), SECONDS)[1] == []


def test_the_packaged_todo_list(build: Build, desktop: Start, screen: Screen, tmp_path: Path) -> None:
    """The process of its window is the same program, started once more."""
    todo, file = build("desktop_todo"), tmp_path / "garden.json"
    program = desktop(todo, "--window", file)
    active(screen, "garden.json")
    assert len({one.ppid() for one in processes_of(todo)}) >= 2
    screen.type("Weed")
    screen.keys("Return")  # the page calls Python, which names the window
    window = screen.window("• garden.json")
    screen.keys("Control_L", "s")
    screen.window("garden.json")
    assert json.loads(file.read_text(encoding="utf-8")) == [{"text": "Weed", "done": False}]
    window.close()
    assert program.ended() == 0
    assert ended_completely(todo)


def test_a_packaged_window_does_not_outlive_its_program(build: Build, desktop: Start, screen: Screen) -> None:
    todo = build("desktop_todo")
    program = desktop(todo, "--window", "kill.json")
    screen.window("kill.json")
    program.process.kill()
    program.process.wait()
    assert ended_completely(todo)


def test_the_packaged_image_viewer(build: Build, desktop: Start, screen: Screen, tmp_path: Path) -> None:
    """Its window has its own process. Python lets the page decode the image and receives the pixels."""
    viewer, file = build("image_viewer"), tmp_path / "dot.png"
    file.write_bytes(base64.b64decode(DOT))
    program = desktop(viewer, "--window", file)
    window = screen.window("dot.png")
    assert len(processes_of(viewer)) == 1
    window.close()
    assert program.ended() == 0, program.text
    assert ended_completely(viewer)
