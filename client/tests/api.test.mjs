import assert from "node:assert/strict";
import { test } from "node:test";
import * as code from "../src/code/index.ts";
import { installFunctions } from "../src/install.ts";
import { after, connected, quietly, sentBy, settled, until } from "./page.mjs";

const trace = "Traceback (most recent call last):\n  File \"main.py\", line 3, in add2\nValueError: no\n";
const failure = (kind, name, message, text = "") => ({ kind, name, message, trace: text });

/** The answers to a frame of calls. */
async function ask(end, ...messages) {
    end.send(...messages);
    await after(5);
    return end.messages();
}

test("an error of Python has its type, text and traceback, and the stack of the call", async () => {
    const end = await connected("JsPyFunction");
    async function here_it_is_called() {
        return JsPyFunction.call("add2")(-1);
    }
    const call = here_it_is_called();
    await settled();
    end.send(["error", 1, failure("raised", "ValueError", "no\nreally", trace)]);
    const error = await call.catch((caught) => caught);
    assert.ok(error instanceof JsPyFunction.JsPyError && error instanceof Error);
    const { name, message, kind, key, socket_id, python_traceback } = error;
    assert.deepEqual([name, message, kind, key, socket_id, python_traceback], ["ValueError", "no\nreally", "raised", "add2", 1, trace]);
    assert.match(error.stack, /^ValueError: no\nreally\n +at /);
    assert.match(error.stack, /here_it_is_called/);
    assert.doesNotMatch(error.stack, /at invoke/);
    assert.ok(error.stack.includes(trace));
});

test("the first 16 calls of a turn have a stack; the next turn starts over", async () => {
    const end = await connected("JsPyFunction");
    async function burst(count) {
        const calls = Array.from({ length: count }, () => JsPyFunction.call("add2")(-1));
        await settled();
        const asked = end.messages();
        end.send(...asked.map(([, id]) => ["error", id, failure("raised", "ValueError", "no", trace)]));
        return Promise.all(calls.map((call) => call.catch((error) => error.stack)));
    }
    const stacks = await burst(18);
    assert.ok(stacks.slice(0, 16).every((stack) => /at .*burst/s.test(stack)));
    for (const stack of stacks.slice(16)) {
        assert.equal(stack, `ValueError: no\n    at one of more than 16 calls in one turn\n\nIn Python:\n${trace}`);
    }
    assert.match((await burst(1))[0], /at .*burst/s);
});

test("an unknown Python function", async () => {
    const end = await connected("JsPyFunction");
    const call = JsPyFunction.call("nope")();
    await settled();
    end.send(["error", 1, failure("unknown", "KeyError", "Python exposes no function 'nope'")]);
    await assert.rejects(call, { name: "UnknownFunction", kind: "unknown", message: /Python exposes no function/ });
});

test("arguments that cannot be sent", async () => {
    await connected("JsPyFunction");
    const refused = { name: "TypeError", message: "args[0].model: a symbol cannot be sent" };
    await assert.rejects(JsPyFunction.call("f")({ model: Symbol("s") }), refused);
    assert.throws(() => JsPyFunction.call_nowait("f")(Symbol("s")), { name: "TypeError", message: "args[0]: a symbol cannot be sent" });
    assert.throws(() => JsPyFunction.call(5), TypeError);
});

test("results: plain, none, promised, thenable, binary", async () => {
    const end = await connected("JsPyFunction");
    JsPyFunction.expose("sum", (a, b = 10) => a + b);
    JsPyFunction.expose("none", () => {});
    JsPyFunction.expose("later", () => new Promise((resolve) => { setTimeout(resolve, 1, "late"); }));
    JsPyFunction.expose("thenable", () => ({ then: (done) => done("thened") }));
    JsPyFunction.expose("nan", () => [NaN, undefined]);
    JsPyFunction.expose("bytes", () => new Uint8Array([1, 2]));
    const keys = ["sum", "none", "nan", "bytes", "thenable", "later"];
    const answers = await ask(end, ...keys.map((key, index) => ["call", index + 1, key, [1]]));
    assert.deepEqual(answers, [["return", 1, 11], ["return", 2, null], ["return", 3, [null, null]],
        ["return", 4, new Uint8Array([1, 2])], ["return", 5, "thened"], ["return", 6, "late"]]);
});

