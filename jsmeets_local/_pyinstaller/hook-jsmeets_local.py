"""PyInstaller hook: the JavaScript of this package and the pages of the program that uses it."""

from pathlib import Path
from typing import Any

from PyInstaller.utils.hooks import collect_data_files

from jsmeets_local._pyinstaller.collect import belongs, page_files, wants_window

datas = collect_data_files("jsmeets_local", subdir="assets")

# Only notebooks, the command line, windows or annotations use these. A program that imports one of them gets it all the
# same.
excludedimports = [
    "IPython",
    "anywidget",
    "click",
    "comm",
    "gi",
    "jsmeets_local.cli",
    "jsmeets_local.ipython.magics",
    "jupyter_core",
    "marimo",
    "pydantic",
    "qtpy",
    "traitlets",
    "watchfiles",
    "webview",
]

# Imports that serve developers, other frameworks and options of the libraries, and would pull in whole toolkits.
UNUSED = {
    "anyio._backends._asyncio": ("_pytest",),
    "anyio._backends._trio": ("trio",),
    "anyio.pytest_plugin": ("pytest", "_pytest"),
    "dotenv.ipython": ("IPython",),
    "numpy.__config__": ("yaml",),
    "pydantic._internal._core_utils": ("rich",),
    "pydantic.mypy": ("mypy",),
    "pydantic.v1._hypothesis_plugin": ("hypothesis",),
    "pydantic.v1.mypy": ("mypy",),
    "uvicorn.supervisors.watchfilesreload": ("watchfiles",),
    "websockets.asyncio.router": ("werkzeug",),
    "websockets.sync.router": ("werkzeug",),
    "websockets.trio.router": ("werkzeug",),
}


def hook(hook_api: Any) -> None:
    """Add the data files of the program, once PyInstaller knows all imports."""
    for module, packages in UNUSED.items():
        _cut(hook_api.module_graph, module, packages)
    scripts = [Path(script).resolve() for script in hook_api.analysis.inputs]
    for script in scripts:
        own = [script, *_modules_below(hook_api.module_graph, script.parent)]
        hook_api.add_datas(page_files(script.parent, own))
        if any(map(wants_window, own)):
            hook_api.add_imports("webview")


def _cut(graph: Any, module: str, packages: tuple[str, ...]) -> None:
    """Remove the imports of some packages from one module; other modules may still import them."""
    node = graph.find_node(module, create_nspkg=False)
    imported = list(graph.get_edges(node)[0]) if node is not None else []
    for target in imported:
        if target is not None and target.identifier.partition(".")[0] in packages:
            graph.removeReference(node, target)


def _modules_below(graph: Any, folder: Path) -> list[Path]:
    """Return the modules that belong to the program."""
    files = {Path(node.filename).resolve() for node in graph.nodes() if getattr(node, "filename", None)}
    return [file for file in files if file.suffix == ".py" and belongs(file, folder)]
