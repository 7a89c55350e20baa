"""One page as the hub knows it: what is on its way in both directions, whatever its connections do."""

from __future__ import annotations

from .codec import message_packet
from .outbox import Outbox

__all__ = ["Link"]

ACK_MESSAGES = 64  # what the page keeps at most, for a connection that breaks
ACK_BYTES = 256 * 1024


class Link:
    """One page: its names, its outbox, and how many of its messages have come."""

    __slots__ = ("acknowledged", "document", "outbox", "page", "received", "unacknowledged_bytes")

    def __init__(self, document: str, page: str) -> None:
        self.document = document
        self.page = page
        self.outbox = Outbox()
        self.received = 0  # messages of the page, since it first came
        self.acknowledged = 0
        self.unacknowledged_bytes = 0

    def count(self, messages: int, size: int) -> bool:
        """Counts what the page has sent, and now and then acknowledges it; then it returns `True`."""
        self.received += messages
        self.unacknowledged_bytes += size
        if self.received - self.acknowledged < ACK_MESSAGES and self.unacknowledged_bytes < ACK_BYTES:
            return False
        self.acknowledged = self.received
        self.unacknowledged_bytes = 0
        self.outbox.put_control(message_packet(["ack", self.received]))
        return True
