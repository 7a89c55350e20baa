"""Each row of the threat model names existing tests."""

from __future__ import annotations

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parent
MODEL = TESTS.parent / "docs" / "explanation" / "security.md"


def rows() -> list[list[str]]:
    """Return the cells of the table, without its head."""
    lines = [line for line in MODEL.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def functions(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_each_row_names_tests_that_exist() -> None:
    assert len(rows()) > 12
    for who, *cells, tests in rows():
        assert len(cells) == 3, who
        assert all(cells), who
        named = re.findall(r"`([\w/]+\.py)::(test_\w+)`", tests)
        assert named, who
        assert len(named) == tests.count("`") // 2, who
        for file, name in named:
            assert name in functions(TESTS / file), f"{who}: {file}::{name}"
