"""Behind jupyter-server-proxy, with a prefix and host name unknown to Python: a real JupyterLab in Chromium."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.notebook.cells import EXPOSE, OpenNotebook
from tests.notebook.conftest import Kernel, Server
from tests.timing import scaled
from tests.tools import chromium

HOST = "hub.example.org"
BASE = "/hub-like/user/ann/"

LAUNCH = '''
from jsmeets_local import JsMeetsPy
app = JsMeetsPy()
PAGE = """
<h1 id="title">Live</h1>
<button onclick="JsPyFunction.call('clicked')(1)">Click</button>
<script type="module">
    import { expose, py, queue } from "/jsmeetspy/jsmeets.mjs";
    let kept;
    expose({
        double: (x) => 2 * x,
        never: () => new Promise(() => {}),
        down: async (n, next) => n ? (await py[next](n)) + 1 : 0,
        keep: (data) => { kept = data; return [data.constructor.name, data.byteLength]; },
        give: () => kept,
        burst: (n, text) => { for (let i = 0; i < n; i += 1) { queue("burst").push_nowait([i, text]); } },
        take: (item) => { kept = [...(Array.isArray(kept) ? kept : []), item[0]]; return null; },
    });
</script>
"""
page = app.launch(PAGE, height=150)
'''

BIG = """
import json, time
import numpy as np
data = np.random.default_rng(1).standard_normal(30_000_000 // 8)
start = time.perf_counter()
kind = page.call("keep", timeout=100)(data)
down = time.perf_counter() - start
loaded = page.eval("performance.getEntriesByType('resource').map(({ name, encodedBodySize }) => [name, encodedBodySize])")
fetched = [size for name, size in loaded if "/jsmeetspy/bulk/" in name]
start = time.perf_counter()
back = page.call("give", timeout=100)()
up = time.perf_counter() - start
same = back.tobytes() == data.tobytes() and (back.dtype, back.shape) == (data.dtype, data.shape)
json.dumps([kind, same, fetched, round(down, 2), round(up, 2)])
"""

BURST = """
socket, n = app.sockets.get_socket_id(), 40_000
page.call("burst", timeout=60)(n, "x" * 500)
came = [page.queue("burst").get(timeout=60)[0] for _ in range(n)]
page.call("keep")(np.zeros(1))
for i in range(n):
    page.call_nowait("take")([i, "x" * 500])
went = page.call("give", timeout=60)()
json.dumps([came == list(range(n)), went == list(range(n)), app.sockets.get_socket_id() == socket])
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A JupyterLab server for other machines, under a prefix."""
    server = Server(tmp_path_factory.mktemp("proxied"), host=HOST, ip="0.0.0.0", base_url=BASE)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A Chromium that treats this machine as another one and has no access to loopback addresses."""
    with chromium(f"--host-resolver-rules=MAP {HOST} 127.0.0.1, MAP 127.0.0.1:* 0.0.0.0:1") as browser:
        yield browser


def value(text: str) -> Any:
    """Decode the JSON string that a cell ends with."""
    return json.loads(text.strip().splitlines()[-1][1:-1])


def test_the_proxy_is_found(open_notebook: OpenNotebook) -> None:
    """Launch, calls, callbacks, interrupts and showing the page again work as without a proxy."""
    notebook = open_notebook(
        LAUNCH + "page.call('double')(21)",
        "import json; json.dumps([app.port, page.url.partition('#')[0]])",
        "await page.aio.call('double')(5)",
        EXPOSE,
        "page.call('down')(50, 'plain')",
        "page.call('never')()",
        "page.call('double')(6)",
        "page",
    )
    assert notebook.run(0).endswith("42")
    port, url = value(notebook.run(1))
    assert url.endswith(f"{BASE}proxy/{port}/")
    source = notebook.cell(0).locator("iframe").get_attribute("src")
    assert source.startswith(f"{BASE}proxy/{port}/jsmeetspy/open/")
    session = notebook.cell(0).locator("a").last
    assert session.get_attribute("href") == source
    assert notebook.frame(0).locator("#title").inner_text() == "Live"
    assert notebook.run(2) == "10"
    notebook.run(3)
    assert notebook.run(4) == "50"
    notebook.start(5)
    notebook.tab.wait_for_timeout(scaled(1000))
    notebook.interrupt()
    notebook.wait_text(5, "KeyboardInterrupt")
    assert notebook.run(6) == "12"
    notebook.frame(0).locator("button").click()
    notebook.wait_text(3, "clicked 1")
    notebook.run(7)
    assert notebook.frame(7).locator("#title").inner_text() == "Live"


def test_30_mb_each_way_and_many_small_ones(open_notebook: OpenNotebook) -> None:
    """The proxy drops connections that send more than 10 MiB at once."""
    notebook = open_notebook(LAUNCH, BIG, BURST)
    notebook.run(0)
    kind, same, fetched, down, up = value(notebook.run(1, seconds=scaled(100)))
    assert (kind, same) == (["Float64Array", 30_000_000], True)
    assert [size > 30_000_000 for size in fetched] == [True]
    assert down + up < 60, f"{down} s down, {up} s up"
    assert value(notebook.run(2, seconds=scaled(100))) == [True, True, True]


def test_a_page_that_loads_itself_anew_stays_what_it_was(open_notebook: OpenNotebook) -> None:
    """The iframes of a tab, of all kernels, share one sessionStorage with Jupyter."""
    first = open_notebook(LAUNCH, "page.js.double(1)", "other = app.launch(PAGE)", "other.js.double(2)")
    first.run(0)
    first.run(2)
    for number, cell, wanted in ((0, 1, "2"), (2, 3, "4")):
        frame = first.cell(number).locator("iframe").element_handle().content_frame()
        frame.evaluate("() => { window.old = true; location.reload(); }")
        frame.wait_for_function("() => !window.old && globalThis.JsPyTextSocket?.ready()")
        assert first.run(cell) == wanted


def test_the_end_of_python_is_understood(server: Server, open_notebook: OpenNotebook) -> None:
    """The proxy loses close codes, so a message precedes them. After a restart of the kernel the cell runs again."""
    notebook = open_notebook(LAUNCH, "app.stop()", "page.js.double(3)")
    notebook.run(0)
    notebook.run(1)
    notebook.wait_text(0, "Stopped by Python. Run the cell again to restore it.")
    assert notebook.frames(0) == 0
    notebook.run(0)
    frame = notebook.cell(0).locator("iframe").element_handle().content_frame()
    notebook.tab.locator('[data-jp-item-name="restart"]').first.click()
    notebook.tab.locator(".jp-Dialog .jp-mod-accept").click()
    frame.wait_for_function("() => !JsPyTextSocket.ready()")
    notebook.tab.wait_for_selector(server.is_idle)
    notebook.run(0)
    assert notebook.run(2) == "6"


# What tells of a proxy, without a front end. These tests have started the kernel, and say what a server of Jupyter says.


class Answers(BaseHTTPRequestHandler):
    """A Jupyter server as far as clients without a login can query it."""

    status = 302
    asked: list[str] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def jupyter(tmp_path: Path) -> Iterator[Callable[..., list[str]]]:
    """Start a Jupyter server with these settings; return the list of its requests."""
    server = HTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()

    def say(status: int = 302, **info: Any) -> list[str]:
        known = {"hostname": "0.0.0.0", "port": server.server_port, "base_url": "/lab/", "secure": False, "sock": ""}
        known |= {"url": f"http://box:{server.server_port}/lab/", "pid": os.getpid(), **info}
        file = tmp_path / "jupyter_runtime_dir" / f"jpserver-{os.getpid()}.json"
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(known))
        Answers.status, Answers.asked = status, []
        return Answers.asked

    yield say
    server.shutdown()
    thread.join()
    server.server_close()


