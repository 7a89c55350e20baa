"""launch(mode="window") in a cell: the window beside the live kernel."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.desktop.conftest import environment
from tests.desktop.x11 import Screen
from tests.notebook.conftest import Kernel, scratch
from tests.timing import until
from tests.tools import need_module

LAUNCH = """
from jsmeets_local import JsMeetsPy, LaunchError
app = JsMeetsPy()
app.functions.expose("add", lambda a, b: a + b)
page = app.launch('''<title>From a cell</title><script>
JsPyFunction.expose("sum", async (a, b) => await JsPyFunction.call("add")(a, b));
</script>''', mode="window", width=400, height=300)
"""


@pytest.fixture
def kernel(tmp_path: Path, screen: Screen, gui: str) -> Iterator[Kernel]:
    """A kernel on the screen."""
    need_module("ipykernel")
    until(lambda: not list(screen.windows()))
    kernel = Kernel({**scratch(tmp_path), **environment(screen, PYWEBVIEW_GUI=gui)}, tmp_path)
    yield kernel
    kernel.stop()


def test_a_window_beside_the_kernel(kernel: Kernel, screen: Screen) -> None:
    run = kernel.run(LAUNCH, cell="launch")
    assert run.error is None
    assert kernel.value("page.call('sum')(1, 2)") == 3
    window = screen.window("From a cell")
    until(lambda: window.size() == (400, 300))
    assert kernel.run("page.window.resize(432, 321)").error is None
    until(lambda: window.size() == (432, 321))
    waiting = kernel.start("print('waiting', flush=True); page.wait()")
    kernel.until(lambda: waiting.stdout)
    kernel.manager.interrupt_kernel()
    kernel.until(lambda: waiting.idle)
    assert waiting.error is not None
    assert "KeyboardInterrupt" in waiting.error
    assert kernel.value("page.call('sum')(2, 3)") == 5, "the interrupt is not for the window"
    window.close()
    assert kernel.value("page.wait(5)") is True


def test_the_same_cell_again_replaces_the_window(kernel: Kernel, screen: Screen) -> None:
    for _ in range(2):
        assert kernel.run(LAUNCH, cell="launch").error is None
        until(lambda: len(list(screen.windows())) == 1)
    assert kernel.value("page.call('sum')(1, 2)") == 3


@pytest.mark.parametrize("how", ["restart", "kill"])
def test_the_end_of_the_kernel(kernel: Kernel, screen: Screen, how: str) -> None:
    assert kernel.run(LAUNCH).error is None
    below = psutil.Process(kernel.pid).children(recursive=True)
    assert below
    if how == "restart":
        kernel.manager.restart_kernel(now=False)
    else:
        psutil.Process(kernel.pid).send_signal(signal.SIGKILL)
    until(lambda: not [one for one in below if one.is_running() and one.status() != psutil.STATUS_ZOMBIE], 10)


def test_run_is_not_for_a_kernel(kernel: Kernel) -> None:
    kernel.run(LAUNCH)
    run = kernel.run("app.run('<p>', mode='window')")
    assert run.error is not None
    assert 'launch(mode="window")' in run.error
