"""Arrays, images and data frames in real browsers, and their way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from pandas.testing import assert_frame_equal
from PIL import Image
from playwright.sync_api import Page as Tab
from polars.testing import assert_frame_equal as assert_polars_equal

from jsmeets_local import Page
from jsmeets_local.values import to_frame

Open = Callable[..., Page]

SCRIPT = """
    JsPyFunction.expose('echo', (x) => x);
    JsPyFunction.expose('kind', (x) => [x.constructor.name, x.dtype ?? '', x.data?.constructor.name ?? '']);
    JsPyFunction.expose('at', (x, ...indices) => String(x.get(...indices)));
    JsPyFunction.expose('row', (x, index) => x.row(index));
    JsPyFunction.expose('show', (image) => {
        const canvas = document.createElement('canvas');
        JsPyTextSocket.imshow(canvas, image);
        const { data, width, height } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        return new JsPyTextSocket.NDArray(data, [height, width, 4]);
    });
"""

TYPES = {
    "int8": "Int8Array",
    "uint8": "Uint8Array",
    "int16": "Int16Array",
    "uint16": "Uint16Array",
    "int32": "Int32Array",
    "uint32": "Uint32Array",
    "int64": "BigInt64Array",
    "uint64": "BigUint64Array",
    "float32": "Float32Array",
    "float64": "Float64Array",
}


@pytest.fixture
def page(open_page: Open) -> Page:
    return open_page(SCRIPT)


def test_every_type_there_and_back(page: Page) -> None:
    for dtype, name in TYPES.items():
        limits = np.finfo(dtype) if dtype.startswith("float") else np.iinfo(dtype)
        line = np.array([limits.min, 1, limits.max], dtype)
        assert page.js.kind(line) == [name, "", ""]
        back = page.js.echo(line)
        assert back == line.tobytes() if dtype == "uint8" else (back.dtype, back.tolist()) == (dtype, line.tolist())
        table = line.reshape(1, 3)
        assert page.js.kind(table) == ["NDArray", dtype, name]
        back = page.js.echo({"deep": [table.T]})["deep"][0]
        assert (back.dtype, back.shape, back.tolist()) == (dtype, (3, 1), table.T.tolist())


def test_bool_keeps_its_dtype(page: Page) -> None:
    flags = np.array([[True, False], [False, True]])
    assert page.js.kind(flags[0]) == ["Uint8Array", "bool", ""]
    assert page.js.kind(flags) == ["NDArray", "bool", "Uint8Array"]
    for sent in (flags, flags[0]):
        back = page.js.echo(sent)
        assert (back.dtype, back.tolist()) == ("bool", sent.tolist())
    back = page.js.row(flags, 1)
    assert (back.dtype, back.tolist()) == ("bool", [False, True])


def test_half_precision(page: Page) -> None:
    has = page.eval("'Float16Array' in globalThis")
    half = np.array([[1.5, -0.25, 65504, np.inf, 2**-24]], "float16")
    assert page.js.kind(half) == ["NDArray", "float16", "Float16Array" if has else "Float32Array"]
    assert page.js.kind(half[0]) == (["Float16Array", "", ""] if has else ["Float32Array", "float16", ""])
    back = page.js.echo(half)
    assert (back.dtype, back.tolist()) == ("float16" if has else "float32", half.tolist())


def test_items_and_rows(page: Page) -> None:
    cube = np.arange(24, dtype="int64").reshape(2, 3, 4)
    assert page.js.at(cube, 1, 2, 3) == "23"
    back = page.js.row(cube, 1)
    assert (back.dtype, back.tolist()) == ("int64", cube[1].tolist())
    assert page.js.row(np.arange(6.0).reshape(2, 3), 1).tolist() == [3, 4, 5]
    with pytest.raises(Exception, match="RangeError: NDArray: index 2 is out of bounds for dimension 0, of length 2"):
        page.js.row(cube, 2)
    assert page.js.at(np.array(2.5)) == "2.5"


def test_dates(page: Page) -> None:
    day = np.array(["2024-05-06T07:08:09.123", "NaT"], "M8[ns]")
    page.eval("JsPyFunction.expose('iso', (days) => [new Date(days[0]).toISOString(), days[1]])")
    assert page.js.iso(day) == ["2024-05-06T07:08:09.123Z", None]


def test_images(page: Page) -> None:
    gray = np.arange(6, dtype="uint8").reshape(2, 3) * 50
    seen = page.js.show(gray)
    assert (seen.shape, seen[..., 3].tolist()) == ((2, 3, 4), [[255] * 3] * 2)
    assert all((seen[..., channel] == gray).all() for channel in range(3))
    colors = np.random.default_rng(1).integers(0, 256, (40, 30, 3), dtype="uint8")
    assert (page.js.show(colors)[..., :3] == colors).all()
    opaque = np.dstack([colors, np.full((40, 30), 255, "uint8")])
    assert (page.js.show(opaque[::-1]) == opaque[::-1]).all()
    assert (page.js.show(Image.fromarray(colors)) == opaque).all()
    with pytest.raises(Exception, match=r"TypeError: imshow: expected an NDArray .* not float64 \[2, 3\]"):
        page.js.show(gray.astype("float64"))


def test_the_module_has_the_same(page: Page, tab: Tab) -> None:
    same = """async () => {
        const { NDArray, imshow } = await import('/jsmeetspy/jsmeets.mjs');
        imshow(new OffscreenCanvas(1, 1), new NDArray(new Uint8Array(12), [2, 2, 3]));
        return imshow === JsPyTextSocket.imshow && NDArray === JsPyTextSocket.NDArray;
    }"""
    page.wait_connected()
    assert tab.evaluate(same)


def test_dataframes(page: Page) -> None:
    frame = pd.DataFrame(
        {
            "n": [1, 2**60],
            "small": pd.Series([1, 2], dtype="uint8"),
            "x": [0.5, None],
            "ok": [True, False],
            "maybe": pd.array([1, None], "Int16"),
            "text": ["a", None],
            "when": pd.to_datetime(["2024-05-06 07:08:09.000123", None]),
            3: ["whole", "number"],
        },
        index=pd.DatetimeIndex(["2024-05-06", "2024-05-07"], tz="Europe/Berlin", name="day"),
    )
    assert_frame_equal(to_frame(page.js.echo(frame)), frame)
    series = pd.Series([1.5, None], name="x")
    assert_frame_equal(to_frame(page.js.echo(series)), series.to_frame())
    polar = pl.DataFrame({"n": [1, None], "s": ["a", None], "b": [True, False], "f": [0.5, float("nan")]})
    assert_polars_equal(to_frame(page.js.echo(polar), "polars"), polar)
    page.eval("JsPyFunction.expose('made', () => ({ data: { x: Float64Array.of(1, 2), level: Uint8Array.of(3, 4) } }))")
    made: Any = to_frame(page.js.made())
    assert made.to_dict("list") == {"x": [1, 2], "level": [3, 4]}
