"""Arrays of any library, on the wire and back."""

from __future__ import annotations

import array
import ctypes
import datetime
import mmap
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps
from PIL import Image

from jsmeets_local.protocol.codec import decode, encode, message_packet
from jsmeets_local.protocol.values import pack
from tests.protocol.packets import travelled
from tests.timing import scaled
from tests.tools import need

ROOT = Path(__file__).parents[2]


def told(value: Any) -> tuple[str, tuple[int, ...] | None, bytes]:
    """Return the wire form of the only array in a value."""
    (buffer,) = pack(value, "result").buffers
    return buffer.dtype, buffer.shape, bytes(buffer.data)


def refusal(value: Any) -> str:
    with pytest.raises(TypeError) as caught:
        pack([{"x": value}], "args")
    text = str(caught.value)
    assert text.startswith("args[0]['x']: ")
    return text.removeprefix("args[0]['x']: ")


# numpy -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", ["Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns"])
def test_dates_are_milliseconds_since_1970(unit: str) -> None:
    dates = np.array(["1969-01-01", "2024-01-01", "NaT"], dtype=f"M8[{unit}]")
    result = travelled(dates)
    assert result.dtype == "float64"
    milliseconds = dates.astype("M8[ms]").astype("int64")
    assert result[:2].tolist() == milliseconds[:2].tolist()
    assert np.isnan(result[2])


def test_dates_keep_their_microseconds_their_shape_and_their_order() -> None:
    dates = np.array([["2024-01-01T00:00:00.000001", "2024-01-02"], ["2024-01-03", "1960-01-04"]], dtype=">M8[us]").T
    result = travelled(dates)
    assert result.shape == (2, 2)
    assert np.rint(result * 1000).astype("int64").tolist() == dates.astype("int64").tolist()
    assert told(np.array("1970-01-02", "M8[D]")) == ("float64", (), np.array(86_400_000.0).tobytes())


def test_durations_are_milliseconds() -> None:
    durations = np.array([1_500_000, -1, "NaT"], dtype="m8[us]")
    np.testing.assert_array_equal(travelled(durations), [1500, -0.001, np.nan])
    assert travelled(np.array([250], "m8[ns]")).tolist() == [0.00025]


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (lambda: np.array([object()]), "array of dtype object cannot be sent to a page; send its tolist()"),
        (lambda: np.array(["a"]), "array of dtype <U1 cannot be sent to a page; send its tolist()"),
        (lambda: np.array([b"a"]), "array of dtype |S1 cannot be sent to a page; send its tolist()"),
        (lambda: np.array([1j]), "array of dtype complex128 cannot be sent to a page; send its real and its imag"),
        (lambda: np.zeros(1, "g"), "cannot be sent to a page; send its astype('float64')"),
        (lambda: np.zeros(1, [("a", "i4")]), "send its fields one by one, array['name']"),
        (lambda: np.zeros(1, "m8[Y]"), "array of dtype timedelta64[Y] cannot be sent to a page; give it a unit"),
        (lambda: np.ma.masked_array([1, 2], [0, 1]), "a masked array cannot be sent to a page; send its filled(value)"),
        (lambda: np.longdouble(1), "object of type numpy.longdouble cannot be sent to a page"),
        (lambda: np.complex128(1), "cannot be sent to a page"),
        (lambda: np.datetime64("12000-01-01"), "out of range for Python's dates; send str() of it"),
        (lambda: np.timedelta64(1, "M"), "give it a unit of a fixed length"),
    ],
)
def test_dtypes_without_a_javascript_array_are_refused_with_advice(made: Callable[[], Any], text: str) -> None:
    assert text in refusal(made())


@pytest.mark.parametrize(
    ("scalar", "expected"),
    [
        (np.float32(1.5), 1.5),
        (np.int64(-(2**53)), -(2**53)),
        (np.bool_(False), False),
        (np.datetime64("2024-01-02"), datetime.date(2024, 1, 2).isoformat()),
        (np.datetime64("2024-01-02T03:04:05"), "2024-01-02T03:04:05"),
        (np.datetime64("2024-01-02T03:04:05.000006007", "ns"), "2024-01-02T03:04:05.000006"),
        (np.datetime64("NaT", "ns"), None),
        (np.timedelta64(36, "h"), "P1DT43200S"),
        (np.timedelta64(1_500_000_000, "ns"), "PT1.5S"),
        (np.timedelta64("NaT", "s"), None),
        (np.str_("a"), "a"),
        (np.bytes_(b"a"), b"a"),
    ],
)
def test_numpy_scalars_become_python_scalars(scalar: Any, expected: Any) -> None:
    assert travelled([scalar]) == [expected]
    assert type(travelled([scalar])[0]) is type(expected)


