"""`launch(switch_interval=)` sets the interval while the server runs and restores it afterwards."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from jsmeets_local import Bridge, JsMeetsPy, LaunchError, Page

PAGE = "<p>here</p>"


@pytest.fixture(autouse=True)
def own() -> Iterator[float]:
    """The interval that the program has set, which is not Python's default."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.004)
    yield 0.004
    sys.setswitchinterval(before)


@pytest.fixture
def apps(make_app: Callable[..., JsMeetsPy]) -> list[JsMeetsPy]:
    return [make_app(), make_app()]


def interval() -> float:
    return round(sys.getswitchinterval(), 6)


def test_the_interval_holds_while_the_server_runs(apps: list[JsMeetsPy], own: float) -> None:
    apps[0].launch(PAGE, mode="none", switch_interval=0.0005)
    assert interval() == 0.0005
    apps[0].stop()
    assert interval() == own


def test_the_interval_is_left_alone_by_default(apps: list[JsMeetsPy], own: float) -> None:
    apps[0].launch(PAGE, mode="none")
    assert interval() == own
    sys.setswitchinterval(0.002)
    apps[0].stop()
    assert interval() == 0.002


def test_the_interval_ends_with_the_last_page(apps: list[JsMeetsPy], own: float) -> None:
    page = apps[0].launch(PAGE, mode="none", switch_interval=0.0005)
    page.close()
    apps[0].stop()
    assert interval() == own


@pytest.mark.parametrize("first", [0, 1])
def test_of_two_applications_the_shorter_one_counts(apps: list[JsMeetsPy], own: float, first: int) -> None:
    wanted = [0.001, 0.0003]
    for app, seconds in zip(apps, wanted, strict=True):
        app.launch(PAGE, mode="none", switch_interval=seconds)
    assert interval() == 0.0003
    apps[first].stop()
    assert interval() == wanted[1 - first]
    apps[1 - first].stop()
    assert interval() == own


def test_an_interval_set_by_the_program_meanwhile_is_kept(apps: list[JsMeetsPy]) -> None:
    apps[0].launch(PAGE, mode="none", switch_interval=0.0005)
    sys.setswitchinterval(0.003)
    apps[0].stop()
    assert interval() == 0.003


def test_run_takes_the_interval_too(apps: list[JsMeetsPy], own: float) -> None:
    seen = []

    def main(page: Page) -> None:
        seen.append(interval())
        page.close()

    apps[0].run(PAGE, mode="none", main=main, switch_interval=0.0005)
    assert seen == [0.0005]
    assert interval() == own


def test_a_server_that_fails_to_start_restores_it(own: float) -> None:
    def fail() -> None:
        raise OSError("no disk")

    with pytest.raises(OSError, match="no disk"):
        JsMeetsPy(bridge=Bridge(), on_startup=[fail]).launch(PAGE, mode="none", switch_interval=0.0005)
    assert interval() == own


def test_a_second_launch_has_the_same(apps: list[JsMeetsPy]) -> None:
    apps[0].launch(PAGE, mode="none", switch_interval=0.0005)
    apps[0].open(PAGE)
    apps[0].launch(PAGE, mode="none", switch_interval=0.0005)
    with pytest.raises(LaunchError, match="another switch_interval"):
        apps[0].launch(PAGE, mode="none", switch_interval=0.001)
    assert interval() == 0.0005


@pytest.mark.parametrize(
    ("value", "error"),
    [("0.001", TypeError), (True, TypeError), (0, ValueError), (-1, ValueError), (5, ValueError),
     (float("nan"), ValueError)],
)  # fmt: skip
def test_invalid_intervals_are_refused(apps: list[JsMeetsPy], own: float, value: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="switch_interval must be"):
        apps[0].launch(PAGE, mode="none", switch_interval=value)
    assert interval() == own
