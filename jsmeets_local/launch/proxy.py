"""Address of the application for browsers: its own port, or a path behind a proxy.

In a notebook, jupyter-server-proxy is detected in JupyterHub, and if the browser may run on another machine than the
Jupyter server.
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
from ..server.loopback import is_loopback

__all__ = ["Site", "base_url_of_notebook", "check_base_url", "is_shown_by_localhost", "site_at"]

PROBE_SECONDS = 2.0  # for the Jupyter server to respond to the probe for a proxy
INSTALL = (
    "pip install jupyter-server-proxy where Jupyter's server is installed, and restart that server; "
    "or pass launch(base_url=...)"
)
REACHABLE = (
    "The front end must show the iframe, and its browser must be able to reach that address. "
    'If it shows no iframes, launch(mode="browser") opens a tab, and launch(mode="none") gives you page.url. '
    f"If the kernel runs on another machine: {INSTALL}, or forward a port=... to the machine of the browser."
)

_ANY = ("", "*", "0.0.0.0", "::")


class Site(Struct, frozen=True):
    """Address of the application behind a proxy.

    Attributes:
        root: The address for documents of the notebook, with a trailing slash; a path if a proxy serves the application
            under the notebook's own host name.
        public: The address for any browser: an absolute URL if the host name is known.
    """

    root: str
    public: str

    @property
    def prefix(self) -> str:
        """Return the path that the proxy strips, without a trailing slash; `""` for none."""
        return urlsplit(self.root).path.rstrip("/")

    @property
    def origin(self) -> str:
        """Return the public origin (`"https://example.org"`); `""` if `base_url` does not name it."""
        scheme, netloc, *_ = urlsplit(self.root)
        return f"{scheme}://{netloc}" if netloc else ""


def check_base_url(base_url: str, whole: bool, name: str = "base_url") -> None:
    """Check the `base_url` or `dev_url` of `launch()`.

    Args:
        base_url: The argument.
        whole: Whether it has to be an absolute URL, because a program opens it.
        name: The name of the argument.

    Raises:
        TypeError: `base_url` is not a str.
        ValueError: `base_url` is neither a path nor a URL, or a path although `whole` is set; the text shows both.
    """
    if not isinstance(base_url, str):
        raise TypeError(f"{name} must be a path or a URL, with {{port}} for the port; got {base_url!r:.60}")
    parts = urlsplit(base_url.replace("{port}", "0"))
    absolute = parts.scheme in ("http", "https") and parts.netloc != ""
    path = parts.path.rstrip("/")
    fits = path == "" or PREFIX.fullmatch(path) is not None
    if parts.query or parts.fragment or not fits or not (absolute or (base_url.startswith("/") and not parts.netloc)):
        raise ValueError(
            f'{name} must be a path ("/user/ann/proxy/{{port}}/") or a URL '
            '("https://example.org/user/ann/proxy/{port}/"); '
            f"got {base_url!r}"
        )
    if whole and not absolute:
        raise ValueError(f"this mode needs an absolute URL, {name}='https://example.org/...'; got {base_url!r}")


def site_at(base_url: str, port: int) -> Site:
    """Return the address of the server at `port`.

    Args:
        base_url: The address behind a proxy, with `{port}` for the port.
        port: The port.
    """
    root = base_url.replace("{port}", str(port)).rstrip("/") + "/"
    return Site(root, root if "://" in root else _public_origin() + root)


def base_url_of_notebook() -> str | None:
    """Return the `base_url` at which Jupyter's server proxies the ports of this kernel; `None` if none is needed.

    Raises:
        LaunchError: JupyterHub runs this kernel, and jupyter-server-proxy is not installed.
    """
    state, server = os.environ.get("JUPYTERHUB_SERVICE_PREFIX"), _server_of_kernel()
    base = state or (server["base_url"] if server is not None and _is_remote(server) else None)
    if base is None:
        return None
    has_proxy = _has_proxy(server)
    if state and has_proxy is False:
        raise LaunchError(f"JupyterHub needs jupyter-server-proxy to show pages, and it is not installed: {INSTALL}")
    if not state and not has_proxy:
        return None  # the port may be forwarded
    return f"{base.rstrip('/')}/proxy/{{port}}/"


def is_shown_by_localhost() -> bool:
    """Return whether Jupyter is addressed as `localhost`, where an iframe of `127.0.0.1` is cross-site.

    Browsers that block third-party cookies (and private windows of Chromium) give a cross-site iframe no storage.
    """
    server = _server_of_kernel()
    return server is not None and server["hostname"] == "localhost"


def _is_remote(server: dict[str, Any]) -> bool:
    """Return whether the browser may run on another machine, such as over ssh with a forwarded port."""
    return "SSH_CONNECTION" in os.environ or not is_loopback(str(server["hostname"]))


def _server_of_kernel() -> dict[str, Any] | None:
    """Return the runtime information of the Jupyter server that started this kernel, or `None`.

    It is read from the file, as `jupyter_server.serverapp.list_running_servers()` does, because the server may be
    installed in another environment than the kernel.
    """
    if kernel_shell() is None:
        return None
    from jupyter_core.paths import jupyter_runtime_dir  # installed with every kernel

    for process in _parents():
        try:
            info = json.loads(_text(os.path.join(jupyter_runtime_dir(), f"jpserver-{process}.json")))
        except (OSError, ValueError):
            continue  # not a Jupyter server
        if {"hostname", "port", "base_url", "url", "secure"} <= set(info):
            return dict(info)
    return None


def _text(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def _parents() -> list[str]:
    """Return the ids of the processes that may have started this kernel; a shell may be in between."""
    parent = os.environ.get("JPY_PARENT_PID", "") if sys.platform != "win32" else ""  # a handle on Windows
    return [process for process in (parent, str(os.getppid())) if process]


def _has_proxy(server: dict[str, Any] | None) -> bool | None:
    """Return whether a Jupyter server has jupyter-server-proxy, which adds a path; `None` if it does not answer."""
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
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # the probe exchanges nothing secret
    return http.client.HTTPSConnection(host, port, timeout=PROBE_SECONDS, context=context)


def _public_origin() -> str:
    """Return the origin of the notebook's own address; `""` if it is unknown."""
    if "JUPYTERHUB_SERVICE_PREFIX" in os.environ:
        url = os.environ.get("JUPYTERHUB_PUBLIC_URL", "")
    else:
        server = _server_of_kernel()
        url = "" if server is None else str(server["url"])
    scheme, netloc, *_ = urlsplit(url)
    return f"{scheme}://{netloc}" if netloc else ""
