import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { after, connected, python, load, quietly, settled, vectors, sentBy, until } from "./page.mjs";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc");
const LIBRARY = ["JsPyFunction", "JsPyQueue", "JsPyPubsub"];
/** The streams are read and written in later turns. */
const turns = () => after(15);
const sent = async (end) => {
    await turns();
    return end.messages();
};

/** A stream of Python, numbered `number`, in the page's hands. */
async function imported(end, number = 1) {
    const got = JsPyFunction.call("rows")();
    await settled();
    const [[, id]] = end.messages();
    end.send(["return", id, null, [[[2], "stream", number]]]);
    return got;
}

/** A stream of the page, in Python's hands. */
async function exported(end, stream) {
    JsPyFunction.expose("f", () => stream);
    end.send(["call", 1, "f", []]);
    const [[kind, , value, [[path, special, number]]]] = await sent(end);
    assert.deepEqual([kind, value, path, special], ["return", null, [2], "stream"]);
    return number;
}

// ---------------------------------------------------------------- the vectors

for (const { name, side, window, items, end: ending, steps } of vectors("streams")) {
    test(`streams: ${side}: ${name}`, async () => {
        load(...LIBRARY);
        await settled();
        const end = python();
        end.welcome(1, "p1", window ? { stream_items: window } : {});
        end.messages();
        const run = side === "reader" ? reader(await imported(end)) : await producer(end, items, ending);
        for (const [step, value] of steps) {
            if (step === "receive") {
                end.send(value);
            } else if (step === "sent") {
                assert.deepEqual(withoutTraces(await sent(end)), value, JSON.stringify([step, value]));
            } else {
                await turns();
                assert.deepEqual(run[step]?.(), value, JSON.stringify([step, value]));
            }
        }
    });
}

function reader(stream) {
    let got = [];
    const note = ({ done, value }) => void got.push(done ? "done" : value);
    return {
        read: () => void stream.next().then(note, (error) => void got.push(error.name)),
        leave: () => void stream.return(),
        got: () => got.splice(0),
    };
}

async function producer(end, items, ending) {
    let closed = false;
    const values = [...items];
    const iterator = {
        [Symbol.iterator]: () => iterator,
        next() {
            if (values.length === 0 && ending) {
                throw Object.assign(new RangeError(ending.message));
            }
            return values.length ? { done: false, value: values.shift() } : { done: true };
        },
        return: () => (closed = true, { done: true }),
    };
    assert.equal(await exported(end, iterator), 1);
    return { closed: () => closed };
}

/** Python's tests compare the kind, the name and the message of an error; of an unknown reference, not the message. */
const withoutTraces = (messages) => messages.map((message) => message.map((part) => {
    const { kind, name, message: text } = Object(part);
    return kind === undefined ? part : kind === "unknown" ? { kind, name } : { kind, name, message: text };
}));

// ---------------------------------------------------------------- streams of Python

test("for await reads a stream of Python, with and without the await of the call; break closes it", async () => {
    const end = await connected(...LIBRARY);
    const seen = [];
    const loop = (async () => {
        for await (const row of JsPyFunction.call("rows")(9)) {
            seen.push(row);
            if (seen.length === 2) {
                break;
            }
        }
    })();
    await settled();
    assert.deepEqual(end.messages(), [["call", 1, "rows", [9]]]);
    end.send(["return", 1, null, [[[2], "stream", 7]]]);
    assert.deepEqual(await sent(end), [["pull", 7, 256]]);
    end.send(["items", 7, [{ a: 1 }, new Uint8Array([1, 2]), 3]]);
    await loop;
    assert.deepEqual(seen, [{ a: 1 }, new Uint8Array([1, 2])]);
    assert.deepEqual(await sent(end), [["stop", 7]]);
    assert.equal(JsPyTextSocket._connection.streams.size, 0);
});

