"""Path prefix under which a proxy serves the application, such as `/user/ann/proxy/8123`.

A proxy removes the prefix before it forwards a request. ASGI requires the prefix in `root_path` and at the beginning of
`path`, so that routes, redirects and `url_for` work. jupyter-server-proxy sends `X-Forwarded-Prefix`, though not for
WebSockets; with other proxies the prefix comes from `launch(base_url=...)`. The header is trusted only on connections
to a loopback address, which come from this machine. (`X-Forwarded-For` has replaced the address of the client.)
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from starlette.datastructures import Headers
from starlette.types import Scope

from .loopback import is_loopback

__all__ = ["PREFIX", "with_prefix"]

PREFIX = re.compile(r"(/[\w.~!$&'()*+,;=:@%-]+)+", re.ASCII)  # without "//", which would name another host


def with_prefix(scope: Scope, default: str) -> Scope:
    """Restore the prefix in the scope of a request or WebSocket.

    Args:
        scope: The scope from the server.
        default: The prefix to use if no header gives one; `""` for none.
    """
    local = is_loopback(str((scope.get("server") or ("",))[0]))
    headers = Headers(scope=scope) if local else Headers()
    scheme = headers.get("x-forwarded-proto", "").split(",")[0].strip()  # the outermost of several proxies
    if scheme in ("http", "https") and scope["type"] == "http":
        scope = {**scope, "scheme": scheme}
    forwarded = headers.get("x-forwarded-prefix", "").rstrip("/")
    if PREFIX.fullmatch(forwarded):
        return _restored(scope, forwarded)
    return _restored(_as_written(scope, default), default) if default else scope


def _as_written(scope: Scope, prefix: str) -> Scope:
    """Restore the escapes of a prefix that the proxy kept and the server decoded."""
    plain, path = unquote(prefix), str(scope["path"])
    if scope.get("root_path") or not _is_under(path, plain):
        return scope
    return {**scope, "root_path": prefix, "path": prefix + path[len(plain) :]}


def _restored(scope: Scope, prefix: str) -> Scope:
    root = str(scope.get("root_path", ""))
    if _is_under(root, prefix):
        return scope  # set by an outer application or `uvicorn --root-path`
    restored = {**scope, "root_path": prefix + root, "path": prefix + str(scope["path"])}
    if scope.get("raw_path") is not None:
        restored["raw_path"] = prefix.encode() + scope["raw_path"]
    if "app_root_path" in scope:  # mounted in another application
        restored["app_root_path"] = prefix + scope["app_root_path"]
    return restored


def _is_under(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(prefix + "/")
