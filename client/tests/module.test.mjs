import assert from "node:assert/strict";
import { test } from "node:test";
import { connected, settled } from "./page.mjs";

const LIBRARY = ["JsPyFunction", "JsPyQueue", "JsPyPubsub", "JsPyBinarySocket"];
const end = await connected(...LIBRARY);
const module = await import("../../jsmeets_local/assets/jsmeets.mjs");
const { py, expose, native, queue, pubsub, ready } = module;

test("the module next to the classic files exports the same objects", () => {
    assert.ok(module.JsPyTextSocket === globalThis.JsPyTextSocket);
    assert.ok(module.JsPyError === JsPyFunction.JsPyError);
    assert.deepEqual(Object.keys(module).sort(), ["JsPyBinarySocket", "JsPyError", "JsPyFunction", "JsPyPubsub", "JsPyQueue",
        "JsPyTextSocket", "NDArray", "download", "expose", "imshow", "native", "pageState", "pubsub", "py", "queue", "ready", "state"]);
});

test("py is not a thenable and caches its functions", async () => {
    assert.ok(await py === py);
    assert.ok(py.f === py.f);
    assert.equal(py.then, undefined);
    assert.ok(py.model.fit === py["model.fit"] && await py.model === py.model);
    assert.deepEqual([py.model.then, py.model.toJSON, py.model.call], [undefined, undefined, Function.prototype.call]);
    const added = py.model.layers.add(1);
    await settled();
    assert.deepEqual(end.messages(), [["call", 1, "model.layers.add", [1]]]);
    end.send(["return", 1, 2]);
    assert.equal(await added, 2);
    const call = py["shop.add"](1, 2);
    await settled();
    const [[kind, id, key, args]] = end.messages();
    assert.deepEqual([kind, key, args], ["call", "shop.add", [1, 2]]);
    end.send(["return", id, 3]);
    assert.equal(await call, 3);
});

test("py is a global for the console, unless the page has its own", async () => {
    assert.ok(globalThis.py === py);
    const { configurable, enumerable, writable } = Object.getOwnPropertyDescriptor(globalThis, "py");
    assert.deepEqual([configurable, enumerable, writable], [true, false, true]);
    globalThis.py = "the page's";
    await import("../../jsmeets_local/assets/jsmeets.mjs?again");
    assert.equal(globalThis.py, "the page's");
    const listed = py.$list();
    await settled();
    const [[kind, id, key, args]] = end.messages();
    assert.deepEqual([kind, key, args], ["call", "$list", []]);
    end.send(["return", id, []]);
    assert.deepEqual(await listed, []);
});

test("native asks for the window of this page", async () => {
    const size = native.resize(800, 600);
    const files = native.open_dialog({ multiple: true });
    await settled();
    const messages = end.messages();
    assert.deepEqual(messages.map(([kind, , key, args]) => [kind, key, args.slice(1)]),
        [["call", "$window", ["resize", 800, 600]], ["call", "$window", ["open_dialog", { multiple: true }]]]);
    assert.deepEqual(messages.map(([, , , [page]]) => page), ["p1", "p1"]);
    end.send(["return", messages[0][1], null], ["return", messages[1][1], ["/a"]]);
    assert.deepEqual([await size, await files], [null, ["/a"]]);
    assert.throws(() => { native.more = 1; }, TypeError);
});

test("expose in its three forms", () => {
    assert.equal(expose("a", () => 1), true);
    assert.equal(expose(function b() {}), true);
    assert.equal(expose({ c() {}, d() {} }), true);
    assert.deepEqual(JsPyFunction.get_keys(), ["a", "b", "c", "d"]);
    assert.throws(() => expose((() => () => 1)()), /no name/);
    assert.equal(expose({ e() {} }, { context: true }), true);
    assert.equal(expose(function g() {}, { exclusive: true }), true);
    assert.throws(() => expose("h", () => 1, { contex: true }), /^TypeError: expose\('h'\): no option 'contex'; there are 'exclusive', 'context' and 'replace'$/);
});

test("expose replaces a function that runs, and its call goes on", async () => {
    const finished = [];
    expose("hot", () => new Promise((done) => { finished.push(done); }));
    end.messages();
    end.send(["call", 50, "hot", []]);
    await settled();
    assert.equal(JsPyFunction.expose("hot", () => "2020"), false);
    assert.equal(expose("hot", () => "new"), true);
    end.send(["call", 51, "hot", []]);
    await settled();
    finished[0]("old");
    await settled();
    const returned = end.messages().filter(([kind]) => kind === "return");
    assert.deepEqual(returned, [["return", 51, "new"], ["return", 50, "old"]]);
    assert.equal(JsPyFunction.clear("hot"), true);
});

