"""Memory for large content: writable, of the right size, and resident only once it is used."""

from __future__ import annotations

import sys

import numpy
import psutil
import pytest

from jsmeets_local.protocol.memory import fresh

MIB = 2**20


@pytest.fixture(params=["with numpy", "without numpy"])
def modules(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numpy", numpy if request.param == "with numpy" else None)


@pytest.mark.usefixtures("modules")
@pytest.mark.parametrize("size", [0, 1, 4 * MIB - 1, 4 * MIB, 32 * MIB, 32 * MIB + 1])
def test_fresh_memory_is_writable_and_of_the_requested_size(size: int) -> None:
    memory = fresh(size)
    assert (len(memory), memory.format, memory.readonly) == (size, "B", False)
    memory[size // 2 :] = b"x" * (size - size // 2)
    assert bytes(memory[size // 2 :]) == b"x" * (size - size // 2)


@pytest.mark.usefixtures("modules")
def test_large_memory_is_not_resident_before_it_is_written() -> None:
    process = psutil.Process()
    before = process.memory_info().rss
    memory = [fresh(200 * MIB) for _ in range(3)]
    assert process.memory_info().rss - before < 50 * MIB
    assert sum(map(len, memory)) == 600 * MIB


@pytest.mark.usefixtures("modules")
def test_memory_is_released_with_its_last_view() -> None:
    process = psutil.Process()
    view = fresh(200 * MIB)[: 100 * MIB]
    view[:] = bytes(100 * MIB)
    full = process.memory_info().rss
    del view
    assert full - process.memory_info().rss > 90 * MIB
