"""A real kernel without a front end; the test acts as the page."""

from __future__ import annotations

import html
import http.client
import re
import secrets
import socket
import time
import urllib.parse
import urllib.request
from typing import Any

import pytest

from tests.notebook.conftest import Kernel, Run
from tests.raw import RawPage
from tests.timing import scaled

LAUNCH = """
from jsmeets_local import JsMeetsPy
app = JsMeetsPy()
page = app.launch("<p>the page</p>", snapshot=False)
"""


def shown_url(run: Run) -> str:
    """Return the URL of the iframe that a cell displays."""
    found = re.search(r'<iframe src="([^"]+)"', run.html[0])
    assert found
    return html.unescape(found[1])


def url_of(run: Run) -> str:
    """Return the URL that the iframe is redirected to; the first request uses the address up."""
    if not run.url:
        url = urllib.parse.urlsplit(shown_url(run))
        connection = http.client.HTTPConnection(url.netloc, timeout=scaled(10))
        connection.request("GET", url.path)
        run.url = urllib.parse.urljoin(shown_url(run), connection.getresponse().headers["location"])
        connection.close()
    return run.url


def open_page(run: Run) -> RawPage:
    """Connect to the page that a cell displays, as a browser does."""
    url = url_of(run)
    return RawPage(url, secrets.token_hex(8), page=url.partition("=")[2].partition(".")[2])


def launch(kernel: Kernel, code: str = LAUNCH, cell: str = "one") -> tuple[Run, RawPage]:
    """Run a cell that launches a page, and connect as that page."""
    run = kernel.start(code, cell)
    kernel.until(lambda: run.html or run.error)
    assert run.error is None, run.error
    page = open_page(run)
    kernel.until(lambda: run.idle)
    return run, page


def test_auto_shows_a_frame_and_waits_for_the_page(kernel: Kernel) -> None:
    run = kernel.start(LAUNCH)
    kernel.until(lambda: run.html)
    assert not run.idle, "launch() waits for the page"
    open_page(run)
    kernel.until(lambda: run.idle)
    assert run.error is None
    (frame,) = run.html
    url = shown_url(run)
    assert 'allow="loopback-network; local-network-access"' in frame
    assert "width: 100%; height: 400px" in frame
    assert f'<a href="{url}"' in frame
    assert kernel.value("page.url") == url_of(run)
    token = kernel.value("page.url.partition('=')[2].partition('.')[0]")
    assert len(token) > 30
    assert token not in frame


STOPPED = """
import threading
from jsmeets_local import JsMeetsPy
from starlette.responses import PlainTextResponse
app = JsMeetsPy()
@app.route("/stop")
def stop(request):
    threading.Thread(target=app.stop).start()
    return PlainTextResponse("stopping")
app.launch("<p>the page</p>", timeout=None, snapshot=False)
"""


def test_stopping_ends_a_launch_that_waits_without_a_limit(kernel: Kernel) -> None:
    run = kernel.start(STOPPED)
    kernel.until(lambda: run.html)
    assert not run.idle
    with urllib.request.urlopen(urllib.parse.urljoin(url_of(run), "/stop"), timeout=scaled(10)) as response:
        assert response.read() == b"stopping"
    kernel.until(lambda: run.idle)
    assert run.error == "LaunchError: the page was closed before it had connected"


def without_secrets(text: str) -> str:
    return re.sub(r"open/[\w-]+|jsmeets-[0-9a-f]{8}", "", text)


def test_the_iframe_is_shown_once_by_its_cell_and_again_by_others(kernel: Kernel) -> None:
    code = LAUNCH.replace("snapshot=False", "snapshot=False, width='50%', height=120")
    run, _ = launch(kernel, code + "page")
    assert len(run.html) == 1
    assert run.value.startswith("<Page http://127.0.0.1:")
    assert "width: 50%" in run.html[0]
    assert "height: 120px" in run.html[0]
    again = kernel.run("page")
    assert without_secrets(again.html[0]) == without_secrets(run.html[0])
    assert shown_url(again) != shown_url(run)
    assert again.plain[0].endswith("(connected)>")
    shown = kernel.run("page.show(height='10em')\npage")
    assert len(shown.html) == 1
    assert "height: 10em" in shown.html[0]
    assert kernel.run("app.stop()\npage").html == []
    assert kernel.run("page.show()").error == "PageClosed: this page is closed; launch() opens another one"


def test_a_call_in_the_same_cell_and_in_the_next(kernel: Kernel) -> None:
    run = kernel.start(LAUNCH + "page.call('f')(1)")
    kernel.until(lambda: run.html)
    page = open_page(run)
    call = page.receive()
    page.send(["return", call[1], {"same": "cell"}])
    kernel.until(lambda: run.idle)
    assert run.value == "{'same': 'cell'}"
    page.send(["names", ["f"]])
    assert kernel.run("page.wait_for('f', 10)").error is None
    for code in ("page.js.f(2)", "await page.aio.call('f')(2)"):
        run = kernel.start(code)
        call = page.receive()
        assert call[2:] == ["f", [2]]
        page.send(["return", call[1], "next"])
        kernel.until(lambda run=run: run.idle)
        assert run.value == "'next'"


