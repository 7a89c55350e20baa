"""launch(): the page it opens, the events it waits for, and the resources it releases."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import psutil
import pytest

from jsmeets_local import (
    Bridge,
    BridgeBusy,
    CallTimeout,
    Disconnected,
    JsMeetsPy,
    LaunchError,
    Page,
    PageClosed,
    WouldDeadlock,
)
from jsmeets_local.server.script_tags import with_scripts
from tests.raw import RawPage, as_page
from tests.timing import scaled

ROOT = Path(__file__).parent.parent.parent


def get(page: Page, path: str | None = None) -> str:
    url = page.url.partition("#")[0]
    if path is not None:
        url = url.rpartition("/")[0] + path
    with urllib.request.urlopen(url) as response:
        return str(response.read().decode())


def port_of(page: Page) -> int:
    return int(page.url.split(":")[2].split("/")[0])


# What may be launched ----------------------------------------------------------------------------------------


def test_launching_html(app: JsMeetsPy) -> None:
    first = app.launch("<!DOCTYPE html>\n<html>\n<head lang='en'><title>x</title></head>y", mode="none")
    text = get(first)
    assert text.startswith("<!DOCTYPE html>\n<html>\n<head lang='en'>\n<script src=\"/jsmeetspy/jsmeets.js\"></script>")
    assert text.endswith("<title>x</title></head>y")
    own = "<script src='/static/JsPyTextSocket.js'></script>"
    second = app.launch(own, mode="none")
    assert get(second) == own
    assert port_of(first) == port_of(second)
    assert app.launch(own, mode="none").url.split("#")[0] == second.url.split("#")[0]
    assert get(app.launch("<header>h</header>", mode="none")).startswith("<!DOCTYPE html>\n<script")


def test_launching_a_route_template_static_page_or_file(tmp_path: Path) -> None:
    for folder in ("stat", "temp", "site"):
        (tmp_path / folder).mkdir()
    (tmp_path / "stat" / "s.html").write_text("static")
    (tmp_path / "temp" / "t.html").write_text("template {{ request.url.path }}")
    (tmp_path / "site" / "f.html").write_text("file")
    (tmp_path / "site" / "style.css").write_text("css")
    app = JsMeetsPy(bridge=Bridge(), static=str(tmp_path / "stat"), templates=str(tmp_path / "temp"))

    @app.route("/route")
    async def route(request: Any) -> Any:
        return app.templates.TemplateResponse("t.html")

    try:
        assert get(app.launch("/route?x=1#part", mode="none")) == "template /route"
        assert app.launch("/route?x=1#part", mode="none").url.endswith(";part")
        assert get(app.launch("t.html", mode="none")) == "template /t.html"
        assert get(app.launch("s.html", mode="none")) == "static"
        page = app.launch(str(tmp_path / "site" / "f.html"), mode="none")
        assert get(page) == with_scripts("file")
        assert get(page, "/style.css") == "css"
        with pytest.raises(HTTPError, match="404"):
            get(page, "/../temp/t.html")
        with pytest.raises(
            FileNotFoundError, match=r": no template in .*temp, no static file in .*stat, no file .*missing\.html$"
        ):
            app.launch("missing.html", mode="none")
        with pytest.raises(FileNotFoundError, match='nothing is served at "/"'):
            app.launch(mode="none")
    finally:
        app.stop()


def test_index_pages_are_found_for_the_root(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("the index")
    for options in ({"templates": str(tmp_path)}, {"static": str(tmp_path)}):
        app = JsMeetsPy(bridge=Bridge(), **options)  # type: ignore[arg-type]
        try:
            assert get(app.launch(mode="none")) == "the index"
        finally:
            app.stop()


# What it says when it cannot ---------------------------------------------------------------------------------


def test_a_taken_port_is_an_error_of_the_caller(app: JsMeetsPy) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"port {port} of 127.0.0.1 cannot be used"):
            app.launch("<p>", mode="none", port=port)
    assert port_of(app.launch("<p>", mode="none", port=port)) == port
    with pytest.raises(LaunchError, match="is already served at"):
        app.launch("<p>", mode="none", port=port + 1)


def test_modes(app: JsMeetsPy) -> None:
    modes = "'auto', 'browser', 'app', 'window', 'auto-window', 'notebook', 'none'"
    with pytest.raises(ValueError, match=f"mode must be one of {modes}; got 'tab'"):
        app.launch("<p>", mode="tab")


@pytest.mark.parametrize("kind", ["lifespan", "startup"])
def test_errors_at_startup_come_out_of_launch(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    class Wrong(Exception):
        pass

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        raise Wrong("at startup")
        yield

    def startup() -> None:
        raise Wrong("at startup")

    options: dict[str, Any] = {"lifespan": lifespan} if kind == "lifespan" else {"on_startup": [startup]}
    app = JsMeetsPy(bridge=Bridge(), **options)
    threads = {*threading.enumerate()}
    with pytest.raises(Wrong, match="at startup"):
        app.launch("<p>", mode="none")
    assert {*threading.enumerate()} <= threads


def browser(tmp_path: Path, text: str) -> str:
    """Write a program that serves as the default browser."""
    script = tmp_path / "browser"
    script.write_text(f"#!/bin/sh\n{text}\n")
    script.chmod(script.stat().st_mode | stat.S_IEXEC)
    return f"{script} %s"


def run_python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a script in its own process, where `webbrowser` reads the environment anew."""
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=scaled(60),
        check=False,
    )


