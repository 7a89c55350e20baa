"""Menus of pywebview for those of `launch(menu=)`."""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Callable
from typing import Any

__all__ = ["native_menus"]


def native_menus(entries: list[Any], gui: str | None, choose: Callable[[int], None]) -> list[Any]:
    """Return menus of pywebview for entries of `menus.py`. `choose` is called with a number, on a thread of its own."""
    from webview.menu import Menu, MenuAction, MenuSeparator

    menus: list[Any] = []
    for entry in entries:
        if entry is None:
            menus.append(MenuSeparator())
            continue
        title, content = entry
        title = _native_title(title, gui)
        if isinstance(content, int):
            menus.append(MenuAction(title, functools.partial(choose, content)))
        else:
            menus.append(Menu(title, native_menus(content, gui, choose)))
    return menus


def _native_title(title: str, gui: str | None) -> str:
    """Return a title with its access key in the syntax of the toolkit. On macOS there are no access keys."""
    if gui == "gtk":
        mark, title = "_", title.replace("_", "__")
    elif sys.platform == "darwin":
        mark = ""
    else:
        return title
    return re.sub("&(.?)", lambda found: "&" if found[1] == "&" else mark + found[1], title)
