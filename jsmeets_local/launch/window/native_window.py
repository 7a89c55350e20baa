"""A pywebview window on the main thread of its process.

Like `child.py`, this module and those that it imports do not import the package.
"""

from __future__ import annotations

import functools
import queue
import threading
from collections.abc import Callable
from typing import Any

from .kept import Place, PlaceKeeper, Profile
from .native_menus import native_menus
from .threads import start_thread
from .toolkits import toolkit_class

__all__ = ["NativeWindow", "Send"]

CLOSE_QUESTION = "Do you really want to close this window?"

# Lets the user drop files on a document; pages that take files do the same for a part of it.
_ACCEPT_FILES = """
for (const kind of ["dragover", "drop"]) {
    document.addEventListener(kind, (event) => {
        if (event.dataTransfer.types.includes("Files")) {
            event.preventDefault();
        }
    });
}
"""

Send = Callable[[dict[str, Any]], None]


class NativeWindow:
    """A pywebview window. It accepts requests from any thread and responds on its own threads.

    Args:
        url: The URL to show.
        parameters: The result of `window_parameters()`, and "gui", the toolkit.
        on_event: Called on any thread with an event and its arguments: "shown", "in use" (another window uses the
            storage), "chosen" (the number of a menu item), "dropped" (a list of paths), "closed".
    """

    def __init__(self, url: str, parameters: dict[str, Any], on_event: Callable[..., None]) -> None:
        import webview  # slow to import, and not needed in the parent of a window process

        # If the window closes while a thread of pywebview waits for the document, that thread never ends. As a daemon
        # it does not prevent the exit.
        webview.util.Thread = functools.partial(threading.Thread, daemon=True)
        toolkit = toolkit_class(parameters["gui"])
        webview.settings["ALLOW_DOWNLOADS"] = toolkit.has_downloads
        webview.settings["OPEN_DEVTOOLS_IN_DEBUG"] = False
        webview.settings["DRAG_REGION_SELECTOR"] = "[data-window-drag]"
        self._webview = webview
        self._program = parameters["program"]
        self._url = url
        self._icon = parameters["icon"]
        self._gui = parameters["gui"]
        self._resizable = parameters["resizable"]
        self._fullscreen = parameters["fullscreen"] and not parameters["hidden"]
        self._shape = "maximized" if parameters["maximized"] else ""  # or "minimized", as pywebview's events tell
        self._when_shown = {name for name in ("maximized", "fullscreen") if parameters["hidden"] and parameters[name]}
        self._devtools = parameters["devtools"]
        self._confirm_close: bool | str = parameters["confirm_close"]
        self._leaves = False  # the window closes without any more questions
        self._on_event = on_event
        self._is_loaded = self._watches_drops = False
        self._drops_lock = threading.Lock()
        self._menu = native_menus(parameters["menu"], self._gui, functools.partial(on_event, "chosen"))
        self._titled = parameters["title"] is not None  # otherwise the window takes the document's title
        x, y = parameters["position"] or (None, None)
        # In Qt, a window that is not resizable can still shrink.
        smallest = parameters["min_size"] if self._resizable else (parameters["width"], parameters["height"])
        self._window = webview.create_window(
            parameters["title"] or parameters["program"],
            url,
            width=parameters["width"],
            height=parameters["height"],
            x=x,
            y=y,
            resizable=parameters["resizable"],
            fullscreen=self._fullscreen,
            maximized=parameters["maximized"] and not parameters["hidden"],
            hidden=parameters["hidden"],
            frameless=parameters["frameless"],
            easy_drag=False,  # it would take the place of selecting text; elements with data-window-drag move it
            on_top=parameters["on_top"],
            min_size=tuple(smallest),
            text_select=True,
        )
        self._toolkit = toolkit(self._window, parameters["program"])
        self._set_question()
        self._window.events.initialized += self._choose_toolkit
        self._window.events.shown += lambda: on_event("shown")
        self._window.events.closed += lambda: on_event("closed")
        self._window.events.before_show += self._prepare
        self._window.events.closing += self._may_close
        self._window.events.loaded += lambda: start_thread(self._take_title)
        self._window.events.loaded += self._take_drops_of_document
        self._profile: Profile | None = None
        if parameters["storage"] is not None:
            self._keep(parameters["storage"])
        self._serial_queues: dict[bool, queue.SimpleQueue[tuple[str, list[Any], Send]]] = {
            is_dialog: queue.SimpleQueue() for is_dialog in (False, True)
        }

    def run(self, before_show: Callable[[], None] | None = None) -> None:
        """Show the window and return when it is closed. Only on the main thread.

        Args:
            before_show: Called on that thread just before the window appears.
        """
        if before_show is not None:
            self._window.events.before_show += before_show
        for serial_queue in self._serial_queues.values():
            start_thread(self._serve, serial_queue)
        profile = self._profile
        self._webview.start(
            gui=self._gui,
            icon=self._icon,
            menu=self._menu,
            debug=self._devtools and self._toolkit.has_devtools,
            private_mode=profile is None,
            storage_path=None if profile is None else profile.path,
        )
        if profile is not None:
            self._toolkit.end_profile()

    def close(self) -> None:
        """Close the window without asking its user, once it is shown."""
        self._leaves = True
        self._window.confirm_close = False
        self._window.destroy()

    def request(self, method: str, args: list[Any], answer: Send) -> None:
        """Queue a call of a `do_` method. Calls run in order; an open dialog delays only other dialogs.

        Args:
            method: The name of the method, without `do_`.
            args: Its arguments.
            answer: Called with `{"value": ...}` or `{"error": text}`, on another thread.
        """
        self._serial_queues[method.endswith("_dialog")].put((method, args, answer))

    def _serve(self, serial_queue: queue.SimpleQueue[tuple[str, list[Any], Send]]) -> None:
        self._window.events.shown.wait()
        while True:
            method, args, answer = serial_queue.get()
            try:
                value = getattr(self, f"do_{method}")(*args)
            except Exception as error:  # noqa: BLE001 - the response carries it
                answer({"error": f"{type(error).__name__}: {error}"})
            else:
                answer({"value": value})

    def _take_title(self) -> None:
        title = None if self._titled else self._window.run_js("document.title")
        if title and not self._titled:  # a request may have set one in the meantime
            self._toolkit.set_title(title)

    def _choose_toolkit(self) -> None:
        """Take another toolkit if pywebview could not load the one that it was given."""
        toolkit = toolkit_class(self._webview.renderer)
        if type(self._toolkit) is not toolkit:
            self._toolkit = toolkit(self._window, self._program)

    def _prepare(self) -> None:
        self._toolkit.prepare(self._url, self._devtools, self._close_after_page)

    # Closing -------------------------------------------------------------------------------------------

    def _set_question(self) -> None:
        """Let pywebview ask before the window closes, where its question works."""
        self._window.confirm_close = bool(self._confirm_close) and self._toolkit.has_question
        text = {"global.quitConfirmation": self._question_text}
        self._window.localization_override = text  # for a window that is not created yet
        getattr(self._window, "localization", {}).update(text)

    @property
    def _question_text(self) -> str:
        return self._confirm_close if isinstance(self._confirm_close, str) else CLOSE_QUESTION

    def _may_close(self) -> bool | None:
        return self._toolkit.may_close(self._leaves, self._question_text if self._confirm_close else None)

    def _close_after_page(self) -> None:
        """Close the window, as its page agrees."""
        if not self._leaves:
            self._leaves = True
            self._window.native.close()

    # Storage -------------------------------------------------------------------------------------------

    def _keep(self, folder: str) -> None:
        """Keep the data of the page and the place of the window in a storage folder, unless another window does."""
        try:
            self._profile = Profile(folder, "window")
        except BlockingIOError:
            self._on_event("in use")
            return
        keeper = PlaceKeeper(folder, self._find_place, lambda save: self._toolkit.call(save))
        events = self._window.events
        if keeper.place is not None:
            events.initialized += functools.partial(self._take_place, keeper.place)
        events.before_show += lambda: self._toolkit.cache_in_memory()
        for event, shape in ((events.maximized, "maximized"), (events.minimized, "minimized"), (events.restored, "")):
            event += functools.partial(setattr, self, "_shape", shape)
        for event in (events.moved, events.resized, events.maximized, events.restored):
            event += keeper.moved
        events.closing += keeper.save
        start_thread(keeper.follow)

    def _take_place(self, place: Place) -> None:
        """Let the window appear at its last place; called before pywebview creates it."""
        window = self._window
        if self._resizable:
            window.initial_width = max(place.width, window.min_size[0])
            window.initial_height = max(place.height, window.min_size[1])
            window.maximized = place.maximized and not window.hidden
            if window.hidden and place.maximized:
                self._when_shown.add("maximized")
            else:
                self._when_shown.discard("maximized")
        screens = [(screen.x, screen.y, screen.width, screen.height) for screen in self._webview.screens]
        if place.is_reachable(screens):
            left, top = self._toolkit.origin(screens)
            window.initial_x, window.initial_y = place.x - left, place.y - top

    def _find_place(self, last: Place | None) -> Place | None:
        """Return the place of the window, on the thread of the toolkit."""
        return last if self._fullscreen else self._toolkit.find_place(last, self._shape)

    def leave_storage(self) -> None:
        """Let another window use the storage folder, after `run()`."""
        if self._profile is not None:
            self._profile.release()

    def finish_storage(self) -> None:
        """Wait until all is written to the storage folder, after `run()`. The toolkit cannot be used any more."""
        if self._profile is not None:
            self._toolkit.finish_profile()

    # Drops ---------------------------------------------------------------------------------------------

    def _take_drops_of_document(self) -> None:
        """Watch the drops of a new document. pywebview has forgotten those of the last one."""
        with self._drops_lock:
            self._is_loaded = True
            if not self._watches_drops:
                return
        start_thread(self._take_drops)

    def _take_drops(self) -> None:
        self._window.run_js(_ACCEPT_FILES)
        self._window.dom.document.events.drop += self._report_drop

    def _report_drop(self, event: dict[str, Any]) -> None:
        """Report a drop on the document, on a thread of its own. Files that a script has dropped have no path."""
        files = event["dataTransfer"].get("files", [])
        paths = [file["pywebviewFullPath"] for file in files if "pywebviewFullPath" in file]
        if paths:
            self._on_event("dropped", paths)

    # Requests ------------------------------------------------------------------------------------------

    def do_get_title(self) -> str:
        return str(self._window.title)

    def do_set_title(self, title: str) -> None:
        self._titled = True
        self._toolkit.set_title(title)
        self._toolkit.settle()

    def do_get_size(self) -> list[int]:
        return [self._window.width, self._window.height]

    def do_resize(self, width: int, height: int) -> None:
        self._toolkit.resize(width, height, self._resizable)
        self._toolkit.settle()

    def do_get_position(self) -> list[int]:
        return self._toolkit.position()

    def do_move(self, x: int, y: int) -> None:
        self._window.move(x, y)
        self._toolkit.settle()

    def do_show(self) -> None:
        self._window.show()
        wanted, self._when_shown = self._when_shown, set()
        if "maximized" in wanted:
            self._window.maximize()
        if "fullscreen" in wanted:
            self.do_fullscreen(True)
        self._toolkit.settle()

    def do_hide(self) -> None:
        self._window.hide()
        self._toolkit.settle()

    def do_get_confirm_close(self) -> bool | str:
        return self._confirm_close

    def do_set_confirm_close(self, confirm: bool | str) -> None:
        self._confirm_close = confirm
        self._set_question()

    def do_minimize(self) -> None:
        self._window.minimize()
        self._toolkit.settle()

    def do_maximize(self) -> None:
        self._window.maximize()
        self._toolkit.settle()

    def do_restore(self) -> None:
        self.do_fullscreen(False)
        self._toolkit.restore()
        self._toolkit.settle()

    def do_fullscreen(self, on: bool) -> None:
        if on != self._fullscreen:  # pywebview can only toggle full screen
            self._fullscreen = on
            self._window.toggle_fullscreen()
        self._toolkit.settle()

    def do_bring_to_front(self) -> None:
        self._toolkit.bring_to_front()
        self._toolkit.settle()

    def do_get_clipboard(self) -> str:
        return str(self._toolkit.compute(self._toolkit.clipboard, None))

    def do_set_clipboard(self, text: str) -> None:
        self._toolkit.compute(self._toolkit.clipboard, text)

    def do_notify(self, title: str, text: str) -> None:
        self._toolkit.notify(title, text)

    def do_watch_drops(self) -> None:
        with self._drops_lock:
            begins = self._is_loaded and not self._watches_drops
            self._watches_drops = True
        if begins:
            self._take_drops()

    def do_open_dialog(self, directory: str, multiple: bool, file_types: list[str]) -> list[str]:
        return self._ask_for_files("OPEN", directory=directory, allow_multiple=multiple, file_types=file_types)

    def do_save_dialog(self, directory: str, filename: str) -> str | None:
        return _first(self._ask_for_files("SAVE", directory=directory, save_filename=filename))

    def do_folder_dialog(self, directory: str) -> str | None:
        return _first(self._ask_for_files("FOLDER", directory=directory))

    def _ask_for_files(self, kind: str, **options: Any) -> list[str]:
        chosen = self._window.create_file_dialog(self._webview.FileDialog[kind], **options)
        return [chosen] if isinstance(chosen, str) else [str(path) for path in chosen or ()]


def _first(paths: list[str]) -> str | None:
    return paths[0] if paths else None
