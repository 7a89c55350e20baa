"""`page.window`: the window that shows a page, in blocking lines; `page.aio.window` is its awaitable twin."""

from __future__ import annotations

import os
from typing import Any

from ...bridge.tracebacks import public
from ...errors import JsPyError
from .commands import FileTypes, WindowCommands

__all__ = ["AsyncWindow", "Window"]


class Window(WindowCommands):
    """The desktop window that shows a page: `page.window`. Its methods block until the window has done it.

    How far a window may be moved or resized is up to the desktop. All methods, and the properties too, raise
    `PageClosed` when the window is closed, and `WouldDeadlock` on the bridge's event loop.

    Attributes:
        title: The title; set it to change it. Until then it is the page's.
        size: Width and height of the content, in pixels.
        position: Of the upper left corner, in pixels from that of the screen.
    """

    def request(self, method: str, *args: Any) -> Any:
        """What a page asks of it by `native`: one of these methods by its name, options in an object at the end."""
        options = args[-1] if args and isinstance(args[-1], dict) else {}
        return self._do(method, *(args[:-1] if options else args), **options)

    @public
    def _do(self, method: str, *args: Any, **options: Any) -> Any:
        outcome = self._portal.block(self._request(method, *args, **options), f"await page.aio.window.{method}(...)")
        return _value(outcome)

    @property
    def title(self) -> str:
        """The title."""
        return str(self._do("get_title"))

    @title.setter
    def title(self, title: str) -> None:
        self._do("set_title", title)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the content, in pixels."""
        width, height = self._do("get_size")
        return width, height

    @property
    def position(self) -> tuple[int, int]:
        """Of the upper left corner, in pixels from that of the screen."""
        x, y = self._do("get_position")
        return x, y

    def resize(self, width: int, height: int) -> None:
        """Makes the content this large, in pixels."""
        self._do("resize", width, height)

    def move(self, x: int, y: int) -> None:
        """Puts the upper left corner there, in pixels from that of the screen."""
        self._do("move", x, y)

    def minimize(self) -> None:
        """Makes it an icon, or an entry of the task bar."""
        self._do("minimize")

    def maximize(self) -> None:
        """Lets it fill the desktop."""
        self._do("maximize")

    def restore(self) -> None:
        """Brings it back from minimized, maximized or full screen."""
        self._do("restore")

    def fullscreen(self, on: bool = True) -> None:
        """Lets it fill the screen, without frame and task bar; `False` ends that."""
        self._do("fullscreen", on)

    def bring_to_front(self) -> None:
        """Puts it before all others; a minimized one comes back."""
        self._do("bring_to_front")

    def open_dialog(
        self, multiple: bool = False, directory: str | os.PathLike[str] | None = None, file_types: FileTypes = ()
    ) -> list[str]:
        """Lets the user choose files that exist.

        Args:
            multiple: Whether more than one may be chosen.
            directory: The folder in which to begin; `None` for the desktop's choice.
            file_types: What to offer, as `[("Images", ["*.png", "*.jpg"]), ("All files", ["*"])]`.

        Returns:
            Their paths; none where the user cancelled.

        Raises:
            NotADirectoryError: There is no such folder.
        """
        paths: list[str] = self._do("open_dialog", multiple, directory, file_types)
        return paths

    def save_dialog(self, filename: str = "", directory: str | os.PathLike[str] | None = None) -> str | None:
        """Lets the user choose where to save a file; nothing is written.

        Args:
            filename: The name to propose.
            directory: The folder in which to begin; `None` for the desktop's choice.

        Returns:
            The path; `None` where the user cancelled.

        Raises:
            NotADirectoryError: There is no such folder.
        """
        path: str | None = self._do("save_dialog", filename, directory)
        return path

    def folder_dialog(self, directory: str | os.PathLike[str] | None = None) -> str | None:
        """Lets the user choose a folder.

        Args:
            directory: The folder in which to begin; `None` for the desktop's choice.

        Returns:
            The path; `None` where the user cancelled.

        Raises:
            NotADirectoryError: There is no such folder.
        """
        path: str | None = self._do("folder_dialog", directory)
        return path


class AsyncWindow(WindowCommands):
    """The awaitable twin of a `Window`, usable on any event loop: `await page.aio.window.resize(800, 600)`."""

    async def _do(self, method: str, *args: Any, **options: Any) -> Any:
        return _value(await self._portal.awaitable(self._request(method, *args, **options)))

    async def get_title(self) -> str:
        """As `Window.title`."""
        return str(await self._do("get_title"))

    async def set_title(self, title: str) -> None:
        """As `Window.title`."""
        await self._do("set_title", title)

    async def get_size(self) -> tuple[int, int]:
        """As `Window.size`."""
        width, height = await self._do("get_size")
        return width, height

    async def get_position(self) -> tuple[int, int]:
        """As `Window.position`."""
        x, y = await self._do("get_position")
        return x, y

    async def resize(self, width: int, height: int) -> None:
        """As `Window.resize`."""
        await self._do("resize", width, height)

    async def move(self, x: int, y: int) -> None:
        """As `Window.move`."""
        await self._do("move", x, y)

    async def minimize(self) -> None:
        """As `Window.minimize`."""
        await self._do("minimize")

    async def maximize(self) -> None:
        """As `Window.maximize`."""
        await self._do("maximize")

    async def restore(self) -> None:
        """As `Window.restore`."""
        await self._do("restore")

    async def fullscreen(self, on: bool = True) -> None:
        """As `Window.fullscreen`."""
        await self._do("fullscreen", on)

    async def bring_to_front(self) -> None:
        """As `Window.bring_to_front`."""
        await self._do("bring_to_front")

    async def open_dialog(
        self, multiple: bool = False, directory: str | os.PathLike[str] | None = None, file_types: FileTypes = ()
    ) -> list[str]:
        """As `Window.open_dialog`."""
        paths: list[str] = await self._do("open_dialog", multiple, directory, file_types)
        return paths

    async def save_dialog(self, filename: str = "", directory: str | os.PathLike[str] | None = None) -> str | None:
        """As `Window.save_dialog`."""
        path: str | None = await self._do("save_dialog", filename, directory)
        return path

    async def folder_dialog(self, directory: str | os.PathLike[str] | None = None) -> str | None:
        """As `Window.folder_dialog`."""
        path: str | None = await self._do("folder_dialog", directory)
        return path


def _value(outcome: Any) -> Any:
    if isinstance(outcome, JsPyError):
        raise outcome
    return outcome
