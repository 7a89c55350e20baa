"""Access control: the launch token and the `Origin` for WebSockets, the `Host` for all requests.

Every website that the user visits can reach a local port. Checking `Origin` prevents cross-site WebSocket hijacking
(RFC 6455, section 10.2), checking `Host` prevents DNS rebinding; the token keeps out other programs and accounts.

Behind a proxy, `Host` and `Origin` carry the public name. If that name is unknown, any `Host` is accepted that matches
the `Origin`, provided that the WebSocket requires the token, which a website on a rebound name does not have.
WebSockets that require no token reject unknown names.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

from starlette.datastructures import Headers

from .loopback import LOOPBACK_NAMES
from .refusals import Refusals

__all__ = ["Access"]

TOKEN_PREFIX = "jsmeets.token."
MAX_PORT = 65535

# `host:port` without user information, path, query or fragment (RFC 9110, section 7.2).
_ADDRESS = re.compile(r"(\[[0-9a-f:.]+\]|[\w.~-]+)(?::([0-9]{0,5}))?", re.ASCII | re.IGNORECASE)
_TOKEN = re.compile(r"[\w.~-]+", re.ASCII)


class Access:
    """Access rules, checked before a handshake is accepted or a request is answered.

    Args:
        token: The token that WebSockets must present; `None` requires none.
        allowed_hosts: Host names in addition to the server's own and the loopback names; `"*"` allows all.
        allowed_origins: Origins (`"https://example.org"`) in addition to the server's own; `"*"` allows all.

    Raises:
        TypeError: A list is given as a string.
        ValueError: `token` has characters that a WebSocket subprotocol cannot carry.
    """

    def __init__(
        self, token: str | None, allowed_hosts: Collection[str] = (), allowed_origins: Collection[str] = ()
    ) -> None:
        for name, value in (("allowed_hosts", allowed_hosts), ("allowed_origins", allowed_origins)):
            if isinstance(value, str):
                raise TypeError(f"{name} must be a list; got {value!r}: write {name}=[{value!r}]")
        if token is not None and not _TOKEN.fullmatch(token):
            raise ValueError("token may contain only letters, digits and -._~, to fit into a WebSocket subprotocol")
        self._refusals = Refusals()
        self._proxies: set[str] = set()  # public origins of proxies in front of this server
        self._any_proxy = False  # a proxy whose public host name is unknown
        self.token = token
        self.allowed_hosts = frozenset(host.lower() for host in allowed_hosts)
        self.allowed_origins = frozenset(origin.lower().rstrip("/") for origin in allowed_origins)

    def without_token(self) -> Access:
        """Return a copy that requires no token, for WebSockets that the user's own JavaScript opens."""
        access = Access(None, self.allowed_hosts, self.allowed_origins)
        access._proxies = self._proxies  # shared: a later launch() may add to it
        return access

    def open_to_proxy(self, origin: str) -> None:
        """Accept the public origin of a proxy in front of this server.

        Args:
            origin: The origin as browsers see it (`"https://example.org"`); `""` if it is unknown.
        """
        if origin:
            self._proxies.add(origin.lower())
        else:
            self._any_proxy = True

    def forget_proxies(self) -> None:
        """Remove the origins of all proxies."""
        self._proxies.clear()
        self._any_proxy = False

    def knows(self, token: str) -> bool:
        """Return whether `token` is the launch token, in constant time; `False` if there is no launch token."""
        return self.token is not None and hmac.compare_digest(self.token.encode(), token.encode())

    def admits(self, scope: Mapping[str, Any]) -> bool:
        """Return whether to accept a WebSocket. Log the reason if not."""
        return self._admits(scope, self._refusal_of_origin(scope) or self._refusal_of_token(scope))

    def admits_origin(self, scope: Mapping[str, Any]) -> bool:
        """Return whether `Host` and `Origin` of a WebSocket are allowed. Log the reason if not."""
        return self._admits(scope, self._refusal_of_origin(scope))

    def _admits(self, scope: Mapping[str, Any], refusal: str | None) -> bool:
        if refusal is not None:
            self._refusals.tell(f"refused a WebSocket from {_client(scope)} at {scope['path']:.200}: {refusal}")
        return refusal is None

    def refusal_of_request(self, scope: Mapping[str, Any]) -> str | None:
        """Return, and log, the reason to refuse an HTTP request; `None` to answer it."""
        host = _host(Headers(raw=scope["headers"]))
        if self._host_allowed(host, scope):
            return None
        reason = _foreign_host(host)
        self._refusals.tell(f"refused a request from {_client(scope)}: {reason}")  # the path may be secret
        return reason

    def is_foreign(self, scope: Mapping[str, Any]) -> bool:
        """Return whether an HTTP request comes from an origin that is not allowed."""
        headers = Headers(raw=scope["headers"])
        origin = headers.get("origin")
        return origin is not None and not self._origin_allowed(origin, _host(headers))

    def _refusal_of_origin(self, scope: Mapping[str, Any]) -> str | None:
        headers = Headers(raw=scope["headers"])
        host = _host(headers)
        if not self._host_allowed(host, scope):
            return _foreign_host(host)
        origin = headers.get("origin")
        if origin is not None and not self._origin_allowed(origin, host):
            return f"Origin {origin!r:.100} is not allowed; to allow it, pass JsMeetsPy(allowed_origins=[...])"
        return None

    def _refusal_of_token(self, scope: Mapping[str, Any]) -> str | None:
        if self.token is None:
            return None
        subprotocols = scope.get("subprotocols", ())
        tokens = (name.removeprefix(TOKEN_PREFIX) for name in subprotocols if name.startswith(TOKEN_PREFIX))
        return None if any(map(self.knows, tokens)) else _no_token(subprotocols)

    def _host_allowed(self, host: str, scope: Mapping[str, Any]) -> bool:
        name, _ = _split(host)
        server = (scope.get("server") or ("",))[0] or ""
        own = name in LOOPBACK_NAMES or (name != "" and name == server.lower())
        allowed = "*" in self.allowed_hosts or name in self.allowed_hosts or host.lower() in self.allowed_hosts
        return own or allowed or (name != "" and self._is_of_proxy(host.lower()))

    def _is_of_proxy(self, host: str) -> bool:
        if self._any_proxy and self.token is not None:
            return True
        return any(host == origin.partition("://")[2] for origin in self._proxies)

    def _origin_allowed(self, origin: str, host: str) -> bool:
        origin = origin.lower()
        if "*" in self.allowed_origins or origin in self.allowed_origins or origin in self._proxies:
            return True
        scheme, _, address = origin.partition("://")
        (name, port), (own_name, own_port) = _split(address), _split(host)
        is_own = address == host.lower() or ({name, own_name} <= LOOPBACK_NAMES and port == own_port)
        return scheme in ("http", "https") and name != "" and is_own


def _host(headers: Headers) -> str:
    return ", ".join(headers.getlist("host"))  # several Host fields form no valid address, and are refused


def _client(scope: Mapping[str, Any]) -> str:
    return str((scope.get("client") or ("unknown",))[0])


def _foreign_host(host: str) -> str:
    return f"Host {host!r:.100} is not allowed; to allow it, pass JsMeetsPy(allowed_hosts=[...])"


def _no_token(subprotocols: Collection[str]) -> str:
    if not any(name.startswith("jsmeets.") for name in subprotocols):
        return (
            "it offers no subprotocol of jsmeets_local; if the page loads copies of the JavaScript files, update them, "
            "or load them from /jsmeetspy/"
        )
    return "the launch token is missing or wrong; open the page with the URL that launch() returned"


@lru_cache(maxsize=256)
def _split(address: str) -> tuple[str, int | None]:
    """Split `host:port`. The name is empty if the address is malformed."""
    found = _ADDRESS.fullmatch(address)
    if found is None or int(found[2] or 0) > MAX_PORT:
        return "", None
    return found[1].lower().strip("[]"), int(found[2]) if found[2] else None
