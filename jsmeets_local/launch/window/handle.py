"""Public handles of a window: `page.window` blocks, `page.aio.window` is awaitable."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from ...bridge.portal import Operation, Portal
from ...bridge.tracebacks import public
from ...errors import JsPyError
from ...protocol.arguments import check_function
from .commands import FileTypes, check_command

__all__ = ["AsyncWindow", "Window"]

Request: TypeAlias = Callable[[str, list[Any]], Operation[Any]]  # of a method and its arguments
DropListener: TypeAlias = Callable[[list[Path]], Any]
F = TypeVar("F", bound=DropListener)


class Window:
    """Desktop window that shows a page: `page.window`. Its methods block until the window has carried them out.

    The desktop decides how far a window can be moved or resized. All methods and properties raise `PageClosed` when the
    window is closed, and `WouldDeadlock` on the bridge's event loop.

    Attributes:
        title: The title; assign to change it. By default it is the title of the document.
        size: Width and height of the content, in pixels.
        position: Position of the upper left corner, in pixels from the upper left corner of the screen.
        confirm_close: Whether the user is asked before the window closes; assign `True`, or the question to ask. Python
            closes it without asking.
        clipboard: The text of the clipboard, empty if it holds none; assign to change it (Linux).
    """

    def __init__(self, portal: Portal, request: Request, listen_to_drops: Callable[[DropListener], None]) -> None:
        self._portal = portal
        self._request = request
        self._listen_to_drops = listen_to_drops

    def request(self, method: str, *args: Any) -> Any:
        """Run a command from the page (`native` in JavaScript): a method name, arguments, and a dict of options."""
        options = args[-1] if args and isinstance(args[-1], dict) else {}
        return self._send(method, check_command(method, args[:-1] if options else args, options, by_page=True))

    @public
    def _do(self, method: str, *args: Any, **options: Any) -> Any:
        return self._send(method, check_command(method, args, options))

    def _send(self, method: str, args: list[Any]) -> Any:
        return _value(self._portal.block(self._request(method, args), f"await page.aio.window.{method}(...)"))

    @property
    def title(self) -> str:
        """Return the title."""
        return str(self._do("get_title"))

    @title.setter
    def title(self, title: str) -> None:
        self._do("set_title", title)

    @property
    def size(self) -> tuple[int, int]:
        """Return width and height of the content, in pixels."""
        width, height = self._do("get_size")
        return width, height

    @property
    def position(self) -> tuple[int, int]:
        """Return the position of the upper left corner, in pixels from the upper left corner of the screen."""
        x, y = self._do("get_position")
        return x, y

    @property
    def confirm_close(self) -> bool | str:
        """Return whether the user is asked before the window closes, or the question."""
        confirm: bool | str = self._do("get_confirm_close")
        return confirm

    @confirm_close.setter
    def confirm_close(self, confirm: bool | str) -> None:
        self._do("set_confirm_close", confirm)

    @property
    def clipboard(self) -> str:
        """Return the text of the clipboard; it is empty if the clipboard holds something else."""
        return str(self._do("get_clipboard"))

    @clipboard.setter
    def clipboard(self, text: str) -> None:
        self._do("set_clipboard", text)

    def show(self) -> None:
        """Show the window after `hide()` or `launch(hidden=True)`."""
        self._do("show")

    def hide(self) -> None:
        """Hide the window. Its page stays connected, and closes with `page.close()`."""
        self._do("hide")

    def resize(self, width: int, height: int) -> None:
        """Resize the content to a width and height in pixels."""
        self._do("resize", width, height)

    def move(self, x: int, y: int) -> None:
        """Move the upper left corner to a position in pixels from the upper left corner of the screen."""
        self._do("move", x, y)

    def minimize(self) -> None:
        """Minimize the window."""
        self._do("minimize")

    def maximize(self) -> None:
        """Maximize the window."""
        self._do("maximize")

    def restore(self) -> None:
        """Restore the window from minimized, maximized or full screen."""
        self._do("restore")

    def fullscreen(self, on: bool = True) -> None:
        """Enter full screen, or leave it with `False`."""
        self._do("fullscreen", on)

    def bring_to_front(self) -> None:
        """Bring the window to the front, restoring it if it is minimized."""
        self._do("bring_to_front")

    def notify(self, title: str, text: str = "") -> None:
        """Show a notification of the desktop (Linux).

        Args:
            title: Its title.
            text: Its text.

        Raises:
            JsPyError: The desktop has no service for notifications.
        """
        self._do("notify", title, text)

    def on_drop(self, func: F) -> F:
        """Call a function with the files that the user drops on the page; also a decorator: `@page.window.on_drop`.

        A later function replaces it. The page's own handlers of `drop` events are called, too.

        Args:
            func: Called with a list of `pathlib.Path`, plain or async. `current_page()` returns the page.

        Returns:
            `func`.

        Raises:
            TypeError: `func` is not a function.
        """
        check_function(func, "the function of on_drop()")
        self._listen_to_drops(func)
        self._do("watch_drops")
        return func

    def open_dialog(
        self, multiple: bool = False, directory: str | os.PathLike[str] | None = None, file_types: FileTypes = ()
    ) -> list[str]:
        """Let the user choose existing files.

        Args:
            multiple: Whether the user may choose more than one.
            directory: The folder to begin in; `None` for the desktop's choice.
            file_types: The types to offer, as `[("Images", ["*.png", "*.jpg"]), ("All files", ["*"])]`.

        Returns:
            The paths; an empty list if the user cancelled.

        Raises:
            NotADirectoryError: There is no such folder.
        """
        paths: list[str] = self._do("open_dialog", multiple, directory, file_types)
        return paths

    def save_dialog(self, filename: str = "", directory: str | os.PathLike[str] | None = None) -> str | None:
        """Let the user choose where to save a file; nothing is written.

        Args:
            filename: The name to propose.
            directory: The folder to begin in; `None` for the desktop's choice.

        Returns:
            The path; `None` if the user cancelled.

        Raises:
            NotADirectoryError: There is no such folder.
        """
        path: str | None = self._do("save_dialog", filename, directory)
        return path

    def folder_dialog(self, directory: str | os.PathLike[str] | None = None) -> str | None:
        """Let the user choose a folder.

        Args:
            directory: The folder to begin in; `None` for the desktop's choice.

        Returns:
            The path; `None` if the user cancelled.

        Raises:
            NotADirectoryError: There is no such folder.
        """
        path: str | None = self._do("folder_dialog", directory)
        return path


class AsyncWindow:
    """Awaitable counterpart of `Window`, usable on any event loop: `await page.aio.window.resize(800, 600)`."""

    def __init__(self, portal: Portal, request: Request, listen_to_drops: Callable[[DropListener], None]) -> None:
        self._portal = portal
        self._request = request
        self._listen_to_drops = listen_to_drops

    async def _do(self, method: str, *args: Any, **options: Any) -> Any:
        return _value(await self._portal.awaitable(self._request(method, check_command(method, args, options))))

    @public
    async def get_title(self) -> str:
        """See `Window.title`."""
        return str(await self._do("get_title"))

    @public
    async def set_title(self, title: str) -> None:
        """See `Window.title`."""
        await self._do("set_title", title)

    @public
    async def get_size(self) -> tuple[int, int]:
        """See `Window.size`."""
        width, height = await self._do("get_size")
        return width, height

    @public
    async def get_position(self) -> tuple[int, int]:
        """See `Window.position`."""
        x, y = await self._do("get_position")
        return x, y

    @public
    async def get_confirm_close(self) -> bool | str:
        """See `Window.confirm_close`."""
        confirm: bool | str = await self._do("get_confirm_close")
        return confirm

    @public
    async def set_confirm_close(self, confirm: bool | str) -> None:
        """See `Window.confirm_close`."""
        await self._do("set_confirm_close", confirm)

    @public
    async def get_clipboard(self) -> str:
        """See `Window.clipboard`."""
        return str(await self._do("get_clipboard"))

    @public
    async def set_clipboard(self, text: str) -> None:
        """See `Window.clipboard`."""
        await self._do("set_clipboard", text)

    @public
    async def show(self) -> None:
        """See `Window.show`."""
        await self._do("show")

    @public
    async def hide(self) -> None:
        """See `Window.hide`."""
        await self._do("hide")

    @public
    async def resize(self, width: int, height: int) -> None:
        """See `Window.resize`."""
        await self._do("resize", width, height)

    @public
    async def move(self, x: int, y: int) -> None:
        """See `Window.move`."""
        await self._do("move", x, y)

    @public
    async def minimize(self) -> None:
        """See `Window.minimize`."""
        await self._do("minimize")

    @public
    async def maximize(self) -> None:
        """See `Window.maximize`."""
        await self._do("maximize")

    @public
    async def restore(self) -> None:
        """See `Window.restore`."""
        await self._do("restore")

    @public
    async def fullscreen(self, on: bool = True) -> None:
        """See `Window.fullscreen`."""
        await self._do("fullscreen", on)

    @public
    async def bring_to_front(self) -> None:
        """See `Window.bring_to_front`."""
        await self._do("bring_to_front")

    @public
    async def notify(self, title: str, text: str = "") -> None:
        """See `Window.notify`."""
        await self._do("notify", title, text)

    @public
    async def on_drop(self, func: F) -> F:
        """See `Window.on_drop`."""
        check_function(func, "the function of on_drop()")
        self._listen_to_drops(func)
        await self._do("watch_drops")
        return func

    @public
    async def open_dialog(
        self, multiple: bool = False, directory: str | os.PathLike[str] | None = None, file_types: FileTypes = ()
    ) -> list[str]:
        """See `Window.open_dialog`."""
        paths: list[str] = await self._do("open_dialog", multiple, directory, file_types)
        return paths

    @public
    async def save_dialog(self, filename: str = "", directory: str | os.PathLike[str] | None = None) -> str | None:
        """See `Window.save_dialog`."""
        path: str | None = await self._do("save_dialog", filename, directory)
        return path

    @public
    async def folder_dialog(self, directory: str | os.PathLike[str] | None = None) -> str | None:
        """See `Window.folder_dialog`."""
        path: str | None = await self._do("folder_dialog", directory)
        return path


def _value(outcome: Any) -> Any:
    if isinstance(outcome, JsPyError):
        raise outcome
    return outcome
