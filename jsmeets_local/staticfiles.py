"""Serves the JavaScript of this package under /jsmeetspy/."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles

__all__ = ["ASSETS", "SCRIPTS", "Assets", "favicon"]

ASSETS = Path(str(resources.files("jsmeets_local") / "assets"))
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


class Assets(StaticFiles):
    """The assets, with media types that do not depend on the machine, checked by the browser at each load."""

    def __init__(self) -> None:
        super().__init__(directory=ASSETS)

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
    return FileResponse(ASSETS / "favicon.svg", media_type="image/svg+xml")
