"""A real kernel, without a front end and under a real JupyterLab or Notebook 7 in Chromium."""

from __future__ import annotations

import json
import os
import queue
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.timing import scaled
from tests.tools import chromium

ROOT = Path(__file__).parents[2]
SECONDS = scaled(30.0)  # time limit for a cell


def scratch(folder: Path) -> dict[str, str]:
    """Return an environment that limits Jupyter to a folder and lets kernels find this package."""
    names = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    # The frozen modules would make the debugger of the kernel write warnings.
    return {
        **os.environ,
        **{name: str(folder / name.lower()) for name in names},
        "PYTHONPATH": path,
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }


class Run:
    """The output of one cell run so far."""

    def __init__(self) -> None:
        self.stdout = ""
        self.stderr = ""
        self.value: Any = None  # the text of its value
        self.error: str | None = None
        self.traceback: list[str] = []
        self.html: list[str] = []  # what it displayed
        self.url = ""  # of the page that it displayed
        self.plain: list[str] = []  # the same as text
        self.replied = False
        self.idle = False

    def take(self, kind: str, content: dict[str, Any]) -> None:
        if kind == "stream":
            setattr(self, content["name"], getattr(self, content["name"]) + content["text"])
        elif kind in ("execute_result", "display_data"):
            if "text/html" in content["data"]:
                self.html.append(content["data"]["text/html"])
            if kind == "display_data":
                self.plain.append(content["data"].get("text/plain", ""))
            if kind == "execute_result":
                self.value = content["data"]["text/plain"]
        elif kind == "error":
            self.error = f"{content['ename']}: {content['evalue']}"
            self.traceback = content["traceback"]
        elif kind == "status":
            self.idle = self.idle or content["execution_state"] == "idle"


class Kernel:
    """A kernel and the messages of its cells.

    Args:
        environment: Its environment variables.
        folder: Its working directory.
        front_end: Whether requests have random ids, as front ends in browsers send them, or those of `jupyter_client`.
    """

    def __init__(self, environment: dict[str, str], folder: Path, front_end: bool = True) -> None:
        from jupyter_client.manager import KernelManager

        self.manager = KernelManager(kernel_name="python3")
        self.manager.start_kernel(env=environment, cwd=str(folder))
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=scaled(60))
        self.runs: dict[str, Run] = {}
        self._is_front_end = front_end

    @property
    def pid(self) -> int:
        return int(self.manager.provisioner.pid)

    def start(self, code: str, cell: str = "") -> Run:
        """Starts a cell; `cell` is what a front end would call it."""
        content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False, "stop_on_error": True}
        message = self.client.session.msg("execute_request", content, metadata={"cellId": cell} if cell else {})
        if self._is_front_end:
            message["header"]["msg_id"] = message["msg_id"] = str(uuid.uuid4())
        run = self.runs[message["header"]["msg_id"]] = Run()
        self.client.shell_channel.send(message)
        return run

    def until(self, happened: Callable[[], object], seconds: float = SECONDS) -> None:
        """Take messages until a condition is true."""
        deadline = time.monotonic() + seconds
        while not happened():
            left = deadline - time.monotonic()
            assert left > 0, "it did not happen in time"
            try:
                message = self.client.get_iopub_msg(timeout=min(left, 0.1))
            except queue.Empty:
                continue
            run = self.runs.get(message["parent_header"].get("msg_id", ""))
            if run is not None:
                run.take(message["msg_type"], message["content"])

    def run(self, code: str, cell: str = "") -> Run:
        """Runs a cell to its end."""
        run = self.start(code, cell)
        self.until(lambda: run.idle)
        return run

    def value(self, code: str) -> Any:
        """Return the value of an expression, by way of JSON."""
        run = self.run(f"__import__('json').dumps({code})")
        assert run.error is None, run.error
        return json.loads(run.value[1:-1].encode().decode("unicode_escape"))

    def ask(self, kind: str, content: dict[str, Any], subshell: str | None = None, channel: str = "shell") -> Any:
        """Send a request and return the content of its reply."""
        message = self.client.session.msg(kind, content)
        message["header"]["subshell_id"] = subshell
        chosen = getattr(self.client, f"{channel}_channel")
        chosen.send(message)
        while True:
            answer = chosen.get_msg(timeout=SECONDS)
            if answer["parent_header"].get("msg_id") == message["header"]["msg_id"]:
                assert answer["content"]["status"] == "ok", answer["content"]
                return answer["content"]

    def complete(self, code: str, subshell: str | None = None) -> list[str]:
        """Return the completions that Tab offers behind a text."""
        matches: list[str] = self.ask("complete_request", {"code": code, "cursor_pos": len(code)}, subshell)["matches"]
        return matches

    def inspect(self, code: str) -> str:
        """Return the help that a question mark behind a text shows, without colors; "" if there is none."""
        content = {"code": code, "cursor_pos": len(code), "detail_level": 0}
        return re.sub(r"\x1b\[[\d;]*m", "", self.ask("inspect_request", content)["data"].get("text/plain", ""))

    def subshell(self) -> str:
        """Create a subshell, which answers while a cell runs, and return its name."""
        return str(self.ask("create_subshell_request", {}, channel="control")["subshell_id"])

    def stop(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Kernel]:
    """A kernel of its own."""
    kernel = Kernel(scratch(tmp_path), tmp_path)
    yield kernel
    kernel.stop()


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Kernel]:
    """A kernel of a program without cells, such as nbclient or `jupyter console`, that may start browsers as root."""
    kernel = Kernel({**scratch(tmp_path), "JSMEETS_LOCAL_BROWSER_ARGS": "--no-sandbox"}, tmp_path, front_end=False)
    yield kernel
    kernel.stop()


