"""The carrier in a real kernel, with a stand-in for a front end that opens a comm in a subshell, or in the main shell."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.notebook.conftest import ROOT, Kernel, scratch
from tests.timing import scaled

LAUNCH = """
from jsmeets_local import CellBlocksAnswers, JsMeetsPy
app = JsMeetsPy()
page = app.launch("<h1>carried</h1>", transport="comm", timeout=20, snapshot=False)
"""


class Front:
    """A front end that carries one page by a comm of a kernel."""

    def __init__(self, kernel: Kernel, subshell: str | None, is_alone: bool = False) -> None:
        self.kernel = kernel
        self.subshell = subshell
        self.is_alone = is_alone
        self.comm = uuid.uuid4().hex
        self.reports: list[tuple[str, str]] = []  # on what it has sent: the kind, and "busy" or "idle"
        self.calls: list[list[Any]] = []
        self.is_gone = False
        self._take = kernel.client.get_iopub_msg
        kernel.client.get_iopub_msg = self._receive

    def _receive(self, timeout: float | None = None) -> Any:
        message = self._take(timeout=timeout)
        content = message["content"]
        if message["msg_type"] == "status" and message["parent_header"].get("msg_type", "").startswith("comm_"):
            self.reports.append((message["parent_header"]["msg_type"], content["execution_state"]))
        elif message["msg_type"] == "comm_open" and "page" in content["data"].get("state", {}):
            self.open(content["data"]["state"]["page"])
        elif message["msg_type"] == "comm_msg" and content["comm_id"] == self.comm:
            self._answer(*content["data"])
        return message

    def open(self, page: str) -> None:
        self._send("comm_open", {"target_name": "jsmeets_local", "data": {"page": page, "alone": self.is_alone}})

    def send(self, *message: Any) -> None:
        self._send("comm_msg", {"data": message})

    def _send(self, kind: str, content: dict[str, Any]) -> None:
        message = self.kernel.client.session.msg(kind, {"comm_id": self.comm, **content})
        message["header"]["subshell_id"] = self.subshell
        self.kernel.client.shell_channel.send(message)

    def _answer(self, kind: str, number: int, *rest: Any) -> None:
        if kind == "hello":
            token, self.key = rest[0]["place"].partition("#jsmeets=")[2].split(".")
            self.send("connect", 1, "/jsmeetspy/textsocket", ["jsmeets.v1", f"jsmeets.token.{token}"])
        elif kind == "accept":
            self.send("text", 1, json.dumps([["hello", "document", self.key, [], "", 0]]))
        elif kind == "gone":
            self.is_gone = True
        elif kind == "text":
            for message in json.loads(rest[0]):
                if message[0] == "welcome":
                    self.send("text", 1, json.dumps([["ack", 0]]))
                elif message[0] == "call":
                    self.calls.append(message)
                    self.send("text", 1, json.dumps([["return", message[1], 2 * message[3][0]]]))


def test_a_blocked_cell_is_answered_in_a_subshell(kernel: Kernel) -> None:
    Front(kernel, kernel.subshell())
    run = kernel.run(LAUNCH + "page.call('double')(21)", "cell")
    assert (run.error, run.value) == (None, "42")
    assert kernel.run("page.call('double')(4)").value == "8"
    assert kernel.run("await page.aio.call('double')(5)").value == "10"


def test_a_subshell_of_its_own_is_quiet(kernel: Kernel) -> None:
    """The kernel reports on the comm's opening only, and handles messages until the subshell is deleted."""
    front = Front(kernel, kernel.subshell(), is_alone=True)
    run = kernel.run(LAUNCH + "[page.call('double')(n) for n in range(20)][-1]", "cell")
    assert (run.error, run.value) == (None, "38")
    assert front.reports == [("comm_open", "busy"), ("comm_open", "idle")]
    second = Front(kernel, front.subshell, is_alone=True)
    assert kernel.run(LAUNCH + "page.call('double')(2)", "second").value == "4"
    assert second.reports == []
    kernel.ask("delete_subshell_request", {"subshell_id": front.subshell}, channel="control")
    assert kernel.run("import time; time.sleep(1.5)\n6 * 7").value == "42"
    assert kernel.run("6 * 7").stderr == ""


