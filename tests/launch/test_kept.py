"""The place of a window: what is restored, and what is saved when."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Event, Thread

import pytest

from jsmeets_local.launch.window.kept import Place, PlaceKeeper, Profile
from tests.timing import scaled

PLACE = Place(10, 20, 300, 200, False)
SCREENS = [(0, 0, 1000, 800), (1000, 0, 500, 500)]


@pytest.mark.parametrize(
    ("x", "y", "reachable"),
    [
        (0, 0, True),
        (-260, 0, True),
        (-270, 0, False),
        (960, 0, True),
        (1460, 10, True),
        (1470, 10, False),
        (1200, 600, False),
        (0, -1, False),
        (0, 760, True),
        (0, 761, False),
    ],
)
def test_a_reachable_place(x: int, y: int, reachable: bool) -> None:
    assert PLACE._replace(x=x, y=y).is_reachable(SCREENS) is reachable


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{}",
        json.dumps(PLACE._replace(width=0)._asdict()),
        json.dumps({**PLACE._asdict(), "x": "1"}),
        json.dumps({**PLACE._asdict(), "y": None}),
    ],
)
def test_a_broken_record_is_no_place(tmp_path: Path, text: str) -> None:
    (tmp_path / "place.json").write_text(text)
    assert PlaceKeeper(str(tmp_path), lambda last: last, lambda func: func()).place is None


def test_many_moves_are_saved_once_the_window_rests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jsmeets_local.launch.window.kept.QUIET_SECONDS", scaled(0.3))
    places = iter([PLACE, PLACE._replace(x=11)])
    saved = [Event(), Event()]
    finds = iter(saved)

    def find(last: Place | None) -> Place:
        place = next(places)
        next(finds).set()
        return place

    keeper = PlaceKeeper(str(tmp_path), find, lambda func: func())
    Thread(target=keeper.follow, daemon=True).start()
    for _ in range(1000):
        keeper.moved()
    assert saved[0].wait(scaled(5))
    keeper.moved()
    assert saved[1].wait(scaled(5))
    keeper2 = PlaceKeeper(str(tmp_path), lambda last: last, lambda func: func())
    assert keeper2.place in (PLACE, PLACE._replace(x=11))  # the second may be under way
    assert next(places, None) is None


def test_one_user_of_a_profile(tmp_path: Path) -> None:
    first = Profile(str(tmp_path), "window")
    Profile(str(tmp_path), "app").release()
    with pytest.raises(BlockingIOError, match="another window uses"):
        Profile(str(tmp_path), "window")
    first.release()
    Profile(str(tmp_path), "window").release()
