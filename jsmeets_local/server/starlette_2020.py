"""Start-up and shutdown handlers, which Starlette 1.0 dropped, and script tags for HTML."""

from __future__ import annotations

import codecs
import inspect
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from html import escape
from typing import Any, TypeAlias
from urllib.parse import quote

from starlette.requests import Request
from starlette.types import Receive, Scope

from ..protocol.arguments import check_function
from ..staticfiles import JOINED
from .media_types import utf16_of

__all__ = [
    "Handler",
    "Handlers",
    "check_path",
    "current_request",
    "enter_request",
    "file_with_scripts",
    "script_tags",
    "with_scripts",
]

Handler: TypeAlias = Callable[[], Any] | Callable[[], Awaitable[Any]]

current_request: ContextVar[Request] = ContextVar("current_request")
current_root: ContextVar[str] = ContextVar("current_root", default="")

_OF_PATHS = "/%:@!$&'()*+,;=~"  # characters that stay unescaped in a path (RFC 3986, section 3.3)
_OUR_FILES = re.compile(r"""(\s(?:src|href)\s*=\s*["']?)(?=/jsmeetspy/)""", re.IGNORECASE)
_NOT_IN_SCRIPTS = {ord(character): f"\\u{ord(character):04x}" for character in "<>&'"}


def enter_request(scope: Scope, receive: Receive) -> None:
    """Set the current HTTP request and the path at which the application is mounted, as context variables."""
    current_request.set(Request(scope, receive))
    current_root.set(quote(str(scope.get("root_path", "")).rstrip("/"), safe=_OF_PATHS))


def script_tags() -> str:
    """Return the import map, if one is needed, and the script tag that loads all scripts of this package."""
    return "\n".join([*_import_map(), _script_tag()])


def _script_tag() -> str:
    return f'<script src="{escape(current_root.get())}/jsmeetspy/{JOINED}"></script>'


def _import_map() -> list[str]:
    """Return the import map that resolves `import "/jsmeetspy/jsmeets.mjs"` in a mounted application."""
    root = current_root.get()
    if not root:
        return []
    imports = json.dumps({"imports": {"/jsmeetspy/": f"{root}/jsmeetspy/"}}).translate(_NOT_IN_SCRIPTS)
    return [f'<script type="importmap">{imports}</script>']


def with_scripts(html: str) -> str:
    """Return HTML that loads the scripts of this package; add a script tag at the start of its head if it has none."""
    root = current_root.get()
    html = _OUR_FILES.sub(lambda found: found[1] + root, html)
    has_scripts = any(name in html for name in ("JsPyTextSocket.js", "jsmeets.mjs", f"jsmeetspy/{JOINED}"))
    has_map = "importmap" in html  # not every browser supports a second one
    tags = [*([] if has_map else _import_map()), *([] if has_scripts else [_script_tag()])]
    return _in_head(html, "\n{}\n".format("\n".join(tags))) if tags else html


def file_with_scripts(content: bytes) -> bytes:
    """Apply `with_scripts` to an HTML file and keep its encoding; the tags are ASCII, which most encodings extend."""
    encoding = utf16_of(content)
    if encoding is None:
        mark = codecs.BOM_UTF8 if content.startswith(codecs.BOM_UTF8) else b""
        return mark + with_scripts(content.removeprefix(mark).decode("latin-1")).encode("latin-1")
    try:
        text = content.decode(encoding, "surrogatepass")
    except UnicodeDecodeError:  # an odd number of bytes
        return content
    mark16 = "\ufeff" if text.startswith("\ufeff") else ""
    return (mark16 + with_scripts(text.removeprefix(mark16))).encode(encoding, "surrogatepass")


def _in_head(html: str, tags: str) -> str:
    lower = html.lower()
    for tag in ("<head", "<html", "<!doctype"):
        start = lower.find(tag)
        if start >= 0 and not lower.startswith("<header", start):
            end = lower.index(">", start) + 1
            return html[:end] + tags + html[end:]
    return "<!DOCTYPE html>" + tags + html


class Handlers:
    """Start-up and shutdown handlers, run as a lifespan inside the user's own.

    Args:
        on_startup: Called in order when the server starts.
        on_shutdown: Called in order when the server stops.
        lifespan: The lifespan of the user, or `None`.
    """

    def __init__(
        self,
        on_startup: Sequence[Handler] | None,
        on_shutdown: Sequence[Handler] | None,
        lifespan: Callable[[Any], AbstractAsyncContextManager[Any]] | None,
    ) -> None:
        self._handlers: dict[str, list[Handler]] = {
            "startup": list(on_startup or ()),
            "shutdown": list(on_shutdown or ()),
        }
        self._lifespan = lifespan

    def add(self, event_type: str, func: Handler) -> None:
        """Add a handler.

        Raises:
            ValueError: `event_type` is neither "startup" nor "shutdown".
        """
        self.check_type(event_type)
        check_function(func, f"the {event_type!r} handler")
        self._handlers[event_type].append(func)

    def check_type(self, event_type: str) -> None:
        """Raise `ValueError` for an unknown event."""
        if event_type not in self._handlers:
            raise ValueError(f'event_type must be "startup" or "shutdown"; got {event_type!r}')

    @asynccontextmanager
    async def run(self, app: Any) -> AsyncIterator[MutableMapping[str, Any] | None]:
        """Run the handlers as a lifespan."""
        async with AsyncExitStack() as stack:
            state = None
            if self._lifespan is not None:
                state = await stack.enter_async_context(self._lifespan(app))
            await self._run_all("startup")
            stack.push_async_callback(self._run_all, "shutdown")
            yield state

    async def _run_all(self, event_type: str) -> None:
        for handler in self._handlers[event_type]:
            result = handler()
            if inspect.isawaitable(result):
                await result


def check_path(path: Any, decorator: str) -> None:
    """Check the path of a route.

    Args:
        path: The path.
        decorator: The name of the method that received it, for the error.

    Raises:
        TypeError: `path` is not a str.
        ValueError: `path` does not begin with a slash.
    """
    if not isinstance(path, str):
        raise TypeError(f'{decorator} needs a path: @app.{decorator}("/"); got {path!r:.200}')
    if not path.startswith("/"):
        raise ValueError(f'the path of a route must begin with a slash: @app.{decorator}("/{path}")')
