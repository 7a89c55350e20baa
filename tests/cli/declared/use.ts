// Uses what `app.py` exposes. Each line after @ts-expect-error is an error of tsc.
import { pubsub, py } from "jsmeets-local";
import type { JsPyError, NDArray, PyFunction } from "jsmeets-local";
import type { Event, EventInput, Node, Point, Row, User } from "./api";

const controller = new AbortController();
const moved: Point = await py.move.callKwargs({ x: 1 }, { speed: 2 });
await py.move.callKwargs({ x: 1, y: 2 }, 5, { speed: 2 });
await py.move.callKwargs({ p: { x: 1 }, dx: 5, speed: 2 });
await py.move.with({ timeout: 2, signal: controller.signal }).callKwargs({ x: 1 }, { speed: moved.y });
// @ts-expect-error: `speed` is only a keyword argument
await py.move({ x: 1 });
// @ts-expect-error: `speed` is missing
await py.move.callKwargs({ x: 1 }, {});
// @ts-expect-error: `speed` is a number
await py.move.callKwargs({ x: 1 }, { speed: "fast" });
// @ts-expect-error: there is no `sped`
await py.move.callKwargs({ x: 1 }, { speed: 2, sped: 2 });
// @ts-expect-error: `x` is missing
await py.move.callKwargs({ y: 1 }, { speed: 2 });

// @ts-expect-error: no function of this name
await py.doesNotExist(1);
// @ts-expect-error: no method of this name
await py.Model.doesNotExist(1);

const anything: string = await py.add2(1);
await py.add2("a", { b: 1 });
// @ts-expect-error: three arguments
await py.add2(1, 2, 3);

for await (const row of py.rows(9, "a", "b")) {
    const id: number = row.id;
    const note: string | undefined = row.note;
    // @ts-expect-error: a number
    const wrong: string = row.id;
    console.log(id, note, wrong);
}
const stream: AsyncIterable<Row> = await py.rows(1);
for await (const item of py.arows()) {
    const value: number = item;
    console.log(value, stream);
}

const event: EventInput = { startedAt: new Date(), color: "red", where: { x: 1 } };
const told: Event = await py.later(event);
const files: Record<string, Uint8Array> = told.files;
const started: string = told.startedAt;
// @ts-expect-error: no color of this name
await py.later({ startedAt: "now", color: "blue", where: { x: 1 } });
// @ts-expect-error: the result has no Date
const date: Date = told.startedAt;

const trained: Float32Array | NDArray = await py.train([1, 2.5], (step, point) => step > 5 && point.y > 1);
await py.train(new Float32Array(5), async (step: number) => step > 1);
// @ts-expect-error: an array of another type
await py.train(new Int8Array(5), () => true);
// @ts-expect-error: the callback gets a number first
await py.train([1], (step: string) => step === "");

const users: Record<string, User> = await py.chain({ value: 1, next: { value: 2 } }, { name: "a" }, "green");
await py.chain.callKwargs({ value: 1 }, { user: null, color: "red", more: 5 });
// @ts-expect-error: a keyword that is no number
await py.chain.callKwargs({ value: 1 }, { other: "a" });
const node: Node = { value: 1, next: null };

const bytes: Uint8Array = await py.many("x", new Set([1]), [1, "a"], new ArrayBuffer(5), "/tmp", { any: [1] });
await py.many(5, [1], [1, "a"], new Uint8Array(), "/tmp", {});
// @ts-expect-error: no such literal
await py.many("z", [1], [1, "a"], bytes, "/tmp", {});
// @ts-expect-error: a tuple of other types
await py.many("x", [1], ["a", 1], bytes, "/tmp", {});

const times: (string | null)[] = await py.times("2020-01-02", "12:30:00", 5, "a-b", "1.50");
const back: PyFunction = await py.live((x: number) => x, document.body, new Blob(["a"]), [1, 2].values());
// @ts-expect-error: no function
await py.live(5, document.body, new Blob(), []);
await py.others([1, "a"], { width: 1 }, 5, new Float64Array(3));
await py.unknown(Symbol.iterator, controller);
const nothing: null = await py.nothing();
await py.upper("a");
await py.print(1, 2, 3);
await py["a name"]();
const losses: number[] = await py.Model.fit(0.5);
await py.Model.fit.callKwargs({ rate: 0.5 });
const saved: boolean = await py.Model.save();
await py.Model.save.callKwargs({ path: "a" });
// @ts-expect-error: `path` is only a keyword argument
await py.Model.save("a");
const listed: string = (await py.$list())[0]!.signature;

await pubsub.publish("time", new Date());
await pubsub.publish("another topic", { any: "thing" });
// @ts-expect-error: Python expects a time
await pubsub.publish("time", 5);
export { anything, back, date, files, listed, losses, node, nothing, saved, started, times, trained, users };
export type { JsPyError };
