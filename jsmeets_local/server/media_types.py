"""Media types and encodings of files, the same on every machine."""

from __future__ import annotations

import codecs
import mimetypes
import os
import re

__all__ = ["content_type", "media_type", "utf16_of"]

# Types that browsers expect. On Windows, `mimetypes` reads the registry, which any program may change, and browsers
# reject modules and style sheets of type text/plain.
_TYPES = {
    ".aac": "audio/aac",
    ".apng": "image/apng",
    ".arrow": "application/vnd.apache.arrow.file",
    ".avif": "image/avif",
    ".bin": "application/octet-stream",
    ".bmp": "image/bmp",
    ".cjs": "text/javascript",
    ".css": "text/css",
    ".csv": "text/csv",
    ".eot": "application/vnd.ms-fontobject",
    ".flac": "audio/flac",
    ".frag": "text/plain",
    ".geojson": "application/geo+json",
    ".gif": "image/gif",
    ".glb": "model/gltf-binary",
    ".glsl": "text/plain",
    ".gltf": "model/gltf+json",
    ".gz": "application/gzip",
    ".htm": "text/html",
    ".html": "text/html",
    ".ico": "image/vnd.microsoft.icon",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".js": "text/javascript",
    ".json": "application/json",
    ".jsonld": "application/ld+json",
    ".jsx": "text/javascript",
    ".m4a": "audio/mp4",
    ".m4v": "video/mp4",
    ".map": "application/json",
    ".md": "text/markdown",
    ".mjs": "text/javascript",
    ".mov": "video/quicktime",
    ".mp3": "audio/mpeg",
    ".mp4": "video/mp4",
    ".mpeg": "video/mpeg",
    ".mts": "text/plain",
    ".npy": "application/octet-stream",
    ".obj": "model/obj",
    ".oga": "audio/ogg",
    ".ogg": "audio/ogg",
    ".ogv": "video/ogg",
    ".opus": "audio/ogg",
    ".otf": "font/otf",
    ".parquet": "application/vnd.apache.parquet",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".stl": "model/stl",
    ".svg": "image/svg+xml",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".toml": "application/toml",
    ".ts": "text/plain",
    ".tsv": "text/tab-separated-values",
    ".ttf": "font/ttf",
    ".txt": "text/plain",
    ".vert": "text/plain",
    ".vtt": "text/vtt",
    ".wasm": "application/wasm",
    ".wav": "audio/wav",
    ".weba": "audio/webm",
    ".webm": "video/webm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".wgsl": "text/wgsl",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".xhtml": "application/xhtml+xml",
    ".xml": "text/xml",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".zip": "application/zip",
}

_BOMS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16le", codecs.BOM_UTF16_BE: "utf-16be"}
_SCANNED = 1024  # bytes that browsers search for the encoding (HTML, section 13.2.3.2)
_COMMENT = re.compile(rb"<!--.*?(?:-->|\Z)", re.DOTALL)
_META = re.compile(rb"""<meta\s[^>]*?\bcharset\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)
_STYLE = re.compile(rb'@charset "([\w.:-]+)";')


def media_type(path: str | os.PathLike[str]) -> str:
    """Return the media type of a file by its name."""
    name = os.fspath(path)
    known = _TYPES.get(os.path.splitext(name)[1].lower())
    return known or mimetypes.guess_type(name)[0] or "application/octet-stream"


def content_type(path: str | os.PathLike[str], content: bytes) -> str:
    """Return the `Content-Type` of a file, given its content or the beginning of it."""
    kind = media_type(path)
    charset = _charset_of(kind, content) if kind.startswith("text/") else None
    return kind if charset is None else f"{kind}; charset={charset}"


def _charset_of(kind: str, content: bytes) -> str | None:
    """Return the encoding of a text; `None` to let the browser choose, for example that of the embedding document."""
    for mark, name in _BOMS.items():
        if content.startswith(mark):
            return name
    declared = _declared(kind, content[:_SCANNED])
    if declared is not None:
        return "utf-8" if declared.startswith("utf-16") else declared  # a declaration in ASCII is not UTF-16
    return (utf16_of(content) if kind == "text/html" else None) or ("utf-8" if _is_utf8(content) else None)


def utf16_of(content: bytes) -> str | None:
    """Return the encoding of HTML in UTF-16, with or without a byte order mark; `None` if it is not UTF-16."""
    if content.startswith((codecs.BOM_UTF16_LE, b"<\0")):
        return "utf-16le"
    return "utf-16be" if content.startswith((codecs.BOM_UTF16_BE, b"\0<")) else None


def _declared(kind: str, start: bytes) -> str | None:
    if kind == "text/html":
        found = _META.search(_COMMENT.sub(b"", start))
    else:
        found = _STYLE.match(start) if kind == "text/css" else None
    return None if found is None else found[1].decode().lower()


def _is_utf8(content: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(content)  # incremental: the content may end within a character
    except UnicodeDecodeError:
        return False
    return True
