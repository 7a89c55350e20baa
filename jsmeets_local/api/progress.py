"""`Progress`: a loop of Python with a progress bar and a stop button in the page."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterable, Iterator
from time import monotonic
from typing import Any, Generic, TypeVar

from ..bridge.client import Client, ClientCall
from ..errors import Disconnected, JsPyError

__all__ = ["Progress"]

T = TypeVar("T")

_numbers = itertools.count(1)

logger = logging.getLogger("jsmeets_local")


class Progress(Generic[T]):
    """Iterable over the items of another one, which shows its progress in a page: see `Page.progress`.

    Args:
        client: The client behind the page.
        items: The items.
        label: The text before the numbers.
        total: The number of items; `None` if it is unknown.

    Attributes:
        count: The number of items whose turn of the loop has ended.
        total: The number of items; `None` if it is unknown.
        stopped: True if the loop has been stopped, by the button or by `stop()`.
    """

    def __init__(self, client: Client, items: Iterable[T], label: str, total: int | None) -> None:
        self.count = 0
        self.total = total
        self.stopped = False
        self._client = client
        self._items = items
        self._label = label
        self._id = next(_numbers)
        self._began = monotonic()
        self._state = "done"
        self._waits = False  # for the answer of the page to the last update
        self._sent: tuple[Any, ...] = ()
        self._fails = False

    def stop(self) -> None:
        """End the loop before its next item; any thread may call this."""
        self.stopped = True

    def __iter__(self) -> Iterator[T]:
        self.count, self.stopped, self._state, self._began = 0, False, "running", monotonic()
        self._update()
        try:
            for item in self._items:
                if self.stopped:  # while the source made this item
                    break
                yield item
                self.count += 1
                self._update()
                if self.stopped:
                    break
        finally:
            self._state = "stopped" if self.stopped else "done"
            self._client.bridge.portal.post_or_run(self._send, True)

    def _update(self) -> None:
        """Show the progress, unless an update is on its way: its answer sends the next one."""
        if not self._waits and not self._fails:
            self._waits = True
            self._client.bridge.portal.post_or_run(self._send)

    def _send(self, is_last: bool = False) -> None:
        """Send the state to the page; on the loop."""
        is_over = self._state != "running" and not is_last  # the last update follows
        if is_over or self._fails or (self._client.presence.closed and not self._client.presence.sockets):
            self._waits = False
            return
        self._sent = (self.count, self._state)
        bar = {
            "id": self._id,
            "label": self._label,
            "count": self.count,
            "total": self.total,
            "seconds": round(monotonic() - self._began, 3),
            "state": self._state,
        }
        payload = self._client.bridge.pack(["progress", bar, self.stop], "args")
        ClientCall(self._client, "$view", None, payload)(self._ended if is_last else self._answered)

    def _answered(self, outcome: Any) -> None:
        if isinstance(outcome, JsPyError) and not isinstance(outcome, Disconnected):
            self._ended(outcome)
            return
        self._waits = False  # before the check: a later item sends its own update
        if self._state == "running" and (self._sent != (self.count, self._state) or outcome is not None):
            self._waits = True
            self._send()

    def _ended(self, outcome: Any) -> None:
        """Leave the loop alone if the page cannot show it any longer."""
        if isinstance(outcome, JsPyError) and not self._fails:
            self._fails = True
            logger.debug("the page shows no progress: %s", outcome)

    def __repr__(self) -> str:
        of = "" if self.total is None else f" of {self.total}"
        return f"<Progress {self.count}{of}{', stopped' if self.stopped else ''}>"