def found(kernel: Kernel, **environment: str) -> Any:
    """Return the proxy that the kernel finds."""
    names = ("JUPYTERHUB_SERVICE_PREFIX", "JUPYTERHUB_PUBLIC_URL", "SSH_CONNECTION")
    kernel.run(f"import os; [os.environ.pop(name, None) for name in {names}]; os.environ.update({environment})")
    run = kernel.run("from jsmeets_local.launch.proxy import base_url_of_notebook as found; print(found())")
    return run.error or run.stdout.strip()


HUB = {"JUPYTERHUB_SERVICE_PREFIX": "/user/ann/"}


def test_proxies_are_detected(kernel: Kernel, jupyter: Callable[..., list[str]]) -> None:
    assert found(kernel) == "None", "this kernel was started by no server of Jupyter"
    assert found(kernel, **HUB) == "/user/ann/proxy/{port}/", "JupyterHub shows nothing without a proxy"

    asked = jupyter(hostname="localhost")
    assert found(kernel) == "None", "the browser is on this machine"
    assert asked == []
    assert found(kernel, SSH_CONNECTION="203.0.113.5 40000 192.0.2.1 22") == "/lab/proxy/{port}/"
    assert asked == ["/lab/proxy/1/probe"]

    jupyter(hostname="0.0.0.0")
    assert found(kernel) == "/lab/proxy/{port}/"
    assert found(kernel, **HUB) == "/user/ann/proxy/{port}/"

    jupyter(404)
    assert found(kernel) == "None", "it is not installed, and the port may be forwarded"
    assert found(kernel, **HUB).startswith("LaunchError: JupyterHub needs jupyter-server-proxy to show pages")
    assert "pip install jupyter-server-proxy" in found(kernel, **HUB)

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        jupyter(port=free.getsockname()[1])
        assert found(kernel) == "None", "nobody answers"
        assert found(kernel, **HUB) == "/user/ann/proxy/{port}/"


def test_the_address_of_the_page_is_whole_as_far_as_it_is_known(
    kernel: Kernel, jupyter: Callable[..., list[str]]
) -> None:
    kernel.run("from jsmeets_local import JsMeetsPy; app = JsMeetsPy()")
    url = "app.launch('<p>x</p>', 'none', base_url='/user/ann/proxy/{port}/').url.partition('#')[0]"
    port = kernel.value(f"{url} and app.port")
    path = f"/user/ann/proxy/{port}/"
    assert kernel.value(url) == path
    jupyter(url="http://box:8888/lab/")
    assert kernel.value(url) == f"http://box:8888{path}"
    found(kernel, **HUB)
    assert kernel.value(url) == path, "the server's own address is not the one of JupyterHub"
    found(kernel, **HUB, JUPYTERHUB_PUBLIC_URL="https://hub.example.org/user/ann/")
    assert kernel.value(url) == f"https://hub.example.org{path}"


def test_the_error_when_no_browser_connects(kernel: Kernel, jupyter: Callable[..., list[str]]) -> None:
    jupyter(404)
    run = kernel.run("from jsmeets_local import JsMeetsPy; JsMeetsPy().launch('<p>x</p>', timeout=0.5)")
    assert run.error is not None
    assert "pip install jupyter-server-proxy where Jupyter's server is installed, and restart that server" in run.error
    assert "base_url=" in run.error
    assert "port=" in run.error
    assert "If it shows no iframes" in run.error
    assert 'launch(mode="browser") opens a tab, and launch(mode="none") gives you page.url' in run.error
    assert "jsmeets=" not in run.error
