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
# Comments, and elements whose content is no HTML of the page.
_OPAQUE = re.compile(
    r"""<!--.*?(?:-->|\Z)
    |<(?P<tag>script|style|textarea|title|template)\b(?P<attributes>(?:"[^"]*"|'[^']*'|[^<>"'])*+)>
    (?P<content>.*?)(?:</(?P=tag)\b|\Z)""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
_ATTRIBUTE = re.compile(r"""(?:^|[\s/"'])(src|type)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))""", re.IGNORECASE)
_TYPE_THAT_RUNS = re.compile(r"module|(?:text|application)/(?:x-)?(?:java|ecma)script|", re.IGNORECASE)
_CLIENT = re.compile(
    rf"(?:.*/)?(?:JsPyTextSocket\.js|jsmeets\.mjs|jsmeetspy/{re.escape(JOINED)})(?:[?#].*)?", re.DOTALL
)
# A comment, or the address of an import.
_IMPORT = re.compile(
    r"""//[^\n]*|/\*.*?(?:\*/|\Z)|\b(?:from|import)\s*\(?\s*(?P<quote>["'`])(?P<address>[^"'`\n]*)(?P=quote)""",
    re.DOTALL,
)
_HEADS = [re.compile(rf"<{tag}(?=[\s/>])[^>]*>", re.IGNORECASE) for tag in ("head", "html", "!doctype")]
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
    scripts = _scripts_of(html)
    has_scripts = any(_loads_client(*script) for script in scripts)
    has_map = any(kind == "importmap" for kind, _, _ in scripts)  # not every browser supports a second one
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


def _scripts_of(html: str) -> list[tuple[str, str, str]]:
    """Return the scripts of a page: type, address and content."""
    scripts = []
    for found in _OPAQUE.finditer(html):
        if (found["tag"] or "").lower() == "script":
            given = {name.lower(): "".join(values) for name, *values in _ATTRIBUTE.findall(found["attributes"])}
            scripts.append((given.get("type", "").strip().lower(), given.get("src", "").strip(), found["content"]))
    return scripts


def _loads_client(kind: str, address: str, content: str) -> bool:
    """Return whether a script is the client, or imports it."""
    if not _TYPE_THAT_RUNS.fullmatch(kind):
        return False
    addresses = [address] if address else [found["address"] or "" for found in _IMPORT.finditer(content)]
    return any(_CLIENT.fullmatch(one) for one in addresses)


def _in_head(html: str, tags: str) -> str:
    plain = _OPAQUE.sub(lambda found: " " * len(found[0]), html)
    for head in _HEADS:
        if found := head.search(plain):
            return html[: found.end()] + tags + html[found.end() :]
    return "<!DOCTYPE html>" + tags + html
