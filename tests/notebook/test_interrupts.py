"""Interrupts of a kernel while a cell awaits a page."""

from __future__ import annotations

import re
import time

import pytest

from tests.notebook.conftest import Kernel
from tests.timing import scaled

LAUNCH = """
import asyncio, time
from jsmeets_local import JsMeetsPy
app = JsMeetsPy()
page = app.launch("<p>the page</p>", mode="none")
"""
AWAITING = {
    "call": "await page.aio.call('f')()",
    "path": "await page.aio.js.document.title",
    "queue": "await page.aio.get('q')",
    "topic": "async for item in page.aio.subscribe('t'): pass",
    "several": "await asyncio.gather(page.aio.call('f')(), page.aio.wait())",
}


@pytest.mark.parametrize("way", AWAITING)
def test_an_interrupt_ends_an_awaiting_cell(kernel: Kernel, way: str) -> None:
    kernel.run(LAUNCH)
    kernel.run("try:\n    1 / 0\nfinally:\n    pass")  # the first traceback takes long to draw
    line = AWAITING[way]
    for _ in range(2):
        run = kernel.start(line)
        time.sleep(scaled(0.7))  # the cell has begun to wait
        start = time.monotonic()
        kernel.manager.interrupt_kernel()
        kernel.until(lambda run=run: run.idle)
        assert time.monotonic() - start < scaled(1.0)
        assert run.error == "CancelledError: "
        shown = re.sub(r"\x1b\[[\d;]*m", "", "\n".join(run.traceback))
        assert f"----> 1 {line}" in shown
        assert "jsmeets_local" not in shown
    assert kernel.value("1 + 1") == 2


def test_signals_wake_up_no_second_descriptor(kernel: Kernel) -> None:
    """A program that has set its own wake-up descriptor keeps it."""
    kernel.run(LAUNCH)
    kernel.run(
        "import signal\nloop = asyncio.get_running_loop()\n"
        "loop.add_signal_handler(signal.SIGUSR1, lambda: None)\n"
        "own = signal.set_wakeup_fd(-1)\nprevious = signal.set_wakeup_fd(own)"
    )
    assert kernel.run("await page.aio.wait_connected(0.01)").value == "False"
    assert kernel.value("signal.set_wakeup_fd(own) == own and own != -1") is True
