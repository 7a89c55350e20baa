"""Notebooks without a front end: nbconvert, papermill and a console, with a headless Chromium for their pages."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest

from tests.notebook.conftest import ROOT, Kernel, scratch, write_notebook
from tests.timing import scaled
from tests.tools import need

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

LAUNCH = """
import time
from jsmeets_local import JsMeetsPy, LaunchError
app = JsMeetsPy()
PAGE = "<p>x<script>JsPyFunction.expose('size', () => [innerWidth, innerHeight])</script>"
start = time.monotonic()
try:
    page = app.launch(PAGE, OPTIONS)
    print("size", page.call("size")())
except LaunchError as error:
    print("error", error)
print("seconds", round(time.monotonic() - start, 1))
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    need("chromium")
    return {**scratch(tmp_path), "JSMEETS_LOCAL_BROWSER_ARGS": "--no-sandbox"}


def run(command: list[str], environment: dict[str, str], folder: Path, **options: Any) -> str:
    """Run a Python module with arguments and return what it writes. It has to leave no process."""
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=scaled(110),
        **options,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    own = environment["IPYTHONDIR"]
    left = [one for one in psutil.process_iter(["environ"]) if (one.info["environ"] or {}).get("IPYTHONDIR") == own]
    _, alive = psutil.wait_procs(left, timeout=scaled(10))
    assert alive == []
    return done.stdout + done.stderr


def outputs(file: Path) -> dict[str, str]:
    """Return the printed lines of an executed notebook by their first word."""
    cells = nbformat.read(file, as_version=4).cells
    printed = "".join(output.get("text", "") for cell in cells for output in cell.get("outputs", []))
    return dict(line.split(" ", 1) for line in printed.splitlines() if " " in line)


def test_nbconvert_executes_the_notebooks(environment: dict[str, str], tmp_path: Path) -> None:
    folder = shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks")
    names = [file.name for file in NOTEBOOKS]
    run(["nbconvert", "--to", "notebook", "--execute", "--inplace", *names], environment, folder)
    for name in names:
        for cell in nbformat.read(folder / name, as_version=4).cells:
            assert cell.cell_type == "markdown" or cell.execution_count is not None


@pytest.mark.parametrize("file", NOTEBOOKS[::4], ids=lambda file: file.stem)  # nbconvert executes all of them
def test_papermill_executes_the_notebooks(environment: dict[str, str], tmp_path: Path, file: Path) -> None:
    folder = shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks")
    run(["papermill", file.name, "out.ipynb"], environment, folder)
    cells = nbformat.read(folder / "out.ipynb", as_version=4).cells
    shown = [output for cell in cells for output in cell.get("outputs", [])]
    assert "error" not in {output.output_type for output in shown}
    texts = [output.get("data", {}).get("text/html", "") for output in shown]
    frames = sum("<iframe" in text or "Closed by Python." in text for text in texts)
    assert frames == sum("data:image/png;base64," in text for text in texts) >= 1


@pytest.mark.parametrize(
    ("options", "size"),
    [("", "[1000, 400]"), ("width=640, height=300", "[640, 300]"), ("height='50vh'", "[1000, 400]")],
)
def test_the_viewport_has_the_size_of_the_iframe(console: Kernel, options: str, size: str) -> None:
    assert f"size {size}\n" in console.run(LAUNCH.replace("OPTIONS", options)).stdout


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ({"JSMEETS_LOCAL_CHROMIUM": "missing"}, "names 'missing', which does not exist"),
        ({}, "headless=False allows no headless browser"),
    ],
)
def test_nbconvert_is_told_within_two_seconds(
    environment: dict[str, str], tmp_path: Path, program: dict[str, str], reason: str
) -> None:
    write_notebook(tmp_path / "one.ipynb", [LAUNCH.replace("OPTIONS", "" if program else "headless=False")])
    command = ["nbconvert", "--to", "notebook", "--execute", "--inplace", "one.ipynb"]
    run(command, {**environment, **program}, tmp_path)
    printed = outputs(tmp_path / "one.ipynb")
    assert printed["error"].startswith("nothing shows the iframe of the page, because nbconvert, papermill")
    assert reason in printed["error"]
    assert 'launch(mode="none") opens nothing' in printed["error"]
    assert float(printed["seconds"]) < scaled(2)


def test_a_console_opens_a_headless_page(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "launch.py").write_text(LAUNCH.replace("OPTIONS", ""))
    console = ["jupyter_console", "--simple-prompt"]
    written = run(console, environment, tmp_path, input="exec(open('launch.py').read())\nexit\n")
    assert "size [1000, 400]" in written
    assert float(re.findall(r"seconds (\S+)", written)[0]) < scaled(20)


def test_the_browser_ends_with_its_page(console: Kernel) -> None:
    """Each page has a browser of its own, which ends with the page or with the application."""
    run = console.run(
        "from jsmeets_local import JsMeetsPy; app = JsMeetsPy(); a = app.launch('<p>a'); b = app.open('<p>b')"
    )
    assert run.error is None

    def browsers() -> int:
        children = psutil.Process(console.pid).children(recursive=True)
        lines = [child.cmdline() for child in children]
        return sum("--headless" in line and not any("--type=" in argument for argument in line) for line in lines)

    assert browsers() == 2
    console.run("a.close()")
    assert browsers() == 1
    assert console.run("b.eval('1 + 1')").value == "2"
    console.run("app.stop()")
    assert browsers() == 0
    assert psutil.Process(console.pid).children(recursive=True) == []


def test_a_browser_that_dies_closes_its_page(console: Kernel) -> None:
    assert console.run("from jsmeets_local import JsMeetsPy; page = JsMeetsPy().launch('<p>a')").error is None
    for child in psutil.Process(console.pid).children(recursive=True):
        with suppress(psutil.ZombieProcess, psutil.NoSuchProcess):  # one of several that end with the first
            if "--headless" in child.cmdline():
                child.kill()
    start = time.monotonic()
    assert console.run("page.wait(20)").value == "True"
    assert time.monotonic() - start < scaled(10)


def test_headless_in_a_front_end_shows_no_iframe(kernel: Kernel) -> None:
    kernel.run("import os; os.environ['JSMEETS_LOCAL_BROWSER_ARGS'] = '--no-sandbox'")
    run = kernel.run(
        "from jsmeets_local import JsMeetsPy; app = JsMeetsPy(); page = app.launch('<p>a', headless=True)", "a"
    )
    assert (run.error, run.html) == (None, [])
    assert kernel.run("app.open('<p>b').eval('1 + 1')", "b").value == "2"


def test_headless_in_a_program(environment: dict[str, str], tmp_path: Path) -> None:
    """`headless=True` outside notebooks opens the page in a headless browser, which ends with the program."""
    (tmp_path / "program.py").write_text(LAUNCH.replace("OPTIONS", "headless=True"))
    written = run(["program"], environment, tmp_path)
    assert "size [1000, 400]" in written
