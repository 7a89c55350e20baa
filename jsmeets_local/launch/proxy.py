"""Where browsers find the application: at its own port, or behind a proxy.

In a notebook the proxy is found: in JupyterHub, and where the browser may be on another machine than Jupyter's server.
"""

from __future__ import annotations

import http.client
import json
import os
import ssl
import sys
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from ..errors import LaunchError
from ..notebook.cells import kernel_shell
from ..server.forwarded import PREFIX

__all__ = ["Site", "base_url_of_notebook", "check_base_url", "is_shown_by_localhost", "site_at"]

PROBE_SECONDS = 2.0  # what the server of this kernel gets to say whether it has a proxy
INSTALL = (
    "pip install jupyter-server-proxy where Jupyter's server is installed, and restart that server; "
    "or say launch(base_url=...)"
)
REACHABLE = (
    "A front end has to show the frame, and its browser has to reach that address. "
    "jupyter console, qtconsole, and a kernel without a front end (nbconvert, papermill) show none: there "
    'launch(mode="browser") opens a tab, and launch(mode="none") gives you page.url. '
    f"Where the kernel is on another machine: {INSTALL}, or a port=... that is forwarded to the browser's."
)

_LOOPBACK = ("localhost", "127.", "::1")
_ANY = ("", "*", "0.0.0.0", "::")


class Site(Struct, frozen=True):
    """Where browsers find the application.

    Attributes:
        root: Its address for pages of the notebook, with a slash at the end: a path alone where a proxy serves it under
            the notebook's own host name, whatever that is.
        public: The same for anyone, a whole URL as far as that is known.
        is_proxied: Whether it is behind a proxy.
    """

    root: str
    public: str
    is_proxied: bool

    @property
    def prefix(self) -> str:
        """The path that the proxy takes off, without a slash at the end."""
        return urlsplit(self.root).path.rstrip("/") if self.is_proxied else ""

    @property
    def origin(self) -> str:
        """What was told of the public host (`"https://example.org"`), `""` for nothing."""
        scheme, netloc, *_ = urlsplit(self.root)
        return f"{scheme}://{netloc}" if netloc else ""


def check_base_url(base_url: str | None, whole: bool = False) -> None:
    """Refuses what cannot be the address of an application.

    Args:
        base_url: What the user said.
        whole: Whether a path is not enough, as a program has to open it.

    Raises:
        ValueError: It is neither a path nor a URL, or only a path; the text shows both.
    """
    if base_url is None:
        return
    if not isinstance(base_url, str):
        raise TypeError(f"base_url is a path or a URL, with {{port}} for the port; got {base_url!r:.60}")
    parts = urlsplit(base_url.replace("{port}", "0"))
    absolute = parts.scheme in ("http", "https") and parts.netloc != ""
    path = parts.path.rstrip("/")
    fits = path == "" or PREFIX.fullmatch(path) is not None
    if parts.query or parts.fragment or not fits or not (absolute or (base_url.startswith("/") and not parts.netloc)):
        raise ValueError(
            'base_url is a path ("/user/ann/proxy/{port}/") or a URL ("https://example.org/user/ann/proxy/{port}/"); '
            f"got {base_url!r}"
        )
    if whole and not absolute:
        raise ValueError(f"this mode opens a whole URL, base_url='https://example.org/...'; got {base_url!r}")


def site_at(local: str, port: int, base_url: str | None) -> Site:
    """Where browsers find what is served here.

    Args:
        local: Its address on this machine, as `http://127.0.0.1:8123`.
        port: Its port.
        base_url: Where a proxy serves it, with `{port}` for the port, or `None`.
    """
    if base_url is None:
        return Site(local + "/", local + "/", False)
    root = base_url.replace("{port}", str(port)).rstrip("/") + "/"
    return Site(root, root if "://" in root else _public_origin() + root, True)


def base_url_of_notebook() -> str | None:
    """The `base_url` at which the server of this kernel proxies its ports; `None` where browsers need no proxy.

    Raises:
        LaunchError: JupyterHub runs this kernel, and there is no proxy.
    """
    state, server = os.environ.get("JUPYTERHUB_SERVICE_PREFIX"), _server_of_kernel()
    base = state or (server["base_url"] if server is not None and _is_remote(server) else None)
    if base is None:
        return None
    there = _has_proxy(server)
    if state and there is False:
        raise LaunchError(f"JupyterHub shows what a kernel serves only by a proxy, and there is none: {INSTALL}")
    if not state and not there:
        return None  # perhaps the port is forwarded
    return f"{base.rstrip('/')}/proxy/{{port}}/"


def is_shown_by_localhost() -> bool:
    """Whether Jupyter calls itself `localhost`: there a frame of `127.0.0.1` would be one of a foreign site.

    Browsers that block cookies of foreign sites (or a private window of Chromium) give such a frame no storage.
    """
    server = _server_of_kernel()
    return server is not None and server["hostname"] == "localhost"


def _is_remote(server: dict[str, Any]) -> bool:
    """Whether the browser may be on another machine. In a session of ssh it is, behind a forwarded port."""
    return "SSH_CONNECTION" in os.environ or not str(server["hostname"]).startswith(_LOOPBACK)


def _server_of_kernel() -> dict[str, Any] | None:
    """What the Jupyter server that started this kernel says of itself.

    It is read from the file that `jupyter_server.serverapp.list_running_servers()` reads: the server may be in another
    environment than the kernel.
    """
    if kernel_shell() is None:
        return None
    from jupyter_core.paths import jupyter_runtime_dir  # every kernel has it

    for process in _parents():
        try:
            info = json.loads(_text(os.path.join(jupyter_runtime_dir(), f"jpserver-{process}.json")))
        except (OSError, ValueError):
            continue  # it is no server of Jupyter's
        if {"hostname", "port", "base_url", "url", "secure"} <= set(info):
            return dict(info)
    return None


def _text(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def _parents() -> list[str]:
    """The processes that may have started this kernel (a shell may stand between)."""
    told = os.environ.get("JPY_PARENT_PID", "") if sys.platform != "win32" else ""  # there it is no process
    return [process for process in (told, str(os.getppid())) if process]


def _has_proxy(server: dict[str, Any] | None) -> bool | None:
    """Whether a server of Jupyter has a proxy: without one it knows no such path. `None`: it does not say."""
    if server is None or server.get("sock"):
        return None
    host = "127.0.0.1" if server["hostname"] in _ANY else str(server["hostname"])
    connection = _connect(host, int(server["port"]), bool(server["secure"]))
    try:
        connection.request("GET", f"{server['base_url']}proxy/1/probe")
        return connection.getresponse().status != http.client.NOT_FOUND
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _connect(host: str, port: int, secure: bool) -> http.client.HTTPConnection:
    if not secure:
        return http.client.HTTPConnection(host, port, timeout=PROBE_SECONDS)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # nothing secret is said or believed
    return http.client.HTTPSConnection(host, port, timeout=PROBE_SECONDS, context=context)


def _public_origin() -> str:
    """Scheme and host of the notebook's own address, as far as they are known; `""` for nothing."""
    if "JUPYTERHUB_SERVICE_PREFIX" in os.environ:
        url = os.environ.get("JUPYTERHUB_PUBLIC_URL", "")
    else:
        server = _server_of_kernel()
        url = "" if server is None else str(server["url"])
    scheme, netloc, *_ = urlsplit(url)
    return f"{scheme}://{netloc}" if netloc else ""