test("for await over a call: a list is read, too; an error and another value are told", async () => {
    const end = await connected(...LIBRARY);
    const read = async () => {
        const seen = [];
        for await (const item of JsPyFunction.call("f")()) {
            seen.push(item);
        }
        return seen;
    };
    const all = [read(), read(), read()];
    await settled();
    end.send(["return", 1, [1, 2]], ["return", 2, 5], ["error", 3, { kind: "raised", name: "ValueError", message: "no", trace: "" }]);
    assert.deepEqual(await all[0], [1, 2]);
    await assert.rejects(all[1], /^TypeError: Python returned no stream that `for await` can read, but a value of type number$/);
    await assert.rejects(all[2], { name: "ValueError", kind: "raised" });
});

test("a slow reader grants no more than it has room for", async () => {
    const end = await connected(...LIBRARY);
    const stream = await imported(end);
    let granted = 0;
    let delivered = 0;
    for (let taken = 1; taken <= 1000; taken += 1) {
        const next = stream.next();
        await settled();
        granted += end.messages().reduce((sum, [, , count]) => sum + count, 0);
        assert.ok(granted - taken <= 256 && granted >= taken, `${granted} granted before item ${taken}`);
        if (granted > delivered) {
            end.send(["items", 1, Array.from({ length: granted - delivered }, (_, index) => delivered + index)]);
            delivered = granted;
        }
        assert.deepEqual(await next, { done: false, value: taken - 1 });
    }
});

test("more items than were granted are a protocol error", async () => {
    const end = await connected(...LIBRARY);
    const stream = await imported(end);
    const next = stream.next();
    const said = await quietly(() => end.send(["items", 1, Array(257).fill(0)]), "error", "warn");
    assert.match(said[0], /1 items of stream 1 that were not granted/);
    assert.equal(end.transport.closed.code, 4400);
    await assert.rejects(next, { name: "DisconnectedError", kind: "disconnected", message: /the session of this stream has ended/ });
    assert.deepEqual(await stream.next(), { done: true, value: undefined });
});

test("the end of the session: what has arrived is read, then the error", async () => {
    const end = await connected(...LIBRARY);
    const stream = await imported(end);
    const first = stream.next();
    end.send(["items", 1, [1, 2]]);
    await quietly(() => end.drop(), "warn");
    assert.deepEqual([await first, await stream.next()], [{ done: false, value: 1 }, { done: false, value: 2 }]);
    await assert.rejects(stream.next(), { kind: "disconnected" });
});

test("the signal of the call closes its stream, and is what the reader gets", async () => {
    const end = await connected(...LIBRARY);
    const controller = new AbortController();
    const call = JsPyFunction.call("rows", { signal: controller.signal })();
    await settled();
    end.send(["return", 1, null, [[[2], "stream", 4]]]);
    const stream = await call;
    const next = stream.next();
    await sent(end);
    controller.abort();
    await assert.rejects(next, { name: "AbortError" });
    assert.deepEqual(await stream.next(), { done: true, value: undefined });
    assert.deepEqual(await sent(end), [["stop", 4]]);
});

test("a stream that is collected is stopped; one that somebody waits for is not", async () => {
    const end = await connected(...LIBRARY);
    await imported(end, 1);
    const waiting = (await imported(end, 2)).next();
    await sent(end);
    const stopped = [];
    for (let round = 0; round < 50 && stopped.length === 0; round += 1) {
        collect();
        stopped.push(...await sent(end));
    }
    assert.deepEqual(stopped, [["stop", 1]]);
    end.send(["items", 2, ["kept"]]);
    assert.equal((await waiting).value, "kept");
});

test("a stream of Python goes home as itself", async () => {
    const end = await connected(...LIBRARY);
    const stream = await imported(end, 3);
    JsPyFunction.call_nowait("take")(stream);
    assert.deepEqual(await sent(end), [["notify", "take", [null], [[[2, 0], "own", 3]]]]);
    stream.destroy();
    assert.deepEqual(await sent(end), [["stop", 3]]);
    assert.throws(() => JsPyFunction.call_nowait("take")(stream), /TypeError/);
});

