"""Serves the JavaScript of this package under /jsmeetspy/, and the files of a folder: of that one alone."""

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

from ..staticfiles import ASSETS, CODE
from .media_types import content_type, media_type

__all__ = [
    "Assets",
    "Files",
    "etag",
    "favicon",
    "files_of",
    "is_plain",
    "revalidated",
]

MAX_READ_BYTES = 4 * 2**20  # of files whose ETag is made of their content
HEAD_BYTES = 64 * 1024  # of larger ones, for their encoding

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

    async def get_response(self, path: str, scope: Scope) -> Response:
        """As Starlette's, with media type, encoding and `ETag` of the content."""
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
        """As Starlette's; `get_response` finds out whether the browser has it."""
        return FileResponse(full_path, status_code, stat_result=stat_result)

    def described(self, response: FileResponse) -> Response:
        """The answer of a file with what its content tells, in a thread."""
        stat = response.stat_result
        assert stat is not None
        is_small = stat.st_size <= MAX_READ_BYTES
        with open(response.path, "rb") as file:
            content = file.read(MAX_READ_BYTES if is_small else HEAD_BYTES)
        response.headers["content-type"] = content_type(response.path, content)
        # A clock of milliseconds does not tell two versions of the same length apart.
        seen = content if is_small else f"{stat.st_mtime_ns} {stat.st_ctime_ns} {stat.st_size} {stat.st_ino}".encode()
        response.headers["etag"] = etag(seen)
        return response


class Assets(Files):
    """The assets, checked by the browser at each load."""

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
        response = Response(content, headers=_headers(path, content), media_type=media_type(path))
        is_known = self.is_not_modified(response.headers, Headers(scope=scope))
        return NotModifiedResponse(response.headers) if is_known else response


def _content(name: str) -> bytes:
    with open(os.path.join(ASSETS, name), "rb") as file:
        return file.read()


def _headers(name: str, content: bytes) -> dict[str, str]:
    """`no-cache` so that an upgrade of the package is seen. Pages of other origins may import what scripts import."""
    headers = {"cache-control": "no-cache", "etag": etag(content)}
    return {**headers, "access-control-allow-origin": "*"} if name == CODE else headers


def etag(content: bytes) -> str:
    """The header `ETag` of a content."""
    return f'"{hashlib.blake2b(content, digest_size=16).hexdigest()}"'


def revalidated(send: Send) -> Send:
    """Lets browsers ask each time whether what they keep is still good, where an answer does not say another thing.

    Without that they keep files by their age, and a reload runs the old ones.
    """

    async def revalidate(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", ()))
            if not any(name.lower() == b"cache-control" for name, _ in headers):
                message = {**message, "headers": [*headers, (b"cache-control", b"no-cache")]}
        await send(message)

    return revalidate


def favicon() -> Response:
    """The icon for applications that have none."""
    return Response(_content("favicon.svg"), media_type=media_type("favicon.svg"))


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
