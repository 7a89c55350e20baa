"""The decision table of `launch(mode="auto")`, and the front ends that tests can only simulate."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from jsmeets_local import LaunchError
from jsmeets_local.launch.options import check_options
from jsmeets_local.notebook.front_ends import FRONT_ENDS, Surroundings, choose
from tests.notebook.conftest import Kernel
from tests.timing import scaled
from tests.tools import need

SESSION = "37df897f-3b96aee571fa81182ac842f4"
RANDOM = "0f2bb6b1-4f5e-4b4a-9a3e-3a1a6b0f7d11"


def request(msg_id: str, cell: str = "") -> dict[str, Any]:
    header = {"msg_id": msg_id, "session": SESSION, "msg_type": "execute_request"}
    return {"header": header, "metadata": {"cellId": cell} if cell else {}}


LAB = request(RANDOM, "cell-1")
OLD_LAB = request(RANDOM)  # sends no cell id
PYTHON = request(f"{SESSION}_8815_3")
ON_THE_SERVER = request(f"{SESSION}_8815_3", "cell-1")  # a Jupyter server that runs the cells of a browser
VS_CODE_CELL = request(RANDOM, "vscode-notebook-cell:/home/me/a.ipynb#W0sZmlsZQ")


@pytest.mark.parametrize(
    ("around", "name", "mode", "transports", "shows_frames"),
    [
        (Surroundings(), "a Python program", "browser", ("socket",), False),
        (Surroundings(environment={"VSCODE_PID": "7"}), "a Python program", "browser", ("socket",), False),
        (Surroundings(colab=True), "a Python program", "browser", ("socket",), False),
        (Surroundings(marimo="edit"), "marimo", "notebook", ("socket",), True),
        (Surroundings(marimo="run"), "marimo", "notebook", ("socket",), True),
        (Surroundings(kernel=True), "JupyterLab or Notebook", "notebook", ("socket", "comm"), True),
        (Surroundings(kernel=True, request=LAB), "JupyterLab or Notebook", "notebook", ("socket", "comm"), True),
        (Surroundings(kernel=True, request=OLD_LAB), "JupyterLab or Notebook", "notebook", ("socket", "comm"), True),
        (
            Surroundings(kernel=True, request=ON_THE_SERVER),
            "JupyterLab or Notebook",
            "notebook",
            ("socket", "comm"),
            True,
        ),
        (
            Surroundings(kernel=True, request=PYTHON),
            "nbconvert, papermill, nbclient, jupyter console or qtconsole",
            "notebook",
            ("socket",),
            False,
        ),
        (
            Surroundings(kernel=True, request=PYTHON, environment={"VSCODE_PID": "7"}),  # in a terminal of VS Code
            "nbconvert, papermill, nbclient, jupyter console or qtconsole",
            "notebook",
            ("socket",),
            False,
        ),
        (Surroundings(kernel=True, request=LAB, colab=True), "Google Colab", "notebook", ("comm",), True),
        (Surroundings(kernel=True, request=PYTHON, colab=True), "Google Colab", "notebook", ("comm",), True),
        (
            Surroundings(kernel=True, request=LAB, environment={"VSCODE_PID": "7"}),  # started in its terminal
            "JupyterLab or Notebook",
            "notebook",
            ("socket", "comm"),
            True,
        ),
        (Surroundings(kernel=True, request=VS_CODE_CELL), "VS Code", "notebook", ("socket", "comm"), True),
        (
            Surroundings(kernel=True, request=OLD_LAB, environment={"VSCODE_PID": "7"}),
            "VS Code",
            "notebook",
            ("socket", "comm"),
            True,
        ),
    ],
)
def test_decision_table(
    around: Surroundings, name: str, mode: str, transports: tuple[str, ...], shows_frames: bool
) -> None:
    row = choose(around)
    assert (row.name, row.mode, row.transports, row.shows_frames) == (name, mode, transports, shows_frames)


def test_each_row_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "how-to" / "notebook.md").read_text(encoding="utf-8")
    table = " ".join(line for line in text.splitlines() if line.startswith("|"))
    for row in FRONT_ENDS:
        for name in row.name.replace(" or ", ", ").split(", "):
            assert name in table


@pytest.mark.parametrize("value", ["yes", 1, None, "Auto"])
def test_headless_is_checked(value: Any) -> None:
    with pytest.raises(TypeError, match='headless must be True, False or "auto"'):
        check_options("browser", headless=value)


@pytest.mark.parametrize("mode", ["none", "app"])
def test_headless_excludes_windows(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jsmeets_local.launch.chromium.app_problem", lambda: None)
    with pytest.raises(ValueError, match=f'leave mode at "auto"; got mode={mode!r}'):
        check_options(mode, headless=True)


def test_headless_without_a_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JSMEETS_LOCAL_CHROMIUM", "missing")
    with pytest.raises(LaunchError, match=r'names .missing., which does not exist\. launch\(mode="none"\)'):
        check_options("auto", headless=True)


# In real kernels ------------------------------------------------------------------------------------------------------


def test_a_kernel_whose_front_end_is_vs_code(kernel: Kernel) -> None:
    """The kernel is real, the environment and the cell id are those that VS Code gives it."""
    kernel.run("import os; os.environ['VSCODE_PID'] = '7'")
    code = "from jsmeets_local.notebook.front_ends import front_end; front_end().name"
    assert kernel.run(code, "vscode-notebook-cell:/home/me/a.ipynb#W0").value == "'VS Code'"


def test_a_kernel_of_colab(kernel: Kernel) -> None:
    """The kernel is real, the package of Colab an empty one."""
    kernel.run("import sys, types; sys.modules['google.colab'] = types.ModuleType('google.colab')")
    code = "from jsmeets_local.notebook.front_ends import front_end; front_end().name"
    assert kernel.run(code, "cell").value == "'Google Colab'"


def test_a_launch_in_colab(kernel: Kernel) -> None:
    """The notebook's channel carries the page, whose port no browser reaches, and the launch says which cell works."""
    kernel.run("import sys, types; sys.modules['google.colab'] = types.ModuleType('google.colab')")
    launch = "from jsmeets_local import JsMeetsPy; app = JsMeetsPy(); page = app.launch('<p>x')"
    run = kernel.run(launch, "cell")
    assert run.error is None
    assert run.html == [], "no iframe of the port"
    assert "connects when it has ended: call it in the next cells by `await page.aio...`" in run.stderr
    assert kernel.value("type(page._view).__name__") == "CommView"
    error = kernel.run("page.call('f')(1)").error
    assert error is not None
    assert error.startswith("CellBlocksAnswers")
    error = kernel.run("app.launch('<p>x', transport='socket')").error
    assert error is not None
    assert error.startswith('LaunchError: Google Colab forwards no WebSockets to the kernel: leave transport at "auto"')