test("errors: thrown, rejected, not errors, unknown, unserializable", async () => {
    const end = await connected("JsPyFunction");
    class ShopError extends Error {
        name = "ShopError";
    }
    const cycle = {};
    cycle.self = cycle;
    const functions = {
        boom: () => { throw new RangeError("too far"); },
        rejected: async () => { throw new ShopError("sold out"); },
        text: () => { throw "just text"; },
        nothing: () => { throw undefined; },
        empty: () => Promise.reject(null),
        object: () => { throw { code: 5 }; },
        bare: () => { throw Object.create(null); },
        cycle: () => ({ a: [cycle] }),
        symbol: async () => [Symbol("s")],
    };
    Object.entries(functions).forEach(([key, func]) => JsPyFunction.expose(key, func));
    const keys = [...Object.keys(functions), "nope"];
    const answers = new Map((await ask(end, ...keys.map((key, index) => ["call", index + 1, key, []])))
        .map(([kind, id, error]) => [keys[id - 1], [kind, error.kind, error.name, error.message, error.trace]]));
    const told = (key) => answers.get(key).slice(0, 4);
    assert.deepEqual(told("boom"), ["error", "raised", "RangeError", "too far"]);
    assert.match(answers.get("boom")[4], /^RangeError: too far\n\s+at /);
    assert.deepEqual(told("rejected"), ["error", "raised", "ShopError", "sold out"]);
    assert.deepEqual(told("text"), ["error", "raised", "String", "just text"]);
    assert.deepEqual(told("nothing"), ["error", "raised", "undefined", "undefined"]);
    assert.deepEqual(told("empty"), ["error", "raised", "object", "null"]);
    assert.deepEqual(told("object"), ["error", "raised", "Object", '{"code":5}']);
    assert.deepEqual(told("bare"), ["error", "raised", "object", "{}"]);
    assert.deepEqual(told("cycle"), ["error", "unserializable", "TypeError", "result.a[0].self: a cycle cannot be sent (it leads back to result.a[0])"]);
    assert.deepEqual(told("symbol"), ["error", "unserializable", "TypeError", "result[0]: a symbol cannot be sent"]);
    assert.deepEqual(told("nope"), ["error", "unknown", "UnknownFunction",
        `The page exposes no function 'nope' (exposed: ${keys.slice(0, -1).join(", ")})`]);
    assert.equal(answers.get("nope")[4], "");
    const message = async (key) => (await ask(end, ["call", 99, key, []]))[0][2].message;
    assert.match(await message("bomo"), /^The page exposes no function 'bomo'; did you mean 'boom'\? \(exposed: /);
    assert.match(await message("rejectd"), /did you mean 'rejected'\?/);
});

test("an error without a caller goes to the console and to Python", async () => {
    const end = await connected("JsPyFunction");
    JsPyFunction.expose("f", () => { throw new Error("oh"); });
    JsPyFunction.expose("g", async () => { throw new Error("later"); });
    const said = await quietly(async () => {
        end.send(["notify", "f", []], ["notify", "g", []], ["notify", "nope", []]);
        await after(5);
    }, "error");
    assert.equal(said.length, 3);
    const faults = end.messages().map(([kind, what, error]) => [kind, what, error.name, error.kind]);
    assert.deepEqual(faults, [["fault", "function 'f'", "Error", "raised"], ["fault", "function 'nope'", "UnknownFunction", "raised"],
        ["fault", "function 'g'", "Error", "raised"]]);
});

test("expose, clear, is_running count overlapping calls", async () => {
    const end = await connected("JsPyFunction");
    const ends = [];
    const slow = () => new Promise((resolve) => ends.push(resolve));
    assert.equal(JsPyFunction.expose("slow", slow), true);
    assert.equal(JsPyFunction.clear("absent"), false);
    end.send(["call", 1, "slow", []], ["call", 2, "slow", []]);
    ends[0](1);
    await after(5);
    assert.equal(JsPyFunction.is_running("slow"), true);
    assert.equal(JsPyFunction.expose("slow", () => 1), false);
    assert.equal(JsPyFunction.clear("slow"), false);
    ends[1](2);
    await after(5);
    assert.deepEqual(end.messages(), [["return", 1, 1], ["return", 2, 2]]);
    assert.equal(JsPyFunction.is_running("slow"), false);
    assert.deepEqual([JsPyFunction.get_keys(), JsPyFunction.has("slow")], [["slow"], true]);
    assert.equal(JsPyFunction.clear("slow"), true);
    for (const [key, func] of [["", slow], ["$x", slow], [5, slow], ["f", 5], ["f", null]]) {
        assert.throws(() => JsPyFunction.expose(key, func), TypeError);
    }
    assert.throws(() => JsPyFunction.expose("f", 5), /expose\('f'\): expected a function, not number/);
});

test("exclusive: one at a time, first come first served, also after errors", async () => {
    const end = await connected("JsPyFunction");
    const seen = [];
    JsPyFunction.expose("one", async (n) => {
        seen.push(`begin ${n}`);
        await after(3 - n);
        seen.push(`end ${n}`);
        if (n === 1) {
            throw new Error("oh");
        }
        return n;
    }, true);
    end.send(["call", 1, "one", [0]], ["call", 2, "one", [1]], ["call", 3, "one", [2]]);
    const messages = await sentBy(end, "return", 2);
    assert.deepEqual(seen, ["begin 0", "end 0", "begin 1", "end 1", "begin 2", "end 2"]);
    assert.deepEqual(messages.map(([kind]) => kind), ["return", "error", "return"]);
});

test("$eval", async () => {
    const end = await connected("JsPyFunction");
    globalThis.shop = { open: true };
    const codes = [["1 + 1", 2], ["shop.open", true], ["{a: 1}", { a: 1 }], ["await Promise.resolve(5)", 5],
        ["let x = 2; x * 3;", 6], ["if (shop.open) { 'yes' } else { 'no' }", "yes"], ["1;2;3", 3],
        ["const y = await Promise.resolve(4); y * 2", 8], ["const z = await (Promise.resolve(4))\nz + 1\n", 5],
        ["for (const i of [1, 2]) { await i }\n'done'", "done"], ["await 1; if (true) { shop.closed = 1 }", null],
        ["const n = 1\n+ 2; await n; n", 3],
        ["var kept = 7", null], ["kept", 7], ["", null], ["// a comment\n8 // and another", 8]];
    const answers = await ask(end, ...codes.map(([code], index) => ["call", index + 1, "$eval", [code]]));
    const values = new Map(answers.map(([kind, id, value]) => [id, [kind, value]]));
    codes.forEach(([code, value], index) => assert.deepEqual([code, ...values.get(index + 1)], [code, "return", value]));
    const wrong = await ask(end, ["call", 90, "$eval", ["1 +"]], ["call", 91, "$eval", ["nope()"]]);
    const errors = new Map(wrong.map(([, id, value]) => [id, value]));
    assert.deepEqual([errors.get(90).name, errors.get(91).name], ["SyntaxError", "ReferenceError"]);
    delete globalThis.shop;
});

test("answers go only to the connection that asked", async () => {
    const end = await connected("JsPyFunction");
    JsPyFunction.expose("later", () => after(10));
    end.send(["call", 1, "later", []]);
    end.drop();
    JsPyTextSocket.reconnect();
    const { python } = await import("./page.mjs");
    const again = python();
    again.welcome(2);
    again.messages();
    await after(20);
    assert.deepEqual(again.messages(), []);
});

test("queues: both ends, defaults, keys of every kind", async () => {
    const end = await connected("JsPyQueue");
    end.send(["push", 0, "q", 1], ["push", 5, "q", 2], ["push", 0, "q", null], ["push", 0, "__proto__", 4]);
    await settled();
    assert.deepEqual(end.messages(), [["return", 5, true]]);
    assert.equal(JsPyQueue.pop("q", "default"), null);
    assert.equal(JsPyQueue.shift("q"), 1);
    assert.equal(JsPyQueue.pop("q"), 2);
    assert.deepEqual([JsPyQueue.pop("q"), JsPyQueue.shift("q", 7), JsPyQueue.is_empty("q"), JsPyQueue.has("q")], [undefined, 7, true, true]);
    assert.deepEqual(JsPyQueue.get_keys(), ["q", "__proto__"]);
    assert.equal(JsPyQueue.shift("__proto__"), 4);
    assert.deepEqual([JsPyQueue.has("constructor"), JsPyQueue.is_empty("constructor")], [false, true]);
    assert.deepEqual([JsPyQueue.remove("q"), JsPyQueue.remove("q"), JsPyQueue.clear("q"), JsPyQueue.clear("__proto__")], [true, false, false, true]);
    end.send(["push", 0, 5, "number"], ["push", 0, "5", "text"], ["push", 0, null, "none"], ["push", 0, true, "flag"]);
    assert.deepEqual([5, "5", null, true].map((key) => JsPyQueue.shift(key)), ["number", "text", "none", "flag"]);
    JsPyQueue.clear_all();
    JsPyQueue.remove_all();
    assert.deepEqual(JsPyQueue.get_keys(), []);
});

test("a long queue keeps its order at both ends", async () => {
    const end = await connected("JsPyQueue");
    end.send(...Array.from({ length: 5000 }, (_, n) => ["push", 0, "q", n]));
    const seen = Array.from({ length: 4000 }, () => JsPyQueue.shift("q"));
    assert.deepEqual(seen, Array.from({ length: 4000 }, (_, n) => n));
    assert.deepEqual([JsPyQueue.pop("q"), JsPyQueue.shift("q"), JsPyQueue.is_empty("q")], [4999, 4000, false]);
});

test("queue callbacks run once the item is in the queue; their errors are logged", async () => {
    const end = await connected("JsPyQueue");
    const seen = [];
    JsPyQueue.add_callback(() => { throw new Error("oh"); });
    JsPyQueue.add_callback((key) => seen.push([key, JsPyQueue.shift(key)]));
    const said = await quietly(() => end.send(["push", 0, "q", 1]), "error");
    await settled();
    assert.deepEqual(seen, [["q", 1]]);
    assert.equal(said.length, 1);
    assert.deepEqual(end.messages().map(([kind, what]) => [kind, what]), [["fault", "queue callback for 'q'"]]);
    JsPyQueue.clear_callback();
    end.send(["push", 0, "q", 2]);
    assert.equal(seen.length, 1);
    assert.throws(() => JsPyQueue.add_callback(5), TypeError);
});

test("queue: get waits for the next item", async () => {
    const end = await connected("JsPyQueue");
    const [first, second] = [JsPyQueue.get("q"), JsPyQueue.get("q")];
    const never = JsPyQueue.get("q", 0.01);
    end.send(["push", 0, "q", 1], ["push", 0, "q", 2]);
    assert.deepEqual(await Promise.all([first, second]), [1, 2]);
    await assert.rejects(never, { name: "TimeoutError" });
    end.send(["push", 0, "q", 3]);
    assert.equal(await JsPyQueue.get("q"), 3);
});

test("push resolves to true, or to false after a timeout or for unsendable data; undefined is null", async () => {
    const end = await connected("JsPyQueue");
    const pushed = JsPyQueue.push("q")(undefined);
    await settled();
    assert.deepEqual(end.messages(), [["push", 1, "q", null]]);
    end.send(["return", 1, true]);
    assert.equal(await pushed, true);
    assert.equal(await JsPyQueue.push("q", 0.01)(1), false);
    const said = await quietly(async () => assert.equal(await JsPyQueue.push("q")({ a: Symbol("s") }), false), "error");
    assert.match(said[0], /data\.a: a symbol/);
    assert.throws(() => JsPyQueue.push_nowait("q")(Symbol("s")), TypeError);
    for (const wrong of [undefined, {}, [1], NaN]) {
        assert.throws(() => JsPyQueue.push_nowait(wrong), TypeError);
    }
});

test("publish: the meanings of the second argument", async () => {
    const end = await connected("JsPyPubsub");
    const results = [JsPyPubsub.publish("t")(1), JsPyPubsub.publish("t", undefined)(2), JsPyPubsub.publish("t", false)(3),
        JsPyPubsub.publish("t", true)(4), JsPyPubsub.publish("t", null)(5), JsPyPubsub.publish("t", 0)(6),
        JsPyPubsub.publish("t", 1, 2)(7), JsPyPubsub.publish("t", 0.01)(undefined)];
    await settled();
    const sent = end.messages();
    assert.deepEqual(sent.map((message) => message[4]), [false, false, false, true, true, false, true, false]);
    assert.equal(sent.at(-1)[3], null);
    end.send(...sent.slice(0, -1).map(([, id]) => ["return", id, true]));
    assert.deepEqual(await Promise.all(results), [true, true, true, true, true, true, true, false]);
});

test("subscribe, deliver, replace, unsubscribe", async () => {
    const end = await connected("JsPyPubsub");
    const seen = [];
    const first = JsPyPubsub.subscribe("t", (topic, data) => seen.push(["first", topic, data]));
    await settled();
    assert.deepEqual(end.messages(), [["subscribe", 1, "t"]]);
    end.send(["return", 1, true], ["publish", 0, "t", 1, false]);
    assert.equal(await first, true);
    const second = JsPyPubsub.subscribe("t", (topic, data) => seen.push(["second", topic, data]));
    await settled();
    end.send(["return", 2, true], ["publish", 0, "t", 2, false], ["publish", 0, "else", 3, false]);
    assert.equal(await second, true);
    assert.deepEqual(seen, [["first", "t", 1], ["second", "t", 2]]);
    assert.deepEqual(JsPyPubsub.get_topics(), ["t"]);
    end.messages();
    const gone = JsPyPubsub.unsubscribe("t");
    await settled();
    assert.deepEqual(end.messages(), [["unsubscribe", 3, "t"]]);
    end.send(["return", 3, true], ["publish", 0, "t", 4, false]);
    assert.equal(await gone, true);
    assert.equal(await JsPyPubsub.unsubscribe("t"), false);
    assert.equal(seen.length, 2);
    await assert.rejects(JsPyPubsub.subscribe("t", 5), /expected a function/);
    await assert.rejects(JsPyPubsub.subscribe(5, () => 1), TypeError);
});

test("subscriptions travel in the next hello", async () => {
    const end = await connected("JsPyPubsub");
    void JsPyPubsub.subscribe("a", () => 1);
    await settled();
    end.send(["return", 1, true]);
    await settled();
    end.drop();
    JsPyTextSocket.reconnect();
    const { python } = await import("./page.mjs");
    const again = python();
    again.open();
    assert.deepEqual(again.messages()[0][3], ["a"]);
});

test("an async subscriber takes one after another; errors do not stop it", async () => {
    const end = await connected("JsPyPubsub");
    const seen = [];
    void JsPyPubsub.subscribe("a", async (topic, data) => {
        seen.push(`begin ${data}`);
        await after(3 - data);
        seen.push(`end ${data}`);
        if (data === 1) {
            throw new Error("oh");
        }
    });
    void JsPyPubsub.subscribe("b", (topic) => seen.push(topic));
    const said = await quietly(async () => {
        end.send(["publish", 0, "a", 0, false], ["publish", 0, "a", 1, false], ["publish", 0, "b", 9, false], ["publish", 0, "a", 2, false]);
        await until(() => seen.includes("end 2"));
    }, "error");
    assert.deepEqual(seen, ["begin 0", "b", "end 0", "begin 1", "end 1", "begin 2", "end 2"]);
    assert.equal(said.length, 1);
});

test("the first evaluated code keeps its place among the calls", async () => {
    const end = await connected();
    const seen = [];
    let loaded;
    installFunctions(() => new Promise((resolve) => { loaded = () => resolve(code); }));
    JsPyFunction.expose("add", (item) => seen.push(item));
    globalThis.seen = seen;
    end.send(["notify", "add", [1]], ["call", 1, "$eval", ["seen.push(2)"]], ["notify", "add", [3]]);
    end.send(["call", 2, "add", [4]]);
    await after(5);
    assert.deepEqual([seen, end.messages()], [[1], []]);
    loaded();
    await after(5);
    assert.deepEqual([seen, end.messages().sort()], [[1, 2, 3, 4], [["return", 1, 2], ["return", 2, 4]]]);
    end.send(["call", 3, "$eval", ["seen.push(5)"]], ["notify", "add", [6]]);
    assert.deepEqual(seen, [1, 2, 3, 4, 5, 6]);
    delete globalThis.seen;
});

test("code that does not end blocks nothing, not even as the first", async () => {
    const end = await connected("JsPyFunction");
    JsPyFunction.expose("f", () => 1);
    const answers = await ask(end, ["call", 1, "$eval", ["await new Promise(() => {})"]], ["call", 2, "f", []], ["call", 3, "$eval", ["2"]]);
    assert.deepEqual(answers, [["return", 2, 1], ["return", 3, 2]]);
});

test("a file that cannot be loaded blocks nothing and is requested again", async () => {
    const end = await connected();
    let attempts = 0;
    installFunctions(async () => {
        attempts += 1;
        throw new TypeError("Failed to fetch");
    });
    JsPyFunction.expose("f", () => 1);
    for (const round of [1, 2]) {
        const [value, failed] = await ask(end, ["call", 1, "$cell", ["1", "In[1]", 0]], ["call", 2, "f", []]);
        assert.deepEqual([failed.slice(0, 2), failed[2].message, value], [["error", 1], "Failed to fetch", ["return", 2, 1]]);
        assert.equal(attempts, round);
    }
});

test("an error is sent with the properties, cause and members that can be sent", async () => {
    const end = await connected("JsPyFunction");
    class OrderError extends Error {
        code = 404;
        where = ["a", null];
        call = () => 1;
        map = new Map();
        get broken() { throw new Error("a getter"); }
    }
    JsPyFunction.expose("f", () => {
        const error = new OrderError("no order", { cause: new TypeError("inner", { cause: "a text" }) });
        Object.defineProperty(error, "bad", { enumerable: true, get() { throw new Error("another getter"); } });
        throw error;
    });
    JsPyFunction.expose("all", () => Promise.any([Promise.reject(new RangeError("one")), Promise.reject(new Error("two"))]));
    const asked = async (key) => {
        end.send(["call", 1, key, []]);
        await settled();
        return end.messages()[0][2];
    };
    const error = await asked("f");
    assert.deepEqual([error.kind, error.name, error.message, error.fields], ["raised", "Error", "no order", { code: 404, where: ["a", null] }]);
    assert.deepEqual([error.cause.name, error.cause.message, error.cause.cause.message], ["TypeError", "inner", "a text"]);
    assert.deepEqual((await asked("all")).errors.map(({ name, message }) => [name, message]), [["RangeError", "one"], ["Error", "two"]]);
});

test("a call that throws a Proxy whose traps throw is answered", async () => {
    const end = await connected("JsPyFunction");
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const trap = () => { throw new Error("a trap"); };
    const thrown = [proxy, new Proxy({}, { get: trap, has: trap, getPrototypeOf: trap })];
    JsPyFunction.expose("throws", (n) => { throw thrown[n]; });
    JsPyFunction.expose("rejects", (n) => Promise.reject(thrown[n]));
    const answers = await ask(end, ["call", 1, "throws", [0]], ["call", 2, "throws", [1]], ["call", 3, "rejects", [0]], ["call", 4, "rejects", [1]]);
    assert.deepEqual(answers.map(([kind, id, { kind: how }]) => [kind, id, how]), [1, 2, 3, 4].map((id) => ["error", id, "raised"]));
});

test("cycles, long chains and large fields of an error are truncated", async () => {
    await connected("JsPyFunction");
    const describe = (error) => JsPyTextSocket._connection.errors.describe(error);
    const circle = Object.assign(new Error("a"), { list: [], big: "x".repeat(20000), code: 1 });
    circle.cause = circle;
    circle.list.push(circle.list);
    const { fields, cause } = describe(circle);
    assert.deepEqual([fields, cause], [{ code: 1 }, undefined]);
    let chain = new Error("last");
    for (let n = 0; n < 100; n += 1) {
        chain = new Error("x", { cause: chain });
    }
    let length = 0;
    for (let one = describe(chain); one.cause; one = one.cause) {
        length += 1;
    }
    assert.equal(length, 16);
    const many = describe(new AggregateError(Array.from({ length: 100 }, () => new Error("m"))));
    assert.equal(many.errors.length, 16);
    const checks = describe(Object.assign(new Error("v"), { errors: [{ path: "/a" }] }));
    assert.deepEqual([checks.fields, checks.errors], [{ errors: [{ path: "/a" }] }, undefined]);
    const odd = describe(Object.assign(new Error("o"), JSON.parse('{"__proto__": {"x": 1}}')));
    assert.equal(odd.name, "Error");
});

test("an exception of Python keeps its fields, cause and members in both directions", async () => {
    const end = await connected("JsPyFunction");
    const failed = JsPyFunction.call("f")().catch((error) => error);
    await settled();
    const inner = { kind: "raised", name: "KeyError", message: "'k'", trace: "", fields: { a: 1 } };
    const facts = { name: "OrderError", message: "m", trace: "", fields: { code: 5 }, cause: inner, errors: [inner] };
    end.send(["error", end.messages()[0][1], { kind: "raised", ...facts }]);
    const error = await failed;
    assert.deepEqual([error.fields, error.cause.name, error.cause.fields, error.errors[0].message], [{ code: 5 }, "KeyError", { a: 1 }, "'k'"]);
    assert.ok(error.cause instanceof JsPyFunction.JsPyError && error.errors[0] instanceof Error);
    const back = JsPyTextSocket._connection.errors.describe(error);
    assert.deepEqual([back.fields, back.cause.fields, back.errors[0].name], [{ code: 5 }, { a: 1 }, "KeyError"]);
    const plain = JsPyFunction.call("f")().catch((caught) => caught);
    await settled();
    end.send(["error", end.messages()[0][1], { kind: "raised", name: "E", message: "m", trace: "" }]);
    const { fields, errors } = await plain;
    assert.deepEqual([fields, errors, "cause" in await plain], [{}, [], false]);
});

test("values in the first of two calls are told where they belong", async () => {
    const end = await connected("JsPyFunction", "JsPyQueue", "JsPyPubsub");
    const says = (use, message) => assert.throws(use, { name: "TypeError", message });
    const second = (what) => new RegExp(`; pass the arguments in a second call: ${what.replace(/[()[\]{}.]/g, "\\$&")}$`);
    says(() => JsPyFunction.call("sum", 4, 7), "call(\"sum\") takes no more than its options; pass the arguments in a second call: call(\"sum\")(4, 7)");
    says(() => JsPyFunction.call("f", "x"), /^timeout must be a number of seconds \(0 or omitted for no limit\), not "x"; pass .*: call\("f"\)\("x"\)$/);
    says(() => JsPyFunction.call("f", { x: 1 }), /no option 'x'; there are 'signal' and 'timeout'; pass .*: call\("f"\)\(\{\.\.\.\}\)$/);
    says(() => JsPyFunction.call("f", [1], "two", null), second("call(\"f\")([...], \"two\", null)"));
    says(() => JsPyFunction.call_nowait("f", 1, () => 2), second("call_nowait(\"f\")(1, function)"));
    says(() => JsPyQueue.push("q", { a: 1 }), second("push(\"q\")({...})"));
    says(() => JsPyQueue.push(5, 1, 2), second("push(5)(1, 2)"));
    says(() => JsPyQueue.push_nowait("q", 1), second("push_nowait(\"q\")(1)"));
    says(() => JsPyPubsub.publish("t", { a: 1 }), second("publish(\"t\")({...})"));
    says(() => JsPyPubsub.publish("t", "news"), /^publish: suppress must be true or false, not "news"; pass .*: publish\("t"\)\("news"\)$/);
    says(() => JsPyPubsub.publish("t", false, 1, false, 5), second("publish(\"t\")(false, 1, false, 5)"));
    says(() => JsPyFunction.expose("f", () => 1, "exclusive"), "expose('f'): the options must be an object, such as { replace: ... }, not \"exclusive\"");
    assert.equal(end.messages().length, 0);
});

test("the forms of 2020 have their options in the first call, and their second call may be a callback of a list", async () => {
    const end = await connected("JsPyFunction", "JsPyQueue", "JsPyPubsub");
    for (const timeout of [undefined, null, 0, -1, 2, { timeout: 2 }]) {
        void JsPyFunction.call("f", timeout)(1).catch(() => {});
    }
    [1, 2].forEach(JsPyQueue.push_nowait("q"));
    [1, 2].map(JsPyQueue.push("q", 2));
    void JsPyPubsub.publish("t", 1, undefined)(1);
    void JsPyPubsub.publish("t", null, 1)(1);
    void JsPyPubsub.publish("t", true, 1, true)(1);
    assert.equal(JsPyFunction.expose("f", () => 1, true), true);
    await settled();
    assert.deepEqual(end.messages().map(([kind]) => kind), [...Array(6).fill("call"), ...Array(4).fill("push"), "publish", "publish", "retain"]);
});
