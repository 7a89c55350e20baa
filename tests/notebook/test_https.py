"""Behind an https reverse proxy with a self-signed certificate: the page connects by wss."""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jsmeets_local import JsMeetsPy
from tests.notebook.cells import EXPOSE, LAUNCH
from tests.notebook.conftest import Notebook, Server, write_notebook
from tests.timing import scaled
from tests.tools import chromium, need

HOST = "hub.example.org"
BASE = "/hub-like/user/ann/"


class HttpsProxy:
    """Reverse proxy that ends TLS and passes the bytes on, like stunnel or a load balancer.

    Attributes:
        port: Its port.
        target: The port of the server behind it.
    """

    def __init__(self, folder: Path) -> None:
        subject = ["-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}"]
        key, certificate = str(folder / "key.pem"), str(folder / "certificate.pem")
        files = ["-keyout", key, "-out", certificate]
        made = [need("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *files, *subject]
        subprocess.run(made, check=True, capture_output=True)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        self.port = self.target = 0
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        assert self._started.wait(scaled(10))

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._relay, "127.0.0.1", 0, ssl=self._context)
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._end.wait()
        server.close()
        server.close_clients()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self.target)
        await asyncio.gather(self._copy(reader, inner_writer), self._copy(inner_reader, writer))

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except (ConnectionError, ssl.SSLError):
            pass  # a browser that leaves
        finally:
            writer.close()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpsProxy]:
    proxy = HttpsProxy(tmp_path_factory.mktemp("https"))
    yield proxy
    proxy.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A Chromium that takes the host for another machine."""
    with chromium(f"--host-resolver-rules=MAP {HOST} 127.0.0.1, MAP 127.0.0.1:* 0.0.0.0:1") as browser:
        yield browser


@pytest.fixture
def open_tab(browser: Any) -> Iterator[Callable[[list[str]], Any]]:
    """Open a tab that accepts the certificate; it appends the URLs of all WebSockets to a list."""
    context = browser.new_context(ignore_https_errors=True, viewport={"width": 1200, "height": 900})
    context.set_default_timeout(scaled(30_000))

    def open_tab(sockets: list[str]) -> Any:
        tab = context.new_page()
        tab.on("websocket", lambda opened: sockets.append(opened.url))
        return tab

    yield open_tab
    context.close()


def test_an_application_behind_the_proxy(proxy: HttpsProxy, open_tab: Callable[[list[str]], Any]) -> None:
    app = JsMeetsPy()
    address = f"https://{HOST}:{proxy.port}/"
    try:
        page = app.launch("<p>x<script>JsPyFunction.expose('double', (x) => 2 * x)</script>", "none", base_url=address)
        assert page.url.startswith(address)
        proxy.target = app.port
        sockets: list[str] = []
        tab = open_tab(sockets)
        tab.goto(page.url)
        assert page.call("double", timeout=scaled(20))(21) == 42
        tab.evaluate("0")  # Playwright reports the socket before it answers
        (url,) = sockets
        assert url.startswith(f"wss://{HOST}:{proxy.port}/jsmeetspy/")
        text = "x" * 3_000_000
        assert page.call("double", timeout=scaled(20))(4) == 8
        assert page.eval(f"'{text}'.length", timeout=scaled(20)) == len(text)
    finally:
        app.stop()


def test_jupyterlab_behind_the_proxy(
    proxy: HttpsProxy, open_tab: Callable[[list[str]], Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A page in a notebook that is read by https, through jupyter-server-proxy."""
    folder = tmp_path_factory.mktemp("lab")
    server = Server(folder, host=HOST, ip="0.0.0.0", base_url=BASE)
    try:
        proxy.target = server.port
        server.public_url = f"https://{HOST}:{proxy.port}{BASE}"
        cells = [
            LAUNCH + "page.call('double')(21)",
            EXPOSE,
            "page.call('down')(50, 'plain')",
            "import json; json.dumps(app.port)",
        ]
        write_notebook(folder / "https.ipynb", cells)
        sockets: list[str] = []
        notebook = Notebook(server, open_tab(sockets), "https.ipynb")
        assert notebook.run(0).endswith("42")
        notebook.run(1)
        assert notebook.run(2) == "50"
        port = json.loads(notebook.run(3)[1:-1])
        assert f"wss://{HOST}:{proxy.port}{BASE}proxy/{port}/jsmeetspy/" in [
            url.rpartition("text")[0] for url in sockets
        ]
    finally:
        server.stop()
