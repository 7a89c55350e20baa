// References: what crosses by number, in both directions, and how long it lives.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Exports, Imports } from "../src/references.ts";
import { isSparse } from "../src/sparse.ts";
import { after, connected, python, quietly, sentBy, settled, until } from "./page.mjs";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc");
const LIBRARY = ["JsPyFunction", "JsPyQueue", "JsPyPubsub"];
const counts = () => JsPyTextSocket.stats().references;

class Point {
    constructor(x) {
        this.x = x;
    }

    move(by) {
        this.x += by;
        return this;
    }
}

/** The answers to a frame. */
async function ask(end, ...messages) {
    end.send(...messages);
    await after(2);
    return end.messages();
}

/** The objects of Python with these specials, as the page received them. */
async function received(end, ...specials) {
    const first = JsPyFunction.call("give")();
    const id = (await sentBy(end, "call")).at(-1)[1];
    end.send(["return", id, specials.map(() => null), specials.map((special, index) => [[2, index], ...special])]);
    return first;
}

// ---------------------------------------------------------------- what is sent

test("what is no JSON is listed in the last element, in every kind of message", async () => {
    const end = await connected(...LIBRARY);
    const f = () => 1;
    const call = JsPyFunction.call("f")(f, 1);
    JsPyFunction.call_nowait("g")({ deep: [f] });
    JsPyQueue.push_nowait("q")(2n ** 64n);
    JsPyPubsub.publish("t")(new Point(1));
    JsPyFunction.expose("back", () => [Promise.resolve(1), new Set([1, 2n])]);
    end.send(["call", 5, "back", []]);
    await settled();
    assert.deepEqual(end.messages(), [
        ["call", 1, "f", [null, 1], [[[3, 0], "function", 1, "f"]]],
        ["notify", "g", [{ deep: [null] }], [[[2, 0, "deep", 0], "function", 1, "f"]]],
        ["push", 0, "q", null, [[[3], "bigint", "18446744073709551616"]]],
        ["publish", 2, "t", null, false, [[[3], "object", 2, "Point"]]],
        ["return", 5, [null, [1, null]], [[[2, 0], "object", 3, "Promise"], [[2, 1, 1], "bigint", "2"]]],
    ]);
    assert.deepEqual(counts(), { exported: 3, imported: 0 });
    end.send(["release", [[1, 1], [2, 1]]]);
    assert.deepEqual(counts(), { exported: 2, imported: 0 });   // number 1 was sent twice
    end.send(["release", [[1, 1], [77, 5]]]);
    assert.deepEqual(counts(), { exported: 1, imported: 0 });
    end.send(["return", 1, null]);
    await call;
});

test("a Map is pairs, behind what it contains; binary values stay in their places", async () => {
    const end = await connected(...LIBRARY);
    JsPyQueue.push_nowait("q")({ map: new Map([["a", new Map([[1, new Uint8Array([1])]])], [2n ** 60n, () => 1], [null, new Set([3])]]) });
    await settled();
    const [[, , , data, specials]] = end.messages();
    assert.deepEqual(data, { map: [["a", [[1, new Uint8Array([1])]]], [null, null], [null, [3]]] });
    assert.deepEqual(specials, [
        [[3, "map", 0, 1], "map"], [[3, "map", 1, 0], "bigint", "1152921504606846976"],
        [[3, "map", 1, 1], "function", 1, ""], [[3, "map"], "map"],
    ]);
});

test("callKwargs of functions and methods of Python", async () => {
    const end = await connected(...LIBRARY);
    const [f, model] = await received(end, ["function", 1, "f"], ["object", 2, "Model"]);
    const calls = [f.callKwargs(1, { a: 2 }), model.fit.callKwargs({ rate: 1 })];
    await settled();
    const messages = end.messages();
    assert.deepEqual(messages.map(([kind, , ...rest]) => [kind, ...rest]), [
        ["use", 1, [["call", [1, { a: 2 }]]], [[[3, 0, 1, 1], "keywords"]]],
        ["use", 2, [["get", "fit"], ["call", [{ rate: 1 }]]], [[[3, 1, 1, 0], "keywords"]]],
    ]);
    end.send(...messages.map(([, id]) => ["return", id, id]));
    await Promise.all(calls);
    assert.throws(() => f.callKwargs(1), { name: "TypeError", message: /^callKwargs of 'f': the last argument must be an object/ });
});

test("streams and files are told from other objects", async () => {
    const end = await connected(...LIBRARY);
    async function* later() {
        yield 1;
    }
    const iterator = { next: () => ({ done: true }), [Symbol.iterator]() { return this; } };
    const list = [[1].values(), later(), new ReadableStream(), iterator, new URLSearchParams("a=1"),
        new Blob(["abc"], { type: "text/plain" }), new File(["ab"], "a.txt", { lastModified: 5 })];
    JsPyQueue.push_nowait("q")(list);
    await settled();
    const [[, , , , specials]] = end.messages();
    assert.deepEqual(specials.map(([, kind]) => kind), ["stream", "stream", "stream", "stream", "object", "file", "file"]);
    assert.deepEqual(specials.slice(-2).map((special) => special[3]),
        [{ name: "", size: 3, type: "text/plain", modified: null }, { name: "a.txt", size: 2, type: "", modified: 5 }]);
});