def test_a_kernel_of_a_console(console: Kernel) -> None:
    console.run("import os; os.environ['VSCODE_PID'] = '7'")  # in a terminal of VS Code
    code = "from jsmeets_local.notebook.front_ends import front_end; front_end().name"
    assert "jupyter console" in console.run(code).value
    assert console.run(code, "a cell").value == "'JupyterLab or Notebook'"  # a server that runs cells of a browser


def test_ipython_without_a_display() -> None:
    code = "from jsmeets_local import JsMeetsPy; JsMeetsPy().launch('<p>x')"
    environment = {**os.environ, "DISPLAY": "", "WAYLAND_DISPLAY": "", "NO_COLOR": "1", "TERM": "dumb"}
    environment.pop("BROWSER", None)
    done = subprocess.run(
        [sys.executable, "-m", "IPython", "--colors=NoColor", "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        timeout=scaled(30),
    )
    error = done.stdout.splitlines()[-1]
    assert error.startswith("LaunchError: no display found: neither DISPLAY nor WAYLAND_DISPLAY is set")
    assert 'launch(mode="none") opens nothing' in error


def test_a_console_is_told_within_two_seconds(console: Kernel) -> None:
    """A request as `jupyter console` sends it, where no browser is installed."""
    console.run("import os; os.environ['JSMEETS_LOCAL_CHROMIUM'] = 'missing'")
    run = console.run(
        "import time; from jsmeets_local import JsMeetsPy, LaunchError\n"
        "start = time.monotonic()\n"
        "try: JsMeetsPy().launch('<p>')\n"
        "except LaunchError as error: print(round(time.monotonic() - start, 1), error)"
    )
    seconds, _, text = run.stdout.partition(" ")
    assert float(seconds) < scaled(2)
    assert text.startswith(
        "nothing shows the iframe of the page, because nbconvert, papermill, nbclient, jupyter console"
    )
    assert 'launch(mode="none") opens nothing' in text


def test_a_headless_page_ends_with_its_kernel(console: Kernel) -> None:
    """The kernel is killed; its browser and the folder of that browser's profile go."""
    need("chromium")
    run = console.run("from jsmeets_local import JsMeetsPy; page = JsMeetsPy().launch('<p>x'); page.eval('1 + 1')")
    assert (run.error, run.value) == (None, "2")
    started = psutil.Process(console.pid).children(recursive=True)
    (profile,) = {
        argument.partition("=")[2]
        for process in started
        for argument in process.cmdline()
        if argument.startswith("--user-data-dir=")
    }
    assert Path(profile).is_dir()
    psutil.Process(console.pid).kill()
    _, alive = psutil.wait_procs(started, timeout=scaled(15))
    assert alive == []
    assert not Path(profile).exists()