def test_without_a_subshell_a_blocking_call_raises_at_once(kernel: Kernel) -> None:
    """The page connects when the launching cell has ended, and awaiting works in the cells behind it."""
    front = Front(kernel, None)
    run = kernel.run(LAUNCH + "page.is_connected()", "cell")
    assert (run.error, run.value) == (None, "False")
    assert "await page.aio" in run.stderr
    kernel.until(lambda: kernel.run("page.is_connected()").value == "True")
    error = kernel.run("page.call('double')(4)").error
    assert error is not None
    assert error.startswith("CellBlocksAnswers: ")
    assert "await page.aio.call('double')(...)" in error
    assert "Kernel Comms over subshells" in error
    assert front.calls == []
    assert kernel.run("await page.aio.call('double')(5)").value == "10"
    blocks = "import asyncio; await asyncio.to_thread(lambda: page.call('double')(6))"
    assert kernel.run(blocks).value == "12", "only the main thread reads the answer"


@pytest.fixture(params=["6.31.0", "7.3.0"])
def older_kernel(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Kernel]:
    """A kernel that handles the messages of its shell channel one after the other."""
    has_pip = importlib.util.find_spec("pip") is not None
    uv = shutil.which("uv") or str(ROOT / ".venvs" / "tools" / "bin" / "uv")
    packages = tmp_path / "packages"
    command = [sys.executable, "-m", "pip"] if has_pip else [uv, "pip"]
    arguments = [
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        str(packages),
        f"ipykernel=={request.param}",
        "nest-asyncio",
    ]
    subprocess.run([*command, *arguments], check=True, timeout=scaled(60))
    kernel = Kernel({**scratch(tmp_path), "PYTHONPATH": str(packages)}, tmp_path)
    assert kernel.value("__import__('ipykernel').__version__") == request.param
    yield kernel
    kernel.stop()


def test_a_cell_of_an_older_kernel_awaits(older_kernel: Kernel) -> None:
    """What the cell prints behind it stays its own, and so do interrupts."""
    Front(older_kernel, None)
    older_kernel.run(LAUNCH, "cell")
    older_kernel.until(lambda: older_kernel.run("page.is_connected()").value == "True")
    run = older_kernel.run("value = await page.aio.call('double')(5); print('behind it'); value")
    assert (run.error, run.value, run.stdout) == (None, "10", "behind it\n")
    older_kernel.manager.interrupt_kernel()
    assert older_kernel.run("6 * 7").value == "42"
    error = older_kernel.run("page.call('double')(4)").error
    assert error is not None
    assert error.startswith("CellBlocksAnswers: ")


def test_a_page_that_is_closed(kernel: Kernel) -> None:
    front = Front(kernel, kernel.subshell())
    kernel.run(LAUNCH, "cell")
    name = kernel.value("list(__import__('jsmeets_local.launch.comm.carrier').launch.comm.carrier._carriers)[0]")
    kernel.run("page.close()")
    front.comm = uuid.uuid4().hex
    front.open(name)
    kernel.until(lambda: front.is_gone)


@pytest.mark.parametrize("mode", ["browser", "none"])
def test_other_modes(kernel: Kernel, mode: str) -> None:
    run = kernel.run(f"from jsmeets_local import JsMeetsPy\nJsMeetsPy().launch(mode='{mode}', transport='comm')")
    assert run.error is not None
    assert run.error.startswith('LaunchError: transport="comm" is for mode="notebook"')


def test_without_anywidget(kernel: Kernel) -> None:
    hide = "import importlib.util as u; f = u.find_spec; u.find_spec = lambda n, *a: None if n == 'anywidget' else f(n, *a)"
    kernel.run(hide)
    run = kernel.run(LAUNCH)
    assert run.error is not None
    assert run.error.startswith("MissingExtra: ")
    assert "pip install anywidget" in run.error


def test_no_front_end(kernel: Kernel) -> None:
    """A program that executes notebooks gets the error of a page that nobody shows."""
    began = kernel.run(LAUNCH.replace("timeout=20", f"timeout={scaled(5)}"))
    assert began.error is not None
    assert began.error.startswith("LaunchError: no page connected")


def test_a_front_end_that_requests_nothing_from_the_port(kernel: Kernel) -> None:
    """After a second, the same output is shown again by a widget."""
    Front(kernel, kernel.subshell())
    run = kernel.run(LAUNCH.replace('transport="comm", ', "") + "page.call('double')(21)", "cell")
    assert (run.error, run.value) == (None, "42")
