"""Imports of `import jsmeets_local` and `launch()`: only what every program needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.timing import scaled

ROOT = Path(__file__).parents[1]

# Given a page that has called a function, in a process of its own: pytest itself has loaded most of these.
LAUNCHED = """
import jsmeets_local
from tests.raw import RawPage

app = jsmeets_local.JsMeetsPy(static="docs")
app.expose("add")(lambda a, b: a + b)
page = app.launch("<p>here</p>", mode="none")
raw = RawPage(page.url)
assert raw.ask("call", "add", [4, 7]) == ["return", 1, 11]
raw.close()
page.close()
"""
TEMPLATE = """
import jsmeets_local

jsmeets_local.JsMeetsPy(templates="examples")
"""
STARTING = """
import jsmeets_local, sys

seen = set()
app = jsmeets_local.JsMeetsPy(on_startup=[lambda: seen.update(sys.modules)])
page = app.launch("<p>here</p>", mode="none")
assert "jsmeets_local.server.thread" in seen and not seen & {"uvicorn", "click", "jsmeets_local.server.uvicorn_server"}, seen
page.close()
"""
OPTIONAL = {"numpy", "pandas", "polars", "PIL", "IPython", "webview", "jinja2", "PyInstaller"}
WINDOWS = {
    "jsmeets_local.launch." + name
    for name in (
        "browser",
        "child_process",
        "chromium",
        "environment",
        "window.child",
        "window.commands",
        "window.handle",
        "window.in_process",
        "window.kept",
        "window.native_menus",
        "window.native_window",
        "window.notifications",
        "window.options",
        "window.out_of_process",
        "window.requests",
        "window.requirements",
        "window.threads",
        "window.toolkits",
    )
}
AT_FIRST_USE = {
    "pathlib",
    "queue",
    "markupsafe",
    "jsmeets_local.server.thread",
    "jsmeets_local.server.uvicorn_server",
    "jsmeets_local.ipython.run_cell",
}
OF_UVICORN = {"uvicorn", "click", "watchfiles"}  # uvicorn imports these two


def loaded_by(program: str) -> set[str]:
    shown = f"{program}\nimport sys; print(*sorted(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", shown], cwd=ROOT, capture_output=True, text=True, timeout=scaled(60))
    assert ran.returncode == 0, ran.stderr
    return set(ran.stdout.split())


@pytest.mark.parametrize(
    ("program", "absent"),
    [
        pytest.param("import jsmeets_local", OPTIONAL | WINDOWS | AT_FIRST_USE | OF_UVICORN, id="import"),
        pytest.param(
            "import jsmeets_local; jsmeets_local.JsMeetsPy()",
            OPTIONAL | WINDOWS | AT_FIRST_USE | OF_UVICORN,
            id="application",
        ),
        pytest.param(LAUNCHED, OPTIONAL | WINDOWS, id="a launched page that has called"),
    ],
)
def test_unused_libraries_are_not_imported(program: str, absent: set[str]) -> None:
    loaded = loaded_by(program)
    assert "jsmeets_local.app" in loaded
    assert not loaded & absent


def test_launch_does_not_wait_for_uvicorn() -> None:
    assert "jsmeets_local.server.thread" in loaded_by(STARTING), (
        "it asserts what was there when the application started"
    )


def test_templates_load_jinja2() -> None:
    assert "jinja2" in loaded_by(TEMPLATE)
