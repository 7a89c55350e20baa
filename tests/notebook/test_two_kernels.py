"""Two kernels that share a topic, as docs/how-to/pubsub.md shows; the tests act as their pages."""

from __future__ import annotations

import html
import re
import secrets
import urllib.request
from pathlib import Path

from tests.notebook.conftest import ROOT, Kernel, scratch
from tests.raw import RawPage
from tests.timing import scaled

HOW_TO = (ROOT / "docs/how-to/pubsub.md").read_text(encoding="utf-8")
SECTION = HOW_TO.partition("\n## Share topics between programs\n")[2]
FIRST, SECOND = re.findall(r"```i?python\n(.*?)```", SECTION, re.DOTALL)


def opened(kernel: Kernel, code: str) -> RawPage:
    """Run a cell that launches a page, and connect as this page."""
    run = kernel.start(code.replace("launch(PAGE)", "launch(PAGE, snapshot=False)"), "launch")
    kernel.until(lambda: run.html or run.error)
    assert run.error is None, run.traceback
    found = re.search(r'src="([^"]+)"', run.html[0])
    assert found
    with urllib.request.urlopen(html.unescape(found[1])) as response:  # the one-time address leads to the page
        url = response.url
    raw = RawPage(url, secrets.token_hex(8), page=url.partition("=")[2].partition(".")[2], topics=["temperature"])
    kernel.until(lambda: run.idle)
    assert run.error is None, run.traceback
    return raw


def test_two_kernels_share_a_topic(tmp_path: Path) -> None:
    first, second = Kernel(scratch(tmp_path), tmp_path), Kernel(scratch(tmp_path), tmp_path)
    try:
        here, there = opened(first, FIRST), opened(second, SECOND)
        here.send(["publish", 0, "temperature", 1, False])
        assert [page.next("publish")[3] for page in (here, there)] == [1, 1]
        there.send(["publish", 0, "temperature", 2, True])  # not to itself
        assert here.next("publish")[3] == 2
        first.run('page.publish("temperature")(3)')
        assert [page.next("publish")[3] for page in (here, there)] == [3, 3]
        second.run('page.publish("temperature")({"celsius": 4})')
        assert [page.next("publish")[3] for page in (here, there)] == [{"celsius": 4}] * 2

        again = opened(second, SECOND)  # the cell runs again
        again.send(["publish", 0, "temperature", 5, False])
        assert [page.next("publish")[3] for page in (here, again)] == [5, 5]  # each once
        assert first.value("link.number_of_connections()") == 1

        first.run("app.stop()")
        run = second.start(SECOND, "launch")
        second.until(lambda: run.idle, scaled(20))
        assert run.error is not None
        assert run.error.startswith("ConnectionRefusedError: ")
    finally:
        for kernel in (first, second):
            kernel.stop()