test("data stays data: literals of any frame, dates, toJSON, boxed values, what is undefined", async () => {
    const end = await connected(...LIBRARY);
    const value = { date: new Date(0), none: undefined, nan: NaN, boxed: [Object(1), Object("a"), Object(true)],
        bare: Object.assign(Object.create(null), { a: 1 }), other: runInNewContext("({ a: [1] })"), url: new URL("http://a/") };
    JsPyQueue.push_nowait("q")({ ...value, f() {} });   // not the fast path
    await settled();
    const [[, , , data, specials]] = end.messages();
    assert.deepEqual(data, JSON.parse(JSON.stringify({ ...value, f: null })));
    assert.deepEqual(specials, [[[3, "f"], "function", 1, "f"]]);
    JsPyQueue.push_nowait("q")([Math, {}]);
    await settled();
    assert.deepEqual(end.messages(), [["push", 0, "q", [null, {}], [[[3, 0], "object", 2, "Object"]]]]);
});

test("names that are no strings, or throw, do not matter", async () => {
    const end = await connected(...LIBRARY);
    const thrower = () => { throw new Error("no name"); };
    const odd = [
        class { static name = 5; }, class { static name() {} }, class { static get name() { return thrower(); } },
        Object.defineProperty(() => 1, "name", { value: Symbol("s") }), new Proxy(() => 1, { get: thrower }),
    ];
    for (const f of odd) {
        JsPyFunction.call_nowait("f")(f);
    }
    class Strange {}
    Strange.prototype.constructor = odd[0];
    JsPyFunction.call_nowait("f")(new Strange(), Object.defineProperty(new Point(), "constructor", { get: thrower }));
    JsPyFunction.call_nowait("f")(Object.defineProperty(new File(["a"], "x"), "name", { value: 5 }));
    await settled();
    const specials = end.messages().map((message) => message.at(-1));
    assert.deepEqual(specials.slice(0, 5), odd.map((_, index) => [[[2, 0], "function", index + 1, ""]]));
    assert.deepEqual(specials[5], [[[2, 0], "object", 6, "Object"], [[2, 1], "object", 7, "Object"]]);
    assert.equal(specials[6][0][3].name, "");
});

test("Maps, Sets and boxed values are those of any frame; what only looks like one crosses by reference", async () => {
    const end = await connected(...LIBRARY);
    const foreign = runInNewContext("[new Map([[1, 2]]), new Set([3]), new Number(4), new String('5'), new Boolean(false), Object(6n)]");
    const tagged = Object.defineProperty(new Point(), Symbol.toStringTag, { value: "Number" });
    JsPyFunction.call_nowait("f")(...foreign, tagged, new Proxy(new Map(), {}), Object.create(Set.prototype));
    await settled();
    const [[, , args, specials]] = end.messages();
    assert.deepEqual(args, [[[1, 2]], [3], 4, "5", false, null, null, null, null]);
    assert.deepEqual(specials, [
        [[2, 0], "map"], [[2, 5], "bigint", "6"],
        [[2, 6], "object", 1, "Point"], [[2, 7], "object", 2, "Map"], [[2, 8], "object", 3, "Set"],
    ]);
});

test("what cannot be sent is refused with the way to it, and nothing stays exported", async () => {
    await connected(...LIBRARY);
    const cycle = new Map();
    cycle.set("self", [cycle]);
    const twice = (...keys) => new Map(keys.map((key) => [key, 1]));
    const refused = [
        [{ a: [Symbol("s")] }, "data.a[0]: a symbol cannot be sent"],
        [new Map([["k", Symbol("s")]]), 'data.get("k"): a symbol cannot be sent'],
        [new Set([Symbol("s")]), "data[0]: a symbol cannot be sent"],
        [cycle, 'data.get("self")[0]: a cycle cannot be sent (it leads back to data)'],
        [[new Map([[{}, 1]])], "data[0]: a Map cannot be sent with a key of type object: use strings, finite numbers, booleans, null or BigInt"],
        [twice(1, true), "data: a Map cannot be sent with the key true: Python takes it for the same as an earlier one"],
        [twice(2n ** 70n, 2 ** 70), /the key 1\.18\d+e\+21: Python takes it/],
        [twice(NaN), /a key of type number/],
    ];
    const circular = Object.assign(new Point(1), { self: [] });
    circular.self.push(circular);
    refused.push([[circular, { a: Symbol("s") }], "data[1].a: a symbol cannot be sent"]);
    for (const [value, message] of refused) {
        assert.throws(() => JsPyQueue.push_nowait("q")(value), { name: "TypeError", message });
        assert.throws(() => JsPyQueue.push_nowait("q")([() => 1, value]), TypeError);
    }
    JsPyQueue.push_nowait("q")(twice("1", 1, null, 0.5, false));
    assert.deepEqual(counts(), { exported: 0, imported: 0 });
});