@pytest.mark.parametrize("code", ["page.call('f')()", "page.queue('q').get()"])
def test_an_interrupt_ends_a_wait_and_the_bridge_continues(kernel: Kernel, code: str) -> None:
    _, page = launch(kernel)
    # The kernel takes the time: to draw its first traceback takes longer than to end the wait.
    run = kernel.start(f"import time\ntry:\n    {code}\nexcept KeyboardInterrupt:\n    ended = time.time()\n    raise")
    time.sleep(scaled(0.5))  # the cell has begun to wait
    start = time.time()
    kernel.manager.interrupt_kernel()
    kernel.until(lambda: run.idle)
    assert run.error == "KeyboardInterrupt: "
    assert 0 < kernel.value("ended") - start < scaled(0.5)
    page.inbox.clear()
    run = kernel.start("page.call('after')()")
    while (call := page.receive())[2:3] != ["after"]:
        pass
    page.send(["return", call[1], 5])
    kernel.until(lambda: run.idle)
    assert run.value == "5"


COUNT = """
import gc, psutil
def count():
    gc.collect()
    me = psutil.Process()
    ports = sum(c.status == "LISTEN" for c in me.net_connections())
    return [me.num_fds(), me.num_threads(), ports]
"""
OWN_BRIDGE = LAUNCH.replace("JsMeetsPy()", "JsMeetsPy(bridge=Bridge())").replace("import", "import Bridge,")
SAME_APP = "try:\n    app\nexcept NameError:\n    app = None\n" + LAUNCH.replace("JsMeetsPy()", "app or JsMeetsPy()")


@pytest.mark.parametrize(
    ("code", "cell"),
    [
        pytest.param(LAUNCH, "one", id="new app"),
        pytest.param(LAUNCH, "", id="new app, no cell id"),
        pytest.param(OWN_BRIDGE, "one", id="own bridge"),  # without a cell id a rerun is not recognised
        pytest.param(SAME_APP, "one", id="same app"),
        pytest.param(SAME_APP, "", id="same app, no cell id"),
    ],
)
def test_running_the_launch_cell_again_leaks_nothing(kernel: Kernel, code: str, cell: str) -> None:
    kernel.run(COUNT)
    _, page = launch(kernel, code, cell)
    before = kernel.value("count()")
    for _ in range(20):
        old = page
        _, page = launch(kernel, code, cell)
        old.socket.close()
    run = kernel.start("page.call('f')()")
    call = page.receive()
    page.send(["return", call[1], "still"])
    kernel.until(lambda: run.idle)
    assert run.value == "'still'"
    for _ in range(20):  # sockets close a moment after the server
        after = kernel.value("count()")
        if all(now <= then for now, then in zip(after, before, strict=True)):
            break
        time.sleep(0.25)
    else:
        pytest.fail(f"descriptors, threads, ports: {before} at first, {after} in the end")


def test_two_cells_have_two_pages(kernel: Kernel) -> None:
    _, first = launch(kernel)
    _, second = launch(kernel, "other = app.launch('<p>other</p>', snapshot=False)", cell="two")
    assert kernel.value("[page.is_connected(), other.is_connected()]") == [True, True]
    _, third = launch(kernel, "other = app.launch('<p>other</p>', snapshot=False)", cell="two")
    assert second.receive() == ["close", "closed by Python", False]
    assert kernel.value("[page.is_connected(), other.is_connected()]") == [True, True]
    for page in (first, third):
        page.close()


EXPOSE = """
import logging
@app.expose
def hello(name):
    print("hello", name)
    logging.getLogger("mine").warning("logged for %s", name)

@app.expose
async def later(name):
    print("later", name)

@app.expose
def wrong():
    raise ValueError("look here")

app.pubsub.subscribe("topic", lambda topic, data: print(topic, data))
"""


