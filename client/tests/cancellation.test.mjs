import assert from "node:assert/strict";
import { test } from "node:test";
import { after, connected, connections, loadNow, python, quietly, settled, welcomed } from "./page.mjs";

const answers = async (end) => {
    await settled();
    return end.messages();
};
const failureOf = ([kind, id, { kind: why, name, message }]) => [kind, id, why, name, message];

// ---------------------------------------------------------------- calls of Python

test("a call that was sent and is given up is cancelled in Python, once; its signal has the reason", async () => {
    const end = await connected("JsPyFunction");
    const [controller, reason] = [new AbortController(), new Error("the user has left")];
    const call = JsPyFunction.call("slow", { signal: controller.signal, timeout: 5 })(1);
    assert.deepEqual(await answers(end), [["call", 1, "slow", [1]]]);
    controller.abort(reason);
    await assert.rejects(call, (error) => error === reason);
    assert.deepEqual(await answers(end), [["cancel", 1]]);
    end.send(["return", 1, "late"]);
    assert.deepEqual([JsPyTextSocket.stats().pending, JsPyTextSocket.stats().ignored], [0, 1]);
    await assert.rejects(JsPyFunction.call("slow", { signal: controller.signal })(1), (error) => error === reason);
    assert.deepEqual(await answers(end), [], "an aborted signal sends nothing");
});

test("a call that was not sent is only taken back", async () => {
    loadNow("JsPyFunction");
    const controller = new AbortController();
    const call = JsPyFunction.call("slow", { signal: controller.signal })();
    controller.abort();
    await assert.rejects(call, { name: "AbortError" });
    const end = await welcomed();
    assert.deepEqual(await answers(end), []);
});

test("a call in the same turn as its abort is not sent", async () => {
    const end = await connected("JsPyFunction");
    const controller = new AbortController();
    const call = JsPyFunction.call("slow", { signal: controller.signal })();
    controller.abort();
    await assert.rejects(call, { name: "AbortError" });
    assert.deepEqual(await answers(end), []);
});

test("an answered call leaves no listener on its signal, and is not cancelled later", async () => {
    const end = await connected("JsPyFunction");
    const { signal, listeners } = countedSignal();
    const call = JsPyFunction.call("f", { signal })();
    await settled();
    end.send(["return", 1, "value"]);
    assert.equal(await call, "value");
    assert.deepEqual(listeners(), 0);
    assert.deepEqual((await answers(end)).map(([kind]) => kind), ["call"]);
});

function countedSignal() {
    const { signal } = new AbortController();
    let count = 0;
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (...args) => (count += 1, addEventListener.apply(signal, args));
    signal.removeEventListener = (...args) => (count -= 1, removeEventListener.apply(signal, args));
    return { signal, listeners: () => count };
}

test("a large call is cancelled behind its last chunk", async () => {
    const end = await connected("JsPyFunction");
    const controller = new AbortController();
    const call = JsPyFunction.call("load", { signal: controller.signal })(new Uint8Array(3e6));
    await settled();
    controller.abort();
    await assert.rejects(call, { name: "AbortError" });
    assert.deepEqual(await answers(end), [], "six of twelve chunks are under way");
    end.send(["credit", end.transport.sent.at(-1)[4], 6]);
    assert.deepEqual((await answers(end)).map(([kind, id]) => [kind, id]), [["call", 1], ["cancel", 1]]);
});

test("a push that is given up is cancelled; a publication and a subscription are not", async () => {
    const end = await connected("JsPyFunction", "JsPyQueue", "JsPyPubsub");
    assert.equal(await JsPyQueue.push("q", 0.01)(1), false);
    assert.equal(await JsPyPubsub.publish("t", false, 0.01)(1), false);
    assert.equal(await JsPyPubsub.subscribe("t", () => 1, 0.01), false);
    assert.deepEqual((await answers(end)).map(([kind, id]) => [kind, id]), [["push", 1], ["cancel", 1], ["publish", 2], ["subscribe", 3]]);
});

// ---------------------------------------------------------------- calls by Python

test("Python's cancel aborts the signal of a function with context; its result is dropped and counted", async () => {
    const end = await connected("JsPyFunction");
    const seen = [];
    const wait = ({ signal }) => new Promise((resolve, reject) => {
        signal.addEventListener("abort", () => (seen.push(signal.reason.name), reject(signal.reason)));
    });
    JsPyFunction.expose("wait", (x, call) => (seen.push(x), wait(call)), { context: true });
    JsPyFunction.expose("deaf", () => after(20));
    end.send(["call", 1, "wait", ["x"]], ["call", 2, "deaf", []], ["call", 3, "$map", [["a"], ["b"], "wait"]]);
    await settled();
    end.send(["cancel", 1], ["cancel", 2], ["cancel", 3], ["cancel", 4]);
    assert.deepEqual(seen, ["x", "a", "b", "AbortError", "AbortError", "AbortError"]);
    await after(30);
    assert.deepEqual(await answers(end), []);
    assert.equal(JsPyTextSocket.stats().dropped, 3);
    end.send(["cancel", 1]);   // again, and late
    assert.ok(JsPyTextSocket.ready());
    assert.equal(JsPyFunction.is_running("deaf"), false);
});