test("a request that is given up before it is sent exports nothing", async () => {
    const end = await connected(...LIBRARY);
    end.drop();
    const pushed = await JsPyQueue.push("q", 0.001)(() => 1);
    assert.deepEqual([pushed, counts().exported], [false, 1]);
    JsPyTextSocket.reconnect();
    python().welcome();
    assert.equal(counts().exported, 0);
});

// ---------------------------------------------------------------- objects of Python

test("a function of Python: called, not waited for, the same one each time, and home again", async () => {
    const end = await connected(...LIBRARY);
    const [f, again, big] = await received(end, ["function", 9, "tell"], ["function", 9, "tell"], ["bigint", "-18446744073709551616"]);
    assert.ok(f === again && f instanceof Function);
    assert.deepEqual([f.name, big, counts()], ["tell", -(2n ** 64n), { exported: 0, imported: 1 }]);
    const result = f(1, [f]);
    f.nowait({ done: 5 });
    await settled();
    assert.deepEqual(end.messages(), [
        ["use", 2, 9, [["call", [1, [null]]]], [[[3, 0, 1, 1, 0], "own", 9]]],
        ["use", 0, 9, [["call", [{ done: 5 }]]]],
    ]);
    end.send(["return", 2, "told"]);
    assert.equal(await result, "told");
    const failed = f();
    await settled();
    end.send(["error", 3, { kind: "raised", name: "ValueError", message: "no", trace: "Traceback" }]);
    const error = await failed.catch((caught) => caught);
    assert.ok(error instanceof JsPyFunction.JsPyError);
    assert.deepEqual([error.name, error.message, error.kind, error.key], ["ValueError", "no", "raised", "tell"]);
    assert.match(error.stack, /references\.test/);
    await assert.rejects(f(Symbol("s")), { name: "TypeError", message: "args[0]: a symbol cannot be sent" });
});

test("an object of Python: methods, attributes, no thenable, refuses to be assigned to", async () => {
    const end = await connected(...LIBRARY);
    const [model] = await received(end, ["object", 4, "Model"]);
    assert.ok(await model === model && model.fit === model.fit);
    assert.equal(Object.prototype.toString.call(model), "[object Python Model]");
    model.fit(1, 2);
    model.fit.nowait(3);
    model.get("rate");
    const set = model.set("rate", 0.5);
    JsPyQueue.push_nowait("q")(model);
    await settled();
    end.messages().forEach((message, index) => assert.deepEqual(message.filter((_item, at) => at !== 1), [
        ["use", 4, [["get", "fit"], ["call", [1, 2]]]], ["use", 4, [["get", "fit"], ["call", [3]]]], ["use", 4, [["get", "rate"]]],
        ["use", 4, [["set", "rate", 0.5]]], ["push", "q", null, [[[3], "own", 4]]],
    ][index]));
    assert.throws(() => { model.rate = 1; }, /await object\.set\("rate", value\)/);
    end.send(["error", 4, { kind: "raised", name: "AttributeError", message: "no", trace: "" }]);
    await assert.rejects(set, { name: "AttributeError", key: "Model.rate" });
});

test("an object of Python has a text, and no other name reaches Python by itself", async () => {
    const end = await connected(...LIBRARY);
    const first = received(end, ["object", 1, "Model"]);
    const [model] = await first;
    assert.equal(`${model}`, "[object Python Model]");
    assert.equal(JSON.stringify({ model }), '{"model":{}}');
    await settled();
    assert.deepEqual(end.messages(), []);
});

test("destroyed: Python hears how often it was sent, and the proxy says so", async () => {
    const end = await connected(...LIBRARY);
    const [f] = await received(end, ["function", 9, "tell"], ["function", 9, "tell"]);
    f.destroy();
    f.destroy();
    await assert.rejects(f(), { name: "UnknownReference", kind: "unknown", message: "This function of Python is destroyed" });
    assert.throws(() => f.nowait(), JsPyFunction.JsPyError);
    assert.throws(() => JsPyFunction.call_nowait("g")(f), { message: "args: this function of Python was destroyed, or its session has ended" });
    await after(2);
    assert.deepEqual(end.messages(), [["release", [[9, 2]]]]);
    const [anew] = await received(end, ["function", 9, "tell"]);
    assert.ok(anew !== f);
});

test("collected: the counts of many are released in one message", async () => {
    const end = await connected(...LIBRARY);
    await (async () => {
        await received(end, ["function", 1, "a"], ["function", 2, "b"], ["function", 1, "a"], ["object", 3, "C"]);
    })();
    for (let round = 0; round < 20 && counts().imported; round += 1) {
        await after(2);
        collect();
    }
    await after(2);
    const messages = end.messages();
    const released = messages.flatMap(([, pairs]) => pairs);
    assert.deepEqual(released.sort(([a], [b]) => a - b), [[1, 2], [2, 1], [3, 1]]);
    assert.ok(messages.length < 3, `${messages.length} messages`);
});

