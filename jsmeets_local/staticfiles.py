"""Serves the JavaScript of this package under /jsmeetspy/, and the files of a folder: of that one alone."""

from __future__ import annotations

import hashlib
import os
import re
import sys

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import NotModifiedResponse, StaticFiles
from starlette.types import Scope

__all__ = ["ASSETS", "CODE", "JOINED", "MODULE", "SCRIPTS", "Assets", "Files", "favicon", "files_of", "is_plain"]

ASSETS = os.path.join(os.path.dirname(__file__), "assets")
SCRIPTS = (
    "JsPyTextSocket.js",
    "JsPyFunction.js",
    "JsPyQueue.js",
    "JsPyPubsub.js",
    "JsPyBinarySocket.js",
    "badge.js",
)
JOINED = "jsmeets.js"  # all of these in one: a page waits once
MODULE = "jsmeets.mjs"
CODE = "jsmeets-code.mjs"  # what the scripts and the module import when it is first needed

# Explicit: on Windows the registry decides what `mimetypes` says, and browsers refuse modules of type text/plain.
_MEDIA_TYPES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".mts": "text/plain",
    ".svg": "image/svg+xml",
}


# Windows finds devices under these names in every folder, whatever follows behind a dot.
_DEVICES = re.compile(r"(con|prn|aux|nul|clock\$|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\..*)?", re.IGNORECASE)


def is_plain(path: str, on_windows: bool = sys.platform == "win32") -> bool:
    """Whether the path of a request names a file in one way only, and no device.

    Windows takes a backslash for a slash, begins a drive or a stream at `:`, and forgets dots and spaces at the end.
    """
    if "\\" in path or any(character < " " for character in path):
        return False
    return not on_windows or not any(map(_is_special, path.split("/")))


def _is_special(name: str) -> bool:
    aliased = name not in (".", "..") and name != name.rstrip(". ")
    return aliased or any(character in name for character in ':*?"<>|') or _DEVICES.fullmatch(name) is not None


class Files(StaticFiles):
    """The files of a folder. There are no lists of them, and symbolic links lead nowhere outside."""

    def get_path(self, scope: Scope) -> str:
        """As Starlette's, for plain paths."""
        if not is_plain(scope["path"]):
            raise HTTPException(404)
        return super().get_path(scope)


class Assets(Files):
    """The assets, with media types that do not depend on the machine, checked by the browser at each load."""

    def __init__(self) -> None:
        super().__init__(directory=ASSETS)
        self.config_checked = True  # the folder is there; finding that out would start a thread
        self._names = frozenset(os.listdir(ASSETS))

    async def get_response(self, path: str, scope: Scope) -> Response:
        """As Starlette's; our own files are read here and now.

        They are few and small, and each first page waits for them: threads for that, and what starts them, take longer.
        """
        if path not in self._names or scope["method"] not in ("GET", "HEAD"):
            return await super().get_response(path, scope)  # which refuses
        content = _content(path)
        media_type = _MEDIA_TYPES[os.path.splitext(path)[1]]
        response = Response(content, headers=_headers(path, content), media_type=media_type)
        is_known = self.is_not_modified(response.headers, Headers(scope=scope))
        return NotModifiedResponse(response.headers) if is_known else response


def _content(name: str) -> bytes:
    with open(os.path.join(ASSETS, name), "rb") as file:
        return file.read()


def _headers(name: str, content: bytes) -> dict[str, str]:
    """`no-cache` so that an upgrade of the package is seen. Pages of other origins may import what scripts import."""
    headers = {"cache-control": "no-cache", "etag": f'"{hashlib.blake2b(content, digest_size=16).hexdigest()}"'}
    return {**headers, "access-control-allow-origin": "*"} if name == CODE else headers


def favicon() -> Response:
    """The icon for applications that have none."""
    return Response(_content("favicon.svg"), media_type="image/svg+xml")


def files_of(directory: str) -> Files:
    """The files of what was given as `static=`.

    Raises:
        RuntimeError: There is no such folder.
    """
    folder = os.path.abspath(directory)
    if not os.path.isdir(folder):
        raise RuntimeError(
            f"static={directory!r}: there is no folder {folder}. A relative path begins where the program was started; "
            "the folder beside the program is str(Path(__file__).with_name('static'))"
        )
    return Files(directory=directory)
