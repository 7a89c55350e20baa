"""State in step in a kernel; the test acts as the page."""

from __future__ import annotations

import html
import re
import secrets
import urllib.request

from tests.notebook.conftest import Kernel
from tests.raw import RawPage

LAUNCH = """
from jsmeets_local import JsMeetsPy
app = JsMeetsPy()
state = app.state(freq=3.0, color="<red>")
page = app.launch("<p>the page</p>", snapshot=False)
"""


def test_a_cell_sets_what_the_page_shows_and_reads_what_it_has_set(kernel: Kernel) -> None:
    run = kernel.start(LAUNCH, "one")
    kernel.until(lambda: run.html or run.error)
    found = re.search(r'src="([^"]+)"', run.html[0])
    assert found
    with urllib.request.urlopen(html.unescape(found[1])) as response:  # the one-time address leads to the page
        url = response.url
    raw = RawPage(url, secrets.token_hex(8), page=url.partition("=")[2].partition(".")[2])
    raw.send(["follow", ""])
    assert raw.receive() == ["state", "", 0, {"freq": 3.0, "color": "<red>"}]
    kernel.until(lambda: run.idle)

    second = kernel.start("state.freq = 4\npage.call_nowait('f')()", "two")
    assert [raw.receive(), raw.receive()] == [["patch", "", 1, [[["freq"], 4]]], ["notify", "f", []]]
    kernel.until(lambda: second.idle)

    third = kernel.start("import time\nwhile state.freq != 5: time.sleep(0.01)\nstate", "three")
    raw.send(["patch", "", 1, [[["freq"], 5]]])  # while the cell runs
    kernel.until(lambda: third.idle)
    assert third.error is None
    (table,) = third.html
    assert "<caption>State</caption>" in table
    assert "&lt;red&gt;" in table

    again = kernel.start("state = app.state(freq=1.0)\nstate.freq", "one")
    assert raw.next("state") == ["state", "", 0, {"freq": 1.0}]
    kernel.until(lambda: again.idle)
