"""Find the files that the pages of a program need by reading its source and the pages, without importing anything."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

__all__ = ["belongs", "page_files", "wants_window"]

CONVENTION = ("static", "templates")
WEB = (".html", ".htm", ".css", ".js", ".mjs")
PAGES = (".html", ".htm", ".xhtml", ".svg")
NOT_OURS = ("__pycache__", "site-packages")  # parts of paths
_OPENS_PAGES = ("launch", "run", "open")
_REFERENCE = re.compile(r"""["'(=]\s*([^"'()<>\s=]+)""")  # in HTML, CSS and JavaScript: src="a", url(b), import "c"


def page_files(folder: Path, sources: Iterable[Path]) -> list[tuple[str, str]]:
    """Return the data files for PyInstaller as `(file, folder in the program)`, placed relative to the script.

    Args:
        folder: The folder of the script. Files outside of it are left out: they have no place relative to the script.
        sources: The script and the modules of the program.
    """
    files: set[Path] = set()
    for source in sources:
        tree = ast.parse(source.read_bytes(), str(source))
        for base in {folder, source.parent}:
            files.update(_by_convention(base))
            files.update(_named(tree, base))
    files = {file for file in _with_references(files) if belongs(file, folder)}
    return [(str(file), str(file.relative_to(folder).parent)) for file in sorted(files)]


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
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        for keyword in call.keywords:
            if keyword.arg in CONVENTION:
                for path in _paths(keyword.value, base):
                    yield from _all_in(path)
            if keyword.arg == "icon":
                yield from filter(Path.is_file, _paths(keyword.value, base))
        if _called(call) in _OPENS_PAGES:
            for argument in [*call.args, *(keyword.value for keyword in call.keywords)]:
                yield from (path for path in _paths(argument, base) if path.suffix.lower() in PAGES and path.is_file())


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


def _with_references(files: set[Path]) -> set[Path]:
    """Return files and all that they refer to: `src="logo.png"`, `url(font.woff2)`, `import "./draw.js"`."""
    found: set[Path] = set()
    new = files
    while new:
        found |= new
        new = {path for file in new if file.suffix.lower() in WEB for path in _references(file)} - found
    return found


def _references(file: Path) -> Iterator[Path]:
    text = file.read_text(encoding="utf-8", errors="replace")
    for match in _REFERENCE.finditer(text):
        name = match[1].partition("?")[0].partition("#")[0]
        if name and len(name) < 250 and "\0" not in name:
            path = (file.parent / name).resolve()
            if path.is_file():
                yield path
