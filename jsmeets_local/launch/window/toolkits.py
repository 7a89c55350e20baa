"""Toolkits of windows: what pywebview leaves out, or does differently, in each.

Like `child.py`, this module and those that it imports do not import the package.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from .kept import Place
from .notifications import notify_by_gtk, notify_by_qt
from .threads import start_thread

__all__ = ["Toolkit", "toolkit_class"]

SETTLE_SECONDS = 2.0  # for a toolkit to process the earlier calls


class Toolkit:
    """Toolkit of macOS or Windows, for which pywebview does most; base class of the others.

    Args:
        window: The window of pywebview.
        program: The name of the program, for notifications.

    Attributes:
        has_downloads: True if pywebview's own handlers of downloads work.
        has_question: True if pywebview's own question before closing works.
        has_devtools: True if pywebview's own developer tools are used.
    """

    has_downloads = True
    has_question = True
    has_devtools = True

    def __init__(self, window: Any, program: str) -> None:
        self._window = window
        self._program = program

    def prepare(self, url: str, devtools: bool, close: Callable[[], None]) -> None:
        """Set up what pywebview leaves out, on the main thread, before the window appears.

        Args:
            url: The address of the page.
            devtools: True to offer developer tools.
            close: Called when the page agrees to close, after `may_close` has asked it.
        """

    def may_close(self, leaves: bool, question: str | None) -> bool | None:
        """Return `False` to keep the window open when it is about to close.

        Args:
            leaves: True if it closes without any more questions.
            question: The question for the user, if there is one.
        """
        return None

    def call(self, func: Callable[..., Any], *args: Any) -> None:
        """Call a function on the thread of the toolkit, perhaps later, or here with toolkits that allow it."""
        func(*args)

    def compute(self, func: Callable[..., Any], *args: Any) -> Any:
        """Call a function on the thread of the toolkit, and return its value."""
        future: Future[Any] = Future()

        def run() -> None:
            try:
                future.set_result(func(*args))
            except Exception as error:  # noqa: BLE001 - raised in the thread that waits
                future.set_exception(error)

        self.call(run)
        return future.result()

    def settle(self) -> None:
        """Wait until the toolkit has processed the earlier calls."""
        done = threading.Event()
        self.call(done.set)
        done.wait(SETTLE_SECONDS)

    def set_title(self, title: str) -> None:
        """Set the title of the window."""
        self._window.set_title(title)

    def position(self) -> list[int]:
        """Return the position of the window on the screen."""
        return [self._window.x, self._window.y]

    def origin(self, screens: list[tuple[int, int, int, int]]) -> tuple[int, int]:
        """Return the coordinates that pywebview adds to the initial position of a window."""
        return 0, 0

    def find_place(self, last: Place | None, shape: str) -> Place | None:
        """Return the place of the window, on the thread of the toolkit.

        Args:
            last: The last place, of which a window that is minimized or maximized keeps the size.
            shape: "maximized", "minimized" or "", as pywebview's events told.
        """
        window = self._window
        if shape == "minimized":
            return last
        if shape == "maximized":
            return last and last._replace(maximized=True)
        return Place(window.x, window.y, window.width, window.height, False)

    def resize(self, width: int, height: int, resizable: bool) -> None:
        """Set the size; `resizable` tells whether the user may change it."""
        self._window.resize(width, height)

    def restore(self) -> None:
        """End the minimized or maximized state."""
        self._window.restore()

    def bring_to_front(self) -> None:
        """Show the window in front of others."""
        self._window.show()

    def clipboard(self, text: str | None) -> str:
        """Set the text of the clipboard unless it is `None`, and return the text, on the thread of the toolkit."""
        raise _missing()

    def notify(self, title: str, text: str) -> None:
        """Show a notification of the desktop."""
        raise _missing()

    def cache_in_memory(self) -> None:
        """Keep the browser from writing its cache, which every program of the user would share."""

    def end_profile(self) -> None:
        """Let the browser write what pages have stored, after the window has closed."""

    def finish_profile(self) -> None:
        """Wait until all is written, at the end of the program."""


def _missing() -> NotImplementedError:
    return NotImplementedError("windows have this on Linux only")


class GtkToolkit(Toolkit):
    """GTK with WebKitGTK. pywebview's downloads need a folder for downloads."""

    has_downloads = False

    def prepare(self, url: str, devtools: bool, close: Callable[[], None]) -> None:
        view = self._window.gui.BrowserView.instances[self._window.uid]
        view.webview.get_context().connect("download-started", self._start_download, view)

    def _start_download(self, context: Any, download: Any, view: Any) -> None:
        from gi.repository import GLib
        from webview import FileDialog

        def save(download: Any, name: str) -> bool:
            chosen = view.create_file_dialog(FileDialog.SAVE, "", False, name, ())
            if chosen:
                download.set_allow_overwrite(True)  # the dialog has asked
                download.set_destination(GLib.filename_to_uri(chosen[0]))
            else:
                download.cancel()
            return True

        download.connect("decide-destination", save)

    def call(self, func: Callable[..., Any], *args: Any) -> None:
        from gi.repository import GLib

        GLib.idle_add(lambda: func(*args) and False)  # False: once

    def find_place(self, last: Place | None, shape: str) -> Place | None:
        native = self._window.native
        if native.is_maximized():
            return last and last._replace(maximized=True)
        (x, y), (width, height) = native.get_position(), native.get_size()
        return Place(x, y, width, height, False)

    def resize(self, width: int, height: int, resizable: bool) -> None:
        super().resize(width, height, resizable)
        if not resizable:
            self.call(self._window.native.set_size_request, width, height)

    def restore(self) -> None:
        super().restore()
        self.call(self._window.native.unmaximize)

    def bring_to_front(self) -> None:
        self.call(self._window.native.present)

    def clipboard(self, text: str | None) -> str:
        from gi.repository import Gdk, Gtk

        board = Gtk.Clipboard.get(Gdk.SELECTION_CLIPBOARD)
        if text is not None:
            board.set_text(text, -1)
        return board.wait_for_text() or ""

    def notify(self, title: str, text: str) -> None:
        notify_by_gtk(self._program, title, text)


