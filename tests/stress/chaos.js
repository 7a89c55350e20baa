// The page's side of chaos.py: it counts what comes, and sends as much itself.
const seen = { call: [], push: [], publish: [], callback: [], stream: [] };
const LARGE_EVERY = 500;
const LARGE_BYTES = 300_000; // travels in chunks

JsPyFunction.expose("seen", (n) => (seen.call.push(n), n));
JsPyQueue.add_callback((key) => seen.push.push(JsPyQueue.shift(key)[0]));
JsPyPubsub.subscribe("down", (_, [n]) => seen.publish.push(n) === expected && all_came());

let marked; // a function of Python

JsPyFunction.expose("callbacks", (there) => {
    marked = there;
    return async (n, back) => {
        seen.callback.push(n);
        const value = await back(n);
        if (n % 2) {
            back.destroy(); // the others are collected some time
        }
        return value;
    };
});

let expected = 0;
let all_came = () => undefined;
const complete = new Promise((done) => { all_came = done; });

JsPyFunction.expose("rows", function* (count) {
    for (let n = 0; n < count; n += 1) {
        yield item(n);
    }
});

let reconnects = -1; // the first connection is none
JsPyTextSocket.add_state_event((state) => { reconnects += state === "open"; });

const item = (n) => [n, n % LARGE_EVERY ? null : new Uint8Array(LARGE_BYTES)];

/** One of each kind. Returns promises of whether it was answered as it should be. */
const send = (n, seconds) => [
    JsPyFunction.call("seen", seconds)(n).then((value) => value === n),
    marked.with({ timeout: seconds })(n, (x) => x).then((value) => value === n),
    JsPyQueue.push("up", seconds)(item(n)),
    JsPyPubsub.publish("up", true, seconds)(item(n)),
];

/** Reads as many items of a stream of Python. Returns whether there were that many. */
async function read(rows, count) {
    for (let index = 0; index < count; index += 1) {
        const { done, value } = await rows.next();
        if (done) {
            return false;
        }
        seen.stream.push(value[0]);
    }
    return true;
}

/** Returns how many were not answered as they should have been. */
async function chaos(count, batch, seconds) {
    let wrong = 0;
    expected = count;
    const rows = await JsPyFunction.call("rows", seconds)();
    for (let start = 0; start < count; start += batch) {
        const numbers = Array.from({ length: Math.min(batch, count - start) }, (_, index) => start + index);
        const answers = await Promise.allSettled([read(rows, numbers.length), ...numbers.flatMap((n) => send(n, seconds))]);
        wrong += answers.filter((answer) => answer.value !== true).length;
    }
    return wrong + ((await rows.next()).done ? 0 : 1);
}
