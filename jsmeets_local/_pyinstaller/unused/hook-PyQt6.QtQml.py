"""Leave out the modules of QML, 100 MB, unless the program uses it. This replaces PyInstaller's own hook.

The browser engine links QtQml, but windows contain no QML.
"""

from typing import Any

from PyInstaller.utils.hooks.qt import add_qt6_dependencies, pyqt6_library_info

hiddenimports, binaries, datas = add_qt6_dependencies(__file__)


def hook(hook_api: Any) -> None:
    """Add the modules of QML if anything but PyQt6 itself imports QtQml or QtQuick."""
    graph = hook_api.module_graph
    nodes = [graph.find_node(f"PyQt6.{name}", create_nspkg=False) for name in ("QtQml", "QtQuick", "QtQuickWidgets")]
    importers = [importer for node in nodes if node for importer in graph.incoming(node) if importer]
    if any(not importer.identifier.startswith("PyQt6") for importer in importers):
        qml_binaries, qml_datas = pyqt6_library_info.collect_qtqml_files()
        hook_api.add_binaries(qml_binaries)
        hook_api.add_datas(qml_datas)
