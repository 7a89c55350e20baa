"""A pywebview window on the main thread of its process.

Like `child.py`, this module and those that it imports do not import the package.
"""

from __future__ import annotations

import functools
import os
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from .kept import Place, PlaceKeeper, Profile
from .native_menus import native_menus
from .notifications import notify_by_gtk, notify_by_qt

__all__ = ["NativeWindow", "Send", "start_thread"]

CLOSE_QUESTION = "Do you really want to close this window?"
SETTLE_SECONDS = 2.0  # for a toolkit to process the earlier calls

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
        # pywebview's own handlers do not work with Qt 6, and with GTK only if there is a folder for downloads.
        webview.settings["ALLOW_DOWNLOADS"] = parameters["gui"] not in ("qt", "gtk")
        webview.settings["OPEN_DEVTOOLS_IN_DEBUG"] = False
        webview.settings["DRAG_REGION_SELECTOR"] = "[data-window-drag]"
        self._webview = webview
        self._program = parameters["program"]
        self._url = url
        self._icon = parameters["icon"]
        self._gui = parameters["gui"]
        self._resizable = parameters["resizable"]
        self._fullscreen = parameters["fullscreen"] and not parameters["hidden"]
        self._shape = "maximized" if parameters["maximized"] else ""  # or "minimized"; only for other toolkits
        self._when_shown = {name for name in ("maximized", "fullscreen") if parameters["hidden"] and parameters[name]}
        self._devtools = parameters["devtools"]
        self._devtools_window: Any = None
        self._confirm_close: bool | str = parameters["confirm_close"]
        self._question: Any = None  # the open dialog that asks the user whether to close
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
        self._set_question()
        self._window.events.shown += lambda: on_event("shown")
        self._window.events.closed += lambda: on_event("closed")
        self._window.events.before_show += self._prepare
        self._window.events.before_show += self._offer_devtools
        self._window.events.before_show += self._follow_page
        self._window.events.closing += self._may_close
        self._window.events.loaded += lambda: start_thread(self._take_title)
        self._window.events.loaded += self._take_drops_of_document
        self._profile: Profile | None = None
        self._links: Any = None  # pywebview's page of Qt for links to other windows, which uses the profile, too
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
            debug=self._devtools and self._gui != "qt",
            private_mode=profile is None,
            storage_path=None if profile is None else profile.path,
        )
        if profile is not None and self._is("qt"):
            self._end_profile()

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
            self._set_title(title)

    def _set_title(self, title: str) -> None:
        self._window.set_title(title)
        if self._is("qt"):
            self._window.native.title = title  # for dialogs

    def _prepare(self) -> None:
        """Set up what pywebview leaves out, on the main thread: downloads, and with Qt drops and permissions."""
        if self._is("qt"):
            self._prepare_qt()
        elif self._is("gtk"):
            view = self._window.gui.BrowserView.instances[self._window.uid]
            view.webview.get_context().connect("download-started", self._start_gtk_download, view)

    def _start_gtk_download(self, context: Any, download: Any, view: Any) -> None:
        from gi.repository import GLib

        def save(download: Any, name: str) -> bool:
            chosen = view.create_file_dialog(self._webview.FileDialog.SAVE, "", False, name, ())
            if chosen:
                download.set_allow_overwrite(True)  # the dialog has asked
                download.set_destination(GLib.filename_to_uri(chosen[0]))
            else:
                download.cancel()
            return True

        download.connect("decide-destination", save)

    def _prepare_qt(self) -> None:
        from qtpy.QtWebEngineWidgets import QWebEngineSettings

        page = self._window.native.webview.page()
        page.profile().downloadRequested.connect(self._save_download)
        if hasattr(page, "permissionRequested"):  # since Qt 6.8
            page.settings().setAttribute(QWebEngineSettings.WebAttribute.NavigateOnDropEnabled, False)
            page.featurePermissionRequested.disconnect(page.onFeaturePermissionRequested)  # it denies the clipboard
            page.permissionRequested.connect(self._permit)
            page.profile().setNotificationPresenter(self._present)

    def _permit(self, permission: Any) -> None:
        """Grant camera and microphone, as pywebview does; clipboard and notifications only to the page itself."""
        from qtpy.QtCore import QUrl

        kind, kinds = permission.permissionType(), type(permission).PermissionType
        asking, own = permission.origin(), QUrl(self._url)
        is_own = all(getattr(asking, part)() == getattr(own, part)() for part in ("scheme", "host", "port"))
        media = (kinds.MediaAudioCapture, kinds.MediaVideoCapture, kinds.MediaAudioVideoCapture)
        if kind in media or (is_own and kind in (kinds.ClipboardReadWrite, kinds.Notifications)):
            permission.grant()
        else:
            permission.deny()

    def _present(self, notification: Any) -> None:
        """Show a notification of the page."""
        notification.show()
        start_thread(self.do_notify, notification.title(), notification.message())

    def _save_download(self, download: Any) -> None:
        from qtpy.QtWidgets import QFileDialog

        path, _ = QFileDialog.getSaveFileName(self._window.native, "", download.downloadFileName())
        if path:
            folder, name = os.path.split(path)
            download.setDownloadDirectory(folder)
            download.setDownloadFileName(name)
            download.accept()
        else:
            download.cancel()

    # Closing -------------------------------------------------------------------------------------------

    def _set_question(self) -> None:
        """Let pywebview ask before the window closes, except with Qt, where its dialog would outlive `close()`."""
        self._window.confirm_close = bool(self._confirm_close) and self._gui != "qt"
        text = {"global.quitConfirmation": self._question_text}
        self._window.localization_override = text  # for a window that is not created yet
        getattr(self._window, "localization", {}).update(text)

    @property
    def _question_text(self) -> str:
        return self._confirm_close if isinstance(self._confirm_close, str) else CLOSE_QUESTION

    def _follow_page(self) -> None:
        if self._is("qt"):
            self._window.native.webview.page().windowCloseRequested.connect(self._close_after_page)

    def _may_close(self) -> bool | None:
        """Return `False` to keep the window open. With Qt, the page decides, and calls `_close_after_page`.

        It may ask its user to stay (`beforeunload`), and has its last word (`pagehide`).
        """
        if not self._is("qt"):
            return None
        native = self._window.native
        if self._question is not None:  # `close()` while the user is asked
            from qtpy.QtCore import QTimer

            self._question.reject()
            QTimer.singleShot(0, native.close)
            return False
        if self._leaves:
            if self._devtools_window is not None:
                self._devtools_window.close()
            return None
        if not self._confirm_close or self._user_agrees():
            page = native.webview.page()
            page.triggerAction(page.WebAction.RequestClose)
        return False

    def _user_agrees(self) -> bool:
        from qtpy.QtWidgets import QMessageBox

        native, icon = self._window.native, QMessageBox.Icon.Question
        yes, no = QMessageBox.StandardButton.Yes, QMessageBox.StandardButton.No
        self._question = QMessageBox(icon, native.title, self._question_text, yes | no, native)
        self._question.setDefaultButton(no)
        try:
            return bool(self._question.exec() == yes)
        finally:
            self._question = None

    def _close_after_page(self) -> None:
        if not self._leaves:
            self._leaves = True
            self._window.native.close()

    # Developer tools -----------------------------------------------------------------------------------

    def _offer_devtools(self) -> None:
        """Open the developer tools by F12 and by the context menu, with Qt; other toolkits do so by themselves.

        pywebview's own are reached through a port without any access control.
        """
        if not (self._devtools and self._is("qt")):
            return
        from qtpy.QtCore import Qt
        from qtpy.QtGui import QKeySequence, QShortcut

        native = self._window.native
        native.webview.setContextMenuPolicy(Qt.ContextMenuPolicy.DefaultContextMenu)
        native.webview.show_inspector = self._show_devtools
        QShortcut(QKeySequence("F12"), native).activated.connect(self._show_devtools)

    def _show_devtools(self) -> None:
        if self._devtools_window is None:
            from qtpy.QtWebEngineWidgets import QWebEngineView

            self._devtools_window = QWebEngineView()
            self._devtools_window.resize(900, 600)
            self._devtools_window.setWindowTitle(f"Developer tools: {self._window.native.title}")
            self._window.native.webview.page().setDevToolsPage(self._devtools_window.page())
        self._devtools_window.show()
        _raise_qt(self._devtools_window)

    # Storage -------------------------------------------------------------------------------------------

    def _keep(self, folder: str) -> None:
        """Keep the data of the page and the place of the window in a storage folder, unless another window does."""
        try:
            self._profile = Profile(folder, "window")
        except BlockingIOError:
            self._on_event("in use")
            return
        keeper = PlaceKeeper(folder, self._find_place, self._on_toolkit_thread)
        events = self._window.events
        if keeper.place is not None:
            events.initialized += functools.partial(self._take_place, keeper.place)
        events.before_show += self._take_profile
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
            left, top, *_ = screens[0] if self._is("qt") else (0, 0)  # pywebview adds those of the first screen
            window.initial_x, window.initial_y = place.x - left, place.y - top

    def _find_place(self, last: Place | None) -> Place | None:
        """Return the place of the window, on the thread of the toolkit."""
        native = self._window.native
        if self._fullscreen:
            return last
        if self._is("qt"):
            if not native.isVisible() or native.isMinimized():
                return last
            if not native.isMaximized():
                return Place(native.x(), native.y(), native.width(), native.height(), False)
        elif self._is("gtk"):
            if not native.is_maximized():
                (x, y), (width, height) = native.get_position(), native.get_size()
                return Place(x, y, width, height, False)
        elif self._shape != "maximized":
            if self._shape == "minimized":
                return last
            return Place(self._window.x, self._window.y, self._window.width, self._window.height, False)
        return last and last._replace(maximized=True)

    def _take_profile(self) -> None:
        """Cache files in memory only, with Qt: their server is near, and Qt's folder belongs to all programs."""
        if self._is("qt"):
            native = self._window.native
            native.profile.setHttpCacheType(native.profile.HttpCacheType.MemoryHttpCache)
            self._links = native.webview.page().nav_handler

    def leave_storage(self) -> None:
        """Let another window use the storage folder, after `run()`."""
        if self._profile is not None:
            self._profile.release()

    def finish_storage(self) -> None:
        """Wait until all is written to the storage folder, after `run()`. Qt cannot be used any more."""
        if self._profile is not None and self._is("qt"):
            import qtpy
            from qtpy.QtWidgets import QApplication

            if qtpy.API.startswith("pyqt"):
                from qtpy import sip as binding
            else:
                from qtpy import shiboken as binding
            binding.delete(QApplication.instance())

    def _end_profile(self) -> None:
        """Let Qt's browser write what pages have stored: it begins when the profile ends, and waits when Qt ends."""
        from qtpy.QtCore import QCoreApplication, QEvent

        native = self._window.native
        for thing in (self._devtools_window, self._links, native.webview, native.profile):
            if thing is not None:
                thing.deleteLater()
                QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)

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
        self._set_title(title)
        self._settle()

    def do_get_size(self) -> list[int]:
        return [self._window.width, self._window.height]

    def do_resize(self, width: int, height: int) -> None:
        self._window.resize(width, height)
        if self._is("gtk") and not self._resizable:
            self._later(self._window.native.set_size_request, width, height)
        self._settle()

    def do_get_position(self) -> list[int]:
        if self._is("qt"):  # pywebview reports the position of the content, but moves the frame
            return [self._window.native.x(), self._window.native.y()]
        return [self._window.x, self._window.y]

    def do_move(self, x: int, y: int) -> None:
        self._window.move(x, y)
        self._settle()

    def do_show(self) -> None:
        self._window.show()
        wanted, self._when_shown = self._when_shown, set()
        if "maximized" in wanted:
            self._window.maximize()
        if "fullscreen" in wanted:
            self.do_fullscreen(True)
        self._settle()

    def do_hide(self) -> None:
        self._window.hide()
        self._settle()

    def do_get_confirm_close(self) -> bool | str:
        return self._confirm_close

    def do_set_confirm_close(self, confirm: bool | str) -> None:
        self._confirm_close = confirm
        self._set_question()

    def do_minimize(self) -> None:
        self._window.minimize()
        self._settle()

    def do_maximize(self) -> None:
        self._window.maximize()
        self._settle()

    def do_restore(self) -> None:
        self.do_fullscreen(False)
        self._window.restore()
        if self._is("gtk"):
            self._later(self._window.native.unmaximize)
        self._settle()

    def do_fullscreen(self, on: bool) -> None:
        if on != self._fullscreen:  # pywebview can only toggle full screen
            self._fullscreen = on
            self._window.toggle_fullscreen()
        self._settle()

    def do_bring_to_front(self) -> None:
        native = self._window.native
        if self._is("gtk"):
            self._later(native.present)
        elif self._is("qt"):
            self._later(_raise_qt, native)
        else:
            self._window.show()
        self._settle()

    def do_get_clipboard(self) -> str:
        return str(self._compute(self._clipboard_of_toolkit, None))

    def do_set_clipboard(self, text: str) -> None:
        self._compute(self._clipboard_of_toolkit, text)

    def _clipboard_of_toolkit(self, text: str | None) -> str:
        """Set the text of the clipboard unless it is `None`, and return the text, on the main thread."""
        if self._is("qt"):
            from qtpy.QtWidgets import QApplication

            board = QApplication.clipboard()
            if text is not None:
                board.setText(text)
            return str(board.text())
        from gi.repository import Gdk, Gtk

        board = Gtk.Clipboard.get(Gdk.SELECTION_CLIPBOARD)
        if text is not None:
            board.set_text(text, -1)
        return board.wait_for_text() or ""

    def do_notify(self, title: str, text: str) -> None:
        self._check_toolkit()
        notify = notify_by_qt if self._is("qt") else notify_by_gtk
        notify(self._program, title, text)

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

    # The toolkit ---------------------------------------------------------------------------------------

    def _is(self, toolkit: str) -> bool:
        return str(self._webview.renderer).startswith(toolkit)

    def _later(self, func: Callable[..., Any], *args: Any) -> None:
        """Call a function on the main thread, which runs the toolkit (Qt and GTK)."""
        if self._is("qt"):
            self._window.native.create_window_trigger.emit(lambda: func(*args))
        elif self._is("gtk"):
            from gi.repository import GLib

            GLib.idle_add(lambda: func(*args) and False)  # False: once

    def _on_toolkit_thread(self, func: Callable[[], None]) -> None:
        """Call a function on the thread of the toolkit, or here with toolkits that allow it."""
        if self._is("qt") or self._is("gtk"):
            self._later(func)
        else:
            func()

    def _check_toolkit(self) -> None:
        if not (self._is("qt") or self._is("gtk")):
            raise NotImplementedError("windows have this on Linux only")

    def _compute(self, func: Callable[..., Any], *args: Any) -> Any:
        """Call a function on the main thread, and return its value."""
        self._check_toolkit()
        future: Future[Any] = Future()

        def run() -> None:
            try:
                future.set_result(func(*args))
            except Exception as error:  # noqa: BLE001 - raised in the thread that waits
                future.set_exception(error)

        self._later(run)
        return future.result()

    def _settle(self) -> None:
        """Wait until the toolkit has processed the earlier calls."""
        if self._is("qt") or self._is("gtk"):
            done = threading.Event()
            self._later(done.set)
            done.wait(SETTLE_SECONDS)


def _raise_qt(window: Any) -> None:
    if window.isMinimized():
        window.showNormal()
    window.show()
    window.raise_()
    window.activateWindow()


def _first(paths: list[str]) -> str | None:
    return paths[0] if paths else None


def start_thread(func: Callable[..., Any], *args: Any) -> None:
    """Call a function on a new daemon thread."""
    threading.Thread(target=func, args=args, name="jsmeets-window", daemon=True).start()