test("a stream survives a lost connection within its session, each item once", async () => {
    load(...LIBRARY);
    await settled();
    const settings = { session: "s", resume_seconds: 5 };
    const end = python();
    end.welcome(1, "p1", settings);
    end.messages();
    const stream = await imported(end);
    const first = stream.next();
    end.send(["items", 1, [1, 2]]);
    await turns();
    end.messages();
    end.drop();
    JsPyTextSocket.reconnect();
    const again = python();
    again.welcome(1, "p1", { ...settings, resumed: true, received: 2 });   // the call and the pull
    const [, , , , , received] = again.messages()[0];
    again.send(["items", 1, [3]], ["end", 1, null]);
    const rest = [];   // and an error of null is none
    for await (const item of stream) {
        rest.push(item);
    }
    assert.deepEqual([(await first).value, rest, received], [1, [2, 3], 2]);   // the answer and the items
});

// ---------------------------------------------------------------- streams of this page

test("generators, async generators, iterators of built-ins and ReadableStreams are streams", async () => {
    const streams = {
        generator: (function* () { yield* [1, 2]; })(),
        async: (async function* () { yield* [1, 2]; })(),
        list: [1, 2].values(),
        map: new Map([[1, 2]]).values(),
        readable: new ReadableStream({ start(controller) { controller.enqueue(1); controller.close(); } }),
    };
    for (const [kind, stream] of Object.entries(streams)) {
        const end = await connected(...LIBRARY);
        const number = await exported(end, stream);
        end.send(["pull", number, 10]);
        const items = { map: [2], readable: [1] }[kind] ?? [1, 2];
        assert.deepEqual(await sent(end), [["items", number, items], ["end", number]], kind);
        assert.equal(JsPyTextSocket._connection.exports.size, 0, "forgotten on its end");
    }
});

test("stop runs finally in a generator, also in one that waits, and cancels a ReadableStream", async () => {
    const end = await connected(...LIBRARY);
    const seen = [];
    const sync = await exported(end, (function* () { try { yield 1; yield 2; } finally { seen.push("sync"); } })());
    const asynchronous = await exported(end, (async function* () {
        try { yield 1; await after(20); yield 2; } finally { seen.push("async"); }
    })());
    const readable = await exported(end, new ReadableStream({
        pull(controller) { controller.enqueue(1); }, cancel() { seen.push("readable"); },
    }));
    end.send(["pull", sync, 1], ["pull", asynchronous, 2], ["pull", readable, 1]);
    await turns();
    assert.deepEqual(end.messages().map(([kind, , items]) => [kind, items]), Array(3).fill(["items", [1]]));
    end.send(["stop", sync], ["stop", asynchronous], ["stop", readable]);
    await after(40);
    assert.deepEqual(seen.sort(), ["async", "readable", "sync"]);
    assert.deepEqual([end.messages(), JsPyTextSocket._connection.exports.size], [[], 0]);
});

test("the end of the session closes the page's generators", async () => {
    const end = await connected(...LIBRARY);
    const seen = [];
    const number = await exported(end, (function* () { try { for (;;) { yield 1; } } finally { seen.push("closed"); } })());
    end.send(["pull", number, 3]);
    await turns();
    await quietly(async () => { end.drop(); await settled(); }, "warn");
    assert.deepEqual([seen, JsPyTextSocket._connection.streams.size], [["closed"], 0]);
});

test("an error in a generator, and one in its finally", async () => {
    const end = await connected(...LIBRARY);
    const number = await exported(end, (async function* () { yield 1; throw new RangeError("no more"); })());
    end.send(["pull", number, 10]);
    const [items, [kind, , { kind: why, name, message }]] = await sent(end);
    assert.deepEqual([items, kind, why, name, message], [["items", number, [1]], "end", "raised", "RangeError", "no more"]);
    const other = await exported(end, (function* () { try { yield 1; } finally { throw new Error("in finally"); } })());
    end.send(["pull", other, 1]);
    await turns();
    end.messages();
    const said = await quietly(async () => { end.send(["stop", other]); await turns(); }, "error");
    assert.match(said[0], /closing a stream/);
    assert.deepEqual(end.messages().map(([fault, what]) => [fault, what]), [["fault", "closing a stream"]]);
});

