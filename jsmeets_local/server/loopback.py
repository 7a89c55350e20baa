"""Loopback names and addresses."""

from __future__ import annotations

import ipaddress

__all__ = ["LOOPBACK_NAMES", "is_loopback"]

# The names under which browsers reach a server at 127.0.0.1 or ::1. The rest of 127.0.0.0/8 is loopback too, but other
# servers may listen there at the same port.
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


def is_loopback(host: str) -> bool:
    """Return whether a host name or an IP address belongs to the loopback interface."""
    if host in LOOPBACK_NAMES:
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)  # before Python 3.13 ::ffff:127.0.0.1 is not loopback by itself
    return (mapped or address).is_loopback
