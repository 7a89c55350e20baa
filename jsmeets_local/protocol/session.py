"""One page as the protocol state knows it: what is on its way in both directions, whatever its connections do."""

from __future__ import annotations

from collections import deque

from .codec import Packet, message_packet
from .limits import Limits
from .offers import Offers
from .outbox import Outbox

__all__ = ["Session"]

ACK_MESSAGES = 64  # what the page keeps at most, for a connection that breaks
ACK_BYTES = 256 * 1024
MOST_NOTED = 5  # uncaught errors of the page, in the errors of its calls


class Session:
    """One page: its names, its outbox, and how many of its messages have come.

    Attributes:
        confirmed: Whether the page has received its welcome, which anything that it says after `hello` tells.
        waiting: Calls of Python's, by their numbers, that wait for room in the outbox.
        was_full: Whether somebody has found the outbox full since it last had room.
        running: How many calls of the page Python has not answered.
        received: Messages of the page since it first came; `received_bytes` of them.
        resumed: How often it has come back.
        uncaught: The last errors that no script of the page caught, a line each.
        uncaught_count: How many they were.
    """

    __slots__ = (
        "acknowledged",
        "confirmed",
        "document",
        "outbox",
        "page",
        "received",
        "received_bytes",
        "resumed",
        "round_trip",
        "running",
        "unacknowledged_bytes",
        "uncaught",
        "uncaught_count",
        "waiting",
        "was_full",
        "was_told",
    )

    def __init__(self, document: str, page: str, limits: Limits, offers: Offers) -> None:
        self.document = document
        self.page = page
        self.confirmed = False
        self.outbox = Outbox(limits.outbox_bytes, limits.outbox_messages, offers)
        self.waiting: deque[tuple[int, Packet]] = deque()
        self.was_full = False
        self.was_told = False  # that publications are dropped
        self.running = 0
        self.received = 0
        self.received_bytes = 0
        self.resumed = 0
        self.uncaught: deque[str] = deque(maxlen=MOST_NOTED)
        self.uncaught_count = 0
        self.round_trip: float | None = None  # seconds
        self.acknowledged = 0
        self.unacknowledged_bytes = 0

    def count(self, messages: int, size: int) -> bool:
        """Counts what the page has sent, and now and then acknowledges it; then it returns `True`."""
        self.received += messages
        self.received_bytes += size
        self.unacknowledged_bytes += size
        if self.received - self.acknowledged < ACK_MESSAGES and self.unacknowledged_bytes < ACK_BYTES:
            return False
        self.acknowledged = self.received
        self.unacknowledged_bytes = 0
        self.outbox.put_control(message_packet(["ack", self.received]))
        return True