test("a release comes behind a large packet that uses the object", async () => {
    const end = await connected(...LIBRARY);
    const [f] = await received(end, ["function", 9, "tell"]);
    f.nowait(new Uint8Array(4e6));
    await settled();
    f.destroy();
    await after(2);
    JsPyQueue.push_nowait("q")(1);
    await settled();
    assert.deepEqual(end.messages().map(([kind]) => kind), ["push"]);
    for (let times = 0; times < 20; times += 1) {
        end.send(["credit", 1, 6]);
    }
    await settled();
    assert.deepEqual(end.messages().map(([kind]) => kind), ["use", "release"]);
});

test("counts of both tables agree, in whatever order objects are sent, dropped and released", async () => {
    let seed = 7;
    const random = (below) => {
        seed = (seed * 1103515245 + 12345) % 2147483648;
        return Math.floor(seed / 2147483648 * below);
    };
    const exports = new Exports();
    const releases = [];
    const imports = new Imports((pairs) => releases.push(pairs));
    imports.makers.set("object", (imported) => ({ imported }));
    const objects = Array.from({ length: 5 }, (_, index) => ({ index }));
    const [under_way, held] = [[], new Map()];
    const arrive = () => {
        const number = under_way.shift();
        held.set(number, imports.take(number, "object", ["Object"]));
    };
    const release = () => releases.shift()?.forEach(([number, count]) => exports.release(number, count));
    const drop = (number) => {
        imports.drop(held.get(number).imported);
        held.delete(number);
    };
    const steps = [
        () => under_way.push(exports.add(objects[random(objects.length)])),
        () => under_way.length && arrive(),
        () => held.size && drop([...held.keys()][random(held.size)]),
        release,
        () => after(0),
    ];
    for (let step = 0; step < 5000; step += 1) {
        await steps[random(20) ? random(4) : 4]();
        [...under_way, ...held.keys()].forEach((number) => assert.ok(exports.get(number)));
    }
    while (under_way.length) {
        arrive();
    }
    [...held.keys()].forEach(drop);
    await after(2);
    while (releases.length) {
        release();
    }
    assert.deepEqual([exports.size, imports.size], [0, 0]);
});

// ---------------------------------------------------------------- work of Python

test("a callback of the page: value, promise, error, none to wait for", async () => {
    const end = await connected(...LIBRARY);
    const seen = [];
    const functions = [(x) => 2 * x, async (x) => [x], () => { throw new RangeError("far"); }, (x) => { seen.push(x); }];
    functions.forEach((func) => JsPyQueue.push_nowait("q")(func));
    await settled();
    end.messages();
    const answers = await ask(end, ["use", 1, 1, [["call", [4]]]], ["use", 2, 2, [["call", [5]]]], ["use", 3, 3, [["call", []]]],
        ["use", 0, 4, [["call", [6]]]], ["use", 4, 99, [["call", []]]]);
    const by_id = new Map(answers.map(([kind, id, value]) => [id, [kind, value.name ?? value]]));
    assert.deepEqual([1, 2, 3, 4].map((id) => by_id.get(id)),
        [["return", 8], ["return", [5]], ["error", "RangeError"], ["error", "UnknownReference"]]);
    assert.deepEqual(seen, [6]);
    const said = await quietly(() => ask(end, ["use", 0, 3, [["call", []]]]).then(([[kind]]) => assert.equal(kind, "fault")), "error");
    assert.equal(said.length, 1);
});

test("steps on an object: this is kept, promises are awaited on the way, the object comes back itself", async () => {
    const end = await connected(...LIBRARY);
    const point = new Point(1);
    point.later = async () => new Point(9);
    JsPyQueue.push_nowait("q")(point);
    await settled();
    end.messages();
    const work = (...steps) => ["use", 1, 1, steps];
    const answer = async (message) => (await ask(end, message))[0].slice(2);
    assert.deepEqual(await answer(work(["get", "x"])), [1]);
    assert.deepEqual(await answer(work(["get", "move"], ["call", [2]])), [null, [[[2], "object", 1, "Point"]]]);
    assert.deepEqual(await answer(work(["get", "later"], ["call", []], ["get", "move"], ["call", [1]], ["get", "x"])), [10]);
    assert.deepEqual(await answer(work(["set", "y", [1, 2, 3]])), [null]);
    assert.deepEqual(await answer(work(["get", "y"], ["get", -1])), [3]);
    assert.deepEqual(await answer(work(["get", "y"], ["length"])), [3]);
    assert.deepEqual(await answer(work(["get", "y"], ["has", 2])), [true]);
    assert.deepEqual(await answer(work(["get", "y"], ["iterate"])), [null, [[[2], "stream", 2]]]);
    assert.deepEqual(await answer(work(["delete", "y"])), [null]);
    assert.deepEqual(await answer(work(["has", "y"])), [false]);
    assert.deepEqual(await answer(work(["keys"])), [["x", "later", "constructor", "move"]]);
    assert.deepEqual(await answer(["use", 1, 1, [["same", null]], [[[3, 0, 1], "own", 1]]]), [true]);
    assert.deepEqual(await answer(work(["get", "constructor"], ["new", [5]], ["get", "x"])), [5]);
    JsPyQueue.push_nowait("q")([Promise.resolve([5])]);
    await settled();
    end.messages();
    assert.deepEqual(await answer(["use", 1, 3, [["await"]]]), [[5]]);
    assert.equal((await answer(work(["jump"])))[0].message, "The page knows no step 'jump'");
    assert.deepEqual(await answer(work(["describe"])), [{ name: "Point", text: "[object Object]", flags: [] }]);
    assert.deepEqual((await answer(work(["data"]))), [{ x: 3, later: null }, [[[2, "later"], "function", 4, ""]]]);
    const [{ kind, name, message }] = await answer(work(["get", "mve"]));
    assert.deepEqual([kind, name, message], ["unknown", "UnknownProperty", "Point has no 'mve'; did you mean 'move'?"]);
    assert.equal((await answer(["use", 1, 1, [["same", null]], [[[3, 0, 1], "own", 55]]]))[0].name, "UnknownReference");
});