def test_a_page_that_never_connects_is_an_error_that_names_the_url(tmp_path: Path) -> None:
    code = """
from jsmeets_local import *
try:
    JsMeetsPy().launch('<p>', timeout=0.3)
except LaunchError as error:
    print(error)
"""
    result = run_python(code, BROWSER=browser(tmp_path, "sleep 2") + " &")  # one that is still there
    assert "no page connected within 0.3 s at http://127.0.0.1:" in result.stdout, result.stderr
    assert "jsmeets=" not in result.stdout


def test_a_second_application_on_a_bridge_is_an_error_without_a_log(caplog: pytest.LogCaptureFixture) -> None:
    bridge = Bridge()
    with JsMeetsPy(bridge=bridge).launch("<p>one</p>", mode="none"):
        with pytest.raises(BridgeBusy, match=r"call stop\(\) of that one first, or .* JsMeetsPy\(bridge=Bridge\(\)\)"):
            JsMeetsPy(bridge=bridge).launch("<p>two</p>", mode="none")
    assert "BridgeBusy" not in caplog.text


def test_a_machine_without_a_display_raises(tmp_path: Path) -> None:
    code = """
import webbrowser
from jsmeets_local import *
webbrowser.register_standard_browsers = None
webbrowser._tryorder = []
try:
    JsMeetsPy().launch('<p>')
except LaunchError as error:
    print(error)
"""
    result = run_python(code, PATH=str(tmp_path), DISPLAY="", WAYLAND_DISPLAY="")
    assert "no display found" in result.stdout, result.stderr
    assert 'mode="none"' in result.stdout


def test_a_real_default_browser(tmp_path: Path) -> None:
    """launch() opens the program named by BROWSER, receives a value from it, and the script ends normally."""
    profile = tmp_path / "profile"
    command = (
        "exec chromium --headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking "
        f'--user-data-dir={profile} "$1" >/dev/null 2>&1'
    )
    code = """
from jsmeets_local import JsMeetsPy
app = JsMeetsPy()
page = app.launch("<title>real</title><script>JsPyFunction.expose('add', (a, b) => a + b)</script>", timeout=60)
print(page.call("add")(1, 2), page.eval("document.title"), flush=True)
"""
    try:
        result = run_python(code, BROWSER=browser(tmp_path, command) + " &")
        assert result.stdout == "3 real\n", result.stderr
    finally:
        for process in psutil.process_iter(["cmdline"]):
            if str(profile) in " ".join(process.info["cmdline"] or ()):
                process.kill()


# Pages and their life ----------------------------------------------------------------------------------------


def test_mode_none_returns_at_once_and_the_first_call_waits(app: JsMeetsPy) -> None:
    page = app.launch("<p>", mode="none")
    assert not page.is_connected()
    assert "waiting" in repr(page)
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(page.call("f", timeout=scaled(10))(1)))
    thread.start()
    page.call_nowait("g")(2)
    other = as_page(page)
    messages = [other.receive(), other.receive()]
    call = next(m for m in messages if m[0] == "call")
    assert call[2:] == ["f", [1]]
    assert ["notify", "g", [2]] in messages
    other.send(["return", call[1], "value"])
    thread.join(scaled(10))
    assert results == ["value"]
    assert page.is_connected()
    assert "connected" in repr(page)


