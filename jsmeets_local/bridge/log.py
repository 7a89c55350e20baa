"""Logger `jsmeets_local`, which catches errors of the user's handlers.

`logging` reports errors of its own handlers, but an error of a user's handler or filter propagates from
`logger.error()` into the bridge. This logger reports such errors in the same way.
"""

from __future__ import annotations

import logging
import sys
from contextlib import suppress

from ..protocol.text import error_trace

__all__ = ["logger"]


class _Log(logging.Logger):
    def handle(self, record: logging.LogRecord) -> None:
        """Pass a record to the handlers, and report their errors on stderr."""
        try:
            super().handle(record)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - reported
            if logging.raiseExceptions and sys.stderr is not None:
                with suppress(OSError):
                    sys.stderr.write(
                        f"--- Logging error ---\n{error_trace(error)}"
                        f"Message: {record.msg!r}\nArguments: {record.args!r}\n"
                    )


logger = logging.getLogger("jsmeets_local")
logger.__class__ = _Log  # programs may have created the logger before they import this package