test("attributes tell methods of the class; items, and data by reference", async () => {
    const end = await connected(...LIBRARY);
    class Meter {
        own = () => 1;
        read() { return this.own(); }
        get either() { return this.own; }
    }
    Object.assign(globalThis, { meter: new Meter(), table: { rows: [1, 2, 3] }, keyed: new URLSearchParams("a=1"), steps: new Set([1, 2, 3]) });
    const world = async (...steps) => (await ask(end, ["use", 1, 0, steps]))[0].slice(2);
    const isMethod = async (name) => (await world(["get", "meter"], ["attribute", name]))[0][1];
    assert.deepEqual([await isMethod("read"), await isMethod("own"), await isMethod("either")], [true, false, false]);
    assert.deepEqual(await world(["get", "table"], ["attribute", "rows"]), [[[1, 2, 3], false]]);
    const [[kind, , , className]] = (await world(["get", "table"], ["reference"]))[1].map(([, ...rest]) => [rest[0], 0, 0, rest[2]]);
    assert.deepEqual([kind, className], ["object", "Object"]);
    assert.equal((await world(["get", "Date"], ["new", [0]]))[1][0][1], "object");
    assert.deepEqual(await world(["get", "keyed"], ["get_item", "a"]), ["1"]);
    assert.equal((await world(["get", "keyed"], ["get_item", "b"]))[0].name, "UnknownProperty");
    assert.deepEqual(await world(["get", "keyed"], ["set_item", "b", "2"]), [null]);
    assert.deepEqual(await world(["get", "keyed"], ["delete_item", "a"]), [null]);
    assert.equal(String(globalThis.keyed), "b=2");
    const rows = (...steps) => world(["get", "table"], ["get", "rows"], ...steps);
    assert.deepEqual(await rows(["set_item", -1, 9]), [null]);
    assert.equal((await rows(["set_item", 3, 9]))[0].name, "UnknownProperty");
    assert.deepEqual(await rows(["delete_item", 0]), [null]);
    assert.match((await world(["get", "meter"], ["iterate"]))[0].message, /Meter cannot be iterated/);
    assert.match((await world(["get", "table"], ["call", []]))[0].message, /is not a function/);
    assert.match((await world(["get", "meter"], ["turn"]))[0].message, /knows no step 'turn'/);
    ["meter", "table", "keyed", "steps"].forEach((name) => delete globalThis[name]);
});

test("items of an object are a stream, which closes its iterator", async () => {
    const end = await connected(...LIBRARY);
    let closed = 0;
    class Rows {
        *[Symbol.iterator]() {
            try {
                for (let n = 0; ; n += 1) {
                    yield n;
                }
            } finally {
                closed += 1;
            }
        }
    }
    const items = { steps: new Set([1, Promise.resolve(2)]), like: { length: 2, 0: "a", 1: { f() {} } }, rows: new Rows(), later: {
        async *[Symbol.asyncIterator]() { yield 1; yield { f() {} }; },
    } };
    globalThis.items = items;
    const read = async (id, name, count = 9) => {
        const [[, , , [[, kind, number]]]] = await ask(end, ["use", id, 0, [["get", "items"], ["get", name], ["iterate"]]]);
        assert.equal(kind, "stream");
        const messages = await ask(end, ["pull", number, count]);
        return [messages.filter(([type]) => type === "items").flatMap(([, , list]) => list), number, messages];
    };
    assert.deepEqual((await read(1, "steps"))[0], [1, 2]);
    const [like, , [[, , , specials]]] = await read(2, "like");
    assert.deepEqual([like, specials.map(([path, kind]) => [path, kind])], [["a", null], [[[2, 1], "object"]]]);   // with its method
    assert.deepEqual((await read(3, "later"))[0], [1, null]);
    const [rows, number] = await read(4, "rows", 3);
    assert.deepEqual([rows, closed], [[0, 1, 2], 0]);
    await ask(end, ["stop", number]);
    assert.equal(closed, 1);
    delete globalThis.items;
});

