"""What a page sends while it is left arrives in Python."""

from __future__ import annotations

import queue

import pytest
from playwright.sync_api import Browser
from playwright.sync_api import Page as Tab

from jsmeets_local import JsMeetsPy
from tests.timing import scaled

PAGE = """<!DOCTYPE html><title>T</title><body><script>
const say = JsPyFunction.call_nowait("say");
addEventListener("beforeunload", () => say("beforeunload"));
addEventListener("pagehide", () => say("pagehide"));
addEventListener("pagehide", () => say("capture"), { capture: true });
document.addEventListener("visibilitychange", () => say(document.visibilityState));
addEventListener("pagehide", () => {
    for (let number = 0; number < 3; number += 1) {
        say(number);
    }
});
JsPyFunction.expose("sum", (a, b) => a + b);
</script>"""


def leave(tab: Tab, how: str) -> None:
    if how == "close":
        tab.close(run_before_unload=True)
    elif how == "navigate":
        tab.goto("about:blank")
    else:
        tab.reload()


@pytest.mark.parametrize("how", ["close", "navigate", "reload"])
def test_the_last_words_of_a_page(how: str, browser: Browser, app: JsMeetsPy, tab: Tab) -> None:
    said: queue.SimpleQueue[object] = queue.SimpleQueue()
    app.functions.expose("say", said.put)
    page = app.launch(PAGE, mode="none")
    tab.goto(page.url)
    assert page.call("sum")(1, 2) == 3
    leave(tab, how)
    # Firefox closes the connection of a document before its pagehide, unless the tab is closed.
    early = browser.browser_type.name == "firefox" and how != "close"
    expected = {"beforeunload"} if early else {"capture", "pagehide", 0, 1, 2}
    words: list[object] = []
    while not expected <= set(words):
        words.append(said.get(timeout=scaled(5)))
    assert [word for word in words if isinstance(word, int)] == ([] if early else [0, 1, 2])
