"""Libraries that replace threads by green ones: `launch()` raises instead of waiting forever."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.raw import RawPage
from tests.timing import scaled
from tests.tools import need_module

ROOT = Path(__file__).parents[2]

PROGRAM = """
{patch}
from jsmeets_local import JsMeetsPy, LaunchError
try:
    JsMeetsPy().launch("<p>", mode="none", timeout=15)
except LaunchError as error:
    print(error)
"""
PATCHES = {
    "gevent": "from gevent import monkey; monkey.patch_all()",
    "gevent, later": "import jsmeets_local\nfrom gevent import monkey; monkey.patch_all()",
    "gevent, its select": "import sys\nsys.modules['uvloop'] = None\nfrom gevent import monkey\nmonkey.patch_all(thread=False)",
    "eventlet": "import eventlet; eventlet.monkey_patch()",
}


@pytest.mark.parametrize("how", PATCHES)
def test_launch_under_patched_threads_raises_with_advice(how: str) -> None:
    library = how.partition(",")[0]
    need_module(library)
    start = time.monotonic()
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM.format(patch=PATCHES[how])],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=scaled(30),
    )
    assert ran.stdout.startswith(f"{library} has patched the threads of this process"), ran.stderr
    assert {"gevent": "patch_all(thread=False, select=False)", "eventlet": "monkey_patch(thread=False)"}[
        library
    ] in ran.stdout
    assert time.monotonic() - start < scaled(15)


HEEDED = """
import sys
sys.modules[{without!r}] = None
{patch}
import jsmeets_local
app = jsmeets_local.JsMeetsPy()
app.functions.expose("add", lambda a, b: a + b)
page = app.launch("<p>", mode="none")
print(page.url, flush=True)
print(page.call("f", 10)(1))
app.stop()
"""
KEPT = {
    "gevent": "from gevent import monkey; monkey.patch_all(thread=False, select=False)",
    "eventlet": "import eventlet; eventlet.monkey_patch(thread=False)",
}


@pytest.mark.parametrize("library", KEPT)
@pytest.mark.parametrize("without", ["uvloop", "nothing"])
def test_the_advice_works(library: str, without: str) -> None:
    need_module(library)
    program = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", HEEDED.format(patch=KEPT[library], without=without)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert program.stdout is not None
        url = program.stdout.readline().strip()
        page = RawPage(url, page=url.rpartition(".")[2])
        assert page.receive() == ["call", 1, "f", [1]]
        assert page.ask("call", "add", [4, 7]) == ["return", 1, 11]
        page.send(["return", 1, "answered"])
        assert program.communicate(timeout=scaled(20))[0] == "answered\n"
    finally:
        program.kill()
