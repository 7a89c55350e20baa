"""Base of all proxies: their lifetime, their identity, and requests to their objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import msgspec

from ...errors import CallTimeout, JsPyError, PageClosed, ProtocolError, UnknownReference
from ...protocol.calls import Finished
from ...protocol.references import Handle, Imported
from ...protocol.values import Payload
from ..portal import Cancel, Done
from ..process_bound import ProcessBound

if TYPE_CHECKING:
    from ..bridge import Bridge

__all__ = ["PageObject", "Use", "checked", "value_of"]


class Use:
    """Operation that works on an object of a page. Its outcome is a value, or the exception to raise.

    Args:
        bridge: The bridge.
        handle: The handle of the object, or the socket of a page for its world.
        steps: The packed steps.
        about: The name of the object, for errors.
        timeout: Seconds; `None` for no limit.
    """

    __slots__ = ("_about", "_bridge", "_done", "_handle", "_steps", "_timeout")

    def __init__(
        self, bridge: Bridge, handle: Handle | int, steps: Payload, about: str, timeout: float | None = None
    ) -> None:
        self._bridge = bridge
        self._handle = handle
        self._steps = steps
        self._about = about
        self._timeout = timeout

    def __call__(self, done: Done[Any]) -> Cancel | None:
        """Start the request, on the loop."""
        self._done = done
        return self._bridge.use(self._handle, self._steps, self._about, self._timeout, self._finish)

    def _finish(self, finished: Finished) -> None:
        socket = self._handle if isinstance(self._handle, int) else self._handle.socket
        if socket in finished.answers:
            self._done(finished.answers[socket])
        elif finished.timed_out:
            text = f"{self._about!r} did not answer within {self._timeout:g} s"
            error = CallTimeout(text, "use", self._about, finished.id, socket)
            self._bridge.protocol.note_uncaught(socket, error)
            self._done(error)
        else:
            self._done(PageClosed(f"the page of {self._about!r} has left", "use", self._about, finished.id, socket))


def value_of(outcome: Any) -> Any:
    """Return the value of an outcome, or raise its exception."""
    if isinstance(outcome, JsPyError):
        raise outcome
    return outcome


def checked(answer: Any, form: Any, about: str) -> Any:
    """Return the answer of a page to a request of this library, whose form the protocol defines.

    Args:
        answer: The answer.
        form: The type that it has.
        about: The name of what was asked for, for the error.

    Raises:
        ProtocolError: The answer has another form. It is not from the client of this library.
    """
    try:
        return msgspec.convert(answer, form)
    except msgspec.ValidationError as error:
        raise ProtocolError(f"the page does not follow the protocol in its answer for {about!r}: {error}") from None


class PageObject(ProcessBound, Imported):
    """Proxy of an object in a page.

    Two proxies are equal if they represent the same object.
    """

    _home = "an open page"

    def __init__(self, bridge: Bridge, handle: Handle, detail: Any) -> None:
        super().__init__(handle)
        self._bridge = bridge
        self._identity = (handle.socket, handle.number)

    def _held(self) -> Handle:
        """Return the handle.

        Raises:
            UnknownReference: The proxy was destroyed.
        """
        handle = self._handle
        if handle is None:
            raise UnknownReference(f"{self!r} was destroyed")
        return handle

    def destroy(self) -> None:
        """Let the page forget the object, without waiting for the garbage collector. Doing so twice has no effect."""
        handle, self._handle = self._handle, None
        if handle is not None:
            handle.proxy = None  # if the object arrives once more, it gets another proxy
            del handle
            self._bridge.portal.wake_up()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.destroy()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PageObject):
            return NotImplemented
        return self._identity == other._identity and self._bridge is other._bridge

    def __hash__(self) -> int:
        return hash(self._identity)
