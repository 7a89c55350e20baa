"""Frames with their meaning, which the tests of Python and of the client both assert."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

VECTORS = Path(__file__).parent


def cases(name: str) -> list[Any]:
    """Return the cases of a file as parameters."""
    found = json.loads((VECTORS / f"{name}.json").read_text())["cases"]
    return [pytest.param(case, id=case["name"]) for case in found]