def test_pages_are_distinguished(app: JsMeetsPy) -> None:
    one, two = app.launch("<p>1", mode="none"), app.launch("<p>2", mode="none")
    first, second = as_page(one, "1"), as_page(two, "2")
    one.call_nowait("f")("for one")
    two.call_nowait("f")("for two")
    assert first.receive() == ["notify", "f", ["for one"]]
    assert second.receive() == ["notify", "f", ["for two"]]
    one.close()
    assert first.receive() == ["close", "closed by Python", False]
    with pytest.raises(Disconnected, match="closed"):
        one.call("f")()
    assert two.is_connected()
    two.close()
    two.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port_of(two)))


def test_a_reload_does_not_end_a_wait(app: JsMeetsPy) -> None:
    page = app.launch("<p>", mode="none", grace=0.3)
    assert not page.wait(0.01)
    first = as_page(page, "1")
    assert not page.wait(0.05)
    first.close()
    second = as_page(page, "2")
    assert not page.wait(0.6)
    second.close()
    assert page.wait(scaled(5))
    third = as_page(page, "3")
    assert not page.wait(0.01), "it has come back"
    third.close()


def test_a_call_to_a_page_that_has_just_closed_ends_with_it(app: JsMeetsPy, caplog: pytest.LogCaptureFixture) -> None:
    page = app.launch("<p>", mode="none", grace=None)
    as_page(page).close()
    while page.is_connected():
        time.sleep(0.001)
    start = time.monotonic()
    page.call_nowait("f")()  # within the grace time
    threading.Timer(0.2, app.bridge.portal.post, (page._client.presence.set_grace, 0)).start()
    with pytest.raises(PageClosed, match="launch"):
        page.call("f")()
    assert time.monotonic() - start < scaled(5)
    assert not page.wait_connected(0.01)
    app.bridge.portal.call(lambda: None)
    assert caplog.text.count("the page is closed") == 1


def test_run_waits_until_the_last_page_is_closed(app: JsMeetsPy) -> None:
    seen: list[Any] = []

    def main(page: Page) -> None:
        seen.append(page)
        first, second = as_page(page, "1"), as_page(page, "2")
        first.close()
        threading.Timer(0.3, second.close).start()

    start = time.monotonic()
    app.run("<p>", "none", main, grace=0.2)
    assert 0.3 < time.monotonic() - start < scaled(10)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port_of(seen[0])))


def test_run_ends_when_the_page_was_closed_while_main_ran(app: JsMeetsPy) -> None:
    def main(page: Page) -> None:
        as_page(page).close()
        assert page.wait(scaled(10))

    app.run("<p>", "none", main, grace=0.1)
    assert app.wait(), "nothing is open where nothing is served"


def test_errors_of_main_come_out_of_run(app: JsMeetsPy) -> None:
    def main(page: Page) -> None:
        raise ValueError("in main")

    with pytest.raises(ValueError, match="in main"):
        app.run("<p>", "none", main)
    assert not app.bridge.portal.is_open()


def test_stop_ends_all_waits(app: JsMeetsPy) -> None:
    page = app.launch("<p>", mode="none")
    as_page(page)
    outcomes: list[Any] = []

    def attempt(what: Any) -> None:
        try:
            outcomes.append(what())
        except Disconnected as error:
            outcomes.append(type(error))

    never = app.launch("<p>", mode="none")
    subscription = page.subscribe("t")
    waits = [
        page.call("f"),
        never.call("f"),
        page.wait,
        page.queue("q").get,
        lambda: list(subscription),
        lambda: list(page.queue("q")),
    ]
    threads = [threading.Thread(target=attempt, args=(wait,)) for wait in waits]
    for thread in threads:
        thread.start()
    while len(app.bridge._callers) < 1 or len(app.bridge.item_waiters.get("q", ())) < 2:
        time.sleep(0.01)
    app.stop()
    for thread in threads:
        thread.join(scaled(10))
    assert sorted(map(str, outcomes)) == sorted(map(str, [Disconnected, PageClosed, True, PageClosed, [], []]))


