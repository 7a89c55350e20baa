"""The other commands, and common behaviour: help, exit codes, sentences instead of tracebacks."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

import jsmeets_local
from jsmeets_local.cli import main
from jsmeets_local.cli.loading import Broken, Target, find_target, load
from jsmeets_local.staticfiles import ASSETS
from tests.cli.conftest import COMMAND, ROOT, Program
from tests.timing import scaled
from tests.tools import need


@pytest.fixture
def invoke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run `jsmeets-local` in the folder of the test."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(main, arguments, prog_name="jsmeets-local")


# All of them ---------------------------------------------------------------------------------------------------


def test_without_arguments_it_helps(invoke: Callable[..., Result]) -> None:
    result = invoke()
    assert result.exit_code == 0
    assert result.output == invoke("--help").output == invoke("-h").output
    assert "new " in result.output


@pytest.mark.parametrize("name", main.commands)
def test_each_command_helps(name: str, invoke: Callable[..., Result]) -> None:
    result = invoke(name, "--help")
    assert result.exit_code == 0
    assert result.output.startswith(f"Usage: jsmeets-local {name} ")
    assert "\\" not in result.output  # click's mark for lines that are kept, had it not understood it
    assert all(not isinstance(one, click.Option) or one.help for one in main.commands[name].params)
    assert max(map(len, result.output.splitlines())) <= 80


def test_python_m_is_the_same(invoke: Callable[..., Result]) -> None:
    done = subprocess.run([*COMMAND, "--version"], cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout == invoke("--version").output == f"jsmeets-local, version {jsmeets_local.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nothing"], "No such command 'nothing'."),
        (["run"], "Missing argument 'TARGET'."),
        (["run", "no.py:app"], "no.py:app names a file and an application; write no:app"),
        (["run", "no.html"], "no.html does not exist; the target must be a page, a Python file or module:app"),
        (["run", "."], "index.html does not exist; the target must be"),
        (["run", "notes.txt"], "notes.txt is neither a page (.html) nor a program (.py)"),
        (["run", "notes.txt", "--port", "66000"], "66000 is not in the range 0<=x<=65535"),
        (["new", "1st"], "'1st' is not a valid project name"),
        (["new", "my-"], "'my-' is not a valid project name"),
        (["new", "a b"], "'a b' is not a valid project name"),
        (["package", "no.py"], "File 'no.py' does not exist"),
        (["assets"], "Missing argument 'DIR'."),
    ],
)
def test_wrong_usage_is_exit_code_2(
    arguments: list[str], sentence: str, invoke: Callable[..., Result], tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("")
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert sentence in result.stderr


# run: what can be loaded ---------------------------------------------------------------------------------------


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Target]]:
    """Write a program with this source."""
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # time stamps of byte code are too coarse
    head = "from jsmeets_local import Bridge, JsMeetsPy\n"

    def target(source: str) -> Target:
        (tmp_path / "program.py").write_text(head + source)
        monkeypatch.chdir(tmp_path)
        return find_target(None, None, "program.py")  # type: ignore[arg-type]

    yield target
    for name in [name for name in sys.modules if name.startswith("program")]:
        del sys.modules[name]


def test_the_application_is_app_or_the_only_one(target: Callable[[str], Target]) -> None:
    assert load(target("app = JsMeetsPy(token='a'); other = JsMeetsPy()")).app._access.token == "a"
    assert load(target("one = JsMeetsPy(token='b'); again = one")).app._access.token == "b"
    sys.modules.pop("program", None)
    target("class Names:\n    gui = JsMeetsPy(token='c')")
    assert load(find_target(None, None, "program:Names.gui")).app._access.token == "c"  # type: ignore[arg-type]


def test_main_is_a_function_of_the_page(target: Callable[[str], Target]) -> None:
    for source, found in [("def main(page): 1", True), ("def main(): 1", False), ("main = 3", False), ("", False)]:
        assert (load(target(f"app = JsMeetsPy()\n{source}")).main is not None) is found


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("", "program.py has no application at its top level: write app = JsMeetsPy()"),
        ("b = JsMeetsPy(); a = JsMeetsPy()", "has several applications; choose one: jsmeets-local run program:a"),
        ("app = JsMeetsPy(bridge=Bridge()); app.launch('<p>', mode='none')", "calls launch() while it is imported"),
        ("def f():\n    open('no/such')\nf()", "line 3, in f\n    open('no/such')\nFileNotFoundError: [Errno 2]"),
        ("import", "SyntaxError: "),
    ],
)
def test_load_errors_say_why(source: str, sentence: str, target: Callable[[str], Target]) -> None:
    with pytest.raises(Broken) as caught:
        load(target(source))
    assert sentence in re.sub(r"\n *[~^]+(?=\n)", "", str(caught.value)), "but for the marks of Python 3.13"
    assert "importlib" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("program_of_nobody:app", "no module 'program_of_nobody' in "),
        ("program.gui:app", "no module 'program.gui' in "),
        ("program:app", "ModuleNotFoundError: No module named 'program_that_is_missing'"),
    ],
)
def test_a_missing_module_is_a_sentence(name: str, sentence: str, target: Callable[[str], Target]) -> None:
    target("import program_that_is_missing")
    if name == "program.gui:app":
        sys.modules["program"] = types.ModuleType("program")
    with pytest.raises(Broken) as caught:
        load(find_target(None, None, name))  # type: ignore[arg-type]
    assert sentence in str(caught.value)
    assert ("Traceback" in str(caught.value)) is (name == "program:app")


def test_a_wrong_attribute_says_what_it_is(target: Callable[[str], Target]) -> None:
    target("value = 3")
    for name, sentence in (
        ("program:nothing", "program.py has no nothing"),
        ("program:value", "is not a JsMeetsPy: 3"),
    ):
        with pytest.raises(Broken) as caught:
            load(find_target(None, None, name))  # type: ignore[arg-type]
        assert sentence in str(caught.value)


def test_a_file_may_have_the_name_of_a_loaded_module(tmp_path: Path, target: Callable[[str], Target]) -> None:
    target("")
    (tmp_path / "json.py").write_text("from jsmeets_local import JsMeetsPy\napp = JsMeetsPy(token='mine')")
    assert load(find_target(None, None, "json.py")).app._access.token == "mine"  # type: ignore[arg-type]


# new -----------------------------------------------------------------------------------------------------------


def test_a_new_project_passes_its_own_test(invoke: Callable[..., Result], tmp_path: Path) -> None:
    need("chromium")
    result = invoke("new", "my-tool")
    assert result.exit_code == 0
    assert "cd my-tool" in result.output
    folder = tmp_path / "my-tool"
    texts = [file.read_text() for file in folder.rglob("*") if file.is_file()]
    assert len(texts) == 7
    assert sum("my-tool" in text for text in texts) == 4
    assert not any("myapp" in text for text in texts)
    command = [sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, timeout=scaled(90))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 passed" in done.stdout  # none is left out


def environment() -> dict[str, str]:
    """Return an environment in which programs elsewhere find this package."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))}


