"""The logger `jsmeets_local`, which no handler of the user's can break.

`logging` reports what `Handler.emit` of its own handlers raises. What a handler or a filter of the user's raises comes
out of `logger.error()`, in the middle of what the bridge does for everybody. It is reported here in the same way.
"""

from __future__ import annotations

import logging
import sys
from contextlib import suppress

from ..protocol.text import error_trace

__all__ = ["logger"]


class _Log(logging.Logger):
    def handle(self, record: logging.LogRecord) -> None:
        """Passes a record to the handlers; reports on stderr what one of them raises."""
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
logger.__class__ = _Log  # it may be there already: programs configure loggers before they import
