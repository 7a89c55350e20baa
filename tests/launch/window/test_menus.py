"""Menus as values; tests/desktop opens them."""

from __future__ import annotations

from typing import Any

import pytest

from jsmeets_local import SEPARATOR, JsMeetsPy, Menu, MenuItem
from jsmeets_local.launch.window.menus import number_items


def test_entries_are_numbered_from_top_to_bottom() -> None:
    items: list[MenuItem] = []
    inner = Menu("Recent", MenuItem("b", print))
    menus = [Menu("File", MenuItem("a", print), SEPARATOR, inner), Menu("Help", MenuItem("c", print))]
    assert number_items(menus, items) == [
        ("File", [("a", 0), None, ("Recent", [("b", 1)])]),
        ("Help", [("c", 2)]),
    ]
    assert [item.title for item in items] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: MenuItem("Quit", 5), TypeError, "the function of the menu item 'Quit' must be a function; got 5"),
        (lambda: MenuItem(5, print), TypeError, "the title of a menu must be a str; got 5"),
        (lambda: Menu("&", SEPARATOR), ValueError, "the title of a menu must not be empty; got '&'"),
        (lambda: Menu("File", "Quit"), TypeError, "the menu 'File' takes MenuItem(title, func), Menu(title, ...)"),
        (lambda: Menu("File", print), TypeError, "and SEPARATOR; got <built-in function print>"),
    ],
)
def test_invalid_menus_are_refused(make: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error) as caught:
        make()
    assert text in str(caught.value)


@pytest.mark.parametrize("menu", [5, "File", Menu("File"), [MenuItem("Quit", print)]])
def test_the_option_takes_menus(app: JsMeetsPy, menu: Any) -> None:
    with pytest.raises(TypeError, match="menu must be a list of menus"):
        app.launch("<p>", "none", menu=menu)
    assert app.launch("<p>", "none", menu=[Menu("File")]).state == "connecting"
