"""Who may open a WebSocket: the launch token, and the allow-lists of `Host` and `Origin`. HTTP asks for the `Host`.

A local port is reachable by every web page the user visits. The browser tells the truth about `Origin` (cross-site
WebSocket hijacking, RFC 6455 section 10.2) and `Host` (DNS rebinding); the token keeps out other programs and accounts.

Behind a proxy `Host` and `Origin` are the public ones. Where its host name is not known, any is good that is also the
one of `Origin`, but only for those who have the token: a page for which a name was rebound has none. Sockets that ask
for no token do not open to unknown names.
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

__all__ = ["TOKEN_PREFIX", "Access"]

TOKEN_PREFIX = "jsmeets.token."
MAX_PORT = 65535

# `host:port` as browsers write it: without an account, a path, a query or a fragment (RFC 9110, section 7.2).
_ADDRESS = re.compile(r"(\[[0-9a-f:.]+\]|[\w.~-]+)(?::([0-9]{0,5}))?", re.ASCII | re.IGNORECASE)
_TOKEN = re.compile(r"[\w.~-]+", re.ASCII)


class Access:
    """Decides before the handshake is accepted.

    Args:
        token: What a page must know; `None` asks for none.
        allowed_hosts: Host names beyond the server's own and the loopback ones; `"*"` for any.
        allowed_origins: Origins (`"https://example.org"`) beyond the server's own; `"*"` for any.
    """

    def __init__(
        self, token: str | None, allowed_hosts: Collection[str] = (), allowed_origins: Collection[str] = ()
    ) -> None:
        for name, value in (("allowed_hosts", allowed_hosts), ("allowed_origins", allowed_origins)):
            if isinstance(value, str):
                raise TypeError(f"{name} is a list of names; got {value!r}: write [{value!r}]")
        if token is not None and not _TOKEN.fullmatch(token):
            raise ValueError("token consists of letters, digits and -._~ (a WebSocket subprotocol carries it)")
        self._refusals = Refusals()
        self._proxies: set[str] = set()  # origins at which a proxy serves us
        self._any_proxy = False  # one whose host name is not known
        self.token = token
        self.allowed_hosts = frozenset(host.lower() for host in allowed_hosts)
        self.allowed_origins = frozenset(origin.lower().rstrip("/") for origin in allowed_origins)

    def without_token(self) -> Access:
        """The same lists without the token, for sockets that the user's own JavaScript opens."""
        access = Access(None, self.allowed_hosts, self.allowed_origins)
        access._proxies = self._proxies  # the same set: what launch() is told later holds for these sockets too
        return access

    def open_to_proxy(self, origin: str) -> None:
        """A proxy serves us.

        Args:
            origin: What browsers see (`"https://example.org"`); `""` where that is not known.
        """
        if origin:
            self._proxies.add(origin.lower())
        else:
            self._any_proxy = True

    def forget_proxies(self) -> None:
        """No proxy serves us any more."""
        self._proxies.clear()
        self._any_proxy = False

    def knows(self, token: str) -> bool:
        """Whether this is the token; never where there is none. Takes the same time for every wrong one."""
        return self.token is not None and hmac.compare_digest(self.token.encode(), token.encode())

    def admits(self, scope: dict[str, Any]) -> bool:
        """Whether a WebSocket may be accepted; if not, the reason is logged."""
        reason = self._refusal(scope)
        if reason is not None:
            client = (scope.get("client") or ("unknown",))[0]
            self._refusals.tell(f"refused a WebSocket of {client} at {scope['path']:.200}: {reason}")
        return reason is None

    def refusal_of_request(self, scope: Mapping[str, Any]) -> str | None:
        """Why an HTTP request is not answered, which is logged too; `None` where it is."""
        host = _host(Headers(raw=scope["headers"]))
        if self._host_allowed(host, scope):
            return None
        reason = _foreign_host(host)
        client = (scope.get("client") or ("unknown",))[0]
        self._refusals.tell(f"refused a request of {client}: {reason}")  # the path may lead to the token
        return reason

    def is_foreign(self, scope: Mapping[str, Any]) -> bool:
        """Whether an HTTP request says that a page of a foreign origin has made it."""
        headers = Headers(raw=scope["headers"])
        origin = headers.get("origin")
        return origin is not None and not self._origin_allowed(origin, _host(headers))

    def _refusal(self, scope: dict[str, Any]) -> str | None:
        headers = Headers(scope=scope)
        host = _host(headers)
        if not self._host_allowed(host, scope):
            return _foreign_host(host)
        origin = headers.get("origin")
        if origin is not None and not self._origin_allowed(origin, host):
            return f"Origin {origin!r:.100} is foreign; allow it by JsMeetsPy(allowed_origins=[...])"
        if self.token is not None and not self._token_given(scope.get("subprotocols", ())):
            return _no_token(scope.get("subprotocols", ()))
        return None

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

    def _token_given(self, subprotocols: Collection[str]) -> bool:
        wanted = (self.token or "").encode()
        given = [p[len(TOKEN_PREFIX) :].encode() for p in subprotocols if p.startswith(TOKEN_PREFIX)]
        return any(hmac.compare_digest(wanted, one) for one in given)


def _host(headers: Headers) -> str:
    return ", ".join(headers.getlist("host"))  # of several none counts


def _foreign_host(host: str) -> str:
    return f"Host {host!r:.100} is not this server's; allow it by JsMeetsPy(allowed_hosts=[...])"


def _no_token(subprotocols: Collection[str]) -> str:
    if not any(name.startswith("jsmeets.") for name in subprotocols):
        return (
            "it does not speak this wire: JavaScript files of another version? Copy them anew, or load /jsmeetspy/..."
        )
    return "the launch token is missing or wrong; open the page by the URL that launch() made"


@lru_cache(maxsize=256)
def _split(address: str) -> tuple[str, int | None]:
    """Host name and port of `host:port`; no name where it is malformed."""
    found = _ADDRESS.fullmatch(address)
    if found is None or int(found[2] or 0) > MAX_PORT:
        return "", None
    return found[1].lower().strip("[]"), int(found[2]) if found[2] else None