def test_the_context_manager_closes(app: JsMeetsPy) -> None:
    with app.launch("<p>", mode="none") as page:
        port = port_of(page)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_a_function_may_close_its_page(app: JsMeetsPy) -> None:
    page = app.launch("<p>", mode="none")
    app.functions.expose("quit", page.close)
    client = as_page(page)
    client.send(["call", 1, "quit", []])
    assert client.receive()[0] == "close"
    assert page.wait(scaled(10))


@pytest.mark.parametrize("kind", ["plain", "async"])
def test_a_function_may_stop_the_program_and_run_waits_for_its_end(app: JsMeetsPy, kind: str) -> None:
    ended: list[str] = []
    app.add_event_handler("shutdown", lambda: ended.append("shutdown handler"))

    async def quit_async() -> None:
        app.stop()

    app.functions.expose("quit", app.stop if kind == "plain" else quit_async)
    app.run("<p>", "none", lambda page: as_page(page).send(["notify", "quit", []]))
    assert ended == ["shutdown handler"]
    assert not [thread for thread in threading.enumerate() if thread.name == "jsmeets-server"]


def test_stop_and_launch_from_many_threads(app: JsMeetsPy) -> None:
    def hammer() -> None:
        for _ in range(5):
            try:
                page = app.launch("<p>", mode="none")
            except LaunchError as error:  # another thread
                assert str(error).startswith("stop() was called before")
            else:
                page.close()
            app.stop()

    threads = [threading.Thread(target=hammer) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(scaled(60))
        assert not thread.is_alive()
    app.stop()
    assert not app.bridge.portal.is_open()


def test_stop_in_a_startup_handler_does_not_deadlock() -> None:
    app = JsMeetsPy(bridge=Bridge())

    async def boot() -> None:
        app.stop()

    app.add_event_handler("startup", boot)
    app.launch("<p>", mode="none").close()
    assert not app.bridge.portal.is_open()


def test_a_function_that_ends_after_stop_is_not_running(app: JsMeetsPy) -> None:
    release, ended = threading.Event(), threading.Event()

    def work() -> None:
        release.wait(scaled(10))
        ended.set()

    app.functions.expose("work", work)
    client = as_page(app.launch("<p>", mode="none"))
    client.send(["call", 1, "work", []])
    while not app.functions.is_running("work"):
        time.sleep(0.001)
    app.stop()
    release.set()
    ended.wait(scaled(10))
    while app.functions.is_running("work"):
        time.sleep(0.001)
    assert app.functions.expose("work", work)


def test_interrupted_launch_leaves_no_server() -> None:
    interrupts = [signal.SIGINT]

    def boot() -> None:
        for number in interrupts:
            signal.pthread_kill(threading.main_thread().ident or 0, number)
            time.sleep(0.4)

    app = JsMeetsPy(bridge=Bridge(), on_startup=[boot])
    with pytest.raises(KeyboardInterrupt):
        app.launch("<p>", mode="none")
    interrupts.clear()
    app.launch("<p>", mode="none").close()


@pytest.mark.skipif(sys.platform == "win32", reason="there are no timers that send signals")
# A socket that no thread has got yet is closed when it is collected.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_launch_that_is_interrupted_anywhere_leaves_no_server() -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        for attempt in range(60):
            app = JsMeetsPy(bridge=Bridge())
            with suppress(KeyboardInterrupt):
                signal.setitimer(signal.ITIMER_REAL, 0.0002 * (attempt + 1))
                app.launch("<p>", mode="none")
                signal.setitimer(signal.ITIMER_REAL, 0)  # a signal that comes now is still caught
            app.stop()
    finally:
        signal.signal(signal.SIGALRM, before)
    for thread in threading.enumerate():
        if thread.name == "jsmeets-server" and thread.ident is not None:
            thread.join(scaled(5))
            assert not thread.is_alive()


def test_messages_sent_on_the_loop_keep_their_order(app: JsMeetsPy) -> None:
    page = app.launch("<p>", mode="none")
    client = as_page(page)
    app.pubsub.subscribe("t", print)

    @app.expose
    async def go() -> str:
        app.queues.push_nowait("q")(1)
        app.functions.call_nowait("f")(2)
        with pytest.raises(CallTimeout):
            await page.aio.call("g", timeout=0.01)(3)
        app.queues.push_nowait("q")(4)
        return "answer"

    client.send(["call", 1, "go", []])
    received = [client.receive() for _ in range(6)]
    assert [message[-1] for message in received] == [1, [2], [3], received[2][1], 4, "answer"]
    assert received[3][0] == "cancel"
    asyncio.run_coroutine_threadsafe(_last_words(app, client.id), app.bridge.portal.loop).result(scaled(10))  # type: ignore[arg-type]
    assert [client.receive()[0] for _ in range(2)] == ["notify", "close"]


async def _last_words(app: JsMeetsPy, socket_id: int) -> None:
    app.functions.call_nowait("bye")()
    app.sockets.close_socket(socket_id)


def test_timeouts_close_together_do_not_disturb_each_other(app: JsMeetsPy) -> None:
    page = app.launch("<p>", mode="none")
    as_page(page)
    page.wait_connected(10)
    for timeout in (0.0001, 0.0004, 0.001, 0.02, 0.0004):
        with pytest.raises(CallTimeout):
            page.call("never", timeout=timeout)()


def test_closed_subscriptions_and_pages_leave_nothing(app: JsMeetsPy) -> None:
    page = app.launch("<p>", mode="none")
    broker, ends = app.bridge.protocol.broker, page._client.presence._close_waiters
    for _ in range(20):
        page.subscribe("t").close()
        page.subscribe("t")  # dropped
    gc.collect()
    assert app.bridge.portal.call(broker.subscribers, "t") == []
    assert len(ends) == 0
    for n in range(20):
        with pytest.raises(CallTimeout):
            page.queue(f"q{n}").get(timeout=0.001)
    assert app.bridge.item_waiters == {}
    watchers = len(app.bridge.watchers)
    for _ in range(20):
        app.launch("<p>", mode="none").close()
    gc.collect()
    assert app.bridge.portal.call(len, app.bridge.watchers) == watchers


def test_launching_on_the_loop_is_refused(app: JsMeetsPy) -> None:
    app.launch("<p>", mode="none")

    async def launch() -> None:
        app.launch("<p>", mode="none")

    assert app.bridge.portal.loop is not None
    with pytest.raises(WouldDeadlock):
        asyncio.run_coroutine_threadsafe(launch(), app.bridge.portal.loop).result(scaled(10))


CYCLES = """
import gc, psutil, threading
from jsmeets_local import Bridge, JsMeetsPy
from tests.raw import as_page

app = JsMeetsPy(bridge=Bridge())
app.functions.expose("f", lambda: 1)

def cycles(count):
    for _ in range(count):
        with app.launch("<p>", mode="none") as page:
            client = as_page(page)
            assert client.ask("call", "f", []) == ["return", 1, 1]
            client.close()
    gc.collect()
    process, bridge = psutil.Process(), app.bridge
    return threading.active_count(), process.num_fds(), len(bridge.watchers), len(bridge._connections)

before, after = cycles(3), cycles(100)
assert after == before, (before, after)
print("the same")
"""


def test_100_launches_leave_no_threads_or_descriptors() -> None:
    """This runs in its own process because threads of other tests may still be ending."""
    result = run_python(CYCLES)
    assert result.stdout == "the same\n", result.stderr


def test_idle_costs_nothing(app: JsMeetsPy) -> None:
    page = app.launch("<p>", mode="none")
    client = as_page(page)
    assert client.page
    start = time.process_time()
    assert not page.wait(scaled(3))
    assert time.process_time() - start < 0.3, "no loop spins while nothing happens"


def test_plain_uvicorn_needs_no_token(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(
        "from jsmeets_local import JsMeetsPy, JsPyFunction\n"
        "app = JsMeetsPy()\n"
        "JsPyFunction.expose('add', lambda a, b: a + b)\n"
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "main:app", "--port", str(port), "--app-dir", str(tmp_path)]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        while "Uvicorn running" not in (line := process.stderr.readline()):
            assert line
        client = RawPage(f"http://127.0.0.1:{port}/")
        assert client.ask("call", "add", [1, 2]) == ["return", 1, 3]
        client.close()
    finally:
        process.terminate()
        assert process.wait(scaled(20)) == -15
        process.stderr.close()