test("values of another frame are told by what they are", async () => {
    const end = await connected(...LIBRARY);
    globalThis.other = {
        values: runInNewContext("({ map: new Map([[1, 2]]), set: new Set([3]), date: new Date(0), bytes: new Uint8Array([4]) })"),
        error: () => runInNewContext("Object.assign(new RangeError('far'), { when: new Date(0) })"),
        stream: Object.assign(Object.create({ get [Symbol.toStringTag]() { return "ReadableStream"; } }), {
            getReader: () => ({ read: async () => ({ done: true }), cancel() {} }),
        }),
        file: Object.assign(Object.create({ get [Symbol.toStringTag]() { return "File"; } }), {
            name: "a.txt", size: 3, type: "text/plain", lastModified: 0, slice() {}, async arrayBuffer() {},
        }),
        forged: { [Symbol.toStringTag]: "File" },
    };
    class Holder { constructor(values) { Object.assign(this, values); } }
    globalThis.other.holder = new Holder(globalThis.other.values);
    const world = async (...steps) => (await ask(end, ["use", 1, 0, [["get", "other"], ...steps]]))[0];
    const [, , data, specials] = await world(["get", "holder"], ["data"]);
    assert.deepEqual(data, { map: [[1, 2]], set: [3], date: "1970-01-01T00:00:00.000Z", bytes: new Uint8Array([4]) });
    assert.deepEqual(specials, [[[2, "map"], "map"]]);
    assert.deepEqual((await world(["get", "stream"]))[3].map(([, kind]) => kind), ["stream"]);
    assert.deepEqual((await world(["get", "file"]))[3].map(([, kind, , facts]) => [kind, facts.name]), [["file", "a.txt"]]);
    assert.deepEqual((await world(["get", "forged"]))[3].map(([, kind]) => kind), ["object"]);
    globalThis.other.fail = () => { throw globalThis.other.error(); };
    const [, , failure] = await world(["get", "fail"], ["call", []]);
    assert.deepEqual([failure.name, failure.message, failure.fields], ["RangeError", "far", { when: "1970-01-01T00:00:00.000Z" }]);
    delete globalThis.other;
});

test("arrays and Maps by reference have a trait", async () => {
    const end = await connected(...LIBRARY);
    const cases = [[["get", "Array"], "array"], [["get", "Map"], "map"], [["get", "Set"], undefined]];
    for (const [step, trait] of cases) {
        const [[, , , [[, kind, , , told]]]] = await ask(end, ["use", 1, 0, [step, ["new", []]]]);
        assert.deepEqual([kind, told], ["object", trait]);
    }
});

test("the page's world: what it exposes, then its globals; literals with methods are objects", async () => {
    const end = await connected(...LIBRARY);
    globalThis.shop = { open: true, sell(n) { return this.open ? n : 0; } };
    globalThis.sum = () => "the global";
    JsPyFunction.expose("sum", (a, b) => a + b);
    const world = async (...steps) => (await ask(end, ["use", 1, 0, steps]))[0].slice(2);
    assert.deepEqual(await world(["get", "sum"], ["call", [4, 7]]), [11]);
    assert.deepEqual(await world(["get", "Math"], ["get", "max"], ["call", [1, 2]]), [2]);
    assert.deepEqual(await world(["get", "Date"], ["new", [0]], ["get", "toJSON"], ["call", []]), ["1970-01-01T00:00:00.000Z"]);
    assert.deepEqual(await world(["get", "shop"], ["get", "sell"], ["call", [3]]), [3]);
    assert.deepEqual(await world(["get", "shop"]), [null, [[[2], "object", 1, "Object"]]]);
    assert.deepEqual(await world(["get", "Math"]), [null, [[[2], "object", 2, "Object"]]]);
    assert.deepEqual(await world(["set", "shop", 5]), [null]);
    assert.equal(globalThis.shop, 5);
    assert.match((await world(["get", "smu"]))[0].message, /no function 'smu' and has no global of that name; did you mean 'sum'\?/);
    assert.ok((await world(["keys"]))[0].includes("sum"));
    delete globalThis.shop;
    delete globalThis.sum;
});

test("exclusive functions stay so when they are called by reference", async () => {
    const end = await connected(...LIBRARY);
    const seen = [];
    async function slow(x) {
        seen.push(x);
        await after(1);
        seen.push(-x);
    }
    JsPyFunction.expose("slow", slow, true);
    JsPyQueue.push_nowait("q")(slow);
    end.send(["use", 1, 1, [["call", [1]]]], ["call", 2, "slow", [2]], ["use", 3, 0, [["get", "slow"], ["call", [3]]]]);
    await until(() => seen.includes(-3));
    assert.deepEqual(seen, [1, -1, 2, -2, 3, -3]);
});

