"""Find the files that the pages of a program need by reading its source and the pages, without importing anything."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

__all__ = ["MissingFiles", "belongs", "page_files", "wants_window"]

CONVENTION = ("static", "templates")
WEB = (".html", ".htm", ".css", ".js", ".mjs")
PAGES = (".html", ".htm", ".xhtml", ".svg")
NOT_OURS = ("__pycache__", "site-packages")  # parts of paths
_OPENS_PAGES = ("launch", "run", "open")
_LOADED = {"stylesheet", "modulepreload", "icon"}  # kinds of links (HTML, section "Link types")
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|//|/jsmeetspy/", re.IGNORECASE)  # another server, or this package
_REFERENCE = re.compile(r"""["'(=]\s*([^"'()<>\s=]+)""")  # in HTML, CSS and JavaScript: src="a", url(b), import "c"


class MissingFiles(Exception):
    """Files that pages refer to and that do not exist; the text lists them."""


def page_files(folder: Path, sources: Iterable[Path], others: Iterable[Path] = ()) -> list[tuple[str, str]]:
    """Return the data files for PyInstaller as `(file, folder in the program)`, placed relative to the script.

    Args:
        folder: The folder of the script. Files outside of it are left out: they have no place relative to the script.
        sources: The script and the modules of the program.
        others: Other modules that may have routes.

    Raises:
        MissingFiles: A page refers to files that do not exist, and that no route of the program serves.
    """
    files: dict[Path, Path] = {}  # file -> folder of the page that refers to it, which is its root
    routes: set[str] = set()
    statics: set[Path] = set()  # served at /static
    for source in others:
        routes.update(_constants(ast.parse(source.read_bytes(), str(source))))
    for source in sources:
        tree = ast.parse(source.read_bytes(), str(source))
        routes.update(_constants(tree))
        for base in {folder, source.parent}:
            statics.update((base / "static", *_named_folders(tree, base, "static")))
            for file in (*_by_convention(base), *_named(tree, base)):
                files.setdefault(file, file.parent)
    found, missing = _with_references(files, folder)
    unserved = [
        f"{name} in {page}"
        for page, name in sorted(missing)
        if not _is_served(name, routes) and not _is_in(name, statics)
    ]
    if unserved:
        raise MissingFiles("pages refer to files that do not exist: " + ", ".join(unserved))
    found = {file for file in found if belongs(file, folder)}
    return [(str(file), str(file.relative_to(folder).parent)) for file in sorted(found)]


def _is_in(name: str, statics: set[Path]) -> bool:
    """Return whether an address is that of a static file."""
    return name.startswith("/static/") and any((folder / name.removeprefix("/static/")).is_file() for folder in statics)


def _is_served(name: str, routes: set[str]) -> bool:
    """Return whether a path may be that of a route, or below that of a mount."""
    path = "/" + name.lstrip("/")
    return any(
        re.match(re.sub(r"\\{.*?\\}", ".+", re.escape(route)) + r"(/|$)", path)
        for route in routes
        if route.startswith("/") and route.strip("/")
    )


def wants_window(source: Path) -> bool:
    """Return whether a module contains the text "window" or "auto-window", which are modes."""
    tree = ast.parse(source.read_bytes(), str(source))
    return any(text in ("window", "auto-window") for text in _constants(tree))


def belongs(file: Path, folder: Path) -> bool:
    """Return whether a file belongs to the program: in its folder, but not in an environment within that folder."""
    if not file.is_relative_to(folder) or any(file.is_relative_to(root) for root in _environments(folder)):
        return False
    return not any(part in NOT_OURS or part.startswith(".") for part in file.relative_to(folder).parts)


def _environments(folder: Path) -> list[Path]:
    roots = {Path(root).resolve() for root in (sys.prefix, sys.base_prefix)}
    return [root for root in roots if root.is_relative_to(folder)]


def _by_convention(base: Path) -> Iterator[Path]:
    yield from (file for file in base.iterdir() if file.suffix.lower() in WEB and file.is_file())
    for name in CONVENTION:
        yield from _all_in(base / name)


def _named(tree: ast.AST, base: Path) -> Iterator[Path]:
    """Yield the files of `static=`, `templates=` and `icon=`, and the pages given to `launch`, `run` and `open`."""
    for name in CONVENTION:
        for path in _named_folders(tree, base, name):
            yield from _all_in(path)
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        for keyword in call.keywords:
            if keyword.arg == "icon":
                yield from filter(Path.is_file, _paths(keyword.value, base))
        if _called(call) in _OPENS_PAGES:
            for argument in [*call.args, *(keyword.value for keyword in call.keywords)]:
                yield from (path for path in _paths(argument, base) if path.suffix.lower() in PAGES and path.is_file())


def _named_folders(tree: ast.AST, base: Path, name: str) -> Iterator[Path]:
    """Yield the folders of the argument `name` in calls."""
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == name:
            yield from _paths(node.value, base)


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _paths(expression: ast.AST, base: Path) -> Iterator[Path]:
    """Yield the paths that an expression may name: `"web"`, `str(HERE / "pages" / "main.html")`."""
    texts = _constants(expression)
    for text in {*texts, "/".join(texts)}:
        if 0 < len(text) < 250 and "\n" not in text and "\0" not in text and Path(text).name:
            yield (base / text.partition("?")[0].partition("#")[0]).resolve()


def _constants(tree: ast.AST) -> list[str]:
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return [str(node.value) for node in sorted(found, key=lambda node: (node.lineno, node.col_offset))]


def _all_in(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from (file.resolve() for file in path.rglob("*") if file.is_file())


def _with_references(files: dict[Path, Path], script_folder: Path) -> tuple[set[Path], set[tuple[str, str]]]:
    """Return files and all that they refer to: `src="logo.png"`, `url(font.woff2)`, `import "./draw.js"`.

    The root of absolute addresses, such as `/assets/index.js`, is the folder of the page. It is taken whole if it is
    the result of a build tool, whose pages use such addresses.

    Args:
        files: The files, with the folders of their pages.
        script_folder: The folder of the script, which is never taken whole.

    Returns:
        The files; and the missing ones, as (page, address).
    """
    missing: set[tuple[str, str]] = set()
    new = files
    found: dict[Path, Path] = {}
    while new:
        found.update(new)
        more: dict[Path, Path] = {}
        for file, root in new.items():
            if file.suffix.lower() not in WEB:
                continue
            text = file.read_text(encoding="utf-8", errors="replace")
            for name in _names(_REFERENCE.findall(text)):
                path = _resolved(name, file, root)
                if path.is_file():
                    more[path] = root
                    if name.startswith("/") and root != script_folder:
                        more.update(dict.fromkeys(_all_in(root), root))
            if file.suffix.lower() in PAGES:
                needed = _Needed()
                needed.feed(text)
                missing.update((file.name, name) for name in needed.names if not _resolved(name, file, root).is_file())
        new = {path: root for path, root in more.items() if path not in found}
    return set(found), missing


def _names(references: Iterable[str]) -> Iterator[str]:
    """Yield the paths of references, without query and fragment."""
    for reference in references:
        name = reference.partition("?")[0].partition("#")[0]
        if name.strip("/") and len(name) < 250 and "\0" not in name:
            yield name


def _resolved(name: str, file: Path, root: Path) -> Path:
    return (root / name.lstrip("/") if name.startswith("/") else file.parent / name).resolve()


class _Needed(HTMLParser):
    """Finds the files that a page loads from its own server."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Collect the address of a script, a style sheet or an image."""
        given = {name: value or "" for name, value in attributes}
        loads = tag in ("img", "script", "source") or (tag == "link" and _LOADED & {*given.get("rel", "").split()})
        address = given.get("href" if tag == "link" else "src", "")
        if loads and "{" not in address and not _ELSEWHERE.match(address):
            self.names += [unquote(name) for name in _names([address]) if Path(name).suffix]
