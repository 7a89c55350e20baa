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
    assert.throws(() => expose("h", () => 1, { contex: true }), /^TypeError: expose\('h'\): no option 'contex'; there are 'exclusive' and 'context'$/);
});

test("py.f.with: a timeout and a signal", async () => {
    const call = py.slow.with({ signal: AbortSignal.timeout(10), timeout: 2 })(1);
    await settled();
    const [[, id, ...rest]] = end.messages();
    assert.deepEqual(rest, ["slow", [1]]);
    await assert.rejects(call, { name: "TimeoutError", constructor: DOMException });
    await assert.rejects(py.slow.with({ timeout: 0.01 })(1), { name: "TimeoutError", kind: "timeout" });
    await settled();
    assert.deepEqual(end.messages(), [["cancel", id], ["call", id + 1, "slow", [1]], ["cancel", id + 1]]);
    assert.throws(() => py.slow.with({ time: 2 }), { message: "call of 'slow': no option 'time'; there are 'signal' and 'timeout'" });
    assert.throws(() => py.slow.with({ signal: 2 }), { message: "call of 'slow': the signal must be an AbortSignal, not 2" });
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
    assert.deepEqual([push[0], push[3], cancel, publish[0], publish.at(-1), more], ["push", 1, ["cancel", push[1]], "publish", true, []]);
});

test("ready resolves to the socket id, or rejects", async () => {
    assert.equal(await ready(1), 1);
    JsPyTextSocket.close();
    await assert.rejects(ready(1), { name: "JsPyError" });
});
