"""Which account the program at the other end of a connection belongs to, where both ends are on this machine.

Linux tells it in `/proc/net/tcp`; elsewhere nobody is told apart.
"""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

from starlette.types import Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

__all__ = ["Peers", "is_another_account"]

_PEER = "jsmeets.peer"  # in scopes
_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")

Address: TypeAlias = tuple[str, int]


class Peers:
    """ASGI middleware: notes who has connected, before `X-Forwarded-For` takes that place, as it does in uvicorn.

    Args:
        app: The application.
    """

    def __init__(self, app: Any) -> None:
        trusted = os.environ.get("FORWARDED_ALLOW_IPS", "127.0.0.1")  # uvicorn's default
        self._app: Any = ProxyHeadersMiddleware(app, trusted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, WebSocket or lifespan."""
        await self._app({**scope, _PEER: scope.get("client")}, receive, send)


def is_another_account(scope: Scope) -> bool:
    """Whether the request comes from an account of this machine that is neither this program's nor root."""
    peer, server = scope.get(_PEER), scope.get("server")
    if peer is None or server is None or not sys.platform.startswith("linux"):
        return False
    uid = _uid((_plain(peer[0]), peer[1]), (_plain(server[0]), server[1]))
    return uid is not None and uid not in (0, os.getuid(), os.geteuid())


def _uid(local: Address, remote: Address) -> int | None:
    """Whose socket it is; `None` where it is not on this machine."""
    for row in _rows():
        if _address(row[1]) == local and _address(row[2]) == remote:
            return int(row[7])
    return None


def _rows() -> Iterator[list[str]]:
    for table in map(Path, _TABLES):
        if table.exists():
            yield from map(str.split, table.read_text(encoding="ascii").splitlines()[1:])


def _address(text: str) -> Address:
    """`0100007F:1F90` is 127.0.0.1:8080: words of 4 bytes in the order of this machine, and a plain port."""
    words, _, port = text.partition(":")
    numbers = [int(words[start : start + 8], 16) for start in range(0, len(words), 8)]
    packed = b"".join(number.to_bytes(4, sys.byteorder) for number in numbers)
    return _plain(str(ipaddress.ip_address(packed))), int(port, 16)


def _plain(host: str) -> str:
    """An IPv4 address as such, also where a socket of IPv6 has it."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