class QtToolkit(Toolkit):
    """Qt with QtWebEngine.

    pywebview's downloads do not work with Qt 6, its question would outlive `close()`, and its developer tools are
    reached through a port without any access control.
    """

    has_downloads = False
    has_question = False
    has_devtools = False

    def __init__(self, window: Any, program: str) -> None:
        super().__init__(window, program)
        self._url = ""
        self._question: Any = None  # the open dialog that asks the user whether to close
        self._devtools_window: Any = None
        self._links: Any = None  # pywebview's page for links to other windows, which uses the profile, too

    def prepare(self, url: str, devtools: bool, close: Callable[[], None]) -> None:
        from qtpy.QtWebEngineWidgets import QWebEngineSettings

        self._url = url
        page = self._window.native.webview.page()
        page.windowCloseRequested.connect(close)
        page.profile().downloadRequested.connect(self._save_download)
        if hasattr(page, "permissionRequested"):  # since Qt 6.8
            page.settings().setAttribute(QWebEngineSettings.WebAttribute.NavigateOnDropEnabled, False)
            page.featurePermissionRequested.disconnect(page.onFeaturePermissionRequested)  # it denies the clipboard
            page.permissionRequested.connect(self._permit)
            page.profile().setNotificationPresenter(self._present)
        if devtools:
            self._offer_devtools()

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
        start_thread(self.notify, notification.title(), notification.message())

    # Developer tools -----------------------------------------------------------------------------------

    def _offer_devtools(self) -> None:
        """Open the developer tools by F12 and by the context menu; other toolkits do so by themselves."""
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
        _raise(self._devtools_window)

    # Closing -------------------------------------------------------------------------------------------

    def may_close(self, leaves: bool, question: str | None) -> bool | None:
        """Let the page decide, which then calls the `close` of `prepare`.

        It may ask its user to stay (`beforeunload`), and has its last word (`pagehide`).
        """
        native = self._window.native
        if self._question is not None:  # `close()` while the user is asked
            from qtpy.QtCore import QTimer

            self._question.reject()
            QTimer.singleShot(0, native.close)
            return False
        if leaves:
            if self._devtools_window is not None:
                self._devtools_window.close()
            return None
        if question is None or self._user_agrees(question):
            page = native.webview.page()
            page.triggerAction(page.WebAction.RequestClose)
        return False

    def _user_agrees(self, question: str) -> bool:
        from qtpy.QtWidgets import QMessageBox

        native, icon = self._window.native, QMessageBox.Icon.Question
        yes, no = QMessageBox.StandardButton.Yes, QMessageBox.StandardButton.No
        self._question = QMessageBox(icon, native.title, question, yes | no, native)
        self._question.setDefaultButton(no)
        try:
            return bool(self._question.exec() == yes)
        finally:
            self._question = None

    # Requests ------------------------------------------------------------------------------------------

    def call(self, func: Callable[..., Any], *args: Any) -> None:
        self._window.native.create_window_trigger.emit(lambda: func(*args))

    def set_title(self, title: str) -> None:
        super().set_title(title)
        self._window.native.title = title  # for dialogs

    def position(self) -> list[int]:
        return [self._window.native.x(), self._window.native.y()]  # pywebview reports the content, but moves the frame

    def origin(self, screens: list[tuple[int, int, int, int]]) -> tuple[int, int]:
        return screens[0][:2]  # pywebview adds those of the first screen

    def find_place(self, last: Place | None, shape: str) -> Place | None:
        native = self._window.native
        if not native.isVisible() or native.isMinimized():
            return last
        if native.isMaximized():
            return last and last._replace(maximized=True)
        return Place(native.x(), native.y(), native.width(), native.height(), False)

    def bring_to_front(self) -> None:
        self.call(_raise, self._window.native)

    def clipboard(self, text: str | None) -> str:
        from qtpy.QtWidgets import QApplication

        board = QApplication.clipboard()
        if text is not None:
            board.setText(text)
        return str(board.text())

    def notify(self, title: str, text: str) -> None:
        notify_by_qt(self._program, title, text)

    # Profile -------------------------------------------------------------------------------------------

    def cache_in_memory(self) -> None:
        """Cache files in memory only: their server is near, and Qt's folder belongs to all programs."""
        native = self._window.native
        native.profile.setHttpCacheType(native.profile.HttpCacheType.MemoryHttpCache)
        self._links = native.webview.page().nav_handler

    def end_profile(self) -> None:
        """Let Qt's browser write what pages have stored: it begins when the profile ends, and waits when Qt ends."""
        from qtpy.QtCore import QCoreApplication, QEvent

        native = self._window.native
        for thing in (self._devtools_window, self._links, native.webview, native.profile):
            if thing is not None:
                thing.deleteLater()
                QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)

    def finish_profile(self) -> None:
        """End Qt, which cannot be used any more."""
        import qtpy
        from qtpy.QtWidgets import QApplication

        if qtpy.API.startswith("pyqt"):
            from qtpy import sip as binding
        else:
            from qtpy import shiboken as binding
        binding.delete(QApplication.instance())


def _raise(window: Any) -> None:
    if window.isMinimized():
        window.showNormal()
    window.show()
    window.raise_()
    window.activateWindow()


def toolkit_class(name: str | None) -> type[Toolkit]:
    """Return the class of a toolkit by its name for pywebview ("qt"), or by that of its renderer ("qtwebengine")."""
    text = str(name)
    return QtToolkit if text.startswith("qt") else GtkToolkit if text.startswith("gtk") else Toolkit