test("a hostile iterator: a thenable that settles twice is one item, and a result that is no object is an error", async () => {
    const end = await connected(...LIBRARY);
    const readTwo = async (next) => {
        const number = await exported(end, { next, [Symbol.asyncIterator]() { return this; } });
        end.send(["pull", number, 2]);
        const messages = await sent(end);
        return messages.flatMap(([kind, , detail]) => (kind === "items" ? detail : [detail?.message ?? "done"]));
    };
    const twice = (settle, fail) => { settle({ value: 1 }); settle({ value: 2 }); fail(new Error("late")); };
    assert.deepEqual(await readTwo(() => ({ then: twice })), [1, 1]);
    for (const next of [() => 5, async () => 5]) {
        assert.deepEqual(await readTwo(next), ["Iterator result 5 is not an object"]);
    }
    assert.deepEqual(await readTwo(async () => ({ get done() { throw new Error("a getter"); } })), ["a getter"]);
});

test("an item that cannot be sent ends the stream with its error, after the items before it, and closes the generator", async () => {
    const end = await connected(...LIBRARY);
    const seen = [];
    const number = await exported(end, (function* () { try { yield 1; yield { x: [Symbol("s")] }; yield 3; } finally { seen.push("closed"); } })());
    end.send(["pull", number, 10]);
    const [items, [kind, , { kind: why, message }], ...more] = await sent(end);
    assert.deepEqual([items, kind, why, more, seen], [["items", number, [1]], "end", "unserializable", [], ["closed"]]);
    assert.equal(message, "items[0].x[0]: a symbol cannot be sent");
});

test("batches: many small items in few messages of bounded size, large ones as they come", async () => {
    const end = await connected(...LIBRARY);
    const text = "x".repeat(1000);
    const number = await exported(end, (function* () { for (let i = 0; i < 1000; i += 1) { yield { i, text }; } })());
    end.send(["pull", number, 2000]);
    await after(100);
    const frames = end.frames();
    const batches = frames.flatMap((frame) => JSON.parse(frame)).filter(([kind]) => kind === "items");
    assert.deepEqual(batches.flatMap(([, , items]) => items.map(({ i }) => i)), Array.from({ length: 1000 }, (_, i) => i));
    const sizes = batches.map((batch) => JSON.stringify(batch).length);
    assert.ok(Math.max(...sizes) < 131072, `${sizes}`);
    assert.ok(batches.length < 60, `${batches.length} batches`);
    const numbers = await exported(end, (async function* () { for (let i = 0; i < 1000; i += 1) { yield i; } })());
    end.send(["pull", numbers, 1001]);
    const small = (await sent(end)).filter(([kind]) => kind === "items");
    assert.ok(small.length <= 3, `${small.length} batches`);
});

test("large arrays: the source waits for Python's acknowledgement, whatever is granted", async () => {
    const end = await connected(...LIBRARY);
    let made = 0;
    const number = await exported(end, (function* () { for (;;) { made += 1; yield new Uint8Array(1048576); } })());
    end.send(["pull", number, 100]);
    let received = 0;
    for (let round = 0; round < 20; round += 1) {
        await turns();
        assert.ok(made <= received + 4, `${made} made, ${received} received`);
        const arrays = end.messages().filter(([kind]) => kind === "items");
        assert.ok(arrays.length > 0);
        received += arrays.length;
        end.send(["ack", 1 + received]);   // the answer before them
    }
    assert.ok(received >= 40, `${received} received`);
    end.send(["stop", number]);
    await turns();
    assert.equal(JsPyTextSocket._connection.streams.size, 0);
});

