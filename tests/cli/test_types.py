"""`jsmeets-local types`: TypeScript of what Python exposes, and Python of what a page exposes, read by their checkers."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from jsmeets_local import Bridge, JsMeetsPy
from jsmeets_local.cli import main
from jsmeets_local.cli.pyi import CannotRead, protocols
from jsmeets_local.cli.typescript import declarations
from jsmeets_local.staticfiles import ASSETS
from tests.cli.conftest import ROOT, Program
from tests.timing import scaled
from tests.tools import need, need_module

DECLARED = Path(__file__).parent / "declared"
TSC = ROOT / "client/node_modules/typescript/bin/tsc"


def types(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["types", *map(str, arguments)])


def checked_by_tsc(folder: Path, *files: str) -> str:
    """Return the errors of `tsc --strict` for files of a folder."""
    need("node")
    if not TSC.exists():
        (pytest.fail if os.environ.get("CI") else pytest.skip)("needs tsc: ./scripts/check installs it")
    options = {
        "strict": True, "noEmit": True, "target": "ES2022", "lib": ["ES2023", "DOM", "DOM.Iterable"], "types": [],
        "module": "ESNext", "moduleResolution": "bundler", "noUncheckedIndexedAccess": True, "noUnusedLocals": True,
        "paths": {"jsmeets-local": [str(Path(ASSETS, "jsmeets.d.mts"))]},
    }  # fmt: skip
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": options, "files": files}))
    done = subprocess.run(
        ["node", str(TSC), "--project", str(folder)], capture_output=True, text=True, timeout=scaled(90), cwd=folder
    )
    return done.stdout + done.stderr


# TypeScript ---------------------------------------------------------------------------------------------------------


def test_tsc_takes_the_declarations_and_finds_what_is_wrong(tmp_path: Path) -> None:
    done = types(DECLARED / "app.py", "-o", tmp_path / "api.d.ts")
    assert done.exit_code == 0, done.output
    shutil.copy(DECLARED / "use.ts", tmp_path)
    assert checked_by_tsc(tmp_path, "use.ts", "api.d.ts") == ""


def test_without_declarations_every_name_is_a_function(tmp_path: Path) -> None:
    (tmp_path / "use.ts").write_text('import { py } from "jsmeets-local";\nawait py.anything!.at!.all!(1);\n')
    assert checked_by_tsc(tmp_path, "use.ts") == ""


def test_a_copy_of_the_module_is_declared_by_its_path(tmp_path: Path) -> None:
    shutil.copy(Path(ASSETS, "jsmeets.d.mts"), tmp_path)
    (tmp_path / "app.py").write_text(
        "from jsmeets_local import JsMeetsPy, Bridge\napp = JsMeetsPy(bridge=Bridge())\napp.expose(abs, 'abs')\n"
    )
    assert types(tmp_path / "app.py", "--module", "./jsmeets.mjs", "-o", tmp_path / "api.d.ts").exit_code == 0
    (tmp_path / "use.ts").write_text('import { py } from "./jsmeets.mjs";\nawait py.abs(1);\nawait py.other(1);\n')
    errors = checked_by_tsc(tmp_path, "use.ts", "api.d.ts")
    assert re.findall(r"use.ts\((\d+),", errors) == ["3"], errors
    assert "Property 'other' does not exist" in errors


def test_docstrings_are_documentation() -> None:
    text = types(DECLARED / "app.py").output
    assert "        /**\n         * Move a point.\n         *\n         * It ends with *\\/ here.\n         */" in text
    assert "            /** Fit it. */\n            readonly fit: PyCaller<" in text
    assert "/** A place. */\nexport interface Point {\n    x: number;\n    y: number;\n}\n" in text
    assert "/** An event. It ends with *\\/. */" in text
    assert "readonly upper: " in text
    assert text == types(DECLARED / "app.py").output  # the same each time


def test_two_classes_of_one_name_and_names_that_are_no_identifiers() -> None:
    app = JsMeetsPy(bridge=Bridge())

    def made(field: str) -> Any:
        from dataclasses import make_dataclass

        return make_dataclass("Point", [(field, int)])

    one, other = made("x"), made("y")

    def f(a, b):  # type: ignore[no-untyped-def]
        return a

    f.__annotations__ = {"a": one, "b": other}
    app.expose("shop.add to cart")(f)
    text = declarations(app, "test")
    assert "export interface Point {\n    x: number;\n}" in text
    assert "export interface Point2 {\n    y: number;\n}" in text
    assert 'readonly shop: {\n            readonly "add to cart": PyCaller<' in text
    empty = declarations(JsMeetsPy(bridge=Bridge()), "test")
    assert empty.endswith('export {};\n\ndeclare module "jsmeets-local" {\n}\n')


# Python -------------------------------------------------------------------------------------------------------------


def test_mypy_takes_the_protocols_and_finds_what_is_wrong(tmp_path: Path) -> None:
    need_module("mypy")
    assert types(DECLARED / "page.d.ts", "-o", tmp_path / "page_api.pyi").exit_code == 0
    assert types(DECLARED / "page.js", "-o", tmp_path / "script_api.pyi").exit_code == 0
    shutil.copy(DECLARED / "use_page.py", tmp_path)
    path = os.pathsep.join([str(ROOT), str(tmp_path)])
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", "use_page.py", "page_api.pyi", "script_api.pyi"],
        cwd=tmp_path, env={**os.environ, "MYPYPATH": path}, capture_output=True, text=True, timeout=scaled(110),
    )  # fmt: skip
    lines = (DECLARED / "use_page.py").read_text().splitlines()
    wanted = {f"use_page.py:{number}" for number, line in enumerate(lines, 1) if line.endswith("# error")}
    found = {":".join(line.split(":")[:2]) for line in done.stdout.splitlines() if ": error: " in line}
    assert found == wanted, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["page.d.ts", "page.js"])
def test_the_protocols_are_python(name: str) -> None:
    text = types(DECLARED / name).output
    compile(text, name, "exec")
    assert (
        "    def draw(self" in text
        or "    def add(self, a: float, b: float | None = ..., /, *more: float) -> float:" in text
    )
    assert "hidden" not in text


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("a.d.ts", "declare function f(a: number", "expected more, got the end"),
        ("a.d.ts", "declare function f(a: %): void;", "expected a type, got '%'"),
        ("a.d.ts", "declare const x: number;", "it has no declared function"),
        ("a.js", "function f() {}", "it has no function with JSDoc"),
        ("a.js", "/** @param {number[} a */\nfunction f(a) {}", "expected more, got the end"),
        ("a.js", "/** @param {number a */\nfunction f(a) {}", "a brace is not closed: @param {number a"),
    ],
)
def test_what_cannot_be_read_is_told(name: str, text: str, reason: str) -> None:
    with pytest.raises(CannotRead, match=re.escape(reason)):
        protocols(text, name)


# The command --------------------------------------------------------------------------------------------------------


def test_wrong_usage_is_told(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("1 / 0")
    (tmp_path / "empty.d.ts").write_text("")
    for arguments, text in [
        ([tmp_path / "broken.py"], "ZeroDivisionError"),
        ([tmp_path / "missing.py"], "does not exist"),
        ([tmp_path / "missing.d.ts"], "cannot read"),
        ([tmp_path / "empty.d.ts"], "it has no declared function"),
        ([], "Missing argument"),
    ]:
        done = types(*arguments)
        assert done.exit_code in (1, 2)
        assert text in done.output


def test_a_file_with_the_same_text_is_not_written(tmp_path: Path) -> None:
    file = tmp_path / "api.d.ts"
    assert types(DECLARED / "page.d.ts", "-o", file).output == f"written {file}\n"
    before = file.stat().st_mtime_ns
    assert types(DECLARED / "page.d.ts", "-o", file).output == ""
    assert file.stat().st_mtime_ns == before


@pytest.mark.parametrize("options", [[], ["--reload"]])
def test_run_keeps_the_declarations_up_to_date(run: Callable[..., Program], tmp_path: Path, options: list[str]) -> None:
    program = 'from jsmeets_local import JsMeetsPy\napp = JsMeetsPy(static="static")\n@app.expose\ndef first(a: int) -> int: return a\n'
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "index.html").write_text("<p>")
    (tmp_path / "app.py").write_text(program)
    running = run("run", "app.py", "--none", "--types", "api.d.ts", *options)
    running.url()
    assert "readonly first: PyCaller<" in (tmp_path / "api.d.ts").read_text()
    if options:
        (tmp_path / "app.py").write_text(program.replace("first", "second"))
        running.until("written api.d.ts")
        assert "readonly second: PyCaller<" in (tmp_path / "api.d.ts").read_text()
