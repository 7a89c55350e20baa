"""Detection of the account that owns the other end of a connection, if it is on this machine.

Linux lists the owner of each socket in `/proc/net/tcp`. On other systems accounts are not distinguished.
"""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Iterator
from typing import Any, TypeAlias

from starlette.types import Receive, Scope, Send

__all__ = ["PeerCredentials", "is_another_account"]

_PEER = "jsmeets.peer"  # key in the scope
# psutil.net_connections() cannot replace these tables: it reports pids instead of uids, and to an unprivileged account
# it reports None for the sockets of other accounts, which are the ones to detect.
_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")

Address: TypeAlias = tuple[str, int]


class PeerCredentials:
    """ASGI middleware that records the peer's address before uvicorn's middleware applies `X-Forwarded-For`.

    Args:
        app: The application.
    """

    def __init__(self, app: Any) -> None:
        from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware  # imported late: see uvicorn_server

        trusted = os.environ.get("FORWARDED_ALLOW_IPS", "127.0.0.1")  # uvicorn's default
        self._app: Any = ProxyHeadersMiddleware(app, trusted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, WebSocket or lifespan."""
        await self._app({**scope, _PEER: scope.get("client")}, receive, send)


def is_another_account(scope: Scope) -> bool:
    """Return whether a request comes from an account of this machine other than this process's own and root."""
    peer, server = scope.get(_PEER), scope.get("server")
    if peer is None or server is None or not sys.platform.startswith("linux"):
        return False
    uid = _uid(peer, server)
    return uid is not None and uid not in (0, os.getuid(), os.geteuid())


def _uid(local: Address, remote: Address) -> int | None:
    """Return the uid that owns the socket; `None` if it is not on this machine."""
    ends = [list(end) for end in zip(_written(*local), _written(*remote), strict=True)]
    return next((int(row[7]) for row in _rows() if row[1:3] in ends), None)


def _rows() -> Iterator[list[str]]:
    for table in filter(os.path.exists, _TABLES):
        with open(table, encoding="ascii") as file:
            yield from map(str.split, file.readlines()[1:])


def _written(host: str, port: int) -> list[str]:
    """Format an address as in the tables: `0100007F:1F90` for 127.0.0.1:8080, and its IPv4-mapped form."""
    address = ipaddress.ip_address(host)
    plain = getattr(address, "ipv4_mapped", None) or address
    forms = [plain.packed] if plain.version == 6 else [plain.packed, bytes(10) + b"\xff\xff" + plain.packed]
    return [f"{_words(packed)}:{port:04X}" for packed in forms]


def _words(packed: bytes) -> str:
    """Format words of 4 bytes in native byte order."""
    numbers = (int.from_bytes(packed[start : start + 4], sys.byteorder) for start in range(0, len(packed), 4))
    return "".join(f"{number:08X}" for number in numbers)