# JupyterLab ----------------------------------------------------------------------------------------------------------


FRONT_ENDS = {  # where a notebook is, and what stands there when its kernel is ready
    "jupyterlab": ("lab/tree", "#jp-main-statusbar :text('| Idle')"),
    "notebook": ("notebooks", ".jp-Toolbar:has-text('Python 3') .jp-Notebook-ExecutionIndicator[data-status=idle]"),
}


class Server:
    """A Jupyter server in a scratch folder.

    Args:
        folder: Its files.
        application: "jupyterlab" or "notebook".
        host: The name by which the browser knows it.
        overrides: Settings of the front end.
        options: Settings beyond those that a test needs.
    """

    def __init__(
        self,
        folder: Path,
        application: str = "jupyterlab",
        host: str = "127.0.0.1",
        overrides: dict[str, Any] | None = None,
        **options: str,
    ) -> None:
        self.folder = folder
        self.view, self.is_idle = FRONT_ENDS[application]
        self.token = secrets.token_hex(16)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        base_url = options.get("base_url", "/")
        self.url = f"http://127.0.0.1:{self.port}{base_url}"
        self.public_url = f"http://{host}:{self.port}{base_url}"
        settings = folder / "jupyter_config_dir" / "labconfig" / "default_setting_overrides.json"
        settings.parent.mkdir(parents=True)
        chosen = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}, **(overrides or {})}
        settings.write_text(json.dumps(chosen))
        self._log = (folder / "jupyter.log").open("w")
        settled = {
            **{f"ServerApp.{name}": value for name, value in {"ip": "127.0.0.1", **options}.items()},
            "ServerApp.port": self.port,
            "ServerApp.port_retries": 0,
            "IdentityProvider.token": self.token,
            "ServerApp.root_dir": folder,
            "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
            "LabApp.extension_manager": "readonly",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", application, "--allow-root", "--no-browser"]
            + [f"--{name}={value}" for name, value in settled.items()],
            env=scratch(folder),
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + scaled(60)
        while True:
            try:
                urllib.request.urlopen(f"{self.url}api/status?token={self.token}", timeout=scaled(5)).close()
            except (urllib.error.URLError, ConnectionError):
                assert time.monotonic() < deadline, (self.folder / "jupyter.log").read_text()
                assert self._process.poll() is None, (self.folder / "jupyter.log").read_text()
                time.sleep(0.2)
            else:
                return

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(scaled(20))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A JupyterLab server, which logs to jupyter.log."""
    server = Server(tmp_path_factory.mktemp("lab"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A Chromium for the module, because Playwright keeps an event loop running in this thread."""
    with chromium() as browser:
        yield browser


def write_notebook(path: Path, cells: list[str]) -> None:
    """Write a notebook file with code cells."""
    listed = [
        {"cell_type": "code", "id": f"cell-{n}", "metadata": {}, "source": code, "outputs": [], "execution_count": None}
        for n, code in enumerate(cells)
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    path.write_text(json.dumps({"cells": listed, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}))


class Notebook:
    """A notebook open in JupyterLab or Notebook 7."""

    def __init__(self, server: Server, tab: Any, name: str) -> None:
        self.tab = tab
        self.path = server.folder / name
        self.is_idle = server.is_idle
        tab.goto(f"{server.public_url}{server.view}/{name}?token={server.token}&reset")
        tab.wait_for_selector(".jp-Notebook .jp-Cell", timeout=scaled(60_000))
        tab.wait_for_selector(server.is_idle, timeout=scaled(60_000))

    def cell(self, number: int) -> Any:
        """Return a code cell, counted from 0."""
        return self.tab.locator(".jp-Notebook .jp-CodeCell").nth(number)

    def start(self, number: int) -> None:
        """Runs a cell, and does not wait for its end."""
        self.cell(number).locator(".jp-InputArea-editor .cm-content").click()
        self.tab.keyboard.press("Control+Enter")

    def run(self, number: int, seconds: float = SECONDS) -> str:
        """Runs a cell; the text under it when it has ended."""
        prompt = self.cell(number).locator(".jp-InputArea-prompt")
        before = prompt.inner_text()
        self.start(number)
        deadline = time.monotonic() + seconds
        while prompt.inner_text() == before or "*" in prompt.inner_text():
            assert time.monotonic() < deadline, f"cell {number} did not end: {self.text(number)}"
            self.tab.wait_for_timeout(50)
        self.tab.wait_for_timeout(scaled(100))  # output is drawn a little later
        return self.text(number)

    def text(self, number: int) -> str:
        """Return the output text of a cell, without iframes."""
        return "\n".join(self.cell(number).locator(".jp-OutputArea-output").all_inner_texts())

    def wait_text(self, number: int, wanted: str, seconds: float = scaled(10)) -> None:
        """Wait until a cell shows a text."""
        self.cell(number).locator(".jp-OutputArea-output", has_text=wanted).first.wait_for(timeout=seconds * 1000)

    def frame(self, number: int) -> Any:
        """Return the page in the iframe of a cell."""
        return self.cell(number).frame_locator("iframe")

    def frames(self, number: int) -> int:
        return int(self.cell(number).locator("iframe").count())

    def interrupt(self) -> None:
        """Click the button that interrupts the kernel."""
        self.tab.locator('[data-command="notebook:interrupt-kernel"], [data-jp-item-name="interrupt"]').first.click()

    def save(self) -> str:
        """Save the notebook and return the text of its file."""
        self.tab.keyboard.press("Escape")
        self.tab.keyboard.press("Control+s")
        self.tab.wait_for_timeout(scaled(1500))
        return self.path.read_text()


@pytest.fixture
def open_notebook(server: Server, browser: Any, request: pytest.FixtureRequest) -> Iterator[Callable[..., Notebook]]:
    """Open code cells, or a notebook file, in the front end of `server` with a new kernel."""
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    context.set_default_timeout(scaled(30_000))

    def open_notebook(*cells: str, file: Path | None = None, only_port: int | None = None) -> Notebook:
        name = f"{request.node.name.replace('[', '-').strip(']')}.ipynb" if file is None else file.name
        if file is None:
            write_notebook(server.folder / name, list(cells))
        elif not (server.folder / name).exists():
            shutil.copy(file, server.folder / name)
        if only_port is not None:
            context.route(lambda url: f":{only_port}/" not in url, lambda route: route.abort())
            context.route_web_socket(lambda url: f":{only_port}/" not in url, lambda socket: socket.close())
        return Notebook(server, context.new_page(), name)

    yield open_notebook
    context.close()
    headers = {"Authorization": f"token {server.token}"}
    listed = urllib.request.Request(f"{server.url}api/sessions", headers=headers)
    with urllib.request.urlopen(listed) as response:
        for session in json.load(response):
            url = f"{server.url}api/sessions/{session['id']}"
            urllib.request.urlopen(urllib.request.Request(url, headers=headers, method="DELETE")).close()
