"""Cookies that other programs of this host have set in a real browser."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page as Tab

from jsmeets_local import Page
from tests.timing import scaled

# As another program on another port of the host would: browsers do not tell ports apart here.
FILL = "for (let number = 0; number < 100; number++) document.cookie = `c${number}=${'x'.repeat(4000)}`;"


def test_a_page_connects_among_large_cookies(open_page: Callable[..., Page], tab: Tab) -> None:
    page = open_page("JsPyFunction.expose('add', (a, b) => a + b)")
    assert page.call("add", timeout=scaled(10))(1, 2) == 3
    tab.evaluate(FILL)
    assert tab.evaluate("document.cookie.length") > 400_000
    tab.reload()
    assert tab.evaluate("JsPyTextSocket.wait_ready(10)")
    assert page.call("add", timeout=scaled(10))(3, 4) == 7
