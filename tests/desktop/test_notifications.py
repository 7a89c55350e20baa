"""Notifications of the desktop, by Python and by a page: a service on a bus of its own receives them."""

from __future__ import annotations

import queue
import subprocess
import threading
from collections.abc import Callable, Iterator

import pytest
from jeepney import HeaderFields, new_method_return
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import open_dbus_connection

from tests.desktop.conftest import SECONDS, Program
from tests.desktop.x11 import Screen, active
from tests.timing import scaled
from tests.tools import need

Show = Callable[..., Program]


class Desktop:
    """The notification service of a desktop, on a session bus."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.capabilities = ["body"]
        self._shown: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
        self._bus = open_dbus_connection(bus=address)
        self._bus.send_and_get_reply(message_bus.RequestName("org.freedesktop.Notifications"))
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            message = self._bus.receive()
            member = message.header.fields.get(HeaderFields.member)
            if member == "GetCapabilities":
                self._bus.send(new_method_return(message, "as", (self.capabilities,)))
            elif member == "Notify":
                assert message.header.fields[HeaderFields.signature] == "susssasa{sv}i"
                self._shown.put(message.body[3:5])
                self._bus.send(new_method_return(message, "u", (1,)))
            elif member == "NameLost":
                return

    def notification(self) -> tuple[str, str]:
        """Return the title and the text of the next notification."""
        return self._shown.get(timeout=SECONDS)

    def leave(self) -> None:
        """Give up the name, after which the bus has no such service; also twice."""
        if self._thread.is_alive():
            self._bus.send(message_bus.ReleaseName("org.freedesktop.Notifications"))
            self._thread.join(SECONDS)
            self._bus.close()


@pytest.fixture
def desktop() -> Iterator[Desktop]:
    command = [need("dbus-daemon"), "--session", "--nofork", "--print-address=1"]
    daemon = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert daemon.stdout is not None
    with daemon.stdout as lines:
        desktop = Desktop(lines.readline().strip())
        yield desktop
        desktop.leave()
    daemon.terminate()
    daemon.wait(scaled(10))


def test_notifications(show: Show, screen: Screen, gui: str, desktop: Desktop) -> None:
    program = show(
        """
PAGE = '''<title>The page</title><script type="module">
import { expose } from "/jsmeetspy/jsmeets.mjs";
expose("notify", async () => {
    const answer = await Notification.requestPermission();
    const notification = new Notification("Of the page", { body: "1 < 2" });
    await new Promise((resolve, reject) => { notification.onshow = resolve; notification.onerror = reject; });
    return answer;
});
</script>'''
import asyncio
page = app.launch(PAGE, mode="window", title="Mine")
page.window.notify("Gr\\u00f6\\u00dfe", "is <2>")
asyncio.run(page.aio.window.notify("No text"))
say("ready")
if sys.stdin.readline() == "page\\n":
    say(page.call("notify", 10)())
    sys.stdin.readline()
for wrong in (lambda: page.window.notify("x"), lambda: page.window.notify(5)):
    try:
        wrong()
    except (JsPyError, TypeError) as error:
        say(error)
""",
        DBUS_SESSION_BUS_ADDRESS=desktop.address,
    )
    assert program.line() == "ready"
    assert [desktop.notification(), desktop.notification()] == [("Größe", "is <2>"), ("No text", "")]
    active(screen, "Mine")
    if gui == "qt":  # GTK denies it
        desktop.capabilities = ["body", "body-markup"]
        program.tell("page")
        assert program.line() == "granted"
        assert desktop.notification() == ("Of the page", "1 &lt; 2")
    desktop.leave()
    program.tell()
    assert "the window rejected the command" in program.line()
    assert program.line() == "the title of a notification must be a str; got 5"
    assert program.ended() == 0
