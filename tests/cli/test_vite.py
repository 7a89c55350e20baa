"""Front ends made with Vite: `new --vite`, `run --dev`, and the built page."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from jsmeets_local import Bridge, JsMeetsPy, LaunchError
from jsmeets_local.cli.dev_server import dev_server
from jsmeets_local.launch.options import check_options
from tests.cli.conftest import COMMAND, Program
from tests.timing import scaled
from tests.tools import need_node

pytestmark = pytest.mark.timeout(scaled(300))
Start = Callable[..., Program]
MAIN = {"react": "src/App.tsx", "svelte": "src/App.svelte", "vanilla": "src/main.ts", "vue": "src/App.vue"}


@pytest.fixture(scope="module")
def node() -> str:
    """A PATH with Node 20 or later."""
    return os.pathsep.join([need_node(), os.environ["PATH"]])


def npm(folder: Path, path: str, *arguments: str) -> str:
    done = subprocess.run(
        ["npm", *arguments], cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("front_end", MAIN)
def test_a_new_front_end_runs_follows_changes_and_is_built(
    front_end: str, start: Start, tmp_path: Path, tab: Any, node: str
) -> None:
    assert start([*COMMAND, "new", "shop", "--vite", front_end], tmp_path).ended() == 0
    folder = tmp_path / "shop"
    npm(folder, node, "install", "--no-audit", "--no-fund", "--silent")
    if front_end == "react":
        share_state(folder)
    assert start([*COMMAND, "types", "app.py", "-o", "src/api.d.ts"], folder).ended() == 0
    npm(folder, node, "run", "check")
    if front_end == "vanilla":
        find_wrong_calls(folder, node)

    program = start([*COMMAND, "run", "app.py", "--dev", "npm run dev", "--reload"], folder, PATH=node)
    tab.goto(program.url())
    tab.wait_for_selector("polyline[points*=',']", state="attached")
    count(tab, "done")
    if front_end == "react":
        change_state(tab)

    tab.evaluate("window.mark = 'kept'")
    main = folder / MAIN[front_end]
    main.write_text(main.read_text().replace("<h1>shop", "<h1>Changed"))
    tab.wait_for_function("document.querySelector('h1').textContent === 'Changed'")
    assert tab.evaluate("window.mark") == (None if front_end == "vanilla" else "kept")  # which Vite reloads

    tab.evaluate("window.mark = 'kept'")
    python = folder / "app.py"
    python.write_text(python.read_text().replace('return "done"', 'return "finished"'))
    program.until("app.py changed: restarting")
    tab.evaluate(RESTARTED)
    count(tab, "finished")
    assert tab.evaluate("window.mark") == "kept"

    children = program.children()
    program.process.send_signal(signal.SIGINT)
    assert program.ended() == 0
    assert psutil.wait_procs(children, scaled(10))[1] == []
    assert not re.search("proxy error|cannot be analyzed", program.text)

    npm(folder, node, "run", "build")
    code = "import app; page = app.app.launch(app.FOLDER / 'dist/index.html', 'browser'); print(page.js.setFrequency(5)); page.wait()"
    built = start([sys.executable, "-c", code], folder)
    tab.goto(built.url())
    tab.wait_for_selector("polyline[points*=',']", state="attached")
    built.until("None")
    count(tab, "finished")


def find_wrong_calls(folder: Path, node: str) -> None:
    wrong = folder / "src/wrong.ts"
    wrong.write_text('import { py } from "jsmeets-local";\nvoid py.wave("fast");\n')
    with pytest.raises(AssertionError, match=r"src/wrong\.ts\(2,14\): error TS\d+: .*'number'"):
        npm(folder, node, "run", "check")
    wrong.unlink()


def share_state(folder: Path) -> None:
    """Let the page of the React project show and change a state."""
    python, component = folder / "app.py", folder / "src/App.tsx"
    python.write_text(
        python.read_text().replace(
            "app = JsMeetsPy()\n",
            "app = JsMeetsPy()\n"
            "state = app.state(level=1, tags=['a'])\n"
            "@app.expose\n"
            "def grow() -> int:\n"
            "    state.level += 10\n"
            "    state.tags.append('b')\n"
            "    return state.level\n",
        )
    )
    component.write_text(
        component.read_text()
        .replace("{ useExpose }", "{ useExpose, useSharedState }")
        .replace(
            "    useExpose(",
            '    const [level, setLevel] = useSharedState("level", 0);\n'
            '    const [tags, setTags] = useSharedState<string[]>("tags");\n'
            "    const joined = useMemo(() => tags?.join(), [tags]);\n"
            "    const change = () => { setLevel(level + 1); setTags([...tags ?? [], 'c']); };\n"
            "    useExpose(",
        )
        .replace("{ useEffect, useState }", "{ useEffect, useMemo, useState }")
        .replace("<p><button", "<p id='level' onClick={change}>{level} {joined}</p>\n            <p><button")
    )


def change_state(tab: Any) -> None:
    def shows(text: str) -> None:
        tab.wait_for_function("text => document.querySelector('#level').textContent === text", arg=text)

    shows("1 a")
    tab.evaluate("JsPyFunction.call('grow')()")
    shows("11 a,b")
    tab.click("#level")
    shows("12 a,b,c")
    assert tab.evaluate("JsPyFunction.call('grow')()") == 22  # Python has it, too
    shows("22 a,b,c,b")


# A call that the restart interrupts fails; its page decides whether to repeat it.
RESTARTED = """async () => {
    for (;;) {
        const result = await JsPyFunction.call("count")(1, () => {}).catch(() => null);
        if (result === "finished") { return; }
        await new Promise((next) => { setTimeout(next, 100); });
    }
}"""


def count(tab: Any, result: str) -> None:
    tab.get_by_text("Count in Python").click()
    tab.wait_for_function("result => document.querySelector('output').textContent === result", arg=result)


# The development server ----------------------------------------------------------------------------------

SERVER = """
import http.server, os, sys
server = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
print(f"\\x1b[32mready\\x1b[0m for {os.environ['JSMEETS_URL']}, process {os.getpid()}", flush=True)
print(f"Local: \\x1b[36mhttp://localhost:\\x1b[1m{server.server_port}\\x1b[22m/\\x1b[0m", flush=True)
server.serve_forever()
"""


def test_the_url_that_a_server_prints(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "server.py").write_text(SERVER)
    with dev_server(f"{sys.executable} server.py", tmp_path, "http://127.0.0.1:1") as url:
        assert url.startswith("http://localhost:")
        said = re.search(r"for http://127\.0\.0\.1:1, process (\d+)", capfd.readouterr().err)
        assert said
        server = psutil.Process(int(said[1]))
        assert "server.py" in server.cmdline()
    assert not server.is_running()


STUBBORN = """
import signal, subprocess, sys, time
if "child" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("deaf", file=sys.stderr, flush=True)
    time.sleep(600)