def test_an_array_without_dimensions_stays_one() -> None:
    result = travelled(np.array(2.5, "float32"))
    assert (result.shape, result.dtype, result.item()) == ((), "float32", 2.5)


def test_bool_stays_bool() -> None:
    for flags in (np.array([True, False]), np.array([[True], [False]])):
        assert told(flags)[0] == "bool"
        assert travelled(flags).dtype == "bool"


def test_an_array_may_change_after_it_was_packed() -> None:
    for value in (
        np.ones(3, "u1"),
        array.array("b", [1, 1, 1]),
        bytearray(b"\1\1\1"),
        memoryview(bytearray(b"\1\1\1")),
    ):
        payload = pack(value, "v")
        value[0] = 7
        assert bytes(payload.buffers[0].data) == b"\1\1\1"


# The buffer protocol, and what gives an array --------------------------------------------------------------------------


@pytest.mark.parametrize("code", [code for code in array.typecodes if code not in "uw"])
def test_arrays_of_the_array_module(code: str) -> None:
    numbers = array.array(code, [1, 2, 3])
    result = travelled(numbers)
    if code == "B":
        assert result == b"\1\2\3"  # as all bytes of one dimension
    else:
        assert (result.dtype, result.tolist()) == (np.dtype(code), [1, 2, 3])


def test_character_arrays_of_the_array_module_are_refused() -> None:
    assert refusal((ctypes.c_wchar * 2)("a", "b")).startswith(
        "array of format '<u' cannot be sent to a page; send its "
    )


def test_ctypes() -> None:
    assert told((ctypes.c_double * 2)(1, 2)) == ("float64", None, np.array([1.0, 2.0]).tobytes())
    assert told(((ctypes.c_int16 * 3) * 2)((1, 2, 3), (4, 5, 6))) == (
        "int16",
        (2, 3),
        np.arange(1, 7, dtype="i2").tobytes(),
    )
    assert told((ctypes.c_uint32.__ctype_be__ * 2)(1, 2**31)) == ("uint32", None, np.array([1, 2**31], "<u4").tobytes())
    assert told((ctypes.c_bool * 2)(True, False)) == ("bool", None, b"\1\0")
    assert told((ctypes.c_char * 2)(b"a", b"b")) == ("bytes", None, b"ab")

    class Pair(ctypes.Structure):
        _fields_ = [("a", ctypes.c_int)]

    assert refusal((Pair * 2)()).startswith("array of format 'T{")


def test_memoryviews() -> None:
    data = bytes(range(8))
    assert told(memoryview(data)) == ("bytes", None, data)
    assert told(memoryview(data)[::-2]) == ("bytes", None, data[::-2])
    assert told(memoryview(data).cast("B", (2, 4))) == ("uint8", (2, 4), data)
    assert told(memoryview(data).cast("h")) == ("int16", None, data)
    assert told(memoryview(data).cast("h")[::2]) == ("int16", None, b"\0\1\4\5")
    assert told(memoryview(data).cast("f", (2, 1))) == ("float32", (2, 1), data)
    assert told(memoryview(np.asfortranarray(np.arange(4, dtype=">i4").reshape(2, 2)))) == (
        "int32",
        (2, 2),
        np.arange(4, dtype="<i4").tobytes(),
    )


def test_immutable_bytes_are_not_copied() -> None:
    data = b"x" * 1000
    assert pack(data, "v").buffers[0].data.obj is data
    assert pack(memoryview(data), "v").buffers[0].data.obj is data


