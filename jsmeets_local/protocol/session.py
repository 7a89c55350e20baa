"""Session of a client, which outlives its connections."""

from __future__ import annotations

from collections import deque

from .codec import Packet
from .effects import Invoke
from .limits import Limits
from .offers import Offers
from .outbox import Outbox
from .references import Exports, Imports
from .streams import Incoming, Outgoing

__all__ = ["Session"]

MAX_UNCAUGHT_NOTES = 5  # uncaught errors of a client that are noted in the errors of its calls


class Session:
    """State of one client: its page name, its outbox, and the count of its messages.

    Attributes:
        document: Identifier of the browser document.
        page: Name of the page that the document shows.
        confirmed: True once the client has sent a message after `hello`, so it has received its welcome.
        has_left: True once the client has said, beside its connection, that it will not return.
        exports: Objects of Python that the client may use.
        imports: Objects of the client that Python uses.
        outbox: Messages that have not been sent or not been acknowledged.
        waiting: Calls from Python that wait for room in the outbox, with their numbers.
        was_full: True after a writer found the outbox full, until it has room again.
        drop_logged: True once it has been logged that publications are dropped.
        readers: Streams of the client, by number, until they end.
        producers: Streams of Python that the client reads, by number, until they end.
        eased: Those of which the client has acknowledged items.
        running: Number of calls from the client that run or are queued in Python.
        calls: Those that the client waits for, by their ids.
        names: The names of the functions that the client exposes.
        received: Number of messages received since the first connection; `received_bytes` is their size.
        acknowledged: Number of received messages that have been acknowledged to the client.
        unacknowledged_bytes: Bytes received since the last acknowledgement.
        behind: States of which it has missed patches, for which there was no room.
        resumed: Number of reconnections.
        uncaught: The last uncaught errors of the client, one line each; `uncaught_count` counts all.
        round_trip: Seconds between the last ping and its pong, or `None`.
    """

    __slots__ = (
        "acknowledged",
        "behind",
        "calls",
        "confirmed",
        "document",
        "drop_logged",
        "eased",
        "exports",
        "has_left",
        "imports",
        "names",
        "outbox",
        "page",
        "producers",
        "readers",
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
    )

    def __init__(
        self, document: str, page: str, limits: Limits, offers: Offers, streamed: dict[int, Exports] | None = None
    ) -> None:
        self.document = document
        self.page = page
        self.confirmed = False
        self.has_left = False
        self.exports = Exports(streamed)
        self.imports = Imports()
        self.outbox = Outbox(limits.outbox_bytes, limits.outbox_messages, offers, self.take_back, self._arrived)
        self.readers: dict[int, Incoming] = {}
        self.producers: dict[int, Outgoing] = {}
        self.eased: list[Outgoing] = []
        self.waiting: deque[tuple[int, Packet]] = deque()
        self.was_full = False
        self.drop_logged = False
        self.running = 0
        self.calls: dict[int, Invoke] = {}
        self.names: frozenset[str] = frozenset()
        self.received = 0
        self.received_bytes = 0
        self.acknowledged = 0
        self.unacknowledged_bytes = 0
        self.behind: set[str] = set()
        self.resumed = 0
        self.uncaught: deque[str] = deque(maxlen=MAX_UNCAUGHT_NOTES)
        self.uncaught_count = 0
        self.round_trip: float | None = None

    def _arrived(self, packet: Packet) -> None:
        """Note that the client has acknowledged a packet that has an order."""
        assert packet.order is not None
        kind, number = packet.order
        producer = self.producers.get(number) if kind == "stream" else None
        if producer is not None:
            producer.in_flight -= packet.size
            self.eased.append(producer)

    def take_back(self, packet: Packet) -> None:
        """Release the objects of a packet that is not sent."""
        for number in packet.exported:
            self.exports.release(number)