test("an exclusive function that replaces one waits for its calls", async () => {
    const finished = [];
    expose("one", () => new Promise((done) => { finished.push(done); }), { exclusive: true });
    end.send(["call", 60, "one", []]);
    await settled();
    expose("one", () => "new", { exclusive: true });
    end.messages();
    end.send(["call", 61, "one", []]);
    await settled();
    assert.deepEqual(end.messages().filter(([kind]) => kind === "return"), []);
    finished[0]("old");
    await settled();
    assert.deepEqual(end.messages().filter(([kind]) => kind === "return"), [["return", 60, "old"], ["return", 61, "new"]]);
});

test("py.f.with: a timeout and a signal", async () => {
    const controller = new AbortController();
    const call = py.slow.with({ signal: controller.signal, timeout: 2 })(1);
    await settled();
    const [[, id, ...rest]] = end.messages();
    assert.deepEqual(rest, ["slow", [1]]);
    controller.abort(new DOMException("too late", "TimeoutError"));   // as AbortSignal.timeout does
    await assert.rejects(call, { name: "TimeoutError", constructor: DOMException });
    await assert.rejects(py.slow.with({ timeout: 0.01 })(1), { name: "TimeoutError", kind: "timeout" });
    await settled();
    assert.deepEqual(end.messages(), [["cancel", id], ["call", id + 1, "slow", [1]], ["cancel", id + 1]]);
    assert.throws(() => py.slow.with({ time: 2 }), { message: "call of 'slow': no option 'time'; there are 'signal' and 'timeout'" });
    assert.throws(() => py.slow.with(5), { name: "TypeError", message:
        "call of 'slow': the options must be an object, such as { timeout: ... }, not 5; pass the arguments in a second call: with({ timeout: 2 })(5)" });
    assert.throws(() => py.slow.with({ timeout: 2 }, 1, "a"), /pass the arguments in a second call: with\(\{ timeout: 2 \}\)\(\{\.\.\.\}, 1, "a"\)$/);
    assert.equal(typeof py.slow.with(undefined), "function");
    assert.throws(() => py.slow.with({ signal: 2 }), { message: "call of 'slow': the signal must be an AbortSignal, not 2" });
});

test("callKwargs: an object of keyword arguments behind the others", async () => {
    const calls = [py.move.callKwargs(1, { speed: 2, done() {}, path: [new Uint8Array([7])] }), py.model.fit.callKwargs({}),
        py.move.with({ timeout: 2 }).callKwargs({ a: new Map([[1, 2]]) })];
    await settled();
    const messages = end.messages();
    assert.deepEqual(messages.map(([kind, , ...rest]) => [kind, ...rest]), [
        ["call", "move", [1, { speed: 2, done: null, path: [new Uint8Array([7])] }],
            [[[3, 1, "done"], "function", 1, "done"], [[3, 1], "keywords"]]],
        ["call", "model.fit", [{}], [[[3, 0], "keywords"]]],
        ["call", "move", [{ a: [[1, 2]] }], [[[3, 0, "a"], "map"], [[3, 0], "keywords"]]],
    ]);
    end.send(...messages.map(([, id], index) => ["return", id, index]));
    assert.deepEqual(await Promise.all(calls), [0, 1, 2]);
    for (const last of [[], [1], [null], [[1]], [new Date()], ["speed"]]) {
        assert.throws(() => py.move.callKwargs(...last), { name: "TypeError", message:
            "callKwargs of 'move': the last argument must be an object of keyword arguments, such as { speed: 2 }" });
    }
    await assert.rejects(py.move.callKwargs({ a: { b: Symbol("s") } }), { message: /args\[0\]\.a\.b: a symbol cannot be sent/ });
});

test("queue and pubsub", async () => {
    const q = queue("q");
    end.send(["push", 0, "q", 1], ["push", 0, "q", 2], ["push", 0, "q", 3]);
    assert.equal(q.pop(), 3);
    const seen = [];
    for await (const item of q) {
        seen.push(item);
        if (seen.length === 2) {
            break;
        }
    }
    assert.deepEqual([seen, q.is_empty(), q.shift("none")], [[1, 2], true, "none"]);
    assert.equal(await q.push(1, { timeout: 0.01 }), false);
    assert.equal(await pubsub.publish("t", 1, { suppress: true, timeout: 0.01 }), false);
    const [push, cancel, publish, ...more] = end.messages();
    assert.throws(() => q.push(1, 5), { message: "push to 'q': the options must be an object, such as { timeout: ... }, not 5" });
    assert.throws(() => q.push(1, { retain: true }), { message: "push to 'q': no option 'retain'; there is 'timeout'" });
    assert.throws(() => pubsub.publish("t", 1, true), { message: "publish to 't': the options must be an object, such as { retain: ... }, not true" });
    assert.throws(() => expose(function f() {}, "g"), { message: "expose: the name comes first; write expose(\"g\", function)" });
    assert.deepEqual(end.messages(), []);
    assert.deepEqual([push[0], push[3], cancel, publish[0], publish.at(-1), more], ["push", 1, ["cancel", push[1]], "publish", true, []]);
});

test("ready resolves to the socket id, or rejects", async () => {
    assert.equal(await ready(1), 1);
    JsPyTextSocket.close();
    await assert.rejects(ready(1), { name: "JsPyError" });
});