test("an unknown object of the page: an error for that message alone", async () => {
    const end = await connected(...LIBRARY);
    JsPyFunction.expose("f", (x) => x);
    const own = [[[3, 0], "own", 7]];
    assert.deepEqual((await ask(end, ["call", 1, "f", [null], own], ["call", 2, "f", [5]])).map(([kind, id, value]) => [kind, id, value.name ?? value]),
        [["error", 1, "UnknownReference"], ["return", 2, 5]]);
    const called = JsPyFunction.call("g")();
    await settled();
    end.send(["return", 1, null, [[[2], "own", 7]]]);
    await assert.rejects(called, { name: "UnknownReference", kind: "unknown" });
});

test("specials that are malformed end the connection", async () => {
    const wrong = ["x", [1], [[[2], "odd"]], [[[2], "function", 1]], [[[2], "function", "1", "f"]], [[[2], "bigint", "1.5"]],
        [[[2, 0], "own", 1]], [[[1], "own", 1]], [[[], "own", 1]], [[["2"], "own", 1]], [[[2], "map"]], [[[2], "own", 0]], [[[2], "own", 1.5]],
        [[[2], "bigint", "1"], [[2], "bigint", "1"]]];
    for (const specials of wrong) {
        const end = await connected(...LIBRARY);
        await quietly(() => end.send(["return", 1, null, specials]), "error", "warn");
        assert.equal(end.transport.closed?.code, 4400, JSON.stringify(specials));
    }
});

// ---------------------------------------------------------------- sessions

test("a path of Python's does not lead into an object of the page", async () => {
    const end = await connected(...LIBRARY);
    const own = { secret: null, run: () => 1 };
    globalThis.own = own;
    const [[, , , specials]] = await ask(end, ["use", 1, 0, [["get", "own"]]]);
    const number = specials[0][2];
    JsPyFunction.expose("take", () => 1);
    await quietly(() => end.send(["call", 2, "take", [null], [[[3, 0], "own", number], [[3, 0, "secret"], "bigint", "5"]]]));
    await after(2);
    assert.equal(own.secret, null);
    assert.equal(end.transport.closed?.code, 4400);
});

test("what was held back for the scripts of the document is dropped with its session", async () => {
    await connected(...LIBRARY);
    const { _connection: connection } = JsPyTextSocket;
    python().drop();
    const f = () => assert.fail("called");
    const kept = JsPyFunction.call("keep")(f);
    JsPyTextSocket.reconnect();
    const first = python();
    const go_on = connection.deliveries.hold();
    first.welcome(1, "p1", { session: "s1", resume_seconds: 30, resumed: false, received: 0 });
    first.send(["use", 0, 1, [["call", []]]], ["release", [[1, 1]]]);
    first.drop();
    JsPyQueue.push_nowait("q")(f);
    JsPyTextSocket.reconnect();
    await quietly(() => python().welcome(2, "p1", { session: "s2", resumed: false, received: 0 }), "warn");
    go_on();
    await assert.rejects(kept, { kind: "disconnected" });
    assert.deepEqual(counts(), { exported: 1, imported: 0 });
});

test("a session that goes on keeps the objects; its end kills them", async () => {
    const end = await connected(...LIBRARY);
    end.send(["ping", 1]);
    end.drop();
    JsPyTextSocket.reconnect();
    const first = python();
    first.welcome(1, "p1", { session: "s1", resume_seconds: 30, resumed: false, received: 0 });
    first.messages();
    const [f, model] = await received(first, ["function", 9, "tell"], ["object", 3, "Model"]);
    JsPyQueue.push_nowait("q")(() => 1);
    await sentBy(first, "push");
    first.drop();
    const waiting = f(1);
    JsPyTextSocket.reconnect();
    const second = python();
    second.welcome(1, "p1", { session: "s1", resume_seconds: 30, resumed: true, received: 2 });
    assert.deepEqual((await sentBy(second, "use")).filter(([kind]) => kind === "use"), [["use", 2, 9, [["call", [1]]]]]);
    second.send(["return", 2, 5]);
    assert.deepEqual([await waiting, counts()], [5, { exported: 1, imported: 2 }]);
    second.drop();
    const lost = f(2);
    const kept = JsPyFunction.call("keep")(() => 2);
    JsPyTextSocket.reconnect();
    const third = python();
    await quietly(() => third.welcome(2, "p1", { session: "s2", resumed: false, received: 0 }), "warn");
    const ended = { kind: "disconnected", name: "DisconnectedError" };
    await assert.rejects(lost, ended);
    await assert.rejects(f(3), ended);
    await assert.rejects(model.get("x"), { ...ended, key: "Model.x" });
    assert.throws(() => f.nowait(), ended);
    assert.deepEqual(counts(), { exported: 1, imported: 0 });
    const [message] = (await sentBy(third, "call")).filter(([kind]) => kind === "call");
    assert.deepEqual(message.slice(2), ["keep", [null], [[[3, 0], "function", 2, ""]]]);
    assert.deepEqual(await ask(third, ["use", 7, 2, [["call", []]]]), [["return", 7, 2]]);
    third.send(["return", message[1], null]);
    await kept;
    JsPyTextSocket.close();
    assert.deepEqual(counts(), { exported: 0, imported: 0 });
});