def test_mmap_is_bytes(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    with (tmp_path / "file").open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert travelled(mapped) == b"content"


class Tensor:
    """Converts to a numpy array on request, or raises, as tensors do."""

    def __init__(self, content: Any, device: str = "cpu") -> None:
        self.content, self.device = content, device

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        if self.device != "cpu":
            raise TypeError(f"can't convert {self.device} device type tensor to numpy. Use Tensor.cpu() first.")
        return np.asarray(self.content, dtype)


def test_objects_with_an_array_interface() -> None:
    result = travelled({"weights": [Tensor([[1.5, 2.5]])]})["weights"][0]
    assert (result.dtype, result.tolist()) == ("float64", [[1.5, 2.5]])
    assert refusal(Tensor([], "cuda:0")).endswith(
        "test_arrays.Tensor cannot be converted to an array: can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() first."
    )
    assert "dtype object" in refusal(Tensor([object()]))
    assert pack(Tensor, "v").references[0].kind == "function"  # the class itself is no array


def test_objects_with_an_array_interface_need_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numpy", None)
    assert refusal(Tensor([1])).endswith("test_arrays.Tensor needs numpy: pip install numpy")


# PIL ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV"])
def test_images_are_ready_for_image_data(mode: str) -> None:
    image = Image.new("RGBA", (3, 2), (10, 200, 30, 255)).convert("RGB").convert(mode)
    result = travelled({"image": image})["image"]
    assert (result.shape, result.dtype) == ((2, 3, 4), "uint8")
    np.testing.assert_array_equal(result, np.asarray(image.convert("RGBA")))


def test_images_keep_their_opacity() -> None:
    assert travelled(Image.new("RGBA", (1, 1), (1, 2, 3, 4))).tolist() == [[[1, 2, 3, 4]]]


@pytest.mark.parametrize("mode", ["I", "F", "I;16", "LAB"])
def test_images_with_more_than_8_bits_per_channel_are_refused(mode: str) -> None:
    assert (
        refusal(Image.new(mode, (1, 1))) == f"image of mode {mode} cannot be sent as colors; send numpy.asarray(image)"
    )
    assert travelled(np.asarray(Image.new("I;16", (2, 1), 300))).tolist() == [[300, 300]]


def test_a_broken_image_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "broken.png"
    Image.effect_noise((64, 64), 50).save(file)
    file.write_bytes(file.read_bytes()[:1000])
    with Image.open(file) as image:
        assert refusal(image).startswith("image of mode L cannot be sent: ")


# Without numpy -----------------------------------------------------------------------------------------------------


def test_packing_imports_no_array_library() -> None:
    code = """
        import array, sys
        from jsmeets_local.protocol.values import pack
        import jsmeets_local, jsmeets_local.values
        pack([array.array("d", [1]), memoryview(b"ab").cast("H"), b"", {1: {2}}], "v")
        try:
            pack(object(), "v")
        except TypeError:
            print(sorted({"numpy", "pandas", "polars", "PIL"} & set(sys.modules)))
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", textwrap.dedent(code)]
    assert subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout == "[]\n"


def test_without_numpy_arrays_are_memoryviews(monkeypatch: pytest.MonkeyPatch) -> None:
    line = encode([message_packet(["return", 1], pack(np.arange(3, dtype="i2"), "v"))])
    table = encode([message_packet(["return", 1], pack(np.arange(6.0).reshape(2, 3), "v"))])
    monkeypatch.setitem(sys.modules, "numpy", None)
    (line_message,), (table_message,) = decode(line), decode(table)
    view: memoryview = line_message.value  # type: ignore[union-attr]
    assert (view.format, view.tolist(), view.readonly) == ("h", [0, 1, 2], False)
    view = table_message.value  # type: ignore[union-attr]
    assert (view.format, view.tolist()) == ("d", [[0, 1, 2], [3, 4, 5]])
    assert told(view)[:2] == ("float64", (2, 3))  # the way back is the same
    assert travelled(view).tolist() == view.tolist()


# Through the JavaScript and back -----------------------------------------------------------------------------------


class Page:
    """A page under Node: the built scripts, and a function that returns its argument."""

    def __init__(self) -> None:
        code = """
            import { readFileSync } from "node:fs";
            import { createInterface } from "node:readline";
            let socket;
            globalThis.WebSocket = class {
                constructor() { socket = this; }
                send(frame) { this.sent = frame; }
                close() {}
            };
            (0, eval)(readFileSync("jsmeets_local/assets/jsmeets.js", "utf8"));
            JsPyTextSocket._url = "ws://127.0.0.1:1/jsmeetspy/textsocket";
            JsPyFunction.expose("echo", (value) => value);
            await null;
            socket.onopen();
            socket.onmessage({ data: '[["welcome", 1, "p", {}]]' });
            for await (const line of createInterface({ input: process.stdin })) {
                const frame = new Uint8Array(Buffer.from(line, "hex"));
                socket.onmessage({ data: frame[0] === 91 ? new TextDecoder().decode(frame) : frame.buffer });
                await null;
                console.log(Buffer.from(socket.sent).toString("hex"));
            }
            process.exit();
        """
        command = [need("node"), "--input-type=module", "-e", textwrap.dedent(code)]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def echo(self, value: Any) -> Any:
        frame = encode([message_packet(["call", 1, "echo"], pack([value], "args"))])
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write((frame.encode() if isinstance(frame, str) else frame).hex() + "\n")
        stdin.flush()
        answer = bytes.fromhex(stdout.readline())
        (message,) = decode(answer.decode() if answer[:1] == b"[" else answer)
        return message.value  # type: ignore[union-attr]

    def close(self) -> None:
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()
        self.process.wait(scaled(10))


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    page = Page()
    yield page
    page.close()


NUMBERS = (
    nps.boolean_dtypes()
    | nps.integer_dtypes(endianness="?")
    | nps.unsigned_integer_dtypes(endianness="?")
    | nps.floating_dtypes(endianness="?", sizes=(32, 64))
)
SHAPES = nps.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)


@st.composite
def arrays(draw: st.DrawFn) -> Any:
    """Arrays in any memory order, with gaps, and reversed."""
    made = draw(nps.arrays(NUMBERS, SHAPES))
    if made.ndim and draw(st.booleans()):
        made = made[:: draw(st.sampled_from([-2, -1, 2]))]
    return made.T if draw(st.booleans()) else made


def assert_same(back: Any, sent: Any) -> None:
    if sent.ndim == 1 and sent.dtype == "uint8":
        assert back == sent.tobytes()
        return
    assert back.dtype == sent.dtype.newbyteorder("=")
    assert back.flags.writeable
    np.testing.assert_array_equal(back, sent)
    assert back.shape == sent.shape


@given(arrays(), st.sampled_from(["", "a", "__proto__"]))
def test_arrays_come_back_from_a_page_as_they_were(page: Page, sent: Any, key: str) -> None:
    back = page.echo([1, {key: [sent, None]}])
    assert back[0] == 1
    assert back[1][key][1] is None
    assert_same(back[1][key][0], sent)


@given(st.lists(arrays(), max_size=4))
def test_many_arrays_in_one_call(page: Page, sent: list[Any]) -> None:
    for back, one in zip(page.echo(sent), sent, strict=True):
        assert_same(back, one)


@given(st.sampled_from([code for code in array.typecodes if code not in "uwB"]), st.data())
def test_buffers_come_back_from_a_page_as_arrays(page: Page, code: str, data: st.DataObject) -> None:
    kind = np.dtype(code)
    elements = nps.from_dtype(kind, allow_nan=False)
    sent = array.array(code, [item.item() for item in data.draw(st.lists(elements, max_size=8))])
    assert_same(page.echo(sent), np.array(sent, kind))


DATES = st.datetimes(datetime.datetime(1700, 1, 1), datetime.datetime(2240, 1, 1))


@given(st.lists(DATES | st.none(), max_size=5), st.sampled_from(["D", "s", "ms", "us", "ns"]))
def test_dates_come_back_from_a_page_as_milliseconds(page: Page, dates: list[Any], unit: str) -> None:
    sent = np.array(dates, "M8[us]").astype(f"M8[{unit}]")
    back = page.echo(sent)
    assert (np.isnan(back) == np.isnat(sent)).all()
    there = sent[~np.isnat(sent)].astype("M8[us]").astype("i8")
    assert (back[~np.isnat(sent)] == there / 1000).all(), "as near as a number of JavaScript's comes"