def test_a_new_project_runs(
    invoke: Callable[..., Result], start: Callable[..., Program], tmp_path: Path, tab: Any
) -> None:
    invoke("new", "my_tool")
    program = start([*COMMAND, "run", "app.py"], tmp_path / "my_tool")
    tab.goto(program.url())
    tab.fill("textarea", "three little words")
    for name, text in (("words", "3"), ("letters", "16"), ("longest", "little")):
        tab.wait_for_function("([name, text]) => document.getElementById(name).textContent === text", arg=[name, text])
    tab.wait_for_function("/^\\d\\d:\\d\\d:\\d\\d$/.test(document.getElementById('clock').textContent)")
    assert tab.title() == "my_tool"
    tab.close()
    assert program.ended() == 0
    assert len(program.text.splitlines()) == 2, program.text  # nothing but what was opened, and where it is


def test_a_project_is_not_written_over(invoke: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "tool").write_text("mine")
    result = invoke("new", "tool")
    assert result.exit_code == 1
    assert result.stderr == "Error: tool already exists; choose another name, or remove it\n"
    assert (tmp_path / "tool").read_text() == "mine"


# assets --------------------------------------------------------------------------------------------------------


def test_assets_are_copied_and_not_written_over(invoke: Callable[..., Result], tmp_path: Path) -> None:
    folder = tmp_path / "web" / "js"
    names = ["JsPyTextSocket.js", "JsPyFunction.js", "JsPyQueue.js", "JsPyPubsub.js", "JsPyBinarySocket.js"]
    names += ["badge.js", "jsmeets.mjs", "jsmeets-code.mjs", "jsmeets-state.mjs", "jsmeets-view.mjs", "jsmeets.d.mts"]
    result = invoke("assets", "web/js")
    assert result.exit_code == 0
    assert result.output.splitlines() == [f"written   {Path('web/js', name)}" for name in names]
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == {
        name: Path(ASSETS, name).read_bytes() for name in names
    }
    (folder / "JsPyQueue.js").write_text("mine")
    (folder / "jsmeets.mjs").unlink()
    refused = invoke("assets", "web/js")
    assert refused.exit_code == 1
    assert "other versions of JsPyQueue.js; nothing was written. Replace them with --force" in refused.stderr
    assert not (folder / "jsmeets.mjs").exists()
    forced = invoke("assets", "web/js", "--force")
    assert forced.exit_code == 0
    written = [line for line in forced.output.splitlines() if line.startswith("written")]
    assert [Path(line.split()[1]).name for line in written] == ["JsPyQueue.js", "jsmeets.mjs"]
    assert (folder / "JsPyQueue.js").read_bytes() == Path(ASSETS, "JsPyQueue.js").read_bytes()