test("the context has a signal for whoever asks late, and none is made for the others", async () => {
    const end = await connected("JsPyFunction");
    const made = [];
    const { AbortController } = globalThis;
    globalThis.AbortController = class extends AbortController {
        constructor() {
            super();
            made.push(this);
        }
    };
    try {
        const late = [];
        JsPyFunction.expose("late", async (call) => (await after(5), late.push(call.signal.aborted, call.signal.reason.name)), { context: true });
        JsPyFunction.expose("sum", (a, b, call) => [a + b, typeof call], { context: true });
        JsPyFunction.expose("plain", (...args) => args.length);
        end.send(["call", 1, "late", []], ["call", 2, "sum", [1, 2]], ["call", 3, "plain", [1]], ["cancel", 1]);
        assert.deepEqual(await answers(end), [["return", 2, [3, "object"]], ["return", 3, 1]]);
        assert.equal(made.length, 0);
        await after(15);
        assert.deepEqual([late, made.length], [[true, "AbortError"], 1]);
    } finally {
        globalThis.AbortController = AbortController;
    }
});

test("the end of the session aborts calls and notifications; other errors of theirs are still told", async () => {
    const end = await connected("JsPyFunction");
    const aborted = [];
    JsPyFunction.expose("f", (name, { signal }) => new Promise((resolve, reject) => {
        signal.addEventListener("abort", () => {
            aborted.push([name, signal.reason.message]);
            reject(name === "other" ? new Error("of its own") : signal.reason);
        });
    }), { context: true });
    end.send(["call", 1, "f", ["call"]], ["notify", "f", ["notify"]], ["notify", "f", ["other"]]);
    const said = await quietly(async () => {
        end.drop();
        assert.deepEqual(aborted, [], "in a microtask, when the state has settled");
        await settled();
    }, "error", "warn");
    assert.deepEqual(aborted, ["call", "notify", "other"].map((name) => [name, "the session with Python has ended"]));
    assert.deepEqual(said, ["JsPyTextSocket: error in function 'f': Error: of its own"]);
});

test("a session that goes on aborts nothing, and is cancelled over its next connection", async () => {
    loadNow("JsPyFunction");
    await settled();
    python().welcome(1, "p1", { session: "s", resume_seconds: 5 });
    let signal;
    JsPyFunction.expose("f", (call) => (signal = call.signal, new Promise(() => {})), { context: true });
    python().send(["call", 1, "f", []]);
    python().drop();
    JsPyTextSocket.reconnect();
    python().welcome(1, "p1", { session: "s", resume_seconds: 5, resumed: true, received: 0 });
    assert.equal(signal.aborted, false);
    python().send(["cancel", 1]);
    assert.equal(signal.aborted, true);
    assert.equal(connections(), 2);
});

test("a cancelled call of an exclusive function does not begin, and the next one does", async () => {
    const end = await connected("JsPyFunction");
    const begun = [];
    const ends = [];
    JsPyFunction.expose("one", (x) => (begun.push(x), new Promise((resolve) => ends.push(resolve))), { exclusive: true });
    end.send(["call", 1, "one", [1]], ["call", 2, "one", [2]], ["call", 3, "one", [3]]);
    await settled();
    end.send(["cancel", 2]);
    ends[0]("first");
    await settled();
    ends[1]("third");
    assert.deepEqual(await answers(end), [["return", 1, "first"], ["return", 3, "third"]]);
    assert.deepEqual(begun, [1, 3]);
    assert.equal(JsPyFunction.is_running("one"), false);
});

test("a call that is cancelled while it is held back does not run", async () => {
    const end = await connected("JsPyFunction", "JsPyQueue");
    const ran = [];
    JsPyFunction.expose("f", (x) => ran.push(x));
    const release = JsPyTextSocket._connection.deliveries.hold();
    end.send(["call", 1, "f", ["cancelled"]], ["call", 2, "f", ["kept"]], ["push", 3, "q", 1], ["cancel", 1], ["cancel", 3]);
    release();
    assert.deepEqual([await answers(end), ran, JsPyQueue.is_empty("q")], [[["return", 2, 1]], ["kept"], true]);
    end.send(["cancel", 2]);   // it has ended
    end.send(["call", 1, "f", ["again"]]);
    assert.deepEqual(await answers(end), [["return", 1, 2]]);
});

// ---------------------------------------------------------------- names that come late

