"""The path under which a proxy serves the application: `/user/ann/proxy/8123`.

A proxy takes the path off before it asks us. ASGI wants it in `root_path` and in front of `path`: then routes,
redirects and `url_for` are right. jupyter-server-proxy tells it by `X-Forwarded-Prefix`, but not for WebSockets; others
tell nothing, and then it is what `launch(base_url=...)` was told. The header counts only on a connection to a loopback
address, which comes from this machine. (The address of the client would not do: `X-Forwarded-For` has replaced it.)
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from starlette.datastructures import Headers
from starlette.types import Scope

from .loopback import is_loopback

__all__ = ["PREFIX", "with_prefix"]

PREFIX = re.compile(r"(/[\w.~!$&'()*+,;=:@%-]+)+", re.ASCII)  # no "//", which would be another host


def with_prefix(scope: Scope, told: str) -> Scope:
    """The scope of a request or a WebSocket, as if the proxy had left the path alone.

    Args:
        scope: As the server gives it.
        told: The prefix where no header tells one; `""` for none.
    """
    local = is_loopback(str((scope.get("server") or ("",))[0]))
    headers = Headers(scope=scope) if local else Headers()
    scheme = headers.get("x-forwarded-proto", "").split(",")[0].strip()  # of the outermost of several proxies
    if scheme in ("http", "https") and scope["type"] == "http":
        scope = {**scope, "scheme": scheme}
    forwarded = headers.get("x-forwarded-prefix", "").rstrip("/")
    if PREFIX.fullmatch(forwarded):
        return _restored(scope, forwarded)
    return _restored(_as_written(scope, told), told) if told else scope


def _as_written(scope: Scope, prefix: str) -> Scope:
    """Some proxies leave the prefix on, and servers decode it: here it is as in the address."""
    plain, path = unquote(prefix), str(scope["path"])
    if scope.get("root_path") or not _is_under(path, plain):
        return scope
    return {**scope, "root_path": prefix, "path": prefix + path[len(plain) :]}


def _restored(scope: Scope, prefix: str) -> Scope:
    root = str(scope.get("root_path", ""))
    if _is_under(root, prefix):
        return scope  # an application around ours has done it, or `uvicorn --root-path`
    restored = {**scope, "root_path": prefix + root, "path": prefix + str(scope["path"])}
    if scope.get("raw_path") is not None:
        restored["raw_path"] = prefix.encode() + scope["raw_path"]
    if "app_root_path" in scope:  # we are mounted in another application
        restored["app_root_path"] = prefix + scope["app_root_path"]
    return restored


def _is_under(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(prefix + "/")
