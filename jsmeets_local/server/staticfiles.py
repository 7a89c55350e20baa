"""Static files: the JavaScript of this package under /jsmeetspy/, and users' folders."""

from __future__ import annotations

import hashlib
import os
import re
import sys

import anyio.to_thread
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response
from starlette.staticfiles import NotModifiedResponse, StaticFiles
from starlette.types import Message, Scope, Send

from ..staticfiles import ASSETS, CODE, VIEW
from .media_types import content_type, media_type

__all__ = [
    "Assets",
    "Files",
    "etag",
    "favicon",
    "is_plain",
    "revalidated",
]

MAX_READ_BYTES = 4 * 2**20  # up to this size, the ETag is a hash of the content
HEAD_BYTES = 64 * 1024  # read of larger files to detect their encoding

# Windows resolves these names to devices in every folder, with any extension.
_DEVICES = re.compile(r"(con|prn|aux|nul|clock\$|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\..*)?", re.IGNORECASE)


def is_plain(path: str, on_windows: bool = sys.platform == "win32") -> bool:
    """Return whether the path of a request is the only spelling of its file, and not a device.

    Windows treats a backslash as a slash, reads a drive or stream at `:`, and ignores trailing dots and spaces.
    """
    if "\\" in path or any(character < " " for character in path):
        return False
    return not on_windows or not any(map(_is_special, path.split("/")))


def _is_special(name: str) -> bool:
    aliased = name not in (".", "..") and name != name.rstrip(". ")
    return aliased or any(character in name for character in ':*?"<>|') or _DEVICES.fullmatch(name) is not None


class Files(StaticFiles):
    """Files of a folder, without directory listings. Symbolic links that lead outside are not followed."""

    def get_path(self, scope: Scope) -> str:
        """Return the path of a file as Starlette does; refuse paths that are not plain."""
        if not is_plain(scope["path"]):
            raise HTTPException(404)
        return super().get_path(scope)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Respond as Starlette does, with media type, encoding and `ETag` derived from the content."""
        response = await super().get_response(path, scope)
        if not isinstance(response, FileResponse):
            return response
        try:
            described = await anyio.to_thread.run_sync(self.described, response)
        except FileNotFoundError:
            raise HTTPException(404) from None
        except PermissionError:
            raise HTTPException(403) from None
        is_known = described.status_code == 200 and self.is_not_modified(described.headers, Headers(scope=scope))
        return NotModifiedResponse(described.headers) if is_known else described

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """Return the file unconditionally; `get_response` compares its `ETag` with the request."""
        return FileResponse(full_path, status_code, stat_result=stat_result)

    def described(self, response: FileResponse) -> Response:
        """Set `Content-Type` and `ETag` of a file. Blocks, so it runs in a worker thread."""
        stat = response.stat_result
        assert stat is not None
        is_small = stat.st_size <= MAX_READ_BYTES
        with open(response.path, "rb") as file:
            content = file.read(MAX_READ_BYTES if is_small else HEAD_BYTES)
        response.headers["content-type"] = content_type(response.path, content)
        # Timestamps are too coarse to tell two versions of the same length apart: hash the content of small files.
        seen = content if is_small else f"{stat.st_mtime_ns} {stat.st_ctime_ns} {stat.st_size} {stat.st_ino}".encode()
        response.headers["etag"] = etag(seen)
        return response


class Assets(Files):
    """JavaScript files of this package, revalidated by the browser on each load."""

    def __init__(self) -> None:
        super().__init__(directory=ASSETS)
        self.config_checked = True  # the folder exists; the check would start a thread
        self._names = frozenset(os.listdir(ASSETS))

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Respond with an asset, read on the event loop.

        Assets are few and small, and the first document waits for them; starting a worker thread takes longer.
        """
        if path not in self._names or scope["method"] not in ("GET", "HEAD"):
            return await super().get_response(path, scope)  # responds with an error
        content = _content(path)
        response = Response(content, headers=_headers(path, content), media_type=media_type(path))
        is_known = self.is_not_modified(response.headers, Headers(scope=scope))
        return NotModifiedResponse(response.headers) if is_known else response


def _content(name: str) -> bytes:
    with open(os.path.join(ASSETS, name), "rb") as file:
        return file.read()


def _headers(name: str, content: bytes) -> dict[str, str]:
    """Return headers that make browsers revalidate, so that upgrades take effect.

    Other origins may import `CODE` and `VIEW`.
    """
    headers = {"cache-control": "no-cache", "etag": etag(content)}
    return {**headers, "access-control-allow-origin": "*"} if name in (CODE, VIEW) else headers


def etag(content: bytes) -> str:
    """Return the `ETag` of content."""
    return f'"{hashlib.blake2b(content, digest_size=16).hexdigest()}"'


def revalidated(send: Send) -> Send:
    """Wrap `send` to add `Cache-Control: no-cache` to responses that have no such header.

    Without it, browsers cache files according to their age, and a reload runs outdated ones.
    """

    async def revalidate(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", ()))
            if not any(name.lower() == b"cache-control" for name, _ in headers):
                message = {**message, "headers": [*headers, (b"cache-control", b"no-cache")]}
        await send(message)

    return revalidate


def favicon() -> Response:
    """Return the default icon."""
    return Response(_content("favicon.svg"), media_type=media_type("favicon.svg"))
