"""PyInstaller: the JavaScript of this package, and the pages of the program that uses it."""

from pathlib import Path
from typing import Any

from PyInstaller.utils.hooks import collect_data_files

from jsmeets_local._pyinstaller.collect import belongs, page_files, wants_window

datas = collect_data_files("jsmeets_local", subdir="assets")

# What only a notebook, the command line or a window uses does not come along for our sake. Who imports it gets it.
excludedimports = [
    "IPython",
    "click",
    "gi",
    "jsmeets_local.cli",
    "jsmeets_local.ipython.magics",
    "qtpy",
    "watchfiles",
    "webview",
]

# Imports of what the server is made of that serve its developers: without these, that drags in whole toolkits.
UNUSED = {
    "dotenv.ipython": ("IPython",),
    "anyio.pytest_plugin": ("pytest", "_pytest"),
    "uvicorn.supervisors.watchfilesreload": ("watchfiles",),
}


def hook(hook_api: Any) -> None:
    """Called when all imports are known."""
    for module, packages in UNUSED.items():
        _cut(hook_api.module_graph, module, packages)
    scripts = [Path(script).resolve() for script in hook_api.analysis.inputs]
    for script in scripts:
        own = [script, *_modules_below(hook_api.module_graph, script.parent)]
        hook_api.add_datas(page_files(script.parent, own))
        if any(map(wants_window, own)):
            hook_api.add_imports("webview")


def _cut(graph: Any, module: str, packages: tuple[str, ...]) -> None:
    """Removes what a module imports of some packages. Others may import them all the same."""
    node = graph.find_node(module, create_nspkg=False)
    imported = list(graph.get_edges(node)[0]) if node is not None else []
    for target in imported:
        if target is not None and target.identifier.partition(".")[0] in packages:
            graph.removeReference(node, target)


def _modules_below(graph: Any, folder: Path) -> list[Path]:
    """The program's own modules."""
    files = {Path(node.filename).resolve() for node in graph.nodes() if getattr(node, "filename", None)}
    return [file for file in files if file.suffix == ".py" and belongs(file, folder)]
