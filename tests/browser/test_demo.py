"""Demo: a round of it, whose exit code reports errors of its threads."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

import jsmeets_local
from tests.tools import need

DEMO = Path(__file__).parents[2] / "examples" / "demo"


@pytest.fixture
def demo(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module of the demo, set up as by `main.py --once` in headless Chromium."""
    monkeypatch.syspath_prepend(DEMO)
    monkeypatch.setattr("sys.argv", ["main.py", "--once", "--headless", need("chromium")])
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setattr("jsmeets_local.bridge.bridge._default", jsmeets_local.Bridge())
    spec = importlib.util.spec_from_file_location("demo_main", DEMO / "main.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    for name in ("headless", "transcript"):
        sys.modules.pop(name, None)


def test_one_round_of_the_demo(demo: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert demo.main() == 0
    printed = capsys.readouterr()
    assert printed.out.endswith("Everything works.\n")
    assert printed.err == ""


@pytest.mark.parametrize("reader", ["work", "follow"])
def test_a_reader_that_fails_is_seen(
    demo: Any, reader: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, reader, lambda page: 1 / 0)
    assert demo.main() == 1
    printed = capsys.readouterr()
    assert printed.out.endswith("That was not everything.\n")
    assert "ZeroDivisionError" in printed.err