def test_prints_go_to_the_cell_that_exposed(kernel: Kernel) -> None:
    launching, page = launch(kernel)
    exposing = kernel.run(EXPOSE)
    other = kernel.run("print('other')")
    kernel.client.complete("pri")  # the last request is no cell
    kernel.client.get_shell_msg(timeout=scaled(10))
    assert page.ask("call", "hello", ["page"]) == ["return", 1, None]
    assert page.ask("call", "later", ["page"]) == ["return", 1, None]
    assert page.ask("call", "wrong", [])[0] == "error"
    page.send(["publish", 0, "topic", "data", False])
    page.send(["fault", "a callback", {"kind": "raised", "name": "TypeError", "message": "in the page", "trace": ""}])
    wanted = "hello page\nlater page\ntopic data\n"
    kernel.until(lambda: len(exposing.stdout) >= len(wanted) and "look here" in exposing.stderr)
    kernel.until(lambda: launching.stderr)
    assert "in the page" in launching.stderr
    assert exposing.stdout == wanted
    assert "logged for page" in exposing.stderr
    assert "the exposed function 'wrong' raised" in exposing.stderr
    assert "ValueError: look here" in exposing.stderr
    assert (other.stdout, other.stderr) == ("other\n", "")


def test_prints_go_to_the_cell_that_runs(kernel: Kernel) -> None:
    _, page = launch(kernel)
    exposing = kernel.run(EXPOSE)
    run = kernel.start("page.call('f')()")
    call = page.receive()
    assert page.ask("call", "hello", ["cell"]) == ["return", 1, None]
    assert page.ask("call", "later", ["cell"]) == ["return", 1, None]
    page.send(["return", call[1], None])
    kernel.until(lambda: run.idle and "later" in run.stdout)
    assert run.stdout == "hello cell\nlater cell\n"
    assert "logged for cell" in run.stderr
    assert exposing.stdout == ""


BLOCKING = {
    "a line": ("page.call('f')()", False),
    "a function": ("def f():\n    return page.call('f')()\nf()", False),
    "a cell that awaits": ("import asyncio\nawait asyncio.sleep(0)\npage.call('f')()", False),
    "a function in a cell that awaits": (
        "import asyncio\ndef f():\n    return page.call('f')()\nawait asyncio.sleep(0)\nf()",
        False,
    ),
    "a thread": ("import asyncio\nawait asyncio.to_thread(page.call('f'))", False),
    "a coroutine": ("async def f():\n    return page.call('f')()\nawait f()", True),
    "a task": (
        "import asyncio\nasync def f():\n    return page.call('f')()\nawait asyncio.create_task(f())",
        True,
    ),
}


@pytest.mark.parametrize("way", BLOCKING)
def test_a_blocking_line_is_logged_only_in_coroutines(kernel: Kernel, way: str) -> None:
    code, told = BLOCKING[way]
    _, page = launch(kernel)
    run = kernel.start(code)
    call = page.receive()
    page.send(["return", call[1], 7])
    kernel.until(lambda: run.idle)
    assert run.value == "7"
    assert ("blocks the event loop in which f() runs" in run.stderr) is told, run.stderr
    assert told or run.stderr == ""


def test_a_blocking_async_function_is_logged_under_its_cell(kernel: Kernel) -> None:
    _, page = launch(kernel)
    exposing = kernel.run("import time\n@app.expose\nasync def f(seconds):\n    time.sleep(seconds)")
    assert page.ask("call", "f", [0]) == ["return", 1, None]
    assert page.ask("call", "f", [0.3]) == ["return", 1, None]
    kernel.until(lambda: exposing.stderr)
    assert "the async function 'f' blocked the bridge's event loop for 0.3 s" in exposing.stderr


def test_sys_exit_in_a_function_ends_no_kernel(kernel: Kernel) -> None:
    _, page = launch(kernel)
    exposing = kernel.run("import sys\n@app.expose\ndef leave():\n    sys.exit(3)")
    run = kernel.start("page.wait(1)")
    assert page.ask("call", "leave", []) == ["return", 1, None]
    kernel.until(lambda: run.idle)
    assert (run.error, run.value) == (None, "False")
    kernel.until(lambda: exposing.stderr or run.stderr)
    assert (
        "'leave' called sys.exit(3): ignored, because a notebook kernel keeps running" in exposing.stderr + run.stderr
    )
    assert kernel.value("1 + 1") == 2


def test_a_kernel_that_ends_leaves_no_server(kernel: Kernel) -> None:
    run, _ = launch(kernel)
    port = int(url_of(run).split(":")[2].split("/")[0])
    kernel.manager.restart_kernel(now=True)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_notebook_mode_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util
    import sys

    from jsmeets_local import LaunchError, MissingExtra
    from jsmeets_local.launch.modes import choose_modes
    from jsmeets_local.notebook import display as notebook

    assert choose_modes("auto") == ["browser"]
    with pytest.raises(LaunchError, match="requires a Jupyter kernel"):
        choose_modes("notebook")
    monkeypatch.setattr(notebook, "kernel_shell", object)
    assert choose_modes("notebook") == ["notebook"]
    monkeypatch.delitem(sys.modules, "IPython", raising=False)

    def nothing(name: str) -> Any:
        return None

    monkeypatch.setattr(importlib.util, "find_spec", nothing)
    with pytest.raises(MissingExtra, match=r"pip install ipython$"):
        choose_modes("notebook")
