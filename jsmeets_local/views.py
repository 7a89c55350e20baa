"""What `launch(page=...)` may name, and how it is served."""

from __future__ import annotations

import os
from difflib import get_close_matches
from typing import Any

import anyio
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from .compat import with_scripts
from .resources import bundled
from .staticfiles import Files, favicon

__all__ = ["Views"]


class Views:
    """Pages that no route of the application serves: asked last, so that they never hide a route.

    Args:
        app: The application; its router's default is replaced.
        static: Its folder of static files, if any.
        templates: Its folder of templates, if any.
    """

    def __init__(self, app: Starlette, static: str | None, templates: str | None) -> None:
        self._app: Any = app
        self._static = static
        self._templates = templates
        self._html: dict[str, str] = {}
        self._pages: dict[str, str] = {}  # path -> template
        self._files: dict[str, str] = {}  # path -> page on disk
        self._folders: dict[str, Files] = {}
        self._not_found = app.router.default
        app.router.default = self

    def locate(self, page: str | os.PathLike[str]) -> str:
        """The path (with query and fragment) at which a page is served, made so if needed.

        Args:
            page: A route, a template, a static file, a path on disk, or a text of HTML.

        Raises:
            FileNotFoundError: It is none of these; the text says what was looked for.
        """
        if not isinstance(page, (str, os.PathLike)):
            raise TypeError(f"page is a route, the name or path of a file, or a text of HTML; got {page!r:.60}")
        page = os.fspath(page)
        if "<" in page:
            return self._serve_html(page)
        name, tail = _split(page)
        path = self._route(name) or self._template(name) or self._static_file(name) or self._file(name)
        if path is None:
            raise FileNotFoundError(self._missing(page))
        return path + tail

    def folders(self) -> list[str]:
        """The folders whose files pages consist of, as far as they are known."""
        named = [folder for folder in (self._static, self._templates) if folder is not None]
        return [os.path.realpath(folder) for folder in (*named, *self._folders)]

    def _missing(self, page: str) -> str:
        if page == "/":
            return 'nothing is served at "/": add @app.route("/"), or name a page: launch("index.html")'
        looked = ["no route"] if page.startswith("/") else []
        folders = {"template": self._templates, "static file": self._static}
        looked += [f"no {kind} in {folder}" for kind, folder in folders.items() if folder is not None]
        looked.append(f"no file {os.path.abspath(page)}")
        if not any(folders.values()):
            looked[-1] += " (templates= and static= of the application name other folders to look in)"
        similar = get_close_matches(page, _files_in(self._templates, self._static, "."), 1, 0.8)
        meant = f"; did you mean {similar[0]!r}?" if similar else ""
        return f"no page {page!r}: {', '.join(looked)}{meant}"

    def _route(self, name: str) -> str | None:
        if not name.startswith("/"):
            return None
        scope = {"type": "http", "path": name, "method": "GET", "root_path": "", "headers": []}
        served = any(route.matches(scope)[0] is Match.FULL for route in self._app.router.routes)
        return name if served or name in self._html or name in self._pages else None

    def _template(self, name: str) -> str | None:
        for candidate in self._candidates(name):
            if self._templates is not None and os.path.isfile(os.path.join(self._templates, candidate)):
                path = name if name == "/" else "/" + candidate
                self._pages[path] = candidate
                return path
        return None

    def _static_file(self, name: str) -> str | None:
        for candidate in self._candidates(name):
            if self._static is not None and os.path.isfile(os.path.join(self._static, candidate)):
                return "/static/" + candidate
        return None

    def _candidates(self, name: str) -> list[str]:
        return ["index.html"] if name == "/" else [] if name.startswith("/") else [name]

    def _file(self, name: str) -> str | None:
        file = os.path.realpath(bundled(name))
        if not os.path.isfile(file):
            return None
        folder, name = os.path.split(file)
        self._folders.setdefault(folder, Files(directory=folder, html=True))
        if name.lower().endswith((".html", ".htm")):
            self._files.setdefault("/" + name, file)
        return "/" + name

    def _serve_html(self, html: str) -> str:
        for path, known in self._html.items():
            if known == html:
                return path
        path = "/" if not self._html and self._route("/") is None else f"/page-{len(self._html) + 1}"
        self._html[path] = html
        return path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves what no route does, then the icon, else what the router would have done."""
        response = await self._response(scope) if scope["type"] == "http" else None
        if response is None:
            await self._not_found(scope, receive, send)
        else:
            await response(scope, receive, send)

    async def _response(self, scope: Scope) -> Response | None:
        path = scope["path"].removeprefix(scope.get("root_path", "")) or "/"
        if path in self._html:
            return HTMLResponse(with_scripts(self._html[path]))
        if path in self._pages:
            response: Response = self._app.templates.TemplateResponse(Request(scope), self._pages[path])
            return response
        file = self._page_on_disk(path)
        if file is not None:
            return HTMLResponse(await _file_with_scripts(file))
        for folder in self._folders.values():
            try:
                return await folder.get_response(folder.get_path(scope), scope)
            except HTTPException:
                continue  # not in this folder
        return favicon() if path == "/favicon.ico" else None

    def _page_on_disk(self, path: str) -> str | None:
        file = self._files.get(path)
        return file if file is not None and os.path.isfile(file) else None


def _files_in(*folders: str | None) -> list[str]:
    """The names of the files that are directly in these folders, as far as they exist."""
    return [name for folder in folders if folder is not None and os.path.isdir(folder) for name in os.listdir(folder)]


async def _file_with_scripts(file: str) -> bytes:
    """A page on disk with our script tags, if it has none; in whatever encoding it is written."""
    content = await anyio.Path(file).read_bytes()
    return with_scripts(content.decode("latin-1")).encode("latin-1")


def _split(page: str) -> tuple[str, str]:
    """The name, and the query and fragment behind it; a file on disk may have them in its name."""
    if os.path.isfile(bundled(page)):
        return page, ""
    cut = min((page.index(mark) for mark in "?#" if mark in page), default=len(page))
    return page[:cut], page[cut:]
