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


def hook(hook_api: Any) -> None:
    """Add the data files of the program, once PyInstaller knows all imports."""
    scripts = [Path(script).resolve() for script in hook_api.analysis.inputs]
    for script in scripts:
        own = [script, *_modules_below(hook_api.module_graph, script.parent)]
        hook_api.add_datas(page_files(script.parent, own))
        if any(map(wants_window, own)):
            hook_api.add_imports("webview")


def _modules_below(graph: Any, folder: Path) -> list[Path]:
    """Return the modules that belong to the program."""
    files = {Path(node.filename).resolve() for node in graph.nodes() if getattr(node, "filename", None)}
    return [file for file in files if file.suffix == ".py" and belongs(file, folder)]
