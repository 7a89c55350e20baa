"""An X screen as a user sees and uses it: windows, the keyboard, the close button."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from Xlib import XK, X, display, error
from Xlib.ext import xtest
from Xlib.protocol import event

from tests.timing import scaled, until

__all__ = ["ICONIC", "Screen", "WindowOnScreen", "active"]

ICONIC = 3  # of WM_STATE


class Screen:
    """A display with a window manager."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.display = display.Display(name)
        self.root = self.display.screen().root

    def property(self, window: Any, name: str) -> list[Any]:
        """Return the values of a property of a window; none where the property or the window is missing."""
        try:
            found = window.get_full_property(self.display.intern_atom(name), X.AnyPropertyType)
        except error.BadWindow:
            return []
        return [] if found is None else found.value

    def windows(self) -> Iterator[WindowOnScreen]:
        """Yield the windows of programs, oldest first."""
        for number in self.property(self.root, "_NET_CLIENT_LIST"):
            yield WindowOnScreen(self, self.display.create_resource_object("window", number))

    def window(self, title: str) -> WindowOnScreen:
        """Wait for the window of that title."""
        return until(lambda: next((window for window in self.windows() if window.title() == title), None))

    def dialog(self, behind: WindowOnScreen) -> WindowOnScreen:
        """Wait for another window that has the keyboard focus."""
        found = until(lambda: next((w for w in self.windows() if w.number != behind.number and w.is_active()), None))
        time.sleep(scaled(0.3))  # it is shown before it takes input
        return found

    def keys(self, *names: str) -> None:
        """Press keys together and release them: `keys("Control_L", "a")`."""
        codes = [self.display.keysym_to_keycode(XK.string_to_keysym(name)) for name in names]
        for code in codes:
            xtest.fake_input(self.display, X.KeyPress, code)
        for code in reversed(codes):
            xtest.fake_input(self.display, X.KeyRelease, code)
        self.display.sync()

    def type(self, text: str) -> None:
        """Type a text."""
        shift = self.display.keysym_to_keycode(XK.string_to_keysym("Shift_L"))
        for character in text:
            code, index = next(iter(self.display.keysym_to_keycodes(ord(character))))
            strokes = [shift, code] if index == 1 else [code]
            for stroke in strokes:
                xtest.fake_input(self.display, X.KeyPress, stroke)
            for stroke in reversed(strokes):
                xtest.fake_input(self.display, X.KeyRelease, stroke)
        self.display.sync()

    def drag(self, start: tuple[int, int], end: tuple[int, int]) -> None:
        """Press the mouse button at a position of the screen, move in steps to another one, and release it."""
        (x, y), (to_x, to_y) = start, end
        xtest.fake_input(self.display, X.MotionNotify, x=x, y=y)
        xtest.fake_input(self.display, X.ButtonPress, 1)
        for step in range(1, 11):
            xtest.fake_input(self.display, X.MotionNotify, x=x + (to_x - x) * step // 10, y=y + (to_y - y) * step // 10)
            self.display.sync()
            time.sleep(scaled(0.03))  # the page handles each of them
        xtest.fake_input(self.display, X.ButtonRelease, 1)
        self.display.sync()

    def choose(self, path: str) -> None:
        """Type a path into a file dialog of GTK."""
        self.keys("Control_L", "a")
        self.type(path[0])
        time.sleep(scaled(0.5))  # GTK opens a field for it
        self.type(path[1:])
        time.sleep(scaled(0.5))  # let the dialog complete the path
        self.keys("Return")


class WindowOnScreen:
    """A window of a program."""

    def __init__(self, screen: Screen, window: Any) -> None:
        self._screen = screen
        self._window = window
        self.number = int(window.id)

    def title(self) -> str:
        try:
            return bytes(self._screen.property(self._window, "_NET_WM_NAME")).decode()
        except error.BadWindow:  # gone meanwhile
            return ""

    def size(self) -> tuple[int, int]:
        """Return the size of the content."""
        found = self._window.get_geometry()
        return found.width, found.height

    def position(self) -> tuple[int, int]:
        """Return the position of the window with its decorations."""
        content = self._window.translate_coords(self._screen.root, 0, 0)
        left, _, top, _ = self.frame()
        return -content.x - left, -content.y - top

    def frame(self) -> list[int]:
        """Return the widths of the decorations: left, right, top and bottom."""
        return list(self._screen.property(self._window, "_NET_FRAME_EXTENTS"))

    def states(self) -> set[str]:
        """Return the states of the window, such as "MAXIMIZED_VERT", "FULLSCREEN" and "ABOVE"."""
        atoms = self._screen.property(self._window, "_NET_WM_STATE")
        return {self._screen.display.get_atom_name(atom).removeprefix("_NET_WM_STATE_") for atom in atoms}

    def is_iconic(self) -> bool:
        return self._screen.property(self._window, "WM_STATE")[0] == ICONIC

    def is_active(self) -> bool:
        return list(self._screen.property(self._screen.root, "_NET_ACTIVE_WINDOW")) == [self.number]

    def hints(self) -> Any:
        """Return the size hints for the window manager."""
        return self._window.get_wm_normal_hints()

    def has_icon(self) -> bool:
        return len(self._screen.property(self._window, "_NET_WM_ICON")) > 2

    def place(self, x: int, y: int, width: int, height: int) -> None:
        """Move and resize the window; the position is that with its decorations."""
        self._window.configure(x=x, y=y, width=width, height=height)
        self._screen.display.sync()

    def close(self) -> None:
        """Close the window as its close button does."""
        atom = self._screen.display.intern_atom("_NET_CLOSE_WINDOW")
        message = event.ClientMessage(window=self._window, client_type=atom, data=(32, [X.CurrentTime, 2, 0, 0, 0]))
        self._screen.root.send_event(message, event_mask=X.SubstructureRedirectMask | X.SubstructureNotifyMask)
        self._screen.display.sync()

    def drop(self, files: Sequence[Path]) -> bool:
        """Drag files to the middle of the window and drop them, as a file manager does (XDND).

        Return `False`, without dropping, if the window refuses them for a while.
        """
        names = ("XdndSelection", "XdndEnter", "XdndPosition", "XdndStatus", "XdndDrop", "XdndFinished", "XdndLeave")
        screen = self._screen.display
        atoms = {name: screen.intern_atom(name) for name in (*names, "XdndActionCopy", "text/uri-list")}
        source = self._screen.root.create_window(0, 0, 1, 1, 0, X.CopyFromParent)
        source.set_selection_owner(atoms["XdndSelection"], X.CurrentTime)

        def tell(name: str, *data: int) -> None:
            values = [source.id, *data, 0, 0, 0, 0][:5]
            message = event.ClientMessage(window=self._window, client_type=atoms[name], data=(32, values))
            self._window.send_event(message)
            screen.flush()

        def answers(name: str) -> Iterator[list[int]]:
            """Handle the events that have come, and yield the data of these messages."""
            for _ in range(screen.pending_events()):
                found = screen.next_event()
                if found.type == X.SelectionRequest:
                    text = "".join(f"{file.as_uri()}\r\n" for file in files)
                    found.requestor.change_property(found.property, found.target, 8, text.encode())
                    facts = ("time", "requestor", "selection", "target", "property")
                    found.requestor.send_event(event.SelectionNotify(**{fact: getattr(found, fact) for fact in facts}))
                    screen.flush()
                elif found.type == X.ClientMessage and found.client_type == atoms[name]:
                    yield list(found.data[1])

        middle = self._window.translate_coords(self._screen.root, 0, 0)
        width, height = self.size()
        place = (width // 2 - middle.x) << 16 | (height // 2 - middle.y)
        tell("XdndEnter", 5 << 24, atoms["text/uri-list"])
        for _ in range(60):  # the pointer stays, and the window asks the page
            tell("XdndPosition", 0, place, X.CurrentTime, atoms["XdndActionCopy"])
            time.sleep(scaled(0.05))
            if any(status[1] & 1 for status in answers("XdndStatus")):
                tell("XdndDrop", 0, X.CurrentTime)
                until(lambda: list(answers("XdndFinished")))
                source.destroy()
                return True
        tell("XdndLeave")
        source.destroy()
        screen.sync()
        return False


def active(screen: Screen, title: str) -> WindowOnScreen:
    """Wait until the window of that title has the keyboard focus."""
    window = screen.window(title)
    until(window.is_active)
    time.sleep(scaled(0.5))  # the title is set before the page takes input
    return window