test("a stream of another's number, and of no stream, is an error of that stream alone", async () => {
    const end = await connected(...LIBRARY);
    const func = () => 1;
    JsPyFunction.expose("g", () => func);
    end.send(["call", 5, "g", []]);
    await sent(end);
    end.send(["pull", 1, 1], ["pull", 99, 1], ["stop", 1], ["stop", 99], ["items", 99, [1]], ["end", 99]);
    const answers = await sent(end);
    assert.deepEqual(answers.map(([kind, number, error]) => [kind, number, error.kind, error.name]),
        [["end", 1, "unknown", "UnknownReference"], ["end", 99, "unknown", "UnknownReference"]]);
    assert.equal(JsPyTextSocket._connection.exports.get(1), func);
    assert.ok(JsPyTextSocket.ready());
});

test("a ReadableStream that somebody else reads is an error where it is read", async () => {
    const end = await connected(...LIBRARY);
    const readable = new ReadableStream();
    readable.getReader();
    const number = await exported(end, readable);
    end.send(["pull", number, 1]);
    const [[kind, , { name }]] = await sent(end);
    assert.deepEqual([kind, name], ["end", "TypeError"]);
});

test("large items count as several, in both directions", async () => {
    load(...LIBRARY);
    await settled();
    const end = python();
    end.welcome(1, "p1", { stream_items: 8, stream_bytes: 800_000 });   // 100 kB count as one
    end.messages();
    let made = 0;
    JsPyFunction.expose("blocks", function* () {
        for (;;) {
            made += 1;
            yield new Uint8Array(200_000);
        }
    });
    JsPyFunction.expose("both", function* () {
        yield [() => 1, new Uint8Array(200_000)];   // refers to a function
        yield new Uint8Array(200_000);
    });
    end.send(["call", 5, "blocks", []]);
    const [[, , , [[, , number]]]] = await sentBy(end, "return");
    end.send(["pull", number, 8]);
    const sent = await sentBy(end, "items", 3);
    assert.deepEqual(sent.map((message) => message.slice(3)), [[[], 2], [[], 2], [[], 2]]);
    await turns();
    assert.equal(made, 3);
    end.send(["pull", number, 1]);
    await turns();
    assert.equal(made, 3);
    end.send(["pull", number, 1]);
    await until(() => made === 4);
    end.send(["stop", number], ["call", 6, "both", []]);
    const [[, , , [[, , other]]]] = (await sentBy(end, "return")).filter(([kind]) => kind === "return");
    end.send(["pull", other, 8]);
    const [first] = (await sentBy(end, "end")).filter(([kind]) => kind === "items");
    assert.deepEqual([first[3].map(([, kind]) => kind), first[4] ?? 2], [["function"], 2]);

    const stream = await imported(end);
    const reading = [stream.next(), stream.next(), stream.next()];
    const [[, own, window]] = await sentBy(end, "pull");
    assert.equal(window, 8);
    end.send(["items", own, ["a", "b"], [], 9]);
    assert.deepEqual(await sentBy(end, "pull"), [["pull", own, 11]]);
    end.send(["items", own, ["c"]]);
    assert.deepEqual((await Promise.all(reading)).map(({ value }) => value), ["a", "b", "c"]);
});

/** Return what one `pull` brings of a generator of the page: [items, extra] of each message. */
async function pulled(end, generate, count) {
    end.send(["pull", await exported(end, generate()), count]);
    return (await sent(end)).filter(([kind]) => kind === "items").map(([, , items, , extra]) => [items.length, extra ?? 0]);
}

async function withUnit(items, unit) {
    load(...LIBRARY);
    await settled();
    const end = python();
    end.welcome(1, "p1", { stream_items: items, stream_bytes: items * unit });
    end.messages();
    return end;
}

test("the items of a batch count before it is sent", async () => {
    const end = await withUnit(16, 1000);
    const got = await pulled(end, function* () { for (;;) { yield "x".repeat(1000); } }, 16);
    assert.deepEqual(got, [[4, 12]]);
});

test("items that are sent one by one, before the one that cannot be sent, stay within their credit", async () => {
    const end = await withUnit(50, 1000);
    const large = { text: "x".repeat(20_000) };
    let granted = 50;
    for (const [count, extra] of await pulled(end, () => [large, large, large, large, Symbol("s")].values(), granted)) {
        assert.ok(count <= granted, `${count} items for ${granted}`);
        granted -= count + extra;
    }
});
