"""Serves the JavaScript of this package under /jsmeetspy/, and the files of a folder: of that one alone."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

__all__ = ["ASSETS", "SCRIPTS", "Assets", "Files", "favicon", "files_of", "is_plain"]

ASSETS = Path(__file__).parent / "assets"
SCRIPTS = (
    "JsPyTextSocket.js",
    "JsPyFunction.js",
    "JsPyQueue.js",
    "JsPyPubsub.js",
    "JsPyBinarySocket.js",
    "badge.js",
)

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
        self._names = frozenset(file.name for file in ASSETS.iterdir())

    async def get_response(self, path: str, scope: Scope) -> Response:
        """As Starlette's; our own files are read here and now.

        They are few and small, and each first page waits for them: threads for that, and what starts them, take longer.
        """
        plain = scope["method"] in ("GET", "HEAD") and "range" not in Headers(scope=scope)
        if not plain or path not in self._names:
            return await super().get_response(path, scope)
        file = ASSETS / path
        response = self.file_response(file, file.stat(), scope)
        if isinstance(response, FileResponse):
            return Response(file.read_bytes(), headers=response.headers)
        return response

    def file_response(self, full_path: Any, *args: Any, **kwargs: Any) -> Response:
        """As Starlette's, with our media type; `no-cache` so that an upgrade of the package is seen."""
        response = super().file_response(full_path, *args, **kwargs)
        media_type = _MEDIA_TYPES.get(Path(str(full_path)).suffix)
        if media_type is not None:
            charset = "" if media_type.startswith("image/") else "; charset=utf-8"
            response.headers["content-type"] = media_type + charset
        response.headers["cache-control"] = "no-cache"
        return response


def favicon() -> Response:
    """The icon for applications that have none."""
    return Response((ASSETS / "favicon.svg").read_bytes(), media_type="image/svg+xml")


def files_of(directory: str) -> Files:
    """The files of what was given as `static=`.

    Raises:
        RuntimeError: There is no such folder.
    """
    folder = Path(directory).absolute()
    if not folder.is_dir():
        raise RuntimeError(
            f"static={directory!r}: there is no folder {folder}. A relative path begins where the program was started; "
            "the folder beside the program is str(Path(__file__).with_name('static'))"
        )
    return Files(directory=directory)