# doctor --------------------------------------------------------------------------------------------------------


def test_doctor_reports_what_works_and_what_to_install(
    invoke: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("JSMEETS_LOCAL_CHROMIUM", "no-such-browser")
    result = invoke("doctor")
    assert result.exit_code == 0
    found = {line[8:20].strip(): (line[:8].strip(), line[20:]) for line in result.output.splitlines()}
    assert found["Python"][0] == found["packages"][0] == found["server"][0] == "ok"
    assert f"jsmeets-local {jsmeets_local.__version__}" in found["packages"][1]
    assert found["app"][0] == "missing"
    assert "no-such-browser" in found["app"][1]
    if sys.platform == "linux":
        assert found["display"] == (
            "note",
            'none: only mode="none" works; xvfb-run (apt install xvfb xauth) provides one',
        )
        assert found["window"][0] == "missing"
    assert {state for state, _ in found.values()} <= {"ok", "missing", "note"}


def test_doctor_names_packages_that_can_be_installed_however_this_one_was(
    invoke: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(sys.modules["jsmeets_local.cli.doctor"], "version", is_missing)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    named = re.findall(r"pip install (.*)", invoke("doctor").output)
    packages = [re.split(r"[\[>]", name.strip("'"))[0] for line in named for name in line.split()]
    assert sorted(packages) == ["ipykernel", "ipython", "numpy", "pyinstaller", "pywebview"]
    required = [re.split(r"[\[>;]", one)[0] for one in metadata.requires("jsmeets-local") or ()]
    assert {*packages} - {"ipykernel"} <= {*required}


def test_doctor_fails_if_nothing_can_be_served(invoke: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(13, "no sockets today")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    result = invoke("doctor")
    assert result.exit_code == 1
    broken = [line for line in result.output.splitlines() if line.startswith("broken")]
    assert len(broken) == 1
    assert "no sockets today" in broken[0]