output = None if "loud" in sys.argv else subprocess.DEVNULL
child = subprocess.Popen([sys.executable, __file__, "child"], stdout=output, stderr=subprocess.PIPE, text=True)
assert child.stderr.readline() == "deaf\\n"
print("http://localhost:1", child.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("output", ["loud", "silent"])
def test_a_process_that_ignores_the_end_is_killed(
    output: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("jsmeets_local.cli.dev_server.END_SECONDS", 0.5)
    (tmp_path / "server.py").write_text(STUBBORN)
    with dev_server(f"{sys.executable} server.py {output}", tmp_path, "http://127.0.0.1:2"):
        child = psutil.Process(int(capfd.readouterr().err.split()[-1]))
        assert child.is_running()
    child.wait(scaled(5))


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("no-such-command dev", "no command 'no-such-command'; is Node.js installed"),
        (f"{sys.executable} -c \"print('broken')\"", "ended before it printed a URL:\nbroken"),
        ("", "there is no command ''"),
    ],
)
def test_a_server_that_does_not_start(command: str, text: str, tmp_path: Path) -> None:
    with pytest.raises(LaunchError) as caught, dev_server(command, tmp_path, "http://127.0.0.1:1"):
        pass
    assert text in str(caught.value)


def test_pages_of_a_development_server_need_no_route() -> None:
    app = JsMeetsPy(bridge=Bridge())
    try:
        page = app.launch("/settings?x=1", mode="none", dev_url="http://localhost:5173")
        assert page.url.startswith("http://localhost:5173/settings?x=1#jsmeets=")
        assert app.open("other", mode="none").url.startswith("http://localhost:5173/other#jsmeets=")
        with pytest.raises(ValueError, match="pass one of them"):
            app.launch(mode="none", dev_url="http://localhost:5173", base_url="http://localhost:8000")
        with pytest.raises(ValueError, match="dev_url='https://"):
            app.launch(mode="none", dev_url="/path")
    finally:
        app.stop()


def test_a_headless_browser_opens_the_page_of_the_development_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JSMEETS_LOCAL_BROWSER_ARGS", "--no-sandbox")
    options = check_options("auto", headless=True, dev_url="http://localhost:5173").for_mode("browser")
    assert (options.headless, options.base_url) == (True, "http://localhost:5173")


def test_a_size_that_is_none(start: Start, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<p>x</p>")
    program = start([*COMMAND, "run", "page.html", "--window", "--size", "800"], tmp_path)
    assert program.ended() == 2
    assert "'800' is no size in pixels, such as 800x600" in program.text
