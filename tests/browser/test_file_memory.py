"""Memory of the browser while Python reads a large file of a page."""

from __future__ import annotations

from contextlib import suppress

import psutil
import pytest

from jsmeets_local import JsMeetsPy
from tests.timing import scaled
from tests.tools import chromium

MIB = 2**20
# A Blob of repeated parts: the browser keeps them once.
SCRIPT = """
JsPyFunction.expose("repeated", (mebibytes) => {
    const part = new Blob([new Uint8Array(2 ** 20).fill(7)]);
    return new Blob(Array(mebibytes).fill(part));
});
"""


def browser_memory() -> int:
    """Return the bytes that the browsers below this process use, without the memory that their processes share."""
    total = 0
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            total += process.memory_full_info().uss if "chrom" in process.name() else 0
    return total


@pytest.mark.timeout(scaled(300))
def test_the_browser_frees_the_pieces_of_a_file(app: JsMeetsPy) -> None:
    page = app.launch(f"<script>{SCRIPT}</script>", mode="none")
    with chromium() as browser:
        protocol = browser.new_browser_cdp_session()
        # Playwright keeps to tabs of its own contexts. In those the browser copies what their WebSockets carry for it.
        context = protocol.send("Target.createBrowserContext")
        protocol.send("Target.createTarget", {"url": page.url, **context})
        with page.call("repeated", 60)(300) as file:
            file.read(20 * MIB)
            before = largest = browser_memory()
            while file.read(10 * MIB):
                largest = max(largest, browser_memory())
        assert before > 50 * MIB
        assert largest - before < 100 * MIB
        protocol.send("Target.disposeBrowserContext", context)
