"""Notifications of the desktop, by its service on the session bus (Desktop Notifications Specification 1.2)."""

from __future__ import annotations

import html
from typing import Any

__all__ = ["notify_by_gtk", "notify_by_qt"]

# The service, its object and its interface.
_NOTIFICATIONS = ("org.freedesktop.Notifications", "/org/freedesktop/Notifications", "org.freedesktop.Notifications")


def notify_by_qt(program: str, title: str, text: str) -> None:
    """Show a notification, with the D-Bus library of Qt.

    Raises:
        OSError: There is no service.
    """
    from qtpy.QtCore import QMetaType, QVariant
    from qtpy.QtDBus import QDBusConnection, QDBusMessage

    def typed(value: Any, kind: Any) -> Any:
        variant = QVariant(value)
        variant.convert(QMetaType(kind.value))
        return variant

    def call(method: str, *args: Any) -> list[Any]:
        message = QDBusMessage.createMethodCall(*_NOTIFICATIONS, method)
        message.setArguments(args)
        answer = QDBusConnection.sessionBus().call(message)
        if answer.type() == QDBusMessage.MessageType.ErrorMessage:
            raise OSError(answer.errorMessage())
        return list(answer.arguments())

    text = _body(text, call("GetCapabilities")[0])
    replaced, actions = typed(0, QMetaType.Type.UInt), typed([], QMetaType.Type.QStringList)
    call("Notify", program, replaced, "", title, text, actions, {}, -1)


def notify_by_gtk(program: str, title: str, text: str) -> None:
    """Show a notification, with the D-Bus library of GTK.

    Raises:
        GLib.Error: There is no service.
    """
    from gi.repository import Gio, GLib

    def call(method: str, args: Any) -> Any:
        bus = Gio.bus_get_sync(Gio.BusType.SESSION)
        return bus.call_sync(*_NOTIFICATIONS, method, args, None, Gio.DBusCallFlags.NONE, -1, None).unpack()

    text = _body(text, call("GetCapabilities", None)[0])
    call("Notify", GLib.Variant("(susssasa{sv}i)", (program, 0, "", title, text, [], {}, -1)))


def _body(text: str, capabilities: list[str]) -> str:
    return html.escape(text, quote=False) if "body-markup" in capabilities else text
