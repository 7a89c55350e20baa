"""S6: large arrays in both directions, small calls during a transfer, and the memory that Python takes."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

from ..lab import Lab, Tab
from ..sample import Sample, Target
from ..server import Server

ID = "S6"
TITLE = "float64 arrays to the page (down) and to Python (up)"
SYSTEMS = ("ours",)
TARGETS = (
    Target("down*", "of_fetch", 0.9, ">=", "value"),
    Target("up*", "of_raw_socket", 1.0, ">=", "value"),
    Target("*", "call_s", 0.02, measure="value"),
    Target("*", "memory", 1.2, measure="value"),
)
ARRAYS = Path(__file__).parents[1] / "servers" / "arrays.py"
FRAMES = {16: (2**16, 2**18, 2**20, 2**22, 2**24), 200: (2**16, 2**18)}  # for the large one the best of the small one
SCRIPT = """() => {
    const same = (got, wanted) => loops.check(String(got), String(wanted));
    const seconds = async (work) => {
        const start = performance.now();
        await work();
        return (performance.now() - start) / 1000;
    };
    const arrays = new Map();
    const array = (mebibytes) => {
        if (!arrays.has(mebibytes)) {
            arrays.set(mebibytes, Float64Array.from({ length: mebibytes * 2 ** 17 }, (_, i) => i));
        }
        return arrays.get(mebibytes);
    };
    const check = (got, mebibytes) => {
        const length = mebibytes * 2 ** 17;
        same([got.length, got[0], got[length - 1]], [length, 0, length - 1]);
    };
    const down = (mebibytes) => seconds(async () => check(await JsPyFunction.call("give")(mebibytes), mebibytes));
    const up = (mebibytes) => {
        const value = array(mebibytes);
        return seconds(async () => {
            same(await JsPyFunction.call("take")(value), [value.length, 0, value.length - 1]);
        });
    };
    const fetched = (mebibytes) => seconds(async () => {
        const response = await fetch(`plain/${mebibytes}`, { cache: "no-store" });
        check(new Float64Array(await response.arrayBuffer()), mebibytes);
    });
    const raw = async (mebibytes, frame) => {
        const value = new Uint8Array(array(mebibytes).buffer);
        const socket = new WebSocket(new URL(`raw/${value.length}`, location.href).href.replace("http", "ws"));
        await new Promise((resolve) => { socket.onopen = resolve; });
        const took = await seconds(() => new Promise((resolve) => {
            socket.onmessage = resolve;
            for (let at = 0; at < value.length; at += frame) {
                socket.send(value.subarray(at, at + frame));
            }
        }));
        socket.close();
        return took;
    };
    const beside = async (work) => {
        const found = [];
        let busy = true;
        const done = work.finally(() => { busy = false; });
        while (busy) {
            const text = String(found.length).padEnd(40, "x");
            const start = performance.now();
            loops.check(await JsPyFunction.call("small")(text), text);
            found.push((performance.now() - start) / 1000);
            await new Promise((resolve) => setTimeout(resolve, 5));
        }
        await done;
        return found;
    };
    window.arrays = { array, down, up, fetched, raw, beside };
}"""


def visit(system: str, lab: Lab) -> list[Sample]:
    """Measure with one server and tab for each size, alternating with what it is compared with."""
    samples = []
    for mebibytes, count in ((16, 10), (200, 3)):
        with lab.serve(system, ARRAYS, str(mebibytes)) as server, lab.unwatched(server) as tab:
            tab.evaluate(SCRIPT)
            tab.evaluate("size => { arrays.array(size); }", mebibytes)
            samples += [way(server, tab, mebibytes, lab.count(count, 1)) for way in (down, up)]
    return samples


def down(server: Server, tab: Tab, mebibytes: int, count: int) -> Sample:
    """Compare with a plain fetch."""
    ours, plain = [], []
    for repetition in range(-1, count):  # the first one is a warm-up
        plain.append(tab.evaluate("size => arrays.fetched(size)", mebibytes))
        ours.append(tab.evaluate("size => arrays.down(size)", mebibytes))
        if repetition < 0:
            plain.clear()
            ours.clear()
    extra = {"of_fetch": statistics.median(plain) / statistics.median(ours)}
    return Sample(server.system, f"down {mebibytes} MiB", ours, extra=extra | beside(server, tab, "down", mebibytes))


def up(server: Server, tab: Tab, mebibytes: int, count: int) -> Sample:
    """Compare with a raw WebSocket with the best frame size."""
    ours: list[float] = []
    raw: dict[int, list[float]] = {frame: [] for frame in FRAMES[mebibytes]}
    for repetition in range(-1, count):
        for frame, found in raw.items():
            found.append(tab.evaluate("([size, frame]) => arrays.raw(size, frame)", [mebibytes, frame]))
        ours.append(tab.evaluate("size => arrays.up(size)", mebibytes))
        if repetition < 0:
            for found in (ours, *raw.values()):
                found.clear()
    medians = {frame: statistics.median(found) for frame, found in raw.items()}
    extra = {"of_raw_socket": min(medians.values()) / statistics.median(ours)}
    extra |= {f"raw_{frame // 1024}_KiB_s": found for frame, found in medians.items()}
    return Sample(server.system, f"up {mebibytes} MiB", ours, extra=extra | beside(server, tab, "up", mebibytes))


def beside(server: Server, tab: Tab, way: str, mebibytes: int) -> dict[str, float]:
    """Make small calls during a transfer, and measure the memory of an undisturbed one."""
    before = forget_peak(server)
    tab.evaluate(f"size => arrays.{way}(size)", mebibytes)
    memory = (memory_of(server, "VmHWM") - before) / (mebibytes * 2**20)
    found: list[Any] = tab.evaluate(f"size => arrays.beside(arrays.{way}(size))", mebibytes)
    return {"memory": memory, "call_s": statistics.median(found), "worst_call_s": max(found)}


def forget_peak(server: Server) -> int:
    """Return the bytes of memory now, and reset the peak that the kernel counts (Linux)."""
    Path(f"/proc/{server.pid}/clear_refs").write_text("5")
    return memory_of(server, "VmRSS")


def memory_of(server: Server, name: str) -> int:
    """Bytes."""
    status = Path(f"/proc/{server.pid}/status").read_text()
    return 1024 * int(status.partition(f"{name}:")[2].split()[0])
