"""Offers: content that clients may download over HTTP instead of receiving chunks, each with a single-use secret."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from .chunks import CHUNK_BYTES, WINDOW

__all__ = ["MAX_OFFERS", "OFFER_BYTES", "Offer", "Offers"]

OFFER_BYTES = WINDOW * CHUNK_BYTES  # smaller contents are sent in chunks without waiting for credits
MAX_OFFERS = 2  # per client: browsers open six connections to a host, and the document needs some


class Offer:
    """Content of one packet, offered for download.

    Attributes:
        secret: The secret, in hexadecimal digits.
        parts: The content, in parts that are not copied.
        size: Its size in bytes.
        withdrawn: Callback for when the content is no longer needed.
    """

    __slots__ = ("parts", "secret", "size", "withdrawn")

    def __init__(self, parts: list[bytes | memoryview], size: int) -> None:
        self.secret = secrets.token_hex(16)
        self.parts = parts
        self.size = size
        self.withdrawn: Callable[[], object] = lambda: None


class Offers:
    """Table of the open offers.

    Args:
        least: Size in bytes above which content is offered.
    """

    def __init__(self, least: int = OFFER_BYTES) -> None:
        self.least = least
        self._open: dict[str, Offer] = {}

    def make(self, parts: list[bytes | memoryview], size: int) -> Offer:
        """Open an offer."""
        offer = Offer(parts, size)
        self._open[offer.secret] = offer
        return offer

    def take(self, secret: str) -> Offer | None:
        """Remove and return the offer of a secret, or return `None`."""
        return self._open.pop(secret, None)

    def withdraw(self, offer: Offer) -> None:
        """Close an offer, even during its download."""
        self._open.pop(offer.secret, None)
        offer.withdrawn()
