"""S15: a file of a page that Python reads to its end, compared with an array of the same size; and its memory."""

from __future__ import annotations

import statistics

from ..lab import Lab, Tab
from ..sample import Sample, Target
from ..server import Server
from . import s06_arrays as arrays

ID = "S15"
TITLE = "A file of a page, read by Python in pieces of 1 MiB"
SYSTEMS = ("ours",)
TARGETS = (
    Target("*", "of_array", 0.8, ">=", "value"),
    Target("*", "memory_mib", 64, measure="value"),
)
ARRAY = 200  # MiB
SIZES = {200: 3, 2048: 1}  # MiB -> number of repetitions
SCRIPT = """() => {
    const part = new Blob([Uint8Array.from({ length: 2 ** 20 }, (_, i) => (i * 7 + (i >> 8)) & 255)]);
    arrays.read = async (mebibytes) => {
        const file = new Blob(Array(mebibytes).fill(part));
        const start = performance.now();
        loops.check(await JsPyFunction.call("read")(file), file.size);
        return (performance.now() - start) / 1000;
    };
}"""


def visit(system: str, lab: Lab) -> list[Sample]:
    """Measure with one server and tab for each size, and compare with an array of 200 MiB."""
    samples = []
    for mebibytes, count in SIZES.items():
        with lab.serve(system, arrays.ARRAYS, "1") as server, lab.unwatched(server) as tab:
            tab.evaluate(arrays.SCRIPT)
            tab.evaluate(SCRIPT)
            samples.append(read(server, tab, mebibytes, lab.count(count, 1)))
    return samples


def read(server: Server, tab: Tab, mebibytes: int, count: int) -> Sample:
    """The first file and the first array are warm-ups. `of_array` is the ratio of bytes per second."""
    tab.evaluate("size => arrays.read(size)", 40)
    before = arrays.forget_peak(server)
    files = [tab.evaluate("size => arrays.read(size)", mebibytes) for _ in range(count)]
    extra = {"memory_mib": (arrays.memory_of(server, "VmHWM") - before) / 2**20}
    times = [tab.evaluate("size => arrays.up(size)", ARRAY) for _ in range(4)][1:]
    extra["of_array"] = (statistics.median(times) / ARRAY) / (statistics.median(files) / mebibytes)
    return Sample(server.system, f"{mebibytes} MiB", files, extra=extra)
