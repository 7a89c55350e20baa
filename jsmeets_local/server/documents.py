"""Documents that `launch(page=...)` serves: HTML text, templates, static files and files on disk."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any
from urllib.parse import quote, unquote

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .attached import Attached
from .media_types import content_type, media_type
from .resources import bundled
from .script_tags import file_with_scripts, with_scripts
from .staticfiles import Files, etag, favicon

__all__ = ["Documents"]


class Documents:
    """Documents of an application, served where no route matches, so that they never hide a route.

    Args:
        app: The application. Its router's default is replaced.
        static: The folder of its static files, if any.
        templates: The folder of its templates, if any.

    Attributes:
        attached: An application that answers what no route does. It precedes documents, except those launched by name.
    """

    def __init__(self, app: Any, static: str | None, templates: str | None) -> None:
        self._app = app
        self.attached: Attached | None = None
        self._static = static
        self._templates = templates
        self._html: dict[str, str] = {}  # path -> HTML text
        self._pages: dict[str, str] = {}  # path -> template
        self._folders: dict[str, _Folder] = {}
        self._routed: str | None = None  # path of the document that has a client-side router
        self._not_found = app.router.default
        app.router.default = self

    def locate(self, page: str | os.PathLike[str]) -> str:
        """Return the path, with query and fragment, at which a document is served; start to serve it if necessary.

        Args:
            page: A route, a template, a static file, a path on disk, or HTML text.

        Raises:
            TypeError: `page` is neither a string nor a path.
            FileNotFoundError: `page` is none of these. The message lists the locations that were searched.
        """
        if not isinstance(page, (str, os.PathLike)):
            raise TypeError(f"page must be a route, the name or path of a file, or HTML text; got {page!r:.60}")
        page = os.fspath(page)
        if "<" in page and not os.path.isfile(page):
            return self._serve_html(page)
        cut = min((page.index(mark) for mark in "?#" if mark in page), default=len(page))
        name, tail = page[:cut], page[cut:]
        if name.startswith("/") and self._is_served(name):
            return page
        for candidate, rest in ((page, ""), (name, tail)):  # file names may contain "?" and "#"
            path = self._find(candidate)
            if path is not None:
                return quote(path) + rest
        raise FileNotFoundError(self._missing(page))

    def answer_routes_by(self, path: str) -> None:
        """Serve the document at `path`, as returned by `locate`, for the paths of its client-side router too."""
        self._routed = unquote(path.partition("#")[0].partition("?")[0])

    def folders(self) -> list[str]:
        """Return the known folders of documents and their files, with symbolic links resolved."""
        named = [folder for folder in (self._static, self._templates) if folder is not None]
        linked = [target for folder in self._folders.values() for target in folder.targets()]
        return [os.path.realpath(folder) for folder in (*named, *self._folders, *linked)]

    def _missing(self, page: str) -> str:
        if page == "/":
            return (
                'nothing is served at "/": add @app.route("/"), or name a page: launch("index.html"), '
                "jsmeets-local run app.py --page index.html"
            )
        looked = ["no route"] if page.startswith("/") else []
        if os.path.isdir(page):
            return f"{page!r} is a folder: name a page in it, such as {os.path.join(page, 'index.html')!r}"
        folders = {"template": self._templates, "static file": self._static}
        looked += [f"no {kind} in {folder}" for kind, folder in folders.items() if folder is not None]
        looked.append(f"no file {os.path.abspath(page)}")
        if not any(folders.values()):
            looked[-1] += " (to search other folders, pass templates= or static= to the application)"
        similar = get_close_matches(page, _files_in(self._templates, self._static, "."), 1, 0.8)
        if not similar and (folder := os.path.dirname(page)):
            similar = get_close_matches(page, [os.path.join(folder, name) for name in _files_in(folder)], 1, 0.8)
        meant = f"; did you mean {similar[0]!r}?" if similar else ""
        return f"no page {page!r}: {', '.join(looked)}{meant}"

    def _is_served(self, path: str) -> bool:
        if path in self._html or path in self._pages:
            return True
        routes = list(self._app.router.routes)
        if self.attached is not None:
            theirs = self.attached.routes()
            if theirs is None:
                return not os.path.isfile(path)  # any path may be one of its routes
            routes += theirs
        scope = {"type": "http", "path": path, "method": "GET", "root_path": "", "headers": []}
        return any(route.matches(scope)[0] is Match.FULL for route in routes)

    def _find(self, name: str) -> str | None:
        """Return the path of a template, a static file or a file on disk, in this order; `None` if there is none.

        "/" is the `index.html` of the templates or the static files. Other names that begin with a slash are on disk.
        """
        inner = "index.html" if name == "/" else name
        if name == "/" or not name.startswith("/"):
            if self._templates is not None and os.path.isfile(os.path.join(self._templates, inner)):
                path = "/" if name == "/" else "/" + name
                self._pages[path] = inner
                return path
            if self._static is not None and os.path.isfile(os.path.join(self._static, inner)):
                return "/static/" + inner
        file = os.path.join(os.getcwd(), bundled(name))
        if not os.path.isfile(file):
            return None
        directory, name = os.path.split(file)
        directory = os.path.realpath(directory)
        if directory not in self._folders:
            self._folders[directory] = _Folder(directory, self._prefix_of(directory, name))
        folder = self._folders[directory]
        folder.pages.add(name)
        return f"{folder.prefix}/{name}"

    def _prefix_of(self, directory: str, page: str) -> str:
        """Return the URL prefix of a folder: the root for the first one, for others their place below it or their name.

        Documents of the same name then do not hide each other, and relative links stay within their folder.
        """
        if not self._folders and f"/{page}" not in self._pages:
            return ""
        name = os.path.basename(directory) or "folder"
        below = [
            served.prefix + directory.removeprefix(served.path).replace(os.sep, "/")
            for served in self._folders.values()
            if directory.startswith(os.path.join(served.path, ""))
        ]
        for prefix in (*below, f"/{name}", *(f"/{name}-{number}" for number in range(2, 100))):
            if not self._is_taken(prefix, directory):
                return prefix
        return f"/{name}"  # a route matches all of them

    def _is_taken(self, prefix: str, directory: str) -> bool:
        """Return whether something other than this folder is served at a path or below it."""
        if self._is_served(prefix) or self._is_served(f"{prefix}/"):
            return True
        for served in self._folders.values():
            inside = os.path.join(served.path, prefix[1:])
            if served.prefix == prefix or (os.path.lexists(inside) and os.path.realpath(inside) != directory):
                return True
        return False

    def _serve_html(self, html: str) -> str:
        for path, known in self._html.items():
            if known == html:
                return path
        path = "/" if not self._html and not self._is_served("/") else f"/page-{len(self._html) + 1}"
        self._html[path] = html
        return path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve what no route does: a document, the default icon, a path of an attached application, or a 404."""
        response = await self._response(scope) if scope["type"] == "http" else None
        answer: ASGIApp | None = response
        is_missing = response is None or response.status_code >= 400
        if is_missing and self._routed is not None and _is_route_of_page(scope, self._routed):
            answer = functools.partial(self._answer_route, self._routed)
        if self.attached is None or (scope["type"] == "http" and self._is_launched(_path(scope))):
            await (answer or self._not_found)(scope, receive, send)
        else:
            await self._answer_by_attached(self.attached, answer, scope, receive, send)

    async def _answer_route(self, page: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the page whose client-side router knows the path."""
        root = str(scope.get("root_path", ""))
        path, raw_path = root + page, root + quote(page)
        await self._app.router({**scope, "path": path, "raw_path": raw_path.encode()}, receive, send)

    def _is_launched(self, path: str) -> bool:
        """Return whether a page that `launch()` has named is served at a path."""
        files = (f"{folder.prefix}/{name}" for folder in self._folders.values() for name in folder.pages)
        return path in self._html or path in self._pages or path in files

    async def _answer_by_attached(
        self, attached: Attached, other: ASGIApp | None, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Let the attached application answer, and the other one in the place of its 404."""
        is_missing = False

        async def send_found(message: Message) -> None:
            nonlocal is_missing
            is_missing = is_missing or (message["type"] == "http.response.start" and message["status"] == 404)
            if not is_missing or other is None:
                await send(message)

        await attached(scope, receive, send_found)
        if is_missing and other is not None:
            await other(scope, receive, send)

    async def _response(self, scope: Scope) -> Response | None:
        path = _path(scope)
        if path in self._html:
            return HTMLResponse(with_scripts(self._html[path]))
        if path in self._pages:
            response: Response = self._app.templates.TemplateResponse(Request(scope), self._pages[path])
            return response
        missing = None  # the 404.html of a folder
        for folder, inner in self._places(scope, path):
            try:
                found = await folder.get_response(folder.get_path(inner), inner)
            except HTTPException:
                continue  # not in this folder
            if found.status_code < 400:
                return found
            missing = missing or found
        return favicon() if path == "/favicon.ico" else missing

    def _places(self, scope: Scope, path: str) -> Iterator[tuple[_Folder, Scope]]:
        """Yield the folders that may contain a file, each with the scope to use, those whose prefix matches first.

        All folders follow, because a document may refer to `/app.js`, as it can if its folder is served at the root.
        """
        for folder in self._folders.values():
            if folder.prefix and path.startswith(f"{folder.prefix}/"):
                yield folder, {**scope, "root_path": scope.get("root_path", "") + folder.prefix}
        for folder in self._folders.values():
            yield folder, scope


def _files_in(*folders: str | None) -> list[str]:
    """Return the names of the entries of these folders, skipping those that do not exist."""
    return [name for folder in folders if folder is not None and os.path.isdir(folder) for name in os.listdir(folder)]


class _Folder(Files):
    """Folder of a document on disk. All its HTML files load the client, because they may link to each other.

    Args:
        directory: The path of the folder.
        prefix: The URL path at which it is served, "" for the root.

    Attributes:
        pages: The names of the launched files. They may be symbolic links that lead outside.
    """

    def __init__(self, directory: str, prefix: str) -> None:
        super().__init__(directory=directory, html=True)
        self.path = directory
        self.prefix = prefix
        self.pages: set[str] = set()

    def targets(self) -> set[str]:
        """Return the folders of the files that the launched ones link to."""
        return {os.path.dirname(os.path.realpath(os.path.join(self.path, name))) for name in self.pages}

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        """Find a file as Starlette does, but follow the links of launched files. Runs in a worker thread."""
        if path in self.pages:
            file = os.path.join(self.path, path)
            if os.path.isfile(file):
                return file, os.stat(file)
        return super().lookup_path(path)

    def described(self, response: FileResponse) -> Response:
        """Respond with a file; add the client's script to an HTML file that does not load it."""
        if media_type(response.path) != "text/html":
            return super().described(response)
        with open(response.path, "rb") as file:
            content = file.read()
        kind, content = content_type(response.path, content), file_with_scripts(content)
        return Response(content, response.status_code, {"content-type": kind, "etag": etag(content)})


def _path(scope: Scope) -> str:
    return str(scope["path"]).removeprefix(scope.get("root_path", "")) or "/"


def _is_route_of_page(scope: Scope, page: str) -> bool:
    """Return whether a request navigates to a path that is neither the document nor a file."""
    if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD") or _path(scope) == page:
        return False
    kind = media_type(_path(scope))
    accepted = Headers(scope=scope).get("accept", "")
    return "text/html" in accepted and kind in ("text/html", "application/octet-stream")
