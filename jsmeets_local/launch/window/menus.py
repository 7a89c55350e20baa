"""Menus of a window, and the functions that their items call."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

from ...protocol.arguments import check_function

__all__ = ["SEPARATOR", "Menu", "MenuItem", "check_menus", "number_items"]


class _Separator:
    """Line between the items of a menu."""

    def __repr__(self) -> str:
        return "SEPARATOR"


SEPARATOR: Final = _Separator()


class MenuItem:
    """Item of a `Menu`, which calls a function.

    Args:
        title: The text. `&` precedes the access key, which Linux and Windows underline: `"&Open…"`; `&&` is an `&`.
        func: Called without arguments, plain or async. `current_page()` returns the page whose window has the menu.

    Raises:
        TypeError: The title is not a str, or `func` is not a function.
        ValueError: The title is empty.
    """

    def __init__(self, title: str, func: Callable[[], Any]) -> None:
        self.title = _check_title(title)
        check_function(func, f"the function of the menu item {title!r}")
        self.func = func

    def __repr__(self) -> str:
        return f"MenuItem({self.title!r}, {self.func!r})"


class Menu:
    """Menu of a window, or a submenu: `Menu("&File", MenuItem("&Open…", open_file), SEPARATOR, Menu("Recent", ...))`.

    Args:
        title: The text, as that of a `MenuItem`.
        *items: The items, from top to bottom.

    Raises:
        TypeError: The title is not a str, or an item is no `MenuItem`, `Menu` or `SEPARATOR`.
        ValueError: The title is empty.
    """

    def __init__(self, title: str, *items: MenuItem | Menu | _Separator) -> None:
        self.title = _check_title(title)
        for item in items:
            if not isinstance(item, (MenuItem, Menu, _Separator)):
                raise TypeError(
                    f"the menu {title!r} takes MenuItem(title, func), Menu(title, ...) and SEPARATOR; got {item!r:.60}"
                )
        self.items = items

    def __repr__(self) -> str:
        return f"Menu({', '.join(map(repr, (self.title, *self.items)))})"


# An item: its title and its number; a menu: its title and its items; a separator: `None`.
Entry: TypeAlias = "tuple[str, int | list[Entry]] | None"


def _check_title(title: str) -> str:
    if not isinstance(title, str):
        raise TypeError(f"the title of a menu must be a str; got {title!r:.60}")
    if not title.strip("& "):
        raise ValueError(f"the title of a menu must not be empty; got {title!r}")
    return title


def check_menus(name: str, value: Any) -> tuple[Menu, ...]:
    """Return the menus of a window.

    Raises:
        TypeError: `value` is not a list of menus.
    """
    if not isinstance(value, (list, tuple)) or not all(isinstance(menu, Menu) for menu in value):
        raise TypeError(f'{name} must be a list of menus, such as [Menu("File", ...)]; got {value!r:.100}')
    return tuple(value)


def number_items(items: Iterable[MenuItem | Menu | _Separator], numbered: list[MenuItem]) -> list[Entry]:
    """Return entries as JSON-serializable values.

    Args:
        items: The entries.
        numbered: The items so far; those of `items` are appended. An item's number is its index.
    """
    entries: list[Entry] = []
    for item in items:
        if isinstance(item, Menu):
            entries.append((item.title, number_items(item.items, numbered)))
        elif isinstance(item, MenuItem):
            entries.append((item.title, len(numbered)))
            numbered.append(item)
        else:
            entries.append(None)
    return entries
