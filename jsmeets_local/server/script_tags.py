"""Script tags that load the client, added to HTML."""

from __future__ import annotations

import codecs
import json
import re
from contextvars import ContextVar
from html import escape
from urllib.parse import quote

from starlette.types import Scope

from ..staticfiles import JOINED
from .media_types import utf16_of

__all__ = ["enter_application", "file_with_scripts", "script_tags", "with_scripts"]

_OF_PATHS = "/%:@!$&'()*+,;=~"  # characters that stay unescaped in a path (RFC 3986, section 3.3)
_OUR_FILES = re.compile(r"""(\s(?:src|href)\s*=\s*["']?)(?=/jsmeetspy/)""", re.IGNORECASE)
_NOT_IN_SCRIPTS = {ord(character): f"\\u{ord(character):04x}" for character in "<>&'"}

_current_root: ContextVar[str] = ContextVar("current_root", default="")


def enter_application(scope: Scope) -> None:
    """Set the path at which the application is mounted, for the tags of the current request."""
    _current_root.set(quote(str(scope.get("root_path", "")).rstrip("/"), safe=_OF_PATHS))


def script_tags() -> str:
    """Return the import map, if one is needed, and the script tag that loads all scripts of this package."""
    return "\n".join([*_import_map(), _script_tag()])


def _script_tag() -> str:
    return f'<script src="{escape(_current_root.get())}/jsmeetspy/{JOINED}"></script>'


def _import_map() -> list[str]:
    """Return the import map that resolves `import "/jsmeetspy/jsmeets.mjs"` in a mounted application."""
    root = _current_root.get()
    if not root:
        return []
    imports = json.dumps({"imports": {"/jsmeetspy/": f"{root}/jsmeetspy/"}}).translate(_NOT_IN_SCRIPTS)
    return [f'<script type="importmap">{imports}</script>']


def with_scripts(html: str) -> str:
    """Return HTML that loads the scripts of this package; add a script tag at the start of its head if it has none."""
    root = _current_root.get()
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