test("a page in the back/forward cache: its objects and those of Python die with the session", async () => {
    const end = await connected(...LIBRARY);
    const [f] = await received(end, ["function", 1, "tell"]);
    let began = null;
    JsPyFunction.expose("slow", (callback, call) => {
        began = call.signal;
        return callback(1);
    }, { context: true });
    end.send(["call", 50, "slow", [null], [[[3, 0], "function", 2, "back"]]]);
    JsPyFunction.call_nowait("keep")(() => 1);
    await until(() => began);
    assert.deepEqual(counts(), { exported: 1, imported: 2 });
    JsPyTextSocket._connection.hide();
    await until(() => began.aborted);
    assert.deepEqual(counts(), { exported: 0, imported: 0 });
    JsPyTextSocket._connection.show();
    const meanwhile = f(2);
    const kept = JsPyFunction.call("keep")(() => 2);
    await assert.rejects(meanwhile, { kind: "disconnected" });
    const again = python();
    await quietly(() => again.welcome(2, "p1", { session: "s1", resumed: false, received: 0 }), "warn");
    const messages = await sentBy(again, "call");
    assert.deepEqual(messages.filter(([kind]) => kind === "return" || kind === "use"), []);   // of the old session
    const [call] = messages.filter(([kind]) => kind === "call");
    assert.deepEqual(call.slice(2), ["keep", [null], [[[3, 0], "function", 2, ""]]]);
    again.send(["use", 1, 1, [["call", []]]]);
    assert.deepEqual(await sentBy(again, "error"), [["error", 1, {
        kind: "unknown", name: "UnknownReference", trace: "",
        message: "The page has no object 1 any more: it was released, or its session ended",
    }]]);
    again.send(["return", call[1], null], ["release", [[2, 1]]]);
    await kept;
    assert.deepEqual(counts(), { exported: 0, imported: 0 });
    JsPyTextSocket.close();
});

test("Python hears the names that the page exposes, once a turn and with a new session", async () => {
    const end = await connected(...LIBRARY);
    const told = (from, count) => until(() => from.messages() && from.names.length >= count);
    JsPyFunction.expose("a", () => 1);
    JsPyFunction.expose("b", () => 1);
    await told(end, 1);
    assert.deepEqual(end.names, [["a", "b"]]);
    JsPyFunction.clear("a");
    JsPyFunction.clear("absent");
    await told(end, 2);
    assert.deepEqual(end.names.slice(1), [["b"]]);
    end.drop();
    JsPyFunction.expose("c", () => 1);
    await settled();
    JsPyTextSocket.reconnect();
    const next = python();
    next.welcome();
    await told(next, 1);
    assert.deepEqual(next.names, [["b", "c"]]);
});

test("an array with more holes than a message can have is refused at once, with its path", async () => {
    const end = await connected("JsPyFunction");
    const holes = (length, ...items) => Object.assign([...items], { length });
    const huge = 2 ** 32 - 1;
    const text = (path) => ({ name: "TypeError", message: `${path}: an array with too many holes (its length is ${huge}) cannot be sent; send its entries, Object.entries(array)` });
    const call = JsPyFunction.call("f");
    await assert.rejects(call(1, holes(huge)), text("args[1]"));
    await assert.rejects(call({ points: [holes(huge, () => 1, new Uint8Array(3))] }), text("args[0].points[0]"));
    await assert.rejects(call(() => 1, new Map([["a", holes(huge, 1)]])), text("args[1].get(\"a\")"));
    await assert.rejects(call({ toJSON: () => holes(huge) }), /with too many holes/);
    assert.throws(() => JsPyFunction.call_nowait("f")(holes(huge)), text("args[0]"));
    JsPyFunction.expose("give", () => ({ a: holes(huge) }));
    globalThis.much = holes(huge);
    end.messages();
    assert.match((await ask(end, ["call", 1, "give", []]))[0][2].message, /^result\.a: an array with too many holes \(its length is 4294967295\)/);
    const [[kind, , error]] = await ask(end, ["use", 2, 0, [["get", "much"], ["data", null, false]]]);
    assert.match(`${kind}: ${error.message}`, /^error: result: an array with too many holes \(its length is 4294967295\)/);
    assert.deepEqual([Array(1000001).fill(undefined), holes(1000001, 1), holes(1000002, 1)].map(isSparse), [false, false, true]);
    void call({ length: huge }, holes(5, 1));
    const [[, , , sent]] = await sentBy(end, "call");
    assert.deepEqual(sent, [{ length: huge }, [1, null, null, null, null]]);
});
