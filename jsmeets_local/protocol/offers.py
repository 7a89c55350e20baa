"""What pages may fetch by HTTP, instead of taking it in chunks: each content by a secret that is good once."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from .chunks import CHUNK_BYTES, WINDOW

__all__ = ["MAX_OFFERS", "OFFER_BYTES", "Offer", "Offers"]

OFFER_BYTES = WINDOW * CHUNK_BYTES  # what is smaller goes out in chunks without waiting for the page
MAX_OFFERS = 2  # of one page at once: browsers open six connections to a host, and the page wants some too


class Offer:
    """The content of one packet.

    Attributes:
        secret: What to ask for it by, in hexadecimal digits.
        parts: The content, in pieces that are not copied.
        size: Bytes of it.
        withdrawn: Is called when nobody waits for it any more.
    """

    __slots__ = ("parts", "secret", "size", "withdrawn")

    def __init__(self, parts: list[bytes | memoryview], size: int) -> None:
        self.secret = secrets.token_hex(16)
        self.parts = parts
        self.size = size
        self.withdrawn: Callable[[], object] = lambda: None


class Offers:
    """All that may be fetched now.

    Args:
        least: Contents of more bytes are offered.
    """

    def __init__(self, least: int = OFFER_BYTES) -> None:
        self.least = least
        self._open: dict[str, Offer] = {}

    def make(self, parts: list[bytes | memoryview], size: int) -> Offer:
        """A content may be fetched."""
        offer = Offer(parts, size)
        self._open[offer.secret] = offer
        return offer

    def take(self, secret: str) -> Offer | None:
        """Somebody asks for a content; a second time there is none."""
        return self._open.pop(secret, None)

    def withdraw(self, offer: Offer) -> None:
        """A content may not be fetched any more, or need not be."""
        self._open.pop(offer.secret, None)
        offer.withdrawn()