test("a call of a name that comes is held, in order and without holding up others", async () => {
    loadNow("JsPyFunction");
    const end = await welcomed();
    JsPyFunction.expose("there", () => "at once");
    const seen = [];
    end.send(["call", 1, "coming", [1]], ["notify", "coming", [2]], ["call", 3, "there", []], ["call", 4, "$map", [[3], [4], "coming"]]);
    end.send(["call", 5, "$describe", ["coming"]]);
    assert.deepEqual(await answers(end), [["return", 3, "at once"]]);
    JsPyFunction.expose("coming", function coming(x) { return seen.push(x); });
    assert.deepEqual(seen, [], "the script that exposes it runs to its end first");
    await after(50);
    assert.deepEqual(seen, [1, 2, 3, 4]);
    const [first, mapped, described] = end.messages().sort((one, two) => one[1] - two[1]);
    assert.deepEqual([first, mapped, described[2].signature], [["return", 1, 1], ["return", 4, [3, 4]], "coming(x)"]);
});

test("a name that does not come fails two seconds after the load of the page, a later one at once", async () => {
    loadNow("JsPyFunction");
    const end = await welcomed();
    const began = performance.now();
    JsPyFunction.expose("colour", () => 1);
    end.send(["call", 1, "color", []], ["call", 2, "gone", []], ["cancel", 2]);
    await after(1800);
    assert.deepEqual(end.messages(), []);
    JsPyFunction.expose("colours", () => 1);
    await after(1995 - (performance.now() - began));
    await after(30);
    const [failure, ...more] = end.messages();
    assert.deepEqual(failureOf(failure), ["error", 1, "unknown", "UnknownFunction",
        "The page exposes no function 'color'; did you mean 'colour'? (exposed: colour, colours)"]);
    assert.deepEqual(more, []);
    end.send(["call", 3, "color", []]);
    assert.deepEqual((await answers(end)).map(([kind, id]) => [kind, id]), [["error", 3]]);
});

test("a cancelled call of a name that comes later does not run", async () => {
    loadNow("JsPyFunction");
    const end = await welcomed();
    const ran = [];
    end.send(["call", 1, "coming", [1]], ["call", 2, "coming", [2]]);
    end.send(["cancel", 1]);
    JsPyFunction.expose("coming", (x) => ran.push(x));
    assert.deepEqual([await answers(end), ran], [[["return", 2, 1]], [2]]);
});

test("a call of a name that comes ends with its session", async () => {
    loadNow("JsPyFunction");
    await settled();
    const end = python();
    end.welcome(1, "p1", { session: "one", resume_seconds: 0 });
    const ran = [];
    end.send(["call", 1, "coming", ["of the old session"]]);
    await quietly(async () => {
        end.drop();
        JsPyTextSocket.reconnect();
        await settled();
    }, "warn");
    const next = python();
    next.welcome(1, "p1", { session: "two", resume_seconds: 0 });
    next.send(["call", 1, "coming", ["of the new one"]]);
    JsPyFunction.expose("coming", (x) => ran.push(x));
    await settled();
    assert.deepEqual(ran, ["of the new one"]);
});

// ---------------------------------------------------------------- objects of Python

test("functions and methods of Python have options, too", async () => {
    const end = await connected("JsPyFunction");
    const call = JsPyFunction.call("give")();
    await settled();
    end.send(["return", 1, [null, null], [[[2, 0], "function", 7, "train"], [[2, 1], "object", 8, "Model"]]]);
    const [train, model] = await call;
    end.messages();
    const controller = new AbortController();
    const training = train.with({ signal: controller.signal })(1);
    await assert.rejects(model.fit.with({ timeout: 0.01 })(2), { name: "TimeoutError", key: "Model.fit" });
    controller.abort();
    await assert.rejects(training, { name: "AbortError" });
    assert.deepEqual(await answers(end), [["use", 2, 7, [["call", [1]]]], ["use", 3, 8, [["get", "fit"], ["call", [2]]]], ["cancel", 3], ["cancel", 2]]);
    assert.throws(() => train.with({ timeuot: 1 }), { message: "call of 'train': no option 'timeuot'; there are 'signal' and 'timeout'" });
});

test("Python cancels its use of a function of the page", async () => {
    const end = await connected("JsPyFunction");
    const went = [];
    const callback = (x) => after(10).then(() => (went.push(x), { next: (y) => went.push(y) }));
    JsPyFunction.call_nowait("on")(callback);
    const [[, , , [[, , number]]]] = await answers(end);
    end.send(["use", 1, number, [["call", ["first"]], ["get", "next"], ["call", ["never"]]]]);
    end.send(["cancel", 1]);
    await after(30);
    assert.deepEqual([went, end.messages(), JsPyTextSocket.stats().dropped], [["first"], [], 1]);
});

test("the world waits for a name that comes late, as a call does", async () => {
    loadNow("JsPyFunction");
    const end = await welcomed();
    end.send(["use", 1, 0, [["get", "coming"], ["call", [4]]]], ["use", 2, 0, [["get", "nothing_like_it"]]]);
    JsPyFunction.expose("coming", (x) => x + 1);
    assert.deepEqual(await answers(end), [["return", 1, 5]]);
    await after(2050);
    assert.deepEqual(end.messages().map(([kind, id, { kind: why, name }]) => [kind, id, why, name]), [["error", 2, "unknown", "UnknownFunction"]]);
});
