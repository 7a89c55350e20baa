// A program that uses the npm package; ./scripts/client pack compiles it with tsc --strict.
import { JsPyError, NDArray, download, expose, imshow, native, pageState, pubsub, py, queue, ready, state } from "jsmeets-local";
import type {
    BoolArray, CallContext, ConnectionState, Frame, JsPyErrorKind, PyFile, PyFunction, PyFunctionInfo, PyObject, Queue, State, TypedArray,
} from "jsmeets-local";

const id: number = await ready(5);
const sum: number = await py.add2!(4, 7);
await py.model!.fit!(1);
await py.train!([1], (n: number) => console.log(n));
expose("steer", async (report: PyFunction, model: PyObject) => {
    report.nowait(5);
    await report(await model.get("rate"), await model.fit(1));
    for await (const row of model) {
        console.log(row);
    }
    model.destroy();
});
const listed: PyFunctionInfo[] = await py.$list();
const slow: number = await py.slow!.with({ signal: AbortSignal.timeout(1000), timeout: 2 })(1);
expose("load", async (url: string, call: CallContext) => (await fetch(url, { signal: call.signal })).text(), { context: true });
expose("double", (x: number) => 2 * x);
expose({ half: (x: number) => x / 2 });
const items: Queue = queue("q1");
const pushed: boolean = await items.push([id, sum], { timeout: 1 });
for await (const item of queue(5)) {
    console.log(item, listed, pushed, slow);
}
await pubsub.publish("topic", new NDArray(new Float64Array(6), [2, 3]), { suppress: true });
const [width]: [number, number] = await native.get_size();
await py.resize!(width).catch((error: unknown) => {
    if (error instanceof JsPyError) {
        const kind: JsPyErrorKind = error.kind;
        console.log(kind, error.python_traceback, error.socket_id);
    }
});
const image: NDArray = await py.photo!();
imshow(document.querySelector("canvas")!, image);
const row: NDArray | TypedArray = image.row(0);
const frame: Frame = await py.table!();
const mask: BoolArray = await py.mask!();
for await (const line of py.lines!(mask.length)) {
    console.log(line);
}
const report: PyFile = await py.report!();
await download("copy.bin", await report.bytes());
JsPyTextSocket.add_state_event((state: ConnectionState) => console.log(state, row, frame.columns, mask.dtype));
const shared: State<{ freq: number; tags: string[] }> = await state();
shared.freq = 4;
shared.tags.push("a");
const stop: () => void = shared.on("tags", (tags) => console.log(tags.length, shared.freq.toFixed(1)));
stop();
(await pageState()).zoom = 2;
await pubsub.publish("status", "ready", { retain: true });
// @ts-expect-error: the key of a queue is no object
queue({});
