"""S14: a loop that reports each of its steps by a callback with `.nowait`, alternating with publications.

With Comlink, the page and its worker call each other, alternating with plain messages.
"""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any

from ..lab import Lab, Tab
from ..sample import Sample, Target
from ..server import Server

ID = "S14"
TITLE = "A loop of 10,000 callbacks with `.nowait`, to the page (down) and to Python (up)"
SYSTEMS = ("comlink", "ours")
TARGETS = (Target("callback*", "to a publication", 2.0, measure="value"),)
CALLBACKS = Path(__file__).parents[1] / "servers" / "callbacks.py"
COUNT = 10_000
SCRIPT = """() => {
    const { call } = JsPyFunction;
    const sum = (count) => count * (count - 1) / 2;
    let heard = () => {};
    const subscribed = JsPyPubsub.subscribe("progress", (topic, number) => heard(number));
    /** Returns a function that takes `count` numbers, and the promise that they have come. */
    const receive = (count) => {
        let [got, total, tell] = [0, 0, null];
        const all = new Promise((resolve) => { tell = resolve; });
        const take = (number) => { got += 1; total += number; if (got === count) { tell(total); } };
        return [take, all];
    };
    const taken = async (count) => {
        for (let got = 0, total = 0; got < count;) {
            const [more, added] = await call("take")();
            [got, total] = [got + more, total + added];
            if (got >= count) { loops.check(total, sum(count)); }
        }
    };
    const timed = async (work) => {
        const start = performance.now();
        await work();
        return (performance.now() - start) / 1000;
    };
    window.callbacks = {
        async down(count) {
            await subscribed;
            const callback = await timed(async () => {
                const [take, all] = receive(count);
                await call("call_back")(count, take);
                loops.check(await all, sum(count));
            });
            const publication = await timed(async () => {
                const [take, all] = receive(count);
                heard = take;
                await call("publish")(count);
                loops.check(await all, sum(count));
            });
            return [callback, publication];
        },
        async up(count) {
            const listener = await call("listener")();
            const callback = await timed(() => {
                for (let i = 0; i < count; i += 1) { listener.nowait(i); }
                return taken(count);
            });
            const publication = await timed(() => {
                for (let i = 0; i < count; i += 1) { JsPyPubsub.publish("up")(i); }
                return taken(count);
            });
            return [callback, publication];
        },
    };
}"""


def visit(system: str, lab: Lab) -> list[Sample]:
    """Measure with a fresh server and tab."""
    if system == "comlink":
        with lab.serve(system) as server, lab.tab(server) as tab:
            return both_ways(server, tab, lab.count(7, 1))
    with lab.serve(system, CALLBACKS) as server, lab.unwatched(server) as tab:
        tab.evaluate(SCRIPT)
        return both_ways(server, tab, lab.count(7, 1))


def both_ways(server: Server, tab: Tab, count: int) -> list[Sample]:
    return [sample for way in ("down", "up") for sample in both(server, tab, way, count)]


def both(server: Server, tab: Tab, way: str, count: int) -> list[Sample]:
    """The callback and the publication, alternately; the first round is a warm-up."""
    pairs: list[Any] = [tab.evaluate(f"count => callbacks.{way}(count)", COUNT) for _ in range(count + 1)][1:]
    callback, publication = ([seconds / COUNT for seconds in one] for one in zip(*pairs, strict=True))
    extra = {"to a publication": median(callback) / median(publication)}
    return [
        Sample(server.system, f"callback {way}", callback, extra=extra),
        Sample(server.system, f"publication {way}", publication),
    ]
